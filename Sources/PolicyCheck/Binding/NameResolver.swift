import FlowTrace
import HostModel
import RuleGraph

/// Turns the texts of a policy into sets of values, with the policy's names and a host's containers.
///
/// A text is a list with commas of names and of what the command line understands; an exclamation mark before it takes
/// its values out.
struct NameResolver {
  let names: [String: PolicyValue]
  let facts: HostFacts
  private(set) var mistakes: [PolicyMistake] = []

  init(names: [String: PolicyValue], facts: HostFacts) {
    self.names = names
    self.facts = facts
  }

  /// Values of a field, and the ports that were named with an address.
  struct Values {
    var set: ValueSet = .empty
    var ports: ValueSet?
  }

  mutating func report(_ place: PolicyPlace, _ message: String) {
    mistakes.append(PolicyMistake(place, message))
  }

  /// The values of an address, port, protocol or interface option; nil after a mistake.
  mutating func values(_ option: QueryOption, _ value: PolicyValue, within universe: ValueSet) -> Values? {
    var wanted = Values()
    var unwanted = ValueSet.empty
    var hasWanted = false
    for part in value.parts {
      let isNegated = part.text.hasPrefix("!")
      let text = isNegated ? String(part.text.dropFirst()) : part.text
      for word in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let found = named(option, String(word), part.place, inside: []) else { return nil }
        if isNegated {
          guard found.ports == nil else {
            report(
              part.place,
              "\(part.text): an address with a port can't be excluded; exclude the address, and set dport separately")
            return nil
          }
          unwanted = unwanted.union(found.set)
          continue
        }
        if hasWanted, wanted.ports != found.ports {
          report(
            part.place, "\(value.text): the addresses have different ports; set them separately, in dport or sport")
          return nil
        }
        wanted.set = wanted.set.union(found.set)
        wanted.ports = found.ports
        hasWanted = true
      }
    }
    let base = hasWanted ? wanted.set : universe
    return Values(set: base.subtracting(unwanted), ports: wanted.ports)
  }

  /// A name of the policy, possibly with a port behind it, or what the command line understands.
  private mutating func named(
    _ option: QueryOption, _ word: String, _ place: PolicyPlace, inside: [String]
  ) -> Values? {
    if let value = names[word] {
      guard !inside.contains(word) else {
        report(value.place, "the name \(word) stands for itself: \((inside + [word]).joined(separator: " > "))")
        return nil
      }
      var result = Values()
      for part in value.parts {
        for inner in part.text.split(separator: ",", omittingEmptySubsequences: false) {
          guard let found = named(option, String(inner), part.place, inside: inside + [word]) else { return nil }
          result.set = result.set.union(found.set)
          result.ports = found.ports ?? result.ports
        }
      }
      return result
    }
    if option == .src || option == .dst, let colon = word.lastIndex(of: ":"), names[String(word[..<colon])] != nil {
      guard var found = named(option, String(word[..<colon]), place, inside: inside),
        let ports = literal(option == .src ? .sport : .dport, String(word[word.index(after: colon)...]), place)
      else { return nil }
      found.ports = ports.set
      return found
    }
    return literal(option, word, place)
  }

  private mutating func literal(_ option: QueryOption, _ word: String, _ place: PolicyPlace) -> Values? {
    var builder = QueryBuilder(facts: facts)
    do throws(QueryTextError) {
      try builder.set(option, word)
      let query = try builder.query()
      switch option {
      case .src: return Values(set: query.source ?? .all, ports: query.sourcePort)
      case .dst: return Values(set: query.destination ?? .all, ports: query.destinationPort)
      case .sport: return query.sourcePort.map { Values(set: $0) }
      case .dport: return query.destinationPort.map { Values(set: $0) }
      case .input: return query.input.map { Values(set: $0) }
      case .output: return query.output.map { Values(set: $0) }
      case .physin: return query.physicalInput.map { Values(set: $0) }
      default: return nil
      }
    } catch {
      report(place, "\(word): \(problem(error.problem, word))")
      return nil
    }
  }

  /// What is wrong with a word, with the policy's names among those that it may have been meant to be.
  private func problem(_ problem: String, _ word: String) -> String {
    let beginning = word.split(separator: ":").first.map(String.init) ?? word
    guard let near = Spelling.nearest(to: beginning, among: names.keys.sorted()) else { return problem }
    return "no such name; did you mean \(near)?"
  }

  /// The protocols and ports of `443/tcp`, `tcp/443`, `8000-8999/udp`, or a name for several of them, by protocol.
  mutating func services(_ value: PolicyValue) -> [UInt128: ValueSet]? {
    var result: [UInt128: ValueSet] = [:]
    for part in value.parts {
      for word in part.text.split(separator: ",", omittingEmptySubsequences: false) {
        guard add(service: String(word), part.place, inside: [], to: &result) else { return nil }
      }
    }
    return result
  }

  private mutating func add(
    service word: String, _ place: PolicyPlace, inside: [String], to result: inout [UInt128: ValueSet]
  ) -> Bool {
    if let value = names[word], !inside.contains(word) {
      for part in value.parts {
        for inner in part.text.split(separator: ",") {
          guard add(service: String(inner), part.place, inside: inside + [word], to: &result) else { return false }
        }
      }
      return true
    }
    let halves = word.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard halves.count == 2, let first = halves.first, let last = halves.last else {
      let near = Spelling.nearest(to: word, among: names.keys.sorted()).map { "; did you mean \($0)?" }
      report(place, "\(word): a service is a port and a protocol, as in 443/tcp\(near ?? "")")
      return false
    }
    let portIsFirst = first.utf8.first.map { $0.isDigit } ?? false
    let (port, transport) = portIsFirst ? (first, last) : (last, first)
    var builder = QueryBuilder(facts: facts)
    do throws(QueryTextError) {
      try builder.set(.proto, transport)
      try builder.set(.dport, port)
      let query = try builder.query()
      guard let protocols = query.transport, let ports = query.destinationPort else { return false }
      for interval in protocols.intervals {
        for number in interval { result[number] = (result[number] ?? .empty).union(ports) }
      }
      return true
    } catch {
      report(place, "\(word): \(error.problem)")
      return false
    }
  }
}

import FlowTrace
import HostModel
import RuleGraph

extension NameResolver {
  /// The packets that a description stands for on a host, as disjoint boxes; nil after a mistake.
  mutating func boxes(_ packet: PacketText) -> [PacketBox]? {
    let before = mistakes.count
    let addresses = ValueSet.all
    var source: Values?
    var destination: Values?
    var input: ValueSet?
    var physicalInput: ValueSet?
    var output: ValueSet?
    var sourcePort: ValueSet?
    var destinationPort: ValueSet?
    var services: [UInt128: ValueSet]?
    var plain: [PacketText.Field] = []
    for field in packet.fields {
      let value = field.value
      switch field.key {
      case .option(.src): source = values(.src, value, within: addresses)
      case .option(.dst), .to: destination = values(.dst, value, within: addresses)
      case .option(.from):
        if value.parts.allSatisfy({ isOfPolicy($0.text) }) {
          source = values(.src, value, within: addresses)
        } else {
          plain.append(field)
        }
      case .option(.input):
        if value.parts.isEmpty { plain.append(field) } else { input = interfaces(.input, value) }
      case .option(.physin): physicalInput = interfaces(.physin, value)
      case .option(.output): output = interfaces(.output, value)
      case .option(.sport): sourcePort = values(.sport, value, within: .bits(16))?.set
      case .option(.dport): destinationPort = values(.dport, value, within: .bits(16))?.set
      case .service: services = self.services(value)
      case .option: plain.append(field)
      }
    }
    if let ports = source?.ports { sourcePort = ports }
    if let ports = destination?.ports { destinationPort = ports }
    guard mistakes.count == before else { return nil }
    if services != nil, let other = packet.value(.option(.proto)) {
      report(other.place, "service names the protocol already: leave proto out")
      return nil
    }
    guard let families = families(packet, source?.set, destination?.set) else { return nil }

    var result: [PacketBox] = []
    for family in families {
      for (transport, ports) in services?.sorted(by: { $0.key < $1.key }).map({ (Optional($0.key), $0.value) })
        ?? [(nil, destinationPort ?? .bits(16))]
      {
        let hasPorts = sourcePort != nil || destinationPort != nil || services != nil
        let to = destination?.set.intersection(family.ownAddresses)
        guard var query = query(plain, family, transport, to: to, hasPorts: hasPorts) else { return nil }
        if let source { query.source = source.set.intersection(family.ownAddresses) }
        if let to { query.destination = to }
        query.sourcePort = sourcePort
        if destinationPort != nil || services != nil {
          query.destinationPort = ports.intersection(destinationPort ?? .all)
        }
        if let input {
          query.input = input
          query.origin = .wire
        }
        query.physicalInput = physicalInput
        query.output = output
        query.family = family
        result += PacketBox.boxes(of: query)
      }
    }
    return result
  }

  /// Whether `from` names addresses; `host` and `outside` are senders, whatever a policy calls so.
  private func isOfPolicy(_ text: String) -> Bool {
    if text == "host" || text == "outside" { return false }
    let bare = text.hasPrefix("!") ? text.dropFirst() : text[...]
    return bare.split(separator: ",").allSatisfy { names[String($0)] != nil || Prefix($0) != nil }
  }

  private mutating func interfaces(_ option: QueryOption, _ value: PolicyValue) -> ValueSet? {
    values(option, value, within: InterfaceName.anyName)?.set
  }

  /// The families that a description can be of.
  private mutating func families(
    _ packet: PacketText, _ source: ValueSet?, _ destination: ValueSet?
  ) -> [AddressFamily]? {
    var families = AddressFamily.allCases
    if let value = packet.value(.option(.family)) {
      var builder = QueryBuilder(facts: facts)
      do throws(QueryTextError) {
        try builder.set(.family, value.text)
        if let family = try builder.query().family { families = [family] }
      } catch {
        report(value.place, "\(value.text): \(error.problem)")
        return nil
      }
    }
    let fitting = families.filter { family in
      [source, destination].allSatisfy { $0.map { !$0.isDisjoint(with: family.ownAddresses) } ?? true }
    }
    if fitting.isEmpty {
      report(packet.place, "no packet fits: source, destination and family are not all IPv4 or all IPv6")
      return nil
    }
    return fitting
  }

  /// The options that take no names, as the command line reads them.
  private mutating func query(
    _ fields: [PacketText.Field], _ family: AddressFamily, _ transport: UInt128?, to destination: ValueSet?,
    hasPorts: Bool
  ) -> Query? {
    var builder = QueryBuilder(facts: facts)
    var place = PolicyPlace(line: 1, column: 1)
    var text = ""
    do throws(QueryTextError) {
      try builder.set(.family, family == .ipv4 ? "ipv4" : "ipv6")
      if let transport { try builder.set(.proto, String(transport)) }
      if let destination { builder.setDestination(destination) }
      // Who sends comes before the rest, as it fixes an interface that others may narrow.
      for field in fields.filter({ $0.key == .option(.from) }) + fields.filter({ $0.key != .option(.from) }) {
        guard case .option(let option) = field.key, option != .family else { continue }
        place = field.value.place
        text = field.value.text
        if option == .input { builder.setSentByHost() } else { try builder.set(option, text) }
      }
      var query = try builder.query()
      if query.transport == nil, hasPorts { query.transport = ValueSet(6) }
      if hasPorts, let transport = query.transport, transport.isDisjoint(with: IPProtocol.withPorts) {
        report(place, "\(transport.text(as: .transport)) has no ports")
        return nil
      }
      return query
    } catch {
      report(place, "\(text): \(error.problem)")
      return nil
    }
  }
}

extension PacketBox {
  /// A question of one family as boxes: one for packets from a wire, one for those of the host, as far as it asks for
  /// them.
  static func boxes(of query: Query) -> [PacketBox] {
    var origins: [Query.Origin] = [query.origin]
    if query.origin == .open {
      origins = query.input == nil && query.physicalInput == nil ? [.wire, .host] : [.wire]
    }
    return origins.compactMap { origin in
      var one = query
      one.origin = origin
      return PacketBox(one)
    }
  }
}

import FlowTrace
import HostModel
import RuleGraph

/// Marks what is open and should not be.
struct MarkSearch {
  private let ruleset: Ruleset
  private let facts: HostFacts
  private let zones: [Zone]
  /// The rules that deny single ports, by port.
  private let denials: [UInt16: [RuleID]]

  init(_ host: AnalysedHost, zones: [Zone]) {
    ruleset = host.ruleset
    facts = host.facts
    self.zones = zones
    denials = Self.denials(host.ruleset)
  }

  func mark(_ accesses: inout [Access]) {
    for index in accesses.indices where zones[accesses[index].zone].isOutside {
      let access = accesses[index]
      guard access.outcome == .open, access.service.subject == .hostPort, let port = access.ports.single else {
        continue
      }
      let number = UInt16(truncatingIfNeeded: port)
      if isForEverybody(access), let kind = sensitive(access, number) { accesses[index].marks.append(.sensitive(kind)) }
      accesses[index].marks += unmetDenials(access, number).map { .unmetDenial($0) }
      if isLoopback(access) { accesses[index].marks.append(.loopbackReached) }
    }
    markPorts(&accesses)
  }

  // MARK: Single accesses

  private func isForEverybody(_ access: Access) -> Bool {
    !isLoopback(access) && access.isOfMostSources(in: zones[access.zone])
  }

  private func isLoopback(_ access: Access) -> Bool {
    access.destinations.single.map { IPAddress(bits: $0).isLoopback } ?? false
  }

  private func sensitive(_ access: Access, _ port: UInt16) -> SensitiveService? {
    guard access.service.transport == .tcp else { return nil }
    // A container's own port says what runs there; the host's may be any.
    if case .container(_, let endpoint?, _) = access.answer { return SensitiveService(port: endpoint.port) }
    return SensitiveService(port: port)
  }

  /// The rules that would drop these packets as they came in, and that let them through: they are never met, or see
  /// them changed.
  private func unmetDenials(_ access: Access, _ port: UInt16) -> [RuleID] {
    (denials[port] ?? []).filter { id in
      guard ruleset.tables[id.table].family.sees(access.service.family) else { return false }
      return ruleset[id].statements.allSatisfy { statement in
        switch statement {
        case .match(let match): covers(match, access, port)
        case .verdict, .effect: true
        default: false
        }
      }
    }
  }

  /// Whether a match holds for all packets of an access as they came in.
  private func covers(_ match: Match, _ access: Access, _ port: UInt16) -> Bool {
    guard case .values(let values) = match.values else { return false }
    // New connections are what is asked about.
    if case .bitwise(.field(.conntrack(let field)), let mask, 0) = match.subject, field.key == .state {
      return match.negated && values == ValueSet(0) && mask & ConntrackState.new != 0
    }
    guard case .field(let field) = match.subject else { return false }
    func all(_ own: ValueSet) -> Bool { match.negated ? own.isDisjoint(with: values) : own.isSubset(of: values) }
    switch field {
    case .meta(.iifname): return all(zones[access.zone].input)
    case .meta(.l4proto): return all(ValueSet(access.service.transport))
    case .header(let header):
      switch header.name {
      case .saddr: return all(access.sources)
      case .daddr: return all(access.destinations)
      case .dport: return all(ValueSet(port))
      default: return false
      }
    case .conntrack(let field) where field.key == .state: return all(ValueSet(ConntrackState.new))
    default: return false
    }
  }

  /// The rules that drop or reject what is for few ports.
  private static func denials(_ ruleset: Ruleset) -> [UInt16: [RuleID]] {
    var found: [UInt16: [RuleID]] = [:]
    for (t, table) in ruleset.tables.enumerated() {
      for (c, chain) in table.chains.enumerated() {
        for (r, rule) in chain.rules.enumerated() where rule.denies {
          for case .match(let match) in rule.statements where !match.negated {
            guard case .field(.header(let header)) = match.subject, header.name == .dport,
              case .values(let values) = match.values, values.count <= 256
            else { continue }
            for port in values.intervals.flatMap({ Array($0) }) where port <= 65535 {
              found[UInt16(port), default: []].append(RuleID(table: t, chain: c, rule: r))
            }
          }
        }
      }
    }
    return found
  }

  // MARK: All accesses of a port

  private struct PortOfZone: Hashable {
    var zone: Int
    var transport: IPProtocol
    var port: UInt128
  }

  private func markPorts(_ accesses: inout [Access]) {
    let indices = accesses.indices.filter {
      zones[accesses[$0].zone].isOutside && accesses[$0].service.subject == .hostPort
        && accesses[$0].ports.single != nil
    }
    let groups = Dictionary(grouping: indices) { index in
      PortOfZone(
        zone: accesses[index].zone, transport: accesses[index].service.transport, port: accesses[index].ports.first ?? 0
      )
    }
    for group in groups.values {
      let open = group.filter { accesses[$0].outcome == .open }
      let answers = Set(open.compactMap { accesses[$0].answer.map(Answerer.init) })
      if answers.count > 1 { for index in open { accesses[index].marks.append(.severalAnswer) } }
      guard facts.addressesKnown.contains(.ipv4) else { continue }
      let older = group.filter {
        accesses[$0].service.family == .ipv4 && accesses[$0].outcome != .closed(.packet) && isForEverybody(accesses[$0])
      }
      let asked = group.contains { accesses[$0].service.family == .ipv4 && !isLoopback(accesses[$0]) }
      guard older.isEmpty, asked else { continue }
      for index in open where accesses[index].service.family == .ipv6 && isForEverybody(accesses[index]) {
        accesses[index].marks.append(.onlyOverIPv6)
      }
    }
  }

  /// Who answers, whichever way the packets go.
  private enum Answerer: Hashable {
    case container(String?, Endpoint?)
    case program(String?)
    case host

    init(_ answer: Access.Answer) {
      switch answer {
      // The same container has an address of each family.
      case .container(let name?, let endpoint, _):
        self = .container(name, endpoint.map { Endpoint(IPAddress(bits: 0), $0.port) })
      case .container(nil, let endpoint, _): self = .container(nil, endpoint)
      case .program(let name, _): self = .program(name)
      case .host: self = .host
      }
    }
  }
}

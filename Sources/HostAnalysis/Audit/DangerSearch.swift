import FlowTrace
import HostModel
import RuleGraph

/// Finds what is open, or closed, that should not be: each found by asking the tracer.
struct DangerSearch {
  private let host: AnalysedHost
  private let exposure: Exposure

  init(_ host: AnalysedHost, _ exposure: Exposure) {
    self.host = host
    self.exposure = exposure
  }

  func findings() -> [Finding] {
    ofServices() + ofPorts() + ofContainers() + neighbours() + AddressFamily.allCases.compactMap { fragmentation($0) }
  }

  private func zone(_ access: Access) -> Zone { exposure.zones[access.zone] }

  // MARK: Exposure

  /// What the exposure of the host marks, once for each port.
  private func ofServices() -> [Finding] {
    var findings: [Finding] = []
    func add(_ fact: Finding.Fact, _ severity: Finding.Severity, _ access: Access) {
      if findings.contains(where: { $0.fact == fact }) { return }
      var finding = Finding(fact: fact, severity: severity, rule: access.decidedBy.rule, witness: access.query)
      if finding.rule == nil, case .policy(let chain) = access.decidedBy { finding.chain = chain }
      findings.append(finding)
    }
    for access in exposure.accesses {
      guard let port = access.ports.single.flatMap({ UInt16(exactly: $0) }) else { continue }
      for mark in access.marks {
        switch mark {
        case .sensitive(let service): add(.sensitiveService(service, port), .high, access)
        case .loopbackReached: add(.loopbackReached(port), .warning, access)
        case .onlyOverIPv6: add(.onlyOverIPv6(port), .high, access)
        case .unmetDenial, .severalAnswer: continue
        }
      }
    }
    return findings
  }

  /// More ports than this are not opened for one service.
  private static let fewPorts: UInt128 = 16

  /// Ports that rules open to everybody and that a sensitive service usually has, where nobody showed which programs
  /// listen.
  private func ofPorts() -> [Finding] {
    if host.facts.socketsKnown { return [] }
    var findings: [Finding] = []
    for access in exposure.accesses {
      guard zone(access).isOutside, access.service.subject == .otherHostPorts, access.service.transport == .tcp,
        access.outcome == .open, access.isLetByRules, access.ports.count <= Self.fewPorts,
        access.isOfMostSources(in: zone(access))
      else { continue }
      for port in access.ports.intervals.joined() {
        guard let number = UInt16(exactly: port), let service = SensitiveService(port: number) else { continue }
        let fact = Finding.Fact.sensitivePort(service, number)
        if findings.contains(where: { $0.fact == fact }) { continue }
        var query = access.query
        query?.destinationPort = ValueSet(number)
        findings.append(
          Finding(
            fact: fact, severity: .warning, rule: access.decidedBy.rule, chain: access.decidedBy.chain, witness: query))
      }
    }
    return findings
  }

  /// Ports of containers that nobody published and that outsiders reach, and ports of the host that containers reach
  /// although outsiders don't.
  private func ofContainers() -> [Finding] {
    var findings: [Finding] = []
    let isHostOpen = exposure.accesses.contains {
      zone($0).isOutside && $0.service.subject == .otherHostPorts && $0.outcome != .closed(.packet) && $0.isOfMostPorts
    }
    for access in exposure.accesses {
      switch access.service.subject {
      case .otherContainerPorts(let bridge):
        // Addresses that nobody showed a bridge for may be any hosts that are forwarded to.
        guard let bridge, zone(access).isOutside, access.outcome == .open, access.isOfMostPorts, access.isLetByRules
        else { continue }
        let fact = Finding.Fact.forwardsAll(from: zone(access).interface, to: bridge)
        if !findings.contains(where: { $0.fact == fact }) {
          findings.append(
            Finding(
              fact: fact, severity: .high, rule: access.decidedBy.rule, chain: access.decidedBy.chain,
              witness: access.query))
        }
      case .otherHostPorts:
        guard !isHostOpen, case .network(let bridge) = zone(access).kind, access.isOfMostPorts,
          access.outcome == .open || access.outcome == .unanswered
        else { continue }
        let fact = Finding.Fact.containersReachHost(bridge: bridge)
        if !findings.contains(where: { $0.fact == fact }) {
          findings.append(
            Finding(
              fact: fact, severity: .warning, rule: access.decidedBy.rule, chain: access.decidedBy.chain,
              witness: access.query))
        }
      case .hostPort, .containerPort: continue
      }
    }
    return findings
  }

  // MARK: Messages that hosts need

  private func isShown(_ family: AddressFamily) -> Bool {
    !exposure.unfiltered.contains(family)
      && host.ruleset.tables.contains { table in
        table.family.sees(family) && table.shown == .whole && table.chains.contains { $0.base?.hook == .input }
      }
  }

  private var outside: Zone? { exposure.zones.first { $0.isOutside } }

  /// Neighbour solicitations (RFC 4861): without them nobody on the link finds the host over IPv6.
  private func neighbours() -> [Finding] {
    guard isShown(.ipv6), let outside,
      let own = outside.gateways.first(where: { $0.family == .ipv6 })?.bits ?? host.tracer.ownAddresses(.ipv6).first
    else { return [] }
    var query = Query()
    query.family = .ipv6
    query.origin = .wire
    query.phase = .untracked
    query.input = outside.input
    query.transport = ValueSet(58)
    query.fields[.header(HeaderField(.icmpv6, .type))] = ValueSet(135)
    query.fields[.header(HeaderField(.icmpv6, .code))] = ValueSet(0)
    query.fields[.header(HeaderField(.ip6, .hoplimit))] = ValueSet(255)
    query.source = ValueSet((UInt128(0xfe80) << 112) | 0x9)
    query.destination = ValueSet(own)
    return dropped(query, .neighboursDropped, .high).map { [$0] } ?? []
  }

  /// "Fragmentation needed" (RFC 1191) and "packet too big" (RFC 8201) of a connection of the host: without them large
  /// packets vanish.
  private func fragmentation(_ family: AddressFamily) -> Finding? {
    guard isShown(family), let outside,
      let own = host.tracer.ownAddresses(family).subtracting(HostAddresses.linkLocal6).first
    else { return nil }
    var query = Query()
    query.family = family
    query.origin = .wire
    query.phase = .related
    query.input = outside.input
    query.transport = ValueSet(family == .ipv4 ? 1 : 58)
    let header: Header = family == .ipv4 ? .icmp : .icmpv6
    query.fields[.header(HeaderField(header, .type))] = ValueSet(family == .ipv4 ? 3 : 2)
    query.fields[.header(HeaderField(header, .code))] = ValueSet(family == .ipv4 ? 4 : 0)
    query.source = ValueSet(family.exampleOutside)
    query.destination = ValueSet(own)
    return dropped(query, .fragmentationDropped(family), .warning)
  }

  /// A finding where every packet of a question is stopped by the rules.
  private func dropped(_ query: Query, _ fact: Finding.Fact, _ severity: Finding.Severity) -> Finding? {
    let cases = host.tracer.cases(of: query)
    guard let first = cases.first, cases.allSatisfy({ $0.verdict == .drop || $0.verdict == .reject }) else {
      return nil
    }
    switch first.decidedBy {
    case .rule, .policy: break
    case .nothing, .outside: return nil
    }
    return Finding(
      fact: fact, severity: severity, rule: first.decidedBy.rule, chain: first.decidedBy.chain, witness: query)
  }
}

extension Decider {
  /// The rule, where it is one.
  var rule: RuleID? { if case .rule(let id) = self { id } else { nil } }

  /// The chain whose policy it is.
  var chain: ChainID? { if case .policy(let id) = self { id } else { nil } }
}

extension Access {
  /// Whether rules could stop it: nothing does where packets never pass them.
  fileprivate var isLetByRules: Bool { decidedBy.rule != nil || decidedBy.chain != nil }

  /// Whether it is of more than a range or two of ports that somebody opened.
  fileprivate var isOfMostPorts: Bool { ports.count > 1 << 15 }

  /// The question about its witness.
  var query: Query? {
    guard let witness else { return nil }
    var query = Query()
    query.family = service.family
    query.origin = witness.input == nil ? .host : .wire
    query.input = witness.input.flatMap { InterfaceName($0) }.map { ValueSet($0.value) }
    query.transport = ValueSet(witness.transport)
    query.source = witness.source.map { ValueSet($0.bits) }
    query.sourcePort = ValueSet(witness.sourcePort)
    query.destination = ValueSet(witness.destination.bits)
    query.destinationPort = ValueSet(witness.destinationPort)
    return query
  }
}

import FlowTrace
import HostModel
import RuleGraph

/// Finds rules that do something else than they seem to be meant for: what they ask for is changed before, the packets
/// go another way, or another chain has the last word. Each is proved with a packet that was traced.
struct PurposeSearch {
  private let host: AnalysedHost
  private let exposure: Exposure
  private let tables: [TableReach]
  /// The base chains at input that filter.
  private let inputFilters: [ChainID]

  /// As many rules are tried for whether another base chain overrules them.
  private static let overruledLimit = 200

  init(_ host: AnalysedHost, _ exposure: Exposure, _ tables: [TableReach]) {
    self.host = host
    self.exposure = exposure
    self.tables = tables
    inputFilters = host.ruleset.tables.enumerated().flatMap { t, table in
      table.chains.enumerated().filter { $1.base?.hook == .input && $1.base?.type == .filter }.map {
        ChainID(table: t, chain: $0.offset)
      }
    }
  }

  func findings() -> [Finding] {
    unmetDenials() + translatedPorts() + bansBesideContainers() + droppedReplies() + overruled()
  }

  // MARK: Ports that are published

  /// Rules that deny a port of the host: packets to a published one are translated first, and forwarded.
  private func unmetDenials() -> [Finding] {
    var findings: [Finding] = []
    // What lets most senders in tells most.
    for access in exposure.accesses.sorted(by: { $0.sources.count > $1.sources.count }) {
      guard let port = access.ports.single.flatMap({ UInt16(exactly: $0) }) else { continue }
      for case .unmetDenial(let rule) in access.marks where !findings.contains(where: { $0.rule == rule }) {
        findings.append(
          Finding(
            fact: .deniesPublishedPort(port), severity: .high, rule: rule,
            because: access.decidedBy.rule.map { [$0] } ?? [],
            witness: access.query))
      }
    }
    // A rule that asks for the port after its translation is told of in another way.
    return findings.filter { finding in
      finding.rule.map { hooks(of: $0.chainID).contains(.input) } ?? true
    }
  }

  /// Whether packets of a chain have had their destination translated.
  private func isBehindTranslation(_ chain: ChainID) -> Bool {
    hooks(of: chain).isSubset(of: [.forward, .postrouting])
  }

  /// The hooks whose base chains lead to a chain.
  private func hooks(of chain: ChainID) -> Set<Hook> {
    guard let reach = tables.first(where: { $0.audited.index == chain.table }) else { return [] }
    return Set(reach.bases(of: chain.chain).compactMap { reach.audited.table.chains[$0].base?.hook })
  }

  /// Rules in the way of forwarded packets that ask for the port of the host: by then it is the container's.
  private func translatedPorts() -> [Finding] {
    let published = host.inferred.publishedPorts
    let inner = Set(published.compactMap { $0.targetPort ?? $0.ports.single.flatMap { UInt16(exactly: $0) } })
    var findings: [Finding] = []
    for reach in tables {
      for (c, chain) in reach.audited.table.chains.enumerated() where RuleWriter(reach.audited.table, chain) == .person
      {
        let id = ChainID(table: reach.audited.index, chain: c)
        guard isBehindTranslation(id), !hooks(of: id).isEmpty else { continue }
        for (r, rule) in chain.rules.enumerated() where rule.denies || rule.accepts {
          guard let asked = rule.destinationPort, !inner.contains(asked.port) else { continue }
          let ports = published.filter {
            $0.ports.contains(UInt128(asked.port)) && $0.targetPort != nil && $0.targetPort != asked.port
              && asked.transports.contains(UInt128($0.transport ?? 6))
          }
          guard let port = ports.first, let target = port.targetPort else { continue }
          let rule = RuleID(table: id.table, chain: id.chain, rule: r)
          var finding = Finding(
            fact: .portIsTranslated(asked.port, to: target), severity: host.ruleset[rule].denies ? .high : .warning,
            rule: rule,
            because: [port.evidence])
          let access = exposure.accesses.first {
            exposure.zones[$0.zone].isOutside && $0.ports.contains(UInt128(asked.port))
              && $0.service.subject == .hostPort
              && $0.service.transport == IPProtocol(rawValue: port.transport ?? 6)
          }
          finding.witness = access?.query
          if let query = finding.witness, isMended(rule, asked.port, query) { finding.mend = .originalPort(asked.port) }
          findings.append(finding)
        }
      }
    }
    return findings
  }

  /// Whether the rule decides about a packet once it asks for the port that the packet had before.
  private func isMended(_ id: RuleID, _ port: UInt16, _ query: Query) -> Bool {
    var ruleset = host.ruleset
    var statements = ruleset[id].statements
    for index in statements.indices {
      guard case .match(let match) = statements[index], case .field(.header(let header)) = match.subject,
        header.name == .dport
      else { continue }
      statements[index] = .match(Match(.conntrack(ConntrackField(.protoDst, .original)), in: ValueSet(port)))
    }
    ruleset.tables[id.table].chains[id.chain].rules[id.rule].statements = statements
    let cases = Tracer(ruleset, facts: host.facts).cases(of: query)
    return !cases.isEmpty && cases.allSatisfy { $0.decidedBy == .rule(id) }
  }

  /// Chains at input that stop single sources: to ports of containers these get all the same.
  private func bansBesideContainers() -> [Finding] {
    let open = exposure.accesses.filter { access in
      guard exposure.zones[access.zone].isOutside, access.outcome == .open, access.service.subject == .hostPort,
        case .container? = access.answer
      else { return false }
      return true
    }
    if open.isEmpty { return [] }
    var findings: [Finding] = []
    for reach in tables {
      for (c, chain) in reach.audited.table.chains.enumerated() {
        let id = ChainID(table: reach.audited.index, chain: c)
        guard hooks(of: id) == [.input], let ban = firstBan(chain.rules, reach, c) else { continue }
        for access in open {
          guard var query = access.query, access.service.family == IPAddress(bits: ban.source).family,
            isFor(access, reach, c)
          else { continue }
          query.source = ValueSet(ban.source)
          let cases = host.tracer.cases(of: query)
          guard !cases.isEmpty, cases.allSatisfy({ $0.verdict == .accept }) else { continue }
          let rule = RuleID(table: id.table, chain: c, rule: ban.rule)
          findings.append(
            Finding(
              fact: .banLeavesContainers, severity: .high, rule: rule,
              because: cases[0].decidedBy.rule.map { [$0] } ?? [], witness: query))
          break
        }
      }
    }
    return findings
  }

  /// The first rule that stops some sources whatever they send.
  private func firstBan(_ rules: [Rule], _ reach: TableReach, _ chain: Int) -> (rule: Int, source: UInt128)? {
    for (index, rule) in rules.enumerated() where rule.denies {
      let pattern = reach.patterns[chain][index]
      let id = RuleID(table: reach.audited.index, chain: chain, rule: index)
      guard pattern.isExact, let part = reach.packets(at: id) else { continue }
      for header in [Header.ip, .ip6] {
        let source = PacketSpace.Dimension.field(.header(HeaderField(header, .saddr)))
        guard let banned = pattern.values[source], pattern.values.keys.allSatisfy({ $0 == source || $0 == .family }),
          banned.count < AddressFamily.ipv4.allAddresses.count / 2,
          let first = reach.space.values(source, in: part)?.first
        else { continue }
        return (index, first)
      }
    }
    return nil
  }

  /// Whether packets to a port may come to a chain, as far as ports go: a ban from one service is none from others.
  private func isFor(_ access: Access, _ reach: TableReach, _ chain: Int) -> Bool {
    reach.arrivals[chain].contains { arrival in
      let ports = reach.space.values(.port(.dport), in: arrival.part) ?? .all
      let transports = reach.space.values(.transport, in: arrival.part) ?? .all
      return !ports.isDisjoint(with: access.ports) && transports.contains(UInt128(access.service.transport.rawValue))
    }
  }

  // MARK: Answers

  /// Container networks whose packets get out and whose answers don't come back.
  private func droppedReplies() -> [Finding] {
    guard let outside = exposure.zones.first(where: { $0.isOutside }) else { return [] }
    var findings: [Finding] = []
    for zone in exposure.zones {
      guard case .network(let bridge) = zone.kind, let sources = zone.sources[.ipv4], !sources.isEmpty else { continue }
      var query = Query()
      query.family = .ipv4
      query.origin = .wire
      query.input = zone.input
      query.output = outside.input
      query.source = sources
      query.transport = ValueSet(6)
      query.destination = ValueSet(AddressFamily.ipv4.exampleOutside)
      query.destinationPort = ValueSet(443)
      let cases = host.tracer.cases(of: query, tracesReplies: true)
      guard !cases.isEmpty, cases.allSatisfy({ $0.verdict == .accept }) else { continue }
      let replies = cases.flatMap { $0.reply ?? [] }
      guard let first = replies.first, replies.allSatisfy({ $0.verdict == .drop || $0.verdict == .reject }) else {
        continue
      }
      findings.append(
        Finding(
          fact: .repliesDropped(bridge: bridge, by: first.decidedBy), severity: .high, rule: first.decidedBy.rule,
          chain: first.decidedBy.chain, witness: query.example))
    }
    return findings
  }

  // MARK: Other base chains

  /// Accepts at input that another base chain of the hook overrules for all their packets.
  private func overruled() -> [Finding] {
    var findings: [Finding] = []
    var left = Self.overruledLimit
    for reach in tables {
      for (c, chain) in reach.audited.table.chains.enumerated() {
        let id = ChainID(table: reach.audited.index, chain: c)
        guard hooks(of: id) == [.input], hasOthers(beside: id, reach) else { continue }
        for (r, rule) in chain.rules.enumerated() where rule.accepts {
          guard case .some = reach.reach[c][r], let ports = reach.patterns[c][r].values[.port(.dport)], left > 0 else {
            continue
          }
          left -= 1
          let rule = RuleID(table: id.table, chain: c, rule: r)
          if let finding = overruled(rule, ports, reach) { findings.append(finding) }
        }
      }
    }
    return findings
  }

  /// Whether the hook has other base chains that filter than those that lead to a chain.
  private func hasOthers(beside chain: ChainID, _ reach: TableReach) -> Bool {
    let own = Set(reach.bases(of: chain.chain).map { ChainID(table: chain.table, chain: $0) })
    return inputFilters.contains { one in
      let family = host.ruleset.tables[one.table].family
      return AddressFamily.allCases.contains { family.sees($0) && reach.audited.table.family.sees($0) }
        && !own.contains(one)
    }
  }

  /// The packets that a rule at input asks for, sent to the host from outside.
  private func overruled(_ id: RuleID, _ ports: ValueSet, _ reach: TableReach) -> Finding? {
    guard let outside = exposure.zones.first(where: { $0.isOutside }) else { return nil }
    let values = reach.patterns[id.chain][id.rule].values
    for family in AddressFamily.allCases where reach.audited.table.family.sees(family) {
      guard
        let own = outside.gateways.first(where: { $0.family == family })?.bits ?? host.tracer.ownAddresses(family).first
      else { continue }
      let header: Header = family == .ipv4 ? .ip : .ip6
      var query = Query()
      query.family = family
      query.origin = .wire
      query.input = values[.field(.meta(.iifname))].map { $0.intersection(outside.input) } ?? outside.input
      query.source = values[.field(.header(HeaderField(header, .saddr)))] ?? outside.sources[family]
      query.destination = ValueSet(own)
      query.transport = values[.transport] ?? ValueSet([.tcp, .udp])
      query.destinationPort = ports
      if query.input?.isEmpty ?? false { continue }
      let mine = host.tracer.cases(of: query).filter { part in
        part.path.contains { $0.event == .rule(id) && $0.matched }
      }
      guard let first = mine.first, mine.allSatisfy({ $0.verdict == .drop || $0.verdict == .reject }),
        let decider = first.decidedBy.rule?.chainID ?? first.decidedBy.chain,
        !isBehindSameBase(decider, as: id.chainID, reach)
      else { continue }
      return Finding(
        fact: .overruled(by: first.decidedBy), severity: .high, rule: id,
        because: first.decidedBy.rule.map { [$0] } ?? [], witness: query.example)
    }
    return nil
  }

  /// Whether one base chain leads to two chains.
  private func isBehindSameBase(_ one: ChainID, as other: ChainID, _ reach: TableReach) -> Bool {
    guard one.table == other.table else { return false }
    return !Set(reach.bases(of: one.chain)).isDisjoint(with: reach.bases(of: other.chain))
  }
}

extension Rule {
  /// The one destination port that the rule asks for, and of which protocols; nil where it asks for none, or for
  /// several.
  fileprivate var destinationPort: (port: UInt16, transports: ValueSet)? {
    var port: UInt16?
    var transports = ValueSet([6, 17].map { $0...$0 })
    for case .match(let match) in statements where !match.negated {
      guard case .field(let field) = match.subject, case .values(let values) = match.values else { continue }
      switch field {
      case .meta(.l4proto): transports = transports.intersection(values)
      case .header(let header):
        if header.name == .protocol { transports = transports.intersection(values) }
        guard header.name == .dport else { continue }
        port = values.single.flatMap { UInt16(exactly: $0) }
        if let number = header.header.protocolNumber { transports = transports.intersection(ValueSet(number)) }
      default: continue
      }
    }
    return port.map { ($0, transports) }
  }
}

extension Query {
  /// One of the packets, such as a person would think of.
  fileprivate var example: Query {
    var one = self
    func pick(_ values: ValueSet?, liked: UInt128) -> ValueSet? {
      guard let values else { return ValueSet(liked) }
      return (values.contains(liked) ? liked : values.first).map { ValueSet($0) }
    }
    one.source = pick(source, liked: (family ?? .ipv4).exampleOutside)
    one.transport = pick(transport, liked: UInt128(IPProtocol.tcp.rawValue))
    one.sourcePort = pick(sourcePort, liked: 40000)
    one.destinationPort = pick(destinationPort, liked: 443)
    one.input = input.flatMap { names in
      names.single ?? InterfaceName("eth0").map(\.value).flatMap { names.contains($0) ? $0 : names.first }
    }
    .map { ValueSet($0) }
    return one
  }
}

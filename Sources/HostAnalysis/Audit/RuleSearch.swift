import FlowTrace
import RuleGraph

/// Findings that the rules of one table alone prove: which of them get no packets, which are not needed, which cost.
struct RuleSearch {
  private let ruleset: Ruleset
  private let reach: TableReach
  private let table: Table
  private let index: Int

  /// More rules than this before the one that accepts what belongs to known connections are worth a note.
  private static let lateRule = 20
  /// So many rules that differ in one value are worth a set.
  private static let longList = 50
  /// As many correlated rules are named.
  private static let correlatedLimit = 8
  /// Chains of more rules are not searched for pairs whose order matters: nobody reads thousands.
  private static let correlatedChainLimit = 500

  /// The bridges of containers, where an engine has written rules for them into chains of others.
  private let bridges: Set<UInt128>

  init(_ ruleset: Ruleset, _ reach: TableReach, bridges: Set<UInt128>) {
    self.ruleset = ruleset
    self.reach = reach
    index = reach.audited.index
    let table = reach.audited.table
    self.table = table
    self.bridges = table.chains.contains { RuleWriter(table, $0) == .program } ? bridges : []
  }

  /// - Parameter kinds: What is looked for; which rules are needed takes longer to find out than which get packets.
  func findings(of kinds: Set<Finding.ID>) -> [Finding] {
    let isNeedWanted = kinds.contains(.redundant) || kinds.contains(.correlated)
    var findings: [Finding] = []
    for (c, chain) in table.chains.enumerated() where chain.shown != .nothing {
      if let lost = nothingJumps(to: c) {
        findings.append(lost)
        continue
      }
      let writer = RuleWriter(table, chain)
      let redundancy = writer == .person && isNeedWanted ? RedundancySearch(reach, chain: c) : nil
      var gone = BoxList()
      for (r, rule) in chain.rules.enumerated() where rule.missing == nil {
        let id = RuleID(table: index, chain: c, rule: r)
        if let finding = unreached(id, writer) {
          findings.append(finding)
        } else if let redundancy, !rule.names(anyOf: bridges) {
          findings += unneeded(id, redundancy, &gone)
        }
      }
      findings += costs(ChainID(table: index, chain: c))
    }
    return findings
  }

  // MARK: Rules without packets

  private func nothingJumps(to chain: Int) -> Finding? {
    let rules = table.chains[chain].rules
    guard reach.audited.knowsJumps, table.chains[chain].base == nil, reach.callers[chain].isEmpty,
      rules.contains(where: { $0.missing == nil })
    else { return nil }
    let severity: Finding.Severity
    switch RuleWriter(table, table.chains[chain]) {
    case .person: severity = rules.contains(where: \.denies) ? .high : .warning
    case .program: severity = table.chains[chain].name.hasPrefix("DOCKER") ? .warning : .note
    }
    return Finding(fact: .nothingJumps, severity: severity, chain: ChainID(table: index, chain: chain))
  }

  private func unreached(_ id: RuleID, _ writer: RuleWriter) -> Finding? {
    let rule = ruleset[id]
    func finding(_ fact: Finding.Fact, because: [RuleID] = []) -> Finding {
      var severity = Finding.Severity.note
      if writer == .person {
        severity = .warning
        if fact == .shadowed {
          let isOverruled = because.contains { reach.differs(from: id, $0) }
          severity = !isOverruled ? .note : rule.denies ? .high : .warning
        }
      }
      return Finding(fact: fact, severity: severity, rule: id, because: because)
    }
    switch reach.reach[id.chain][id.rule] {
    case .some, .undecided, .nothingLeads, .behindUnreached: return nil
    case .contradiction: return finding(.contradiction)
    case .othersArrive(let led): return finding(absence(id) ?? .othersArrive, because: led)
    case .covered(let cover):
      var found = finding(.shadowed, because: cover)
      found.mend = mend(id, cover)
      return found
    }
  }

  /// What the packets of a base chain don't have that one of its rules asks for; nil of other chains.
  private func absence(_ id: RuleID) -> Finding.Fact? {
    guard let base = table.chains[id.chain].base, let arrival = reach.arrivals[id.chain].first else { return nil }
    let values = reach.patterns[id.chain][id.rule].values
    func isMissing(_ dimension: PacketSpace.Dimension) -> Bool {
      guard let asked = values[dimension], let there = reach.space.values(dimension, in: arrival.part) else {
        return false
      }
      return asked.isDisjoint(with: there)
    }
    if isMissing(.field(.meta(.oifname))) { return .notAtHook(base.hook, .output) }
    if isMissing(.field(.meta(.iifname))) { return .notAtHook(base.hook, .input) }
    if isMissing(.state) { return .notAtHook(base.hook, .laterState) }
    return .notAtHook(base.hook, .other)
  }

  /// The rule moved above those that take its packets, where it then gets some; one that does what these do anyway can
  /// go.
  private func mend(_ id: RuleID, _ cover: [RuleID]) -> Finding.Mend? {
    guard cover.contains(where: { reach.differs(from: id, $0) }) else { return .remove }
    let first = cover.first { $0.chainID == id.chainID && reach.differs(from: id, $0) }
    guard let first, let box = reach.boxes[id.chain][id.rule] else { return nil }
    for arrival in reach.arrivals[id.chain] {
      guard let part = reach.limited(arrival.part, to: box) else { continue }
      if reach.occupancy(of: part, arrival, before: first) == .inhabited { return .move(above: first) }
    }
    return nil
  }

  // MARK: Rules that are not needed

  private func unneeded(_ id: RuleID, _ redundancy: RedundancySearch, _ gone: inout BoxList) -> [Finding] {
    func ids(_ rules: [Int]) -> [RuleID] { rules.map { RuleID(table: id.table, chain: id.chain, rule: $0) } }
    // Of rules that stand in for each other not all can go: those that touch one that can are left.
    if let found = redundancy.redundancy(of: id.rule), let box = reach.boxes[id.chain][id.rule],
      let part = reach.limited(reach.space.domains, to: box), gone.overlapping(part, first: gone.count).isEmpty
    {
      gone.append(box)
      return [
        Finding(
          fact: .redundant(byPolicy: found.isByPolicy), severity: .note, rule: id, because: ids(found.rules),
          mend: .remove)
      ]
    }
    guard table.chains[id.chain].rules.count <= Self.correlatedChainLimit else { return [] }
    let correlated = redundancy.correlated(with: id.rule, limit: Self.correlatedLimit)
    return correlated.isEmpty ? [] : [Finding(fact: .correlated, severity: .note, rule: id, because: ids(correlated))]
  }

  // MARK: Cost

  private func costs(_ id: ChainID) -> [Finding] {
    var findings: [Finding] = []
    let patterns = reach.patterns[id.chain]
    if let base = table.chains[id.chain].base, base.type == .filter,
      base.hook == .input || base.hook == .forward || base.hook == .output,
      let first = patterns.firstIndex(where: \.acceptsEstablished), first >= Self.lateRule
    {
      let rule = RuleID(table: index, chain: id.chain, rule: first)
      findings.append(Finding(fact: .establishedLate(rules: first), severity: .note, rule: rule))
    }
    var start = 0
    while start < patterns.count {
      var end = start + 1
      var differing: PacketSpace.Dimension?
      while end < patterns.count, let dimension = patterns[start].onlyDifference(from: patterns[end]),
        differing.map({ $0 == dimension }) ?? true
      {
        differing = dimension
        end += 1
      }
      if end - start >= Self.longList {
        let rule = RuleID(table: index, chain: id.chain, rule: start)
        let last = RuleID(table: index, chain: id.chain, rule: end - 1)
        findings.append(Finding(fact: .couldBeSet(count: end - start), severity: .note, rule: rule, because: [last]))
      }
      start = end
    }
    return findings
  }
}

extension RulePattern {
  /// Whether it accepts whatever belongs to a known connection.
  fileprivate var acceptsEstablished: Bool {
    guard isExact, end == .decides(.accept), let states = values[.state] else { return false }
    return values.allSatisfy { $0.key == .state || $0.key == .family } && states.contains(ConntrackState.established)
  }

  /// The dimension in which alone two patterns differ; nil where they differ in none, or in more.
  fileprivate func onlyDifference(from other: RulePattern) -> PacketSpace.Dimension? {
    guard isExact, other.isExact, end == other.end, end != .goesOn, values.count == other.values.count else {
      return nil
    }
    var found: PacketSpace.Dimension?
    for (dimension, mine) in values where other.values[dimension] != mine {
      guard found == nil, other.values[dimension] != nil else { return nil }
      found = dimension
    }
    return found
  }
}

extension Rule {
  /// Whether it is for one of some interfaces.
  fileprivate func names(anyOf interfaces: Set<UInt128>) -> Bool {
    statements.contains { statement in
      guard case .match(let match) = statement, case .field(.meta(let key)) = match.subject,
        key == .iifname || key == .oifname,
        case .values(let values) = match.values, let name = values.single
      else { return false }
      return interfaces.contains(name)
    }
  }
}

import RuleGraph

/// Looks for rules on the way that would have decided otherwise and failed in one field only.
struct NearMisses {
  let engine: Engine
  let end: FinishedFlow
  let limit: Int

  /// How many rules are looked at in all; behind that, near misses would cost more than the trace itself.
  private static let rulesLookedAt = 4000

  /// The near misses, the most telling first: a field that was rewritten on the way, then rules with a verdict.
  func find() -> [NearMiss] {
    guard limit > 0 else { return [] }
    var best = Best(limit: limit)
    var looked = 0
    for node in PathNode.inOrder(end.flow.path) {
      guard case .passed(let chain, let passed, _, let snapshot) = node.content else { continue }
      if looked >= Self.rulesLookedAt { break }
      let rules = passed.prefix(Self.rulesLookedAt - looked)
      look(at: rules, of: chain, snapshot, behind: looked, &best)
      looked += rules.count
    }
    return best.found.map(miss)
  }

  /// The most telling candidates, as many as are wanted; of those that tell as much the ones met first.
  private struct Best {
    let limit: Int
    private(set) var found: [Candidate] = []

    init(limit: Int) { self.limit = limit }

    /// Whether a candidate of this rank, met at this place, is one of them.
    func takes(_ rank: Int, at place: Int) -> Bool {
      found.count < limit || (rank, place) < (found[limit - 1].rank, found[limit - 1].place)
    }

    mutating func add(_ candidate: Candidate) {
      guard takes(candidate.rank, at: candidate.place), !found.contains(where: { $0.place == candidate.place }) else {
        return
      }
      let behind = found.firstIndex { ($0.rank, $0.place) > (candidate.rank, candidate.place) }
      found.insert(candidate, at: behind ?? found.count)
      if found.count > limit { found.removeLast() }
    }
  }

  /// A rule that failed in one field.
  private struct Candidate {
    var rank: Int
    /// How many rules were passed before it.
    var place = 0
    var rule: RuleID
    var match: Match
    var field: Field
    var wanted: ValueSet
    var snapshot: Snapshot
  }

  /// What rules do that would have changed the fate.
  private var endsThatWouldChange: [RuleEnd] {
    if end.verdict == .accept { return [.discards, .translatesDestination, .translatesSource] }
    // What has another source is dropped all the same; another destination goes another way.
    if case .outside = end.decidedBy { return [.translatesDestination] }
    return [.accepts, .translatesDestination]
  }

  private func look(
    at rules: Range<Int>, of chain: ChainID, _ snapshot: Snapshot, behind passed: Int, _ best: inout Best
  ) {
    let flow = snapshot.flow.value
    // For a packet that gets through, only a rule that missed it because of a rewritten field is worth a word.
    let wantsRewritten = end.verdict == .accept
    if wantsRewritten, flow.arrival.isKept(in: flow.binding) { return }
    let ends = endsThatWouldChange
    func place(_ rule: Int) -> Int { passed + rule - rules.lowerBound }
    func add(_ rule: Int) {
      let id = RuleID(table: chain.table, chain: chain.chain, rule: rule)
      guard ends.contains(RuleEnd(engine.ruleset[id])), var one = candidate(id, snapshot) else { return }
      one.place = place(rule)
      if !wantsRewritten || one.rank == 0 { best.add(one) }
    }
    guard let index = engine.index.knownIndex(chain, flow.family) else {
      for rule in rules { add(rule) }
      return
    }
    let screen = NearMissScreen(index, flow, wantsRewritten: wantsRewritten, ends: ends)
    for part in screen.parts(of: rules) {
      for rule in part.rules {
        // From here on no rule of this part tells more.
        guard best.takes(part.lowest, at: place(rule)) else { break }
        if let rank = screen.leastRank(of: rule), best.takes(rank, at: place(rule)) { add(rule) }
      }
    }
  }

  private func candidate(_ id: RuleID, _ snapshot: Snapshot) -> Candidate? {
    var flow = snapshot.flow.value
    let failures = engine.failures(of: id, flow)
    guard failures.count == 1, let match = failures[0].match, case .field(let field) = match.subject,
      case .values(let wanted) = match.values
    else { return nil }
    // A rule for other interfaces, protocols or a later packet of a connection is no near miss.
    switch field {
    case .meta(.l4proto), .conntrack(ConntrackField(.state)), .meta(.nfproto): return nil
    default: break
    }
    guard case .variable(let variable, _) = flow.access(field, isIndexNamed: true) else { return nil }
    // A rule for the same service from elsewhere tells more than one for another service, and that more than one that
    // names none.
    var rank = namesService(id) ? Rank.sameService : Rank.noService
    if let slot = slot(of: variable, flow) {
      if slot == .destination || slot == .destinationPort { rank = Rank.otherService }
      if let original = original(slot, flow), original.isSubset(of: wanted) != match.negated { rank = Rank.rewritten }
    }
    return Candidate(rank: rank, rule: id, match: match, field: field, wanted: wanted, snapshot: snapshot)
  }

  /// Whether a rule is about a destination port. Where its one failure is another field, it is the packet's.
  private func namesService(_ id: RuleID) -> Bool {
    engine.ruleset[id].statements.contains { statement in
      guard case .match(let match) = statement, !match.negated, case .field(.header(let field)) = match.subject else {
        return false
      }
      return field.name == .dport
    }
  }

  /// How much a near miss tells, the most telling first.
  enum Rank {
    /// It failed in a field that was rewritten on the way, and would have matched before.
    static let rewritten = 0
    /// It is about the packet's port, and for other senders or interfaces.
    static let sameService = 1
    /// It is about another port or destination.
    static let otherService = 2
    /// It is about no port.
    static let noService = 3
  }

  private func slot(of variable: VariableID, _ flow: Flow) -> Slot? {
    Slot.allCases.first { flow.binding[$0] == variable }
  }

  /// What a slot held when the packet came in; nil where it holds the same now.
  private func original(_ slot: Slot, _ flow: Flow) -> ValueSet? {
    guard let before = flow.arrival[slot], before != flow.binding[slot] else { return nil }
    let original = flow.variables[before].domain
    return original == flow.domain(slot) ? nil : original
  }

  private func miss(_ one: Candidate) -> NearMiss {
    var flow = one.snapshot.flow.value
    var miss = NearMiss(
      rule: one.rule, field: one.field, wanted: one.wanted, isNegated: one.match.negated, had: nil)
    guard case .variable(let variable, _) = flow.access(one.field, isIndexNamed: true) else { return miss }
    miss.had = flow.variables[variable].domain
    if let slot = slot(of: variable, flow), let original = original(slot, flow) {
      miss.originally = original
      miss.changedBy = flow.changedBy[slot]
    }
    return miss
  }
}

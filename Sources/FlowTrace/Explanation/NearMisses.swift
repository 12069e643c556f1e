import RuleGraph

/// Looks for rules on the way that would have decided otherwise and failed in one field only.
struct NearMisses {
  let engine: Engine
  let end: FinishedFlow
  let limit: Int

  /// A statement of a rule that is false for all packets of a flow.
  struct Failure {
    var statement: Int
    var match: Match?
  }

  /// How many rules are looked at in all; behind that, near misses would cost more than the trace itself.
  private static let rulesLookedAt = 4000

  /// The near misses, the most telling first: a field that was rewritten on the way, then rules with a verdict.
  func find() -> [NearMiss] {
    guard limit > 0 else { return [] }
    var found: [(rank: Int, miss: NearMiss)] = []
    var looked = 0
    for node in PathNode.inOrder(end.flow.path) {
      guard case .passed(let chain, let rules, _, let snapshot) = node.content else { continue }
      for rule in rules {
        looked += 1
        if looked > Self.rulesLookedAt { break }
        let id = RuleID(table: chain.table, chain: chain.chain, rule: rule)
        guard wouldChange(id), let one = miss(id, snapshot.flow.value) else { continue }
        // For a packet that gets through, only a rule that missed it because of a rewritten field is worth a word.
        if end.verdict == .accept, one.rank > 0 { continue }
        found.append(one)
      }
    }
    return found.sorted { $0.rank < $1.rank }.prefix(limit).map(\.miss)
  }

  /// Whether the rule's verdict would have changed the fate.
  private func wouldChange(_ id: RuleID) -> Bool {
    var isOutside = false
    if case .outside = end.decidedBy { isOutside = true }
    for statement in engine.ruleset[id].statements {
      switch statement {
      case .verdict(.accept): return end.verdict != .accept && !isOutside
      case .verdict(.drop), .verdict(.reject): return end.verdict == .accept
      // What has another source is dropped all the same; another destination goes another way.
      case .translate(let translation):
        return end.verdict == .accept || translation.kind == .dnat || translation.kind == .redirect
      default: continue
      }
    }
    return false
  }

  private func miss(_ id: RuleID, _ flow: Flow) -> (rank: Int, miss: NearMiss)? {
    let failures = Self.failures(of: id, flow, engine)
    guard failures.count == 1, let match = failures[0].match, case .field(let field) = match.subject,
      case .values(let wanted) = match.values
    else { return nil }
    // A rule for other interfaces, protocols or a later packet of a connection is no near miss.
    switch field {
    case .meta(.l4proto), .conntrack(ConntrackField(.state)), .meta(.nfproto): return nil
    default: break
    }
    var flow = flow
    guard case .variable(let variable, _) = flow.access(field, isIndexNamed: true) else { return nil }
    let had = flow.variables[variable].domain
    var miss = NearMiss(
      rule: id, field: field.text, wanted: (match.negated ? "not " : "") + field.text(of: wanted),
      had: field.text(of: had))
    var rank = 2
    if let slot = Slot.allCases.first(where: { flow.binding[$0.rawValue] == variable }) {
      let before = flow.arrival[slot.rawValue]
      if before >= 0, before != variable {
        let original = flow.variables[before].domain
        if original != had {
          miss.originally = field.text(of: original)
          miss.changedBy = flow.changedBy[slot]
          if original.isSubset(of: wanted) != match.negated { rank = 0 }
        }
      }
      if rank != 0, slot == .destination || slot == .destinationPort { rank = 1 }
    }
    return (rank, miss)
  }

  /// The statements of a rule that are false for the whole flow; matches after a failed one are judged, too.
  static func failures(of id: RuleID, _ flow: Flow, _ engine: Engine) -> [Failure] {
    var failures: [Failure] = []
    var flow = flow
    for (index, statement) in engine.ruleset[id].statements.enumerated() {
      switch statement {
      case .match(let match):
        let decision = engine.decide(statement, in: &flow, id, index)
        if flow.split(decision).yes.isEmpty { failures.append(Failure(statement: index, match: match)) }
      case .anyOf:
        let decision = engine.decide(statement, in: &flow, id, index)
        if flow.split(decision).yes.isEmpty { failures.append(Failure(statement: index)) }
      case .verdict, .translate, .verdictMap, .opaqueTarget: return failures
      default: continue
      }
    }
    return failures
  }
}

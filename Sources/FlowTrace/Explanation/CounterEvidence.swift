import RuleGraph

/// What the counters of a dump say about a predicted decision.
struct CounterEvidence {
  let ruleset: Ruleset

  /// A remark when the rule that decides has counted nothing while its neighbours have; nil when the counters do not
  /// speak against it.
  func remark(on decider: Decider) -> Remark? {
    guard case .rule(let id) = decider, let counter = ruleset[id].counter, counter.packets == 0 else { return nil }
    let chain = ruleset.tables[id.table].chains[id.chain]
    let others = chain.rules.enumerated().filter { index, rule in
      index != id.rule && (rule.counter?.packets ?? 0) > 0 && rule.statements.contains(where: decides)
    }
    if let busiest = others.max(by: { ($0.element.counter?.packets ?? 0) < ($1.element.counter?.packets ?? 0) }) {
      return .uncounted(busiest: RuleID(table: id.table, chain: id.chain, rule: busiest.offset))
    }
    if let policy = chain.policyCounter, policy.packets > 0 { return .uncountedBesidePolicy(of: id.chainID) }
    return nil
  }

  private func decides(_ statement: Statement) -> Bool {
    switch statement {
    case .verdict(.accept), .verdict(.drop), .verdict(.reject), .translate: true
    default: false
    }
  }
}

import RuleGraph

/// Tells where a rule of nft ends: nothing that decides stands behind a verdict (`Statement after terminal statement
/// has no effect`, `rule_evaluate` in nft's `src/evaluate.c`). Where something does, two lines were joined or words
/// were lost.
struct RuleEnding {
  private var hasEnded = false
  /// Whether statements stand behind the end.
  private(set) var isBroken = false

  /// Takes the statements of a rule from an index on.
  mutating func take(_ rule: inout Rule, from first: Int) {
    if hasEnded {
      for statement in rule.statements[first...] {
        // What only counts changes nothing.
        if case .effect = statement { continue }
        isBroken = true
      }
      return
    }
    if first > 0, case .verdict(.continue) = rule.statements[first - 1] {
      // The kernel goes on with the rule's next expression (`nft_do_chain` in `net/netfilter/nf_tables_core.c`).
      rule.statements.remove(at: first - 1)
    }
    switch rule.statements.last {
    case .verdict(.continue): break
    case .verdict: hasEnded = true
    case .translate(let translation): hasEnded = translation.kind != .tproxy
    default: break
    }
  }
}

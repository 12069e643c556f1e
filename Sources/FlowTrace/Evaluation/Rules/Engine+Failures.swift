import RuleGraph

/// A statement of a rule that is false for all packets of a flow.
struct FailedStatement {
  var statement: Int
  var match: Match?
}

extension Engine {
  private func isNever(_ decision: Decision, _ flow: Flow) -> Bool {
    if let isWhole = flow.truth(of: decision) { return !isWhole }
    if let box = decision.asBox { return flow.occupancy(within: box) == .empty }
    return flow.split(decision).yes.isEmpty
  }

  /// The statements of a rule that are false for the whole flow; matches after a failed one are judged, too.
  func failures(of id: RuleID, _ flow: Flow) -> [FailedStatement] {
    var failures: [FailedStatement] = []
    var flow = flow
    for (index, statement) in ruleset[id].statements.enumerated() {
      switch statement {
      case .match(let match):
        let decision = decide(statement, in: &flow, id, index)
        if isNever(decision, flow) { failures.append(FailedStatement(statement: index, match: match)) }
      case .anyOf:
        let decision = decide(statement, in: &flow, id, index)
        if isNever(decision, flow) { failures.append(FailedStatement(statement: index)) }
      case .verdict, .translate, .verdictMap, .opaqueTarget, .missingRules: return failures
      default: continue
      }
    }
    return failures
  }
}

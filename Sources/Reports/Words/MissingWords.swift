import RuleGraph

/// Missing rules in words.
enum MissingWords {
  /// What is missing at a place of a chain: `(5 rules not shown)`.
  static func text(_ missing: MissingRules) -> String {
    switch (missing.evidence, missing.count) {
    case (.unreadable, _): "(a rule that could not be read)"
    case (.computed, _): "(rules that a script computes)"
    case (_, 1): "(1 rule not shown)"
    case (_, let count?): "(\(count) rules not shown)"
    case (.notShown, nil), (.engine, nil): "(its rules were not shown)"
    case (_, nil): "(rules not shown)"
    }
  }
}

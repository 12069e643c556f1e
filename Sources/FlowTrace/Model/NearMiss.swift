public import RuleGraph

/// A rule on the path that would have changed the fate and failed in one field only.
public struct NearMiss: Hashable, Sendable {
  /// The rule.
  public var rule: RuleID
  /// The field.
  public var field: Field
  /// The values that the rule wants, or, negated, those that it does not.
  public var wanted: ValueSet
  /// Whether the rule wants any other value.
  public var isNegated: Bool
  /// What the packet had when the rule saw it; nil where it has no such field.
  public var had: ValueSet?
  /// What it had when it came in, when that is something else.
  public var originally: ValueSet?
  /// The rule that changed it in between.
  public var changedBy: RuleID?

  /// Makes a near miss.
  public init(
    rule: RuleID, field: Field, wanted: ValueSet, isNegated: Bool = false, had: ValueSet?, originally: ValueSet? = nil,
    changedBy: RuleID? = nil
  ) {
    self.rule = rule
    self.field = field
    self.wanted = wanted
    self.isNegated = isNegated
    self.had = had
    self.originally = originally
    self.changedBy = changedBy
  }
}

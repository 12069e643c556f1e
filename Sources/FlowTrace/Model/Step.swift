public import RuleGraph

/// A step on the way of a packet.
public struct Step: Hashable, Sendable {
  /// What a step is about.
  public enum Event: Hashable, Sendable {
    /// A rule was looked at.
    case rule(RuleID)
    /// A base chain ended with its policy.
    case policy(ChainID)
    /// A chain returned to its caller at its end.
    case endOfChain(ChainID)
    /// The routing decision.
    case routing
    /// Conntrack found a state or applied or undid a translation.
    case conntrack
    /// The bridge decided.
    case bridge
    /// The packet came back in on the loopback interface, or another remark of the way.
    case remark
  }

  /// The hook, nil for routing.
  public var hook: Hook?
  /// What the step is about.
  public var event: Event
  /// Whether the rule matched. False steps are in the path so that all rules can be shown on request.
  public var matched: Bool
  /// What was done.
  public var action: Action
  /// What the action is about: the chain that is jumped to, the new address of a translation.
  public var target: Target?
  /// What there is to say of an event without a rule.
  public var fact: Fact?
  /// For a rule that did not match: the index of the statement that failed.
  public var failedStatement: Int?

  /// Makes a step.
  public init(
    hook: Hook?, _ event: Event, matched: Bool, action: Action, target: Target? = nil, fact: Fact? = nil,
    failedStatement: Int? = nil
  ) {
    self.hook = hook
    self.event = event
    self.matched = matched
    self.action = action
    self.target = target
    self.fact = fact
    self.failedStatement = failedStatement
  }
}

public import RuleGraph

/// What would give a case the outcome that was asked for (``Tracer/Options/wanted``).
public struct Remedy: Hashable, Sendable {
  /// A rule that was tried and gives it; nil where no single rule does.
  public var rule: RuleRemedy?
  /// Where no rule does: what would, from the thing that decides. One sentence.
  public var advice: String?

  /// Makes a remedy.
  public init(rule: RuleRemedy? = nil, advice: String? = nil) {
    self.rule = rule
    self.advice = advice
  }
}

/// A rule that was put into the graph and gave the outcome that was asked for.
public struct RuleRemedy: Hashable, Sendable {
  /// Another case of the question whose outcome the rule changes too.
  public struct Change: Hashable, Sendable {
    /// The index of the case in the trace.
    public var index: Int
    /// Its verdict with the rule.
    public var verdict: Case.Verdict
  }

  /// The command that adds it, in the chain's own dialect: `iptables -I DOCKER-USER 1 -i eth0 -p tcp --dport 80 -j ACCEPT`.
  public var command: String
  /// The chain that it is put into.
  public var chain: ChainID
  /// Its number in the chain then, counted from 1.
  public var number: Int
  /// What to know of the chain: whose it is, and what becomes of rules that others write into it.
  public var note: String?
  /// The other cases of the question that come out otherwise.
  public var changes: [Change]
}

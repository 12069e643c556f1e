public import RuleGraph

/// What would give a case the outcome that was asked for (``Tracer/Options/wanted``).
public struct Remedy: Hashable, Sendable {
  /// A rule that was tried and gives it; nil where no single rule does.
  public var rule: RuleRemedy?
  /// Where no rule does: what would, from the thing that decides.
  public var advice: Advice?

  /// Makes a remedy.
  public init(rule: RuleRemedy? = nil, advice: Advice? = nil) {
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

  /// Whose a chain is that a rule is put into, which decides what becomes of the rule.
  public enum Owner: String, Hashable, Sendable, CaseIterable {
    /// ufw, of a chain that its command writes into.
    case ufw
    /// ufw, of a table with other chains of its own.
    case ufwTable
    case firewalld, docker, libvirt
  }

  /// The command that adds it, in the chain's own dialect: `iptables -I DOCKER-USER 1 -i eth0 -p tcp --dport 80 -j
  /// ACCEPT`.
  public var command: String
  /// The chain that it is put into.
  public var chain: ChainID
  /// Its number in the chain then, counted from 1.
  public var number: Int
  /// The program that owns the chain; nil for a chain for rules of one's own.
  public var owner: Owner?
  /// The other cases of the question that come out otherwise.
  public var changes: [Change]
}

/// What makes a chain a base chain: where the kernel calls it, in which order, and what happens at its end.
public struct BaseChain: Hashable, Sendable {
  /// The type.
  public var type: ChainType
  /// The hook.
  public var hook: Hook
  /// The priority; chains of one hook run in rising order.
  public var priority: Int32
  /// The verdict at the end of the chain; nil when the dump does not print it (then it is unknown).
  public var policy: Policy?
  /// The devices of a netdev or ingress chain.
  public var devices: [String]

  /// The two policies.
  public enum Policy: String, Hashable, Sendable {
    case accept, drop
  }

  /// Makes the description of a base chain.
  public init(type: ChainType, hook: Hook, priority: Int32, policy: Policy?, devices: [String] = []) {
    self.type = type
    self.hook = hook
    self.priority = priority
    self.policy = policy
    self.devices = devices
  }
}

/// A chain: rules in order.
public struct Chain: Hashable, Sendable {
  /// The name.
  public var name: String
  /// Where the kernel calls it; nil for a chain that only jumps reach.
  public var base: BaseChain?
  /// The rules; a rule's number is its index plus one, as `iptables --line-numbers` counts.
  public var rules: [Rule]
  /// The counter of the policy.
  public var policyCounter: Counter?
  /// How many rules jump here, as the listing prints it (`(2 references)`).
  public var references: Int?
  /// The handle that nft prints.
  public var handle: UInt64?
  /// The comment.
  public var comment: String?
  /// Where the chain's head stands.
  public var span: SourceSpan?
  /// How much of it was shown.
  public var shown = Shown.whole
}

// A rule and a chain are made by millions. Swift makes one of many members without a copy only where all of them are
// set at once, as the initializer does that a struct has without a word, so the public ones hand over to that.
extension Chain {
  /// Makes a chain.
  public init(
    _ name: String, base: BaseChain? = nil, rules: [Rule] = [], policyCounter: Counter? = nil, references: Int? = nil,
    handle: UInt64? = nil, comment: String? = nil, span: SourceSpan? = nil, shown: Shown = .whole
  ) {
    self.init(
      name: name, base: base, rules: rules, policyCounter: policyCounter, references: references, handle: handle,
      comment: comment, span: span, shown: shown)
  }
}

/// A rule: statements that the kernel evaluates from the first to the last, until a match fails or a verdict ends it.
public struct Rule: Hashable, Sendable {
  /// The statements.
  public var statements: [Statement]
  /// The counter, as far as the dump prints it.
  public var counter: Counter?
  /// The comment (iptables `-m comment`, nft `comment`).
  public var comment: String?
  /// The handle that nft prints.
  public var handle: UInt64?
  /// Where the rule stands, and its original text.
  public var span: SourceSpan
}

extension Rule {
  /// Makes a rule.
  public init(
    _ statements: [Statement], counter: Counter? = nil, comment: String? = nil, handle: UInt64? = nil, span: SourceSpan
  ) {
    self.init(statements: statements, counter: counter, comment: comment, handle: handle, span: span)
  }
}

/// How many packets and bytes a rule or policy has counted; rounded where the listing printed `K`, `M`, `G` or `T`.
public struct Counter: Hashable, Sendable {
  /// The number of packets.
  public var packets: UInt64
  /// The number of bytes.
  public var bytes: UInt64

  /// Makes a counter.
  public init(packets: UInt64, bytes: UInt64) {
    self.packets = packets
    self.bytes = bytes
  }
}

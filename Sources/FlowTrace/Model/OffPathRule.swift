public import RuleGraph

/// A rule that mentions what was asked about and is not on the packet's path.
public struct OffPathRule: Hashable, Sendable {
  /// The rule.
  public var rule: RuleID
  /// Why it was never visited.
  public var why: Reason

  /// Makes an off-path rule.
  public init(rule: RuleID, why: Reason) {
    self.rule = rule
    self.why = why
  }

  /// Why the packet never met the rule.
  public enum Reason: Hashable, Sendable {
    /// An earlier rule of its chain takes the packet.
    case takenEarlier
    /// The same, by this rule.
    case takenBy(RuleID)
    /// Nothing jumps to its chain.
    case nothingJumps
    /// Its chain runs only at hooks that the packet does not come to.
    case otherHook([Hook], Whereabouts)
    /// Its chain is one of nat, and the packet is no first one of a connection.
    case onlyFirstPacket
    /// The rule that jumps to its chain is for other packets.
    case jumpIsForOthers(RuleID, Match)
    /// Another rule decided before.
    case decidedBy(RuleID)
    /// The policy of another chain decided before.
    case decidedByPolicy(of: ChainID)
    /// No rule that the packet met jumps to its chain.
    case noJumpOnPath
  }

  /// Where a packet goes that does not come to a hook.
  public enum Whereabouts: Hashable, Sendable {
    case toThisHost, forwarded, sentByThisHost, bridged, notSoFar
  }
}

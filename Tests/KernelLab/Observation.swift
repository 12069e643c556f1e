import RuleGraph

/// What the kernel did with a probe.
public struct Observation: Sendable, CustomStringConvertible {
  /// Where the packet ended.
  public enum Fate: String, Sendable {
    /// Delivered to the router itself.
    case local
    /// Routed to another host.
    case forward
    /// Passed on inside a bridge, without routing.
    case bridged
    /// Left the router, whose own process had sent it.
    case sent
    /// Nowhere seen.
    case discarded
  }

  /// A rule that matched, in the order in which the kernel met them.
  public struct Step: Hashable, Sendable, CustomStringConvertible {
    /// `ip`, `ip6` or `inet`: the family of the table.
    public var family: String
    /// The name of the table.
    public var table: String
    /// The name of the chain.
    public var chain: String
    /// The number of the rule in its chain, from 1; zero for the chain's policy.
    public var index: Int
    /// A netfilter verdict: 0 drop, 1 accept, negative for continue (-1), jump (-3), goto (-4) and return (-5).
    public var verdict: Int32

    /// `ip filter FORWARD 3`.
    public var description: String {
      "\(family) \(table) \(chain) \(index == 0 ? "policy" : String(index)) (\(verdict))"
    }
  }

  /// Where the packet ended.
  public var fate: Fate = .discarded
  /// The interface of the router through which it left: the bridge, not its port.
  public var out: String?
  /// The port or interface at whose far end it arrived.
  public var endpoint: String?
  /// The packet as it left or was delivered.
  public var packet: PacketHeader?
  /// The packet as it came to each base chain that said anything, for explaining a disagreement.
  public var views: [String] = []
  /// What the router answered, in iptables' words (`icmp-port-unreachable`, `tcp-reset`), or nil.
  public var answer: String?
  /// Whether a rule or a policy dropped it; nil where the kernel does not say (legacy iptables).
  public var droppedByRules: Bool?
  /// The rules that matched, without the laboratory's own. Empty for legacy iptables.
  public var path: [Step] = []
  /// The `errno` of the send call of a local packet.
  public var sendError: Int32 = 0
  /// How many copies arrived at far ends.
  public var copies = 0

  /// A packet that was seen nowhere.
  public init() {}

  /// Everything in a few lines.
  public var description: String {
    var lines = ["\(fate.rawValue) out=\(out ?? "-") at=\(endpoint ?? "-") \(packet?.description ?? "-")"]
    if let answer { lines.append("answer \(answer)") }
    if let droppedByRules { lines.append("dropped by rules: \(droppedByRules)") }
    if sendError != 0 { lines.append("send error \(sendError)") }
    return (lines + path.map(\.description) + views).joined(separator: "\n") + "\n"
  }
}

extension Observation {
  /// Fate, way out, packet and answer in one line.
  public var summary: String {
    var words = [fate.rawValue]
    if let out { words.append("out=\(out)") }
    if let packet, fate != .discarded { words.append("\(packet)") }
    if let answer { words.append("answer=\(answer)") }
    if let droppedByRules, fate == .discarded { words.append(droppedByRules ? "by-rules" : "outside-the-rules") }
    return words.joined(separator: " ")
  }
}

public import RuleGraph

/// A rule that chooses a routing table (ip-rule(8)).
public struct RoutingRule: Hashable, Sendable {
  /// The priority; lower is asked first.
  public var priority: Int
  /// The family.
  public var family: AddressFamily
  /// Whether the selector is inverted.
  public var negated: Bool
  /// The sources; nil is all.
  public var source: Prefix?
  /// The destinations; nil is all.
  public var destination: Prefix?
  /// The input interface.
  public var inputInterface: String?
  /// The output interface (of a socket bound to it).
  public var outputInterface: String?
  /// The mark, and the mask of its compared bits.
  public var mark: (value: UInt32, mask: UInt32)? {
    get { markValue.map { ($0, markMask ?? .max) } }
    set {
      markValue = newValue?.value
      markMask = newValue?.mask
    }
  }
  /// The type of service.
  public var tos: UInt8?
  /// The transport protocol number.
  public var transport: UInt8?
  /// The source ports.
  public var sourcePorts: ClosedRange<UInt16>?
  /// The destination ports.
  public var destinationPorts: ClosedRange<UInt16>?
  /// The user ids of the sender.
  public var users: ClosedRange<UInt32>?
  /// `lookup` names a table; the others decide by themselves.
  public enum Action: Hashable, Sendable {
    case lookup(String)
    case blackhole, unreachable, prohibit
    case goto(Int)
    case nop
  }
  /// What the rule does.
  public var action: Action
  /// Routes with a prefix of at most this length are not used (`suppress_prefixlength`).
  public var suppressPrefixLength: Int?
  /// Parts of the selector that could not be understood; the rule then may or may not apply.
  public var unknownSelector: String?
  /// Where it stands.
  public var span: SourceSpan?

  private var markValue: UInt32?
  private var markMask: UInt32?

  /// Makes a rule that applies to every packet of a family.
  public init(priority: Int, family: AddressFamily, action: Action) {
    self.priority = priority
    self.family = family
    self.action = action
    self.negated = false
  }
}

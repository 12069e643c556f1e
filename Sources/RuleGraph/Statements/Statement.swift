/// One part of a rule, in the order in which the kernel evaluates it.
///
/// The large and rare parts are kept apart, so that the matches and verdicts that rules are made of lie close together.
public enum Statement: Hashable, Sendable {
  /// A test; where it fails, the rule ends.
  case match(Match)
  /// Tests of which one must hold (iptables `-m multiport --ports`: source or destination port).
  case anyOf([Match])
  /// A test whose truth a dump can't hold.
  case environment(EnvironmentCondition)
  /// A test that could not be understood: unknown.
  indirect case opaqueMatch(Opaque)
  /// The dump hides whether this rule looks at interfaces (`iptables -L` without `-v`): unknown.
  case hiddenInterfaces
  /// A verdict.
  case verdict(Verdict)
  /// A verdict looked up in a map; where the map has none for the key, the rule goes on.
  indirect case verdictMap(key: ValueExpression, MapReference)
  /// A translation of addresses or ports.
  indirect case translate(Translation)
  /// A change of the packet or of what the kernel keeps beside it.
  indirect case assign(Assignment)
  /// The packet is taken out of connection tracking (`notrack`, iptables `CT --notrack`).
  case notrack
  /// An element is added to a set, updated or deleted.
  indirect case updateSet(SetUpdate)
  /// Something that cannot change the packet's fate: counter, log, trace.
  case effect(Effect)
  /// A target that could not be understood: what happens to the packet here is unknown.
  indirect case opaqueTarget(Opaque)
  /// Rules that no dump shows stand here, or may stand here: what they do is unknown. No rule that was shown holds this
  /// statement.
  indirect case missingRules(MissingRules)
}

/// What a rule decides about the packet.
public enum Verdict: Hashable, Sendable {
  /// The base chain ends well; later base chains still see the packet.
  case accept
  /// The packet is gone, without an answer.
  case drop
  /// Back to the calling chain, behind the jump; in a base chain, the policy.
  case `return`
  /// On with the next rule.
  case `continue`
  /// On in another chain, which returns behind this rule.
  case jump(String)
  /// On in another chain, which returns to this chain's caller.
  case goto(String)
  /// The packet is gone, with an answer to its sender.
  case reject(Rejection)
  /// The packet is handed to a program in user space, which decides.
  case queue(QueueTarget)
  /// The packet goes out through another interface (nft `fwd to`, netdev family); its way through the host ends.
  case forwardTo(device: String)
  /// The packet is handed to the SYN proxy of the kernel.
  case synproxy([Argument])
}

/// A queue to user space (NFQUEUE).
public struct QueueTarget: Hashable, Sendable {
  /// The numbers of the queues, one of which is chosen.
  public var numbers: ClosedRange<UInt16>
  /// Whether the packet is accepted when no program listens.
  public var bypass: Bool
  /// Whether the queue is chosen by processor.
  public var fanout: Bool

  /// Makes a queue target.
  public init(_ numbers: ClosedRange<UInt16>, bypass: Bool = false, fanout: Bool = false) {
    self.numbers = numbers
    self.bypass = bypass
    self.fanout = fanout
  }
}

/// The answer of a `reject`.
public enum Rejection: Hashable, Sendable {
  /// A TCP reset.
  case tcpReset
  /// An ICMP destination-unreachable with this code (RFC 792).
  case icmp(code: UInt8)
  /// An ICMPv6 destination-unreachable with this code (RFC 4443).
  case icmpv6(code: UInt8)
  /// The family's own form of one of four reasons (`NFT_REJECT_ICMPX_*`): 0 no-route, 1 port-unreachable, 2
  /// host-unreachable, 3 admin-prohibited.
  case icmpx(code: UInt8)
}

/// A change of addresses or ports, and with it the start of a translated connection.
public struct Translation: Hashable, Sendable {
  /// The kinds of translation.
  public enum Kind: String, Hashable, Sendable {
    /// The destination becomes ``Translation/address``.
    case dnat
    /// The source becomes ``Translation/address``.
    case snat
    /// The source becomes the address of the interface that the packet leaves through.
    case masquerade
    /// The destination becomes this host.
    case redirect
    /// The prefix of the address is exchanged, its last bits stay.
    case netmap
    /// The packet is handed to a local socket without being changed.
    case tproxy
    /// A stateless exchange of an IPv6 prefix (SNPT, DNPT; RFC 6296).
    case npt
  }

  /// The kind.
  public var kind: Kind
  /// For ``Kind/netmap`` and ``Kind/npt``: whether the source (else the destination) changes; nil when the hook
  /// decides.
  public var ofSource: Bool?
  /// The new address or addresses; nil keeps the address (or takes the interface's own).
  public var address: ValueExpression?
  /// The new port or ports; nil keeps the port where it is free.
  public var port: ValueExpression?
  /// The first original port that the new range stands for, for shifted port ranges (iptables `1000-2000/3000`).
  public var portBase: UInt16?
  /// The prefix length of a ``Kind/netmap`` or ``Kind/npt``.
  public var prefixLength: Int?
  /// The family that the addresses are of, where the rule names it (`dnat ip to` in an inet table).
  public var family: AddressFamily?
  /// The port is chosen at random.
  public var random: Bool
  /// The port is chosen at random without hashing.
  public var fullyRandom: Bool
  /// One client always gets the same address.
  public var persistent: Bool
  /// Further arguments (the mark of TPROXY), for printing back.
  public var arguments: [Argument]
}

// Set all at once, for the reason that ``Rule`` has.
extension Translation {
  /// Makes a translation.
  public init(
    _ kind: Kind, address: ValueExpression? = nil, port: ValueExpression? = nil, ofSource: Bool? = nil,
    portBase: UInt16? = nil,
    prefixLength: Int? = nil, family: AddressFamily? = nil, random: Bool = false, fullyRandom: Bool = false,
    persistent: Bool = false, arguments: [Argument] = []
  ) {
    self.init(
      kind: kind, ofSource: ofSource, address: address, port: port, portBase: portBase, prefixLength: prefixLength,
      family: family, random: random, fullyRandom: fullyRandom, persistent: persistent, arguments: arguments)
  }
}

/// A field that gets a new value: a mark, a header field, a connection mark.
public struct Assignment: Hashable, Sendable {
  /// The field that changes.
  public var field: Field
  /// Its new value; it may be computed from the field's old one.
  public var value: ValueExpression

  /// Makes an assignment.
  public init(_ field: Field, _ value: ValueExpression) {
    self.field = field
    self.value = value
  }
}

/// A change of a set by a rule (nft `add @set { ip saddr }`, iptables `-j SET`).
public struct SetUpdate: Hashable, Sendable {
  /// What is done to the set.
  public enum Operation: String, Hashable, Sendable {
    case add, update, delete
  }

  /// What is done.
  public var operation: Operation
  /// The set's name.
  public var set: String
  /// Whether the set is an ipset.
  public var isIPSet: Bool
  /// The element's key.
  public var key: ValueExpression
  /// The element's value, when the set is a map.
  public var data: ValueExpression?
  /// Conditions on the element (a limit or a count of connections for each key): they decide like a match.
  public var conditions: [EnvironmentCondition]
  /// Further arguments (timeout, comment), for printing back.
  public var arguments: [Argument]

  /// Makes a set update.
  public init(
    _ operation: Operation, set: String, isIPSet: Bool = false, key: ValueExpression, data: ValueExpression? = nil,
    conditions: [EnvironmentCondition] = [], arguments: [Argument] = []
  ) {
    self.operation = operation
    self.set = set
    self.isIPSet = isIPSet
    self.key = key
    self.data = data
    self.conditions = conditions
    self.arguments = arguments
  }
}

/// A statement that cannot change the packet's fate.
public struct Effect: Hashable, Sendable {
  /// The kinds of effect; the raw value is nft's word where it has one.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case counter, log, trace, audit, dup, checksum, classify, helper, timeout, expectation, zone, secmark, idletimer,
      led
    case accounting, flowOffload = "flow", rateest, tcpmss, tcpoptstrip, ecn, hmark, label, connsecmark,
      lastUsed = "last"
    case clusterip, ctTarget = "ct"
    /// An address is remembered in a list of recent ones (iptables `recent --set`).
    case recent
    /// The packet's place in a device's queues is taken from an ipset (iptables `SET --map-set --map-queue`).
    case queueMapping = "queue_mapping"
    /// A named counter, quota or limit of the table that is only counted.
    case object
  }

  /// The kind.
  public var kind: Kind
  /// Everything that was printed of it, for words and for printing it back.
  public var arguments: [Argument]

  /// Makes an effect.
  public init(_ kind: Kind, _ arguments: [Argument] = []) {
    self.kind = kind
    self.arguments = arguments
  }
}

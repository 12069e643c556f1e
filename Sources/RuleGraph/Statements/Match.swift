/// A test of a rule: whether a value computed from the packet is in a set of values.
///
/// Every comparison of both dialects has this form. `tcp dport 80` is `th.dport in {80}`; `! -s 10.0.0.0/8` is
/// `ip.saddr not in {10.0.0.0...10.255.255.255}`; `tcp flags syn` is `(tcp.flags & 2) not in {0}`; `mark 0x10/0xf0` is
/// `(mark & 0xf0) in {0x10}`.
public struct Match: Hashable, Sendable {
  /// The set.
  public var values: MatchValues
  /// Whether the match is true when the value is *not* in the set.
  public var negated: Bool
  /// What the match gives when the field does not exist in the packet.
  ///
  /// False everywhere but for the further options of an iptables conntrack match that has `--ctstate` too: for a packet
  /// without a connection the kernel decides by the state alone (`net/netfilter/xt_conntrack.c`).
  public var whenAbsent: Bool
  // Last, since values are kept at multiples of sixteen bytes.
  /// The value that is tested.
  public var subject: ValueExpression

  /// Makes a match.
  public init(_ subject: ValueExpression, _ values: MatchValues, negated: Bool = false, whenAbsent: Bool = false) {
    self.subject = subject
    self.values = values
    self.negated = negated
    self.whenAbsent = whenAbsent
  }

  /// Makes a match of a field with a set of values.
  public init(_ field: Field, in values: ValueSet, negated: Bool = false) {
    self.init(.field(field), .values(values), negated: negated)
  }

  /// Makes a match that is true when the field shares a bit with the mask (nft's `tcp flags syn,ack`).
  public init(_ field: Field, anyBitOf mask: UInt128, negated: Bool = false) {
    self.init(.bitwise(.field(field), and: mask, xor: 0), .values(ValueSet(0)), negated: !negated)
  }
}

/// The values that a match accepts.
public enum MatchValues: Hashable, Sendable {
  /// A set of values.
  case values(ValueSet)
  /// Values some of which the dump masks: whether the match holds is unknown for the packets whose value may be a
  /// masked one.
  indirect case masked(MaskedValues)
  /// An anonymous set of concatenated keys (or one with `nomatch` or stateful elements).
  case elements([SetElement])
  /// A set of the rule's table, by name.
  case named(String)
  /// An ipset, by name (iptables `-m set`). The subject has one address field for each flag, source for `src` and
  /// destination for `dst`; what it means for the set's type says ``NamedSet/ipsetKey(_:family:)``.
  case ipset(String)
  /// The exceptions of an ipset (iptables `-m set --return-nomatch`): the match is true for a packet that a `nomatch`
  /// member decides about. A set of a type that knows no exceptions is asked as ever (`ip_set_test` in
  /// `net/netfilter/ipset/ip_set_core.c`).
  case ipsetExceptions(String)
}

/// A match whose truth a dump cannot hold: a rate, a counter, the time, a list of recent addresses, a random draw, the
/// content of a packet.
///
/// It splits a trace in two, with words of its own ("if the limit of 3/minute isn't used up").
public struct EnvironmentCondition: Hashable, Sendable {
  /// What decides; the raw value is the field's own word.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case limit, quota, hashlimit, connlimit, connbytes, recent, statistic, time, string, bpf, u32, socket, cluster,
      helper
    case rateest, condition, nfacct, osf, account, cpu, devgroup, cgroup, policy, realm, rpfilter, label, dynset
    case lastUsed = "last"
    case ipv4options, tcpmss, eui64, ipv6header, geoip, random, owner, ipvs, chunks
  }

  /// What decides.
  public var kind: Kind
  /// Whether the rule wants the condition to be false.
  public var negated: Bool
  /// Everything that was printed of it, for words and for printing it back.
  public var arguments: [Argument]

  /// Makes a condition.
  public init(_ kind: Kind, _ arguments: [Argument] = [], negated: Bool = false) {
    self.kind = kind
    self.arguments = arguments
    self.negated = negated
  }
}

/// A part of a rule that could not be understood or that the dump hides; it evaluates to unknown.
public struct Opaque: Hashable, Sendable {
  /// A part of a line that the dump does not show as it was.
  package enum LostPart: String, Hashable, Sendable {
    case target = "the target"
    case rest = "the rest of the line"
  }

  /// The name of the extension or expression: `xt match addrtype`, `u32`.
  public var name: String
  /// Its original text.
  public var text: String
  /// The command whose output would tell what is hidden here, when another form of the dump tells it.
  public var settledBy: String?
  /// What was lost, where not even a name is left.
  package private(set) var lost: LostPart?

  /// Makes an opaque part.
  public init(name: String, text: String, settledBy: String? = nil) {
    self.name = name
    self.text = text
    self.settledBy = settledBy
  }

  /// Makes a part that was lost; the text is what is left of it.
  package init(lost: LostPart, text: String = "") {
    self.init(name: lost.rawValue, text: text)
    self.lost = lost
  }
}

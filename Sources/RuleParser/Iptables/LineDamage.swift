/// What makes a line of `iptables-save` say less than it seems to: something was lost in it, or another line was joined
/// to it.
///
/// iptables itself prints none of this: it takes each of these options once, and a target last (`do_parse` in
/// `iptables/xshared.c`).
struct LineDamage {
  /// Where a quotation mark opens that nothing in the line ends.
  var quote: Int?
  /// The first place at which a value is missing or a word belongs to nothing, as long as no target stands before it.
  private(set) var loose: Int?
  /// A place that tells that the line is no single rule: all of it is unknown.
  private(set) var whole: Int?
  /// How many targets the line has.
  var targets = 0 {
    didSet { isAny = isAny || targets > 1 }
  }
  /// The options that were met, a bit each.
  private var met: UInt32 = 0
  private var isAny = false

  /// Whether anything is wrong.
  var any: Bool { isAny || quote != nil }

  /// Notes a place behind which the rest of the rule is unknown.
  mutating func noteLoose(_ place: Int) {
    isAny = true
    if loose == nil { loose = place }
  }

  /// Notes a place that tells that the line is no single rule.
  mutating func noteWhole(_ place: Int) {
    isAny = true
    if whole == nil { whole = place }
  }

  /// Whether an option, by its letter, stands in the line for the second time; a rule has one of either `-j` or `-g`.
  mutating func repeats(_ letter: UInt8) -> Bool {
    let letter = letter == UInt8(ascii: "g") ? UInt8(ascii: "j") : letter
    // Each match has a `-m` of its own.
    guard letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z"), letter != UInt8(ascii: "m") else { return false }
    let bit = UInt32(1) << UInt32(letter - UInt8(ascii: "a"))
    defer { met |= bit }
    return met & bit != 0
  }

  /// Whether iptables prints the name of a match, as `-m NAME` does, without any option behind it.
  static func standsAlone(_ match: String) -> Bool {
    switch match {
    case "tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmp6", "icmpv6", "esp", "ah", "dst", "hbh", "rt", "mh",
      "frag",
      "srh", "eui64", "socket", "rpfilter":
      true
    default: false
    }
  }

  /// Whether iptables takes no `!` before an option.
  static func isNeverNegated(_ letter: UInt8) -> Bool {
    switch letter {
    case UInt8(ascii: "m"), UInt8(ascii: "j"), UInt8(ascii: "g"), UInt8(ascii: "c"): true
    default: false
    }
  }
}

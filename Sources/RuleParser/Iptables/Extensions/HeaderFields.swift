import RuleGraph

/// `-m ttl` and `-m hl`: how many hops the packet may still go (iptables-extensions(8), "ttl" and "hl").
struct HopsMatch: IptablesExtension {
  /// The family: `ttl` is IPv4's, `hl` IPv6's.
  let family: AddressFamily
  let kind = ExtensionKind.match
  var names: [String] { [word] }
  var listingWords: [String] { [family == .ipv4 ? "TTL" : "HL"] }
  var options: [OptionSpelling] {
    [
      OptionSpelling("\(word)-eq", aliases: ["\(word)"]), OptionSpelling("\(word)-lt"), OptionSpelling("\(word)-gt"),
    ]
  }
  private var word: String { family == .ipv4 ? "ttl" : "hl" }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eatValue() != nil, text.eat(word: "match"), text.eatValue() != nil else { return false }
    return text.eat(named: "==", as: "\(word)-eq", &found) || text.eat(named: "<", as: "\(word)-lt", &found)
      || text.eat(named: ">", as: "\(word)-gt", &found) || readUnequal(&text, &found)
  }

  private func readUnequal(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "!="), let value = text.eatValue() else { return false }
    found.append(ExtensionOption(name: "\(word)-eq", negated: true, value: value))
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let field = Field.header(family == .ipv4 ? HeaderField(.ip, .ttl) : HeaderField(.ip6, .hoplimit))
    for option in options {
      guard let number = rule.number(option.value), number <= 255,
        let values = Comparison.values(option.name.text, UInt128(number), width: 8)
      else { return false }
      rule.match(field, values, negated: option.negated)
    }
    return true
  }
}

/// Tests of the form equal, less, greater, told by the end of an option's name.
enum Comparison {
  /// The values of a field of so many bits that satisfy `-eq`, `-lt` or `-gt`.
  static func values(_ name: String, _ number: UInt128, width: Int) -> ValueSet? {
    let top = (UInt128(1) << UInt128(width)) - 1
    if name.hasSuffix("-lt") { return number == 0 ? .empty : ValueSet(0...number - 1) }
    if name.hasSuffix("-gt") { return number >= top ? .empty : ValueSet(number + 1...top) }
    return ValueSet(number)
  }

  /// The name and number of the option for a set of values; nil when there is none.
  static func spell(_ values: ValueSet, _ name: String, width: Int) -> (name: String, number: UInt128)? {
    let top = (UInt128(1) << UInt128(width)) - 1
    if values.isEmpty { return (name + "-lt", 0) }
    guard let interval = values.intervals.first, values.intervals.count == 1 else { return nil }
    if interval.lowerBound == interval.upperBound { return (name + "-eq", interval.lowerBound) }
    if interval.lowerBound == 0, interval.upperBound < top { return (name + "-lt", interval.upperBound + 1) }
    return interval.upperBound == top && interval.lowerBound > 0 ? (name + "-gt", interval.lowerBound - 1) : nil
  }
}

/// `-m length`: the length of the packet from the network header on (iptables-extensions(8), "length").
struct LengthMatch: IptablesExtension {
  let names = ["length"]
  let kind = ExtensionKind.match
  let listingWords = ["length"]
  let options = [OptionSpelling("length")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(named: "length", as: "length", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let lengths = rule.interval(option.value, upTo: 65535) else { return false }
      rule.match(.meta(.length), ValueSet(lengths), negated: option.negated)
    }
    return true
  }
}

/// `-m tos`: the whole type-of-service byte, or bits of it (iptables-extensions(8), "tos").
struct ServiceTypeMatch: IptablesExtension {
  let names = ["tos"]
  let kind = ExtensionKind.match
  let listingWords = ["tos", "TOS"]
  let options = [OptionSpelling("tos")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    // No blank stands behind `match`.
    guard text.eat(word: "tos") || text.eat(word: "TOS") else { return false }
    return text.eat(label: "match", as: "tos", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let (value, mask) = ServiceType.masked(option.value, rule) else { return false }
      rule.match(
        .header(HeaderField(rule.network, .tos)), bits: mask, width: 8, equal: value, negated: option.negated)
    }
    return true
  }
}

/// The names of the old types of service (RFC 1349) and the classes of differentiated services (RFC 2474, RFC 2597, RFC
/// 3246).
enum ServiceType {
  private static let types: [(name: StaticString, value: UInt128)] = [
    ("Minimize-Delay", 0x10), ("Maximize-Throughput", 0x08), ("Maximize-Reliability", 0x04), ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
  ]

  /// `0x10/0x3f` or a name, which stands for the six bits that types had; a number alone is the whole byte.
  static func masked(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> (value: UInt128, mask: UInt128)? {
    if let type = types.first(where: { rule.text(range, is: $0.name) }) { return (type.value, 0x3f) }
    return rule.masked(range, width: 8)
  }

  private static let classes: [(name: String, value: UInt8)] =
    (0...7).map { ("CS\($0)", UInt8($0) << 3) }
    + (1...4).flatMap { major in (1...3).map { ("AF\(major)\($0)", UInt8(major) << 3 | UInt8($0) << 1) } }
    + [("BE", 0), ("EF", 0x2e)]

  /// A differentiated services code point by number or class.
  static func codePoint(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> UInt128? {
    if let number = rule.number(range) { return number < 64 ? UInt128(number) : nil }
    let name = rule.text(range).uppercased()
    return classes.first { $0.name == name }.map { UInt128($0.value) }
  }
}

/// `-m dscp`: the differentiated services code point (iptables-extensions(8), "dscp").
struct CodePointMatch: IptablesExtension {
  let names = ["dscp"]
  let kind = ExtensionKind.match
  let listingWords = ["DSCP"]
  let options = [OptionSpelling("dscp"), OptionSpelling("dscp-class")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "DSCP") && text.eat(named: "match", as: "dscp", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let value = ServiceType.codePoint(option.value, rule) else { return false }
      rule.match(.header(HeaderField(rule.network, .dscp)), ValueSet(value), negated: option.negated)
    }
    return true
  }
}

/// `-m ecn`: explicit congestion notification in the IP and TCP headers (iptables-extensions(8), "ecn"; RFC 3168).
struct CongestionMatch: IptablesExtension {
  let names = ["ecn"]
  let kind = ExtensionKind.match
  let listingWords = ["ECN"]
  let options = [
    OptionSpelling("ecn-tcp-ece", values: .none), OptionSpelling("ecn-tcp-cwr", values: .none),
    OptionSpelling("ecn-ip-ect"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "ECN"), text.eat(word: "match") else { return false }
    while true {
      let start = text.cursor.at
      let negated = text.eatNegation()
      guard
        text.eat(flag: "ECE", as: "ecn-tcp-ece", &found) || text.eat(flag: "CWR", as: "ecn-tcp-cwr", &found)
          || text.eat(label: "ECT=", as: "ecn-ip-ect", &found)
      else {
        text.cursor.at = start
        return !found.isEmpty
      }
      found[found.count - 1].negated = negated
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      switch option.name {
      case "ecn-ip-ect":
        guard let value = rule.number(option.value), value < 4 else { return false }
        rule.match(.header(HeaderField(rule.network, .ecn)), ValueSet(value), negated: option.negated)
      default:
        let bit: UInt128 = option.name == "ecn-tcp-ece" ? 0x40 : 0x80
        rule.statements.append(
          .match(Match(.header(HeaderField(.tcp, .flags)), anyBitOf: bit, negated: option.negated)))
      }
    }
    return true
  }
}

/// `-m tcpmss`: the maximum segment size that a SYN offers (iptables-extensions(8), "tcpmss").
///
/// A packet without the option satisfies the negated test (`net/netfilter/xt_tcpmss.c`).
struct SegmentSizeMatch: IptablesExtension {
  let names = ["tcpmss"]
  let kind = ExtensionKind.match
  let listingWords = ["tcpmss"]
  let options = [OptionSpelling("mss")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "tcpmss") && text.eat(named: "match", as: "mss", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let sizes = rule.interval(option.value, upTo: 65535) else { return false }
      rule.match(
        .option(OptionField(.tcp, "maxseg", "size")), ValueSet(sizes), negated: option.negated,
        whenAbsent: option.negated)
    }
    return true
  }
}

/// `-m realm`: the realm of the packet's route (iptables-extensions(8), "realm").
struct RealmMatch: IptablesExtension {
  let names = ["realm"]
  let kind = ExtensionKind.match
  let listingWords = ["realm"]
  let options = [OptionSpelling("realm")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard text.eat(named: "realm", as: "realm", &found) else { return false }
    found[found.count - 1].negated = negated
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      if let (value, mask) = rule.masked(option.value) {
        rule.match(.meta(.rtclassid), bits: mask, width: 32, equal: value, negated: option.negated)
      } else {
        // The number of a name stands in the host's `rt_realms`.
        rule.statements.append(
          .environment(
            EnvironmentCondition(.realm, [Argument("realm", rule.text(option.value))], negated: option.negated)))
      }
    }
    return true
  }
}

/// `-m cpu`: the processor that handles the packet (iptables-extensions(8), "cpu").
struct ProcessorMatch: IptablesExtension {
  let names = ["cpu"]
  let kind = ExtensionKind.match
  let listingWords = ["cpu"]
  let options = [OptionSpelling("cpu")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(named: "cpu", as: "cpu", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let number = rule.number(option.value), number <= 0xffff_ffff else { return false }
      rule.match(.meta(.cpu), ValueSet(number), negated: option.negated)
    }
    return true
  }
}

/// `-m devgroup`: the groups of the interfaces (iptables-extensions(8), "devgroup").
struct DeviceGroupMatch: IptablesExtension {
  let names = ["devgroup"]
  let kind = ExtensionKind.match
  let listingWords = ["src-group", "dst-group"]
  let options = [OptionSpelling("src-group"), OptionSpelling("dst-group")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eatOptions(options, &found) && !found.isEmpty
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      if let (value, mask) = rule.masked(option.value) {
        let key: MetaKey = option.name == "src-group" ? .iifgroup : .oifgroup
        rule.match(.meta(key), bits: mask, width: 32, equal: value, negated: option.negated)
      } else {
        // The number of a name stands in the host's `group` file.
        rule.statements.append(
          .environment(
            EnvironmentCondition(
              .devgroup, [Argument(option.name.text, rule.text(option.value))], negated: option.negated)))
      }
    }
    return true
  }
}

extension HopsMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    let wanted = family == .ipv4 ? Field.header(HeaderField(.ip, .ttl)) : Field.header(HeaderField(.ip6, .hoplimit))
    guard let test = PlainTest(statements.first), test.mask == nil, test.field == wanted,
      let (name, number) = Comparison.spell(test.values, names[0], width: 8)
    else { return nil }
    return test.spelled(names[0], name, "\(number)")
  }
}

extension LengthMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.meta == .length, test.mask == nil, let lengths = test.interval
    else {
      return nil
    }
    return test.spelled("length", "length", PlainTest.text(lengths))
  }
}

extension ServiceTypeMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.header?.name == .tos, let value = test.values.single else {
      return nil
    }
    return test.spelled("tos", "tos", "0x\(String(value, radix: 16))/0x\(String(test.mask ?? 0xff, radix: 16))")
  }
}

extension CodePointMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.header?.name == .dscp, test.mask == nil,
      let value = test.values.single
    else { return nil }
    return test.spelled("dscp", "dscp", "0x\(String(value, radix: 16))")
  }
}

extension CongestionMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if let test = PlainTest(statements.first), test.header == HeaderField(.tcp, .flags), !test.whenAbsent,
      let (mask, negated) = test.anyBit, mask == 0x40 || mask == 0x80
    {
      let name = mask == 0x40 ? "ecn-tcp-ece" : "ecn-tcp-cwr"
      return SpelledStatement(module: "ecn", options: "\(negated ? "! " : "")--\(name)", names: [name])
    }
    guard let test = PlainTest(statements.first), test.header?.name == .ecn, test.mask == nil,
      let value = test.values.single
    else { return nil }
    return test.spelled("ecn", "ecn-ip-ect", "\(value)")
  }
}

extension SegmentSizeMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.field == .option(OptionField(.tcp, "maxseg", "size")),
      test.mask == nil, let sizes = test.interval
    else { return nil }
    return test.spelled("tcpmss", "mss", PlainTest.text(sizes), absent: test.negated)
  }
}

extension RealmMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .environment(let found) = statements.first, found.kind == .realm, let name = found.arguments.first?.value {
      return SpelledStatement(
        module: "realm", options: "\(found.negated ? "! " : "")--realm \(SaveText.quoted(name))", names: ["realm"])
    }
    guard let test = PlainTest(statements.first), test.meta == .rtclassid, let value = test.hexadecimal(width: 32)
    else {
      return nil
    }
    return test.spelled("realm", "realm", value)
  }
}

extension ProcessorMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.meta == .cpu, test.mask == nil, let number = test.values.single
    else {
      return nil
    }
    return test.spelled("cpu", "cpu", "\(number)")
  }
}

extension DeviceGroupMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .environment(let found) = statements.first, found.kind == .devgroup, let argument = found.arguments.first {
      return SpelledStatement(
        module: "devgroup",
        options: "\(found.negated ? "! " : "")--\(argument.name) \(SaveText.quoted(argument.value))",
        names: [argument.name])
    }
    guard let test = PlainTest(statements.first), test.meta == .iifgroup || test.meta == .oifgroup,
      let value = test.hexadecimal(width: 32)
    else { return nil }
    return test.spelled("devgroup", test.meta == .iifgroup ? "src-group" : "dst-group", value)
  }
}

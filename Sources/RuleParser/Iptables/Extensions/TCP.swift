import RuleGraph

/// `-m tcp`: ports, flags and the presence of an option (iptables-extensions(8), "tcp"; `net/netfilter/xt_tcpudp.c`).
struct TCPMatch: IptablesExtension {
  let names = ["tcp"]
  let kind = ExtensionKind.match
  let listingWords = ["tcp", "tcpflags:"]
  let options =
    PortOptions.spellings + [
      OptionSpelling("tcp-flags", values: .two), OptionSpelling("syn", values: .none), OptionSpelling("tcp-option"),
    ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    // 1.8.10 and later over nf_tables print `tcpflags: 0x17/0x02` where no port is tested.
    guard text.eat(word: "tcp") || text.startsWithFlags else { return false }
    while true {
      if PortOptions.read(&text, &found) { continue }
      var option: ExtensionOption
      if text.eat(prefix: "flags:") || text.eat(prefix: "tcpflags:") {
        option = ExtensionOption(name: "tcp-flags", negated: text.eatNegation())
        guard let both = text.eatValue(), let slash = text.cursor.bytes[both].firstIndex(of: UInt8(ascii: "/")) else {
          return false
        }
        option.value = both.lowerBound..<slash
        option.second = slash + 1..<both.upperBound
      } else if text.eat(prefix: "option=") {
        option = ExtensionOption(name: "tcp-option", negated: text.cursor.eat(UInt8(ascii: "!")))
        guard let value = text.eatValue() else { return false }
        option.value = value
      } else {
        return true
      }
      found.append(option)
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      switch option.name {
      case "sport", "dport":
        guard PortOptions.lower(option, .tcp, into: &rule) else { return false }
      case "tcp-flags":
        guard let mask = TCPFlags.read(option.value, rule), let value = TCPFlags.read(option.second, rule) else {
          return false
        }
        rule.match(
          .header(HeaderField(.tcp, .flags)), bits: mask, width: 8, equal: value, negated: option.negated)
      case "syn":
        rule.match(.header(HeaderField(.tcp, .flags)), bits: 0x17, width: 8, equal: 0x02, negated: option.negated)
      default:
        guard let number = rule.number(option.value), number <= 255 else { return false }
        let field = Field.option(OptionField(.tcp, TCPFlags.optionName(number)))
        rule.match(field, ValueSet(1), negated: option.negated)
      }
    }
    return true
  }
}

extension ListingText {
  /// Whether the flags of TCP stand next, without the protocol before them.
  fileprivate var startsWithFlags: Bool {
    var attempt = self
    return attempt.eat(prefix: "tcpflags:")
  }
}

/// The names of TCP flags and options.
enum TCPFlags {
  /// The flags by name; `ALL` is what iptables means by it, the first six.
  static let names: [(name: StaticString, bits: UInt128)] = [
    ("FIN", 0x01), ("SYN", 0x02), ("RST", 0x04), ("PSH", 0x08), ("ACK", 0x10), ("URG", 0x20), ("ECE", 0x40),
    ("CWR", 0x80), ("ALL", 0x3f), ("NONE", 0),
  ]

  /// `SYN,ACK` or `0x12` as bits.
  static func read(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> UInt128? {
    if let number = rule.number(range) { return number <= 255 ? UInt128(number) : nil }
    var bits: UInt128 = 0
    for part in rule.list(range) {
      guard let flag = names.first(where: { rule.text(part, is: $0.name) }) else { return nil }
      bits |= flag.bits
    }
    return bits
  }

  /// `SYN,ACK` of bits; `NONE` of none.
  static func text(_ bits: UInt128) -> String {
    let found = names.prefix(6).filter { bits & $0.bits != 0 }.map { "\($0.name)" }
    return found.isEmpty ? "NONE" : found.joined(separator: ",")
  }

  private static let optionNames: [UInt64: String] = [
    2: "maxseg", 3: "window", 4: "sack-permitted", 5: "sack", 8: "timestamp",
  ]

  /// The name that nft has for an option of this number, else the number.
  static func optionName(_ number: UInt64) -> String { optionNames[number] ?? String(number) }

  /// The number of an option's name.
  static func optionNumber(_ name: String) -> UInt64? {
    optionNames.first { $0.value == name }?.key ?? UInt64(name)
  }
}

extension TCPMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if let ports = PortOptions.spell(statements.first, .tcp) { return ports }
    guard let test = PlainTest(statements.first) else { return nil }
    if case .option(let option) = test.field, option.kind == .tcp, option.name == nil, test.mask == nil,
      test.values == ValueSet(1), let number = TCPFlags.optionNumber(option.option)
    {
      return test.spelled("tcp", "tcp-option", "\(number)")
    }
    guard test.field == .header(HeaderField(.tcp, .flags)) else { return nil }
    // iptables has names for the six older flags only.
    guard let value = test.values.single, let mask = test.mask, mask < 0x40, value < 0x40 else { return nil }
    return test.spelled("tcp", "tcp-flags", "\(TCPFlags.text(mask)) \(TCPFlags.text(value))")
  }
}

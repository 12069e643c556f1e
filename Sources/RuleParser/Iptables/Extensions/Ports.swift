import RuleGraph

/// The source and destination port options that the matches of most transport protocols have.
enum PortOptions {
  /// `--sport` and `--dport` with their longer names.
  static let spellings = [
    OptionSpelling("sport", aliases: ["source-port"]), OptionSpelling("dport", aliases: ["destination-port"]),
  ]

  /// Takes `spt:80`, `spts:1:9`, `dpt:!http`, `dpts:...`; false when the next word is another one.
  static func read(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    for (prefix, name) in prefixes {
      guard text.eat(prefix: prefix) else { continue }
      var option = ExtensionOption(name: name)
      if text.cursor.eat(UInt8(ascii: "!")) { option.negated = true }
      guard var value = text.cursor.eatWord() else { return false }
      // Some versions printed the flags without a blank before them (`dpt:9050flags: 0x17/0x02`).
      if let glued = Self.gluedFlags(text.cursor.bytes, value) {
        value = value.lowerBound..<glued
        text.cursor.at = glued
      }
      option.value = value
      found.append(option)
      return true
    }
    return false
  }

  private static let prefixes: [(StaticString, OptionLabel)] = [
    ("dpt:", "dport"), ("spt:", "sport"), ("dpts:", "dport"), ("spts:", "sport"),
  ]

  private static func gluedFlags(_ bytes: ByteView, _ range: Range<Int>) -> Int? {
    guard range.count > 6 else { return nil }
    for start in range.lowerBound + 1...range.upperBound - 6 where bytes[start] == UInt8(ascii: "f") {
      if bytes[start..<start + 6].elementsEqual("flags:".utf8) { return start }
    }
    return nil
  }

  /// Adds the test of a port option. All ports are no test, as iptables prints it. False when the value is no port.
  static func lower(_ option: ExtensionOption, _ header: Header, into rule: inout RuleDraft) -> Bool {
    let field = HeaderField(header, option.name == "sport" ? .sport : .dport)
    guard let ports = rule.ports(option.value) else {
      return rule.match(.header(field), masked: option.value, .number(bits: 16), negated: option.negated)
    }
    if ports == 0...65535, !option.negated { return true }
    rule.match(.header(field), ValueSet(ports), negated: option.negated)
    return true
  }

  /// Spells the test of one port or range; nil of several, and of another field.
  static func spell(_ statement: Statement?, _ header: Header) -> SpelledStatement? {
    guard let test = PlainTest(statement), let field = test.header, field.header == header, test.mask == nil,
      field.name == .sport || field.name == .dport, let ports = test.interval
    else { return nil }
    return test.spelled(header.rawValue, field.name.rawValue, PlainTest.text(ports))
  }
}

/// `-m udp` and `-m udplite`: ports (iptables-extensions(8), "udp").
struct UDPMatch: IptablesExtension {
  /// The header whose ports are meant.
  let header: Header
  let kind = ExtensionKind.match
  var names: [String] { [header.rawValue] }
  var listingWords: [String] { [header.rawValue] }
  let options = PortOptions.spellings

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard let word = text.eatValue(), text.text(word, is: header.rawValue) else { return false }
    while PortOptions.read(&text, &found) {}
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    options.allSatisfy { PortOptions.lower($0, header, into: &rule) }
  }
}

extension UDPMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    // iptables has no module for the ports of UDP-Lite alone; multiport knows them.
    header == .udp ? PortOptions.spell(statements.first, header) : nil
  }
}

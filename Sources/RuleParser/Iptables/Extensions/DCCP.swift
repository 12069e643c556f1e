import RuleGraph

/// `-m dccp`: ports, packet types and options (iptables-extensions(8), "dccp"; RFC 4340).
struct DCCPMatch: IptablesExtension {
  let names = ["dccp"]
  let kind = ExtensionKind.match
  let listingWords = ["dccp"]
  let options = PortOptions.spellings + [OptionSpelling("dccp-types"), OptionSpelling("dccp-option")]

  /// The types by number; from 10 on they are reserved, which iptables calls INVALID.
  static let types = [
    "REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID",
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "dccp") else { return false }
    while true {
      if PortOptions.read(&text, &found) || text.eat(label: "option=", as: "dccp-option", &found) { continue }
      let start = text.cursor.at
      let negated = text.eatNegation()
      guard let value = text.eatValue(),
        text.cursor.bytes[value].split(separator: UInt8(ascii: ",")).allSatisfy(Self.isType)
      else {
        text.cursor.at = start
        return true
      }
      found.append(ExtensionOption(name: "dccp-types", negated: negated, value: value))
    }
  }

  private static func isType(_ word: ArraySlice<UInt8>) -> Bool {
    let text = String(decoding: word, as: UTF8.self)
    return UInt8(text) != nil || types.contains(text)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      switch option.name {
      case "dccp-types":
        var values: [ClosedRange<UInt128>] = []
        for part in rule.list(option.value) {
          if let number = rule.number(part), number < 16 {
            values.append(UInt128(number)...UInt128(number))
          } else if let index = Self.types.firstIndex(of: rule.text(part).uppercased()) {
            values.append(UInt128(index)...(index == 10 ? 15 : UInt128(index)))
          } else {
            return false
          }
        }
        rule.match(.header(HeaderField(.dccp, .type)), ValueSet(values), negated: option.negated)
      case "dccp-option":
        guard let number = rule.number(option.value), number <= 255 else { return false }
        rule.match(.option(OptionField(.dccp, String(number))), ValueSet(1), negated: option.negated)
      default:
        guard PortOptions.lower(option, .dccp, into: &rule) else { return false }
      }
    }
    return true
  }
}

extension DCCPMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if let ports = PortOptions.spell(statements.first, .dccp) { return ports }
    guard let test = PlainTest(statements.first), test.mask == nil else { return nil }
    if case .option(let option) = test.field, option.kind == .dccp, option.name == nil, test.values == ValueSet(1) {
      return test.spelled("dccp", "dccp-option", option.option)
    }
    guard test.field == .header(HeaderField(.dccp, .type)) else { return nil }
    var types = Self.types.indices.filter { $0 < 10 && test.values.contains(UInt128($0)) }.map { Self.types[$0] }
    let reserved = test.values.intersection(ValueSet(10...15)).count
    guard reserved == 0 || reserved == 6, test.values.isSubset(of: ValueSet(0...15)) else { return nil }
    if reserved == 6 { types.append("INVALID") }
    return test.spelled("dccp", "dccp-types", types.joined(separator: ","))
  }
}

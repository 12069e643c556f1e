import RuleGraph

/// `-m mac`: the Ethernet source address (iptables-extensions(8), "mac").
///
/// A packet without an Ethernet header does not match, negated or not (`net/netfilter/xt_mac.c`).
struct MACMatch: IptablesExtension {
  let names = ["mac"]
  let kind = ExtensionKind.match
  let listingWords = ["MAC"]
  let options = [OptionSpelling("mac-source")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(prefix: "MAC") else { return false }
    var option = ExtensionOption(name: "mac-source", negated: text.eatNegation())
    guard let value = text.eatValue() else { return false }
    option.value = value
    found.append(option)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      let field = Field.header(HeaderField(.ether, .saddr))
      if let address = Self.address(option.value, rule) {
        rule.match(field, ValueSet(address), negated: option.negated)
      } else if !rule.match(field, masked: option.value, .hardwareAddress, negated: option.negated) {
        return false
      }
    }
    return true
  }

  /// `00:16:3e:00:00:01` as a number of 48 bits.
  static func address(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> UInt128? {
    var number: UInt128 = 0
    let parts = rule.list(range, separator: UInt8(ascii: ":"))
    guard parts.count == 6 else { return nil }
    for part in parts {
      guard part.count == 2 else { return nil }
      for place in part {
        guard let digit = rule.bytes[place].hexDigitValue else { return nil }
        number = number << 4 | UInt128(digit)
      }
    }
    return number
  }
}

extension MACMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.field == .header(HeaderField(.ether, .saddr)), test.mask == nil,
      let address = test.values.single
    else { return nil }
    let bytes = (0..<6).map { index in
      let byte = UInt8(truncatingIfNeeded: address >> UInt128(40 - 8 * index))
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return test.spelled("mac", "mac-source", bytes.joined(separator: ":"))
  }
}

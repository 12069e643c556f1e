import RuleGraph

/// `-m iprange`: addresses from one to another (iptables-extensions(8), "iprange").
struct AddressRangeMatch: IptablesExtension {
  let names = ["iprange"]
  let kind = ExtensionKind.match
  let listingWords = ["source", "destination"]
  let options = [OptionSpelling("src-range"), OptionSpelling("dst-range")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    while true {
      let start = text.cursor.at
      var option: ExtensionOption
      if text.eat(word: "source") {
        option = ExtensionOption(name: "src-range")
      } else if text.eat(word: "destination") {
        option = ExtensionOption(name: "dst-range")
      } else {
        return !found.isEmpty
      }
      guard text.eat(word: "IP"), text.eat(word: "range") else {
        text.cursor.at = start
        return !found.isEmpty
      }
      option.negated = text.eatNegation()
      guard let value = text.eatValue() else { return false }
      option.value = value
      found.append(option)
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      let field = HeaderField(rule.network, option.name == "src-range" ? .saddr : .daddr)
      guard let range = rule.addressRange(option.value) else {
        if rule.match(.header(field), masked: option.value, .address(rule.family), negated: option.negated) { continue }
        return false
      }
      rule.match(.header(field), ValueSet(range), negated: option.negated)
    }
    return true
  }
}

extension AddressRangeMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), let field = test.header,
      field.header == (rule.family == .ipv4 ? .ip : .ip6), field.name == .saddr || field.name == .daddr,
      test.mask == nil,
      let range = test.interval
    else { return nil }
    let low = IPAddress(bits: range.lowerBound)
    let high = IPAddress(bits: range.upperBound)
    guard low.family == rule.family, high.family == rule.family else { return nil }
    return test.spelled("iprange", field.name == .saddr ? "src-range" : "dst-range", "\(low)-\(high)")
  }
}

import RuleGraph

/// `-m esp`, `-m ah` and `-m ipcomp`: the index of a security association (iptables-extensions(8)).
struct SecurityHeaderMatch: IptablesExtension {
  /// The header: esp, ah or comp.
  let header: Header
  let kind = ExtensionKind.match
  var names: [String] { [header == .comp ? "ipcomp" : header.rawValue] }
  var listingWords: [String] { [header.rawValue] }
  var options: [OptionSpelling] {
    switch header {
    case .esp: [OptionSpelling("espspi")]
    case .ah: [OptionSpelling("ahspi"), OptionSpelling("ahlen"), OptionSpelling("ahres", values: .none)]
    default: [OptionSpelling("ipcompspi"), OptionSpelling("compres", values: .none)]
    }
  }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eatValue() != nil else { return false }
    while text.eat(label: "spi:", as: options[0].name, &found) || text.eat(label: "spis:", as: options[0].name, &found)
      || (header == .ah && text.eat(label: "length:", as: "ahlen", &found))
      || (header != .esp && text.eat(flag: "reserved", as: header == .ah ? "ahres" : "compres", &found))
    {}
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let index = HeaderField(header, header == .comp ? .cpi : .spi)
    var isTested = false
    for option in options {
      switch option.name {
      case "ahlen":
        guard let length = rule.number(option.value), length >= 8, length % 4 == 0, length <= 1028 else { return false }
        // The field counts words of four bytes, without the first two (RFC 4302).
        rule.match(.header(HeaderField(.ah, .hdrlength)), ValueSet(length / 4 - 2), negated: option.negated)
      case "ahres", "compres": rule.match(.header(HeaderField(header, .reserved)), ValueSet(0))
      default:
        guard let values = rule.interval(option.value, upTo: 0xffff_ffff) else { return false }
        if values == 0...0xffff_ffff, !option.negated { continue }
        rule.match(.header(index), ValueSet(values), negated: option.negated)
      }
      isTested = true
    }
    // In IPv6 the header may stand behind others, so that `-m ah` alone asks whether there is one.
    if !isTested, rule.family == .ipv6, header == .ah { rule.match(.header(index), .bits(32)) }
    return true
  }
}

extension SecurityHeaderMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), let field = test.header, field.header == header, test.mask == nil,
      !test.whenAbsent
    else { return nil }
    switch field.name {
    case .spi, .cpi:
      if test.values == .bits(32), !test.negated {
        return SpelledStatement(module: names[0], options: "", names: ["*"])
      }
      guard let values = test.interval else { return nil }
      return test.spelled(names[0], options[0].name.text, PlainTest.text(values))
    case .hdrlength:
      guard let words = test.values.single, words < 256 else { return nil }
      return test.spelled(names[0], "ahlen", "\((words + 2) * 4)")
    case .reserved:
      guard test.values == ValueSet(0), !test.negated else { return nil }
      let name = header == .ah ? "ahres" : "compres"
      return SpelledStatement(module: names[0], options: "--\(name)", names: [name])
    default: return nil
    }
  }
}

import RuleGraph

/// `-m policy`: whether IPsec protected or will protect the packet (iptables-extensions(8), "policy").
struct PolicyMatch: EnvironmentMatch {
  let names = ["policy"]
  let condition = EnvironmentCondition.Kind.policy
  let listingWords = ["policy"]
  let options = [
    OptionSpelling("dir"), OptionSpelling("pol"), OptionSpelling("strict", values: .none), OptionSpelling("reqid"),
    OptionSpelling("spi"), OptionSpelling("proto"), OptionSpelling("mode"), OptionSpelling("tunnel-dst"),
    OptionSpelling("tunnel-src"), OptionSpelling("next", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "policy"), text.eat(word: "match") else { return false }
    while true {
      guard text.eatOptions(options, &found) else { return false }
      // `[0]` stands before the first element, `[1]` between it and the second.
      if text.eat(word: "[0]") { continue }
      let start = text.cursor.at
      guard text.eat(prefix: "["), text.cursor.eatDecimal() != nil, text.cursor.eat(UInt8(ascii: "]")) else {
        text.cursor.at = start
        return true
      }
      found.append(ExtensionOption(name: "next"))
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    // The plain question "was it protected?" is a field; elements of a policy are not.
    if options.count == 2, let direction = options.first(where: { $0.name == "dir" }),
      rule.text(direction.value, is: "in"),
      let policy = options.first(where: { $0.name == "pol" })
    {
      rule.match(.meta(.secpath), ValueSet(rule.text(policy.value, is: "ipsec") ? 1 : 0))
      return true
    }
    return NegatableArguments.lower(condition, options, into: &rule) { option, rule in
      option.name == "proto" ? rule.transport(option.value).map { String($0) } : rule.text(of: option)
    }
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .match(let match) = statements.first, match.subject == .field(.meta(.secpath)), !match.negated,
      case .values(let values) = match.values, let value = values.single
    {
      return SpelledStatement(
        module: "policy", options: "--dir in --pol \(value == 0 ? "none" : "ipsec")", names: ["*"])
    }
    return NegatableArguments.spell(statements.first, condition, module: names[0])
  }
}

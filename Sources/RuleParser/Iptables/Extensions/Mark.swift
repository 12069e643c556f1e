import RuleGraph

/// `-m mark`: the packet's mark, or some bits of it (iptables-extensions(8), "mark").
struct MarkMatch: IptablesExtension {
  let names = ["mark"]
  let kind = ExtensionKind.match
  let listingWords = ["mark", "MARK"]
  let options = [OptionSpelling("mark")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "mark") || text.eat(word: "MARK"), text.eat(word: "match") else { return false }
    return readMark(&text, &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    lowerMark(options, .meta(.mark), into: &rule)
  }
}

/// `-m connmark`: the connection's mark (iptables-extensions(8), "connmark"). Without a connection it fails, negated or
/// not.
struct ConnectionMarkMatch: IptablesExtension {
  let names = ["connmark"]
  let kind = ExtensionKind.match
  let listingWords = ["connmark", "CONNMARK"]
  let options = [OptionSpelling("mark")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "connmark") || text.eat(word: "CONNMARK"), text.eat(word: "match") else { return false }
    return readMark(&text, &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    lowerMark(options, .conntrack(ConntrackField(.mark)), into: &rule)
  }
}

extension IptablesExtension {
  fileprivate func readMark(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard let value = text.eatValue() else { return false }
    found.append(ExtensionOption(name: "mark", negated: negated, value: value))
    return true
  }

  fileprivate func lowerMark(
    _ options: ExtensionOptions, _ field: Field, into rule: inout RuleDraft
  ) -> Bool {
    for option in options {
      guard let (value, mask) = rule.masked(option.value) else { return false }
      rule.match(field, bits: mask, width: 32, equal: value, negated: option.negated)
    }
    return true
  }
}

extension MarkMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.meta == .mark, let value = test.hexadecimal(width: 32) else {
      return nil
    }
    return test.spelled("mark", "mark", value)
  }
}

extension ConnectionMarkMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.field == .conntrack(ConntrackField(.mark)),
      let value = test.hexadecimal(width: 32)
    else { return nil }
    return test.spelled("connmark", "mark", value)
  }
}

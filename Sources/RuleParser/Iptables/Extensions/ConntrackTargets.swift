import RuleGraph

/// `-j CT`: what connection tracking shall do with the packet (iptables-extensions(8), "CT").
struct ConntrackTarget: IptablesExtension {
  let names = ["CT"]
  let kind = ExtensionKind.target
  let listingWords = ["CT", "NOTRACK"]
  let options = [
    OptionSpelling("notrack", values: .none), OptionSpelling("helper"), OptionSpelling("ctevents"),
    OptionSpelling("expevents"), OptionSpelling("zone"), OptionSpelling("zone-orig"), OptionSpelling("zone-reply"),
    OptionSpelling("timeout"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    // `-j NOTRACK` is listed as target CT with this one word.
    if text.eat(flag: "NOTRACK", as: "notrack", &found) { return true }
    guard text.eat(word: "CT") else { return false }
    return text.eatOptions(options, &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      let value = rule.text(of: option)
      switch option.name {
      case "notrack": rule.statements.append(.notrack)
      case "helper": rule.statements.append(.effect(Effect(.helper, [Argument("helper", value)])))
      case "timeout": rule.statements.append(.effect(Effect(.timeout, [Argument("timeout", value)])))
      case "zone", "zone-orig", "zone-reply":
        rule.statements.append(.effect(Effect(.zone, [Argument(option.name.text, value)])))
      default: rule.statements.append(.effect(Effect(.ctTarget, [Argument(option.name.text, value)])))
      }
    }
    return true
  }
}

/// `-j NOTRACK`: the older spelling of `-j CT --notrack`.
struct UntrackTarget: IptablesExtension {
  let names = ["NOTRACK"]
  let kind = ExtensionKind.target
  let listingWords = ["CT", "NOTRACK"]
  let options: [OptionSpelling] = []

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    if text.eat(word: "CT") { return text.eat(word: "notrack") }
    _ = text.eat(word: "NOTRACK")
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    rule.statements.append(.notrack)
    return true
  }
}

extension ConntrackTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    var words: [String] = []
    loop: for statement in statements {
      switch statement {
      case .notrack: words.append("--notrack")
      case .effect(let effect) where [.helper, .timeout, .zone, .ctTarget].contains(effect.kind):
        for argument in effect.arguments {
          guard options.contains(where: { $0.name.text == argument.name }) else { return nil }
          words.append("--\(argument.name) \(SaveText.quoted(argument.value))")
        }
      default: break loop
      }
    }
    guard !words.isEmpty else { return nil }
    return SpelledStatement(module: "CT", options: words.joined(separator: " "), isTarget: true, count: words.count)
  }
}

import RuleGraph

/// `-m physdev`: the bridge ports that a packet passes (iptables-extensions(8), "physdev").
///
/// A packet that no bridge port is known of satisfies every negated test (`net/netfilter/xt_physdev.c`).
struct PhysicalDeviceMatch: IptablesExtension {
  let names = ["physdev"]
  let kind = ExtensionKind.match
  let listingWords = ["PHYSDEV"]
  let options = [
    OptionSpelling("physdev-in"), OptionSpelling("physdev-out"), OptionSpelling("physdev-is-in", values: .none),
    OptionSpelling("physdev-is-out", values: .none), OptionSpelling("physdev-is-bridged", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "PHYSDEV"), text.eat(word: "match") else { return false }
    while true {
      let start = text.cursor.at
      var option = ExtensionOption(name: "", negated: text.eatNegation())
      guard text.eat(prefix: "--"), let word = text.cursor.eatWord(),
        let spelling = options.first(where: { text.text(word, is: $0.name) })
      else {
        text.cursor.at = start
        return !found.isEmpty
      }
      option.name = spelling.name
      if spelling.values == .one {
        guard let value = text.eatValue() else { return false }
        option.value = value
      }
      found.append(option)
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      let not = option.negated
      switch option.name {
      case "physdev-in", "physdev-out":
        let key: MetaKey = option.name == "physdev-in" ? .physicalIn : .physicalOut
        if MaskedName.mayBeMasked(rule.bytes[option.value]),
          rule.match(.meta(key), masked: option.value, .interface, negated: not, whenAbsent: not)
        {
          continue
        }
        guard let names = rule.interface(option.value) else { return false }
        rule.match(.meta(key), names, negated: not, whenAbsent: not)
      case "physdev-is-in": rule.match(.meta(.physicalIn), InterfaceName.anyName, negated: not, whenAbsent: not)
      case "physdev-is-out": rule.match(.meta(.physicalOut), InterfaceName.anyName, negated: not, whenAbsent: not)
      default: rule.match(.meta(.isBridged), ValueSet(1), negated: not, whenAbsent: not)
      }
    }
    return true
  }
}

extension PhysicalDeviceMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), let key = test.meta, test.mask == nil, test.whenAbsent == test.negated
    else {
      return nil
    }
    let words: String
    switch key {
    case .isBridged:
      guard test.values == ValueSet(1) else { return nil }
      words = "physdev-is-bridged"
    case .physicalIn, .physicalOut:
      let side = key == .physicalIn ? "in" : "out"
      if test.values == InterfaceName.anyName {
        words = "physdev-is-\(side)"
      } else {
        guard let interval = test.interval, let (name, wildcard) = InterfaceName.pattern(of: interval), !name.isEmpty
        else {
          return nil
        }
        words = "physdev-\(side) \(SaveText.quoted(name))\(wildcard ? "+" : "")"
      }
    default: return nil
    }
    return SpelledStatement(
      module: "physdev", options: "\(test.sign)--\(words)",
      names: [words.split(separator: " ").first.map { String($0) } ?? ""])
  }
}

import RuleGraph

/// `-m connbytes`: how much a connection has carried (iptables-extensions(8), "connbytes").
struct ConnectionBytesMatch: EnvironmentMatch {
  let names = ["connbytes"]
  let condition = EnvironmentCondition.Kind.connbytes
  let listingWords = ["connbytes"]
  let options = [OptionSpelling("connbytes"), OptionSpelling("connbytes-mode"), OptionSpelling("connbytes-dir")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard text.eat(word: "connbytes"), let amount = text.eatValue() else { return false }
    found.append(ExtensionOption(name: "connbytes", negated: negated, value: amount))
    return text.eat(word: "connbytes") && text.eat(named: "mode", as: "connbytes-mode", &found)
      && text.eat(word: "connbytes") && text.eat(named: "direction", as: "connbytes-dir", &found)
  }
}

/// `-m connlimit`: how many connections an address or network has (iptables-extensions(8), "connlimit").
struct ConnectionLimitMatch: EnvironmentMatch {
  let names = ["connlimit"]
  let condition = EnvironmentCondition.Kind.connlimit
  let listingWords = ["#conn"]
  let invertible: [OptionLabel] = ["connlimit-above", "connlimit-upto"]
  let options = [
    OptionSpelling("connlimit-above"), OptionSpelling("connlimit-upto"), OptionSpelling("connlimit-mask"),
    OptionSpelling("connlimit-saddr", values: .none), OptionSpelling("connlimit-daddr", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(prefix: "#conn") else { return false }
    if text.eat(prefix: "dst/") {
      found.append(ExtensionOption(name: "connlimit-daddr"))
    } else {
      // Older versions counted by source only and said `#conn/32`.
      guard text.eat(prefix: "src/") || text.eat(prefix: "/") else { return false }
      found.append(ExtensionOption(name: "connlimit-saddr"))
    }
    guard let mask = text.eatValue() else { return false }
    found.append(ExtensionOption(name: "connlimit-mask", value: mask))
    return text.eat(named: ">", as: "connlimit-above", &found) || text.eat(named: "<=", as: "connlimit-upto", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let limit = options.first(where: { invertible.contains($0.name) }), rule.number(limit.value) != nil else {
      return false
    }
    // "Not above" is "up to".
    let isAbove = (limit.name == "connlimit-above") != limit.negated
    let mask = options.first { $0.name == "connlimit-mask" }.map { rule.text($0.value) }
    let ofDestination = options.contains { $0.name == "connlimit-daddr" }
    rule.statements.append(
      .environment(
        EnvironmentCondition(
          condition,
          [
            Argument(isAbove ? "connlimit-above" : "connlimit-upto", rule.text(limit.value)),
            Argument("connlimit-mask", mask ?? String(rule.family.addressBits)),
            Argument(ofDestination ? "connlimit-daddr" : "connlimit-saddr"),
          ])))
    return true
  }
}

/// `-m connlabel`: a label of the connection (iptables-extensions(8), "connlabel").
struct ConnectionLabelMatch: EnvironmentMatch {
  let names = ["connlabel"]
  let condition = EnvironmentCondition.Kind.label
  let listingWords = ["connlabel"]
  let options = [OptionSpelling("label"), OptionSpelling("set", values: .none)]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "connlabel") else { return false }
    let negated = text.eatNegation()
    guard var value = text.eatValue() else { return false }
    let bytes = text.cursor.bytes
    if value.count > 2, bytes[value.lowerBound] == UInt8(ascii: "'"), bytes[value.upperBound - 1] == UInt8(ascii: "'") {
      value = value.dropFirst().dropLast()
    }
    found.append(ExtensionOption(name: "label", negated: negated, value: value))
    _ = text.eat(flag: "set", as: "set", &found)
    return true
  }
}

/// `-m helper`: the helper that expected the connection (iptables-extensions(8), "helper").
struct HelperMatch: EnvironmentMatch {
  let names = ["helper"]
  let condition = EnvironmentCondition.Kind.helper
  let listingWords = ["helper"]
  let options = [OptionSpelling("helper")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "helper"), text.eat(word: "match") else { return false }
    let negated = text.eatNegation()
    guard let value = text.eatQuoted() else { return false }
    found.append(ExtensionOption(name: "helper", negated: negated, value: value))
    return true
  }
}

/// `-m ipvs`: the virtual service of the connection (iptables-extensions(8), "ipvs").
struct VirtualServerMatch: EnvironmentMatch {
  let names = ["ipvs"]
  let condition = EnvironmentCondition.Kind.ipvs
  let options = [
    OptionSpelling("ipvs", values: .none), OptionSpelling("vproto"), OptionSpelling("vaddr"), OptionSpelling("vport"),
    OptionSpelling("vdir"), OptionSpelling("vmethod"), OptionSpelling("vportctl"),
  ]
  var listingWords: [String] { options.map(\.name.text) }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eatOptions(options, &found) && !found.isEmpty
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    NegatableArguments.lower(condition, options, into: &rule)
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    NegatableArguments.spell(statements.first, condition, module: names[0])
  }
}

/// `-m nfacct`: counts in a named object (iptables-extensions(8), "nfacct").
struct AccountingMatch: EnvironmentMatch {
  let names = ["nfacct"]
  let condition = EnvironmentCondition.Kind.nfacct
  let listingWords = ["nfacct-name"]
  let options = [OptionSpelling("nfacct-name")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "nfacct-name"), let value = text.eatEscaped() ?? text.eatValue() else { return false }
    found.append(ExtensionOption(name: "nfacct-name", value: value, isEscaped: true))
    return true
  }
}

/// Conditions of which each option can be negated by itself: the `!` becomes a part of the argument's name.
enum NegatableArguments {
  static func lower(
    _ condition: EnvironmentCondition.Kind, _ options: ExtensionOptions, into rule: inout RuleDraft,
    value: (ExtensionOption, borrowing RuleDraft) -> String? = { $1.text(of: $0) }
  ) -> Bool {
    var arguments: [Argument] = []
    for option in options {
      guard let text = value(option, rule) else { return false }
      arguments.append(Argument((option.negated ? "! " : "") + option.name.text, text))
    }
    rule.statements.append(.environment(EnvironmentCondition(condition, arguments)))
    return true
  }

  static func spell(_ statement: Statement?, _ condition: EnvironmentCondition.Kind, module: String)
    -> SpelledStatement?
  {
    guard case .environment(let found) = statement, found.kind == condition else { return nil }
    let words = found.arguments.map { argument in
      let negated = argument.name.hasPrefix("! ")
      return (negated ? "! --" + argument.name.dropFirst(2) : "--" + argument.name)
        + (argument.value.isEmpty ? "" : " " + SaveText.quoted(argument.value))
    }
    return SpelledStatement(module: module, options: words.joined(separator: " "), names: ["*"])
  }
}

import RuleGraph

/// `-m limit`: a token bucket for all packets of the rule (iptables-extensions(8), "limit").
struct LimitMatch: IptablesExtension {
  let names = ["limit"]
  let kind = ExtensionKind.match
  let listingWords = ["limit:"]
  let options = [OptionSpelling("limit"), OptionSpelling("limit-burst")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard text.eat(prefix: "limit:"), text.eat(word: "avg"), let rate = text.eatValue() else { return false }
    found.append(ExtensionOption(name: "limit", negated: negated, value: rate))
    if text.eat(word: "burst") {
      guard let burst = text.eatValue() else { return false }
      found.append(ExtensionOption(name: "limit-burst", value: burst))
    }
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var rate = (count: UInt64(3), per: "hour")
    var burst: UInt64 = 5
    var negated = false
    for option in options {
      if option.name == "limit" {
        guard let read = Self.rate(option.value, rule) else { return false }
        rate = read
        negated = option.negated
      } else {
        guard let read = rule.number(option.value) else { return false }
        burst = read
      }
    }
    rule.statements.append(
      .environment(
        EnvironmentCondition(
          .limit,
          [Argument("rate", String(rate.count)), Argument("per", rate.per), Argument("burst", String(burst))],
          negated: negated)))
    return true
  }

  /// `3/min` as a number and nft's word for the unit.
  static func rate(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> (count: UInt64, per: String)? {
    let parts = rule.list(range, separator: UInt8(ascii: "/"))
    guard let first = parts.first, let count = rule.number(first), parts.count <= 2 else { return nil }
    guard parts.count == 2 else { return (count, "second") }
    let unit = rule.text(parts[1]).lowercased()
    guard !unit.isEmpty else { return nil }
    guard let name = ["second", "minute", "hour", "day"].first(where: { $0.hasPrefix(unit) }) else { return nil }
    return (count, name)
  }
}

extension LimitMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .environment(let found) = statements.first, found.kind == .limit,
      let rate = found.arguments.first(where: { $0.name == "rate" })?.value, UInt64(rate) != nil,
      let per = found.arguments.first(where: { $0.name == "per" })?.value, !found.negated,
      found.arguments.allSatisfy({ ["rate", "per", "burst"].contains($0.name) })
    else { return nil }
    let burst = found.arguments.first { $0.name == "burst" }?.value ?? "5"
    return SpelledStatement(
      module: "limit", options: "--limit \(rate)/\(per) --limit-burst \(burst)", names: ["*"])
  }
}

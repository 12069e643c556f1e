import RuleGraph

/// `-m statistic`: by chance or each nth packet (iptables-extensions(8), "statistic").
struct StatisticMatch: EnvironmentMatch {
  let names = ["statistic"]
  let condition = EnvironmentCondition.Kind.statistic
  let listingWords = ["statistic"]
  let invertible: [OptionLabel] = ["probability", "every"]
  let options = [
    OptionSpelling("mode"), OptionSpelling("probability"), OptionSpelling("every"), OptionSpelling("packet"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "statistic"), text.eat(named: "mode", as: "mode", &found) else { return false }
    let negated = text.eatNegation()
    guard text.eat(named: "probability", as: "probability", &found) || text.eat(named: "every", as: "every", &found)
    else { return false }
    found[found.count - 1].negated = negated
    _ = text.eat(named: "packet", as: "packet", &found)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard var arguments = OptionArguments.read(options, of: self.options, rule, value: value) else { return false }
    // The listing leaves out the first packet.
    if arguments.contains(where: { $0.name == "every" }), !arguments.contains(where: { $0.name == "packet" }) {
      arguments.append(Argument("packet", "0"))
    }
    let negated = options.contains { $0.negated }
    rule.statements.append(.environment(EnvironmentCondition(condition, arguments, negated: negated)))
    return true
  }
}

/// `-m quota`: until so many bytes have passed (iptables-extensions(8), "quota"). The listing hides a negation.
struct QuotaMatch: EnvironmentMatch {
  let names = ["quota"]
  let condition = EnvironmentCondition.Kind.quota
  let listingWords = ["quota:"]
  let options = [OptionSpelling("quota")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(label: "quota:", as: "quota", &found) else { return false }
    return text.eat(word: "bytes")
  }
}

/// `-m recent`: whether the address was seen lately (iptables-extensions(8), "recent").
///
/// `--set` remembers the address and always holds (`net/netfilter/xt_recent.c`).
struct RecentMatch: EnvironmentMatch {
  let names = ["recent"]
  let condition = EnvironmentCondition.Kind.recent
  let listingWords = ["recent:"]
  let invertible: [OptionLabel] = ["set", "rcheck", "update", "remove"]
  let options = [
    OptionSpelling("set", values: .none), OptionSpelling("rcheck", values: .none),
    OptionSpelling("update", values: .none),
    OptionSpelling("remove", values: .none), OptionSpelling("seconds"), OptionSpelling("reap", values: .none),
    OptionSpelling("hitcount"), OptionSpelling("rttl", values: .none), OptionSpelling("name"), OptionSpelling("mask"),
    OptionSpelling("rsource", values: .none), OptionSpelling("rdest", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard text.eat(prefix: "recent:") else { return false }
    guard
      text.eat(flag: "SET", as: "set", &found) || text.eat(flag: "CHECK", as: "rcheck", &found)
        || text.eat(flag: "UPDATE", as: "update", &found) || text.eat(flag: "REMOVE", as: "remove", &found)
    else { return false }
    found[found.count - 1].negated = negated
    while true {
      if text.eat(word: "side:") {
        guard text.eat(flag: "source", as: "rsource", &found) || text.eat(flag: "dest", as: "rdest", &found) else {
          return false
        }
      } else if !(text.eat(named: "seconds:", as: "seconds", &found) || text.eat(flag: "reap", as: "reap", &found)
        || text.eat(named: "hit_count:", as: "hitcount", &found) || text.eat(flag: "TTL-Match", as: "rttl", &found)
        || text.eat(named: "name:", as: "name", &found) || text.eat(named: "mask:", as: "mask", &found))
      {
        return true
      }
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let arguments = OptionArguments.read(options, of: self.options, rule, value: value) else { return false }
    let negated = options.contains { $0.negated }
    if arguments.first?.name == "set", !negated {
      rule.statements.append(.effect(Effect(.recent, arguments)))
    } else {
      rule.statements.append(.environment(EnvironmentCondition(condition, arguments, negated: negated)))
    }
    return true
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    switch statements.first {
    case .effect(let effect) where effect.kind == .recent:
      SpelledStatement(
        module: "recent", options: OptionArguments.spell(effect.arguments, negated: []),
        names: effect.arguments.map(\.name))
    case .environment(let found) where found.kind == condition:
      SpelledStatement(
        module: "recent",
        options: OptionArguments.spell(found.arguments, negated: found.negated ? invertible.map(\.text) : []),
        names: found.arguments.map(\.name))
    default: nil
    }
  }
}

/// `-m rateest`: an estimated rate (iptables-extensions(8), "rateest"). The listing prints rates in other units than
/// the save form.
struct RateEstimateMatch: EnvironmentMatch {
  let names = ["rateest"]
  let condition = EnvironmentCondition.Kind.rateest
  let listingWords = ["rateest"]
  let options = [
    OptionSpelling("rateest-delta", values: .none), OptionSpelling("rateest1"), OptionSpelling("rateest"),
    OptionSpelling("rateest2"), OptionSpelling("rateest-bps1", values: .oneOrNone),
    OptionSpelling("rateest-bps2", values: .oneOrNone),
    OptionSpelling("rateest-bps", values: .oneOrNone), OptionSpelling("rateest-pps1", values: .oneOrNone),
    OptionSpelling("rateest-pps2", values: .oneOrNone), OptionSpelling("rateest-pps", values: .oneOrNone),
    OptionSpelling("rateest-lt", values: .none), OptionSpelling("rateest-gt", values: .none),
    OptionSpelling("rateest-eq", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "rateest"), text.eat(named: "match", as: "rateest", &found) else { return false }
    while true {
      let negated = text.eatNegation()
      if text.eat(flag: "delta", as: "rateest-delta", &found) { continue }
      if text.eat(word: "bps") || text.eat(word: "pps") {
        let end = text.cursor.at
        let isBytes = text.cursor.bytes[end - 3] == UInt8(ascii: "b")
        var option = ExtensionOption(name: isBytes ? "rateest-bps" : "rateest-pps")
        let start = text.cursor.at
        if let value = text.eatValue(), text.cursor.bytes[value.lowerBound] < UInt8(ascii: ":") {
          option.value = value
        } else {
          text.cursor.at = start
        }
        found.append(option)
        continue
      }
      guard
        text.eat(flag: "lt", as: "rateest-lt", &found) || text.eat(flag: "gt", as: "rateest-gt", &found)
          || text.eat(flag: "eq", as: "rateest-eq", &found)
      else { return !negated }
      found[found.count - 1].negated = negated
      // Behind the comparison stands a number or the name of a second estimator.
      let start = text.cursor.at
      guard let value = text.eatValue() else { return true }
      if text.cursor.bytes[value.lowerBound] >= UInt8(ascii: ":") {
        found.append(ExtensionOption(name: "rateest2", value: value))
      } else if let last = found.lastIndex(where: { $0.name.hasSuffix("ps") }), found[last].value.isEmpty {
        found[last].value = value
      } else {
        text.cursor.at = start
        return true
      }
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    NegatableArguments.lower(condition, options, into: &rule)
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    NegatableArguments.spell(statements.first, condition, module: names[0])
  }
}

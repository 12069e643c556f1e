import RuleGraph

/// `-m time`: the clock and the calendar (iptables-extensions(8), "time").
struct TimeMatch: EnvironmentMatch {
  let names = ["time"]
  let condition = EnvironmentCondition.Kind.time
  let listingWords = ["TIME"]
  let options = [
    OptionSpelling("timestart"), OptionSpelling("timestop"), OptionSpelling("monthdays"), OptionSpelling("weekdays"),
    OptionSpelling("datestart"), OptionSpelling("datestop"), OptionSpelling("kerneltz", values: .none),
    OptionSpelling("contiguous", values: .none), OptionSpelling("utc", values: .none),
    OptionSpelling("localtz", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "TIME") else { return false }
    var isUniversal = false
    while true {
      if text.eat(word: "on") {
        let negated = text.eatNegation()
        guard let days = text.eatValue(), let first = days.first else { return false }
        let isMonth = text.cursor.bytes[first] < UInt8(ascii: ":")
        found.append(ExtensionOption(name: isMonth ? "monthdays" : "weekdays", negated: negated, value: days))
      } else if text.eat(word: "starting") {
        guard text.eat(word: "from"), let date = text.eatValue(), let clock = text.eatValue() else { return false }
        found.append(ExtensionOption(name: "datestart", value: date, second: clock))
      } else if text.eat(word: "until") {
        guard text.eat(word: "date"), let date = text.eatValue(), let clock = text.eatValue() else { return false }
        found.append(ExtensionOption(name: "datestop", value: date, second: clock))
      } else if text.eat(word: "UTC") {
        isUniversal = true
      } else if !(text.eat(named: "from", as: "timestart", &found) || text.eat(named: "to", as: "timestop", &found)
        || text.eat(flag: "contiguous", as: "contiguous", &found))
      {
        break
      }
    }
    if !isUniversal { found.append(ExtensionOption(name: "kerneltz")) }
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var arguments: [Argument] = []
    for spelling in self.options {
      for option in options where option.name == spelling.name {
        var value = rule.text(of: option)
        switch option.name {
        case "utc": continue
        case "monthdays": value = String(value.filter { $0.isNumber || $0 == "," })
        case "datestart", "datestop":
          if !option.second.isEmpty { value += "T" + rule.text(option.second) }
          // The last moment that a 32-bit clock knows stands for no end.
          if value.hasPrefix("2038-01-19T03:14:07") { continue }
        default: break
        }
        let name = option.name == "localtz" ? "kerneltz" : option.name.text
        arguments.append(Argument((option.negated ? "! " : "") + name, value))
      }
    }
    rule.statements.append(.environment(EnvironmentCondition(condition, arguments)))
    return true
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    NegatableArguments.spell(statements.first, condition, module: names[0])
  }
}

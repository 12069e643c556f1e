import RuleGraph

/// `-j NFQUEUE`: the packet goes to a program, which decides (iptables-extensions(8), "NFQUEUE").
struct QueueTargetExtension: IptablesExtension {
  let names = ["NFQUEUE"]
  let kind = ExtensionKind.target
  let listingWords = ["NFQUEUE"]
  let options = [
    OptionSpelling("queue-num"), OptionSpelling("queue-balance"), OptionSpelling("queue-bypass", values: .none),
    OptionSpelling("queue-cpu-fanout", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "NFQUEUE") else { return false }
    while true {
      if text.eat(word: "num"), let value = text.eatValue() {
        found.append(ExtensionOption(name: "queue-num", value: value))
      } else if text.eat(word: "balance"), let value = text.eatValue() {
        found.append(ExtensionOption(name: "queue-balance", value: value))
      } else if text.eat(word: "bypass") {
        found.append(ExtensionOption(name: "queue-bypass"))
      } else if text.eat(word: "cpu-fanout") {
        found.append(ExtensionOption(name: "queue-cpu-fanout"))
      } else {
        return true
      }
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var target = QueueTarget(0...0)
    for option in options {
      switch option.name {
      case "queue-bypass": target.bypass = true
      case "queue-cpu-fanout": target.fanout = true
      default:
        guard let numbers = rule.interval(option.value, upTo: 65535) else { return false }
        target.numbers = UInt16(numbers.lowerBound)...UInt16(numbers.upperBound)
      }
    }
    rule.statements.append(.verdict(.queue(target)))
    return true
  }
}

extension QueueTargetExtension {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .verdict(.queue(let target)) = statements.first else { return nil }
    let numbers = UInt128(target.numbers.lowerBound)...UInt128(target.numbers.upperBound)
    var words = "\(target.numbers.count == 1 ? "--queue-num" : "--queue-balance") \(PlainTest.text(numbers))"
    if target.bypass { words += " --queue-bypass" }
    if target.fanout { words += " --queue-cpu-fanout" }
    return SpelledStatement(module: "NFQUEUE", options: words, isTarget: true)
  }
}

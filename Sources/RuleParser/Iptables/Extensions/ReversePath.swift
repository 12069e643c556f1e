import RuleGraph

/// `-m rpfilter`: whether the way back to the source leads through the input interface (iptables-extensions(8),
/// "rpfilter").
///
/// The look-up is the one of nft's `fib saddr . iif check`; with `--loose` any interface will do. `--accept-local` also
/// lets packets with a source of this host pass, which the look-up can't say.
struct ReversePathMatch: EnvironmentMatch {
  let names = ["rpfilter"]
  let condition = EnvironmentCondition.Kind.rpfilter
  let listingWords = ["rpfilter"]
  let options = [
    OptionSpelling("loose", values: .none), OptionSpelling("validmark", values: .none),
    OptionSpelling("accept-local", values: .none), OptionSpelling("invert", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "rpfilter") else { return false }
    return text.eatOptions(options, &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    func has(_ name: OptionLabel) -> Bool { options.contains { $0.name == name } }
    if has("accept-local") {
      let kept = self.options.filter { $0.name != "invert" && has($0.name) }.map { Argument($0.name.text) }
      rule.statements.append(.environment(EnvironmentCondition(condition, kept, negated: has("invert"))))
    } else {
      let field = FibField(
        .check, ofDestination: false, withMark: has("validmark"), withInputInterface: !has("loose"))
      rule.match(.fib(field), ValueSet(1), negated: has("invert"))
    }
    return true
  }

  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    var words: [String]
    var negated: Bool
    switch statements.first {
    case .environment(let found) where found.kind == condition:
      words = found.arguments.map { "--" + $0.name }
      negated = found.negated
    case .match(let match):
      guard case .field(.fib(let field)) = match.subject, field.result == .check, !field.ofDestination,
        !field.withOutputInterface, match.values == .values(ValueSet(1))
      else { return nil }
      words = (field.withInputInterface ? [] : ["--loose"]) + (field.withMark ? ["--validmark"] : [])
      negated = match.negated
    default: return nil
    }
    if negated { words.append("--invert") }
    return SpelledStatement(module: "rpfilter", options: words.joined(separator: " "), names: ["*"])
  }
}

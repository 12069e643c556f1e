import FlowTrace
import RuleGraph

/// Many undetermined cases of one sender in a few lines: how they may end, and what would settle it.
struct UndeterminedSummary {
  let ruleset: Ruleset
  let names: SourceNames

  func add(_ cases: [Case], from sender: String, to page: inout Page) {
    page.add(
      StyledText("UNDETERMINED", .doubtful)
        + StyledText("  \(sender): \(cases.count) ways, by what the dumps do not tell"),
      hanging: 2)
    addEnds(cases, to: &page)
    addUnknown(cases, to: &page)
  }

  /// Each way in which the packets may end, once.
  private func addEnds(_ cases: [Case], to page: inout Page) {
    var told: Set<Decider> = []
    var rows: [PathRow] = []
    for one in cases where told.insert(one.decidedBy).inserted {
      switch one.decidedBy {
      case .rule(let id) where ruleset.holds(id):
        let words = RuleWords(ruleset[id])
        rows.append(
          PathRow(
            hook: "may end", place: ruleset.place(of: id), words: words.conditionText,
            action: StyledText(words.actionText),
            source: names[ruleset[id].span]))
      case .policy(let id) where ruleset.holds(id):
        let policy = ruleset[id].base?.policy?.rawValue.uppercased() ?? "not shown"
        rows.append(
          PathRow(
            hook: "may end", place: ruleset.place(of: id), words: "no rule decides",
            action: StyledText("policy \(policy)"),
            source: ruleset[id].span.map { names[$0] }))
      case .outside(let reason):
        rows.append(PathRow(hook: "may end", place: "", words: reason.sentence, action: ""))
      default: break
      }
    }
    PathTable(rows: rows).add(to: &page, indent: 2)
  }

  /// The rules that hide something, by the command that shows it.
  private func addUnknown(_ cases: [Case], to page: inout Page) {
    var rules: [String: Set<RuleID>] = [:]
    var others: [String: Set<String>] = [:]
    for condition in cases.lazy.flatMap(\.conditions) {
      let command = condition.settledBy ?? ""
      if let rule = condition.rule, ruleset.holds(rule) {
        rules[command, default: []].insert(rule)
      } else {
        others[command, default: []].insert(condition.text)
      }
    }
    for command in Set(rules.keys).union(others.keys).sorted() {
      var parts = (rules[command] ?? []).sorted().map { ruleset.place(of: $0) }
      parts += (others[command] ?? []).sorted()
      var text = parts.prefix(6).joined(separator: ", ")
      if parts.count > 6 { text += " and \(parts.count - 6) more" }
      if !command.isEmpty { text += ": what \(command) prints would settle it" }
      page.add(StyledText("unknown", .named).padded(to: 13) + StyledText(text), indent: 2, hanging: 13)
    }
  }
}

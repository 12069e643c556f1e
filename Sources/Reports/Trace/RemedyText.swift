import FlowTrace
import RuleGraph

/// What would give a case the outcome that was asked for, in a few lines.
struct RemedyText {
  let ruleset: Ruleset
  let words: HostWords

  func add(_ remedy: Remedy, of trace: Trace, to page: inout Page) {
    if let advice = remedy.advice { add("fix", StyledText(advice.text(in: ruleset)), to: &page) }
    guard let rule = remedy.rule else { return }
    page.addUnbroken("  " + StyledText("fix", .named).padded(to: 13) + StyledText(rule.command, .strong))
    add("checked", StyledText(tried(rule, trace)), to: &page)
    if let note = rule.note(in: ruleset) { add("", StyledText(note), to: &page) }
  }

  /// What came of trying, and what else of the question comes out otherwise.
  private func tried(_ rule: RuleRemedy, _ trace: Trace) -> String {
    let place = "as rule \(rule.number) of \(ruleset.place(of: rule.chain)) it has the wanted effect"
    if trace.cases.count == 1 { return place }
    if rule.changes.isEmpty { return "\(place), and the other cases stay as they are" }
    let changes = rule.changes.prefix(3).map { change in
      let other = trace.cases[change.index]
      let limits = words.limits(of: other, query: trace.query).texts
      let which = limits.isEmpty ? "" : " (\(limits.joined(separator: "; ")))"
      return
        "what comes \(words.sender(of: other, query: trace.query).text)\(which) is \(change.verdict.past) then, too"
    }
    let more = rule.changes.count > 3 ? ", and \(rule.changes.count - 3) more cases change" : ""
    return "\(place); \(changes.joined(separator: "; "))\(more)"
  }

  private func add(_ label: String, _ text: StyledText, to page: inout Page) {
    page.add(StyledText(label, .named).padded(to: 13) + text, indent: 2, hanging: 13)
  }
}

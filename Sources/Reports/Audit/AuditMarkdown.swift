import FlowTrace
package import HostAnalysis
package import RuleGraph

/// The findings of an audit as Markdown: a table with a row for each.
package struct AuditMarkdown: Sendable {
  private let ruleset: Ruleset

  /// Makes a writer for the rules of a host.
  package init(_ ruleset: Ruleset) { self.ruleset = ruleset }

  /// The text of findings.
  package func text(of audit: Audit) -> String {
    let words = FindingWords(ruleset)
    let count = audit.findings.count
    var text = "### Firewall audit: \(count == 0 ? "no findings" : "\(count) finding\(count == 1 ? "" : "s")")\n"
    if count > 0 { text += "\n| Severity | Finding | Rule | What is wrong | Mend |\n|---|---|---|---|---|\n" }
    for finding in audit.findings {
      let place = [
        words.place(finding).map(Markdown.escaped), words.rule(finding).map(Markdown.code),
        words.source(finding).map(Markdown.code),
      ]
      let cells = [
        FindingWords.name(finding.severity), Markdown.code(finding.id.rawValue),
        place.compactMap(\.self).joined(separator: "<br>"),
        Markdown.escaped(words.sentence(finding)), words.mend(finding).map(Markdown.escaped) ?? "",
      ]
      text += "| " + cells.joined(separator: " | ") + " |\n"
    }
    return text
  }
}

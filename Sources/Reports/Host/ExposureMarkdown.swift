import FlowTrace
package import HostAnalysis
package import HostModel
package import RuleGraph

/// What of a host can be reached, as Markdown: a table for each zone, with a row for each service that is open.
package struct ExposureMarkdown: Sendable {
  private let ruleset: Ruleset
  private let facts: HostFacts

  /// Makes a writer for a host.
  package init(_ ruleset: Ruleset, facts: HostFacts) {
    self.ruleset = ruleset
    self.facts = facts
  }

  /// The text of an exposure.
  package func text(of exposure: Exposure, hostName: String? = nil) -> String {
    let names = SourceNames(ruleset.sources)
    let words = ExposureWords(
      exposure: exposure, facts: facts, ruleset: ruleset, deciders: DeciderWords(ruleset: ruleset, names: names))
    var text = "### What can be reached\((hostName ?? facts.hostName).map { " of " + Markdown.escaped($0) } ?? "")\n"
    for (index, zone) in exposure.zones.enumerated() {
      let lines = exposure.lines(from: index)
      let open = lines.filter { $0.outcome == .open }
      let unknown = lines.count { $0.outcome == .unknown }
      text += "\n#### From \(Markdown.escaped(words.name(zone)))\n\n"
      if open.isEmpty {
        text += unknown > 0 ? "Nothing for certain.\n" : "Nothing.\n"
      } else {
        text += "| Port | Who | What answers | Decided by | |\n|---|---|---|---|---|\n"
        for line in open { text += row(line, words) }
      }
      if unknown > 0 { text += "\nUndetermined: \(unknown) service\(unknown == 1 ? "" : "s").\n" }
    }
    return text
  }

  private func row(_ line: ExposureLine, _ words: ExposureWords) -> String {
    let decider = words.deciders.place(line.first.deciders)
    let source = words.deciders.source(line.first.decidedBy).map { "<br>" + Markdown.code($0) } ?? ""
    let answer = [words.answer(line), words.address(line) ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
    let marks = words.marks(line.marks).map { Markdown.escaped($0.rendered(inColor: false)) } ?? ""
    let cells = [
      Markdown.escaped(words.port(line.service)), Markdown.escaped(words.who(line)), Markdown.escaped(answer),
      Markdown.escaped(decider) + source, marks,
    ]
    return "| " + cells.joined(separator: " | ") + " |\n"
  }
}

import FlowTrace
package import HostAnalysis
package import RuleGraph

/// What changed between two rulesets, as Markdown for a pull request: a table with a row for each change.
package struct DifferenceMarkdown: Sendable {
  private let old: Ruleset
  private let new: Ruleset

  /// Makes a writer for two rulesets.
  package init(_ old: Ruleset, _ new: Ruleset) {
    self.old = old
    self.new = new
  }

  /// How many boxes of a change a row holds.
  private static let boxLimit = 6

  /// The text of a difference.
  package func text(of difference: Difference) -> String {
    let words = DifferenceWords(old: DifferenceSide(old), new: DifferenceSide(new))
    var text = "### Firewall: \(DifferenceWords.summary(difference))\n"
    let changes = difference.changes.filter { $0.kind != .rule }
    if !changes.isEmpty {
      text += "\n| Change | Packets | Before | After | Example |\n|---|---|---|---|---|\n"
      for change in changes { text += row(change, words) }
    }
    if !difference.unknown.isEmpty {
      text += "\n| Undetermined | Why | Example |\n|---|---|---|\n"
      for doubt in difference.unknown {
        let (reason, settledBy) = words.reason(doubt)
        let why = Markdown.escaped(reason) + (settledBy.map { "; settled by " + Markdown.code($0) } ?? "")
        let witness = doubt.witness.map { Markdown.code(DifferenceWords.witness($0)) } ?? ""
        text += "| \(packets(doubt.packets, words)) | \(why) | \(witness) |\n"
      }
    }
    let others = difference.changes.count - changes.count
    if others > 0 {
      text +=
        "\n\(others) kind\(others == 1 ? "" : "s") of packets \(others == 1 ? "is" : "are") treated as before, by another rule.\n"
    }
    if !difference.gaps.isEmpty {
      text += "\n"
      for gap in difference.gaps { text += "- \(Markdown.escaped(DifferenceWords.sentence(gap)))\n" }
    }
    return text
  }

  private func row(_ change: Change, _ words: DifferenceWords) -> String {
    func side(_ outcome: Outcome, _ side: DifferenceSide) -> String {
      var text = Markdown.escaped("\(words.fate(outcome, change.kind)) by \(side.decider(outcome))")
      if let source = side.source(outcome) { text += "<br>" + Markdown.code(source) }
      return text
    }
    let witness = change.witness.map { Markdown.code(DifferenceWords.witness($0)) } ?? ""
    let cells = [
      Markdown.escaped(words.heading(change)), packets(change.packets, words), side(change.old, words.old),
      side(change.new, words.new), witness,
    ]
    return "| " + cells.joined(separator: " | ") + " |\n"
  }

  private func packets(_ sets: [PacketSet], _ words: DifferenceWords) -> String {
    guard let first = sets.first else { return "" }
    var lines = pieces(first, words)
    let others = sets.dropFirst()
    if let alike = DifferenceWords.names(others.filter { words.isLike($0, first) }, beside: first) {
      lines.append("also " + Markdown.escaped(alike))
    }
    for set in others where !words.isLike(set, first) { lines += pieces(set, words) }
    return lines.joined(separator: "<br>")
  }

  private func pieces(_ set: PacketSet, _ words: DifferenceWords) -> [String] {
    let boxes = words.boxes(set)
    var lines = boxes.prefix(Self.boxLimit).map { Markdown.escaped(DifferenceWords.preface(set) + $0) }
    if boxes.count > Self.boxLimit { lines.append("and \(boxes.count - Self.boxLimit) more pieces") }
    return lines
  }
}

import FlowTrace
public import HostAnalysis
public import RuleGraph

/// What changed between two rulesets, as Markdown for a pull request: a table with a row for each change.
public struct DifferenceMarkdown: Sendable {
  private let old: Ruleset
  private let new: Ruleset

  /// Makes a writer for two rulesets.
  public init(_ old: Ruleset, _ new: Ruleset) {
    self.old = old
    self.new = new
  }

  /// How many boxes of a change a row holds.
  private static let boxLimit = 6

  /// The text of a difference.
  public func text(of difference: Difference) -> String {
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
        let why = Self.escaped(reason) + (settledBy.map { "; settled by " + Self.code($0) } ?? "")
        let witness = doubt.witness.map { Self.code(DifferenceWords.witness($0)) } ?? ""
        text += "| \(packets(doubt.packets, words)) | \(why) | \(witness) |\n"
      }
    }
    let others = difference.changes.count - changes.count
    if others > 0 {
      text +=
        "\n\(others) kind\(others == 1 ? "" : "s") of packets fare\(others == 1 ? "s" : "") as before, by another rule.\n"
    }
    if !difference.gaps.isEmpty {
      text += "\n"
      for gap in difference.gaps { text += "- \(Self.escaped(DifferenceWords.sentence(gap)))\n" }
    }
    return text
  }

  private func row(_ change: Change, _ words: DifferenceWords) -> String {
    func side(_ outcome: Outcome, _ side: DifferenceSide) -> String {
      var text = Self.escaped("\(words.fate(outcome, change.kind)) by \(side.decider(outcome))")
      if let source = side.source(outcome) { text += "<br>" + Self.code(source) }
      return text
    }
    let witness = change.witness.map { Self.code(DifferenceWords.witness($0)) } ?? ""
    let cells = [
      Self.escaped(words.heading(change)), packets(change.packets, words), side(change.old, words.old),
      side(change.new, words.new), witness,
    ]
    return "| " + cells.joined(separator: " | ") + " |\n"
  }

  private func packets(_ sets: [PacketSet], _ words: DifferenceWords) -> String {
    guard let first = sets.first else { return "" }
    var lines = pieces(first, words)
    let others = sets.dropFirst()
    if let alike = DifferenceWords.names(others.filter { words.isLike($0, first) }, beside: first) {
      lines.append("also " + Self.escaped(alike))
    }
    for set in others where !words.isLike(set, first) { lines += pieces(set, words) }
    return lines.joined(separator: "<br>")
  }

  private func pieces(_ set: PacketSet, _ words: DifferenceWords) -> [String] {
    let boxes = words.boxes(set)
    var lines = boxes.prefix(Self.boxLimit).map { Self.escaped(DifferenceWords.preface(set) + $0) }
    if boxes.count > Self.boxLimit { lines.append("and \(boxes.count - Self.boxLimit) more pieces") }
    return lines
  }

  /// A text of which nothing is read as Markdown; it comes from a dump, and may hold anything.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\`*_{}[]<>#|~&".contains(character) { result.append("\\") }
      result.append(character.isNewline ? " " : character)
    }
  }

  private static func code(_ text: String) -> String {
    let plain = text.map { $0 == "`" || $0.isNewline ? "'" : $0 }
    return "`" + String(plain).replacing("|", with: "\\|") + "`"
  }
}

import FlowTrace
package import HostAnalysis
package import RuleGraph

/// What changed between two rulesets, as text for a person: each change with its packets, what decides on either side
/// and one packet to try.
package struct DifferenceText: Sendable {
  private let old: Ruleset
  private let new: Ruleset
  private let terminal: TerminalSettings

  /// Makes a writer for two rulesets.
  package init(_ old: Ruleset, _ new: Ruleset, terminal: TerminalSettings = TerminalSettings()) {
    self.old = old
    self.new = new
    self.terminal = terminal
  }

  /// How many boxes of a change are shown.
  private static let boxLimit = 4
  /// How many undetermined sets are shown.
  private static let doubtLimit = 5
  /// How many changes of the deciding rule alone are shown.
  private static let ruleLimit = 8

  /// The text of a difference.
  ///
  /// - Parameters:
  ///   - difference: The difference.
  ///   - diagnostics: What reading the dumps of each side had to tell.
  package func text(of difference: Difference, diagnostics: (old: [Diagnostic], new: [Diagnostic]) = ([], [])) -> String
  {
    let words = DifferenceWords(old: DifferenceSide(old), new: DifferenceSide(new))
    var page = Page(terminal)
    let style: Style = difference.hasChanges ? .bad : difference.isDetermined ? .good : .doubtful
    page.add(StyledText(DifferenceWords.summary(difference), style), hanging: 2)
    for change in difference.changes where change.kind != .rule { add(change, words, to: &page) }
    for doubt in difference.unknown.prefix(Self.doubtLimit) { add(doubt, words, to: &page) }
    if difference.unknown.count > Self.doubtLimit {
      page.add(StyledText("and \(difference.unknown.count - Self.doubtLimit) more (all of them: --json)", .faint))
    }
    addOtherRules(difference, words, to: &page)
    addGaps(difference, to: &page)
    addAssumptions(difference, to: &page)
    for (ruleset, side) in [(old, diagnostics.old), (new, diagnostics.new)] {
      DiagnosticText(sources: ruleset.sources, names: SourceNames(ruleset.sources)).add(side, to: &page, notes: false)
    }
    return page.text
  }

  private func add(_ change: Change, _ words: DifferenceWords, to page: inout Page) {
    guard let first = change.packets.first else { return }
    page.addGap()
    add(StyledText(words.heading(change), DifferenceWords.style(change)), first, words, to: &page)
    addSide("old", change.old, change.kind, words.old, words, to: &page)
    addSide("new", change.new, change.kind, words.new, words, to: &page)
    if let witness = change.witness { addLabelled("e.g.", StyledText(DifferenceWords.witness(witness)), to: &page) }
    addOthers(change.packets.dropFirst(), first, words, to: &page)
  }

  /// The packets behind what becomes of them: in the same line where it is one box.
  private func add(_ head: StyledText, _ packets: PacketSet, _ words: DifferenceWords, to page: inout Page) {
    let boxes = words.boxes(packets)
    let preface = DifferenceWords.preface(packets)
    if boxes.count == 1, let only = boxes.first {
      page.add(head + StyledText("  " + preface + only), hanging: 4)
      return
    }
    page.add(head + StyledText("  " + preface), hanging: 4)
    for box in boxes.prefix(Self.boxLimit) { page.add(StyledText(box), indent: 4, hanging: 2) }
    if boxes.count > Self.boxLimit {
      page.add(StyledText("and \(boxes.count - Self.boxLimit) more pieces (all of them: --json)", .faint), indent: 4)
    }
  }

  private func addSide(
    _ label: String, _ outcome: Outcome, _ kind: Change.Kind, _ side: DifferenceSide, _ words: DifferenceWords,
    to page: inout Page
  ) {
    var text = StyledText("\(words.fate(outcome, kind)) by \(side.decider(outcome))")
    if case .outside = outcome.deciders.first {
      text = StyledText("\(words.fate(outcome, kind)): \(side.decider(outcome))")
    }
    if let source = side.source(outcome) { text += StyledText("  " + source, .faint) }
    addLabelled(label, text, to: &page)
    if let rule = side.text(outcome), outcome.deciders.rules.isEmpty {
      page.add(StyledText(rule, .faint), indent: 7, hanging: 2)
    }
    if kind == .translation {
      for translation in outcome.part.translations {
        guard let id = translation.rule, side.ruleset.holds(id) else { continue }
        var text = StyledText("translated by \(side.ruleset.place(of: id))")
        if let source = side.deciders.source(.rule(id)) { text += StyledText("  " + source, .faint) }
        page.add(text, indent: 7, hanging: 2)
      }
    }
  }

  /// The same change of other packets of the connections.
  private func addOthers(
    _ others: ArraySlice<PacketSet>, _ first: PacketSet, _ words: DifferenceWords, to page: inout Page
  ) {
    if let alike = DifferenceWords.names(others.filter { words.isLike($0, first) }, beside: first) {
      addLabelled("also", StyledText(alike), to: &page)
    }
    for packets in others where !words.isLike(packets, first) {
      let boxes = words.boxes(packets)
      let more = boxes.count > 1 ? " and \(boxes.count - 1) more pieces" : ""
      addLabelled("also", StyledText(DifferenceWords.preface(packets) + (boxes.first ?? "") + more), to: &page)
    }
  }

  private func addLabelled(_ label: String, _ text: StyledText, to page: inout Page) {
    page.add(StyledText(label, .named).padded(to: 5) + text, indent: 2, hanging: 5)
  }

  /// What fares as before by another rule, a row each.
  private func addOtherRules(_ difference: Difference, _ words: DifferenceWords, to page: inout Page) {
    let others = difference.changes.filter { $0.kind == .rule }
    guard !others.isEmpty else { return }
    page.addGap()
    page.add(StyledText("As before, by another rule", .strong))
    for change in others.prefix(Self.ruleLimit) {
      guard let first = change.packets.first else { continue }
      var text = StyledText("\(change.new.verdict.past) by \(words.new.decider(change.new))")
      if let source = words.new.source(change.new) { text += StyledText(" \(source)", .faint) }
      text += StyledText(", was \(words.old.decider(change.old))")
      if let source = words.old.source(change.old) { text += StyledText(" \(source)", .faint) }
      let boxes = words.boxes(first)
      text += StyledText(": \(DifferenceWords.preface(first))\(boxes.first ?? "")")
      let more = boxes.count - 1 + change.packets.count - 1
      if more > 0 { text += StyledText(" and more", .faint) }
      page.add(text, indent: 2, hanging: 2)
    }
    if others.count > Self.ruleLimit {
      page.add(StyledText("and \(others.count - Self.ruleLimit) more (all of them: --json)", .faint), indent: 2)
    }
  }

  // MARK: What is open

  private func add(_ doubt: Doubt, _ words: DifferenceWords, to page: inout Page) {
    guard let first = doubt.packets.first else { return }
    page.addGap()
    add(StyledText("UNDETERMINED", .doubtful), first, words, to: &page)
    let (reason, settledBy) = words.reason(doubt)
    addLabelled("why", StyledText(reason + (settledBy.map { "; settled by: \($0)" } ?? "")), to: &page)
    if let witness = doubt.witness { addLabelled("e.g.", StyledText(DifferenceWords.witness(witness)), to: &page) }
    addOthers(doubt.packets.dropFirst(), first, words, to: &page)
  }

  private func addGaps(_ difference: Difference, to page: inout Page) {
    var label = "Not compared"
    for gap in difference.gaps {
      if label == "Not compared" { page.addGap() }
      var text = StyledText(DifferenceWords.sentence(gap))
      if gap.leavesOpen, let command = DifferenceWords.command(gap) {
        text += StyledText("; settled by: \(command)", .faint)
      }
      page.add(StyledText(label, gap.leavesOpen ? .doubtful : .named).padded(to: 14) + text, hanging: 14)
      label = ""
    }
  }

  private func addAssumptions(_ difference: Difference, to page: inout Page) {
    // What is taken for granted of the host is so on both sides.
    let told = difference.assumptions.told.filter(\.isAboutRules)
    var sentences = told.prefix(4).map(\.text)
    if let host = DifferenceWords.assumedHost(difference) { sentences.insert(host, at: 0) }
    guard !sentences.isEmpty else { return }
    let more = told.count - 4
    if more > 0 { sentences.append("\(more) more") }
    page.addGap()
    page.add(
      StyledText("Assumed", .doubtful).padded(to: 9) + StyledText(sentences.joined(separator: "; ") + "."), hanging: 9)
  }
}

extension Assumption {
  /// Whether it is about rules that no dump shows.
  fileprivate var isAboutRules: Bool {
    switch fact {
    case .untoldTables, .untoldChains, .untoldNftTables, .inferredTable: true
    default: false
    }
  }
}

import FlowTrace
package import HostAnalysis
package import RuleGraph
import RuleParser
package import Traffic

/// What logs came to, as text of one screen.
package struct ReplayText: Sendable {
  private let ruleset: Ruleset
  private let after: Ruleset?
  private let terminal: TerminalSettings

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - ruleset: The rules that the flows went through; those before, where there are two.
  ///   - after: The rules after; nil where there is one ruleset.
  ///   - terminal: What the text is shown on.
  package init(_ ruleset: Ruleset, after: Ruleset? = nil, terminal: TerminalSettings = TerminalSettings()) {
    self.ruleset = ruleset
    self.after = after
    self.terminal = terminal
  }

  private static let groupLimit = 12
  private static let changeLimit = 6
  private static let contradictionLimit = 3
  private static let chainLimit = 4
  private static let serviceLimit = 8
  /// The width of the labels before what is told in lines of its own.
  private static let label = 14

  /// The text of a summary.
  ///
  /// - Parameters:
  ///   - summary: The summary.
  ///   - gaps: What of two rulesets was not compared.
  ///   - diagnostics: What reading the dumps had to tell.
  package func text(of summary: ReplaySummary, gaps: [Gap] = [], diagnostics: [Diagnostic] = []) -> String {
    var summary = summary
    let names = ReplayWords.short(summary.logs.map(\.name))
    for index in names.indices { summary.logs[index].name = names[index] }
    let words = ReplayWords(logs: names)
    var page = Page(terminal)
    page.add(headline(summary), hanging: 2)
    if summary.isComparison {
      addChanges(summary, words, to: &page)
    } else {
      addGroups(summary, to: &page)
    }
    page.addGap()
    addServices(summary, to: &page)
    addZones(summary, to: &page)
    addContradictions(
      summary.impossible, "Impossible", "got through, and the rules stop",
      "the dump is of another time, or there is another path", words, to: &page)
    addContradictions(
      summary.unfulfilled, "Unanswered", "came to nothing, and the rules accept",
      "something else stops such flows, or nothing listens", words, to: &page)
    addOpen(summary, to: &page)
    addUnmet(summary, to: &page)
    addLines(summary, words, to: &page)
    for gap in gaps where gap.leavesOpen {
      addLabelled("Not compared", StyledText(DifferenceWords.sentence(gap), .doubtful), to: &page)
    }
    DiagnosticText(sources: ruleset.sources, names: SourceNames(ruleset.sources)).add(
      diagnostics, to: &page, notes: false)
    return page.text
  }

  /// `1,234 flows of conn.log (Zeek conn.log): 1,000 accepted, 234 dropped`.
  private func headline(_ summary: ReplaySummary) -> StyledText {
    let names = summary.logs.map { "\($0.name) (\($0.format))" }
    let logs = names.count > 3 ? "\(names.count) logs" : names.joined(separator: ", ")
    var text = StyledText("\(ReplayWords.count(summary.flows, "flow")) of \(logs)", .strong)
    if summary.isComparison {
      let flows = summary.changes.reduce(0) { $0 + $1.flows }
      let bytes = summary.changes.reduce(0) { $0 &+ $1.bytes }
      text += StyledText(": ")
      text +=
        flows == 0
        ? StyledText("none fares otherwise under the new rules", .good)
        : StyledText(
          "\(ReplayWords.number(flows)) (\(ReplayWords.bytes(bytes))) \(flows == 1 ? "fares" : "fare") otherwise under the new rules",
          .bad)
      return text
    }
    var parts = StyledText("")
    for verdict in ReplayTally.verdictOrder {
      let flows = summary.flows(verdict)
      if flows == 0 { continue }
      parts += StyledText(parts.isEmpty ? ": " : ", ")
      let name = verdict == .mixed ? "depend" : ReplayWords.verdict(verdict)
      parts += StyledText("\(ReplayWords.number(flows)) \(name)", ReplayWords.style(verdict))
    }
    return text + parts
  }

  // MARK: Groups

  private func addGroups(_ summary: ReplaySummary, to page: inout Page) {
    guard !summary.groups.isEmpty else { return }
    page.addGap()
    let words = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
    let shown = summary.groups.prefix(Self.groupLimit)
    let flows = ["flows"] + shown.map { ReplayWords.number($0.flows) }
    let bytes = ["bytes"] + shown.map { ReplayWords.bytes($0.bytes) }
    let verdicts = ["verdict"] + shown.map { ReplayWords.verdict($0.old.verdict) }
    let places = ["decided by"] + shown.map { Self.place($0.old, words) }
    let lines = [""] + shown.map { $0.old.deciders.first.flatMap { words.source($0.first) } ?? "" }
    func width(_ column: [String]) -> Int { column.map { DisplayWidth.of($0) }.max() ?? 0 }
    let widths = (width(flows), width(bytes), width(verdicts), min(width(places), 60), width(lines))
    for row in flows.indices {
      let style: Style = row == 0 ? .faint : .plain
      var text = Self.right(flows[row], widths.0, style) + StyledText("  ") + Self.right(bytes[row], widths.1, style)
      text += StyledText("  ")
      let verdictStyle = row == 0 ? .faint : ReplayWords.style(summary.groups[row - 1].old.verdict)
      text += StyledText(verdicts[row], verdictStyle).padded(to: widths.2 + 2)
      text += StyledText(places[row], style).cut(to: widths.3).padded(to: widths.3 + 2)
      text += StyledText(lines[row], .faint).padded(to: widths.4 + 2)
      if row > 0, let rule = self.text(of: summary.groups[row - 1].old, ruleset) { text += StyledText(rule, .faint) }
      page.add(text.trimmed.cut(to: max(terminal.width, 60)))
    }
    let more = summary.groups.count - Self.groupLimit
    if more > 0 {
      let left = summary.groups.dropFirst(Self.groupLimit).reduce(0) { $0 + $1.flows }
      page.add(
        StyledText(
          "and \(ReplayWords.count(left, "flow")) by \(ReplayWords.count(more, "other decider")) (all of them: --json)",
          .faint))
    }
  }

  private static func right(_ text: String, _ width: Int, _ style: Style) -> StyledText {
    StyledText(String(repeating: " ", count: max(0, width - DisplayWidth.of(text))) + text, style)
  }

  /// `filter INPUT 3`, `filter INPUT 3 or policy of filter INPUT`.
  private static func place(_ fate: ReplaySummary.Fate, _ words: DeciderWords) -> String {
    let places = fate.deciders.prefix(2).map { words.place($0) }
    return places.joined(separator: " or ") + (fate.deciders.count > 2 ? " or another" : "")
  }

  /// The rule as it stands in the dump; nil where none decides.
  private func text(of fate: ReplaySummary.Fate, _ ruleset: Ruleset) -> String? {
    guard case .rule(let id)? = fate.deciders.first?.first, ruleset.holds(id), ruleset[id].missing == nil else {
      return nil
    }
    let text = ruleset.sources.text(of: ruleset[id].span)
    guard text.hasPrefix("{") else { return text }
    let words = RuleWords(ruleset[id])
    return "\(words.conditionText): \(words.actionText)"
  }

  // MARK: Changes

  private func addChanges(_ summary: ReplaySummary, _ words: ReplayWords, to page: inout Page) {
    guard let after else { return }
    for group in summary.changes.prefix(Self.changeLimit) {
      guard let new = group.new, let change = group.change else { continue }
      page.addGap()
      let heading =
        switch change {
        case .verdict:
          "\(ReplayWords.verdict(new.verdict).uppercased()), \(group.flows == 1 ? "was" : "were") \(ReplayWords.verdict(group.old.verdict))"
        case .translation: "TRANSLATED differently"
        case .fate:
          new.verdict == .accept ? "SENT elsewhere" : "\(ReplayWords.verdict(new.verdict).uppercased()) otherwise"
        }
      let style = change == .verdict ? ReplayWords.style(new.verdict) : .doubtful
      page.add(
        StyledText(heading, style)
          + StyledText("  \(ReplayWords.count(group.flows, "flow")), \(ReplayWords.bytes(group.bytes))"), hanging: 4)
      addSide("old", group.old, ruleset, to: &page)
      addSide("new", new, after, to: &page)
      for example in group.examples { addRow("e.g.", StyledText(words.example(example)), to: &page) }
    }
    let more = summary.changes.dropFirst(Self.changeLimit)
    if !more.isEmpty {
      let flows = more.reduce(0) { $0 + $1.flows }
      page.addGap()
      page.add(
        StyledText(
          "and \(ReplayWords.count(flows, "flow")) by \(ReplayWords.count(more.count, "other pair")) of rules (all of them: --json)",
          .faint))
    }
  }

  private func addSide(_ label: String, _ fate: ReplaySummary.Fate, _ ruleset: Ruleset, to page: inout Page) {
    let words = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
    var text = StyledText("\(ReplayWords.verdict(fate.verdict)) by \(Self.place(fate, words))")
    if let source = fate.deciders.first.flatMap({ words.source($0.first) }) {
      text += StyledText("  " + source, .faint)
    }
    if let rule = self.text(of: fate, ruleset) { text += StyledText("  " + rule, .faint) }
    addRow(label, text, to: &page)
  }

  private func addRow(_ label: String, _ text: StyledText, to page: inout Page) {
    page.add(StyledText(label, .named).padded(to: 5) + text, indent: 2, hanging: 5)
  }

  // MARK: The rest

  private func addLabelled(_ label: String, _ text: StyledText, to page: inout Page) {
    page.add(StyledText(label, .named).padded(to: Self.label) + text, hanging: Self.label)
  }

  private func addServices(_ summary: ReplaySummary, to page: inout Page) {
    guard !summary.services.isEmpty else { return }
    let words = summary.services.prefix(Self.serviceLimit).map { service in
      var parts: [String] = []
      for (verdict, flows) in zip(ReplayTally.verdictOrder, service.flows) where flows > 0 {
        parts.append("\(ReplayWords.number(flows)) \(ReplayWords.verdict(verdict))")
      }
      return "\(ReplayWords.service(service)) \(parts.joined(separator: ", "))"
    }
    let more = summary.services.count - Self.serviceLimit
    let rest = more > 0 ? "; \(ReplayWords.number(more)) more" : ""
    addLabelled("Services", StyledText(words.joined(separator: "; ") + rest), to: &page)
  }

  private func addZones(_ summary: ReplaySummary, to page: inout Page) {
    guard !summary.isComparison, !summary.zones.isEmpty else { return }
    let words = summary.zones.prefix(Self.serviceLimit).map {
      "\(ReplayWords.zone($0.zone)) \(ReplayWords.number($0.flows))"
    }
    let more = summary.zones.count - Self.serviceLimit
    addLabelled("From", StyledText(words.joined(separator: "; ") + (more > 0 ? "; \(more) more" : "")), to: &page)
  }

  private func addContradictions(
    _ groups: [ReplaySummary.Group], _ label: String, _ fact: String, _ cause: String, _ words: ReplayWords,
    to page: inout Page
  ) {
    guard !groups.isEmpty else { return }
    let flows = groups.reduce(0) { $0 + $1.flows }
    addLabelled(
      label,
      StyledText("\(ReplayWords.count(flows, "flow")) \(fact) \(flows == 1 ? "it" : "them"): \(cause)", .doubtful),
      to: &page)
    let deciders = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
    for group in groups.prefix(Self.contradictionLimit) {
      let place = Self.place(group.old, deciders)
      let example = group.examples.first.map { ", e.g. \(words.example($0))" } ?? ""
      page.add(
        StyledText("\(ReplayWords.number(group.flows)) by \(place)\(example)"), indent: Self.label, hanging: 2)
    }
  }

  /// What the dumps leave open, and what would settle it.
  private func addOpen(_ summary: ReplaySummary, to page: inout Page) {
    guard !summary.settledBy.isEmpty else { return }
    let words = summary.settledBy.prefix(3).map { one in
      "\(ReplayWords.count(one.flows, "flow")) by the output of: \(one.command)"
        + (one.command == "ip addr" ? " (or --host-address)" : "")
    }
    addLabelled("To settle", StyledText(words.joined(separator: "; "), .doubtful), to: &page)
  }

  private func addUnmet(_ summary: ReplaySummary, to page: inout Page) {
    guard !summary.isComparison, !summary.unmet.isEmpty, summary.flows > 0 else { return }
    var chains: [(chain: ChainID, numbers: [Int])] = []
    for rule in summary.unmet {
      if chains.last?.chain != rule.chainID { chains.append((rule.chainID, [])) }
      chains[chains.count - 1].numbers.append(ruleset.number(of: rule))
    }
    let head = "\(ReplayWords.number(summary.unmet.count)) of \(ReplayWords.count(summary.rules, "rule")) met no flow: "
    let shown = chains.prefix(Self.chainLimit).map {
      "\(ruleset.place(of: $0.chain)) \(ReplayWords.numbers($0.numbers, limit: 4))"
    }
    let more = chains.count - Self.chainLimit
    addLabelled(
      "Unused",
      StyledText(head + shown.joined(separator: "; ") + (more > 0 ? "; \(ReplayWords.count(more, "more chain"))" : "")),
      to: &page)
  }

  private func addLines(_ summary: ReplaySummary, _ words: ReplayWords, to page: inout Page) {
    for log in summary.logs {
      var parts: [String] = []
      if log.lines.later > 0 {
        parts.append("\(ReplayWords.count(log.lines.later, "line")) about connections that are counted already")
      }
      if log.lines.others > 0 { parts.append("\(ReplayWords.count(log.lines.others, "line")) about something else") }
      if log.lines.answersByPorts > 0 {
        parts.append("\(ReplayWords.count(log.lines.answersByPorts, "flow")) taken for replies by their ports")
      }
      if !parts.isEmpty {
        addLabelled("Lines", StyledText("\(log.name): \(parts.joined(separator: ", "))", .faint), to: &page)
      }
      guard log.lines.malformed > 0 else { continue }
      addLabelled(
        "Malformed", StyledText("\(ReplayWords.count(log.lines.malformed, "line")) of \(log.name)", .bad), to: &page)
      for one in log.lines.firstMalformed {
        let text = StyledText("\(log.name):\(one.line)  \(ReplayWords.text(one.problem))  ")
        page.add(text + StyledText(one.text, .faint), indent: Self.label, hanging: 2)
      }
    }
  }
}

import FlowTrace
package import RuleGraph
import RuleParser
package import Traffic

/// Kernel traces held against the model, as text for a person: the differences first.
package struct VerificationText: Sendable {
  private let ruleset: Ruleset
  private let terminal: TerminalSettings
  private let traceName: String

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - ruleset: The rules.
  ///   - traceName: What the file of the trace is called.
  ///   - terminal: What the text is shown on.
  package init(_ ruleset: Ruleset, traceName: String, terminal: TerminalSettings = TerminalSettings()) {
    self.ruleset = ruleset
    self.traceName = traceName
    self.terminal = terminal
  }

  private static let differenceLimit = 5
  private static let agreementLimit = 10

  /// The text.
  package func text(of verification: TraceVerification, unreadable: [Int] = [], diagnostics: [Diagnostic] = [])
    -> String
  {
    let words = VerificationWords(ruleset, traceName: traceName)
    var page = Page(terminal)
    page.add(headline(verification), hanging: 2)
    var shown = 0
    for result in verification.results {
      guard case .differs(let difference) = result.finding else { continue }
      shown += 1
      if shown <= Self.differenceLimit { add(result, difference, words, to: &page) }
    }
    if shown > Self.differenceLimit {
      page.addGap()
      page.add(StyledText("and \(shown - Self.differenceLimit) more that differ (all of them: --json)", .faint))
    }
    addAgreements(verification, words, to: &page)
    addOthers(verification, unreadable, to: &page)
    DiagnosticText(sources: ruleset.sources, names: SourceNames(ruleset.sources)).add(
      diagnostics, to: &page, notes: false)
    return page.text
  }

  /// `42 packets: 40 agree, 1 differs, 1 not compared`.
  private func headline(_ verification: TraceVerification) -> StyledText {
    let (agree, differ, others) = verification.counts
    var text = StyledText("\(ReplayWords.count(verification.results.count, "packet")): ", .strong)
    text += StyledText("\(ReplayWords.number(agree)) agree\(agree == 1 ? "s" : "")", agree > 0 ? .good : .plain)
    if differ > 0 { text += StyledText(", ") + StyledText("\(differ) differ\(differ == 1 ? "s" : "")", .bad) }
    if others > 0 { text += StyledText(", \(others) not compared", .faint) }
    return text
  }

  private func add(
    _ result: VerifiedTrace, _ difference: TraceDifference, _ words: VerificationWords, to page: inout Page
  ) {
    page.addGap()
    let head = StyledText("DIFFERS", .bad) + StyledText("  \(VerificationWords.packet(result.trace))")
    page.add(head + StyledText("  \(traceName):\(result.trace.line)", .faint), hanging: 4)
    addRow("same", StyledText(ReplayWords.count(result.agreed, "step")), to: &page)
    if let step = difference.kernel {
      var text = StyledText(VerificationWords.kernel(step)) + StyledText("  \(traceName):\(step.line)", .faint)
      if !step.text.isEmpty { text += StyledText("  \(step.text)", .faint) }
      addRow("kernel", text, to: &page)
    } else {
      addRow("kernel", StyledText("goes no further in the trace"), to: &page)
    }
    if let step = difference.model {
      let (place, source) = words.model(step)
      addRow("model", StyledText(place) + StyledText(source.map { "  \($0)" } ?? "", .faint), to: &page)
    } else {
      addRow("model", StyledText("decides nothing more"), to: &page)
    }
    addRow("why", StyledText(VerificationWords.reason(difference)), to: &page)
  }

  private func addRow(_ label: String, _ text: StyledText, to page: inout Page) {
    page.add(StyledText(label, .named).padded(to: 8) + text, indent: 2, hanging: 8)
  }

  private func addAgreements(_ verification: TraceVerification, _ words: VerificationWords, to page: inout Page) {
    let agreeing = verification.results.filter { if case .agrees = $0.finding { true } else { false } }
    guard !agreeing.isEmpty else { return }
    page.addGap()
    for result in agreeing.prefix(Self.agreementLimit) {
      var text = StyledText("AGREES", .good) + StyledText("  \(VerificationWords.packet(result.trace))")
      if let model = result.model {
        let verdict = (model.conditionalVerdict ?? model.verdict).past
        text += StyledText("  \(verdict) by \(words.deciders.place(model.deciders))")
        if let source = words.deciders.source(model.decidedBy) { text += StyledText("  \(source)", .faint) }
      }
      text += StyledText("  (\(ReplayWords.count(result.agreed, "step")))", .faint)
      page.add(text, hanging: 4)
    }
    let more = agreeing.count - Self.agreementLimit
    if more > 0 { page.add(StyledText("and \(more) more that agree", .faint)) }
  }

  private func addOthers(_ verification: TraceVerification, _ unreadable: [Int], to page: inout Page) {
    var reasons: [VerifiedTrace.Reason: Int] = [:]
    for result in verification.results {
      if case .notCompared(let reason) = result.finding { reasons[reason, default: 0] += 1 }
    }
    let tables = verification.unknownTables
    if !reasons.isEmpty || !tables.isEmpty || !unreadable.isEmpty { page.addGap() }
    for (text, count) in reasons.map({ (VerificationWords.reason($0.key), $0.value) }).sorted(by: { $0.0 < $1.0 }) {
      page.add(StyledText("Not compared: \(ReplayWords.count(count, "packet")) \(text)", .doubtful), hanging: 2)
    }
    if !tables.isEmpty {
      let names = tables.prefix(4).joined(separator: ", ") + (tables.count > 4 ? ", ..." : "")
      page.add(
        StyledText(
          "Not in the dump: table \(names); its steps are left out (tracing may have put it there)", .doubtful),
        hanging: 2)
    }
    if let first = unreadable.first {
      page.add(
        StyledText(
          "Malformed: \(ReplayWords.count(unreadable.count, "line")) of \(traceName), the first is line \(first)", .bad),
        hanging: 2)
    }
  }
}

import FlowTrace
package import HostAnalysis
package import RuleGraph

/// The findings of an audit as text for a person: the rule, what is wrong with it, and what mends it.
package struct AuditText: Sendable {
  private let ruleset: Ruleset
  private let terminal: TerminalSettings

  /// Makes a writer for the rules of a host.
  package init(_ ruleset: Ruleset, terminal: TerminalSettings = TerminalSettings()) {
    self.ruleset = ruleset
    self.terminal = terminal
  }

  /// The text of findings.
  ///
  /// - Parameters:
  ///   - chosen: The audit with the findings that are shown.
  ///   - ignored: How many are known, and not shown.
  ///   - notes: How many of lesser weight are not shown.
  ///   - diagnostics: What reading the dumps had to tell.
  package func text(of chosen: Audit, ignored: Int = 0, notes: Int = 0, diagnostics: [Diagnostic] = []) -> String {
    let words = FindingWords(ruleset)
    var page = Page(terminal)
    page.add(headline(chosen, ignored: ignored, notes: notes), hanging: 2)
    for finding in chosen.findings { add(finding, words, to: &page) }
    if !chosen.partial.isEmpty {
      page.addGap()
      let chains = chosen.partial.prefix(6).map { ruleset.place(of: $0) }.joined(separator: ", ")
      let more = chosen.partial.count > 6 ? " and \(chosen.partial.count - 6) more" : ""
      page.add(StyledText("Not shown whole, so there may be more: \(chains)\(more)", .doubtful), hanging: 2)
    }
    DiagnosticText(sources: ruleset.sources, names: SourceNames(ruleset.sources)).add(
      diagnostics + chosen.warnings, to: &page, notes: false)
    return page.text
  }

  private func headline(_ audit: Audit, ignored: Int, notes: Int) -> StyledText {
    let all = audit.findings.count
    var text = StyledText(all == 0 ? "no findings" : "\(all) finding\(all == 1 ? "" : "s")", all == 0 ? .good : .strong)
    var others: [String] = []
    if notes > 0 { others.append("\(notes) note\(notes == 1 ? "" : "s") not shown (--severity note)") }
    if ignored > 0 { others.append("\(ignored) known") }
    if !others.isEmpty { text += StyledText("; " + others.joined(separator: ", "), .faint) }
    return text
  }

  private func add(_ finding: Finding, _ words: FindingWords, to page: inout Page) {
    page.addGap()
    let severity = FindingWords.name(finding.severity)
    var line = StyledText(severity, finding.severity.style)
    line += StyledText(String(repeating: " ", count: max(1, Self.indent - severity.count)))
    if let place = words.place(finding) { line += StyledText(place + "  ", .strong) }
    line += StyledText(words.rule(finding) ?? finding.id.rawValue)
    if let source = words.source(finding) { line += StyledText("  \(source)", .faint) }
    page.add(line, hanging: Self.indent)
    page.add(StyledText(words.sentence(finding)), indent: Self.indent, hanging: 2)
    if let witness = finding.witness {
      page.add(StyledText("e.g. \(Self.text(witness))", .faint), indent: Self.indent, hanging: 2)
    }
    if let mend = words.mend(finding) { page.add(StyledText("fix: \(mend)"), indent: Self.indent, hanging: 2) }
    if finding.counterAgrees == false, let packets = finding.rule.flatMap({ ruleset[$0].counter?.packets }) {
      page.add(
        StyledText(
          "its counter says \(packets) packet\(packets == 1 ? "" : "s"): they came before the rules changed",
          .doubtful),
        indent: Self.indent, hanging: 2)
    }
  }

  private static let indent = 9

  /// One packet: `tcp 203.0.113.9:40000 -> 192.0.2.10:6379 in eth0`.
  static func text(_ packet: Query) -> String {
    EndpointWords.packet(
      packet.family, packet.transport, from: (packet.source, packet.sourcePort),
      to: (packet.destination, packet.destinationPort),
      input: packet.input?.single.map { InterfaceName(value: $0).description })
  }
}

extension Finding.Severity {
  fileprivate var style: Style {
    switch self {
    case .high: .bad
    case .warning: .doubtful
    case .note: .plain
    }
  }
}

import FlowTrace
package import HostAnalysis
package import HostModel
package import RuleGraph

/// What of a host can be reached as text for a person: zone by zone a line for each service, what listens and is
/// closed, and what the dumps leave open.
package struct ExposureText: Sendable {
  private let ruleset: Ruleset
  private let facts: HostFacts
  private let terminal: TerminalSettings
  /// The host's name, where the dumps tell it.
  package var hostName: String?

  /// How many findings an audit of the host has; nil where none was made.
  package var findings: Int?
  /// The command that prints them.
  package var auditCommand = "fwtrace audit"

  /// Makes a writer for a host.
  package init(
    _ ruleset: Ruleset, facts: HostFacts, terminal: TerminalSettings = TerminalSettings(), hostName: String? = nil
  ) {
    self.ruleset = ruleset
    self.facts = facts
    self.terminal = terminal
    self.hostName = hostName ?? facts.hostName
  }

  /// The text of an exposure.
  ///
  /// - Parameters:
  ///   - exposure: The exposure.
  ///   - isBrief: Whether only what is open and closed to the outside is shown, not what containers and the host itself
  /// reach.
  ///   - diagnostics: What reading the dumps had to tell.
  package func text(of exposure: Exposure, isBrief: Bool = false, diagnostics: [Diagnostic] = []) -> String {
    let names = SourceNames(ruleset.sources)
    let words = ExposureWords(
      exposure: exposure, facts: facts, ruleset: ruleset, deciders: DeciderWords(ruleset: ruleset, names: names))
    var page = Page(terminal)
    page.add(headline(exposure), hanging: 2)
    let blocks = OutsideBlock.blocks(of: exposure, words)
    for block in blocks { block.add(to: &page) }
    if !isBrief {
      for index in exposure.zones.indices where !exposure.zones[index].isOutside {
        InsideBlock(exposure: exposure, zone: index, words: words).add(to: &page)
      }
    }
    UnknownBlock(exposure: exposure, words: words).add(to: &page)
    if let findings, findings > 0 {
      page.addGap()
      page.add(StyledText("\(findings) finding\(findings == 1 ? "" : "s") (\(auditCommand))", .doubtful))
    }
    AssumedBlock(exposure: exposure).add(to: &page)
    if let captured = facts.captured {
      page.addGap()
      page.add(StyledText(CaptureWords.sentence(captured)), hanging: 2)
    }
    DiagnosticText(sources: ruleset.sources, names: names).add(
      diagnostics + exposure.warnings, to: &page, notes: false)
    return page.text
  }

  /// `edge1: iptables and ip6tables, 54 rules; written by Docker 18.05 to 27, ufw`.
  private func headline(_ exposure: Exposure) -> StyledText {
    let tables = ruleset.tables.filter { $0.shown != .nothing }
    let rules = ruleset.shownOnly.ruleCount
    var programs: [String] = []
    for table in tables {
      let program =
        switch table.origin {
        case .nftables: "nftables"
        case .iptables, .iptablesNFT, .iptablesLegacy: table.family == .ip6 ? "ip6tables" : "iptables"
        }
      if !programs.contains(program) { programs.append(program) }
    }
    let writers = [exposure.layout?.docker].compactMap(\.self) + (exposure.layout?.others ?? [])
    var text = StyledText((hostName.map { $0 + ": " } ?? ""), .strong)
    text += StyledText("\(rules) rule\(rules == 1 ? "" : "s")")
    if !programs.isEmpty { text += StyledText(" of " + programs.joined(separator: " and ")) }
    if !writers.isEmpty { text += StyledText(", written by " + writers.joined(separator: "; ")) }
    return text
  }
}

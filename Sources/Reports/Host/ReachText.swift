import FlowTrace
package import HostAnalysis
package import HostModel
package import RuleGraph

/// From where something can be reached, as text for a person: a row for each way that is open, then what stops the
/// others.
package struct ReachText: Sendable {
  private let ruleset: Ruleset
  private let facts: HostFacts
  private let terminal: TerminalSettings

  /// Makes a writer for a host.
  package init(_ ruleset: Ruleset, facts: HostFacts, terminal: TerminalSettings = TerminalSettings()) {
    self.ruleset = ruleset
    self.facts = facts
    self.terminal = terminal
  }

  /// The text of what reaches a target.
  package func text(of reach: Exposure, to target: ReachTarget, diagnostics: [Diagnostic] = []) -> String {
    let names = SourceNames(ruleset.sources)
    let words = ExposureWords(
      exposure: reach, facts: facts, ruleset: ruleset, deciders: DeciderWords(ruleset: ruleset, names: names))
    let lines = reach.zones.indices.flatMap { reach.lines(from: $0) }
    let open = lines.filter { $0.outcome == .open }
    let closed = lines.filter {
      if case .closed = $0.outcome { !$0.service.isOnLoopback } else { $0.outcome == .unanswered }
    }
    var page = Page(terminal)
    page.add(StyledText(title(target), .strong) + StyledText("   " + summary(open, reach)), hanging: 2)
    add("Reached", open, of: target, words, to: &page)
    add("Not reached", closed, of: target, words, to: &page)
    UnknownBlock(exposure: reach, words: words).add(to: &page)
    AssumedBlock(exposure: reach).add(to: &page)
    DiagnosticText(sources: ruleset.sources, names: names).add(
      diagnostics + reach.warnings, to: &page, notes: false)
    return page.text
  }

  private func title(_ target: ReachTarget) -> String {
    var text =
      switch target.place {
      case .container(let name, let addresses):
        [name, addresses.isEmpty ? nil : addresses.pieces(as: .address).joined(separator: ", ")]
          .compactMap(\.self).joined(separator: " ")
      case .host(let addresses): addresses.pieces(as: .address).joined(separator: ", ")
      case .anywhere: "any address"
      }
    if let port = target.port { text += " port \(port)" }
    if let transport = target.transport { text += " (\(ValueSet(transport).text(as: .transport)))" }
    return text
  }

  private func summary(_ open: [ExposureLine], _ reach: Exposure) -> String {
    let outside = open.contains {
      reach.zones[$0.zone].isOutside && $0.who != .neighbours && $0.service.subject.isOfHost
    }
    if outside { return "reached from outside" }
    if open.contains(where: { reach.zones[$0.zone].isOutside }) { return "reached from outside by hosts on its link" }
    if open.contains(where: { reach.zones[$0.zone].kind != .host }) { return "reached by containers, not from outside" }
    if !open.isEmpty { return "reached by this host alone" }
    return reach.isDetermined ? "reached by nobody" : "unknown"
  }

  private func add(
    _ title: String, _ lines: [ExposureLine], of target: ReachTarget, _ words: ExposureWords, to page: inout Page
  ) {
    guard !lines.isEmpty else { return }
    page.addGap()
    page.add(StyledText(title, .strong))
    var rows: [ColumnRow] = []
    for line in Self.joined(lines) {
      let row = row(line, of: target, words)
      // Zones and ports of which the same is true would fill the screen.
      if !rows.contains(where: {
        $0.cells.map { $0.rendered(inColor: false) } == row.cells.map { $0.rendered(inColor: false) }
      }) {
        rows.append(row)
      }
    }
    ColumnRow.shortenPlaces(&rows)
    ColumnRows(rows: rows).add(to: &page, indent: 2)
  }

  /// Of the ports that nobody is known to have a row for each zone and fate: which of them are asked about as one is
  /// nothing to tell.
  private static func joined(_ lines: [ExposureLine]) -> [ExposureLine] {
    struct Alike: Hashable {
      var zone: Int
      var who: Who
      var outcome: Access.Outcome
      var deciders: Deciders
      var subject: Service.Subject
      var family: AddressFamily
    }
    var told: Set<Alike> = []
    return lines.filter { line in
      if line.service.subject == .hostPort || line.service.subject == .containerPort { return true }
      return told.insert(
        Alike(
          zone: line.zone, who: line.who, outcome: line.outcome, deciders: line.first.deciders,
          subject: line.service.subject, family: line.service.family)
      ).inserted
    }
  }

  private func row(_ line: ExposureLine, of target: ReachTarget, _ words: ExposureWords) -> ColumnRow {
    let zone = words.exposure.zones[line.zone]
    let first = line.first
    return ColumnRow(
      cells: [
        StyledText(words.name(zone), .named), StyledText(zone.kind == .host ? "" : words.who(line)),
        StyledText("\(port(line, words)) \(at(line, of: target, words))"),
        StyledText(
          line.outcome == .open
            ? words.deciders.place(first.deciders)
            : line.outcome == .unanswered ? "nothing listens" : words.reason(line)),
        StyledText(words.deciders.source(first.decidedBy) ?? "", .faint),
      ], below: words.notes(below: line))
  }

  private func port(_ line: ExposureLine, _ words: ExposureWords) -> String {
    switch line.service.subject {
    case .hostPort, .containerPort: words.port(line.service)
    case .otherHostPorts, .otherContainerPorts:
      line.service.ports.single == nil ? "other ports" : words.port(line.service)
    }
  }

  /// The address that packets are sent to, and what leads from there to whoever answers.
  private func at(_ line: ExposureLine, of target: ReachTarget, _ words: ExposureWords) -> String {
    guard line.service.subject.isOfHost else {
      return "at " + ValueSet.shortList(line.service.addresses.pieces(as: .address))
    }
    let text = line.service.isOnLoopback ? "of the host's loopback" : "of the host"
    // That it leads to the container goes without saying where that was asked about.
    if case .container = target.place {
      guard case .container(_, _, throughProxy: true) = line.first.answer else { return text }
      return text + " (docker-proxy)"
    }
    let answer = words.answer(line)
    return answer.isEmpty || line.outcome != .open ? text : text + " -> " + answer
  }
}

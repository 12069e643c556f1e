import FlowTrace
package import PolicyCheck
import RuleGraph

/// What came of a policy, as text for a person: each failure with its packet and the way that it took, then a line for
/// each host.
package struct PolicyText: Sendable {
  /// The policy's path, as the user gave it.
  package var policy: String
  /// What it is shown on.
  package var terminal: TerminalSettings
  /// Whether checks that hold are listed, too.
  package var listsPassed: Bool

  /// Makes a writer.
  package init(policy: String, terminal: TerminalSettings = TerminalSettings(), listsPassed: Bool = false) {
    self.policy = policy
    self.terminal = terminal
    self.listsPassed = listsPassed
  }

  /// The report on all hosts; its last line is the tally.
  package func text(of hosts: [HostResult]) -> String {
    var page = Page(terminal)
    for host in hosts {
      for result in host.results { add(result, of: host.host, amongSeveral: hosts.count > 1, to: &page) }
      let sources = host.host.ruleset.sources
      DiagnosticText(sources: sources, names: SourceNames(sources)).add(host.host.diagnostics, to: &page, notes: false)
    }
    page.addGap()
    if hosts.count > 1 {
      let width = hosts.map { DisplayWidth.of($0.host.name) }.max() ?? 0
      for host in hosts {
        let tally = Tally(host.results)
        page.add(
          StyledText(host.host.name).padded(to: width + 2)
            + StyledText(tally.description, tally.failed > 0 ? .bad : .good))
      }
    }
    let tally = Tally(hosts.flatMap(\.results))
    page.add(StyledText(tally.description, tally.failed > 0 ? .bad : tally.passed > 0 ? .good : .doubtful))
    return page.text
  }

  private func add(_ result: CheckResult, of host: PolicyHost, amongSeveral: Bool, to page: inout Page) {
    let place = StyledText("  \(policy):\(result.check.place.line)", .faint)
    let name = StyledText(amongSeveral ? "\(host.name): \(result.check.name)" : result.check.name, .strong)
    switch result.outcome {
    case .passed:
      if listsPassed { page.add(StyledText("passed   ", .good) + name + place, hanging: 9) }
    case .skipped(let why):
      page.add(StyledText("skipped  ", .doubtful) + name + place, hanging: 9)
      page.add(StyledText(why.text(in: host.ruleset)), indent: 9, hanging: 2)
    case .failed(let failure):
      page.addGap()
      page.add(StyledText("FAILED   ", .bad) + name + place, hanging: 9)
      for reason in failure.reasons { page.add(StyledText(reason.text(in: host.ruleset)), indent: 9, hanging: 2) }
      if let example = failure.counterexample { add(example, of: host, to: &page) }
      page.addGap()
    }
  }

  private func add(_ example: Counterexample, of host: PolicyHost, to page: inout Page) {
    page.add(
      StyledText("packet   ", .named) + StyledText(FailureWords(host).packet(example), .plain), hanging: 9)
    page.add(StyledText("ask      ", .named) + StyledText(FailureWords(host).command(example), .plain), hanging: 9)
    if let rule = FailureWords(host).decider(example.part) {
      page.add(StyledText("decided  ", .named) + StyledText(rule), hanging: 9)
    }
    var trace = Trace(query: example.query, cases: [example.part], assumptions: [], warnings: [])
    trace.cases[0].conditions = []
    let width = max(terminal.width - 9, 40)
    let text = TraceText(
      host.ruleset, facts: host.facts, terminal: TerminalSettings(width: width, inColor: false)
    ).text(of: trace)
    // The question above the case is told already.
    let verdict = example.part.verdict.past.uppercased()
    for line in text.split(separator: "\n").drop(while: { !$0.hasPrefix(verdict) }) where !line.isEmpty {
      page.add(StyledText(String(line)), indent: 9)
    }
  }
}

/// The parts of a failure in plain words, shared by all reports.
struct FailureWords {
  let host: PolicyHost

  init(_ host: PolicyHost) { self.host = host }

  /// The packet in a few words: `tcp 203.0.113.7:40000 -> 172.17.0.3:6379, in ens33`.
  func packet(_ example: Counterexample) -> String {
    let query = example.query
    var text = query.transport.map { $0.text(as: .transport) + " " } ?? ""
    text += EndpointWords.text(query.source ?? .all, query.sourcePort, family: query.family, anyone: "anyone")
    text += " -> "
    text += EndpointWords.text(
      query.destination ?? .all, query.destinationPort, family: query.family, anyone: "anywhere")
    if query.origin == .host {
      text += ", sent by the host itself"
    } else if let input = query.input {
      text += ", in \(Field.meta(.iifname).text(of: input, limit: 3))"
    }
    return text
  }

  /// The command that asks about the packet.
  func command(_ example: Counterexample) -> String {
    (["fwtrace", example.commandLine] + (host.chosen.map { ["--host \($0)"] } ?? [])
      + host.dumps.map { $0.contains(" ") ? "'\($0)'" : $0 }).joined(separator: " ")
  }

  /// What decided, with its line in the dump: `filter DOCKER 2 (rules.txt:31): -A DOCKER …`.
  func decider(_ part: Case) -> String? {
    switch part.decidedBy {
    case .rule(let id):
      guard host.ruleset.holds(id) else { return nil }
      let span = host.ruleset[id].span
      if let missing = host.ruleset[id].missing {
        return "\(host.ruleset.place(of: id)): \(MissingWords.text(missing))"
      }
      return
        "\(host.ruleset.place(of: id)) (\(host.ruleset.location(of: span))): \(host.ruleset.sources.text(of: span))"
    case .policy(let id):
      guard host.ruleset.holds(id) else { return nil }
      let place = host.ruleset.location(of: id).map { " (\($0))" } ?? ""
      return "the policy of \(host.ruleset.place(of: id))\(place)"
    case .outside(let reason): return "outside the rules: \(reason.sentence)"
    case .nothing: return "no rules apply"
    }
  }

  /// Where what decided stands in a dump.
  func span(_ part: Case) -> SourceSpan? {
    switch part.decidedBy {
    case .rule(let id): host.ruleset.holds(id) ? host.ruleset[id].span : nil
    case .policy(let id): host.ruleset.holds(id) ? host.ruleset[id].span : nil
    case .outside, .nothing: nil
    }
  }

  /// The nearest thing that would have changed the answer.
  func nearMiss(_ part: Case) -> String? {
    guard let miss = part.nearMisses.first, host.ruleset.holds(miss.rule) else { return nil }
    let span = host.ruleset[miss.rule].span
    return
      "\(host.ruleset.place(of: miss.rule)) (\(host.ruleset.location(of: span))) wants \(miss.field.text) \(miss.wantedText), the packet has \(miss.hadText)"
  }

  /// A failure in a few lines: why, the packet, what decided, what almost did.
  func lines(_ failure: CheckResult.Failure) -> [String] {
    var lines = failure.reasons.map { $0.text(in: host.ruleset) }
    guard let example = failure.counterexample else { return lines }
    lines.append("packet: \(packet(example))")
    lines.append("ask: \(command(example))")
    if let decider = decider(example.part) { lines.append("decided by \(decider)") }
    if let near = nearMiss(example.part) { lines.append("almost: \(near)") }
    return lines
  }
}

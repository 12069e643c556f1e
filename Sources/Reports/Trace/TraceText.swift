public import FlowTrace
public import HostModel
public import RuleGraph

/// A trace as text for a person: the verdict first, then each case with its way through the hooks, then what the answer
/// rests on.
public struct TraceText: Sendable {
  /// The rules that the trace's identifiers are of.
  public let ruleset: Ruleset
  private let knowledge: RulesetKnowledge
  /// The host, for the names of containers and networks.
  public var facts: HostFacts
  /// What it is shown on.
  public var terminal: TerminalSettings
  /// How much of the way is shown.
  public var detail: Detail
  /// The outcome whose path alone is shown, counted from 1 as in the table of outcomes; nil for the usual choice.
  public var shownCase: Int?

  /// Makes a writer for traces of a ruleset.
  public init(
    _ ruleset: Ruleset, facts: HostFacts = HostFacts(), terminal: TerminalSettings = TerminalSettings(),
    detail: Detail = .normal
  ) {
    self.ruleset = ruleset
    self.facts = facts
    knowledge = RulesetKnowledge(ruleset)
    self.terminal = terminal
    self.detail = detail
  }

  /// The text of one trace.
  ///
  /// - Parameters:
  ///   - trace: The trace.
  ///   - sender: The network namespace of the container that sends, when that was read; it comes first unless it
  ///     changes nothing.
  ///   - diagnostics: What reading the dumps had to tell.
  public func text(of trace: Trace, from sender: SenderNamespace? = nil, diagnostics: [Diagnostic] = []) -> String {
    let whole = wholeText(of: trace, from: sender, diagnostics: diagnostics)
    return detail == .brief ? Self.brief(whole) : whole
  }

  /// A brief answer is one screen, whatever there is to say.
  public static func brief(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard lines.count > briefLimit else { return text }
    return (lines.prefix(briefLimit - 1) + ["... (--explain normal shows the rest)"]).map { $0 + "\n" }.joined()
  }

  private func wholeText(of trace: Trace, from sender: SenderNamespace?, diagnostics: [Diagnostic]) -> String {
    guard let sender, !sender.isTransparent else { return text(of: trace, diagnostics: diagnostics) }
    let inside = TraceText(sender.ruleset, facts: sender.facts, terminal: terminal, detail: detail)
    func line(_ words: String, _ diagnostics: [Diagnostic] = []) -> String {
      var page = Page(terminal)
      page.add(StyledText(words, .strong), hanging: 2)
      DiagnosticText(sources: ruleset.sources, names: names).add(diagnostics, to: &page, notes: detail == .all)
      return page.text
    }
    let first =
      line("In \(sender.name)'s own network namespace, whose rules its packets meet first:")
      + inside.text(of: sender.trace)
    return first + "\n"
      + (trace.cases.isEmpty
        ? line("None of these packets leaves \(sender.name): this host's rules see none.", diagnostics)
        : line("What leaves it, on this host:") + text(of: trace, diagnostics: diagnostics))
  }

  /// The number of outcomes that an answer has, by which ``shownCase`` chooses.
  public func outcomeCount(of trace: Trace) -> Int { order.groups(of: trace).groups.count }

  /// How many lines a brief answer has at most.
  private static let briefLimit = 15
  /// How many rows its table of outcomes has at most.
  private static let briefRows = 7
  /// How many cases are shown with their paths; of more there is a table.
  private static let blockLimit = 3

  private func text(of trace: Trace, diagnostics: [Diagnostic]) -> String {
    var page = Page(terminal)
    let (groups, zones) = order.groups(of: trace)
    // What is hidden splits into many cases that say the same: one is enough for each sender.
    let blocks = groups.reduce(0) { $0 + (isSummed($1, of: trace) ? 1 : $1.indices.count) }
    let isLong = detail == .brief ? groups.count > 1 : detail == .normal && blocks > Self.blockLimit
    let table = OutcomeTable(
      trace: trace, groups: groups, zones: zones, ruleset: ruleset, names: names, words: words)
    let told = groups.flatMap { isLong || isSummed($0, of: trace) ? [$0.indices[0]] : $0.indices }
    page.add(headline(trace, table, told.map { trace.cases[$0] }), hanging: 2)
    if let shownCase, groups.indices.contains(shownCase - 1) {
      add(groups[shownCase - 1], of: trace, table, to: &page)
    } else if isLong {
      page.addGap()
      table.add(to: &page, limit: detail == .brief ? Self.briefRows : nil)
      if detail != .brief, let first = groups.first {
        let hint = "path of 1; --case \(min(2, groups.count)) shows another, --explain all every case"
        page.add(StyledText(hint, .faint), indent: 3)
        add(first, of: trace, table, to: &page)
      }
    } else {
      for group in groups {
        if isSummed(group, of: trace) {
          add(group, of: trace, table, to: &page)
        } else {
          for index in group.indices { addBlock(trace.cases[index], of: trace, to: &page) }
        }
      }
    }
    addBasis(trace, diagnostics, to: &page)
    return page.text
  }

  /// Whether one summary is said for all cases of a group.
  private func isSummed(_ group: OutcomeGroup, of trace: Trace) -> Bool {
    detail != .all && group.indices.count > 1 && trace.cases[group.indices[0]].verdict == .undetermined
  }

  /// The path of a group: of its first case, for the others end alike.
  private func add(_ group: OutcomeGroup, of trace: Trace, _ table: OutcomeTable, to page: inout Page) {
    let first = trace.cases[group.indices[0]]
    guard isSummed(group, of: trace) else {
      addBlock(first, of: trace, to: &page)
      if group.indices.count > 1 { addLabelled("all of it", StyledText(table.label(group)), to: &page) }
      return
    }
    page.addGap()
    let sender = words.sender(of: first, query: trace.query)
    let decided = trace.cases.filter {
      $0.verdict != .undetermined && words.sender(of: $0, query: trace.query) == sender
    }
    UndeterminedSummary(ruleset: ruleset, names: names, words: words, query: trace.query)
      .add(group.indices.map { trace.cases[$0] }, beside: decided, from: sender.text, to: &page)
  }

  private func addBlock(_ one: Case, of trace: Trace, to page: inout Page) {
    page.addGap()
    add(one, of: trace, to: &page)
  }

  /// What the answer rests on: assumptions, who wrote the rules, when they were read, and what could not be read.
  private func addBasis(_ trace: Trace, _ diagnostics: [Diagnostic], to page: inout Page) {
    let diagnostics = diagnostics + trace.warnings
    guard detail != .brief else {
      let assumed = trace.assumptions.told.count
      let warned = diagnostics.count { $0.severity != .note }
      let parts = [
        assumed > 0 ? "\(assumed) assumption\(assumed == 1 ? "" : "s")" : nil,
        warned > 0 ? "\(warned) warning\(warned == 1 ? "" : "s")" : nil,
      ].compactMap(\.self)
      if !parts.isEmpty {
        page.addGap()
        page.add(StyledText("\(parts.joined(separator: " and ")) (--explain normal)", .doubtful))
      }
      return
    }
    addAssumptions(trace, to: &page)
    addLayout(trace, to: &page)
    if let captured = facts.captured {
      page.addGap()
      page.add(StyledText(CaptureWords.sentence(captured)), hanging: 2)
    }
    DiagnosticText(sources: ruleset.sources, names: names).add(diagnostics, to: &page, notes: detail == .all)
  }

  private var order: OutcomeOrder { OutcomeOrder(ruleset: ruleset, facts: facts, words: words) }

  private var names: SourceNames { SourceNames(ruleset.sources) }
  private var words: HostWords { HostWords(ruleset: ruleset, facts: facts, knowledge: knowledge) }

  // MARK: The question

  /// - Parameter told: The cases that are told apart below it.
  private func headline(_ trace: Trace, _ table: OutcomeTable, _ told: [Case]) -> StyledText {
    let query = trace.query
    var text = StyledText(question(query), .strong)
    text += "   "
    let bySender = query.phase == .first && trace.tellsConnections && trace.cases.count > 1 ? table.summary() : nil
    text += StyledText(bySender ?? ConnectionWords.summary(trace, of: told), style(trace))
    return text
  }

  private func question(_ query: Query) -> String {
    var parts: [String] = []
    if let transport = query.transport { parts.append(transport.text(as: .transport)) }
    let isOutside = query.origin == .wire && query.input.map(words.isOutside) == true
    let source =
      query.source == nil && query.sender != nil
      ? query.sender ?? ""
      : query.source == nil && query.sourcePort == nil && (query.origin == .host || isOutside)
        ? (isOutside ? "another host" : "this host")
        : EndpointWords.text(
          query.source ?? .all, query.sourcePort, family: query.source == nil ? nil : query.family, anyone: "anyone")
    let destination = EndpointWords.text(
      query.destination ?? .all, query.destinationPort, family: query.destination == nil ? nil : query.family,
      anyone: "anywhere")
    parts.append(
      "\(words.named(source, query.source ?? .all)) -> \(words.named(destination, query.destination ?? .all))")
    if query.origin != .host, !isOutside, let input = query.input {
      parts.append("in \(Field.meta(.iifname).text(of: input, limit: 3))")
    }
    if let output = query.output { parts.append("out \(Field.meta(.oifname).text(of: output, limit: 3))") }
    for (field, values) in query.fields.sorted(by: { $0.key.text < $1.key.text }) {
      parts.append("\(MatchWords.label(field)) \(field.text(of: values, limit: 3))")
    }
    switch query.phase {
    case .first: parts.append("(new connection)")
    case .established: parts.append("(established connection)")
    case .reply: parts.append("(the answer to it)")
    case .related: parts.append("(related to a connection)")
    case .invalid: parts.append("(invalid for connection tracking)")
    case .untracked: parts.append("(untracked)")
    }
    return parts.joined(separator: "  ")
  }

  private func style(_ trace: Trace) -> Style {
    switch trace.verdict {
    case .drop, .reject: return .bad
    case .mixed, .undetermined: return .doubtful
    case .accept: break
    }
    switch trace.connection {
    case nil, .works?: return .good
    case .fails?: return .bad
    case .depends?: return .doubtful
    }
  }

  // MARK: Cases

  private func add(_ one: Case, of trace: Trace, to page: inout Page) {
    page.add(caseHead(one, of: trace), hanging: 2)
    let limits = words.limits(of: one, query: trace.query).texts
    if !limits.isEmpty { page.add(StyledText(limits.joined(separator: "; ")), indent: 4, hanging: 2) }
    let rows = PathRows(ruleset: ruleset, names: names, detail: detail).rows(of: one)
    PathTable(rows: rows).add(to: &page, indent: 2)
    if one.decidedBy == .nothing {
      page.add(StyledText("no rules apply: accepted by default"), indent: 2, hanging: 2)
    }
    addConditions(one, to: &page)
    for remark in one.remarks { addLabelled("note", StyledText(remark.text(in: ruleset)), to: &page) }
    addReply(one, to: &page)
    addContinuation(one, of: trace, to: &page)
    addNearMisses(one, to: &page)
    addOffPath(one, to: &page)
    addOwner(one, to: &page)
    if let remedy = one.remedy {
      RemedyText(ruleset: ruleset, words: words).add(remedy, of: trace, to: &page)
    }
  }

  private func caseHead(_ one: Case, of trace: Trace) -> StyledText {
    var head = StyledText(one.outcome, one.verdict.style)
    head += StyledText("  " + words.sender(of: one, query: trace.query).text)
    if let receiver = words.receiver(of: one) { head += StyledText("  ->  " + receiver) }
    if let target = words.missedTarget(of: one) { head += StyledText("  on its way to \(target)") }
    if one.verdict == .drop || one.verdict == .reject {
      if let rejectWith = one.rejectWith { head += StyledText(" with \(rejectWith)") }
      head += StyledText(one.rules.isEmpty ? after(one.decidedBy) : " by \(ruleset.place(of: one.rules))", .strong)
    }
    if let objection = ConnectionWords.objection(to: one) { head += StyledText("  but \(objection)", .bad) }
    return head
  }

  /// What decided, in words.
  private func decider(_ decider: Decider) -> String {
    switch decider {
    case .rule(let id): "\(ruleset.place(of: id))"
    case .policy(let id): "the policy of \(ruleset.place(of: id))"
    case .nothing: "default: no rules apply"
    case .outside(let reason): reason.sentence
    }
  }

  /// What decided, after the verdict: ` by filter INPUT 3`, `: the interface is down`.
  private func after(_ decider: Decider) -> String {
    if case .outside(let reason) = decider { ": \(reason.sentence)" } else { " by \(self.decider(decider))" }
  }

  private func addConditions(_ one: Case, to page: inout Page) {
    var told: Set<String> = []
    for condition in one.conditions {
      guard let text = condition.text(in: ruleset), let command = condition.settledBy, told.insert(command).inserted
      else { continue }
      let what = condition.rule.map { ruleset.place(of: $0) } ?? text
      addLabelled("unknown", StyledText("\(what): what \(command) prints would settle it"), to: &page)
    }
  }

  private func addReply(_ one: Case, to page: inout Page) {
    guard let reply = one.reply else { return }
    var told: Set<String> = []
    for answer in detail == .all ? reply : one.tellingReplies {
      var text = StyledText(answer.verdict.past, answer.verdict.style) + StyledText(after(answer.decidedBy))
      if case .rule(let id) = answer.decidedBy, ruleset.holds(id) {
        text += StyledText(" (\(RuleWords(ruleset[id]).conditionText))")
      }
      if answer.verdict == .accept, !one.translations.isEmpty {
        text += StyledText(", seen as coming from \(answer.packet.sourceText)")
      }
      guard told.insert(text.rendered(inColor: false)).inserted else { continue }
      addLabelled("reply", text, to: &page)
      if answer.verdict != .accept {
        let rows = PathRows(ruleset: ruleset, names: names, detail: detail).rows(of: answer)
        PathTable(rows: rows).add(to: &page, indent: 4)
      }
    }
  }

  private func addContinuation(_ one: Case, of trace: Trace, to page: inout Page) {
    for next in one.continuation ?? [] {
      var text = StyledText("\(next.packet.sourceText) -> \(next.packet.destinationText) ")
      text += StyledText(next.verdict.past, next.verdict.style) + StyledText(after(next.decidedBy))
      addLabelled("then", text, to: &page)
      let rows = PathRows(ruleset: ruleset, names: names, detail: detail).rows(of: next)
      PathTable(rows: rows).add(to: &page, indent: 4)
    }
  }

  private func addNearMisses(_ one: Case, to page: inout Page) {
    let shown = detail == .all ? one.nearMisses[...] : detail == .brief ? [] : one.nearMisses.prefix(3)
    for miss in shown {
      var text = "\(ruleset.place(of: miss.rule))"
      if ruleset.holds(miss.rule) { text += " (\(RuleWords(ruleset[miss.rule]).actionText))" }
      text += miss.difference
      if let originally = miss.originalText {
        text += ", it was \(originally)"
        if let changedBy = miss.changedBy { text += " until \(ruleset.place(of: changedBy))" }
        text += miss.originalPortHint(in: ruleset)
      }
      let place = ruleset.holds(miss.rule) ? "  " + names[ruleset[miss.rule].span] : ""
      addLabelled("almost", StyledText(text) + StyledText(place, .faint), to: &page)
    }
  }

  private func addOffPath(_ one: Case, to page: inout Page) {
    guard detail != .brief else { return }
    for off in detail == .all ? one.offPath[...] : one.offPath.prefix(3) {
      let place = ruleset.holds(off.rule) ? "  " + names[ruleset[off.rule].span] : ""
      addLabelled(
        "not reached",
        StyledText("\(ruleset.place(of: off.rule)): \(off.text(in: ruleset))") + StyledText(place, .faint), to: &page)
    }
  }

  /// Who wrote the chain that decided, where its name tells.
  private func addOwner(_ one: Case, to page: inout Page) {
    guard detail != .brief else { return }
    var chains: [String] = []
    if case .rule(let id) = one.decidedBy, ruleset.holds(id), one.verdict != .accept {
      chains.append(ruleset[id.chainID].name)
    }
    chains += (one.nearMisses.prefix(3).map(\.rule) + one.offPath.prefix(3).map(\.rule)).filter { ruleset.holds($0) }
      .map { ruleset[$0.chainID].name }
    var told: Set<String> = []
    for chain in chains where told.insert(chain).inserted {
      if let sentence = ChainOwner.sentence(chain) { addLabelled("about", StyledText(sentence), to: &page) }
    }
  }

  private func addLabelled(_ label: String, _ text: StyledText, to page: inout Page) {
    page.add(StyledText(label, .named).padded(to: 13) + text, indent: 2, hanging: 13)
  }

  /// Who wrote the rules.
  private func addLayout(_ trace: Trace, to page: inout Page) {
    guard detail != .brief, let layout = trace.layout else { return }
    let programs = [layout.docker].compactMap { $0 } + layout.others
    guard !programs.isEmpty else { return }
    if trace.assumptions.isEmpty { page.addGap() }
    page.add(
      StyledText("Layout", .named).padded(to: 10) + StyledText("written by " + programs.joined(separator: "; ")),
      hanging: 10)
  }

  // MARK: What the answer rests on

  private func addAssumptions(_ trace: Trace, to page: inout Page) {
    guard !trace.assumptions.isEmpty else { return }
    page.addGap()
    var label = "Assumed"
    var commands: [String] = []
    for assumption in trace.assumptions.told {
      var text = StyledText(assumption.text)
      if let evidence = assumption.evidence { text += StyledText(" (\(ruleset.place(of: evidence)))", .faint) }
      page.add(StyledText(label, .doubtful).padded(to: 10) + text, hanging: 10)
      label = ""
      if let command = assumption.settledBy, !commands.contains(command) { commands.append(command) }
    }
    if !commands.isEmpty {
      let list = commands.map { "`\($0)`" }.joined(separator: ", ")
      page.add(
        StyledText("          What \(list) print\(commands.count == 1 ? "s" : "") would settle this."), hanging: 10)
    }
  }
}

extension Case {
  /// What becomes of the packets, as a participle: `accepted`, `dropped or rejected`. Of an undetermined case what
  /// becomes of them under its conditions.
  var past: String { mayBeRejected ? "dropped or rejected" : (conditionalVerdict ?? verdict).past }

  /// The same in capitals: `ACCEPTED`, `DROPPED or REJECTED`.
  var pastInCapitals: String { past.uppercased().replacing(" OR ", with: " or ") }

  /// The verdict at the head of the case: `ACCEPTED`, `UNDETERMINED`.
  var outcome: String { verdict == .undetermined ? verdict.past.uppercased() : pastInCapitals }
}

extension Case.Verdict {
  static let inOrder: [Case.Verdict] = [.accept, .drop, .reject, .undetermined]

  /// The verdict as a participle: `accepted`.
  var past: String {
    switch self {
    case .accept: "accepted"
    case .drop: "dropped"
    case .reject: "rejected"
    case .undetermined: "undetermined"
    }
  }

  var style: Style {
    switch self {
    case .accept: .good
    case .drop, .reject: .bad
    case .undetermined: .doubtful
    }
  }
}

import FlowTrace
import RuleGraph

/// The undetermined cases of one sender in a few lines: on what it depends, what then happens, and the command whose
/// output settles it.
///
///     UNDETERMINED  from eth0: the nat table was not shown, and Docker uses it
///       if nat PREROUTING leaves it alone     DROPPED                       filter INPUT 2   paste.txt:5
///       if nat PREROUTING translates it       ACCEPTED -> 172.17.0.2:9001   filter DOCKER 1  paste.txt:17
///       To settle it, add the output of: iptables -t nat -vnL
struct UndeterminedSummary {
  let ruleset: Ruleset
  let names: SourceNames
  let words: HostWords
  let query: Query

  /// The number of outcomes that are listed.
  private static let limit = 12

  /// - Parameter decided: the other cases of the sender. What makes a case one of these is a condition of the
  ///   undetermined ones too.
  func add(_ cases: [Case], beside decided: [Case], from sender: String, to page: inout Page) {
    var head = StyledText("UNDETERMINED", .doubtful) + StyledText("  \(sender)")
    if let reason = reason(cases) { head += StyledText(": \(reason)") }
    page.add(head, hanging: 2)
    let tellsEnvironment = decided.contains { $0.conditions.contains(where: \.isEnvironment) }
    addOutcomes(outcomes(of: cases, withEnvironment: tellsEnvironment), to: &page)
    addUnknown(cases, to: &page)
  }

  /// What is missing, of the first thing that is.
  private func reason(_ cases: [Case]) -> String? {
    for condition in cases.lazy.flatMap(\.conditions) where !condition.isEnvironment {
      if condition.isOfHiddenInterfaces { return "the listing hides the interfaces of its rules" }
      guard let id = condition.rule, ruleset.holds(id), let missing = ruleset[id].missing else { continue }
      return MissingWords.reason(missing, ruleset.place(of: id.chainID), table: ruleset.tables[id.table])
    }
    return nil
  }

  private struct Outcome {
    var condition: String
    var verdict: Case.Verdict
    var action: String
    var decider: String
    var source: String?
    /// What sets its packets apart from those of the question: `from 192.168.0.0/16`.
    var packets = ""
  }

  /// Each outcome once, those that a rule of the dump decides first.
  private func outcomes(of cases: [Case], withEnvironment: Bool) -> [Outcome] {
    var known: [Outcome] = []
    var unseen: [Outcome] = []
    // The plainest first: what is not shown does nothing.
    let plain = cases.enumerated().sorted { a, b in
      (Self.disturbances(a.element), a.offset) < (Self.disturbances(b.element), b.offset)
    }
    for (_, one) in plain {
      var outcome = outcome(of: one, withEnvironment: withEnvironment)
      if known.contains(where: { $0.condition == outcome.condition }) {
        // What no dump can tell, a rate or the time, makes the difference.
        outcome = self.outcome(of: one, withEnvironment: true)
      }
      if outcome.decider.isEmpty {
        if !unseen.contains(where: { $0.action == outcome.action }) { unseen.append(outcome) }
      } else if !known.contains(where: { $0.action == outcome.action && $0.decider == outcome.decider }) {
        known.append(outcome)
      }
    }
    // Where nothing unknown makes the difference, the packets do.
    known = known.map { outcome in
      let isAlone = !known.contains { $0.condition == outcome.condition && $0.packets != outcome.packets }
      guard !isAlone, !outcome.packets.isEmpty else { return outcome }
      var outcome = outcome
      outcome.condition = "\(outcome.packets), \(outcome.condition)"
      return outcome
    }
    guard unseen.count > 1, unseen.allSatisfy({ $0.verdict != .undetermined }) else { return known + unseen }
    // What nobody has seen may do either.
    var either = unseen[0]
    either.condition = known.isEmpty ? "by rules that were not shown" : "otherwise, by rules that were not shown"
    either.action = unseen.map(\.action).sorted().joined(separator: " or ")
    either.verdict = .undetermined
    return known + [either]
  }

  /// How many places at which rules are missing do something to the packets of a case.
  private static func disturbances(_ one: Case) -> Int {
    one.conditions.count { condition in condition.effect.map { !$0.isEmpty } ?? false }
  }

  /// The condition, what happens then, and what decides, in columns.
  private func addOutcomes(_ outcomes: [Outcome], to page: inout Page) {
    let shown = outcomes.prefix(Self.limit)
    let room = page.terminal.width
    let condition = min((shown.map { DisplayWidth.of($0.condition) }.max() ?? 0) + 2, max(room / 2 - 2, 20))
    let action = (shown.map { DisplayWidth.of($0.action) }.max() ?? 0) + 2
    let decider = (shown.map { DisplayWidth.of($0.decider) }.max() ?? 0) + 2
    let source = shown.compactMap { $0.source.map { DisplayWidth.of($0) } }.max() ?? 0
    let isWide = 2 + condition + action + decider + source <= room
    for outcome in shown {
      var end = StyledText(outcome.action, outcome.verdict.style).padded(to: action)
      end += StyledText(outcome.decider).padded(to: decider)
      if let source = outcome.source { end += StyledText(source, .faint) }
      if isWide, DisplayWidth.of(outcome.condition) + 2 <= condition {
        page.add(StyledText(outcome.condition).padded(to: condition) + end, indent: 2, hanging: 2 + condition)
      } else {
        page.add(StyledText(outcome.condition), indent: 2, hanging: 4)
        page.add(end, indent: 6, hanging: 6)
      }
    }
    if outcomes.count > Self.limit {
      page.add(StyledText("and \(outcomes.count - Self.limit) more outcomes (--explain all)"), indent: 2)
    }
  }

  private func outcome(of one: Case, withEnvironment: Bool) -> Outcome {
    var told = one.conditions.filter { $0.text(in: ruleset) != nil && (withEnvironment || !$0.isEnvironment) }
    let alone = told.filter { $0.effect == [] }
    var texts: [String] = []
    if alone.count > 1 {
      told.removeAll { $0.effect == [] }
      texts = ["the rules that were not shown leave it alone"]
    }
    let hidden = told.filter(\.isOfHiddenInterfaces)
    told.removeAll(where: \.isOfHiddenInterfaces)
    texts += told.compactMap { $0.text(in: ruleset) }
    if let words = interfaceWords(hidden, one.decidedBy) { texts.append(words) }
    let condition = texts.isEmpty ? "otherwise" : "if " + texts.joined(separator: " and ")
    let verdict = one.conditionalVerdict ?? .undetermined
    var action = verdict == .undetermined ? "unknown" : one.pastInCapitals
    if verdict == .accept, one.translations.contains(where: { !$0.ofSource }) {
      action += " -> " + one.packet.destinationText
    }
    var outcome = Outcome(
      condition: condition, verdict: verdict, action: action, decider: "", source: nil,
      packets: words.packetLimits(of: one, query: query).short)
    if verdict == .undetermined { return outcome }
    switch one.decidedBy {
    case .rule(let id) where ruleset.holds(id) && ruleset[id].missing == nil:
      outcome.decider = ruleset.place(of: id)
      outcome.source = names.place(ruleset[id].span)
    case .policy(let id) where ruleset.holds(id) && ruleset[id].base?.policy != nil:
      outcome.decider = "policy of \(ruleset.place(of: id))"
      outcome.source = ruleset[id].span.flatMap { names.place($0) }
    case .outside(let reason): outcome.decider = reason.sentence
    default: break
    }
    return outcome
  }

  /// What hidden interfaces mean for a case, by the rule that decides it: the other rules on its path are listed with
  /// outcomes of their own.
  private func interfaceWords(_ conditions: [ConditionUse], _ decider: Decider) -> String? {
    guard !conditions.isEmpty else { return nil }
    if case .rule(let id) = decider, conditions.contains(where: { $0.rule == id && $0.holds }) {
      return "\(ruleset.place(of: id)) is the first whose interfaces match"
    }
    return "the interfaces of no such rule match"
  }

  /// The commands that settle it.
  private func addUnknown(_ cases: [Case], to page: inout Page) {
    var commands: [String] = []
    var others: [(text: String, holds: Bool)] = []
    for condition in cases.lazy.flatMap(\.conditions) where !condition.isEnvironment {
      if let command = condition.settledBy {
        if !commands.contains(command) { commands.append(command) }
      } else if let text = condition.text(in: ruleset), !others.contains(where: { $0.text == text }) {
        others.append((text, condition.holds))
      }
    }
    // Whether something holds is one question with whether it fails.
    if others.contains(where: \.holds) { others.removeAll { !$0.holds } }
    if !commands.isEmpty {
      page.add(
        StyledText("To settle it, add the output of: ", .named) + StyledText(commands.joined(separator: "; ")),
        indent: 2,
        hanging: 4)
    } else if !others.isEmpty {
      page.add(
        StyledText("No dump shows whether ", .named) + StyledText(others.prefix(4).map(\.text).joined(separator: ", ")),
        indent: 2, hanging: 4)
    }
  }
}

package import FlowTrace
package import RuleGraph

/// What becomes of flows: a verdict, what decides, and the rules that their packets meet.
package struct ReplayOutcome: Hashable, Sendable {
  /// One of the fates that a flow may have: several where its log leaves something open, or the dumps do.
  package struct Fate: Hashable, Sendable {
    /// The verdict, where the conditions are as they say.
    package var verdict: Case.Verdict
    /// What decides.
    package var deciders: Deciders
  }

  /// The verdict over all fates.
  package var verdict: OverallVerdict
  /// The fates, each once.
  package var fates: [Fate]
  /// The rules that the first packet meets, and of accepted connections the answer and later packets.
  package var met: [RuleID]
  /// The commands whose output would settle what is undetermined.
  package var settledBy: [String] = []

  init(_ trace: Trace, beside others: [Trace]) {
    verdict = trace.verdict
    fates = []
    for part in trace.cases {
      let fate = Fate(verdict: part.conditionalVerdict ?? part.verdict, deciders: part.deciders)
      if !fates.contains(fate) { fates.append(fate) }
    }
    var met = Set<RuleID>()
    for part in [trace].lazy.flatMap(\.cases) + others.lazy.flatMap(\.cases) {
      for step in part.path where step.matched {
        if case .rule(let id) = step.event { met.insert(id) }
      }
      met.formUnion(part.rules)
      if case .rule(let id) = part.decidedBy { met.insert(id) }
    }
    for condition in trace.cases.lazy.filter({ $0.verdict == .undetermined }).flatMap(\.conditions) {
      if let command = condition.settledBy, !settledBy.contains(command) { settledBy.append(command) }
    }
    self.met = met.sorted { ($0.table, $0.chain, $0.rule) < ($1.table, $1.chain, $1.rule) }
  }
}

/// What becomes of flows on each side, and where they come from: flows of one lot are counted together.
package struct ReplayLot: Hashable, Sendable {
  /// The number of the outcome; under the rules before, where there are two rulesets.
  package var outcome: Int
  /// The number of the outcome under the rules after.
  package var after: Int?
  /// What changed between the two; nil where nothing did.
  package var change: Change?
  /// Where the flows come from.
  package var zone: ReplayZones.Zone

  /// What changed for flows; the raw value is its name in JSON.
  package enum Change: String, Hashable, Sendable, CaseIterable {
    /// The verdict.
    case verdict
    /// Their addresses or ports become others.
    case translation
    /// They go elsewhere, or are refused with another answer.
    case fate
  }
}

extension ReplayLot.Change {
  /// What differs between the fates of one packet under two rulesets; nil where nothing does.
  init?(_ old: Trace, _ new: Trace) {
    guard old.verdict == new.verdict, old.cases.count == new.cases.count else {
      // More or fewer cases with the same verdict are another division of the same packets.
      if old.verdict == new.verdict, Self.fates(old) == Self.fates(new) { return nil }
      self = old.verdict == new.verdict ? .fate : .verdict
      return
    }
    let pairs = zip(old.cases, new.cases)
    if pairs.contains(where: { ($0.conditionalVerdict ?? $0.verdict) != ($1.conditionalVerdict ?? $1.verdict) }) {
      self = .verdict
    } else if pairs.contains(where: { $0.verdict == .accept && $0.packet != $1.packet }) {
      self = .translation
    } else if pairs.contains(where: { $0.fate != $1.fate || $0.output != $1.output || $0.rejectWith != $1.rejectWith })
    {
      self = .fate
    } else {
      return nil
    }
  }

  /// What becomes of a packet in the end, whatever divides it on its way.
  private struct Fate: Hashable {
    var verdict: Case.Verdict
    var fate: Case.Fate
    var output: ValueSet?
    var rejectWith: String?
    var packet: PacketTuple?
  }

  private static func fates(_ trace: Trace) -> Set<Fate> {
    Set(
      trace.cases.map {
        let verdict = $0.conditionalVerdict ?? $0.verdict
        return Fate(
          verdict: verdict, fate: $0.fate, output: $0.output, rejectWith: $0.rejectWith,
          packet: verdict == .accept ? $0.packet : nil)
      })
  }
}

package import FlowTrace
package import RuleGraph
package import RuleParser

/// What logs came to under one ruleset, or what changed for their flows between two.
package struct ReplaySummary: Sendable {
  /// A log that was read.
  package struct Log: Sendable {
    /// Its name: a path, or `-`.
    package var name: String
    /// What people call its form.
    package var format: String
    /// What its lines were.
    package var lines: LogLines

    package init(name: String, format: String, lines: LogLines) {
      self.name = name
      self.format = format
      self.lines = lines
    }
  }

  /// Flows that fare alike for the same reason.
  package struct Group: Sendable {
    /// What becomes of them; under the rules before, where there are two rulesets.
    package var old: Fate
    /// What becomes of them under the rules after.
    package var new: Fate?
    /// What changed.
    package var change: ReplayLot.Change?
    package var flows = 0
    package var bytes: UInt64 = 0
    /// What the logs say of them.
    package var sightings: [FlowRecord.Sighting: Int] = [:]
    /// Where they come from.
    package var zones: [ReplayZones.Zone: Int] = [:]
    /// The first of some of its classes, in the order of the logs.
    package var examples: [Example] = []
  }

  /// A verdict and everything that may decide.
  package struct Fate: Hashable, Sendable {
    package var verdict: OverallVerdict
    package var deciders: [Deciders]
  }

  /// A flow of a log.
  package struct Example: Sendable {
    package var flow: FlowRecord
    package var place: ReplayTally.Place
  }

  /// The logs in their order.
  package var logs: [Log]
  /// All flows by what becomes of them and what decides, those with the most first.
  package var groups: [Group] = []
  /// Of two rulesets the flows that fare otherwise under the second one.
  package var changes: [Group] = []
  /// The flows that got through as a log says, and that the rules stop: another host's rules, or older ones, let them.
  package var impossible: [Group] = []
  /// The flows that came to nothing as a log says, and that the rules accept.
  package var unfulfilled: [Group] = []
  /// The services that flows are of: of two rulesets those for which something changes.
  package var services: [ReplayService]
  /// Where the flows come from.
  package var zones: [(zone: ReplayZones.Zone, flows: Int)] = []
  /// The commands whose output would settle what is undetermined, and for how many flows.
  package var settledBy: [(command: String, flows: Int)] = []
  /// The rules that no flow meets, those of a chain together.
  package var unmet: [RuleID] = []
  /// How many rules there are; under two rulesets none are counted.
  package var rules = 0
  /// Whether two rulesets are compared.
  package var isComparison: Bool

  /// How many examples a group has.
  private static let exampleLimit = 3

  /// Puts together what was counted.
  ///
  /// - Parameters:
  ///   - tally: The counts of all processors.
  ///   - replay: What they are counts of.
  ///   - ruleset: The rules that flows may meet.
  ///   - logs: The logs.
  package init(_ tally: ReplayTally, of replay: Replay, _ ruleset: Ruleset, logs: [Log]) {
    self.logs = logs
    isComparison = replay.isComparison
    services = tally.servicesInOrder()
    let outcomes = replay.outcomes(ofSide: 0)
    let after = replay.outcomes(ofSide: 1)
    var groups = Groups()
    var changes = Groups()
    var impossible = Groups()
    var unfulfilled = Groups()
    var zones: [ReplayZones.Zone: Int] = [:]
    var met = Set<RuleID>()
    var open: [String: Int] = [:]
    for (number, lot) in replay.lots.enumerated() {
      let old = Fate(outcomes[lot.outcome])
      let new = lot.after.map { Fate(after[$0]) }
      for (sighting, count) in tally.counts(ofLot: number) {
        let example = Example(flow: count.example, place: count.place)
        func add(to groups: inout Groups) { groups.add(count, sighting, lot, old, new, example) }
        zones[lot.zone, default: 0] += count.flows
        add(to: &groups)
        if lot.change != nil { add(to: &changes) }
        for command in outcomes[lot.outcome].settledBy { open[command, default: 0] += count.flows }
        if replay.isComparison { continue }
        met.formUnion(outcomes[lot.outcome].met)
        if sighting.gotThrough, old.verdict == .drop || old.verdict == .reject { add(to: &impossible) }
        if sighting.failed, old.verdict == .accept { add(to: &unfulfilled) }
      }
    }
    self.groups = groups.inOrder(Self.exampleLimit)
    self.changes = changes.inOrder(Self.exampleLimit)
    self.impossible = impossible.inOrder(Self.exampleLimit)
    self.unfulfilled = unfulfilled.inOrder(Self.exampleLimit)
    self.zones = zones.sorted { ($1.value, $0.key.order) < ($0.value, $1.key.order) }.map { ($0.key, $0.value) }
    settledBy = open.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    if !replay.isComparison { findUnmet(ruleset, met) }
  }

  /// All flows.
  package var flows: Int { groups.reduce(0) { $0 + $1.flows } }

  /// All their bytes.
  package var bytes: UInt64 { groups.reduce(0) { $0 &+ $1.bytes } }

  /// The flows by verdict.
  package func flows(_ verdict: OverallVerdict) -> Int {
    groups.reduce(0) { $0 + ($1.old.verdict == verdict ? $1.flows : 0) }
  }

  private mutating func findUnmet(_ ruleset: Ruleset, _ met: Set<RuleID>) {
    for (table, one) in ruleset.tables.enumerated() {
      for (chain, part) in one.chains.enumerated() where part.shown != .nothing {
        for rule in part.rules.indices where part.rules[rule].missing == nil {
          rules += 1
          let id = RuleID(table: table, chain: chain, rule: rule)
          if !met.contains(id) { unmet.append(id) }
        }
      }
    }
  }

  /// Groups by what becomes of flows.
  private struct Groups {
    private struct Key: Hashable {
      var old: Fate
      var new: Fate?
      var change: ReplayLot.Change?
    }

    private var numbers: [Key: Int] = [:]
    private var groups: [Group] = []

    mutating func add(
      _ count: ReplayTally.Count, _ sighting: FlowRecord.Sighting, _ lot: ReplayLot, _ old: Fate, _ new: Fate?,
      _ example: Example
    ) {
      let key = Key(old: old, new: new, change: lot.change)
      let number = numbers[key] ?? groups.count
      if number == groups.count {
        numbers[key] = number
        groups.append(Group(old: old, new: new, change: lot.change))
      }
      groups[number].flows += count.flows
      groups[number].bytes &+= count.bytes
      groups[number].sightings[sighting, default: 0] += count.flows
      groups[number].zones[lot.zone, default: 0] += count.flows
      groups[number].examples.append(example)
    }

    /// The groups with the most flows first; of equal ones those that the logs have first.
    func inOrder(_ limit: Int) -> [Group] {
      var result = groups
      for index in result.indices {
        result[index].examples.sort { $0.place < $1.place }
        result[index].examples = Array(result[index].examples.prefix(limit))
      }
      return result.sorted { one, other in
        if one.flows != other.flows { return one.flows > other.flows }
        guard let mine = one.examples.first?.place, let its = other.examples.first?.place else { return false }
        return mine < its
      }
    }
  }
}

extension ReplaySummary.Fate {
  init(_ outcome: ReplayOutcome) {
    verdict = outcome.verdict
    deciders = []
    for fate in outcome.fates where !deciders.contains(fate.deciders) { deciders.append(fate.deciders) }
  }
}

extension ReplayZones.Zone {
  /// Interfaces by their names, then all others, then the host.
  fileprivate var order: UInt128 {
    switch self {
    case .interface(let name): name
    case .elsewhere: .max - 1
    case .host: .max
    }
  }
}

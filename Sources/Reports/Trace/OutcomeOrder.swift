import FlowTrace
import HostAnalysis
import HostModel
import RuleGraph

/// Cases of an answer that end alike for the same reason: one row of its table.
struct OutcomeGroup {
  /// The cases, by their place in the trace; the first stands for all of them.
  var indices: [Int]
  /// The zones that real packets of the cases come from, by their place in the list of zones.
  var zones: Set<Int>
  /// Whether its packets are spoofed or out of the ordinary: no source belongs where it comes from, it comes from a
  /// port that no client chooses by itself, or it goes to a group or to loopback from a wire.
  var isUnusual: Bool { zones.isEmpty }
}

/// Puts the cases of an answer into the order in which a person wants them: real senders before spoofed ones, other
/// hosts before containers before the host itself, everybody before a few, and what fails first where it is asked what
/// would help.
struct OutcomeOrder {
  let ruleset: Ruleset
  let facts: HostFacts
  let words: HostWords

  /// The groups of a trace's cases, in order, and the zones that they speak of.
  func groups(of trace: Trace) -> (groups: [OutcomeGroup], zones: [Zone]) {
    if trace.cases.count < 2 { return (trace.cases.indices.map { OutcomeGroup(indices: [$0], zones: [0]) }, []) }
    let inferred = trace.inferred ?? InferredHost(ruleset: ruleset, facts: facts)
    let zones = Zone.all(of: ruleset, facts: facts, inferred: inferred)
    var places: [Key: Int] = [:]
    var groups: [OutcomeGroup] = []
    var covered = trace.cases.map { self.zones(of: $0, zones, trace.query) }
    // Where a question is about such packets alone, they are what it is about.
    if covered.allSatisfy(\.isEmpty) { covered = covered.map { _ in [zones.count] } }
    for (index, one) in trace.cases.enumerated() {
      let key = Key(one, isUnusual: covered[index].isEmpty, words.sender(of: one, query: trace.query))
      if let place = places[key] {
        groups[place].indices.append(index)
        groups[place].zones.formUnion(covered[index])
      } else {
        places[key] = groups.count
        groups.append(OutcomeGroup(indices: [index], zones: covered[index]))
      }
    }
    for place in groups.indices {
      groups[place].indices.sort {
        (rank(covered[$0], zones), trace.cases[$0].isFew(words), $0)
          < (rank(covered[$1], zones), trace.cases[$1].isFew(words), $1)
      }
    }
    let asksForHelp = trace.cases.contains { $0.remedy != nil }
    func order(_ group: OutcomeGroup) -> (Int, Int, Int, Int, Int, Int) {
      let first = trace.cases[group.indices[0]]
      return (
        group.isUnusual ? 1 : 0, asksForHelp && first.remedy == nil ? 1 : 0, rank(group.zones, zones),
        first.isRefusedByPolicy ? 1 : 0, first.isFew(words), group.indices[0]
      )
    }
    return (groups.sorted { order($0) < order($1) }, zones)
  }

  /// What cases of one group have in common.
  private struct Key: Hashable {
    var verdict: Case.Verdict
    var conditional: Case.Verdict?
    var connection: ConnectionFate
    var fate: Case.Fate
    var deciders: Deciders?
    var output: ValueSet?
    var destination: ValueSet?
    var port: ValueSet?
    var source: ValueSet?
    var rejectWith: String?
    var conditions: [ConditionUse]
    var command: String?
    var advice: Remedy.Advice?
    var isUnusual: Bool
    var sender: HostWords.Sender?

    init(_ one: Case, isUnusual: Bool, _ sender: HostWords.Sender) {
      verdict = one.verdict
      connection = one.connection
      fate = one.fate
      self.isUnusual = isUnusual
      conditions = []
      // What is hidden divides the packets of a sender into many cases that say the same.
      guard one.verdict != .undetermined else {
        self.isUnusual = false
        fate = .discarded
        self.sender = sender
        return
      }
      deciders = one.deciders
      conditions = one.conditions
      command = one.remedy?.rule?.command
      advice = one.remedy?.advice
      rejectWith = one.rejectWith
      if one.verdict == .accept { output = one.output }
      for translation in one.translations {
        if translation.ofSource {
          source = translation.to.address
        } else {
          destination = translation.to.address
          port = translation.to.port
        }
      }
    }
  }

  /// The zones that packets of a case come from, as far as their sources belong there.
  private func zones(of one: Case, _ zones: [Zone], _ query: Query) -> Set<Int> {
    let sentByHost = one.when.allowed[.sentByHost]?.single
    let isOfHost = sentByHost == 1 || query.origin == .host
    let isOfWire = sentByHost == 0 || query.origin == .wire
    let family = one.packet.family
    if query.destination == nil, let target = one.when.allowed[.address(.daddr, family)],
      target.intersection(family.ownAddresses).isSubset(of: isOfHost ? Self.groups : Self.groups.union(family.loopback))
    {
      return []
    }
    if query.sourcePort == nil, let ports = one.when.allowed[.field(.header(HeaderField(.th, .sport)))],
      ports.isDisjoint(with: Case.chosenPorts)
    {
      return []
    }
    let source = one.when.allowed[.address(.saddr, family)] ?? query.source ?? .all
    let input = one.when.allowed[.field(.meta(.iifname))] ?? query.input ?? .all
    return Set(
      zones.indices.filter { index in
        let zone = zones[index]
        if zone.kind == .host { return !isOfWire }
        return !isOfHost && !zone.input.isDisjoint(with: input)
          && !(zone.sources[family] ?? .empty).isDisjoint(with: source)
      })
  }

  /// Destinations that nobody asks about who leaves them open: groups, broadcasts, addresses of no host (RFC 6890), and
  /// loopback, where packets come from a wire.
  private static let groups = ValueSet([
    range(0, 0x00ff_ffff), range(0xe000_0000, 0xffff_ffff), 0...0, (UInt128(0xff) << 120)...UInt128.max,
  ])

  private static func range(_ first: UInt32, _ last: UInt32) -> ClosedRange<UInt128> {
    IPAddress(ipv4: first).bits...IPAddress(ipv4: last).bits
  }

  /// Other hosts, then containers, then the host itself.
  private func rank(_ covered: Set<Int>, _ zones: [Zone]) -> Int {
    covered.map { index in
      guard zones.indices.contains(index) else { return 0 }
      return switch zones[index].kind {
      case .outside: 0
      case .network: 1
      case .host: 2
      }
    }.min() ?? 3
  }
}

extension Case {
  /// Whether it is what a policy drops: all that the rules before it leave.
  fileprivate var isRefusedByPolicy: Bool {
    if case .policy = decidedBy { verdict == .drop } else { false }
  }

  /// 1 where its sources are a few of many.
  fileprivate func isFew(_ words: HostWords) -> Int { words.isParticular(self) ? 1 : 0 }
}

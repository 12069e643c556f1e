public import HostModel
public import RuleGraph
import Synchronization

/// Traces packets through the rules of a host as the Linux kernel would.
///
///     let tracer = Tracer(reading.ruleset, facts: reading.facts)
///     let trace = tracer.trace(query)
///     for part in trace.cases { print(part.verdict, part.fate) }
///
/// A tracer is made once for a ruleset and asked as often as wanted, from several tasks at once.
public struct Tracer: Sendable {
  let ruleset: Ruleset
  let facts: HostFacts
  private let plan: HookPlan
  private let inferred: InferredHost
  private let published: ValueSet
  private let layout: LayoutFingerprint
  private let index: RulesetIndex
  /// What is known of the host when a query adds nothing to it.
  private let knowledge: HostKnowledge
  private let lastKnowledge = LastKnowledge()
  /// For each family what is taken for granted of tables that no dump shows.
  private let untold: [AddressFamily: [Assumption]]

  /// What a trace should find out besides the verdicts.
  public struct Options: Hashable, Sendable {
    /// Whether the path lists every rule that was looked at, not only those that matched.
    public var listsEveryRule = false
    /// Whether the answer to each accepted case is traced, too.
    public var tracesReply = false
    /// Whether near misses are looked for.
    public var findsNearMisses = true
    /// How many near misses a case may have.
    public var nearMissLimit = 3
    /// Whether rules that mention the question and are not on the way are looked for, with the reason.
    public var findsRulesOffPath = false
    /// The outcome that is wanted: for cases that come out otherwise, a ``Remedy`` is looked for and tried.
    public var wanted: Case.Verdict?
    /// Whether a region says which interface its packets leave through, where no dump tells the routes.
    ///
    /// Cases that differ in the way out alone overlap otherwise: nobody asks by it.
    package var dividesByOutput = false

    /// Makes the usual options.
    public init() {}
  }

  /// Makes a tracer for a ruleset and what is known of its host.
  public init(_ ruleset: Ruleset, facts: HostFacts = HostFacts()) {
    self.init(ruleset, facts: facts, effort: .usual)
  }

  /// Makes a tracer for one of several rulesets of a host: what they all let one infer of it is known of each.
  package init(_ ruleset: Ruleset, facts: HostFacts, inferred: InferredHost) {
    self.init(ruleset, facts: facts, inferred: inferred, effort: .usual)
  }

  /// Makes a tracer that indexes chains sooner or later, or never.
  init(_ ruleset: Ruleset, facts: HostFacts, effort: RulesetIndex.Effort) {
    self.init(ruleset, facts: facts, inferred: InferredHost(ruleset: ruleset, facts: facts), effort: effort)
  }

  private init(_ ruleset: Ruleset, facts: HostFacts, inferred: InferredHost, effort: RulesetIndex.Effort) {
    self.ruleset = ruleset
    index = RulesetIndex(ruleset, effort: effort)
    self.facts = facts
    plan = HookPlan(ruleset)
    layout = LayoutFingerprint(ruleset, index)
    untold = AddressFamily.allCases.reduce(into: [:]) {
      $0[$1] = Self.untold(ruleset, $1) + Self.inferredTables(ruleset, $1)
    }
    self.inferred = inferred
    published = ValueSet(inferred.publishedPorts.flatMap(\.ports.intervals))
    knowledge = HostKnowledge(facts: facts, inferred: inferred, givenAddresses: .empty)
  }

  /// The host's own addresses of a family, as far as dumps or rules tell them; loopback aside.
  package func ownAddresses(_ family: AddressFamily) -> ValueSet {
    (knowledge.localAddresses[family] ?? .empty).union(knowledge.inferredAddresses[family] ?? .empty)
      .subtracting(family.loopback)
  }

  /// The addresses that the host sends from, where all of them are told.
  package func sources(_ family: AddressFamily) -> ValueSet? {
    knowledge.knowsOwnAddresses(family) ? knowledge.localAddresses[family] : nil
  }

  /// The addresses that the host may send from, as far as is known: not those of containers.
  package func possibleSources(_ family: AddressFamily) -> ValueSet {
    sources(family) ?? family.allAddresses.subtracting(knowledge.inferredSubnetAddresses).union(ownAddresses(family))
  }

  /// The destinations of a family whose packets the host takes as its own, as far as that is known: its addresses,
  /// loopback, broadcasts.
  package func hostDestinations(_ family: AddressFamily) -> ValueSet {
    let own = (knowledge.localAddresses[family] ?? .empty).union(family.loopback)
    return family == .ipv4
      ? own.union(knowledge.broadcastAddresses).union(ValueSet(IPAddress(ipv4: .max).bits)) : own
  }

  /// The number of chains that have an index by now.
  var indexedChains: Int { index.indexedChains }

  /// Follows the packets of a question.
  ///
  /// - Parameters:
  ///   - query: The question.
  ///   - options: What else is to be found out.
  ///   - reasons: What explains the cases of one family, made for the engine that follows it; none by default.
  func follow(
    _ query: Query, options: Options = Options(),
    reasons: (Engine, AddressFamily) -> (any CaseReasons)? = { _, _ in nil }
  ) -> Trace {
    let knowledge = knowledge(with: query.hostAddresses)
    var cases: [Case] = []
    var warnings: [Diagnostic] = []
    var assumptions: [Assumption] = []
    for family in families(of: query) {
      let engine = Engine(ruleset: ruleset, knowledge: knowledge, plan: plan, published: published, index: index)
      let finished = engine.answer(query, family: family)
      var builder = CaseBuilder(engine: engine, query: query, options: options, reasons: reasons(engine, family))
      cases += builder.cases(finished)
      for assumption in builder.assumptions where !assumptions.contains(assumption) { assumptions.append(assumption) }
      warnings += engine.warnings
      assumptions += untold[family] ?? []
    }
    var trace = Trace(query: query, cases: cases, assumptions: assumptions, warnings: warnings + layout.findings)
    trace.layout = layout
    trace.inferred = inferred
    trace.tracesReplies = options.tracesReply
    return trace
  }

  /// What is known before a packet comes, where a question names addresses of the host. Many questions name the same.
  private func knowledge(with addresses: ValueSet) -> HostKnowledge {
    if addresses.isEmpty { return knowledge }
    if let last = lastKnowledge.value.withLock({ $0 }), last.givenAddresses == addresses { return last }
    let made = HostKnowledge(facts: facts, inferred: inferred, givenAddresses: addresses)
    lastKnowledge.value.withLock { $0 = made }
    return made
  }

  /// What was known at the last question that named addresses of the host.
  private final class LastKnowledge: Sendable {
    let value = Mutex<HostKnowledge?>(nil)
  }

  /// What the answer takes for granted of rules that no dump shows.
  private static func untold(_ ruleset: Ruleset, _ family: AddressFamily) -> [Assumption] {
    var result = untoldTables(ruleset.coverage, family).map { [$0] } ?? []
    result += ruleset.tables.compactMap { untoldChains($0, family) }
    if ruleset.coverage.someOfNftables {
      result.append(Assumption(.untoldNftTables, settledBy: "nft list ruleset"))
    }
    return result
  }

  /// Of a table that was not shown only those chains are followed that an engine is known to fill.
  private static func untoldChains(_ table: Table, _ family: AddressFamily) -> Assumption? {
    guard table.shown == .nothing, table.origin != .nftables, table.family == (family == .ipv4 ? .ip : .ip6),
      let all = ["filter": ["INPUT", "FORWARD", "OUTPUT"], "raw": ["PREROUTING", "OUTPUT"]][table.name]
    else { return nil }
    let names = all.filter { name in !table.chains.contains { $0.name == name } }
    if names.isEmpty { return nil }
    let tool = family == .ipv4 ? "iptables" : "ip6tables"
    return Assumption(
      .untoldChains(names, table: table.name, family),
      settledBy: "\(tool)\(table.name == "filter" ? "" : " -t \(table.name)") -vnL")
  }

  /// What the answer takes for granted of tables that no dump shows.
  private static func untoldTables(_ coverage: RuleCoverage, _ family: AddressFamily) -> Assumption? {
    // A ruleset that was put together in code says all there is.
    guard
      !coverage.tables.isEmpty || !coverage.partial.isEmpty || coverage.allOfNftables || !coverage.allOfIptables.isEmpty
    else { return nil }
    let names = coverage.untoldTables(family)
    if names.isEmpty { return nil }
    let command = family == .ipv4 ? "iptables-save" : "ip6tables-save"
    return Assumption(.untoldTables(names, family), settledBy: command)
  }

  /// The tables that were not shown, and whose rules what dumps say of containers lets one infer.
  private static func inferredTables(_ ruleset: Ruleset, _ family: AddressFamily) -> [Assumption] {
    ruleset.tables.filter { $0.shown == .nothing && $0.family.sees(family) }.compactMap { table in
      guard let chain = table.chains.first(where: { $0.base?.hook == .prerouting }),
        chain.rules.contains(where: { $0.missing == nil })
      else { return nil }
      return Assumption(.inferredTable(table.name), settledBy: "iptables -t \(table.name) -vnL")
    }
  }

  private func families(of query: Query) -> [AddressFamily] {
    if let family = query.family { return [family] }
    for values in [query.source, query.destination].compactMap({ $0 }) {
      guard let first = values.first else { continue }
      return [IPAddress(bits: first).family]
    }
    if query.transport == ValueSet(1) { return [.ipv4] }
    if query.transport == ValueSet(58) { return [.ipv6] }
    return [.ipv4, .ipv6]
  }
}

import RuleGraph
import Synchronization

/// What is worked out of a ruleset once, when it is first asked for, and shared by all traces of a tracer.
final class RulesetIndex: Sendable {
  /// From when on indexes are made.
  struct Effort {
    /// The number of rules of a chain that have to be looked at before an index of it pays.
    var rulesWorthIndex = 8
    /// How often a chain has to be visited: making an index takes as long as some ten looks at every rule, and one
    /// packet may be all that is asked about.
    var visitsWorthIndex = 2
    /// The number of rules of a chain without an index from which on it pays to know between which values the packet's
    /// fields lie.
    var rulesWorthHulls = 8
    /// The number of rules of a chain, and of pieces of a field, from which on its rules are listed by piece.
    var rulesWorthLists = 32
    var piecesWorthLists = 4

    /// What is quick.
    static let usual = Effort()
    /// An index of everything at once.
    static let full = Effort(rulesWorthIndex: 0, visitsWorthIndex: 0, rulesWorthLists: 0, piecesWorthLists: 0)
    /// No index, and no look at a rule's tests before: every rule is evaluated, with the same answers.
    static let none = Effort(rulesWorthIndex: .max, rulesWorthHulls: .max)
  }

  private let ruleset: Ruleset
  private let effort: Effort
  /// The place of each table's first chain in ``chains``.
  private let firstChain: [Int]
  private let chains: [LazyChain]
  private let targets: [LazyTargets]
  private let sets = Mutex<[SetKey: ResolvedSet]>([:])

  init(_ ruleset: Ruleset, effort: Effort) {
    self.ruleset = ruleset
    self.effort = effort
    var first: [Int] = []
    var chains: [LazyChain] = []
    for table in ruleset.tables {
      first.append(chains.count)
      for _ in table.chains { chains.append(LazyChain()) }
    }
    firstChain = first
    self.chains = chains
    targets = ruleset.tables.map { _ in LazyTargets() }
  }

  /// The index of a chain for packets of a family; nil where the chain was not visited often enough for one to pay.
  func chain(_ id: ChainID, _ family: AddressFamily) -> ChainIndex? {
    chains[firstChain[id.table] + id.chain].index(ruleset, id, family, effort)
  }

  /// The index of a chain for packets of a family, if there is one by now.
  func knownIndex(_ id: ChainID, _ family: AddressFamily) -> ChainIndex? {
    chains[firstChain[id.table] + id.chain].known(family)
  }

  /// Whether the rules of a chain without an index are screened before they are evaluated.
  func isWorthHulls(_ rules: Int) -> Bool { rules >= effort.rulesWorthHulls }

  /// The number of chains that have an index.
  var indexedChains: Int { chains.count { $0.isIndexed } }

  /// The index of the chain that a jump names, or nil.
  func chain(named name: String, table: Int) -> Int? { chains(ofTable: table)[name] }

  /// The indexes of a table's chains by their names.
  func chains(ofTable table: Int) -> [String: Int] { targets[table].chains(of: ruleset.tables[table]) }

  // MARK: - What explanations look for in all rules

  private let lazyProxiedPorts = AtomicLazyReference<Shared<[ProxiedPort]>>()
  private let lazyLocalnet = AtomicLazyReference<Shared<RuleID?>>()
  private let lazyUnread = AtomicLazyReference<Shared<Set<AddressFamily>>>()
  private let lazyMarks = AtomicLazyReference<Shared<Bool>>()

  /// Whether some rule gives connections a mark.
  var marksConnections: Bool {
    if let known = lazyMarks.load() { return known.value }
    let mark = Field.conntrack(ConntrackField(.mark))
    let found = ruleset.tables.contains { table in
      table.chains.contains { chain in
        chain.rules.contains { rule in
          rule.statements.contains { if case .assign(let change) = $0 { change.field == mark } else { false } }
        }
      }
    }
    return lazyMarks.storeIfNil(Shared(found)).value
  }

  /// The ports that docker-proxy listens on, as the rules show it.
  var proxiedPorts: [ProxiedPort] {
    (lazyProxiedPorts.load() ?? lazyProxiedPorts.storeIfNil(Shared(ProxiedPort.all(in: ruleset)))).value
  }

  /// The rule that shows that packets from 127/8 may leave through an interface, if there is one.
  var localnetEvidence: RuleID? {
    (lazyLocalnet.load() ?? lazyLocalnet.storeIfNil(Shared(Inference.localnetEvidence(in: ruleset)))).value
  }

  /// The versions of IP of which a rule that may translate could not be read.
  var unreadTranslations: Set<AddressFamily> {
    if let known = lazyUnread.load() { return known.value }
    let tables = ruleset.tables.filter { table in
      table.chains.contains { $0.base?.type == .nat }
        && table.chains.contains { chain in
          chain.shown != .whole && chain.rules.contains { $0.missing?.evidence == .unreadable }
        }
    }
    let families = AddressFamily.allCases.filter { family in tables.contains { $0.family.sees(family) } }
    return lazyUnread.storeIfNil(Shared(Set(families))).value
  }

  /// Whether rules that translate sources may stand where none are shown.
  var lacksMasquerades: Bool {
    ruleset.tables.contains { table in
      table.chains.contains { chain in
        chain.base?.type == .nat && chain.base?.hook == .postrouting
          && (chain.shown != .whole || chain.rules.contains { $0.missing != nil })
      }
    }
  }

  // MARK: - Sets

  /// Which set is meant: one with a name, or one that is written in a rule.
  enum SetKey: Hashable {
    case named(String, table: Int)
    case ipset(String, asksExceptions: Bool)
    case anonymous(RuleID, statement: Int)
  }

  /// The set of a name as a rule of a table sees it.
  func set(_ name: String, table: Int) -> ResolvedSet {
    set(.named(name, table: table)) { ResolvedSet(ruleset.tables[table].sets.first { $0.name == name }, name: name) }
  }

  /// The ipset of a name, or the set of its exceptions.
  func ipset(_ name: String, asksExceptions: Bool = false) -> ResolvedSet {
    set(.ipset(name, asksExceptions: asksExceptions)) {
      ResolvedSet(ipset: name, among: ruleset.ipsets, asksExceptions: asksExceptions)
    }
  }

  /// The set that is written in a statement of a rule.
  func set(_ elements: [SetElement], of rule: RuleID, statement: Int) -> ResolvedSet {
    set(.anonymous(rule, statement: statement)) { ResolvedSet(name: "", elements: elements, isKnown: true) }
  }

  private func set(_ key: SetKey, _ make: () -> ResolvedSet) -> ResolvedSet {
    if let known = sets.withLock({ $0[key] }) { return known }
    let made = make()
    return sets.withLock { known in
      if let other = known[key] { return other }
      known[key] = made
      return made
    }
  }

  // MARK: - Made when they are first worth it

  private final class LazyChain: Sendable {
    private let visits = Atomic<Int>(0)
    private let ipv4 = AtomicLazyReference<ChainIndex>()
    private let ipv6 = AtomicLazyReference<ChainIndex>()

    var isIndexed: Bool { ipv4.load() != nil || ipv6.load() != nil }

    func known(_ family: AddressFamily) -> ChainIndex? { family == .ipv4 ? ipv4.load() : ipv6.load() }

    func index(_ ruleset: Ruleset, _ id: ChainID, _ family: AddressFamily, _ effort: Effort) -> ChainIndex? {
      if let known = known(family) { return known }
      let count = ruleset.tables[id.table].chains[id.chain].rules.count
      let visits = visits.add(1, ordering: .relaxed).newValue
      guard count > 0, visits >= effort.visitsWorthIndex,
        visits.multipliedReportingOverflow(by: count).partialValue >= effort.rulesWorthIndex
      else {
        return nil
      }
      let made = ChainIndex(ruleset[id], family: family, effort)
      return family == .ipv4 ? ipv4.storeIfNil(made) : ipv6.storeIfNil(made)
    }
  }

  private final class LazyTargets: Sendable {
    private final class Names: Sendable {
      let chains: [String: Int]
      init(_ table: Table) {
        chains = Dictionary(table.chains.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
      }
    }

    private let names = AtomicLazyReference<Names>()

    func chains(of table: Table) -> [String: Int] {
      (names.load() ?? names.storeIfNil(Names(table))).chains
    }
  }
}

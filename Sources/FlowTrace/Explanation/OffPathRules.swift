import RuleGraph

/// Looks for rules that mention what was asked about and that the packet never met, and says why.
struct OffPathRules {
  let engine: Engine
  let limit: Int
  /// The rules that mention the question's addresses or port and decide something, the closest first.
  private let candidates: [(rank: Int, id: RuleID)]

  /// How many rules are looked through; behind that, the search would cost more than the trace.
  private static let rulesLookedAt = 50_000

  init(engine: Engine, query: Query, family: AddressFamily, limit: Int) {
    self.engine = engine
    self.limit = limit
    let mentions = Mentions(engine: engine, query: query)
    var found: [(rank: Int, id: RuleID)] = []
    var looked = 0
    for (t, table) in engine.ruleset.tables.enumerated() where table.family.sees(family) {
      for (c, chain) in table.chains.enumerated() {
        looked += chain.rules.count
        if looked > Self.rulesLookedAt { break }
        for (r, rule) in chain.rules.enumerated() {
          if let rank = mentions.rank(rule, table: t) { found.append((rank, RuleID(table: t, chain: c, rule: r))) }
        }
      }
    }
    candidates = found.sorted { ($0.rank, $0.id) < ($1.rank, $1.id) }
  }

  /// The rules that mention the question and that a finished flow never met although they would have decided otherwise.
  func find(_ end: FinishedFlow) -> [OffPathRule] {
    guard limit > 0, !candidates.isEmpty else { return [] }
    let met = MetRules(end.flow.path)
    var found: [OffPathRule] = []
    for (_, id) in candidates where !met.contains(id) && wouldChange(id, end) && isForSuchPackets(id, end.flow) {
      if let why = why(id, met, end) { found.append(OffPathRule(rule: id, why: why)) }
      if found.count == limit { break }
    }
    return found
  }

  /// Whether the rule would have decided otherwise than what happened.
  private func wouldChange(_ id: RuleID, _ end: FinishedFlow) -> Bool {
    engine.ruleset[id].statements.contains { statement in
      switch statement {
      case .verdict(.accept): end.verdict != .accept
      case .verdict(.drop), .verdict(.reject): end.verdict == .accept
      case .translate(let translation):
        // Who publishes a port matters where the packet ends at the host itself, under the address that it was sent to.
        (translation.kind == .dnat || translation.kind == .redirect) && isForThisHost(end)
          && !end.flow.translations.contains { !$0.ofSource }
      default: false
      }
    }
  }

  private func isForThisHost(_ end: FinishedFlow) -> Bool {
    end.fate == .local || end.flow.position.stage == .input || end.flow.isLoopbackPass
  }

  /// Whether no plain match of the rule excludes the packet as it came in.
  private func isForSuchPackets(_ id: RuleID, _ flow: Flow) -> Bool {
    let transport = flow.domain(.transport) ?? .all
    for case .match(let match) in engine.ruleset[id].statements where !match.negated {
      guard case .field(let field) = match.subject, case .values(let values) = match.values else { continue }
      switch field {
      case .meta(.l4proto): if transport.isDisjoint(with: values) { return false }
      case .header(let header) where header.header == .tcp: if !transport.contains(6) { return false }
      case .header(let header) where header.header == .udp: if !transport.contains(17) { return false }
      case .meta(.iifname):
        if let arrived = flow.arrival[.input], flow.variables[arrived].domain.isDisjoint(with: values) { return false }
      default: continue
      }
    }
    return true
  }

  /// Why a rule was never met.
  private func why(_ id: RuleID, _ met: MetRules, _ end: FinishedFlow) -> OffPathRule.Reason? {
    let chain = id.chainID
    if met.visits(chain) {
      guard let last = met.last(in: chain), last.rule < id.rule else {
        return .takenEarlier
      }
      return .takenBy(last)
    }
    let bases = basesReaching(chain)
    if bases.isEmpty { return .nothingJumps }
    let hooks = Set(bases.compactMap { engine.ruleset[$0].base?.hook })
    if hooks.isDisjoint(with: met.hooks) {
      return .otherHook(hooks.sorted { $0.rawValue < $1.rawValue }, whereabouts(end))
    }
    if bases.allSatisfy({ engine.ruleset[$0].base?.type == .nat }),
      end.flow.connection?.hasEntry != true || end.flow.phase != .first
    {
      return .onlyFirstPacket
    }
    if let jump = met.failedJump(to: chain, engine) { return .jumpIsForOthers(jump.rule, jump.match) }
    if bases.contains(where: { !met.visits($0) }) || met.hasJumpAhead(to: chain, engine) {
      switch end.decidedBy {
      case .rule(let decider): return .decidedBy(decider)
      case .policy(let decider): return .decidedByPolicy(of: decider)
      case .nothing, .outside: break
      }
    }
    return .noJumpOnPath
  }

  private func whereabouts(_ end: FinishedFlow) -> OffPathRule.Whereabouts {
    switch end.fate {
    case .local: .toThisHost
    case .forward: .forwarded
    case .sent: .sentByThisHost
    case .bridged: .bridged
    case .discarded:
      end.flow.isSentByHost
        ? .sentByThisHost
        : end.flow.domain(.output) == nil
          ? end.flow.position.stage == .input ? .toThisHost : .notSoFar
          : .forwarded
    }
  }

  /// The base chains from which jumps lead to a chain, itself included.
  private func basesReaching(_ target: ChainID) -> [ChainID] {
    let chains = engine.ruleset.tables[target.table].chains
    var reached: Set<Int> = [target.chain]
    var open = [target.chain]
    while let current = open.popLast() {
      let name = chains[current].name
      for (index, chain) in chains.enumerated() where !reached.contains(index) {
        if chain.rules.contains(where: { engine.jumps($0, to: name, in: target.table) }) {
          reached.insert(index)
          open.append(index)
        }
      }
    }
    return reached.filter { chains[$0].base != nil }.map { ChainID(table: target.table, chain: $0) }
  }
}

/// The rules that a flow met on its way.
private struct MetRules {
  private var rules: [ChainID: [Range<Int>]] = [:]
  private var passed: [(chain: ChainID, rules: Range<Int>, snapshot: Snapshot)] = []
  private(set) var hooks: Set<Hook> = []

  init(_ path: PathNode?) {
    for node in PathNode.inOrder(path) {
      switch node.content {
      case .step(let step):
        if let hook = step.hook { hooks.insert(hook) }
        if case .rule(let id) = step.event { rules[id.chainID, default: []].append(id.rule..<(id.rule + 1)) }
      case .passed(let chain, let range, _, let snapshot):
        rules[chain, default: []].append(range)
        passed.append((chain, range, snapshot))
      }
    }
  }

  func contains(_ id: RuleID) -> Bool { rules[id.chainID]?.contains { $0.contains(id.rule) } ?? false }

  func visits(_ chain: ChainID) -> Bool { rules[chain] != nil }

  /// The last rule of a chain that was looked at.
  func last(in chain: ChainID) -> RuleID? {
    rules[chain]?.map(\.upperBound).max().map { RuleID(table: chain.table, chain: chain.chain, rule: $0 - 1) }
  }

  /// Whether a chain that the packet was in jumps to another behind the place where the way ended.
  func hasJumpAhead(to chain: ChainID, _ engine: Engine) -> Bool {
    let name = engine.ruleset[chain].name
    return rules.keys.contains { visited in
      guard visited.table == chain.table, let last = last(in: visited) else { return false }
      return engine.ruleset[visited].rules[(last.rule + 1)...].contains { engine.jumps($0, to: name, in: chain.table) }
    }
  }

  /// A jump to a chain that the packet met and that one field kept it from taking.
  func failedJump(to chain: ChainID, _ engine: Engine) -> (rule: RuleID, match: Match)? {
    let name = engine.ruleset[chain].name
    for (passed, range, snapshot) in passed where passed.table == chain.table {
      for rule in range where engine.jumps(engine.ruleset[passed].rules[rule], to: name, in: chain.table) {
        let id = RuleID(table: passed.table, chain: passed.chain, rule: rule)
        if let match = engine.failures(of: id, snapshot.flow.value).first?.match { return (id, match) }
      }
    }
    return nil
  }
}

/// How closely rules are about a question: which of its addresses and ports they name.
private struct Mentions {
  let engine: Engine
  /// What the question fixes to one value, by the field that a rule would name it with.
  private let asked: [(name: HeaderFieldName, value: UInt128)]

  init(engine: Engine, query: Query) {
    self.engine = engine
    asked = [
      (HeaderFieldName.daddr, query.destination), (.dport, query.destinationPort), (.saddr, query.source),
    ].compactMap { name, values in values?.single.map { (name, $0) } }
  }

  /// 0 for a rule that names two things asked about, 1 for one; nil when it names none, decides nothing or is about
  /// others.
  func rank(_ rule: Rule, table: Int) -> Int? {
    guard rule.statements.contains(where: Self.decides) else { return nil }
    var hits = 0
    for statement in rule.statements {
      let matches: [Match]
      switch statement {
      case .match(let match): matches = [match]
      case .anyOf(let several): matches = several
      default: continue
      }
      for match in matches where !match.negated {
        guard case .field(.header(let field)) = match.subject, let values = values(match, table) else { continue }
        for (name, value) in asked where field.name == name {
          if !values.contains(value) { return nil }
          // A block of many addresses or ports is not about this one.
          if values.count <= 256 { hits += 1 }
        }
      }
    }
    return hits == 0 ? nil : hits >= 2 ? 0 : 1
  }

  /// The values that a match wants, those of a set of known members included.
  private func values(_ match: Match, _ table: Int) -> ValueSet? {
    func members(_ set: ResolvedSet) -> ValueSet? {
      set.isKnown && set.masked.isEmpty && set.parts == 1 ? set.values : nil
    }
    switch match.values {
    case .values(let values): return values
    case .ipset(let name): return members(engine.index.ipset(name))
    case .ipsetExceptions(let name): return members(engine.index.ipset(name, asksExceptions: true))
    case .named(let name): return members(engine.index.set(name, table: table))
    case .elements, .masked: return nil
    }
  }

  private static func decides(_ statement: Statement) -> Bool {
    switch statement {
    case .verdict(.accept), .verdict(.drop), .verdict(.reject), .translate: true
    default: false
    }
  }
}

extension Engine {
  /// Whether a rule leads on to a chain of its table, by itself or through a map.
  fileprivate func jumps(_ rule: Rule, to name: String, in table: Int) -> Bool {
    rule.statements.contains { statement in
      switch statement {
      case .verdict(.jump(name)), .verdict(.goto(name)): return true
      case .verdictMap(_, let reference):
        return map(reference, table: table).elements.contains { element in
          element.data == .verdict(.jump(name)) || element.data == .verdict(.goto(name))
        }
      default: return false
      }
    }
  }
}

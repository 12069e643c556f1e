import RuleGraph

/// Looks for rules that mention what was asked about and that the packet never met, and says why.
struct OffPathRules {
  let engine: Engine
  let query: Query
  let limit: Int

  /// How many rules are looked through; behind that, the search would cost more than the trace.
  private static let rulesLookedAt = 50_000

  /// The rules that mention the query's destination or port and decide something, of a finished flow that never met them.
  func find(_ end: FinishedFlow) -> [OffPathRule] {
    guard limit > 0 else { return [] }
    let met = Met(end.flow.path)
    var found: [(rank: Int, rule: OffPathRule)] = []
    var looked = 0
    for (t, table) in engine.ruleset.tables.enumerated() where table.family.sees(end.flow.family) {
      for (c, chain) in table.chains.enumerated() {
        looked += chain.rules.count
        if looked > Self.rulesLookedAt { return [] }
        for (r, rule) in chain.rules.enumerated() {
          let id = RuleID(table: t, chain: c, rule: r)
          guard !met.contains(id), let rank = mentions(rule, end.flow), let why = why(id, met, end) else { continue }
          found.append((rank, OffPathRule(rule: id, why: why)))
        }
      }
    }
    return found.sorted { $0.rank < $1.rank }.prefix(limit).map(\.rule)
  }

  /// The rules that a flow met, by chain.
  private struct Met {
    var rules: [ChainID: [Range<Int>]] = [:]
    var hooks: Set<Hook> = []
    var lastRule: RuleID?

    init(_ path: PathNode?) {
      for node in PathNode.inOrder(path) {
        switch node.content {
        case .step(let step):
          if let hook = step.hook { hooks.insert(hook) }
          if case .rule(let id) = step.event {
            rules[ChainID(table: id.table, chain: id.chain), default: []].append(id.rule..<(id.rule + 1))
            lastRule = id
          }
        case .passed(let chain, let range, _, _): rules[chain, default: []].append(range)
        }
      }
    }

    func contains(_ id: RuleID) -> Bool {
      rules[ChainID(table: id.table, chain: id.chain)]?.contains { $0.contains(id.rule) } ?? false
    }

    func visits(_ chain: ChainID) -> Bool { rules[chain] != nil }
  }

  /// How closely a rule is about the query: 0 names address and port, 1 one of them; nil when it names neither or decides nothing.
  private func mentions(_ rule: Rule, _ flow: Flow) -> Int? {
    guard rule.statements.contains(where: decides) else { return nil }
    let address = (query.destination?.single).map { ($0, HeaderFieldName.daddr) }
    let port = (query.destinationPort?.single).map { ($0, HeaderFieldName.dport) }
    var hits = 0
    for statement in rule.statements {
      let matches: [Match]
      switch statement {
      case .match(let match): matches = [match]
      case .anyOf(let several): matches = several
      default: continue
      }
      for match in matches where !match.negated {
        guard case .field(.header(let field)) = match.subject, case .values(let values) = match.values else { continue }
        for (value, name) in [address, port].compactMap({ $0 }) where field.name == name {
          // A block of more than a few addresses or ports is not about this one.
          guard values.count <= 256 else { continue }
          if values.contains(value) { hits += 1 } else { return nil }
        }
      }
    }
    return hits == 0 ? nil : hits >= 2 ? 0 : 1
  }

  private func decides(_ statement: Statement) -> Bool {
    switch statement {
    case .verdict(.accept), .verdict(.drop), .verdict(.reject), .translate: true
    default: false
    }
  }

  /// Why a rule was never met.
  private func why(_ id: RuleID, _ met: Met, _ end: FinishedFlow) -> String? {
    let chain = ChainID(table: id.table, chain: id.chain)
    if met.visits(chain) {
      guard case .rule(let decider) = end.decidedBy, decider.table == id.table, decider.chain == id.chain else {
        return "an earlier rule of \(engine.ruleset[chain].name) ended the way there"
      }
      return "rule \(decider.rule + 1) of the same chain decides before it"
    }
    let bases = basesReaching(chain)
    if bases.isEmpty { return "nothing jumps to \(engine.ruleset[chain].name)" }
    let hooks = Set(bases.compactMap { engine.ruleset[$0].base?.hook })
    if hooks.isDisjoint(with: met.hooks) {
      let names = hooks.map(\.rawValue).sorted().joined(separator: " and ")
      return "it belongs to the \(names) hook, which the packet does not pass: \(fate(end))"
    }
    if bases.allSatisfy({ engine.ruleset[$0].base?.type == .nat }),
      end.flow.connection?.hasEntry != true || end.flow.phase != .first
    {
      return "nat rules are asked for the first packet of a connection only"
    }
    return "no rule on the way jumps to \(engine.ruleset[chain].name) for this packet"
  }

  private func fate(_ end: FinishedFlow) -> String {
    switch end.fate {
    case .local: "it is for this host itself"
    case .forward: "it is forwarded"
    case .sent: "this host sends it"
    case .bridged: "it is bridged"
    case .discarded:
      end.flow.isSentByHost
        ? "this host sends it" : end.flow.domain(.output) == nil ? "it does not get that far" : "it is forwarded"
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
        if chain.rules.contains(where: { jumps($0, to: name, in: target.table) }) {
          reached.insert(index)
          open.append(index)
        }
      }
    }
    return reached.filter { chains[$0].base != nil }.map { ChainID(table: target.table, chain: $0) }
  }

  private func jumps(_ rule: Rule, to name: String, in table: Int) -> Bool {
    rule.statements.contains { statement in
      switch statement {
      case .verdict(.jump(name)), .verdict(.goto(name)): return true
      case .verdictMap(_, let reference):
        return engine.map(reference, table: table).elements.contains { element in
          element.data == .verdict(.jump(name)) || element.data == .verdict(.goto(name))
        }
      default: return false
      }
    }
  }
}

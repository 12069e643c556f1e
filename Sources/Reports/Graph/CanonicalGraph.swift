import RuleGraph

/// The same rules in one form, whatever dump they were read from: what a dump adds or leaves out without changing a
/// packet's fate is gone.
///
/// Source, counters, handles and the order of equivalent matches go; so do base chains that accept everything (one
/// dialect prints them, the other does not), and matches that another match implies.
struct CanonicalGraph {
  /// The canonical form of a ruleset.
  static func of(_ ruleset: Ruleset) -> Ruleset {
    var result = ruleset
    result.tables = ruleset.tables.map(canonical).filter { !$0.chains.isEmpty || !$0.sets.isEmpty }
      .sorted { ($0.family.rawValue, $0.name) < ($1.family.rawValue, $1.name) }
    result.ipsets = ruleset.ipsets.map(canonical).sorted { $0.name < $1.name }
    return result
  }

  private static func canonical(_ table: Table) -> Table {
    var result = table
    result.handle = nil
    result.chains = table.chains.map { canonical($0, in: table) }
      .filter { chain in
        guard let base = chain.base else { return true }
        return !chain.rules.isEmpty || base.policy == .drop || base.policy == nil
      }
      .sorted { $0.name < $1.name }
    result.sets = table.sets.map(canonical).sorted { $0.name < $1.name }
    return result
  }

  private static func canonical(_ set: NamedSet) -> NamedSet {
    var result = set
    result.handle = nil
    result.elements = set.elements.sorted { a, b in
      let (x, y) = (a.key.first?.first ?? 0, b.key.first?.first ?? 0)
      return x != y ? x < y : (a.key.last?.first ?? 0) < (b.key.last?.first ?? 0)
    }
    return result
  }

  private static func canonical(_ chain: Chain, in table: Table) -> Chain {
    var result = chain
    result.handle = nil
    result.references = nil
    result.policyCounter = nil
    result.rules = chain.rules.map { canonical($0, in: table) }
    return result
  }

  private static func canonical(_ rule: Rule, in table: Table) -> Rule {
    var result = rule
    result.handle = nil
    result.counter = nil
    let protocolNumber = transport(of: rule)
    var statements: [Statement] = []
    /// Matches since the last statement that is none: their order does not matter.
    var run: [(key: String, match: Match)] = []
    func endRun() {
      statements += run.sorted { $0.key < $1.key }.map { .match($0.match) }
      run = []
    }
    for statement in rule.statements {
      switch statement {
      case .match(let match):
        let one = canonical(match, transport: protocolNumber)
        if isImplied(one, rule, in: table) { continue }
        let key = GraphWords.match(one)
        if !run.contains(where: { $0.key == key }) { run.append((key, one)) }
      case .effect(let effect) where effect.kind == .counter: continue
      case .effect(var effect):
        endRun()
        effect.arguments.sort { ($0.name, $0.value) < ($1.name, $1.value) }
        statements.append(.effect(effect))
      case .verdict(.reject(.icmpx(let code))):
        endRun()
        statements.append(.verdict(.reject(rejection(code, table.family))))
      default:
        endRun()
        statements.append(statement)
      }
    }
    endRun()
    result.statements = statements
    return result
  }

  /// The transport protocol that a rule is limited to.
  private static func transport(of rule: Rule) -> UInt128? {
    for case .match(let match) in rule.statements where !match.negated {
      guard case .values(let values) = match.values, let number = values.single else { continue }
      if match.subject == .field(.meta(.l4proto)) || match.subject == .field(.header(HeaderField(.ip, .protocol))) {
        return number
      }
    }
    return nil
  }

  private static func canonical(_ match: Match, transport: UInt128?) -> Match {
    var result = match
    switch match.subject {
    case .field(.header(HeaderField(.ip, .protocol))): result.subject = .field(.meta(.l4proto))
    case .field(.header(let field)) where field.header == .th:
      let header: Header? = transport == 6 ? .tcp : transport == 17 ? .udp : transport == 132 ? .sctp : nil
      if let header { result.subject = .field(.header(HeaderField(header, field.name))) }
    // A packet has one state: a shared bit with a mask is the same as being one of its states.
    case .bitwise(.field(.conntrack(let field)), let mask, 0)
    where field.key == .state && match.values == .values(ValueSet(0)):
      let states = (0..<32).compactMap { mask >> UInt128($0) & 1 == 1 ? UInt128(1) << UInt128($0) : nil }
      return Match(.conntrack(field), in: ValueSet(states.map { $0...$0 }), negated: !match.negated)
    default: break
    }
    guard case .values(let values) = result.values, let field = result.subject.field, case .field = result.subject
    else {
      return result
    }
    let universe = field.universe
    let inside = match.negated ? universe.subtracting(values) : values
    let outside = universe.subtracting(inside)
    result.negated = outside.count < inside.count
    result.values = .values(result.negated ? outside : inside)
    return result
  }

  /// Whether the rest of the rule or the table's family already says what a match says.
  private static func isImplied(_ match: Match, _ rule: Rule, in table: Table) -> Bool {
    guard !match.negated, case .values(let values) = match.values, let number = values.single else { return false }
    switch match.subject {
    case .field(.meta(.nfproto)):
      if table.family == .ip { return number == 2 }
      if table.family == .ip6 { return number == 10 }
      return rule.statements.contains { statement in
        guard case .match(let other) = statement else { return false }
        return number == 2 && other.subject.header == .ip || number == 10 && other.subject.header == .ip6
      }
    case .field(.meta(.l4proto)):
      return rule.statements.contains { statement in
        guard case .match(let other) = statement, let header = other.subject.header else { return false }
        return header.protocolNumber == number || header == .th && [6, 17, 132].contains(number)
      }
    default: return false
    }
  }

  /// The family's own form of a reason that nft names once for both (`net/netfilter/nft_reject.c`).
  private static func rejection(_ code: UInt8, _ family: TableFamily) -> Rejection {
    switch (family, code) {
    case (.ip, 0): .icmp(code: 0)
    case (.ip, 1): .icmp(code: 3)
    case (.ip, 2): .icmp(code: 1)
    case (.ip, 3): .icmp(code: 13)
    case (.ip6, 0): .icmpv6(code: 0)
    case (.ip6, 1): .icmpv6(code: 4)
    case (.ip6, 2): .icmpv6(code: 3)
    case (.ip6, 3): .icmpv6(code: 1)
    default: .icmpx(code: code)
    }
  }
}

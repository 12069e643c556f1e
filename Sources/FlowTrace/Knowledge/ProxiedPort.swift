import RuleGraph

/// A rule that translates ports but leaves packets of the container's own bridge untranslated, by a rule before it or
/// by itself: there the proxy is on.
struct ProxiedPort: Sendable {
  var rule: RuleID
  var ports: ValueSet

  /// The rules of a ruleset that show where a proxy listens.
  static func all(in ruleset: Ruleset) -> [ProxiedPort] {
    var found: [ProxiedPort] = []
    for (t, table) in ruleset.tables.enumerated() {
      for (c, chain) in table.chains.enumerated() where chain.rules.count < 20_000 {
        // A cluster has tens of thousands of chains: most are passed by the cheapest look.
        guard chain.rules.contains(where: { $0.statements.contains(where: isDestinationTranslation) }) else { continue }
        let returnsOwn = chain.rules.contains(where: returnsOwnBridge)
        for (r, rule) in chain.rules.enumerated()
        where rule.statements.contains(where: isDestinationTranslation) && (returnsOwn || sparesOneInterface(rule)) {
          for case .match(let match) in rule.statements where !match.negated {
            guard case .field(.header(let header)) = match.subject, header.name == .dport,
              case .values(let values) = match.values
            else { continue }
            found.append(ProxiedPort(rule: RuleID(table: t, chain: c, rule: r), ports: values))
            break
          }
        }
      }
    }
    return found
  }

  private static func isDestinationTranslation(_ statement: Statement) -> Bool {
    if case .translate(let translation) = statement { translation.kind == .dnat } else { false }
  }

  private static func returnsOwnBridge(_ rule: Rule) -> Bool {
    guard rule.statements.contains(where: { if case .verdict(.return) = $0 { true } else { false } }) else {
      return false
    }
    return rule.statements.contains { statement in
      guard case .match(let match) = statement, case .field(.meta(.iifname)) = match.subject else { return false }
      return !match.negated
    }
  }

  private static func sparesOneInterface(_ rule: Rule) -> Bool {
    rule.statements.contains { statement in
      guard case .match(let match) = statement, case .field(.meta(.iifname)) = match.subject else { return false }
      return match.negated
    }
  }
}

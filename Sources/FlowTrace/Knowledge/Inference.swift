import RuleGraph

/// What rules let one infer of the host where no dump tells.
enum Inference {
  /// The rule that shows that packets from 127/8 may leave through an interface: Docker without its proxy masquerades
  /// what comes from local addresses (`-o docker0 -m addrtype --src-type LOCAL -j MASQUERADE`) and turns route_localnet
  /// on for it.
  static func localnetEvidence(in ruleset: Ruleset) -> RuleID? {
    for (t, table) in ruleset.tables.enumerated() {
      for (c, chain) in table.chains.enumerated() where chain.rules.count < 20_000 {
        for (r, rule) in chain.rules.enumerated() where rule.statements.contains(where: isMasquerade) {
          for case .match(let match) in rule.statements where !match.negated {
            guard case .field(.fib(let fib)) = match.subject, fib.result == .type, !fib.ofDestination,
              match.values == .values(ValueSet(AddressType.local.rawValue))
            else { continue }
            return RuleID(table: t, chain: c, rule: r)
          }
        }
      }
    }
    return nil
  }

  private static func isMasquerade(_ statement: Statement) -> Bool {
    switch statement {
    case .translate(let translation): translation.kind == .masquerade
    case .opaqueTarget(let opaque): opaque.name.hasSuffix("MASQUERADE")
    default: false
    }
  }
}

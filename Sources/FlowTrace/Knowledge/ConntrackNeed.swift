import RuleGraph

extension Ruleset {
  /// Whether a rule that sees packets of a family needs connection tracking, which switches it and the nat chains on.
  ///
  /// Until then nat chains are never asked. What can't be read counts as needing it. Source: `nf_ct_netns_get` and its
  /// callers in `net/netfilter/`; `notrack` alone is none of them.
  func needsConntrack(_ family: AddressFamily) -> Bool {
    tables.contains { table in
      table.family.sees(family)
        && table.chains.contains { chain in
          chain.rules.contains { $0.statements.contains { $0.needsConntrack(family) } }
        }
    }
  }
}

extension Rule {
  /// Whether the rule takes connection tracking into use.
  var looksAtConnection: Bool {
    statements.contains { $0.needsConntrack(.ipv4) || $0.needsConntrack(.ipv6) }
  }
}

extension Statement {
  fileprivate func needsConntrack(_ family: AddressFamily) -> Bool {
    switch self {
    // `dnat ip to` in an inet table asks for IPv4's alone (`nft_nat_init` in `net/netfilter/nft_nat.c`).
    case .translate(let translation): translation.family == nil || translation.family == family
    case .match(let match): match.subject.needsConntrack
    case .anyOf(let alternatives): alternatives.contains { $0.subject.needsConntrack }
    case .environment(let condition): condition.kind.needsConntrack
    case .opaqueMatch, .opaqueTarget, .missingRules: true
    case .assign(let assignment): assignment.field.needsConntrack || assignment.value.needsConntrack
    case .updateSet(let update):
      update.key.needsConntrack || (update.data?.needsConntrack ?? false)
        || update.conditions.contains(where: \.kind.needsConntrack)
    case .verdictMap(let key, _): key.needsConntrack
    case .verdict(let verdict): if case .synproxy = verdict { true } else { false }
    case .hiddenInterfaces, .effect, .notrack: false
    }
  }
}

extension EnvironmentCondition.Kind {
  /// Whether the match takes conntrack into use (`nf_ct_netns_get` in `xt_connlimit.c`, `xt_connbytes.c`,
  /// `xt_cluster.c`, `xt_helper.c`, `xt_connlabel.c`, `nft_connlimit.c`). A rate, a quota or the time does not.
  fileprivate var needsConntrack: Bool {
    switch self {
    case .connlimit, .connbytes, .cluster, .helper, .label, .ipvs: true
    case .limit, .quota, .hashlimit, .recent, .statistic, .time, .string, .bpf, .u32, .socket, .rateest, .condition,
      .nfacct, .osf, .account, .cpu, .devgroup, .cgroup, .policy, .realm, .rpfilter, .dynset, .lastUsed, .ipv4options,
      .tcpmss, .eui64, .ipv6header, .geoip, .random, .owner, .chunks:
      false
    }
  }
}

extension ValueExpression {
  fileprivate var needsConntrack: Bool {
    switch self {
    case .field(let field): field.needsConntrack
    case .constant, .anyOf, .masked: false
    case .bitwise(let operand, _, _), .shift(let operand, _): operand.needsConntrack
    case .combine(_, let a, let b): a.needsConntrack || b.needsConntrack
    case .concatenation(let parts): parts.contains(where: \.needsConntrack)
    case .map(let key, _): key.needsConntrack
    case .generated(let generator): generator.inputs.contains(where: \.needsConntrack)
    }
  }
}

extension Field {
  fileprivate var needsConntrack: Bool { if case .conntrack = self { true } else { false } }
}

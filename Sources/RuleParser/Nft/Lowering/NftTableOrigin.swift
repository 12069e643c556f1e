import RuleGraph

/// Tells the tables of iptables on nf_tables from tables that nft itself made.
enum NftTableOrigin {
  /// The base chains that iptables makes in each of its tables, with hook, type and priority
  /// (`xtables_ipv4` in iptables' `iptables/nft.c`).
  private static let chains: [String: [String: (ChainType, Hook, Int32)]] = [
    "raw": ["PREROUTING": (.filter, .prerouting, -300), "OUTPUT": (.filter, .output, -300)],
    "mangle": [
      "PREROUTING": (.filter, .prerouting, -150), "INPUT": (.filter, .input, -150),
      "FORWARD": (.filter, .forward, -150),
      "OUTPUT": (.route, .output, -150), "POSTROUTING": (.filter, .postrouting, -150),
    ],
    "filter": ["INPUT": (.filter, .input, 0), "FORWARD": (.filter, .forward, 0), "OUTPUT": (.filter, .output, 0)],
    "security": ["INPUT": (.filter, .input, 50), "FORWARD": (.filter, .forward, 50), "OUTPUT": (.filter, .output, 50)],
    "nat": [
      "PREROUTING": (.nat, .prerouting, -100), "INPUT": (.nat, .input, 100), "OUTPUT": (.nat, .output, -100),
      "POSTROUTING": (.nat, .postrouting, 100),
    ],
  ]

  /// Who made a table, from its name and base chains: iptables' tables have iptables' names and no base chain of
  /// another kind.
  static func origin(of table: Table) -> TableOrigin {
    guard table.family == .ip || table.family == .ip6, let expected = chains[table.name] else { return .nftables }
    var hasBase = false
    for chain in table.chains {
      guard let base = chain.base else { continue }
      guard let (type, hook, priority) = expected[chain.name], type == base.type, hook == base.hook,
        priority == base.priority
      else { return .nftables }
      hasBase = true
    }
    return hasBase || table.chains.contains { $0.rules.contains(where: hasXtables) } ? .iptablesNFT : .nftables
  }

  private static func hasXtables(_ rule: Rule) -> Bool {
    rule.statements.contains {
      switch $0 {
      case .opaqueMatch(let opaque), .opaqueTarget(let opaque): opaque.name.hasPrefix("xt ")
      default: false
      }
    }
  }
}

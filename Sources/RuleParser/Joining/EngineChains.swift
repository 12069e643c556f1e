import RuleGraph

/// The chains by which container engines and clusters are known, whose rules stand in several tables.
struct EngineChains {
  var isDocker = false
  var isCluster = false
  var isInFilter = false
  var isInNat = false
  /// Docker 28 and later.
  var dropsInRaw = false
  /// Whether rules jump to the chains in which Docker accepts published ports, and these were not shown.
  var hasUnshownPorts = false
  /// The first of them.
  var span: SourceSpan?

  /// Looks for such chains in the tables of iptables; nil when there are none.
  init?(_ tables: [Table]) {
    for table in tables where table.family == .ip && table.origin != .nftables && table.shown != .nothing {
      for chain in table.chains where chain.shown != .nothing {
        let name = chain.name.utf8
        let docker = name.starts(with: "DOCKER".utf8)
        let cluster =
          name.starts(with: "KUBE-".utf8) || name.starts(with: "NETAVARK".utf8) || name.starts(with: "CNI-".utf8)
        guard docker || cluster else { continue }
        if span == nil { span = chain.span }
        isDocker = isDocker || docker
        isCluster = isCluster || cluster
        if table.name == "filter" { isInFilter = true }
        if table.name == "nat" { isInNat = true }
        if chain.name == "DOCKER-FORWARD" || chain.name == "DOCKER-BRIDGE" || chain.name == "DOCKER-CT" {
          dropsInRaw = true
        }
      }
    }
    noteUnshownPorts(tables)
    if !isDocker, !isCluster { return nil }
  }

  private mutating func noteUnshownPorts(_ tables: [Table]) {
    for table in tables where table.family == .ip && table.origin != .nftables && table.name == "filter" {
      for name in ["DOCKER", "DOCKER-FORWARD"]
      where table.chainIndex(name).map({ table.chains[$0].shown == .nothing }) ?? true {
        guard let rule = table.chains.lazy.flatMap(\.rules).first(where: { $0.leads(to: name) }) else { continue }
        (isDocker, isInFilter, hasUnshownPorts) = (true, true, true)
        span = span ?? rule.span
      }
    }
  }
}

import RuleGraph

extension Ruleset {
  /// Whether packets are filtered in a chain, or in one that only such chains jump to: what it accepts says more of a
  /// packet than that mangle or nat let it pass.
  func isFiltering(_ id: ChainID) -> Bool {
    let table = tables[id.table]
    if table.origin == .nftables { return self[id].base?.type != .nat }
    return table.name == "filter" || table.name == "security"
  }
}

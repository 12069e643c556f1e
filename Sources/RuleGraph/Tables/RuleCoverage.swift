/// Which parts of a host's rules the dumps have told, so that what is absent can be told from what is unknown.
///
/// A table that no dump printed may hold anything. A table that is missing from a dump of the whole ruleset does not
/// exist: its hooks accept.
public struct RuleCoverage: Hashable, Sendable {
  /// A table's family and name.
  public struct TableName: Hashable, Sendable {
    /// The family.
    public var family: TableFamily
    /// The name.
    public var name: String

    /// Makes a table's name.
    public init(_ family: TableFamily, _ name: String) {
      self.family = family
      self.name = name
    }
  }

  /// The tables that were printed whole.
  public var tables: Set<TableName> = []
  /// The tables of which only some chains or lines were printed.
  public var partial: Set<TableName> = []
  /// The families for which one dump printed every table of iptables (`iptables-save` without `-t`).
  public var allOfIptables: Set<AddressFamily> = []
  /// Whether one dump printed every table of nf_tables (`nft list ruleset`), which holds those of iptables-nft.
  public var allOfNftables = false
  /// Whether single tables of nf_tables were printed, and no dump printed all of them (`nft list table`).
  public var someOfNftables = false
  /// Whether there may be tables of iptables-legacy, which `nft list ruleset` does not show.
  public var mayHaveLegacyTables = false

  /// Makes a coverage of nothing.
  public init() {}

  /// Whether a table of iptables is told for a family, be it printed or known not to exist.
  ///
  ///     ruleset.coverage.tells("raw", .ipv4)
  public func tells(_ table: String, _ family: AddressFamily) -> Bool {
    tables.contains(TableName(family == .ipv4 ? .ip : .ip6, table)) || allOfIptables.contains(family)
      || (allOfNftables && !mayHaveLegacyTables)
  }

  /// The tables of iptables, in the order in which the kernel asks them.
  package static let tablesInOrder = ["raw", "mangle", "nat", "filter", "security"]

  /// The tables of iptables that nothing is told of for a family, in the order in which the kernel asks them.
  public func untoldTables(_ family: AddressFamily) -> [String] {
    Self.tablesInOrder.filter {
      !tells($0, family) && !partial.contains(TableName(family == .ipv4 ? .ip : .ip6, $0))
    }
  }
}

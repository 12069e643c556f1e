import RuleGraph

/// Whether a listing ends before the table does.
///
/// iptables lists the built-in chains of a table in the order of the hooks and then the users' (iptables(8), "TABLES"
/// and "--list"): where a later one is missing the text was cut. Of nat, older kernels have no INPUT chain.
enum ListingEnd {
  /// What is missing at the end of the last chain, or nil.
  ///
  /// - Parameter isWhole: whether a command printed all of the table. Without one, a chain alone is an excerpt, and one
  ///   that was asked for.
  static func cut(of table: Table, isWhole: Bool) -> MissingRules? {
    guard let expected = chains[table.name] else { return nil }
    let shown = table.chains.map(\.name)
    let missing = expected.filter { !shown.contains($0) }
    // One that goes on with an excerpt shows none of them.
    if missing.count == expected.count { return nil }
    if isWhole {
      return missing.isEmpty && !jumpsElsewhere(table) ? nil : MissingRules(.cut)
    }
    // INPUT and FORWARD without OUTPUT.
    return expected.count > 2 && missing == expected.suffix(1) ? MissingRules(.cut) : nil
  }

  private static let chains = [
    "filter": ["INPUT", "FORWARD", "OUTPUT"], "security": ["INPUT", "FORWARD", "OUTPUT"],
    "nat": ["PREROUTING", "OUTPUT", "POSTROUTING"], "raw": ["PREROUTING", "OUTPUT"],
    "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  ]

  /// Whether a rule goes to a chain that was not printed: the kernel has it, so it would stand there.
  private static func jumpsElsewhere(_ table: Table) -> Bool {
    // A dump of thousands of rules is a file, and was not cut by hand.
    guard table.chains.reduce(0, { $0 + $1.rules.count }) <= 5000 else { return false }
    let names = Set(table.chains.map(\.name))
    return table.chains.contains { chain in
      chain.rules.contains { rule in
        switch rule.statements.last {
        case .verdict(.jump(let name)), .verdict(.goto(let name)): !names.contains(name)
        default: false
        }
      }
    }
  }
}

import RuleGraph

/// What iptables' own tables and chains are, since a dump prints only their names.
///
/// Source: `enum nf_ip_hook_priorities` in `include/uapi/linux/netfilter_ipv4.h`; the chains of each table in
/// iptables(8), "TABLES".
enum BuiltinTables {
  /// The hook of a built-in chain's name, or nil of any other name.
  static func hook(_ chain: String) -> Hook? {
    switch chain {
    case "PREROUTING": .prerouting
    case "INPUT": .input
    case "FORWARD": .forward
    case "OUTPUT": .output
    case "POSTROUTING": .postrouting
    default: nil
    }
  }

  /// Whether a name can be that of a built-in chain: all of them have 5 to 11 letters and one of four beginnings.
  static func mayHave(_ bytes: ByteView, _ name: Range<Int>) -> Bool {
    guard name.count >= 5, name.count <= 11 else { return false }
    switch bytes[name.lowerBound] {
    case UInt8(ascii: "P"), UInt8(ascii: "I"), UInt8(ascii: "F"), UInt8(ascii: "O"): return true
    default: return false
    }
  }

  /// What makes a chain of a table a base chain, or nil when it is a user's chain.
  static func base(table: String, chain: String, policy: BaseChain.Policy?) -> BaseChain? {
    guard let hook = hook(chain) else { return nil }
    switch table {
    case "raw": return BaseChain(type: .filter, hook: hook, priority: HookPriority.raw, policy: policy)
    case "mangle":
      return BaseChain(
        type: hook == .output ? .route : .filter, hook: hook, priority: HookPriority.mangle, policy: policy)
    case "nat":
      let source = hook == .postrouting || hook == .input
      return BaseChain(
        type: .nat, hook: hook, priority: source ? HookPriority.srcnat : HookPriority.dstnat, policy: policy)
    case "security": return BaseChain(type: .filter, hook: hook, priority: HookPriority.security, policy: policy)
    default: return BaseChain(type: .filter, hook: hook, priority: HookPriority.filter, policy: policy)
    }
  }

  /// The built-in chains of a table, as iptables lists them; nat's `INPUT` came later than the others (kernel 2.6.36).
  static func chains(of table: String) -> [String] {
    switch table {
    case "filter", "security": ["INPUT", "FORWARD", "OUTPUT"]
    case "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]
    case "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]
    case "raw": ["PREROUTING", "OUTPUT"]
    default: []
    }
  }

  /// Whether all built-in chains of a table are there: iptables always lists all of them.
  static func isWhole(_ table: Table) -> Bool {
    let chains = chains(of: table.name)
    return !chains.isEmpty
      && chains.allSatisfy { name in
        (table.name == "nat" && name == "INPUT") || table.chains.contains { $0.base != nil && $0.name == name }
      }
  }

  /// Whether some chains are the built-in chains of a table, all of them.
  static func isSome(_ names: [String]) -> Bool {
    let shown = Set(names)
    return ["filter", "nat", "mangle", "raw"].contains { table in
      let all = Set(chains(of: table))
      return shown == all || table == "nat" && shown == all.subtracting(["INPUT"])
    }
  }

  /// The order in which iptables lists the built-in chains of a table.
  static func rank(_ chain: String) -> Int? {
    switch chain {
    case "PREROUTING": 0
    case "INPUT": 1
    case "FORWARD": 2
    case "OUTPUT": 3
    case "POSTROUTING": 4
    default: nil
    }
  }
}

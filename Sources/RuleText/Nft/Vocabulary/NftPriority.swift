package import RuleGraph

/// The names of priorities (nft(8), "CHAINS": standard priority names; the bridge family has its own numbers).
package enum NftPriority {
  /// The number of a name, or nil when the name does not exist for a family.
  package static func value(_ name: String, hook: Hook, family: TableFamily) -> Int32? {
    if family == .bridge {
      switch name {
      case "dstnat": return -300
      case "filter": return -200
      case "out": return 100
      case "srcnat": return 300
      default: return nil
      }
    }
    switch name {
    case "raw": return HookPriority.raw
    case "mangle": return HookPriority.mangle
    case "dstnat": return HookPriority.dstnat
    case "filter": return HookPriority.filter
    case "security": return HookPriority.security
    case "srcnat": return HookPriority.srcnat
    default: return nil
    }
  }

  /// The names that nft prints for a hook, with their numbers.
  package static func names(hook: Hook, family: TableFamily) -> [(name: String, value: Int32)] {
    switch (family, hook) {
    case (.bridge, .prerouting): [("dstnat", -300), ("filter", -200)]
    case (.bridge, .output): [("out", 100), ("filter", -200)]
    case (.bridge, .postrouting): [("srcnat", 300), ("filter", -200)]
    case (.bridge, _): [("filter", -200)]
    case (.netdev, _), (.arp, _), (_, .ingress), (_, .egress): [("filter", 0)]
    case (_, .prerouting):
      [("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50)]
    case (_, .postrouting):
      [("raw", -300), ("mangle", -150), ("filter", 0), ("security", 50), ("srcnat", 100)]
    default: [("raw", -300), ("mangle", -150), ("filter", 0), ("security", 50)]
    }
  }
}

import RuleGraph

/// What the kernel calls at a hook, in order, for one family.
///
/// Base chains run by rising priority, whatever table or dialect they are of; at equal priority the one registered last
/// runs first. The chains of type nat are called together by the translation machinery, at -100 (prerouting, output) or
/// 100 (input, postrouting), whatever their own priorities say; those order them among themselves. Connection tracking
/// itself is an entry at -200.
///
/// Source: `net/netfilter/core.c` (nf_hook_entries_grow), `net/netfilter/nf_nat_core.c` (nf_nat_register_fn); measured
/// for equal priorities.
struct HookPlan {
  /// One call of a hook.
  enum Entry: Equatable {
    /// Connection tracking looks the packet up.
    case conntrack
    /// A base chain.
    case chain(ChainID)
    /// The translation of the destination (prerouting, output) or of the source (input, postrouting), with the nat
    /// chains that decide it. Of legacy iptables' chain and nft's chains of the same priority no dump tells which was
    /// registered last; then `otherwise` is the other order.
    case translation([ChainID], otherwise: [ChainID]?)
  }

  /// The calls of each family and hook, at its ``place(_:_:)``.
  private let entries: [[Entry]]

  /// The devices that have chains of their own, at ingress and at egress, in the order of their chains.
  let ingressDevices: [String]
  let egressDevices: [String]
  private let untoldHooks: Set<Hook>
  private let bridgeEntries: [Hook: [Entry]]

  /// The calls of a hook in order. At ingress and egress they are those of all devices: a chain says which it is for.
  func calls(_ hook: Hook, _ family: AddressFamily) -> [Entry] { entries[Self.place(hook, family)] }

  /// The calls of a bridge's own hook: the chains of the family `bridge`, which see the frames of all families.
  ///
  /// The rules of IP are called from within these hooks (`br_nf_pre_routing` and others in
  /// `net/bridge/br_netfilter_hooks.c`), at a priority behind that of `filter`: here they follow all of the bridge's
  /// own chains.
  func bridgeCalls(_ hook: Hook) -> [Entry] { bridgeEntries[hook] ?? [] }

  private static func bridgeEntries(_ ruleset: Ruleset) -> [Hook: [Entry]] {
    var calls: [Hook: [Call]] = [:]
    var registered = 0
    var looksAtConnections = false
    for (tableIndex, table) in ruleset.tables.enumerated()
    where table.family == .bridge && !table.flags.contains("dormant") {
      for (chainIndex, chain) in table.chains.enumerated() {
        looksAtConnections = looksAtConnections || chain.rules.contains(where: \.looksAtConnection)
        registered += 1
        guard let base = chain.base else { continue }
        let entry = Entry.chain(ChainID(table: tableIndex, chain: chainIndex))
        calls[base.hook, default: []].append(Call(priority: base.priority, registered: registered, entry: entry))
      }
    }
    if calls.isEmpty { return [:] }
    if looksAtConnections {
      // `nf_ct_bridge_pre` in `net/bridge/netfilter/nf_conntrack_bridge.c`, registered by the first rule that looks at
      // a connection.
      for hook in [Hook.prerouting, .output] {
        calls[hook, default: []].append(
          Call(priority: HookPriority.conntrack, registered: registered + 1, entry: .conntrack))
      }
    }
    return calls.mapValues(inOrder)
  }

  init(_ ruleset: Ruleset) {
    var entries = [[Entry]](repeating: [], count: 2 * Hook.allCases.count)
    for family in AddressFamily.allCases {
      let hasConntrack = ruleset.needsConntrack(family)
      for hook in Hook.allCases {
        entries[Self.place(hook, family)] = HookPlan.order(ruleset, hook, family, hasConntrack: hasConntrack)
      }
    }
    self.entries = entries
    bridgeEntries = Self.bridgeEntries(ruleset)
    ingressDevices = Self.devices(ruleset, .ingress)
    egressDevices = Self.devices(ruleset, .egress)
    untoldHooks = Set([Hook.ingress, .egress].filter { Self.hasUntoldDevices(ruleset, $0) })
  }

  /// Whether a chain of ingress or egress that may do something does not say which devices it is for: nft's JSON leaves
  /// them out (measured with 1.0.6).
  func hasUntoldDevices(_ hook: Hook) -> Bool { untoldHooks.contains(hook) }

  private static func hasUntoldDevices(_ ruleset: Ruleset, _ hook: Hook) -> Bool {
    ruleset.tables.contains { table in
      (table.family == .netdev || table.family == .inet) && !table.flags.contains("dormant")
        && table.chains.contains { chain in
          guard let base = chain.base, base.hook == hook, base.devices.isEmpty else { return false }
          return !chain.rules.isEmpty || base.policy == .drop
        }
    }
  }

  private static func devices(_ ruleset: Ruleset, _ hook: Hook) -> [String] {
    var devices: [String] = []
    for table in ruleset.tables where !table.flags.contains("dormant") {
      for chain in table.chains {
        guard let base = chain.base, base.hook == hook, table.family == .netdev || table.family == .inet else {
          continue
        }
        for device in base.devices where !devices.contains(device) { devices.append(device) }
      }
    }
    return devices
  }

  private static func place(_ hook: Hook, _ family: AddressFamily) -> Int {
    let number =
      switch hook {
      case .prerouting: 0
      case .input: 1
      case .forward: 2
      case .output: 3
      case .postrouting: 4
      case .ingress: 5
      case .egress: 6
      }
    return family == .ipv4 ? number : number + Hook.allCases.count
  }

  private struct Call {
    var priority: Int32
    /// How many chains the kernel had been given when it got this one; none of a call that was there before them all.
    var registered = 0
    var entry: Entry
  }

  private static func order(
    _ ruleset: Ruleset, _ hook: Hook, _ family: AddressFamily, hasConntrack: Bool
  ) -> [Entry] {
    var calls: [Call] = []
    var nat: [(priority: Int32, registered: Int, chain: ChainID)] = []
    var registered = 0
    for (tableIndex, table) in ruleset.tables.enumerated()
    where (table.family.sees(family) || table.family == .netdev) && !table.flags.contains("dormant") {
      for (chainIndex, chain) in table.chains.enumerated() {
        registered += 1
        guard let base = chain.base, base.hook == hook else { continue }
        let id = ChainID(table: tableIndex, chain: chainIndex)
        if base.type == .nat {
          guard hasConntrack else { continue }
          nat.append((base.priority, registered, id))
        } else {
          calls.append(Call(priority: base.priority, registered: registered, entry: .chain(id)))
        }
      }
    }
    switch hook {
    case .prerouting, .output:
      // Conntrack registers when the first rule asks for it, before that rule's chain does.
      calls.append(Call(priority: HookPriority.conntrack, entry: .conntrack))
      calls.append(translation(nat, priority: HookPriority.dstnat, ruleset))
    case .input, .postrouting:
      calls.append(translation(nat, priority: HookPriority.srcnat, ruleset))
    default: break
    }
    return inOrder(calls)
  }

  private static func inOrder(_ calls: [Call]) -> [Entry] {
    calls.sorted { ($0.priority, -$0.registered) < ($1.priority, -$1.registered) }.map(\.entry)
  }

  private static func translation(
    _ nat: [(priority: Int32, registered: Int, chain: ChainID)], priority: Int32, _ ruleset: Ruleset
  ) -> Call {
    func isLegacy(_ chain: ChainID) -> Bool {
      let origin = ruleset.tables[chain.table].origin
      return origin == .iptables || origin == .iptablesLegacy
    }
    /// The order with iptables' chains before or behind the others of their priority.
    func order(legacyFirst: Bool) -> [ChainID] {
      nat.map { ($0.priority, isLegacy($0.chain) == legacyFirst ? 0 : 1, -$0.registered, $0.chain) }
        .sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.3)
    }
    /// Chains without rules that accept change nothing, wherever they stand. A policy that no dump shows may drop.
    func acts(_ chain: ChainID) -> Bool { !ruleset[chain].rules.isEmpty || ruleset[chain].base?.policy != .accept }
    let (first, other) = (order(legacyFirst: false), order(legacyFirst: true))
    return Call(
      priority: priority, registered: nat.map(\.registered).min() ?? 0,
      entry: .translation(first, otherwise: first.filter(acts) == other.filter(acts) ? nil : other))
  }
}

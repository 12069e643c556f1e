package import HostModel
package import RuleGraph

extension Zone {
  /// The zones of a host: outside ones first, then networks, then the host itself.
  ///
  /// - Parameters:
  ///   - ruleset: Its rules.
  ///   - facts: What dumps tell of it.
  ///   - inferred: What the rules let one infer of it.
  package static func all(of ruleset: Ruleset, facts: HostFacts, inferred: InferredHost) -> [Zone] {
    let addresses = HostAddresses(ruleset, facts: facts, inferred: inferred)
    return ZoneSearch(facts: facts, inferred: inferred, addresses: addresses).zones()
  }
}

/// Finds the zones of a host: as its interfaces are told, else as its rules name them.
struct ZoneSearch {
  let facts: HostFacts
  let inferred: InferredHost
  let addresses: HostAddresses

  /// The zones: outside ones first, then networks, then the host itself.
  func zones() -> [Zone] {
    let networks = networks()
    let inner = Set(networks.compactMap(\.interface))
    var outside = facts.addressesKnown.isEmpty ? namedInRules(besides: inner) : told(besides: inner)
    let links = outside.map(\.prefixes) + networks.map(\.prefixes)
    for index in outside.indices {
      // What is on another link comes in from there, unless somebody forges it.
      let others = links.enumerated().filter { $0.offset != index }.flatMap(\.element)
      outside[index].sources = sources(besides: others)
    }
    return outside + networks + [Zone(kind: .host, prefixes: [], gateways: [], input: .empty, sources: [:])]
  }

  // MARK: Networks

  private func networks() -> [Zone] {
    var bridges: [String] = []
    var known: Set<String> = []
    func add(_ name: String) { if known.insert(name).inserted { bridges.append(name) } }
    for network in facts.networks where network.driver == "bridge" {
      if let bridge = network.bridge, isThere(bridge) { add(bridge) }
    }
    for interface in facts.interfaces where isInner(interface.name) { add(interface.name) }
    for bridge in inferred.bridges where isInner(bridge) && isThere(bridge) { add(bridge) }
    return bridges.compactMap(network)
  }

  /// Whether an interface exists, as far as that is told; one that is down carries nothing.
  private func isThere(_ name: String) -> Bool {
    if facts.addressesKnown.isEmpty { return true }
    return facts.interface(name).map { $0.isUp != false } ?? false
  }

  /// Whether containers or virtual machines are on a bridge.
  private func isInner(_ name: String) -> Bool {
    if facts.networks.contains(where: { $0.bridge == name && $0.driver == "bridge" }) { return true }
    if let owner = BridgeOwner.named(name) { return owner.hasContainers || owner == .libvirt }
    guard let interface = facts.interface(name) else { return inferred.ruledBridges.contains(name) }
    guard interface.kind == nil || interface.kind == "bridge" else { return false }
    // A bridge with a port that is no container's end leads outside.
    let ports = facts.hasPorts(name) ? facts.interfaces.filter { $0.master == name } : []
    if !ports.isEmpty { return ports.allSatisfy { $0.kind == "veth" } }
    // One that rules masquerade, and translate ports to addresses behind it.
    return inferred.ruledBridges.contains(name)
      && inferred.containerAddresses.contains { interface.isOnSubnet($0.address) }
  }

  private func network(_ bridge: String) -> Zone? {
    guard let name = InterfaceName(bridge) else { return nil }
    let told = facts.networks.first { $0.bridge == bridge }
    let own =
      facts.interface(bridge)?.addresses.filter { !HostAddresses.linkLocal6.contains($0.address.bits) } ?? []
    var prefixes = own.compactMap(\.subnet)
    for prefix in (told?.subnets ?? []) + inferred.subnets.filter({ $0.interface == bridge }).map(\.prefix)
    where !prefixes.contains(prefix) { prefixes.append(prefix) }
    var gateways = own.map(\.address)
    if gateways.isEmpty {
      gateways = inferred.hostAddresses.filter { $0.interface == bridge }.map(\.address)
    }
    var zone = Zone(
      kind: .network(bridge: bridge), networkName: told?.name == "bridge" ? nil : told?.name, prefixes: prefixes,
      gateways: gateways, input: ValueSet(name.value), sources: [:])
    let mine = ValueSet(gateways.map { $0.bits...$0.bits })
    for family in AddressFamily.allCases {
      let subnets = prefixes.filter { $0.family == family }
      zone.sources[family] = ValueSet(subnets.flatMap { Self.hosts(of: $0).intervals }).subtracting(mine)
    }
    return zone
  }

  /// The addresses of a subnet without its own and its broadcast address.
  static func hosts(of prefix: Prefix) -> ValueSet {
    guard prefix.family == .ipv4, prefix.length < 31 else { return prefix.values }
    return ValueSet((prefix.address.bits + 1)...(prefix.last.bits - 1))
  }

  // MARK: Outside

  /// The interfaces that lead to other hosts: those with an address, or that a route leads through.
  private func told(besides inner: Set<String>) -> [Zone] {
    facts.interfaces.compactMap { interface in
      guard interface.name != "lo", interface.kind != "loopback", !inner.contains(interface.name),
        interface.isUp != false, let name = InterfaceName(interface.name), !isInner(interface.name)
      else { return nil }
      if interface.master != nil || interface.kind == "veth" && interface.addresses.isEmpty { return nil }
      let routed = facts.routes.contains { $0.nextHops.contains { $0.interface == interface.name } }
      let own = interface.addresses.filter { !HostAddresses.linkLocal6.contains($0.address.bits) }
      guard !own.isEmpty || routed else { return nil }
      return Zone(
        kind: .outside(interface: interface.name), prefixes: own.compactMap(\.subnet).filter { $0.length > 0 },
        gateways: own.map(\.address), input: ValueSet(name.value), sources: [:])
    }
  }

  /// The interfaces that rules name, and one zone for all others: no rule tells these apart.
  private func namedInRules(besides inner: Set<String>) -> [Zone] {
    var names = Set(inferred.namedInterfaces.values.flatMap(\.self))
    names = names.filter { $0 != "lo" && !inner.contains($0) && !isInner($0) && !$0.hasPrefix("veth") }
    let taken = names.union(inner).union(["docker0", "docker_gwbridge"]).compactMap { InterfaceName($0)?.value }
    var rest = InterfaceName.wires.subtracting(ValueSet(taken.map { $0...$0 }))
    for beginning in ["br-", "veth"] {
      if let all = InterfaceName.set(matching: beginning, wildcard: true) { rest = rest.subtracting(all) }
    }
    func zone(_ name: String?, _ input: ValueSet) -> Zone {
      Zone(kind: .outside(interface: name), prefixes: [], gateways: [], input: input, sources: [:])
    }
    return names.sorted().compactMap { name in InterfaceName(name).map { zone(name, ValueSet($0.value)) } }
      + [zone(nil, rest)]
  }

  /// All addresses that packets can come from, but for those of other links and the host's own.
  private func sources(besides others: [Prefix]) -> [AddressFamily: ValueSet] {
    var sources: [AddressFamily: ValueSet] = [:]
    for family in AddressFamily.allCases {
      var impossible = ValueSet(others.filter { $0.family == family && $0.length > 0 }.flatMap(\.values.intervals))
      impossible = impossible.union(addresses.reachable[family] ?? .empty)
      for prefix in links where prefix.family == .ipv4 && prefix.length < 31 {
        impossible = impossible.union(ValueSet(prefix.last.bits))
      }
      sources[family] = Self.possible(family).subtracting(impossible)
    }
    return sources
  }

  private var links: [Prefix] { facts.interfaces.flatMap(\.addresses).compactMap(\.subnet) }

  /// Without loopback, groups, reserved and link-local blocks (RFC 6890): what a router hands on.
  private static func possible(_ family: AddressFamily) -> ValueSet {
    guard family == .ipv4 else { return ValueSet((UInt128(1) << 125)...((UInt128(0xfe) << 120) - 1)) }
    func block(_ first: UInt32, _ last: UInt32) -> ClosedRange<UInt128> {
      IPAddress(ipv4: first).bits...IPAddress(ipv4: last).bits
    }
    return ValueSet([block(0x0100_0000, 0x7eff_ffff), block(0x8000_0000, 0xdfff_ffff)])
  }
}

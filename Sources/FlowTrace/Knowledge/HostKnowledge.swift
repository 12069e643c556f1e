import HostModel
import RuleGraph

/// What is known of the host for deciding where packets go: the facts of the dumps, and, where they are silent, what
/// the rules let one infer.
///
/// Everything that follows from facts and rules alone is worked out once, for all traces of a tracer.
final class HostKnowledge: Sendable {
  let facts: HostFacts
  /// What the rules let one infer where the facts are silent.
  let inferred: InferredHost
  /// Subnets, and single container addresses, that the rules show to be behind an interface.
  let inferredSubnets: [InferredSubnet]
  /// Addresses that the user says are the host's.
  let givenAddresses: ValueSet

  /// The host's own addresses of each family, as the rules let one infer them.
  let inferredAddresses: [AddressFamily: ValueSet]
  /// The addresses of all interfaces of each family, as told, with those the user gave.
  let localAddresses: [AddressFamily: ValueSet]
  /// The IPv4 addresses that are delivered locally as broadcasts: the subnets' last ones and 255.255.255.255.
  let broadcastAddresses: ValueSet
  /// The addresses of each family that frames for a group or for all may be sent to.
  let addressesForAll: [AddressFamily: ValueSet]
  /// The addresses of each family that translations lead to or containers are told to have: not the host's own.
  let containerAddresses: [AddressFamily: ValueSet]
  /// The addresses of the subnets, and single containers, that the rules show to be behind an interface.
  let inferredSubnetAddresses: ValueSet
  /// The networks of each family that the addresses of interfaces bring with them, as told.
  let connectedNetworks: [AddressFamily: ValueSet]
  /// The bridges of the host, told or inferred.
  let bridges: [String]
  /// The names of the bridges as values.
  let bridgeNames: ValueSet
  /// The routes that were told.
  let routes: RouteIndex
  /// The routes that addresses bring with them, and those of subnets that the rules show, for where no routing table
  /// was told; and their destinations.
  let connectedRoutes: RouteIndex
  let connectedDestinations: [Prefix]
  /// The policy rules of each family in order; the usual three where none were printed.
  let routingRules: [AddressFamily: [RoutingRule]]
  /// What is known of interfaces by name, for those that facts or rules mention.
  private let bridgeAnswers: [String: Bool]
  /// Where containers are found by port and address.
  private let places: ContainerPlaces
  /// Whether policy rules, or routes, look at more than addresses, marks and interfaces.
  let hasRarePolicyRules: Bool
  /// The types of service that some route is for alone.
  let typesOfServiceRoutes: [UInt8]

  init(facts: HostFacts, inferred: InferredHost, givenAddresses: ValueSet) {
    places = ContainerPlaces(facts.containers)
    self.facts = facts
    self.inferred = inferred
    self.givenAddresses = givenAddresses
    let ruled =
      inferred.subnets
      + inferred.containerAddresses.compactMap { container in
        guard let interface = container.interface,
          !inferred.subnets.contains(where: { $0.interface == interface && $0.prefix.contains(container.address) }),
          let prefix = Prefix(container.address, length: container.address.family.addressBits)
        else { return nil }
        return InferredSubnet(interface: interface, prefix: prefix, evidence: container.evidence)
      }
    // A container in a subnet that its bridge is told to have needs no route of its own.
    let told = Dictionary(
      facts.interfaces.map { ($0.name, $0.addresses.compactMap(\.subnet)) }, uniquingKeysWith: +)
    let subnets = ruled.filter { one in
      !(told[one.interface] ?? []).contains { $0.contains(one.prefix.address) && $0.length <= one.prefix.length }
    }
    inferredSubnets = subnets
    inferredSubnetAddresses = ValueSet(ruled.flatMap(\.prefix.values.intervals))
    broadcastAddresses = Self.broadcastAddresses(facts, subnets)
    typesOfServiceRoutes = Set(facts.routes.compactMap(\.tos)).sorted()
    let looksAtMore = facts.routingRules.contains {
      $0.tos != nil || $0.transport != nil || $0.sourcePorts != nil || $0.destinationPorts != nil || $0.users != nil
    }
    hasRarePolicyRules = looksAtMore || !typesOfServiceRoutes.isEmpty
    addressesForAll = [.ipv4: Self.multicast4.union(broadcastAddresses), .ipv6: Self.multicast6]
    routes = RouteIndex(facts.routes)
    let own = Self.routes(ofAddresses: facts)
    connectedNetworks = Dictionary(grouping: own.map(\.destination), by: \.family).mapValues { networks in
      ValueSet(networks.flatMap(\.values.intervals))
    }
    let connected = own + Self.routes(to: subnets, beside: own)
    connectedRoutes = RouteIndex(connected)
    connectedDestinations = connected.map(\.destination)
    routingRules = AddressFamily.allCases.reduce(into: [:]) { $0[$1] = Self.routingRules(facts, $1) }
    var inferredSets: [AddressFamily: ValueSet] = [:]
    var local: [AddressFamily: ValueSet] = [:]
    var containers: [AddressFamily: ValueSet] = [:]
    for family in AddressFamily.allCases {
      func set(_ addresses: [IPAddress]) -> ValueSet {
        ValueSet(addresses.filter { $0.family == family }.map { $0.bits...$0.bits })
      }
      inferredSets[family] = set(inferred.hostAddresses.map(\.address))
      containers[family] = set(
        facts.containers.flatMap(\.endpoints).flatMap(\.addresses) + inferred.containerAddresses.map(\.address))
      local[family] = Self.localAddresses(facts, family).union(givenAddresses.intersection(family.allAddresses))
    }
    inferredAddresses = inferredSets
    localAddresses = local
    containerAddresses = containers
    var answers: [String: Bool] = [:]
    var found: [String] = []
    func isBridge(_ name: String) -> Bool {
      if let known = answers[name] { return known }
      let answer = Self.isBridge(name, facts, ruled)
      answers[name] = answer
      return answer
    }
    found += facts.interfaces.map(\.name).filter(isBridge)
    found += facts.networks.compactMap { $0.driver == "bridge" ? $0.bridge : nil }
    found += ruled.map(\.interface).filter(isBridge)
    var seen = Set<String>()
    bridges = found.filter { seen.insert($0).inserted }
    bridgeNames = ValueSet(bridges.compactMap { InterfaceName($0)?.value }.map { $0...$0 })
    bridgeAnswers = answers
  }

  private static func routes(ofAddresses facts: HostFacts) -> [Route] {
    facts.interfaces.flatMap { interface in
      interface.addresses.compactMap { address -> Route? in
        guard let subnet = address.subnet, address.prefixLength < subnet.family.addressBits else { return nil }
        return Route(to: subnet, nextHops: [Route.NextHop(gateway: nil, interface: interface.name)])
      }
    }
  }

  private static func routes(to inferred: [InferredSubnet], beside told: [Route]) -> [Route] {
    var known = Set(told.map(\.destination))
    return inferred.filter { known.insert($0.prefix).inserted }.map { subnet in
      Route(to: subnet.prefix, nextHops: [Route.NextHop(gateway: nil, interface: subnet.interface)])
    }
  }

  private static func routingRules(_ facts: HostFacts, _ family: AddressFamily) -> [RoutingRule] {
    var told = facts.routingRules.filter { $0.family == family }
    // The rule of VRFs applies to their ports alone (`l3mdev_fib_rule_match` in `net/l3mdev/l3mdev.c`).
    let hasVRF = facts.interfaces.contains { $0.kind == "vrf" }
    for index in told.indices where told[index].action == .lookup("[l3mdev-table]") {
      if hasVRF { told[index].unknownSelector = "l3mdev" } else { told[index].action = .nop }
    }
    let isWhole = facts.routingRulesKnown.contains(family)
    if !isWhole { told += untoldRules(facts, family, beside: told) }
    if !told.isEmpty {
      return told.enumerated().sorted { ($0.element.priority, $0.offset) < ($1.element.priority, $1.offset) }.map(
        \.element)
    }
    return []
  }

  /// The rules that a host has beside some that were told, where `ip rule` was not printed or only in part: the usual
  /// three, and, where other tables are shown, one of which nothing is known for each.
  private static func untoldRules(
    _ facts: HostFacts, _ family: AddressFamily, beside told: [RoutingRule]
  ) -> [RoutingRule] {
    let actions = Set(told.map(\.action))
    func isLookedUp(_ table: String) -> Bool { actions.contains(.lookup(table)) }
    var rules: [RoutingRule] = []
    for (priority, table) in [(0, "local"), (32766, "main"), (32767, "default")] where !isLookedUp(table) {
      rules.append(RoutingRule(priority: priority, family: family, action: .lookup(table)))
    }
    var seen: Set<String> = ["local", "main", "default"]
    for route in facts.routes where route.destination.family == family && seen.insert(route.table).inserted {
      if isLookedUp(route.table) { continue }
      var rule = RoutingRule(priority: 32765, family: family, action: .lookup(route.table))
      rule.unknownSelector = untoldSelector
      rules.append(rule)
    }
    return rules
  }

  /// What stands for the selector of a rule that must be there, since its table is, and that no dump shows.
  static let untoldSelector = "not shown"

  /// The host's own address on an interface, as the rules let one infer it.
  func inferredAddress(on interface: String, _ family: AddressFamily) -> InferredAddress? {
    inferred.hostAddresses.first { $0.interface == interface && $0.address.family == family }
  }

  private static func localAddresses(_ facts: HostFacts, _ family: AddressFamily) -> ValueSet {
    var ranges = facts.interfaces.flatMap(\.addresses).map(\.address).filter { $0.family == family }.map {
      $0.bits...$0.bits
    }
    ranges += facts.unplacedAddresses.filter { $0.family == family }.map { $0.bits...$0.bits }
    // Another table's local routes count only for packets that the policy rules lead there.
    for route in facts.routes
    where route.kind == .local && route.table == "local" && route.destination.family == family {
      ranges += route.destination.values.intervals
    }
    ranges += family == .ipv4 ? Self.loopback4.intervals : ValueSet(1).intervals
    return ValueSet(ranges)
  }

  private static func broadcastAddresses(_ facts: HostFacts, _ inferredSubnets: [InferredSubnet]) -> ValueSet {
    var ranges = [ClosedRange<UInt128>]()
    for address in facts.interfaces.flatMap(\.addresses) where address.address.isIPv4 && address.prefixLength < 31 {
      if let broadcast = address.broadcast ?? address.subnet?.last { ranges.append(broadcast.bits...broadcast.bits) }
    }
    for route in facts.routes where route.kind == .broadcast && route.table == "local" {
      ranges += route.destination.values.intervals
    }
    for subnet in inferredSubnets where subnet.prefix.family == .ipv4 && subnet.prefix.length < 31 {
      ranges.append(subnet.prefix.last.bits...subnet.prefix.last.bits)
    }
    let limited = IPAddress(ipv4: 0xffff_ffff).bits
    ranges.append(limited...limited)
    return ValueSet(ranges)
  }

  static let loopback4 = AddressFamily.ipv4.loopback
  static let multicast4 = ValueSet(IPAddress(ipv4: 0xe000_0000).bits...IPAddress(ipv4: 0xefff_ffff).bits)
  static let multicast6 = ValueSet((UInt128(0xff) << 120)...UInt128.max)
  static let zero4 = ValueSet(IPAddress(ipv4: 0).bits)

  /// The group of all hosts on a link, which every host takes part in.
  static func allHosts(_ family: AddressFamily) -> UInt128 {
    family == .ipv4 ? IPAddress(ipv4: 0xe000_0001).bits : (UInt128(0xff02) << 112) | 1
  }

  static let groupsBesideAllHosts4 = multicast4.subtracting(ValueSet(allHosts(.ipv4)))
  static let groupsBesideAllHosts6 = multicast6.subtracting(ValueSet(allHosts(.ipv6)))

  static func multicast(_ family: AddressFamily) -> ValueSet { family == .ipv4 ? multicast4 : multicast6 }

  /// Whether all addresses of the host are told, each with its interface.
  func knowsAddresses(_ family: AddressFamily) -> Bool { facts.addressesKnown.contains(family) }

  /// Whether it is told which addresses are the host's own, on whichever interfaces they are.
  func knowsOwnAddresses(_ family: AddressFamily) -> Bool {
    facts.addressesKnown.contains(family) || facts.ownAddressesKnown.contains(family)
  }

  /// Whether the question names addresses of the host: then it names all that it needs of this version. (Those of IPv4
  /// are among IPv6's as mapped ones, RFC 4291, 2.5.5.2.)
  func namesOwnAddresses(_ family: AddressFamily) -> Bool {
    let ipv4 = AddressFamily.ipv4.allAddresses
    return family == .ipv4 ? !givenAddresses.isDisjoint(with: ipv4) : !givenAddresses.isSubset(of: ipv4)
  }

  /// What an address of the host on a wire may be where none is told: neither loopback nor a group nor a broadcast
  /// address.
  func possibleOwnAddresses(_ family: AddressFamily) -> ValueSet {
    family.allAddresses.subtracting(
      family == .ipv4
        ? Self.multicast4.union(Self.loopback4).union(Self.zero4).union(broadcastAddresses)
        : Self.multicast6.union(ValueSet(0...1)))
  }

  /// Whether an address is on a link of the host, as addresses and routes tell.
  func isOnALink(_ address: IPAddress) -> Bool {
    facts.interface(onSubnetOf: address) != nil
      || inferredSubnets.contains { $0.prefix.contains(address) }
      || facts.routes.contains { route in
        route.kind == .unicast && route.destination.length > 0 && route.destination.contains(address)
          && route.nextHops.contains { $0.gateway == nil }
      }
  }

  /// Whether a dump shows what is in a routing table. `main` has a flag of its own, and the others that every host has
  /// are known by other facts, or empty.
  func tells(_ table: String, _ family: AddressFamily) -> Bool {
    ["local", "main", "default", "255", "254", "253"].contains(table) || facts.allRouteTablesKnown.contains(family)
      || facts.routeTablesKnown[family]?.contains(table) ?? false
      || routes.holds(table, family)
  }

  /// A kernel setting as a number; nil when not told.
  func setting(_ name: String) -> Int? { facts.sysctls[name].flatMap { Int($0.value) } }

  /// The larger of `all` and the interface's own value of a setting such as `rp_filter`; nil when not told.
  func interfaceSetting(_ name: String, _ interface: String, family: AddressFamily = .ipv4) -> Int? {
    let base = family == .ipv4 ? "net.ipv4.conf." : "net.ipv6.conf."
    let all = setting(base + "all." + name)
    let own = setting(base + interface + "." + name)
    guard all != nil || own != nil else { return nil }
    if own == nil, all == 0, facts.maskedSettings.contains(base + name) { return nil }
    return max(all ?? 0, own ?? 0)
  }

  /// The networks that are behind interfaces whose names are masked.
  func subnetsOfUnnamedInterfaces(_ family: AddressFamily) -> ValueSet {
    facts.routes.reduce(into: ValueSet.empty) { subnets, route in
      guard route.destination.family == family, route.kind == .unicast, route.destination.length > 0,
        route.nextHops.contains(where: { $0.interface == nil && $0.gateway == nil })
      else { return }
      subnets = subnets.union(route.destination.values)
    }
  }

  /// The running containers that publish a port of the host, each with that port.
  func publishers(of port: UInt128, _ transport: UInt128) -> [(container: Container, port: Container.PublishedPort)] {
    places.publishers(of: port, transport).map { place in
      (facts.containers[place.container], facts.containers[place.container].ports[place.port])
    }
  }

  /// The host's ends of the pairs that containers with an address are behind.
  func hostEnds(of address: IPAddress) -> [String] { places.hostEnds[address] ?? [] }

  /// Whether an interface is a bridge: told, or named and used as one.
  func isBridge(_ name: String) -> Bool {
    bridgeAnswers[name] ?? Self.isBridge(name, facts, inferredSubnets)
  }

  /// `br0`, `vmbr1`, `xenbr0`: what nearly everybody calls a bridge.
  private static func isNumberedBridge(_ name: String) -> Bool {
    let letters = name.prefix { !$0.isNumber }
    return letters.count < name.count && letters.hasSuffix("br") && name.dropFirst(letters.count).allSatisfy(\.isNumber)
  }

  private static func isBridge(_ name: String, _ facts: HostFacts, _ inferredSubnets: [InferredSubnet]) -> Bool {
    let interface = facts.interface(name)
    if let kind = interface?.kind { return kind == "bridge" }
    if facts.hasPorts(name) { return true }
    if facts.networks.contains(where: { $0.bridge == name && $0.driver == "bridge" }) { return true }
    if BridgeOwner.named(name) != nil || name.hasPrefix("br-") { return true }
    // An interface that `ip addr` shows without a port is no bridge to anybody.
    if interface?.index != nil { return false }
    if isNumberedBridge(name) { return true }
    return !isWireName(name) && inferredSubnets.contains { $0.interface == name }
  }

  /// `eth0`, `enp3s0`, `wlan0`: what the kernel and systemd call network cards (systemd.net-naming-scheme(7)). A router
  /// masquerades what is behind one, too.
  private static func isWireName(_ name: String) -> Bool {
    let letters = name.prefix { $0.isLetter }
    return ["eth", "en", "eno", "ens", "enp", "enx", "wlan", "wl", "wlo", "wls", "wlp", "wlx", "ww"].contains(letters)
  }
}

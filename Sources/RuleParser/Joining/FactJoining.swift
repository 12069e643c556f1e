import HostModel
import RuleGraph

/// Makes one host of what many outputs say about it.
struct FactJoining {
  private var facts = HostFacts()
  private var interfaces: [(strand: Int, isWhole: Bool, list: [Interface])] = []
  private var addressesKnown: [(strand: Int, families: Set<AddressFamily>)] = []
  private var routes: [(strand: Int, list: [Route])] = []
  private var routingRules: [(strand: Int, list: [RoutingRule])] = []
  private var sockets: [(strand: Int, list: [ListeningSocket])] = []
  private var containerIndex = ContainerIndex()
  private var inside: [(container: String, interfaces: [Interface])] = []

  /// Adds the facts of one output.
  mutating func add(_ new: HostFacts, strand: Int) {
    addInterfaces(new, strand)
    addRoutes(new, strand)
    addSockets(new, strand)
    for network in new.networks { add(network) }
    for container in new.containers { add(container) }
    facts.sysctls.merge(new.sysctls) { $1 }
    facts.daemonSettings.merge(new.daemonSettings) { $1 }
    facts.versions.merge(new.versions) { $1 }
    facts.maskedAddresses.merge(new.maskedAddresses) { $0 + $1 }
    facts.maskedSettings.formUnion(new.maskedSettings)
    for route in new.maskedRoutes where !facts.maskedRoutes.contains(route) { facts.maskedRoutes.append(route) }
    facts.ufw = new.ufw ?? facts.ufw
    facts.firewalls.removeAll { old in new.firewalls.contains { $0.firewall == old.firewall } }
    facts.firewalls += new.firewalls
    facts.announcedPorts += new.announcedPorts
    facts.connections += new.connections
    facts.neighbours += new.neighbours
  }

  /// Adds what was printed inside a container: its addresses.
  mutating func addInside(_ container: String, _ new: HostFacts) {
    if !new.interfaces.isEmpty { inside.append((container, new.interfaces)) }
  }

  /// The facts together.
  func join() -> HostFacts {
    var joined = self
    joined.joinInterfaces()
    joined.joinRoutes()
    joined.joinSockets()
    joined.joinContainers()
    joined.joinSharedNetworks()
    joined.dropRepeated()
    joined.facts.placeAddressesOfRoutes()
    return joined.facts
  }

  /// Keeps the first of what several outputs tell alike, and of neighbours the last.
  private mutating func dropRepeated() {
    struct Tuple: Hashable {
      var transport: UInt8
      var ends: [Endpoint]
    }
    struct Place: Hashable {
      var address: IPAddress
      var interface: String?
    }
    var connections: Set<Tuple> = []
    facts.connections.removeAll {
      let ends = [$0.original.source, $0.original.destination, $0.reply.source, $0.reply.destination]
      return !connections.insert(Tuple(transport: $0.transport, ends: ends)).inserted
    }
    var places: Set<Place> = []
    facts.neighbours = facts.neighbours.reversed().filter {
      places.insert(Place(address: $0.address, interface: $0.interface)).inserted
    }
    .reversed()
    var addresses: Set<IPAddress> = []
    facts.unplacedAddresses.removeAll { !addresses.insert($0).inserted }
  }

  // MARK: - Interfaces

  private mutating func addInterfaces(_ new: HostFacts, _ strand: Int) {
    facts.unplacedAddresses += new.unplacedAddresses
    facts.ownAddressesKnown.formUnion(new.ownAddressesKnown)
    guard !new.interfaces.isEmpty else { return }
    if !new.addressesKnown.isEmpty {
      // The whole list again: what the same paste said of addresses before is over. What other commands said of the
      // interfaces that are still there stays (`bridge link`, `ip -d link`).
      let names = Set(new.interfaces.map(\.name))
      let others = interfaces.filter { $0.strand == strand && !$0.isWhole }.map { entry in
        (
          strand, false,
          entry.list.filter { names.contains($0.name) }.map { interface in
            var interface = interface
            interface.addresses = []
            return interface
          }
        )
      }
      interfaces.removeAll { $0.strand == strand }
      interfaces.append((strand, true, new.interfaces))
      interfaces += others
      addressesKnown.removeAll { $0.strand == strand }
      addressesKnown.append((strand, new.addressesKnown))
      return
    }
    interfaces.append((strand, false, new.interfaces))
  }

  private mutating func joinInterfaces() {
    var order: [String] = []
    var byName: [String: Interface] = [:]
    for interface in interfaces.flatMap(\.list) {
      if byName[interface.name] == nil { order.append(interface.name) }
      byName[interface.name, default: interface].merge(interface)
    }
    facts.interfaces = order.compactMap { byName[$0] }.enumerated().sorted { a, b in
      (a.element.index ?? .max, a.offset) < (b.element.index ?? .max, b.offset)
    }.map(\.element)
    facts.addressesKnown = addressesKnown.reduce(into: []) { $0.formUnion($1.families) }
    // A port's master is a bridge unless it was said to be something else.
    let masters = Set(facts.interfaces.filter { $0.kind == nil || $0.kind == "veth" }.compactMap(\.master))
    for index in facts.interfaces.indices
    where facts.interfaces[index].kind == nil && masters.contains(facts.interfaces[index].name) {
      facts.interfaces[index].kind = "bridge"
    }
  }

  // MARK: - Routes

  private mutating func addRoutes(_ new: HostFacts, _ strand: Int) {
    // A table that is told wholly again replaces what the same paste said of it before, and no other table.
    func isReplaced(_ route: Route) -> Bool {
      let family = route.destination.family
      if new.allRouteTablesKnown.contains(family) { return true }
      return route.table == "main"
        ? new.routesKnown.contains(family) : new.routeTablesKnown[family]?.contains(route.table) ?? false
    }
    for index in routes.indices where routes[index].strand == strand { routes[index].list.removeAll(where: isReplaced) }
    facts.routesKnown.formUnion(new.routesKnown)
    facts.routeTablesKnown.merge(new.routeTablesKnown) { $0.union($1) }
    facts.allRouteTablesKnown.formUnion(new.allRouteTablesKnown)
    if !new.routes.isEmpty { routes.append((strand, new.routes)) }
    for family in new.routingRulesKnown {
      for index in routingRules.indices where routingRules[index].strand == strand {
        routingRules[index].list.removeAll { $0.family == family }
      }
    }
    facts.routingRulesKnown.formUnion(new.routingRulesKnown)
    if !new.routingRules.isEmpty { routingRules.append((strand, new.routingRules)) }
  }

  private mutating func joinRoutes() {
    var places: [Route: Int] = [:]
    for (place, route) in facts.routes.enumerated().reversed() { places[bare(route)] = place }
    for route in routes.flatMap(\.list) {
      if let known = places[bare(route)] {
        if facts.routes[known].source == nil { facts.routes[known].source = route.source }
        if facts.routes[known].scope == nil { facts.routes[known].scope = route.scope }
        facts.routes[known].isDead = facts.routes[known].isDead || route.isDead
      } else {
        places[bare(route)] = facts.routes.count
        facts.routes.append(route)
      }
    }
    var known = Set(facts.routingRules.map(bare))
    for rule in routingRules.flatMap(\.list) where known.insert(bare(rule)).inserted {
      facts.routingRules.append(rule)
    }
  }

  /// What two outputs say alike of one route: destination, kind, table, type of service, metric and next hops.
  private func bare(_ route: Route) -> Route {
    var bare = Route(
      route.kind, to: route.destination, nextHops: route.nextHops, table: route.table, metric: route.metric)
    bare.tos = route.tos
    return bare
  }

  private func bare(_ rule: RoutingRule) -> RoutingRule {
    var bare = rule
    bare.span = nil
    return bare
  }

  // MARK: - Sockets

  private mutating func addSockets(_ new: HostFacts, _ strand: Int) {
    if new.socketsKnown { sockets.removeAll { $0.strand == strand } }
    facts.socketsKnown = facts.socketsKnown || new.socketsKnown
    if !new.sockets.isEmpty { sockets.append((strand, new.sockets)) }
  }

  private mutating func joinSockets() {
    var places: [SocketPlace: [Int]] = [:]
    for (place, socket) in facts.sockets.enumerated() { places[SocketPlace(socket), default: []].append(place) }
    for socket in sockets.flatMap(\.list) {
      let here = SocketPlace(socket)
      if let known = places[here]?.first(where: { isSame(facts.sockets[$0], socket) }) {
        facts.sockets[known].program = facts.sockets[known].program ?? socket.program
        facts.sockets[known].pid = facts.sockets[known].pid ?? socket.pid
        facts.sockets[known].forwardsTo = facts.sockets[known].forwardsTo ?? socket.forwardsTo
      } else {
        places[here, default: []].append(facts.sockets.count)
        facts.sockets.append(socket)
      }
    }
    let ofIPv4 = Set(facts.sockets.filter { $0.families == [.ipv4] && $0.address == nil }.map { SocketPlace($0) })
    // `0.0.0.0:80` and `[::]:80` can be bound side by side only if the second takes IPv6 alone.
    for index in facts.sockets.indices where facts.sockets[index].families.count == 2 {
      var twin = SocketPlace(facts.sockets[index])
      twin.address = nil
      if ofIPv4.contains(twin) { facts.sockets[index].families = [.ipv6] }
    }
  }

  /// Where a socket listens.
  private struct SocketPlace: Hashable {
    var transport: UInt8
    var port: UInt16
    var address: IPAddress?
    var interface: String?

    init(_ socket: ListeningSocket) {
      (transport, port, address, interface) = (socket.transport, socket.port, socket.address, socket.interface)
    }
  }

  /// `0.0.0.0:80` and `*:80` are two sockets when the second was printed for IPv6.
  private func isBesideIPv4(_ a: ListeningSocket, _ b: ListeningSocket) -> Bool {
    a.families != b.families && (a.families == [.ipv4] || b.families == [.ipv4])
  }

  private func isSame(_ a: ListeningSocket, _ b: ListeningSocket) -> Bool {
    guard a.transport == b.transport, a.port == b.port else { return false }
    if let first = a.pid, let second = b.pid, first != second { return false }
    return a.address == b.address && a.interface == b.interface
      && (a.families.isSubset(of: b.families) || b.families.isSubset(of: a.families)) && !isBesideIPv4(a, b)
  }

  // MARK: - Containers

  /// Whether one identifier is the other, or its beginning.
  private func isSameID(_ a: String, _ b: String) -> Bool {
    !a.isEmpty && !b.isEmpty && (a.hasPrefix(b) || b.hasPrefix(a))
  }

  private mutating func add(_ new: ContainerNetwork) {
    let known = facts.networks.firstIndex { old in
      isSameID(old.id, new.id)
        || ((old.id.isEmpty || new.id.isEmpty) && (old.name == new.name || isSameID(old.id, new.name)))
    }
    guard let known else {
      // The same name with another id: the network was made anew.
      facts.networks.removeAll { !$0.id.isEmpty && !new.id.isEmpty && $0.name == new.name }
      facts.networks.append(new)
      return
    }
    var network = facts.networks[known]
    if new.id.utf8.count > network.id.utf8.count { network.id = new.id }
    if !new.driver.isEmpty { network.driver = new.driver }
    if !new.subnets.isEmpty { network.subnets = new.subnets }
    if !new.gateways.isEmpty { network.gateways = new.gateways }
    if !new.options.isEmpty {
      network.options = new.options
      network.bridge = new.bridge
    }
    network.isInternal = new.isInternal ?? network.isInternal
    network.bridge = network.bridge ?? new.bridge
    network.parent = new.parent ?? network.parent
    facts.networks[known] = network
  }

  private mutating func add(_ new: Container) {
    func isSame(_ place: Int) -> Bool {
      let old = facts.containers[place]
      return isSameID(old.id, new.id)
        || ((old.id.isEmpty || new.id.isEmpty) && (old.name == new.name || isSameID(old.id, new.name)))
    }
    let candidates = containerIndex.candidates(for: new)
    guard let known = candidates.map({ $0.first(where: isSame) }) ?? facts.containers.indices.first(where: isSame)
    else {
      if containerIndex.knows(new.name) {
        facts.containers.removeAll { !$0.id.isEmpty && !new.id.isEmpty && $0.name == new.name }
        containerIndex = ContainerIndex(facts.containers)
      }
      containerIndex.add(new, at: facts.containers.count)
      facts.containers.append(new)
      return
    }
    var container = facts.containers[known]
    if new.id.utf8.count > container.id.utf8.count {
      container.id = new.id
      containerIndex.add(container, at: known)
    }
    for leg in new.endpoints { Self.add(leg, to: &container) }
    container.networkMode = new.networkMode ?? container.networkMode
    if !new.ports.isEmpty { container.ports = new.ports }
    container.isRunning = new.isRunning ?? container.isRunning
    container.pid = new.pid ?? container.pid
    if !new.links.isEmpty { container.links = new.links }
    facts.containers[known] = container
  }

  private static func add(_ leg: Container.NetworkLeg, to container: inout Container) {
    guard let known = container.endpoints.firstIndex(where: { $0.network == leg.network }) else {
      container.endpoints.append(leg)
      return
    }
    if leg.network.isEmpty {
      // Legs whose networks nothing names are told apart by their addresses alone.
      if !container.endpoints[known].addresses.contains(where: { leg.addresses.contains($0) }) {
        container.endpoints.append(leg)
      }
      return
    }
    if !leg.addresses.isEmpty { container.endpoints[known].addresses = leg.addresses }
    if let hardware = leg.hardwareAddress { container.endpoints[known].hardwareAddress = hardware }
    for alias in leg.aliases where !container.endpoints[known].aliases.contains(alias) {
      container.endpoints[known].aliases.append(alias)
    }
  }

  private mutating func joinContainers() {
    for entry in inside {
      for interface in entry.interfaces where interface.name != "lo" {
        let addresses = interface.addresses.map(\.address).filter { !Self.isLinkLocal($0) }
        if addresses.isEmpty { continue }
        let isTold = facts.container(entry.container)?.endpoints.contains { leg in
          addresses.contains { leg.addresses.contains($0) }
        }
        let hostEnd = hostEnd(of: interface)
        if isTold == true {
          if let hostEnd { setHostEnd(hostEnd, ofLegWith: addresses, container: entry.container) }
          continue
        }
        let network = facts.networks.first { network in
          let bridge = network.bridge.flatMap { facts.interface($0) }
          let subnets = network.subnets + (bridge?.addresses.compactMap(\.subnet) ?? [])
          return subnets.contains { subnet in addresses.contains { subnet.contains($0) } }
        }
        add(
          Container(
            name: facts.container(entry.container)?.name ?? entry.container, id: "",
            endpoints: [
              .init(
                network: network?.name ?? "", addresses: addresses, hardwareAddress: interface.hardwareAddress)
            ], span: interface.span))
        if let hostEnd { setHostEnd(hostEnd, ofLegWith: addresses, container: entry.container) }
      }
    }
  }

  /// The host's end of a container's interface: the pair's ends name each other by number.
  private func hostEnd(of interface: Interface) -> String? {
    guard let parent = interface.parent, parent.hasPrefix("if"), let number = Int(parent.dropFirst(2)),
      let other = facts.interfaces.first(where: { $0.index == number }), let index = interface.index,
      other.parent == "if\(index)"
    else { return nil }
    return other.name
  }

  private mutating func setHostEnd(_ name: String, ofLegWith addresses: [IPAddress], container: String) {
    for index in facts.containers.indices
    where facts.containers[index].name == container || isSameID(facts.containers[index].id, container) {
      for leg in facts.containers[index].endpoints.indices
      where facts.containers[index].endpoints[leg].addresses.contains(where: addresses.contains) {
        facts.containers[index].endpoints[leg].hostInterface = name
      }
    }
  }

  /// Gives containers that joined another one's network (`--network container:NAME`) its addresses.
  private mutating func joinSharedNetworks() {
    for index in facts.containers.indices where facts.containers[index].endpoints.isEmpty {
      guard let mode = facts.containers[index].networkMode, mode.hasPrefix("container:") else { continue }
      let owner = String(mode.dropFirst("container:".utf8.count))
      guard let shared = facts.containers.first(where: { $0.name == owner || isSameID($0.id, owner) }) else { continue }
      // The names by which others reach the owner are not this container's.
      facts.containers[index].endpoints = shared.endpoints.map {
        Container.NetworkLeg(network: $0.network, addresses: $0.addresses, hardwareAddress: $0.hardwareAddress)
      }
    }
  }

  private static func isLinkLocal(_ address: IPAddress) -> Bool {
    address.isLoopback || !address.isIPv4 && address.bits >> 118 == 0x3fa
  }
}

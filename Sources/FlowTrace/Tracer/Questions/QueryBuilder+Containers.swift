import HostModel
import RuleGraph

/// Containers as senders and receivers: which of their addresses and interfaces a question means.
extension QueryBuilder {
  mutating func setSender(_ text: String) throws(QueryTextError) {
    switch text {
    case "host":
      partial.origin = .host
      return
    case "outside":
      partial.origin = .wire
      partial.input = InterfaceName.anyName.subtracting(containerSideInterfaces)
      return
    default: break
    }
    guard let container = facts.container(text) else {
      if let near = Spelling.nearest(to: text, among: ["host", "outside"]), facts.containers.isEmpty {
        throw QueryTextError(
          .from, text, "a packet comes from host, from outside or from a container; did you mean \(near)?")
      }
      throw QueryTextError(.from, text, nameProblem(text))
    }
    switch container.networkMode {
    case "host":
      partial.origin = .host
      return
    case "none":
      partial.origin = .wire
      partial.sender = container.name
      setWithoutNetwork(container)
      return
    default: break
    }
    let own = self.own(container)
    guard !own.isEmpty else { throw QueryTextError(.from, text, withoutAddress(container)) }
    sender = container
    partial.sender = container.name
    partial.origin = .wire
    if partial.source == nil { partial.source = own }
    setInput(container.endpoints)
  }

  /// The addresses by which a container is reached: its own, or the host's where it uses the host's network.
  func own(_ container: Container) -> ValueSet {
    let addresses =
      container.networkMode == "host"
      ? facts.interfaces.filter { $0.name != "lo" }.flatMap(\.addresses).filter { $0.scope != "link" }.map(\.address)
      : container.endpoints.flatMap(\.addresses)
    return ValueSet(addresses.map { $0.bits...$0.bits })
  }

  func withoutAddress(_ container: Container) -> String {
    if container.networkMode == "host" {
      return
        "the container \(container.name) uses this host's network, and no dump shows the host's addresses; add the output of `ip addr`"
    }
    if let mode = container.networkMode, mode.hasPrefix("container:") {
      return
        "the container \(container.name) uses the network of \(mode.dropFirst(10).prefix(12)), whose addresses no dump shows; add the output of `docker inspect`"
    }
    return
      "the dumps show the container \(container.name) without its address; add what `docker inspect \(container.name)` prints, or write the address"
  }

  mutating func setWithoutNetwork(_ container: Container) {
    partial.withoutNetwork = container.name
  }

  private mutating func setInput(_ legs: [Container.NetworkLeg]) {
    let names = legs.compactMap { facts.network(of: $0)?.bridge }.compactMap { InterfaceName($0) }
    if !names.isEmpty { partial.input = ValueSet(names.map { $0.value...$0.value }) }
  }

  /// Chooses among the legs of containers that are on several networks: two containers speak over the network they
  /// share, and everything else leaves through the leg of its subnet, or through the default route.
  func settleLegs(_ query: inout Query) {
    let senderLegs = sender?.endpoints ?? []
    let receiverLegs = receiver?.endpoints ?? []
    let shared = senderLegs.filter { leg in receiverLegs.contains { $0.network == leg.network } }
    if let network = shared.first?.network, receiverLegs.count > 1 {
      query.destination = Self.addresses(receiverLegs.filter { $0.network == network })
    }
    if let owner = owner(of: sender) {
      query.remarks.append(.sharedNetwork(sender: query.sender, owner: owner))
    }
    if let sender, let receiver, let remark = unknownName(of: receiver, in: sender, shared.map(\.network)) {
      query.remarks.append(remark)
    }
    guard senderLegs.count > 1, given[.src] == nil, given[.input] == nil else { return }
    if let leg = shared.first {
      send(through: leg, &query)
    } else if let destination = query.destination,
      let leg = senderLegs.first(where: { !subnets(of: $0).isDisjoint(with: destination) })
    {
      if destination.isSubset(of: subnets(of: leg)) { send(through: leg, &query) }
    } else if let leg = defaultLeg(senderLegs) {
      send(through: leg, &query)
      query.assumptions.append(
        Assumption(
          .defaultLeg(container: sender?.name, network: leg.network),
          settledBy: "docker exec \(sender?.name ?? "NAME") ip route"))
    }
  }

  /// The container whose network another one joined.
  private func owner(of container: Container?) -> String? {
    guard let container, container.networkMode?.hasPrefix("container:") == true else { return nil }
    let own = self.own(container)
    return facts.containers.first {
      $0.name != container.name && $0.networkMode?.hasPrefix("container:") != true && self.own($0) == own
    }?
    .name
  }

  /// Docker's name server answers for containers of a user-defined network that both are on; on the default bridge only
  /// `--link` writes a name down.
  private func unknownName(of receiver: Container, in sender: Container, _ shared: [String]) -> Remark? {
    guard own(sender) != own(receiver), sender.networkMode != nil, !shared.contains(where: { $0 != "bridge" }),
      !sender.links.contains(receiver.name), sender.networkMode?.hasPrefix("container:") != true
    else { return nil }
    return .unknownName(of: receiver.name, inside: sender.name, sharesNetwork: !shared.isEmpty)
  }

  private func send(through leg: Container.NetworkLeg, _ query: inout Query) {
    query.source = Self.addresses([leg])
    query.input = facts.network(of: leg)?.bridge.flatMap { InterfaceName($0) }.map { ValueSet($0.value) }
  }

  private static func addresses(_ legs: [Container.NetworkLeg]) -> ValueSet {
    ValueSet(legs.flatMap(\.addresses).map { $0.bits...$0.bits })
  }

  private func subnets(of leg: Container.NetworkLeg) -> ValueSet {
    let network = facts.network(of: leg)
    let told = network?.subnets ?? []
    let connected = network?.bridge.flatMap { facts.interface($0) }?.addresses.compactMap(\.subnet) ?? []
    return ValueSet((told + connected).flatMap(\.values.intervals))
  }

  /// Docker gives the default route to the first network by name that is not internal (`libnetwork` sorts endpoints
  /// so).
  private func defaultLeg(_ legs: [Container.NetworkLeg]) -> Container.NetworkLeg? {
    legs.filter { facts.network(of: $0)?.isInternal != true }.min { $0.network < $1.network }
  }

  /// Loopback and the bridges on which containers are: packets of other hosts do not arrive there.
  var containerSideInterfaces: ValueSet {
    var names: Set<String> = ["lo", "docker0", "docker_gwbridge"]
    names.formUnion(facts.networks.compactMap(\.bridge))
    for interface in facts.interfaces where interface.kind == "veth" || interface.name.hasPrefix("veth") {
      names.insert(interface.name)
    }
    var result = ValueSet(names.compactMap { InterfaceName($0) }.map { $0.value...$0.value })
    // Docker calls the bridge of a network `br-` and twelve digits of its id.
    if let bridges = InterfaceName.set(matching: "br-", wildcard: true) { result = result.union(bridges) }
    return result
  }
}

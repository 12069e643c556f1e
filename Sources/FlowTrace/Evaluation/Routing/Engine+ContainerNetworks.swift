import HostModel
import RuleGraph

/// Networks of containers whose packets this host's rules never see.
extension Engine {
  /// The drivers whose interfaces hang below an interface of the host, beside its own addresses.
  private static let driversBelowAnInterface: Set<String> = ["macvlan", "ipvlan"]

  /// The end of a packet that does not come to this host's rules at all; nil where the dumps do not tell of such a
  /// network.
  ///
  /// Source: `macvlan_handle_frame` in `drivers/net/macvlan.c` and `ipvlan_handle_frame` in
  /// `drivers/net/ipvlan/ipvlan_core.c` take a frame before the host's own stack sees it, and give none to it.
  func pastTheHost(_ start: Flow) -> FinishedFlow? {
    guard !knowledge.facts.containers.isEmpty, let source = start.domain(.source),
      let destination = start.domain(.destination)
    else { return nil }
    var flow = start
    if let fact = withinOneNamespace(source, destination) { return pass(&flow, fact, fate: .local) }
    if let (one, other) = sharedOverlay(source, destination) {
      return pass(&flow, .overlay(network: one.name, to: other), fate: .bridged)
    }
    if let network = networkBelowAnInterface(source) {
      let own = knowledge.localAddresses[flow.family] ?? .empty
      if destination.isSubset(of: own) {
        return FinishedFlow(flow: flow, verdict: .drop, fate: .discarded, decidedBy: .outside(.macvlan))
      }
      return pass(&flow, past(network), fate: .bridged)
    }
    if let network = networkBelowAnInterface(destination), comesFromOutside(flow, network) {
      return pass(&flow, past(network), fate: .bridged)
    }
    return nil
  }

  /// The end of a question about a container that is on no network.
  func withoutNetwork(_ query: Query, _ family: AddressFamily, _ container: String) -> FinishedFlow {
    var flow = startingFlow(query, family, isSentByHost: query.origin == .host)
    flow.arrival = flow.binding
    flow.remarks.append(.noNetwork(container: container))
    return FinishedFlow(flow: flow, verdict: .drop, fate: .discarded, decidedBy: .outside(.noPath))
  }

  /// Whether a packet that leaves through an interface is for a container below that interface: the two never reach
  /// each other.
  func isLostBelowItsInterface(_ flow: Flow) -> Bool {
    guard !knowledge.facts.networks.isEmpty, let destination = flow.domain(.destination),
      let network = networkBelowAnInterface(destination), let output = flow.domain(.output)?.single
    else { return false }
    return network.parent == nil || network.parent == InterfaceName(value: output).description
  }

  private func pass(_ flow: inout Flow, _ fact: Step.Fact, fate: Case.Fate) -> FinishedFlow {
    flow.isPastHost = true
    flow.note(Step(hook: nil, .remark, matched: true, action: .past, fact: fact))
    return FinishedFlow(flow: flow, verdict: .accept, fate: fate, decidedBy: .nothing)
  }

  private func past(_ network: ContainerNetwork) -> Step.Fact {
    .onTheWire(network: network.name, driver: network.driver, parent: network.parent)
  }

  /// A container speaks to an address that is its own, or that of a container which shares its network.
  private func withinOneNamespace(_ source: ValueSet, _ destination: ValueSet) -> Step.Fact? {
    guard let address = source.single, destination.single == address else { return nil }
    let sharing = knowledge.facts.containers.filter {
      $0.endpoints.contains { $0.addresses.contains(IPAddress(bits: address)) }
    }
    if sharing.isEmpty { return nil }
    let names = sharing.map(\.name)
    return names.count > 1 ? .sharedNamespace(names) : .ownNamespace(names[0])
  }

  private func networkBelowAnInterface(_ addresses: ValueSet) -> ContainerNetwork? {
    network(of: addresses, drivers: Self.driversBelowAnInterface)?.network
  }

  private func sharedOverlay(_ source: ValueSet, _ destination: ValueSet) -> (
    network: ContainerNetwork, receiver: String
  )? {
    guard let from = network(of: source, drivers: ["overlay"]), let to = network(of: destination, drivers: ["overlay"]),
      from.network == to.network
    else { return nil }
    return (from.network, to.container)
  }

  /// The network of one of these drivers on which a container has all of some addresses.
  private func network(of addresses: ValueSet, drivers: Set<String>) -> (network: ContainerNetwork, container: String)?
  {
    for network in knowledge.facts.networks where drivers.contains(network.driver) {
      for container in knowledge.facts.containers {
        let own = container.endpoints.filter { $0.network == network.name || $0.network == network.id }.flatMap(
          \.addresses)
        if !own.isEmpty, addresses.isSubset(of: ValueSet(own.map { $0.bits...$0.bits })) {
          return (network, container.name)
        }
      }
    }
    return nil
  }

  /// Whether a packet comes over the wire that the network hangs on, not from behind another interface of this host.
  private func comesFromOutside(_ flow: Flow, _ network: ContainerNetwork) -> Bool {
    guard let input = flow.domain(.input)?.single else { return true }
    let name = InterfaceName(value: input).description
    return network.parent.map { $0 == name } ?? !knowledge.isBridge(name)
  }
}

import HostModel
import RuleGraph

extension PacketConstants {
  /// The addresses and ports that dumps tell of the host.
  mutating func add(_ facts: HostFacts) {
    for address in facts.interfaces.flatMap(\.addresses) {
      add(address.address)
      add(address.broadcast)
      add(address.peer)
      add(address.subnet)
    }
    for address in facts.unplacedAddresses { add(address) }
    for route in facts.routes {
      add(route.destination)
      add(route.source)
      for hop in route.nextHops { add(hop.gateway) }
    }
    for rule in facts.routingRules {
      add(rule.source)
      add(rule.destination)
      // Routes that depend on ports count as looking at them.
      if rule.sourcePorts != nil || rule.destinationPorts != nil { compute([.sourcePort, .destinationPort]) }
    }
    for socket in facts.sockets {
      add(socket.address)
      add(socket.port)
      add(socket.forwardsTo)
    }
    for network in facts.networks {
      for prefix in network.subnets { add(prefix) }
      for gateway in network.gateways { add(gateway) }
    }
    for container in facts.containers { add(container) }
    for connection in facts.connections {
      add(connection.original.source)
      add(connection.original.destination)
      add(connection.reply.source)
      add(connection.reply.destination)
    }
    for neighbour in facts.neighbours { add(neighbour.address) }
  }

  /// What rules let one infer of the host.
  mutating func add(_ host: InferredHost) {
    for subnet in host.subnets { add(subnet.prefix) }
    for address in host.containerAddresses + host.hostAddresses { add(address.address) }
    for port in host.publishedPorts {
      add(port.ports)
      add(port.hostAddress)
      add(port.target)
      if let number = port.targetPort { add(number) }
    }
  }

  private mutating func add(_ endpoint: Endpoint?) {
    guard let endpoint else { return }
    add(endpoint.address)
    add(endpoint.port)
  }

  private mutating func add(_ container: Container) {
    for address in container.endpoints.flatMap(\.addresses) { add(address) }
    for port in container.ports {
      add(port.hostAddress)
      add(port.hostPort)
      add(port.containerPort)
    }
    // A question may name a container by what looks like an address.
    let names = [container.name, container.id] + container.endpoints.flatMap(\.aliases)
    let isLikeAddress = names.contains { name in
      name.utf8.allSatisfy { $0 == UInt8(ascii: ".") || $0.isDigit }
    }
    if isLikeAddress || container.id.utf8.contains(UInt8(ascii: ".")) { compute([.source, .destination]) }
  }
}

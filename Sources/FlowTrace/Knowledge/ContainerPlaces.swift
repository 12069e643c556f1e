import HostModel
import RuleGraph

/// Where containers are found by a port or an address, so that a thousand of them are not gone through for each packet.
struct ContainerPlaces {
  /// Where a port that is published stands among the containers and their ports.
  struct PortPlace {
    var container: Int
    var port: Int
  }

  private struct PortKey: Hashable {
    var transport: UInt8
    var port: UInt16
  }

  private var ports: [PortKey: [PortPlace]] = [:]
  /// The host's ends of the pairs of containers, by the containers' addresses.
  private(set) var hostEnds: [IPAddress: [String]] = [:]

  init(_ containers: [Container]) {
    for (place, container) in containers.enumerated() {
      for leg in container.endpoints {
        guard let end = leg.hostInterface else { continue }
        for address in leg.addresses { hostEnds[address, default: []].append(end) }
      }
      if container.isRunning == false { continue }
      for (number, published) in container.ports.enumerated() {
        let key = PortKey(transport: published.transport, port: published.hostPort)
        ports[key, default: []].append(PortPlace(container: place, port: number))
      }
    }
  }

  /// Where a port of the host is published by running containers, in their order.
  func publishers(of port: UInt128, _ transport: UInt128) -> [PortPlace] {
    guard let port = UInt16(exactly: port), let transport = UInt8(exactly: transport) else { return [] }
    return ports[PortKey(transport: transport, port: port)] ?? []
  }
}

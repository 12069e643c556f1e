import HostModel
import RuleGraph

/// The addresses of containers, with the ports that they are known to answer on.
struct ContainerPorts {
  /// The addresses of known containers.
  private(set) var addresses: ValueSet = .empty
  /// The addresses that a port is known at.
  private(set) var known: [HostPorts.Key: [UInt16: ValueSet]] = [:]

  init(_ host: AnalysedHost) {
    var all: [ClosedRange<UInt128>] = []
    var found: [HostPorts.Key: [UInt16: [ClosedRange<UInt128>]]] = [:]
    func add(_ address: IPAddress, _ port: UInt16, _ transport: UInt8) {
      let key = HostPorts.Key(family: address.family, transport: IPProtocol(rawValue: transport))
      found[key, default: [:]][port, default: []].append(address.bits...address.bits)
    }
    for container in host.facts.containers where container.isRunning != false && container.networkMode != "host" {
      for address in container.endpoints.flatMap(\.addresses) {
        all.append(address.bits...address.bits)
        for port in container.ports { add(address, port.containerPort, port.transport) }
      }
    }
    let inferred = Set(host.inferred.containerAddresses.map(\.address))
    all += inferred.map { $0.bits...$0.bits }
    for port in host.inferred.publishedPorts {
      guard let target = port.target, inferred.contains(target) || all.isEmpty else { continue }
      guard let inner = port.targetPort ?? port.ports.single.map({ UInt16(truncatingIfNeeded: $0) }) else { continue }
      for transport in port.transport.map({ [$0] }) ?? [IPProtocol.tcp.rawValue, IPProtocol.udp.rawValue] {
        add(target, inner, transport)
      }
    }
    addresses = ValueSet(all)
    known = found.mapValues { $0.mapValues { ValueSet($0) } }
  }
}

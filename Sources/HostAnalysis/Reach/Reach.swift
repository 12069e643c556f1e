import HostModel
import RuleGraph

extension AnalysedHost {
  /// From where something can be reached, by which ways, and what stops the others.
  ///
  /// The ways to a container are its own addresses and the ports of the host that are published for it.
  public func reach(_ target: ReachTarget) -> Exposure {
    var own: [IPAddress] = []
    if case .host(let addresses) = target.place { own += addresses.intervals.map { IPAddress(bits: $0.lowerBound) } }
    let search = ExposureSearch(self, alsoOwn: own)
    return search.exposure(from: search.zones) { services in
      let meant = services.compactMap { narrowed($0, to: target) }
      // Who asks for a port asks for who has it; where nobody is known to, for the rules.
      let known = meant.filter { $0.subject == .hostPort || $0.subject == .containerPort }
      return target.port == nil || known.isEmpty ? meant : known
    }
  }

  /// The part of a service that is meant; nil where none of it is.
  private func narrowed(_ service: Service, to target: ReachTarget) -> Service? {
    if let transport = target.transport, service.transport != transport { return nil }
    var service = service
    let isHosts = service.subject.isOfHost
    switch target.place {
    case .anywhere: return narrowPorts(&service, target.port) ? service : nil
    case .host(let addresses):
      guard isHosts, narrowPorts(&service, target.port) else { return nil }
      service.addresses = service.addresses.intersection(addresses)
      return service.addresses.isEmpty ? nil : service
    case .container(let name, let addresses):
      if isHosts {
        guard service.subject == .hostPort else { return nil }
        service.ports = service.ports.intersection(
          published(for: name, addresses, port: target.port, service.transport))
        return service.ports.isEmpty ? nil : service
      }
      service.addresses = service.addresses.intersection(addresses)
      return !service.addresses.isEmpty && narrowPorts(&service, target.port) ? service : nil
    }
  }

  private func narrowPorts(_ service: inout Service, _ port: UInt16?) -> Bool {
    guard let port else { return true }
    service.ports = service.ports.intersection(ValueSet(port))
    return !service.ports.isEmpty
  }

  /// The ports of the host that lead to a container, or to one port of it.
  private func published(
    for name: String?, _ addresses: ValueSet, port: UInt16?, _ transport: IPProtocol
  ) -> ValueSet {
    var ports = ValueSet.empty
    for container in facts.containers where container.name == name && container.isRunning != false {
      for published in container.ports where published.transport == transport.rawValue {
        if port == nil || published.containerPort == port { ports = ports.union(ValueSet(published.hostPort)) }
      }
    }
    for published in inferred.publishedPorts {
      guard let target = published.target, addresses.contains(target.bits),
        published.transport ?? transport.rawValue == transport.rawValue
      else { continue }
      if port == nil || published.targetPort ?? port == port { ports = ports.union(published.ports) }
    }
    return ports
  }
}

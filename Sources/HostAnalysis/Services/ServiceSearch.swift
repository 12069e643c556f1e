import HostModel
import RuleGraph

/// Finds what is asked about from a zone, so that together it is every TCP and UDP port of the host and of its
/// containers, and nothing is asked twice.
struct ServiceSearch {
  let host: AnalysedHost
  let addresses: HostAddresses
  let zones: [Zone]
  private let containers: ContainerPorts

  private static let transports: [IPProtocol] = [.tcp, .udp]
  private static let allPorts = ValueSet(1...65535)

  init(_ host: AnalysedHost, addresses: HostAddresses, zones: [Zone]) {
    self.host = host
    self.addresses = addresses
    self.zones = zones
    containers = ContainerPorts(host)
  }

  /// The services that packets of a zone may be for.
  func services(from zone: Zone) -> [Service] {
    let ports = HostPorts(host, from: zone)
    let isHost = zone.kind == .host
    var services: [Service] = []
    for family in AddressFamily.allCases {
      for transport in Self.transports {
        let key = HostPorts.Key(family: family, transport: transport)
        if let own = addresses.reachable[family] {
          // A port that is published for loopback may be reached from a wire; whether it is, is asked.
          services += hostServices(key, ports, at: own, and: isHost ? .empty : family.loopback)
        }
        if isHost, family == .ipv4 || addresses.reachable[family] != nil,
          let loopback = HostAddresses.loopback[family].map({ ValueSet($0) })
        {
          services += hostServices(key, ports, at: loopback, and: family.loopback)
        }
        services += containerServices(key, from: zone)
      }
    }
    return services
  }

  // MARK: The host's own ports

  /// The ports at some of the host's addresses, and at others where they are bound to those by name.
  private func hostServices(
    _ key: HostPorts.Key, _ ports: HostPorts, at own: ValueSet, and others: ValueSet
  ) -> [Service] {
    let isHere = own.union(others)
    var services: [Service] = []
    func add(_ subject: Service.Subject, _ addresses: ValueSet, _ ports: ValueSet) {
      if addresses.isEmpty || ports.isEmpty { return }
      services.append(
        Service(subject: subject, family: key.family, transport: key.transport, addresses: addresses, ports: ports))
    }
    // By the addresses at which nobody has them, the ports that somebody has elsewhere.
    var left: [ValueSet: [ClosedRange<UInt128>]] = [:]
    var taken: [ClosedRange<UInt128>] = []
    for (port, binding) in ports.bindings[key, default: [:]].sorted(by: { $0.key < $1.key }) {
      let number = ValueSet(port)
      var free = own
      for address in binding.addresses.sorted() where isHere.contains(address.bits) || isElsewhere(address, own) {
        add(.hostPort, ValueSet(address.bits), number)
        free = free.subtracting(ValueSet(address.bits))
      }
      taken.append(UInt128(port)...UInt128(port))
      if binding.isEverywhere { add(.hostPort, free, number) } else { left[free, default: []] += number.intervals }
    }
    for (range, address) in ports.ranges[key, default: []] {
      let rest = range.subtracting(ValueSet(taken))
      if let address, !isHere.contains(address.bits), !isElsewhere(address, own) { continue }
      add(.hostPort, address.map { ValueSet($0.bits) } ?? own, rest)
      if address == nil { taken += rest.intervals }
    }
    for (free, ports) in left.sorted(by: { ($0.key.first ?? 0) < ($1.key.first ?? 0) }) where free != own {
      add(.otherHostPorts, free, ValueSet(ports))
    }
    add(.otherHostPorts, own, Self.allPorts.subtracting(ValueSet(taken)).union(ValueSet(left[own, default: []])))
    return services
  }

  /// Whether an address is none that the host is known to have: rules translate what is for it all the same. It is
  /// asked about once.
  private func isElsewhere(_ address: IPAddress, _ own: ValueSet) -> Bool {
    !address.isLoopback && own == addresses.reachable[address.family] && !own.contains(address.bits)
  }

  // MARK: Containers

  private func containerServices(_ key: HostPorts.Key, from zone: Zone) -> [Service] {
    var found: [Service] = []
    var rest = containers.addresses.intersection(key.family.ownAddresses)
    for network in zones {
      guard case .network(let bridge) = network.kind else { continue }
      let subnet = network.sources[key.family] ?? .empty
      let inside = rest.intersection(subnet)
      rest = rest.subtracting(subnet)
      // Where no container is known, any may be there.
      found += services(at: inside.isEmpty ? subnet : inside, behind: bridge, key)
    }
    return found + services(at: rest, behind: nil, key)
  }

  private func services(at addresses: ValueSet, behind bridge: String?, _ key: HostPorts.Key) -> [Service] {
    if addresses.isEmpty { return [] }
    func service(_ subject: Service.Subject, _ addresses: ValueSet, _ ports: ValueSet) -> Service {
      Service(subject: subject, family: key.family, transport: key.transport, addresses: addresses, ports: ports)
    }
    var services: [Service] = []
    var left: [ValueSet: [ClosedRange<UInt128>]] = [:]
    var taken: [ClosedRange<UInt128>] = []
    for (port, known) in containers.known[key, default: [:]].sorted(by: { $0.key < $1.key }) {
      let having = known.intersection(addresses)
      if having.isEmpty { continue }
      let number = UInt128(port)
      taken.append(number...number)
      for interval in having.intervals {
        for address in interval { services.append(service(.containerPort, ValueSet(address), ValueSet(number))) }
      }
      let lacking = addresses.subtracting(having)
      if !lacking.isEmpty { left[lacking, default: []].append(number...number) }
    }
    let other = Service.Subject.otherContainerPorts(bridge: bridge)
    for (lacking, ports) in left.sorted(by: { ($0.key.first ?? 0) < ($1.key.first ?? 0) }) {
      services.append(service(other, lacking, ValueSet(ports)))
    }
    services.append(service(other, addresses, Self.allPorts.subtracting(ValueSet(taken))))
    return services
  }
}

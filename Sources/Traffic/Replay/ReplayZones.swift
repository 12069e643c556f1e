package import HostModel
package import RuleGraph

/// Where the packets of a flow come from, by their source: logs of connections seldom say it.
///
/// In this order: what is said on the command line, the host's own addresses, the networks that dumps show, what the
/// rules let one infer; for all other sources the interface of the default route. What then is left comes in on any
/// interface but those of the networks.
package struct ReplayZones: Sendable {
  /// A place that flows come from.
  package enum Zone: Hashable, Sendable {
    /// The host itself.
    case host
    /// An interface, as ``InterfaceName/value``.
    case interface(UInt128)
    /// Any interface that no known network is behind.
    case elsewhere
  }

  /// Sources, and where their packets come from.
  private struct Entry {
    var sources: Prefix
    var zone: Zone
  }

  private var entries: [Entry] = []
  /// The interfaces of ``Zone/elsewhere``.
  package private(set) var elsewhere = InterfaceName.wires

  /// Finds the zones of a host.
  ///
  /// - Parameters:
  ///   - given: What the user says of sources.
  ///   - facts: What dumps tell of the host.
  ///   - inferred: What its rules let one infer.
  package init(given: [(sources: Prefix, interface: InterfaceName)], facts: HostFacts, inferred: InferredHost) {
    for one in given { entries.append(Entry(sources: one.sources, zone: .interface(one.interface.value))) }
    addOwn(facts)
    var networks: [(Prefix, String)] = []
    for interface in facts.interfaces where interface.isUp != false {
      networks += interface.addresses.compactMap(\.subnet).filter { $0.length > 0 }.map { ($0, interface.name) }
    }
    for network in facts.networks {
      if let bridge = network.bridge { networks += network.subnets.map { ($0, bridge) } }
    }
    networks += inferred.subnets.map { ($0.prefix, $0.interface) }
    // Reverse path: what the host would send to a source goes out where the source comes in.
    for route in facts.routes where route.table == "main" && route.nextHops.count == 1 && !route.isDead {
      if let name = route.nextHops.first?.interface { networks.append((route.destination, name)) }
    }
    // The sort is stable: of two equal networks the one that was told first stays first.
    for (prefix, name) in networks.sorted(by: { $0.0.length > $1.0.length }) {
      guard let interface = InterfaceName(name), name != "lo" else { continue }
      entries.append(Entry(sources: prefix, zone: .interface(interface.value)))
      if prefix.length > 0 { elsewhere = elsewhere.subtracting(ValueSet(interface.value)) }
    }
  }

  private mutating func addOwn(_ facts: HostFacts) {
    let own = facts.interfaces.filter { $0.isUp != false }.flatMap(\.addresses).map(\.address) + facts.unplacedAddresses
    for address in own {
      if let prefix = Prefix(address, length: address.family.addressBits) {
        entries.append(Entry(sources: prefix, zone: .host))
      }
    }
    for loopback in ["127.0.0.0/8", "::1/128"].compactMap({ Prefix($0) }) {
      entries.append(Entry(sources: loopback, zone: .host))
    }
  }

  /// Where packets of a source come from.
  func zone(of source: UInt128) -> Zone {
    for entry in entries where entry.sources.values.contains(source) { return entry.zone }
    return .elsewhere
  }

  /// The sets of sources that are told apart.
  package var sources: [ValueSet] { entries.map(\.sources.values) }
}

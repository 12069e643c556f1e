import HostModel
import RuleGraph

/// What is known of the host for deciding where packets go: the facts of the dumps, and, where they are silent, what the rules let one infer.
final class HostKnowledge {
  let facts: HostFacts
  /// What the rules let one infer where the facts are silent.
  let inferred: InferredHost
  /// Subnets, and single container addresses, that the rules show to be behind an interface.
  let inferredSubnets: [InferredSubnet]
  /// Addresses that the user says are the host's.
  let givenAddresses: ValueSet

  init(facts: HostFacts, inferred: InferredHost, givenAddresses: ValueSet) {
    self.facts = facts
    self.inferred = inferred
    self.givenAddresses = givenAddresses
    inferredSubnets =
      inferred.subnets
      + inferred.containerAddresses.compactMap { container in
        guard let interface = container.interface,
          !inferred.subnets.contains(where: { $0.interface == interface && $0.prefix.contains(container.address) }),
          let prefix = Prefix(container.address, length: container.address.family.addressBits)
        else { return nil }
        return InferredSubnet(interface: interface, prefix: prefix, evidence: container.evidence)
      }
  }

  /// The host's own address on an interface, as the rules let one infer it.
  func inferredAddress(on interface: String, _ family: AddressFamily) -> InferredAddress? {
    inferred.hostAddresses.first { $0.interface == interface && $0.address.family == family }
  }

  /// The host's own addresses of a family, as the rules let one infer them.
  private(set) lazy var inferredAddresses: [AddressFamily: ValueSet] = {
    var sets: [AddressFamily: ValueSet] = [:]
    for family in AddressFamily.allCases {
      sets[family] = ValueSet(
        inferred.hostAddresses.map(\.address).filter { $0.family == family }.map { $0.bits...$0.bits })
    }
    return sets
  }()

  /// The addresses of all interfaces of a family, as told, with those the user gave.
  private(set) lazy var localAddresses: [AddressFamily: ValueSet] = {
    var sets: [AddressFamily: ValueSet] = [:]
    for family in AddressFamily.allCases {
      var ranges = facts.interfaces.flatMap(\.addresses).map(\.address).filter { $0.family == family }.map {
        $0.bits...$0.bits
      }
      for route in facts.routes where route.kind == .local && route.destination.family == family {
        ranges += route.destination.values.intervals
      }
      ranges += family == .ipv4 ? Self.loopback4.intervals : ValueSet(1).intervals
      ranges += givenAddresses.intersection(family.allAddresses).intervals
      sets[family] = ValueSet(ranges)
    }
    return sets
  }()

  /// The IPv4 addresses that are delivered locally as broadcasts: the subnets' last ones and 255.255.255.255.
  private(set) lazy var broadcastAddresses: ValueSet = {
    var ranges = [ClosedRange<UInt128>]()
    for address in facts.interfaces.flatMap(\.addresses) where address.address.isIPv4 && address.prefixLength < 31 {
      if let broadcast = address.broadcast ?? address.subnet?.last { ranges.append(broadcast.bits...broadcast.bits) }
    }
    for route in facts.routes where route.kind == .broadcast { ranges += route.destination.values.intervals }
    for subnet in inferredSubnets where subnet.prefix.family == .ipv4 && subnet.prefix.length < 31 {
      ranges.append(subnet.prefix.last.bits...subnet.prefix.last.bits)
    }
    let limited = IPAddress(ipv4: 0xffff_ffff).bits
    ranges.append(limited...limited)
    return ValueSet(ranges)
  }()

  static let loopback4 = ValueSet(IPAddress(ipv4: 0x7f00_0000).bits...IPAddress(ipv4: 0x7fff_ffff).bits)
  static let multicast4 = ValueSet(IPAddress(ipv4: 0xe000_0000).bits...IPAddress(ipv4: 0xefff_ffff).bits)
  static let multicast6 = ValueSet((UInt128(0xff) << 120)...UInt128.max)
  static let zero4 = ValueSet(IPAddress(ipv4: 0).bits)

  static func multicast(_ family: AddressFamily) -> ValueSet { family == .ipv4 ? multicast4 : multicast6 }

  /// Whether all addresses of the host are told.
  func knowsAddresses(_ family: AddressFamily) -> Bool { facts.addressesKnown.contains(family) }

  /// A kernel setting as a number; nil when not told.
  func setting(_ name: String) -> Int? { facts.sysctls[name].flatMap { Int($0.value) } }

  /// The larger of `all` and the interface's own value of a setting such as `rp_filter`; nil when not told.
  func interfaceSetting(_ name: String, _ interface: String, family: AddressFamily = .ipv4) -> Int? {
    let base = family == .ipv4 ? "net.ipv4.conf." : "net.ipv6.conf."
    let all = setting(base + "all." + name)
    let own = setting(base + interface + "." + name)
    guard all != nil || own != nil else { return nil }
    return max(all ?? 0, own ?? 0)
  }

  /// Whether an interface is a bridge: told, or named and used as one.
  func isBridge(_ name: String) -> (answer: Bool, told: Bool) {
    if let interface = facts.interface(name), let kind = interface.kind { return (kind == "bridge", true) }
    if facts.interfaces.contains(where: { $0.master == name }) { return (true, true) }
    if facts.networks.contains(where: { $0.bridge == name && $0.driver == "bridge" }) { return (true, true) }
    if name == "docker0" || name.hasPrefix("br-") || name == "docker_gwbridge" || name.hasPrefix("virbr") {
      return (true, false)
    }
    // An interface that `ip addr` shows without a port is no bridge to anybody.
    if facts.interface(name)?.index != nil { return (false, false) }
    return (inferredSubnets.contains { $0.interface == name }, false)
  }
}

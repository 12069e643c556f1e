public import RuleGraph

/// What the rules let one infer of the host where no dump tells.
///
/// Container engines write what they know into their rules: `-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE` says that
/// docker0 holds that subnet, `-d 172.17.0.2/32 ! -i docker0 -o docker0 --dport 8080 -j ACCEPT` that a container of
/// that address is behind docker0, and `--dport 32769 -j DNAT --to-destination 172.17.0.2:8080` that its port is
/// published. None of this is certain: every entry carries the rule that it was taken from, and the command whose
/// output would settle it.
public struct InferredHost: Hashable, Sendable {
  /// The subnets behind interfaces whose addresses no dump told.
  public private(set) var subnets: [InferredSubnet] = []
  /// The addresses of containers, with the bridge that they are behind where a rule names it.
  public private(set) var containerAddresses: [InferredAddress] = []
  /// Addresses of the host itself: the first address of an inferred subnet (the gateway that Docker, libvirt and others
  /// give their bridges), the addresses that ports are published on, and those that SNAT puts in.
  public private(set) var hostAddresses: [InferredAddress] = []
  /// The ports that rules translate to somewhere else.
  public private(set) var publishedPorts: [InferredPort] = []
  /// For bridges with a rule about traffic from themselves to themselves: whether their containers may talk to each
  /// other.
  public private(set) var innerTraffic: [InferredInnerTraffic] = []

  /// Subnets that rules which were not shown, or not to their end, may tell to be a bridge's: its own address is in
  /// there, too.
  package private(set) var hiddenSubnets: [Prefix] = []

  /// Addresses of the host that rules name, and that the dump masks.
  package private(set) var maskedAddresses: [MaskedValue] = []

  /// The interfaces that rules show to hold a subnet, whatever dumps tell of their addresses, in the order of their
  /// first rule.
  public private(set) var ruledBridges: [String] = []
  /// The interfaces that the rules of a table ask for by name, by the table's index.
  public private(set) var namedInterfaces: [Int: Set<String>] = [:]

  /// The interfaces that hold an inferred subnet, in the order of their first rule: bridges, as far as the rules tell.
  public var bridges: [String] {
    var names: [String] = []
    for subnet in subnets where !names.contains(subnet.interface) { names.append(subnet.interface) }
    return names
  }

  /// The bridge that an address is behind: the one a rule names with the address, else the one whose subnet holds it.
  public func interface(of address: IPAddress) -> String? {
    if let named = containerAddresses.first(where: { $0.address == address && $0.interface != nil }) {
      return named.interface
    }
    return subnets.filter { $0.prefix.contains(address) }.max { $0.prefix.length < $1.prefix.length }?.interface
  }

  /// Infers from the rules of a host what its facts leave open.
  public init(ruleset: Ruleset, facts: HostFacts) {
    var seen = Seen()
    var hasUnseenMasquerades = false
    for (t, table) in ruleset.tables.enumerated() {
      var leavingChains: Set<Int>?
      func leaving(_ chain: Int) -> Bool {
        let known = leavingChains ?? table.chains(reachedFrom: .postrouting)
        leavingChains = known
        return known.contains(chain)
      }
      for (c, chain) in table.chains.enumerated() {
        for (r, rule) in chain.rules.enumerated() {
          if rule.missing != nil {
            let isUnseen = chain.base?.type == .nat && chain.base?.hook == .postrouting && table.family.sees(.ipv6)
            hasUnseenMasquerades = hasUnseenMasquerades || isUnseen
          }
          let shape = RuleShape(rule, in: table)
          let isLeaving = (shape.sourceTranslation != nil || shape.maskedSource != nil) && leaving(c)
          // Docker's own chain lets packets through to containers only, whatever interfaces the listing hides.
          if shape.hidesInterfaces, shape.isAccept, chain.name == "DOCKER", let container = shape.destination?.single {
            addContainer(
              InferredAddress(address: container, interface: nil, evidence: RuleID(table: t, chain: c, rule: r)), &seen)
          }
          take(shape, isLeaving: isLeaving, evidence: RuleID(table: t, chain: c, rule: r), facts: facts, &seen)
        }
      }
    }
    for network in facts.networks {
      guard let bridge = network.bridge else { continue }
      for prefix in network.subnets {
        add(InferredSubnet(interface: bridge, prefix: prefix, evidence: nil), facts: facts)
      }
    }
    takeDaemonSettings(facts, &seen)
    inferGateways(facts, &seen)
    if hasUnseenMasquerades { hideSubnetsOfContainers() }
  }

  /// Of containers with global addresses of IPv6 nothing else tells the network; nobody gives one that is smaller than
  /// what the addresses of hosts are made for (RFC 4291, 2.5.1).
  private mutating func hideSubnetsOfContainers() {
    for container in containerAddresses where container.address.family == .ipv6 {
      guard let prefix = Prefix(container.address, length: 64), !hiddenSubnets.contains(prefix) else { continue }
      hiddenSubnets.append(prefix)
    }
  }

  /// The daemon's `bip` is docker0's own address with its subnet.
  private mutating func takeDaemonSettings(_ facts: HostFacts, _ seen: inout Seen) {
    guard let setting = facts.daemonSettings["bip"] else { return }
    let parts = setting.filter { $0 != "\"" }.split(separator: "/")
    guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]),
      let prefix = Prefix(address, length: length)
    else { return }
    let before = subnets.count
    add(InferredSubnet(interface: "docker0", prefix: prefix, evidence: nil), facts: facts)
    guard subnets.count > before else { return }
    addHost(InferredAddress(address: address, interface: "docker0", evidence: nil), &seen)
  }

  private mutating func take(
    _ shape: RuleShape, isLeaving: Bool, evidence: RuleID, facts: HostFacts, _ seen: inout Seen
  ) {
    for name in [shape.input, shape.output] {
      if let name { namedInterfaces[evidence.table, default: []].insert(name) }
    }
    if shape.isMasquerade, let prefix = shape.source, prefix.isSubnet, let bridge = shape.notOutput {
      add(InferredSubnet(interface: bridge, prefix: prefix, evidence: evidence), facts: facts)
    }
    if shape.hasLostTarget, let prefix = shape.source, prefix.isSubnet, shape.notOutput != nil {
      hiddenSubnets.append(prefix)
    }
    if shape.isAccept, let bridge = shape.output, let prefix = shape.destination {
      if prefix.isSubnet {
        // libvirt and LXD accept what goes to their bridge's subnet.
        if Self.isBridgeName(bridge) {
          add(InferredSubnet(interface: bridge, prefix: prefix, evidence: evidence), facts: facts)
        }
      } else if !prefix.isEverything {
        addContainer(InferredAddress(address: prefix.address, interface: bridge, evidence: evidence), &seen)
      }
    }
    if shape.isVerdict, let input = shape.input, input == shape.output, shape.destination == nil, shape.source == nil,
      shape.destinationPorts == nil, !innerTraffic.contains(where: { $0.interface == input })
    {
      innerTraffic.append(InferredInnerTraffic(interface: input, isAllowed: shape.isAccept, evidence: evidence))
    }
    takeTranslation(shape, isLeaving: isLeaving, evidence: evidence, &seen)
  }

  /// - Parameter isLeaving: Whether the packets leave the host: the source of others need be no address of its.
  private mutating func takeTranslation(
    _ shape: RuleShape, isLeaving: Bool, evidence: RuleID, _ seen: inout Seen
  ) {
    for target in shape.destinationTranslations {
      if let address = target.address, !address.isLoopback {
        addContainer(InferredAddress(address: address, interface: nil, evidence: evidence), &seen)
      }
      let asked = shape.destination.flatMap { $0.isSubnet || $0.isEverything ? nil : $0.address }
      if let asked, !asked.isLoopback {
        addHost(InferredAddress(address: asked, interface: nil, evidence: evidence), &seen)
      }
      if let ports = target.asked ?? shape.destinationPorts {
        publishedPorts.append(
          InferredPort(
            transport: shape.transport, hostAddress: asked, ports: ports, target: target.address,
            targetPort: target.port, evidence: evidence))
      }
    }
    if !shape.destinationTranslations.isEmpty { maskedAddresses += shape.maskedDestinations }
    if let masked = shape.maskedSource, isLeaving { maskedAddresses.append(masked) }
    if let source = shape.sourceTranslation, isLeaving {
      addHost(InferredAddress(address: source, interface: shape.output, evidence: evidence), &seen)
    }
  }

  private mutating func add(_ subnet: InferredSubnet, facts: HostFacts) {
    if subnet.evidence != nil, !ruledBridges.contains(subnet.interface) { ruledBridges.append(subnet.interface) }
    let told =
      facts.interface(subnet.interface)?.addresses.contains { $0.address.family == subnet.prefix.family } ?? false
    if told || subnets.contains(where: { $0.interface == subnet.interface && $0.prefix == subnet.prefix }) { return }
    subnets.append(subnet)
  }

  private mutating func addContainer(_ address: InferredAddress, _ seen: inout Seen) {
    if let known = seen.containers[address.address] {
      if containerAddresses[known].interface == nil, address.interface != nil { containerAddresses[known] = address }
    } else {
      seen.containers[address.address] = containerAddresses.count
      containerAddresses.append(address)
    }
  }

  private mutating func addHost(_ address: InferredAddress, _ seen: inout Seen) {
    if seen.own.insert(address.address).inserted { hostAddresses.append(address) }
  }

  /// The addresses that were met so far: rulesets of big clusters hold tens of thousands.
  private struct Seen {
    /// The place of each container's address in ``containerAddresses``.
    var containers: [IPAddress: Int] = [:]
    /// The host's own.
    var own: Set<IPAddress> = []
  }

  private mutating func inferGateways(_ facts: HostFacts, _ seen: inout Seen) {
    for subnet in subnets {
      let told = facts.networks.filter { $0.bridge == subnet.interface }.flatMap(\.gateways)
        .filter { subnet.prefix.contains($0) }
      // Where the bridge's own address is told it is the gateway.
      if hostAddresses.contains(where: { $0.interface == subnet.interface && subnet.prefix.contains($0.address) }) {
        continue
      }
      let first = IPAddress(bits: subnet.prefix.address.bits + 1)
      for gateway in told.isEmpty ? [first] : told {
        addHost(
          InferredAddress(address: gateway, interface: subnet.interface, evidence: subnet.evidence), &seen)
      }
    }
    // An address that is the host's is no container's.
    let own = Set(hostAddresses.map(\.address))
    containerAddresses.removeAll { own.contains($0.address) }
  }

  private static func isBridgeName(_ name: String) -> Bool {
    BridgeOwner.named(name) != nil || ["br", "docker"].contains { name.hasPrefix($0) }
  }
}

/// A subnet that the rules, or a container network, show to be behind an interface.
public struct InferredSubnet: Hashable, Sendable {
  /// The interface.
  public var interface: String
  /// The subnet.
  public var prefix: Prefix
  /// The rule that shows it; nil when a container network's own description does.
  public var evidence: RuleID?
  /// The command whose output would settle it.
  public var settledBy: String { "ip addr" }

  /// Makes a subnet.
  public init(interface: String, prefix: Prefix, evidence: RuleID?) {
    self.interface = interface
    self.prefix = prefix
    self.evidence = evidence
  }
}

/// An address that a rule shows to be a container's or the host's.
public struct InferredAddress: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The interface that it is on or behind, where the rule names one.
  public var interface: String?
  /// The rule that shows it.
  public var evidence: RuleID?
  /// The command whose output would settle it.
  public var settledBy: String { "ip addr" }

  /// Makes an address.
  public init(address: IPAddress, interface: String?, evidence: RuleID?) {
    self.address = address
    self.interface = interface
    self.evidence = evidence
  }
}

/// A port that a rule translates to another address or port.
public struct InferredPort: Hashable, Sendable {
  /// The transport protocol number; nil when the rule names none or several.
  public var transport: UInt8?
  /// The address that the rule asks for; nil is every address.
  public var hostAddress: IPAddress?
  /// The ports that the rule asks for.
  public var ports: ValueSet
  /// The new address; nil when it stays or is computed.
  public var target: IPAddress?
  /// The new port; nil when it stays or is computed.
  public var targetPort: UInt16?
  /// The rule.
  public var evidence: RuleID
}

/// A rule about traffic that leaves a bridge through the interface that it came in.
public struct InferredInnerTraffic: Hashable, Sendable {
  /// The bridge.
  public var interface: String
  /// Whether the rule accepts it.
  public var isAllowed: Bool
  /// The rule.
  public var evidence: RuleID
}

extension Prefix {
  /// Whether the block holds every address of its family.
  fileprivate var isEverything: Bool { length == 0 }
  /// The one address that the block holds.
  fileprivate var single: IPAddress? { length == family.addressBits ? address : nil }
  /// Whether the block holds several addresses, but not all.
  fileprivate var isSubnet: Bool { length > 0 && length < family.addressBits }
}

extension Table {
  /// The chains that packets at a hook can come to; all of a table that shows no chain at any hook.
  fileprivate func chains(reachedFrom hook: Hook) -> Set<Int> {
    if chains.allSatisfy({ $0.base == nil }) { return Set(chains.indices) }
    let places = Dictionary(chains.enumerated().map { ($1.name, $0) }) { first, _ in first }
    var work = chains.indices.filter { chains[$0].base?.hook == hook }
    var reached = Set(work)
    while let next = work.popLast() {
      for case .verdict(let verdict) in chains[next].rules.lazy.flatMap(\.statements) {
        switch verdict {
        case .jump(let name), .goto(let name):
          if let index = places[name], reached.insert(index).inserted { work.append(index) }
        default: break
        }
      }
    }
    return reached
  }
}

import HostModel
import RuleGraph

/// What Docker's rules of iptables say of its networks and of the ports that it publishes, whichever version wrote
/// them.
struct DockerRules {
  /// A network with a bridge of its own.
  struct Network {
    var bridge: String
    /// What leaves the bridge from here is masqueraded.
    var masqueraded: Prefix?
    /// The subnet of a network without a way out.
    var closed: Prefix?
    /// Whether its containers may talk to each other; nil where no rule says.
    var talksWithin: Bool?
  }

  /// A port of a container that others may connect to.
  struct OpenPort: Hashable {
    var address: IPAddress
    var bridge: String
    var transport: IPProtocol
    var port: UInt16
    /// The addresses of loopback, and their ports, that it is published on.
    var onLoopback: [Endpoint] = []
  }

  /// A rule by its place.
  struct Place {
    var table: String
    var chain: String
    var number: Int
  }

  let family: AddressFamily
  /// The networks, the oldest first.
  private(set) var networks: [Network] = []
  private(set) var openPorts: [OpenPort] = []
  /// Whether docker-proxy listens on published ports.
  private(set) var hasProxy = true
  /// The rules that depend on the version, each chain's in order; those of chains that go as a whole are not among
  /// them.
  private(set) var places: [Place] = []
  /// The chains that only some versions have.
  private(set) var chains: [String] = []
  /// Whether there is a chain for rules of others.
  private(set) var hasUserChain = false

  /// Why the rules can't be told apart.
  enum Obstacle: Error {
    case notShown
    /// Rules that Docker makes in swarm mode, or a version without the layouts that are known.
    case chain(String)
  }

  private static let ownChains: Set<String> = [
    "DOCKER-ISOLATION", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-FORWARD", "DOCKER-CT",
    "DOCKER-BRIDGE", "DOCKER-INTERNAL",
  ]

  /// Reads the rules of a family; nil where Docker has none of that family.
  init?(_ ruleset: Ruleset, _ family: AddressFamily) throws(Obstacle) {
    self.family = family
    let tableFamily: TableFamily = family == .ipv4 ? .ip : .ip6
    guard let filter = ruleset.table(tableFamily, "filter"), filter.chains.contains(where: { $0.name == "DOCKER" })
    else {
      if ruleset.tables.contains(where: { RuleAuthor.docker.tables.contains($0.name) }) { throw .notShown }
      return nil
    }
    guard let nat = ruleset.table(tableFamily, "nat"), nat.chains.contains(where: { $0.name == "DOCKER" }) else {
      throw .notShown
    }
    let raw = ruleset.table(tableFamily, "raw")
    let isShown =
      Self.shows(filter, ["FORWARD"]) && Self.shows(nat, ["DOCKER", "POSTROUTING", "OUTPUT"])
      && raw.map { Self.shows($0, ["PREROUTING"]) } ?? true
    guard isShown else { throw .notShown }
    for chain in filter.chains where chain.name.hasPrefix("DOCKER") {
      guard chain.shown == .whole else { throw .notShown }
      switch chain.name {
      case "DOCKER": continue
      case "DOCKER-USER": hasUserChain = true
      case _ where Self.ownChains.contains(chain.name): chains.append(chain.name)
      default: throw .chain(chain.name)
      }
    }
    takeNetworks(filter)
    if networks.isEmpty { throw .notShown }
    takeFilter(filter)
    takeNat(nat)
    if let raw { takeRaw(raw) }
  }

  /// Whether every rule of some chains of a table was shown; one that is not there has none.
  private static func shows(_ table: Table, _ chains: [String]) -> Bool {
    table.shown != .nothing && table.chains.allSatisfy { !chains.contains($0.name) || $0.shown == .whole }
  }

  private func rules(_ table: Table, _ name: String) -> [(number: Int, parts: Set<DockerRulePart>)] {
    let rules = table.chains.first { $0.name == name }?.rules ?? []
    return rules.enumerated().compactMap { index, rule in DockerRulePart.parts(of: rule).map { (index + 1, $0) } }
  }

  // MARK: Networks

  private mutating func takeNetworks(_ filter: Table) {
    // Each network's rules came before those of the older ones in FORWARD; in chains of Docker's own they come behind
    // them.
    let outward = rules(filter, "FORWARD").reversed() + rules(filter, "DOCKER-BRIDGE") + rules(filter, "DOCKER")
    for (_, parts) in outward {
      guard let bridge = parts.output else { continue }
      let closes: Set<DockerRulePart> = [.notInput(bridge), .output(bridge), .drop]
      if parts == [.output(bridge), .jump("DOCKER")] || parts == closes { _ = index(of: bridge) }
    }
    let inward = rules(filter, "DOCKER-ISOLATION-STAGE-1").reversed() + rules(filter, "DOCKER-INTERNAL").reversed()
    for (_, parts) in inward {
      guard let bridge = parts.output, let subnet = parts.notSource else { continue }
      if parts == [.notSource(subnet), .output(bridge), .drop] { networks[index(of: bridge)].closed = subnet }
    }
    for (_, parts) in rules(filter, "FORWARD") + rules(filter, "DOCKER-FORWARD") {
      guard let bridge = parts.input, let place = networks.firstIndex(where: { $0.bridge == bridge }) else { continue }
      switch parts {
      case [.input(bridge), .output(bridge), .accept], [.input(bridge), .accept]: networks[place].talksWithin = true
      case [.input(bridge), .output(bridge), .drop]: networks[place].talksWithin = false
      default: continue
      }
    }
  }

  private mutating func index(of bridge: String) -> Int {
    if let known = networks.firstIndex(where: { $0.bridge == bridge }) { return known }
    networks.append(Network(bridge: bridge))
    return networks.count - 1
  }

  private func isBridge(_ name: String?) -> Bool { networks.contains { $0.bridge == name } }

  // MARK: Rules

  private mutating func takeFilter(_ filter: Table) {
    for (number, parts) in rules(filter, "FORWARD") where isOfForward(parts) {
      places.append(Place(table: "filter", chain: "FORWARD", number: number))
    }
    for (number, parts) in rules(filter, "DOCKER") {
      guard let bridge = parts.output, isBridge(bridge) else { continue }
      if parts == [.notInput(bridge), .output(bridge), .drop] {
        places.append(Place(table: "filter", chain: "DOCKER", number: number))
      } else if let prefix = parts.destination, let transport = parts.transport, let port = parts.port,
        parts == [
          .destination(prefix), .notInput(bridge), .output(bridge), .transport(transport), .port(port), .accept,
        ]
      {
        openPorts.append(OpenPort(address: prefix.address, bridge: bridge, transport: transport, port: port))
      }
    }
  }

  private func isOfForward(_ parts: Set<DockerRulePart>) -> Bool {
    if parts.contains(.toAnyBridge) { return true }
    if case .jump(let chain)? = parts.first, parts.count == 1 {
      return chain == "DOCKER-USER" || chains.contains(chain)
    }
    if let bridge = parts.output, isBridge(bridge) {
      return parts == [.output(bridge), .known, .accept] || parts == [.output(bridge), .jump("DOCKER")]
        || parts == [.input(bridge), .output(bridge), .accept] || parts == [.input(bridge), .output(bridge), .drop]
    }
    guard let bridge = parts.input, isBridge(bridge) else { return false }
    return parts == [.input(bridge), .notOutput(bridge), .accept] || parts == [.input(bridge), .accept]
  }

  private mutating func takeNat(_ nat: Table) {
    for (number, parts) in rules(nat, "POSTROUTING") {
      if let prefix = parts.source, let bridge = parts.notOutput, isBridge(bridge),
        parts == [.source(prefix), .notOutput(bridge), .masquerade]
      {
        networks[index(of: bridge)].masqueraded = prefix
      } else if let bridge = parts.output, isBridge(bridge), parts == [.output(bridge), .fromLocal, .masquerade] {
        hasProxy = false
      } else if !isOfOwnPort(parts) {
        continue
      }
      places.append(Place(table: "nat", chain: "POSTROUTING", number: number))
    }
    for (number, parts) in rules(nat, "DOCKER") {
      if let bridge = parts.input, parts == [.input(bridge), .return] {
        places.append(Place(table: "nat", chain: "DOCKER", number: number))
      } else if let host = parts.destination?.address, host.isLoopback, let port = parts.port,
        let (address, target) = parts.translation,
        let place = openPorts.firstIndex(where: {
          $0.address == address && $0.port == target ?? port
            && $0.transport == parts.transport
        })
      {
        openPorts[place].onLoopback.append(Endpoint(host, port))
      }
    }
    if rules(nat, "OUTPUT").contains(where: { $0.parts == [.toLocal, .jump("DOCKER")] }) { hasProxy = false }
  }

  /// Whether it masquerades what a container sends to its own published port.
  private func isOfOwnPort(_ parts: Set<DockerRulePart>) -> Bool {
    guard let prefix = parts.source, let transport = parts.transport, let port = parts.port else { return false }
    return parts == [.source(prefix), .destination(prefix), .transport(transport), .port(port), .masquerade]
  }

  private mutating func takeRaw(_ raw: Table) {
    for (number, parts) in rules(raw, "PREROUTING") {
      guard let destination = parts.destination, let input = parts.notInput, parts.contains(.drop) else { continue }
      var expected: Set<DockerRulePart> = [.destination(destination), .notInput(input), .drop]
      if let transport = parts.transport, let port = parts.port {
        expected.formUnion([.transport(transport), .port(port)])
      }
      guard parts == expected, isBridge(input) || input == "lo" && destination.address.isLoopback
      else { continue }
      places.append(Place(table: "raw", chain: "PREROUTING", number: number))
    }
  }
}

extension Set<DockerRulePart> {
  private func only<Value>(_ value: (DockerRulePart) -> Value?) -> Value? { lazy.compactMap(value).first }

  fileprivate var input: String? { only { if case .input(let name) = $0 { name } else { nil } } }
  fileprivate var notInput: String? { only { if case .notInput(let name) = $0 { name } else { nil } } }
  fileprivate var output: String? { only { if case .output(let name) = $0 { name } else { nil } } }
  fileprivate var notOutput: String? { only { if case .notOutput(let name) = $0 { name } else { nil } } }
  fileprivate var source: Prefix? { only { if case .source(let block) = $0 { block } else { nil } } }
  fileprivate var notSource: Prefix? { only { if case .notSource(let block) = $0 { block } else { nil } } }
  fileprivate var destination: Prefix? { only { if case .destination(let block) = $0 { block } else { nil } } }
  fileprivate var transport: IPProtocol? { only { if case .transport(let number) = $0 { number } else { nil } } }
  fileprivate var port: UInt16? { only { if case .port(let number) = $0 { number } else { nil } } }
  fileprivate var translation: (IPAddress, UInt16?)? {
    only { if case .translate(let address, let port) = $0 { (address, port) } else { nil } }
  }
}

import HostModel
import RuleGraph

/// `docker run`, carried out as the rules that Docker makes for a container in the layout that its chains on the host
/// have. Measured on hosts with Docker 1.9 to 29.
extension ShownHost {
  mutating func runDocker(_ words: [CommandWord], _ place: CommandPlace) -> CommandOutcome {
    let texts = words.map(\.text)
    if texts.starts(with: ["network", "connect"]) { return connect(Array(texts.dropFirst(2)), place) }
    let words = texts.first == "container" ? texts.dropFirst() : texts[...]
    guard words.first == "run" else {
      if ["ps", "inspect", "images", "logs", "version", "info"].contains(words.first) { return .success }
      return stop(.unsupported("docker \(texts.prefix(2).joined(separator: " "))"), place)
    }
    let command = ContainerCommand(Array(words.dropFirst()))
    if let part = command.unsupported { return stop(.unsupported(part), place) }
    settle()
    guard let layout = DockerLayout(ruleset) else { return stop(.notShown(.chainsOf("Docker")), place) }
    guard let bridge = bridge(of: command.network), let address = freeAddress(on: bridge) else {
      return stop(.unsupported(command.network.map { "--network \($0)" } ?? "docker run"), place)
    }
    if let taken = command.ports.first(where: { isTaken($0) }) {
      return refuse(
        "docker: Bind for \(taken.hostAddress?.description ?? "0.0.0.0"):\(taken.hostPort) failed: port is already allocated",
        place)
    }
    let hasProxy = facts.daemonSettings["userland-proxy"] != "false"
    let outcome = run(layout.rules(for: command.ports, address, bridge, hasProxy: hasProxy), place)
    guard outcome == .success else { return outcome }
    add(command, address, bridge, place)
    return .success
  }

  /// Carries out commands of iptables, each the words behind its name.
  private mutating func run(_ rules: [[String]], _ place: CommandPlace) -> CommandOutcome {
    for rule in rules {
      let program = IptablesHost.Program(.ipv4)
      let outcome = run(rule.map { CommandWord(text: $0) }, program, isRestoring: false, .none, place)
      guard outcome == .success else { return outcome }
    }
    settle()
    return .success
  }

  /// `docker network connect`: a container gets an address in another network. Its ports stay published through the
  /// network that its default route leads to, which is the first by name (docker-network-connect(1)).
  private mutating func connect(_ words: [String], _ place: CommandPlace) -> CommandOutcome {
    let command = ConnectCommand(words)
    if let part = command.unsupported { return stop(.unsupported(part), place) }
    // The dumps may show some of them alone.
    guard let number = facts.containers.firstIndex(where: { $0.name == command.container }) else {
      return stop(.notShown(.container(command.container)), place)
    }
    guard let network = facts.networks.first(where: { $0.name == command.network }), let isInternal = network.isInternal
    else { return stop(.notShown(.network(command.network)), place) }
    let container = facts.containers[number]
    if container.endpoints.contains(where: { $0.network == network.name }) {
      return refuse(
        "Error response from daemon: endpoint with name \(container.name) already exists in network \(network.name)",
        place)
    }
    let outward = container.endpoints.map(\.network).filter { name in
      facts.networks.contains { $0.name == name && $0.driver == "bridge" && $0.isInternal == false }
    }
    let movesPorts = !isInternal && (outward.isEmpty || outward.contains { network.name < $0 })
    if movesPorts, !container.ports.isEmpty {
      return stop(.unsupported("docker network connect, which moves the published ports of \(container.name)"), place)
    }
    settle()
    guard let layout = DockerLayout(ruleset) else { return stop(.notShown(.chainsOf("Docker")), place) }
    guard network.driver == "bridge", let bridge = network.bridge,
      let address = command.address ?? freeAddress(on: bridge)
    else { return stop(.unsupported("network \(network.name)"), place) }
    if !isInternal {
      let outcome = run(layout.rules(for: [], address, bridge, hasProxy: true), place)
      guard outcome == .success else { return outcome }
    }
    facts.containers[number].endpoints.append(Container.NetworkLeg(network: network.name, addresses: [address]))
    if command.address == nil { note(address, bridge, place) }
    return .success
  }

  private mutating func note(_ address: IPAddress, _ bridge: String, _ place: CommandPlace) {
    notes.append(
      Diagnostic(
        "assumed-container-address", .warning,
        "the container is taken to get \(address), the first address of \(bridge)'s network that nothing names",
        span: place.span))
  }

  /// The host's bridge of a network; the default one has no name.
  private func bridge(of network: String?) -> String? {
    guard let network else { return "docker0" }
    let found = facts.networks.first { $0.name == network && $0.driver == "bridge" && $0.isInternal != true }
    return found?.bridge
  }

  /// The first address of a bridge's network that nothing names: Docker gives them in their order.
  private func freeAddress(on bridge: String) -> IPAddress? {
    guard let subnet = subnet(of: bridge), subnet.length <= 30 else { return nil }
    var named = Set(facts.containers.flatMap(\.endpoints).flatMap(\.addresses))
    named.formUnion(facts.networks.flatMap(\.gateways))
    named.formUnion(facts.interfaces.flatMap(\.addresses).map(\.address))
    for rule in ruleset.tables.lazy.flatMap(\.chains).flatMap(\.rules) {
      for statement in rule.statements {
        switch statement {
        case .match(let match):
          if case .values(let values) = match.values, let value = values.single { named.insert(IPAddress(bits: value)) }
        case .translate(let translation):
          if case .constant(let value)? = translation.address { named.insert(IPAddress(bits: value)) }
        default: continue
        }
      }
    }
    // The first one is the bridge's own.
    for offset in 2..<UInt128(4096) {
      let address = IPAddress(bits: subnet.address.bits + offset)
      guard address < subnet.last else { return nil }
      if !named.contains(address) { return address }
    }
    return nil
  }

  private func subnet(of bridge: String) -> Prefix? {
    if let told = facts.networks.first(where: { $0.bridge == bridge })?.subnets.first(where: { $0.family == .ipv4 }) {
      return told
    }
    if let own = facts.interface(bridge)?.addresses.first(where: { $0.address.isIPv4 }) {
      return Prefix(own.address, length: own.prefixLength)
    }
    return InferredHost(ruleset: ruleset, facts: facts).subnets
      .first { $0.interface == bridge && $0.prefix.family == .ipv4 }?.prefix
  }

  private func isTaken(_ port: ContainerCommand.Port) -> Bool {
    facts.containers.contains { container in
      container.isRunning != false
        && container.ports.contains {
          $0.hostPort == port.hostPort && $0.transport == port.transport.rawValue
            && ($0.hostAddress == nil || port.hostAddress == nil || $0.hostAddress == port.hostAddress)
        }
    }
  }

  /// Takes the container in, and docker-proxy, which listens on each of its ports.
  private mutating func add(
    _ command: ContainerCommand, _ address: IPAddress, _ bridge: String, _ place: CommandPlace
  ) {
    let name = command.name ?? "new"
    let ports = command.ports.map {
      Container.PublishedPort(
        transport: $0.transport.rawValue, hostAddress: $0.hostAddress, hostPort: $0.hostPort,
        containerPort: $0.containerPort)
    }
    let network = facts.networks.first { $0.bridge == bridge }?.name ?? command.network ?? "bridge"
    facts.containers.append(
      Container(
        name: name, id: name, endpoints: [Container.NetworkLeg(network: network, addresses: [address])],
        ports: ports, isRunning: true, span: place.span))
    if facts.socketsKnown, facts.daemonSettings["userland-proxy"] != "false" {
      for port in ports {
        facts.sockets.append(
          ListeningSocket(
            transport: port.transport, address: port.hostAddress, families: [.ipv4], port: port.hostPort,
            program: "docker-proxy", span: place.span))
      }
    }
    note(address, bridge, place)
  }
}

/// How Docker lays its rules of iptables out, as far as the rules of a container depend on it.
struct DockerLayout {
  /// Rules behind those of containers drop what is for a bridge (from Docker 28 on).
  private let isClosed: Bool
  /// What may not be sent to a container from elsewhere is dropped in the raw table.
  private let guardsEachPort: Bool
  /// Whether connections of a container to its own published port are masqueraded.
  private let masquerades: Bool

  /// Reads the layout off the chains; nil where Docker's rules are not iptables', or were not shown.
  init?(_ ruleset: Ruleset) {
    guard let filter = ruleset.table(.ip, "filter"), let nat = ruleset.table(.ip, "nat"),
      filter.chains.contains(where: { $0.name == "DOCKER" && $0.shown == .whole }),
      nat.chains.contains(where: { $0.name == "DOCKER" && $0.shown == .whole })
    else { return nil }
    let names = Set(filter.chains.map(\.name))
    let asksSet = filter.chains.lazy.flatMap(\.rules).flatMap(\.statements).contains {
      $0.ipset?.hasPrefix("docker-ext-bridges") ?? false
    }
    isClosed = names.contains("DOCKER-FORWARD") || asksSet
    guardsEachPort = isClosed && asksSet
    let rules = nat.chains.first { $0.name == "POSTROUTING" }?.rules ?? []
    let ownPorts = rules.contains { rule in
      rule.statements.contains { if case .match(let match) = $0 { match.subject.isDestinationPort } else { false } }
    }
    let hasContainers = nat.chains.first { $0.name == "DOCKER" }?.rules.contains { rule in
      rule.statements.contains { if case .translate = $0 { true } else { false } }
    }
    // Where other containers publish ports, theirs tell.
    masquerades = hasContainers == true ? ownPorts : !isClosed
  }

  /// The rules of a container, each as the words behind `iptables`.
  func rules(
    for ports: [ContainerCommand.Port], _ address: IPAddress, _ bridge: String, hasProxy: Bool
  ) -> [[String]] {
    var rules: [[String]] = []
    let notFromBridge = ["!", "-i", bridge]
    if isClosed, !guardsEachPort {
      rules.append(["-t", "raw", "-A", "PREROUTING", "-d", "\(address)/32"] + notFromBridge + ["-j", "DROP"])
    }
    for port in ports {
      let transport = port.transport == .tcp ? "tcp" : "udp"
      func asks(_ number: UInt16) -> [String] { ["-p", transport, "-m", transport, "--dport", "\(number)"] }
      let isLoopback = port.hostAddress.map { $0.bits >> 24 == IPAddress(ipv4: 0x7f00_0000).bits >> 24 } ?? false
      if isClosed, isLoopback, let host = port.hostAddress {
        rules.append(
          ["-t", "raw", "-A", "PREROUTING", "-d", "\(host)/32", "!", "-i", "lo"] + asks(port.hostPort) + ["-j", "DROP"])
      }
      if guardsEachPort {
        rules.append(
          ["-t", "raw", "-A", "PREROUTING", "-d", "\(address)/32"] + notFromBridge + asks(port.containerPort)
            + ["-j", "DROP"])
      }
      rules.append(
        ["-t", "nat", "-A", "DOCKER"] + (port.hostAddress.map { ["-d", "\($0)/32"] } ?? [])
          + (hasProxy ? notFromBridge : []) + asks(port.hostPort)
          + ["-j", "DNAT", "--to-destination", "\(address):\(port.containerPort)"])
      // Before the rules that drop the rest.
      rules.append(
        [isClosed ? "-I" : "-A", "DOCKER", "-d", "\(address)/32"] + notFromBridge + ["-o", bridge]
          + asks(port.containerPort) + ["-j", "ACCEPT"])
      if masquerades || !hasProxy {
        rules.append(
          ["-t", "nat", "-A", "POSTROUTING", "-s", "\(address)/32", "-d", "\(address)/32"] + asks(port.containerPort)
            + ["-j", "MASQUERADE"])
      }
    }
    return rules
  }
}

extension ValueExpression {
  /// Whether it is the destination port, of whichever protocol.
  fileprivate var isDestinationPort: Bool {
    guard case .field(.header(let field)) = self else { return false }
    return field.name == .dport
  }
}

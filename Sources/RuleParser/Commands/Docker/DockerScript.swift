import HostModel
import RuleGraph

/// The commands of iptables that lay Docker's rules out as another version does.
///
/// The rules for containers in the chains `DOCKER` of filter and nat are the same in all versions, and stay as they
/// are; so does what others wrote.
struct DockerScript {
  private let rules: DockerRules
  private let version: DockerVersion
  /// The addresses of containers in networks with a way out, those with open ports first.
  private let containers: [(address: IPAddress, bridge: String)]
  private var commands: [[String]] = []

  init(_ rules: DockerRules, _ facts: HostFacts, _ version: DockerVersion) {
    self.rules = rules
    self.version = version
    var containers = rules.openPorts.map { ($0.address, $0.bridge) }
    for container in facts.containers where container.isRunning != false {
      for leg in container.endpoints {
        guard let bridge = facts.network(of: leg)?.bridge,
          rules.networks.contains(where: { $0.bridge == bridge && $0.closed == nil })
        else { continue }
        containers += leg.addresses.filter { $0.family == rules.family }.map { ($0, bridge) }
      }
    }
    self.containers = containers.reduce(into: []) { unique, one in
      if !unique.contains(where: { $0 == one }) { unique.append(one) }
    }
  }

  /// The script, a line for each command.
  mutating func text() -> String {
    removeRules()
    switch version.layout {
    case .forwardRules: addForwardRules()
    case .forwardChains, .internalChain: addForwardChains()
    }
    addNat()
    let program = rules.family == .ipv4 ? "iptables" : "ip6tables"
    return commands.map { ([program] + $0).joined(separator: " ") + "\n" }.joined()
  }

  private var outward: [DockerRules.Network] { rules.networks.filter { $0.closed == nil } }
  private var inward: [DockerRules.Network] { rules.networks.filter { $0.closed != nil } }

  private func host(_ address: IPAddress) -> String { "\(address)/\(address.family.addressBits)" }

  private mutating func add(_ words: String...) { commands.append(words) }

  /// Puts rules at the beginning of a chain, in this order.
  private mutating func begin(_ table: String, _ chain: String, with lines: [[String]]) {
    for (index, line) in lines.enumerated() {
      commands.append((table == "filter" ? [] : ["-t", table]) + ["-I", chain, "\(index + 1)"] + line)
    }
  }

  // MARK: What goes

  private mutating func removeRules() {
    // From behind, so that the numbers of those before stay.
    for place in rules.places.reversed() {
      commands.append(
        (place.table == "filter" ? [] : ["-t", place.table]) + ["-D", place.chain, "\(place.number)"])
    }
    for chain in rules.chains { add("-F", chain) }
    for chain in rules.chains { add("-X", chain) }
  }

  // MARK: Filter

  private mutating func addUserChain() {
    guard !rules.hasUserChain else { return }
    add("-N", "DOCKER-USER")
  }

  private func within(_ network: DockerRules.Network, _ verdict: String) -> [String] {
    ["-i", network.bridge, "-o", network.bridge, "-j", verdict]
  }

  private func known(_ network: DockerRules.Network) -> [String] {
    ["-o", network.bridge, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"]
  }

  private func leaving(_ network: DockerRules.Network) -> [String] {
    ["-i", network.bridge, "!", "-o", network.bridge, "-j", "ACCEPT"]
  }

  /// What keeps a network without a way out apart.
  private func closing(_ network: DockerRules.Network) -> [[String]] {
    guard let subnet = network.closed else { return [] }
    return [
      ["!", "-s", "\(subnet)", "-o", network.bridge, "-j", "DROP"],
      ["!", "-d", "\(subnet)", "-i", network.bridge, "-j", "DROP"],
    ]
  }

  private func isolating(_ network: DockerRules.Network) -> [String] {
    ["-i", network.bridge, "!", "-o", network.bridge, "-j", "DOCKER-ISOLATION-STAGE-2"]
  }

  private mutating func addForwardRules() {
    addUserChain()
    add("-N", "DOCKER-ISOLATION-STAGE-1")
    add("-N", "DOCKER-ISOLATION-STAGE-2")
    var lines = [["-j", "DOCKER-USER"], ["-j", "DOCKER-ISOLATION-STAGE-1"]]
    for network in rules.networks.reversed() {
      if network.closed == nil {
        lines += [known(network), ["-o", network.bridge, "-j", "DOCKER"], leaving(network)]
      }
      if network.talksWithin != false { lines.append(within(network, "ACCEPT")) }
    }
    begin("filter", "FORWARD", with: lines)
    for network in rules.networks where network.talksWithin == false {
      commands.append(["-A", "FORWARD"] + within(network, "DROP"))
    }
    for network in rules.networks.reversed() {
      let lines = network.closed == nil ? [isolating(network)] : closing(network)
      for line in lines { commands.append(["-A", "DOCKER-ISOLATION-STAGE-1"] + line) }
    }
    add("-A", "DOCKER-ISOLATION-STAGE-1", "-j", "RETURN")
    for network in outward.reversed() { add("-A", "DOCKER-ISOLATION-STAGE-2", "-o", network.bridge, "-j", "DROP") }
    add("-A", "DOCKER-ISOLATION-STAGE-2", "-j", "RETURN")
  }

  private mutating func addForwardChains() {
    addUserChain()
    let isolates = version.layout == .forwardChains
    let apart = isolates ? ["DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"] : ["DOCKER-INTERNAL"]
    for chain in ["DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-FORWARD"] + apart { add("-N", chain) }
    begin("filter", "FORWARD", with: [["-j", "DOCKER-USER"], ["-j", "DOCKER-FORWARD"]])
    for chain in ["DOCKER-CT", apart[0], "DOCKER-BRIDGE"] { add("-A", "DOCKER-FORWARD", "-j", chain) }
    for network in rules.networks {
      switch (network.closed == nil, network.talksWithin != false) {
      case (true, true): add("-A", "DOCKER-FORWARD", "-i", network.bridge, "-j", "ACCEPT")
      case (true, false):
        commands.append(["-A", "DOCKER-FORWARD"] + within(network, "DROP"))
        commands.append(["-A", "DOCKER-FORWARD"] + leaving(network))
      case (false, let talks):
        commands.append(["-A", "DOCKER-FORWARD"] + within(network, talks ? "ACCEPT" : "DROP"))
      }
    }
    for network in inward.reversed() {
      for line in closing(network) { commands.append(["-A", apart[0]] + line) }
    }
    for network in outward {
      commands.append(["-A", "DOCKER-CT"] + known(network))
      add("-A", "DOCKER-BRIDGE", "-o", network.bridge, "-j", "DOCKER")
      add("-A", "DOCKER", "!", "-i", network.bridge, "-o", network.bridge, "-j", "DROP")
      if isolates { commands.append(["-A", "DOCKER-ISOLATION-STAGE-1"] + isolating(network)) }
    }
    if isolates {
      for network in outward.reversed() { add("-A", "DOCKER-ISOLATION-STAGE-2", "-o", network.bridge, "-j", "DROP") }
    }
    addRaw()
  }

  // MARK: Raw and nat

  private mutating func addRaw() {
    if !version.guardsEachPort {
      for (address, bridge) in containers {
        add("-t", "raw", "-A", "PREROUTING", "-d", host(address), "!", "-i", bridge, "-j", "DROP")
      }
    }
    for port in rules.openPorts {
      let transport = transport(port)
      if version.guardsEachPort {
        commands.append(
          ["-t", "raw", "-A", "PREROUTING", "-d", host(port.address), "!", "-i", port.bridge] + transport
            + ["--dport", "\(port.port)", "-j", "DROP"])
      }
      for socket in port.onLoopback {
        commands.append(
          ["-t", "raw", "-A", "PREROUTING", "-d", host(socket.address), "!", "-i", "lo"] + transport
            + ["--dport", "\(socket.port)", "-j", "DROP"])
      }
    }
  }

  private func transport(_ port: DockerRules.OpenPort) -> [String] {
    let name = ValueSet.text(UInt128(port.transport.rawValue), as: .transport)
    return ["-p", name, "-m", name]
  }

  private mutating func addNat() {
    var lines: [[String]] = []
    for network in rules.networks.reversed() {
      if !rules.hasProxy, network.closed == nil {
        lines.append(["-o", network.bridge, "-m", "addrtype", "--src-type", "LOCAL", "-j", "MASQUERADE"])
      }
      if let subnet = network.masqueraded {
        lines.append(["-s", "\(subnet)", "!", "-o", network.bridge, "-j", "MASQUERADE"])
      }
    }
    begin("nat", "POSTROUTING", with: lines)
    if version.masqueradesBesideProxy || !rules.hasProxy {
      for port in rules.openPorts {
        commands.append(
          ["-t", "nat", "-A", "POSTROUTING", "-s", host(port.address), "-d", host(port.address)] + transport(port)
            + ["--dport", "\(port.port)", "-j", "MASQUERADE"])
      }
    }
    if rules.hasProxy, version.layout != .internalChain {
      begin("nat", "DOCKER", with: outward.reversed().map { ["-i", $0.bridge, "-j", "RETURN"] })
    }
  }
}

extension HostReading {
  /// Lays Docker's rules of iptables out as another version of it does: the reading is then that of the host with that
  /// version.
  ///
  /// Networks, containers and published ports are those that the rules and the dumps of Docker tell. Rules of others
  /// stay, in `DOCKER-USER` and elsewhere.
  ///
  ///     var after = reading
  ///     if let version = DockerVersion("29") { try after.layOutDocker(as: version) }
  public mutating func layOutDocker(as version: DockerVersion) throws(CommandFailure) {
    let name = "--as-docker \(version.text)"
    func failure(_ problem: CommandFailure.Problem) -> CommandFailure {
      CommandFailure(command: name, source: name, line: 0, problem: problem)
    }
    var script = ""
    for family in AddressFamily.allCases {
      do throws(DockerRules.Obstacle) {
        guard let rules = try DockerRules(ruleset, family) else { continue }
        var commands = DockerScript(rules, facts, version)
        script += commands.text()
      } catch {
        switch error {
        case .notShown: throw failure(.notShown(.chainsOf("Docker")))
        case .chain(let chain): throw failure(.unsupported(chain))
        }
      }
    }
    guard !script.isEmpty else { throw failure(.notShown(.chainsOf("Docker"))) }
    try carryOut([DumpInput(name: name, bytes: Array(script.utf8))])
  }
}

import RuleGraph

extension HostCapture {
  /// What the programs printed, by what it is about.
  struct Outputs: Sendable {
    /// iptables and ipsets.
    var rules: [CaptureBundle.Part] = []
    /// nftables, where the library could not be asked.
    var ruleset: [CaptureBundle.Part] = []
    /// Interfaces, routes and sockets.
    var host: [CaptureBundle.Part] = []
    /// Containers.
    var docker: [CaptureBundle.Part] = []
    /// What failed.
    var unread: [String] = []

    /// Takes the output of a command, or says that there is none. A program that is not installed is no failure: most
    /// hosts lack some.
    fileprivate mutating func take(
      _ command: ReadCommand, _ outcome: CommandOutcome, to parts: WritableKeyPath<Self, [CaptureBundle.Part]>
    ) {
      switch outcome {
      case .printed(let output): self[keyPath: parts].append(.init(command: command.line, output: output))
      case .missing: break
      case .failed(let reason): unread.append("\(command.line): \(reason)")
      }
    }
  }

  /// Runs all programs at once, as far as one does not need what another printed.
  func runPrograms(legacy: Set<AddressFamily>) async -> Outputs {
    async let host = outcomes(hostCommands)
    async let docker = namespace == nil ? dockerOutputs() : Outputs()
    let saves = await outcomes(saveCommands(legacy: legacy))
    var outputs = Outputs()
    for (command, outcome) in saves { outputs.take(command, outcome, to: \.rules) }
    // Asking for ipsets loads kernel modules where there are none, so it is done only where a rule names one.
    if outputs.rules.contains(where: { $0.output.contains("-set ") || $0.output.contains("-j SET ") }) {
      outputs.take(.ipsetSave, await runner.run(.ipsetSave), to: \.rules)
    }
    for (command, outcome) in await host {
      if command == .addresses, case .failed = outcome {
        outputs.take(.plainAddresses, await runner.run(.plainAddresses), to: \.host)
      } else {
        outputs.take(command, outcome, to: \.host)
      }
    }
    let containers = await docker
    outputs.docker = containers.docker
    outputs.unread += containers.unread
    return outputs
  }

  /// The nftables ruleset by the program, where the library can't be opened.
  func runNft() async -> Outputs {
    var outputs = Outputs()
    for (command, outcome) in await outcomes(NftablesForm.allCases.map { .nftRuleset($0) }) {
      outputs.take(command, outcome, to: \.ruleset)
    }
    return outputs
  }

  private var hostCommands: [ReadCommand] {
    [
      .addresses, .routes(.ipv4), .routingRules(.ipv4), .routes(.ipv6), .routingRules(.ipv6), .neighbours, .bridgePorts,
      runner.isInstalled(.sockets) ? .sockets : .netstat,
    ]
  }

  /// `iptables-save` of each variant that is installed. The plain name stands for one of the variants, so it is asked
  /// only where neither has a name of its own: no rule is then read twice.
  private func saveCommands(legacy: Set<AddressFamily>) -> [ReadCommand] {
    AddressFamily.allCases.flatMap { family -> [ReadCommand] in
      let nft = ReadCommand.iptablesSave(.nft, family)
      let old = ReadCommand.iptablesSave(.legacy, family)
      guard runner.isInstalled(nft) || runner.isInstalled(old) else { return [.iptablesSave(.unnamed, family)] }
      return (runner.isInstalled(nft) ? [nft] : []) + (legacy.contains(family) ? [old] : [])
    }
  }

  /// The container networks and the running containers, when docker's daemon answers.
  private func dockerOutputs() async -> Outputs {
    var outputs = Outputs()
    guard isDaemonThere else { return outputs }
    async let version = runner.run(.dockerVersion)
    async let networkIDs = runner.run(.dockerNetworkIDs)
    async let containerIDs = runner.run(.dockerContainerIDs)
    outputs.take(.dockerVersion, await version, to: \.docker)
    let networks = await objects(networkIDs, .dockerNetworkIDs, &outputs).map { ReadCommand.dockerNetwork($0) }
    let containers = await objects(containerIDs, .dockerContainerIDs, &outputs).map { ReadCommand.dockerContainer($0) }
    for (command, outcome) in await outcomes(networks + containers) { outputs.take(command, outcome, to: \.docker) }
    return outputs
  }

  /// Whether a daemon listens, so that no client is started in vain: it takes longer than all the rest.
  private var isDaemonThere: Bool {
    runner.isInstalled(.dockerVersion)
      && (files.environment("DOCKER_HOST") != nil || files.names(in: "/var/run").contains("docker.sock"))
  }

  private func objects(_ outcome: CommandOutcome, _ command: ReadCommand, _ outputs: inout Outputs) -> [DockerObject] {
    switch outcome {
    case .printed(let output):
      return output.split(separator: UInt8(ascii: "\n")).compactMap {
        DockerObject(String(decoding: $0, as: UTF8.self))
      }
      .sorted { $0.id < $1.id }
    case .missing: return []
    case .failed(let reason):
      outputs.unread.append("\(command.line): \(reason)")
      return []
    }
  }

  /// Runs commands side by side; the outcomes are in the order of the commands.
  private func outcomes(_ commands: [ReadCommand]) async -> [(ReadCommand, CommandOutcome)] {
    await withTaskGroup(of: (Int, CommandOutcome).self) { group in
      for (index, command) in commands.enumerated() { group.addTask { (index, await runner.run(command)) } }
      var outcomes = [CommandOutcome?](repeating: nil, count: commands.count)
      for await (index, outcome) in group { outcomes[index] = outcome }
      return zip(commands, outcomes).map { ($0, $1 ?? .missing) }
    }
  }
}

extension [UInt8] {
  fileprivate func contains(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    guard count >= wanted.count else { return false }
    return indices.dropLast(wanted.count - 1).contains { at in
      self[at] == wanted[0] && self[at..<(at + wanted.count)].elementsEqual(wanted)
    }
  }
}

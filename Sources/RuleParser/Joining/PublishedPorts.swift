import HostModel
import RuleGraph

/// The translations that Docker makes for the ports that `docker ps` and `docker inspect` show, and for those that
/// docker-proxy listens on.
struct PublishedPorts {
  let facts: HostFacts
  let tables: [Table]
  /// Whether a container has a port published on an address of the family.
  let areAny: Bool
  /// The ports of which no container is known.
  let announced: [AnnouncedPort]
  /// The first container that has one.
  let span: SourceSpan?

  init(_ facts: HostFacts, _ tables: [Table]) {
    self.facts = facts
    self.tables = tables
    let publishing = facts.containers.filter { $0.ports.contains { $0.hostAddress?.isIPv4 ?? true } }
    areAny = !publishing.isEmpty
    announced = facts.announcedPorts + Self.proxied(facts)
    span = (publishing.map(\.span) + announced.map(\.span)).lazy.compactMap { $0 }.first
  }

  /// The ports on which docker-proxy listens: Docker starts one for each port that it publishes and translates.
  private static func proxied(_ facts: HostFacts) -> [AnnouncedPort] {
    facts.sockets.compactMap { socket in
      guard socket.program == "docker-proxy", socket.families.contains(.ipv4),
        !facts.containers.contains(where: { container in
          container.ports.contains { $0.hostPort == socket.port && $0.transport == socket.transport }
        })
      else { return nil }
      return AnnouncedPort(
        Container.PublishedPort(
          transport: socket.transport, hostAddress: socket.address, hostPort: socket.port,
          containerPort: socket.forwardsTo?.port ?? socket.port), span: socket.span)
    }
  }

  /// The rules of a nat table that was not shown, one for each port. Where no dump tells the container's address, or
  /// whether Docker has any rules, the rule of the port is a missing one.
  ///
  /// What comes from the container's own bridge, and what the host sends to 127.0.0.0/8, is left to docker-proxy where
  /// it runs, and translated where it does not.
  func rules(at hook: Hook, missing: MissingRules, isCertain: Bool) -> [Rule] {
    var rules: [Rule] = []
    for announced in announced where announced.port.hostAddress?.isIPv4 ?? true {
      rules.append(Rule(matches(announced.port) + [.missingRules(missing)], span: announced.span ?? .nowhere))
    }
    for container in facts.containers {
      var missing = missing
      missing.publishes = container.name
      for port in container.ports where port.hostAddress?.isIPv4 ?? true {
        var statements = matches(port)
        if isCertain, let address = address(of: container, port.containerPort, port.transport) {
          let span = container.span ?? .nowhere
          let proxied = proxied(at: hook, address)
          switch facts.daemonSettings["userland-proxy"] {
          case "false": break
          case "true": statements.append(.match(proxied.inverted))
          default:
            rules.append(Rule(statements + [.match(proxied), .missingRules(missing)], span: span))
            statements.append(.match(proxied.inverted))
          }
          statements.append(
            .translate(
              Translation(.dnat, address: .constant(address.bits), port: .constant(UInt128(port.containerPort)))))
        } else {
          statements.append(.missingRules(missing))
        }
        rules.append(Rule(statements, span: container.span ?? .nowhere))
      }
    }
    return rules
  }

  /// What tells the packets that docker-proxy serves.
  private func proxied(at hook: Hook, _ address: IPAddress) -> Match {
    if hook == .output, let loopback = Prefix("127.0.0.0/8") {
      return Match(.header(HeaderField(.ip, .daddr)), in: loopback.values)
    }
    let bridge =
      facts.interface(onSubnetOf: address)?.name
      ?? InferredHost(ruleset: Ruleset(tables: tables), facts: facts).interface(of: address)
    let names =
      bridge.flatMap { InterfaceName($0)?.value }.map { ValueSet($0) }
      ?? ["docker", "br-"].compactMap { InterfaceName.set(matching: $0, wildcard: true) }.reduce(ValueSet.empty) {
        $0.union($1)
      }
    return Match(.meta(.iifname), in: names)
  }

  /// What a packet to a published port looks like.
  private func matches(_ port: Container.PublishedPort) -> [Statement] {
    let isEvery = port.hostAddress.map { $0.bits == IPAddress(ipv4: 0).bits } ?? true
    let destination =
      isEvery
      ? Match(.fib(FibField(.type, ofDestination: true)), in: ValueSet(UInt128(AddressType.local.rawValue)))
      : Match(.header(HeaderField(.ip, .daddr)), in: ValueSet(port.hostAddress?.bits ?? 0))
    return [
      .match(destination), .match(Match(.meta(.l4proto), in: ValueSet(UInt128(port.transport)))),
      .match(Match(.header(HeaderField(.th, .dport)), in: ValueSet(UInt128(port.hostPort)))),
    ]
  }

  /// The address of a container: told, or the only one that a rule accepts the port for.
  private func address(of container: Container, _ port: UInt16, _ transport: UInt8) -> IPAddress? {
    if let told = container.endpoints.flatMap(\.addresses).first(where: \.isIPv4) { return told }
    var found: Set<IPAddress> = []
    for table in tables where table.family == .ip && table.name == "filter" {
      for rule in table.chains.lazy.flatMap(\.rules) {
        let shape = RuleShape(rule, in: table)
        guard shape.isAccept, let prefix = shape.destination, prefix.length == 32,
          shape.destinationPorts == ValueSet(UInt128(port)), shape.transport == transport
        else { continue }
        found.insert(prefix.address)
      }
    }
    return found.count == 1 ? found.first : nil
  }
}

extension Match {
  /// The match that holds where this one does not.
  fileprivate var inverted: Match {
    var match = self
    match.negated.toggle()
    return match
  }
}

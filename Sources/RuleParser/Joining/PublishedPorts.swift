import HostModel
import RuleGraph

/// The translations that Docker makes for the ports that `docker ps` and `docker inspect` show.
enum PublishedPorts {
  /// The rules of a nat table that was not shown; nil where no dump says which ports are published, or not to where.
  static func rules(_ facts: HostFacts, _ tables: [Table], _ inferred: InferredHost) -> [Rule]? {
    guard facts.containers.contains(where: { !$0.ports.isEmpty }) else { return nil }
    var rules: [Rule] = []
    for container in facts.containers {
      for port in container.ports {
        guard port.hostAddress?.isIPv4 ?? true else { continue }
        guard let address = address(of: container, port.containerPort, port.transport, tables) else { return nil }
        var statements: [Statement] = []
        if let own = port.hostAddress, own.bits != IPAddress(ipv4: 0).bits {
          statements.append(.match(Match(.header(HeaderField(.ip, .daddr)), in: ValueSet(own.bits))))
        } else {
          statements.append(
            .match(Match(.fib(FibField(.type, ofDestination: true)), in: ValueSet(UInt128(AddressType.local.rawValue))))
          )
        }
        statements.append(.match(Match(.meta(.l4proto), in: ValueSet(UInt128(port.transport)))))
        statements.append(
          .match(Match(.header(HeaderField(.th, .dport)), in: ValueSet(UInt128(port.hostPort)))))
        statements.append(
          .translate(
            Translation(.dnat, address: .constant(address.bits), port: .constant(UInt128(port.containerPort)))))
        rules.append(Rule(statements, span: container.span ?? SourceSpan(source: -1, line: 0, offset: 0, length: 0)))
      }
    }
    return rules
  }

  /// The address of a container: told, or the only one that a rule accepts the port for.
  private static func address(
    of container: Container, _ port: UInt16, _ transport: UInt8, _ tables: [Table]
  ) -> IPAddress? {
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

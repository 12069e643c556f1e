package import FlowTrace
public import HostModel
public import RuleGraph

/// A host that questions about the whole of it are asked about: its rules, what is known around them, and the tracer
/// that decides.
public struct AnalysedHost: Sendable {
  /// The rules.
  public let ruleset: Ruleset
  /// What is known around them.
  public let facts: HostFacts
  package let tracer: Tracer
  package let inferred: InferredHost
  /// The names of containers by their addresses.
  private let names: [IPAddress: String]

  /// Makes a host ready to be asked about.
  public init(_ ruleset: Ruleset, facts: HostFacts) {
    self.ruleset = ruleset
    self.facts = facts
    inferred = InferredHost(ruleset: ruleset, facts: facts)
    tracer = Tracer(ruleset, facts: facts, inferred: inferred)
    names = Self.names(facts, inferred)
  }

  /// The name of the container at an address; nil where none is told.
  func container(at address: IPAddress) -> String? { names[address] }

  /// The addresses of a container.
  func addresses(ofContainer name: String) -> ValueSet {
    let told = facts.containers.filter { $0.name == name }.flatMap(\.endpoints).flatMap(\.addresses)
    return ValueSet((told + names.filter { $0.value == name }.map(\.key)).map { $0.bits...$0.bits })
  }

  /// `docker ps` names containers and their ports without addresses: the rule that translates such a port tells whose
  /// it is.
  private static func names(_ facts: HostFacts, _ inferred: InferredHost) -> [IPAddress: String] {
    var names: [IPAddress: String] = [:]
    let running = facts.containers.filter { $0.isRunning != false }
    var published: [PublishedPort: String] = [:]
    for container in running {
      for port in container.ports {
        published[PublishedPort(transport: port.transport, host: port.hostPort, inner: port.containerPort)] =
          container.name
      }
    }
    for port in inferred.publishedPorts {
      guard let target = port.target, let transport = port.transport, let host = port.ports.single else { continue }
      let outer = UInt16(truncatingIfNeeded: host)
      let key = PublishedPort(transport: transport, host: outer, inner: port.targetPort ?? outer)
      if let name = published[key], names[target] == nil { names[target] = name }
    }
    // Whoever joined another container's network is reached under that container's name.
    for container in running.sorted(by: { $0.joinsAnother && !$1.joinsAnother }) {
      for address in container.endpoints.flatMap(\.addresses) { names[address] = container.name }
    }
    return names
  }

  private struct PublishedPort: Hashable {
    var transport: UInt8
    var host: UInt16
    var inner: UInt16
  }
}

extension Container {
  /// Whether it has the network of another container.
  fileprivate var joinsAnother: Bool { networkMode?.hasPrefix("container:") == true }
}

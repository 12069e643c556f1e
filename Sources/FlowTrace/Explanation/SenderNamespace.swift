public import HostModel
public import RuleGraph

/// The way of a container's packets through the container's own network namespace, before the host sees them.
///
/// A container has rules of its own where something in it made some: the resolver of a user-defined network, a side-car
/// proxy, a VPN. Its packets meet its `output` and `postrouting` first, and the host's rules as what became of them
/// there (network_namespaces(7)).
///
///     let inside = SenderNamespace("web", ruleset: own.ruleset, facts: own.facts, query: query)
///     let host = tracer.trace(inside.onward(query))
public struct SenderNamespace: Sendable {
  /// The container.
  public let name: String
  /// The rules in its namespace.
  public let ruleset: Ruleset
  /// What else is known of it.
  public let facts: HostFacts
  /// The answer there.
  public let trace: Trace

  /// Traces a question about packets of a container inside its namespace.
  public init(
    _ name: String, ruleset: Ruleset, facts: HostFacts, query: Query, options: Tracer.Options = Tracer.Options()
  ) {
    self.name = name
    self.ruleset = ruleset
    self.facts = facts
    var inside = query
    inside.origin = .host
    inside.input = nil
    inside.physicalInput = nil
    inside.output = nil
    inside.hostAddresses = .empty
    inside.remarks = []
    inside.assumptions = []
    var options = options
    // The answer comes back over the host, whose own trace tells of it.
    options.tracesReply = false
    options.wanted = nil
    trace = Tracer(ruleset, facts: facts).trace(inside, options: options)
  }

  /// The running container that sends the packets of a question; nil where they have another sender, or may have
  /// several: a source that a container shares with others, or an interface that is not its bridge.
  public static func container(of query: Query, facts: HostFacts) -> Container? {
    guard query.origin != .host, query.phase != .reply, let source = query.source else { return nil }
    let senders = facts.containers.filter { container in
      container.networkMode != "host"
        && source.isSubset(of: ValueSet(container.endpoints.flatMap(\.addresses).map { $0.bits...$0.bits }))
        && (query.sender != nil || arrives(query.input, from: container, facts))
    }
    // Containers that share one network are in one namespace.
    let owners = senders.filter { $0.networkMode?.hasPrefix("container:") != true }
    return owners.count == 1 ? owners[0] : senders.count == 1 ? senders[0] : nil
  }

  /// Whether packets that come in on the interfaces of a question, if it names any, come over the bridges of a
  /// container's networks.
  private static func arrives(_ input: ValueSet?, from container: Container, _ facts: HostFacts) -> Bool {
    guard let input else { return true }
    let bridges = container.endpoints.compactMap { facts.network(of: $0)?.bridge }.compactMap {
      InterfaceName($0)?.value
    }
    return input.isSubset(of: ValueSet(bridges.map { $0...$0 }))
  }

  /// Whether every packet leaves as it was.
  public var isTransparent: Bool {
    trace.cases.allSatisfy { $0.verdict == .accept && $0.fate == .sent && $0.translations.isEmpty }
  }

  /// What there is to say of a namespace that lets every packet out as it was; nil of another, whose own answer says
  /// more.
  public var remark: Remark? {
    guard isTransparent else { return nil }
    let rules = ruleset.tables.flatMap(\.chains).reduce(0) { $0 + $1.rules.count }
    return .senderNamespace(of: name, rules: rules)
  }

  /// The questions about the packets that leave the namespace, with the addresses and ports that its rules gave them:
  /// one for each form in which they leave.
  public func onward(_ query: Query) -> [Query] {
    if isTransparent { return [query] }
    var forms: [PacketTuple] = []
    for one in trace.cases where one.verdict == .accept && one.fate == .sent && !forms.contains(one.packet) {
      forms.append(one.packet)
    }
    return forms.map { packet in
      var next = query
      next.family = packet.family
      next.source = packet.source
      next.destination = packet.destination
      next.transport = packet.transport
      next.sourcePort = packet.sourcePort
      next.destinationPort = packet.destinationPort
      return next
    }
  }

  /// The answer of the host to all questions of ``onward(_:)``, as one.
  public func onward(_ query: Query, _ answer: (Query) -> Trace) -> Trace {
    var whole = Trace(query: query, cases: [], assumptions: [], warnings: [])
    for part in onward(query).map(answer) {
      whole.cases += part.cases
      whole.assumptions += part.assumptions.filter { !whole.assumptions.contains($0) }
      whole.warnings += part.warnings.filter { !whole.warnings.contains($0) }
      whole.layout = part.layout
      whole.inferred = part.inferred
      whole.tracesReplies = part.tracesReplies
    }
    return whole
  }

  /// The verdict over the whole way: of the cases that end in the namespace, and of those of the host's answer.
  public func verdict(with host: Trace) -> OverallVerdict { whole(with: host).verdict }

  /// The answer over the whole way: the cases that end in the namespace stand behind those of the host.
  public func whole(with host: Trace) -> Trace {
    var whole = host
    whole.cases += trace.cases.filter { $0.verdict != .accept || $0.fate != .sent }
    return whole
  }
}

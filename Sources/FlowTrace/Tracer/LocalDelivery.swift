import HostModel
import RuleGraph

/// What happens to a packet that is delivered to the host itself: which program has the port, and, where that is
/// docker-proxy, its own connection on.
struct LocalDelivery {
  let engine: Engine

  /// What a delivery comes to.
  struct Outcome {
    var remark: Remark
    var assumption: Assumption?
    /// The connection that the program makes to a container.
    var onward: Query?
  }

  /// The outcome for a delivered flow; nil where nothing can be said.
  func outcome(_ flow: Flow) -> Outcome? {
    guard let transport = flow.domain(.transport)?.single, transport == 6 || transport == 17,
      let port = flow.domain(.destinationPort)?.single, let destination = flow.domain(.destination)
    else { return nil }
    let facts = engine.knowledge.facts
    let fitting = facts.sockets.filter {
      $0.has(UInt16(truncatingIfNeeded: port), UInt8(transport), flow.family) && $0.isBound(toOneOf: destination)
    }
    let proxied = proxyTarget(fitting, transport, port, destination)
    if let socket = fitting.first(where: { $0.program?.hasPrefix("docker-pr") ?? false }) {
      return proxy(socket.forwardsTo ?? proxied?.target, Int(port), transport, nil)
    }
    if let socket = fitting.first {
      return Outcome(remark: .listener(program: socket.program, transport: transport, port: port))
    }
    if facts.socketsKnown {
      return Outcome(remark: closedPort(transport, port, destination))
    }
    guard let proxied else { return nil }
    return proxy(
      proxied.target, Int(port), transport,
      Assumption(
        .dockerProxy(transport: transport, port: port), evidence: proxied.evidence, settledBy: "ss -tulnp"))
  }

  /// That nobody has the port at this address, and at which other address somebody does.
  private func closedPort(_ transport: UInt128, _ port: UInt128, _ destination: ValueSet) -> Remark {
    let elsewhere = engine.knowledge.facts.sockets.first {
      UInt128($0.transport) == transport && UInt128($0.port) == port && $0.address != nil
    }
    guard let elsewhere, let address = elsewhere.address else {
      return .closedPort(transport: transport, port: port)
    }
    return .closedPortHere(
      transport: transport, port: port, of: destination, program: elsewhere.program,
      listensOn: Endpoint(address, elsewhere.port))
  }

  private func proxy(_ target: Endpoint?, _ port: Int, _ transport: UInt128, _ assumption: Assumption?) -> Outcome {
    guard let target else {
      return Outcome(remark: .dockerProxy(port: port, to: nil), assumption: assumption)
    }
    var query = Query()
    query.origin = .host
    query.family = target.address.family
    query.destination = ValueSet(target.address.bits)
    query.destinationPort = ValueSet(target.port)
    query.transport = ValueSet(transport)
    return Outcome(remark: .dockerProxy(port: port, to: target), assumption: assumption, onward: query)
  }

  /// Where docker-proxy of a published port leads: as the daemon's ports or the DNAT rule of that port say.
  private func proxyTarget(
    _ sockets: [ListeningSocket], _ transport: UInt128, _ port: UInt128, _ destination: ValueSet
  ) -> (target: Endpoint, evidence: RuleID?)? {
    if engine.knowledge.facts.daemonSettings["userland-proxy"] == "false" { return nil }
    for (container, published) in engine.knowledge.publishers(of: port, transport) {
      if let address = published.hostAddress, address.bits != IPAddress.ipv4Base, address.bits != 0,
        !destination.contains(address.bits)
      {
        continue
      }
      if let inside = container.endpoints.flatMap(\.addresses).first(where: \.isIPv4) {
        return (Endpoint(inside, published.containerPort), nil)
      }
    }
    for proxied in engine.index.proxiedPorts where proxied.ports.contains(port) {
      if let target = dnatTarget(engine.ruleset[proxied.rule], transport, port, destination) {
        return (target, proxied.rule)
      }
    }
    return nil
  }

  private func dnatTarget(_ rule: Rule, _ transport: UInt128, _ port: UInt128, _ destination: ValueSet) -> Endpoint? {
    var target: Endpoint?
    var fitsPort = false
    for statement in rule.statements {
      switch statement {
      case .match(let match):
        guard case .field(let field) = match.subject, case .values(let values) = match.values, !match.negated else {
          continue
        }
        switch field {
        case .meta(.l4proto): if !values.contains(transport) { return nil }
        case .header(let header) where header.name == .dport:
          if !values.contains(port) { return nil }
          fitsPort = true
        case .header(let header) where header.name == .daddr: if values.isDisjoint(with: destination) { return nil }
        default: continue
        }
      case .translate(let translation) where translation.kind == .dnat:
        guard case .constant(let address)? = translation.address else { return nil }
        var inner = port
        if case .constant(let number)? = translation.port { inner = number }
        target = Endpoint(IPAddress(bits: address), UInt16(truncatingIfNeeded: inner))
      default: continue
      }
    }
    return fitsPort ? target : nil
  }
}

import FlowTrace
import HostModel
import RuleGraph

/// Says of the cases of one question what becomes of the connection: whether its packet, the answer and docker-proxy's
/// own connection get through, and who answers.
struct AccessJudge {
  let host: AnalysedHost
  let zone: Zone
  let index: Int
  let service: Service
  let query: Query
  /// The hooks of the family whose filtering rules nobody showed.
  let unshown: Set<Hook>

  /// The accesses that a case comes to: one, or one for each thing that happens to its answers.
  func accesses(_ part: Case) -> [Access] { wholeAccesses(part).flatMap(divided) }

  private func wholeAccesses(_ part: Case) -> [Access] {
    switch part.verdict {
    case .undetermined: return [access(part, part.when, .unknown, nil, by: part)]
    case .drop, .reject: return [access(part, part.when, .closed(.packet), nil, by: part)]
    case .accept: break
    }
    let replies = part.reply ?? []
    if replies.allSatisfy({ $0.verdict == .accept }) { return [delivered(part)] }
    // The answer's region is the part of the first packet's that it answers.
    return replies.map { reply in
      switch reply.verdict {
      case .accept:
        var access = delivered(part)
        place(&access, reply.when)
        return access
      case .drop, .reject: return access(part, reply.when, .closed(.reply), nil, by: reply)
      case .undetermined: return access(part, reply.when, .unknown, nil, by: reply)
      }
    }
  }

  /// A case whose packet and answer get through.
  private func delivered(_ part: Case) -> Access {
    if let onward = part.continuation, let first = onward.first {
      let target = endpoint(first.packet)
      let answer = Access.Answer.container(
        name: target.flatMap { host.container(at: $0.address) }, target, throughProxy: true)
      if onward.contains(where: { $0.verdict == .accept }) {
        return access(part, part.when, .open, answer, by: part)
      }
      if onward.contains(where: { $0.verdict == .undetermined }) {
        return access(part, part.when, .unknown, answer, by: first)
      }
      return access(part, part.when, .closed(.proxy), answer, by: first)
    }
    guard isForThisHost(part) else {
      let target = endpoint(part.packet)
      return access(
        part, part.when, .open,
        .container(name: target.flatMap { host.container(at: $0.address) }, target, throughProxy: false), by: part
      )
    }
    let port = part.packet.destinationPort?.single.map { UInt16(truncatingIfNeeded: $0) }
    if let port,
      let program = Listeners(facts: host.facts).program(
        at: part.packet.destination, port, service.family, service.transport, from: zone)
    {
      return access(part, part.when, .open, .program(name: program.program, port: port), by: part)
    }
    if host.facts.socketsKnown { return access(part, part.when, .unanswered, nil, by: part) }
    return access(part, part.when, .open, .host(port: port), by: part)
  }

  /// Whether a packet ends at the host itself; one that the host sends to its own address comes back in on loopback.
  private func isForThisHost(_ part: Case) -> Bool {
    if part.fate == .local { return true }
    return part.fate == .sent && part.output == InterfaceName("lo").map { ValueSet($0.value) }
  }

  private func endpoint(_ packet: PacketTuple) -> Endpoint? {
    guard let address = packet.destination.single, let port = packet.destinationPort?.single else { return nil }
    return Endpoint(IPAddress(bits: address), UInt16(truncatingIfNeeded: port))
  }

  // MARK: Regions

  /// - Parameter deciding: The case that decides: `part` itself, its reply, or docker-proxy's connection.
  private func access(
    _ part: Case, _ when: Region, _ outcome: Access.Outcome, _ answer: Access.Answer?, by deciding: Case
  ) -> Access {
    var access = Access(
      zone: index, service: service, outcome: outcome, answer: answer, deciders: deciding.deciders, when: when,
      sources: .empty, destinations: .empty, ports: .empty, part: part)
    // docker-proxy's connection has addresses of its own.
    if outcome != .closed(.proxy), part.continuation == nil { access.shares = deciding.shares }
    place(&access, when)
    if outcome == .open || outcome == .unanswered, let hook = unshownHook(part) {
      access.outcome = .unknown
      access.unshown = hook
    }
    return access
  }

  private func unshownHook(_ part: Case) -> Hook? {
    var passed: Set<Hook> = zone.kind == .host ? [.output] : []
    if isForThisHost(part) { passed.insert(.input) } else if zone.kind != .host { passed.insert(.forward) }
    if part.continuation != nil { passed.insert(.output) }
    return [Hook.input, .forward, .output].first { passed.contains($0) && unshown.contains($0) }
  }

  /// An exact set of more boxes is shown by its hull.
  private static let boxLimit = 1_000

  /// An access by the sources that reach the same ports and addresses: rules that share a case may let other sources to
  /// each port.
  private func divided(_ access: Access) -> [Access] {
    if access.when.parts.isEmpty && access.when.except.isEmpty { return [access] }
    guard let boxes = access.when.boxes(limit: Self.boxLimit) else { return [access] }
    let source = Region.Dimension.address(.saddr, service.family)
    var order: [[Region.Dimension: ValueSet]] = []
    var sources: [[Region.Dimension: ValueSet]: [ClosedRange<UInt128>]] = [:]
    for box in boxes {
      var rest = box
      let from = rest.removeValue(forKey: source) ?? service.family.allAddresses
      if sources[rest] == nil { order.append(rest) }
      sources[rest, default: []] += from.intervals
    }
    if order.count == 1 { return [access] }
    return order.map { rest in
      var one = access
      var when = Region(allowed: rest)
      when.allowed[source] = ValueSet(sources[rest] ?? [])
      when.open = access.when.open
      place(&one, when)
      return one
    }
  }

  private func place(_ access: inout Access, _ when: Region) {
    access.when = when
    let boxes = when.boxes(limit: Self.boxLimit) ?? [when.allowed]
    func values(_ dimension: Region.Dimension, _ open: ValueSet) -> ValueSet {
      let all = boxes.map { $0[dimension].map { $0.intersection(open) } ?? open }
      return all.count == 1 ? all[0] : ValueSet(all.flatMap(\.intervals))
    }
    access.sources = values(.address(.saddr, service.family), query.source ?? .empty)
    access.destinations = values(.address(.daddr, service.family), service.addresses)
    access.ports = values(.field(.header(HeaderField(.th, .dport))), service.ports)
    access.witness = boxes.first.flatMap(witness)
    access.deciders = access.deciders.limited(to: access.shares.rules(of: boxes))
  }

  /// A packet of a box: from an address that a person would think of, where there is one.
  private func witness(_ box: [Region.Dimension: ValueSet]) -> Witness? {
    func values(_ dimension: Region.Dimension, _ open: ValueSet) -> ValueSet {
      box[dimension].map { $0.intersection(open) } ?? open
    }
    let sources = values(.address(.saddr, service.family), query.source ?? .empty)
    let sourcePorts = values(.field(.header(HeaderField(.th, .sport))), ValueSet(0...65535))
    let inputs = values(.field(.meta(.iifname)), zone.input)
    let destinations = values(.address(.daddr, service.family), service.addresses)
    let own = zone.gateways.first { destinations.contains($0.bits) }?.bits
    guard let destination = own ?? destinations.first,
      let port = values(.field(.header(HeaderField(.th, .dport))), service.ports).first,
      let sourcePort = sourcePorts.contains(40000) ? 40000 : sourcePorts.first
    else { return nil }
    let usual = service.family.exampleOutside
    // A container's packets to itself never leave it.
    let source = sources.contains(usual) ? usual : (sources.subtracting(ValueSet(destination)).first ?? sources.first)
    var input: String?
    if zone.kind != .host, let first = inputs.first {
      // Of the interfaces that nobody names one that a host usually has.
      let name = InterfaceName("eth0").map(\.value).flatMap { inputs.contains($0) ? $0 : nil } ?? first
      input = InterfaceName(value: name).description
    }
    return Witness(
      transport: service.transport, source: source.map { IPAddress(bits: $0) },
      sourcePort: UInt16(truncatingIfNeeded: sourcePort), destination: IPAddress(bits: destination),
      destinationPort: UInt16(truncatingIfNeeded: port), input: input)
  }
}

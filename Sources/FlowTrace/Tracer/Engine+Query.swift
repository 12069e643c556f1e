import HostModel
import RuleGraph

extension Engine {
  /// Traces a query for one family.
  func answer(_ query: Query, family: AddressFamily) -> [FinishedFlow] {
    mayBeOwn = comesFromOutside(query) ? query.destination ?? .empty : .empty
    wantedOutput = query.output
    // What is said of an answer's way out says nothing of the packet that it answers.
    isForwarded =
      query.phase != .reply && query.origin != .host && (query.output?.isSubset(of: InterfaceName.wires) ?? false)
    if let container = query.withoutNetwork { return [withoutNetwork(query, family, container)] }
    switch query.phase {
    case .first, .related, .invalid, .untracked: return run(startingFlows(query, family))
    case .established, .reply: return later(query, family)
    }
  }

  /// Whether a question is about packets that may come from another host: neither the host itself nor a known subnet
  /// behind it sends them.
  private func comesFromOutside(_ query: Query) -> Bool {
    if query.origin == .host { return false }
    if let input = query.input, input.isSubset(of: knowledge.bridgeNames) { return false }
    return query.source.map { !$0.isSubset(of: knowledge.inferredSubnetAddresses) } ?? true
  }

  /// The flows that a query starts with: one for packets from a wire, one for those of the host.
  func startingFlows(_ query: Query, _ family: AddressFamily) -> [Flow] {
    if let placed = placed(query, family) {
      var flow = startingFlow(placed.query, family, isSentByHost: placed.query.origin == .host)
      flow.assume(placed.assumption)
      return [flow]
    }
    var flows: [Flow] = []
    if query.origin != .host { flows.append(startingFlow(query, family, isSentByHost: false)) }
    // A packet of the host has no input interface: a query that names one is not about it.
    if query.origin == .host
      || query.origin == .open && query.input == nil && query.physicalInput == nil && !isAnothers(query.source, family)
    {
      flows.append(startingFlow(query, family, isSentByHost: true))
    }
    return flows
  }

  /// Whether a source that a question names is certainly none of the host's: it sends from its own addresses.
  private func isAnothers(_ source: ValueSet?, _ family: AddressFamily) -> Bool {
    let isTold = knowledge.knowsOwnAddresses(family) || knowledge.namesOwnAddresses(family)
    return isTold && source.map { $0.isDisjoint(with: knowledge.localAddresses[family] ?? .empty) } ?? false
  }

  /// The question with the place that its packets come from, where only their source was said: a container's packets
  /// come in through its bridge, and the host's own addresses are the host's. Nil when the question says the place or
  /// the source does not tell it.
  private func placed(_ query: Query, _ family: AddressFamily) -> (query: Query, assumption: Assumption)? {
    guard query.origin == .open, query.input == nil, query.physicalInput == nil, let source = query.source,
      let first = source.first
    else { return nil }
    var placed = query
    if let own = knowledge.localAddresses[family], source.isSubset(of: own) {
      placed.origin = .host
      return (placed, Assumption(.sentByHost(source: source)))
    }
    let subnets = knowledge.facts.interfaces.flatMap { interface in
      interface.addresses.compactMap { address in address.subnet.map { (interface.name, $0, RuleID?.none) } }
    }
    let inferred = knowledge.inferredSubnets.map { ($0.interface, $0.prefix, $0.evidence) }
    if let (name, _, evidence) = (subnets + inferred).first(where: { source.isSubset(of: $0.1.values) }),
      let value = InterfaceName(name)?.value, name != "lo"
    {
      placed.origin = .wire
      placed.input = ValueSet(value)
      return (
        placed,
        Assumption(
          .comesFromSubnet(source: source, interface: name), evidence: evidence, settledBy: "--in")
      )
    }
    guard knowledge.facts.routesKnown.contains(family), source.single != nil,
      case .unicast(let hops, _) = routes.lookUp(first, RouteRequest(family: family)), hops.count == 1,
      let name = hops.first?.interface, let value = InterfaceName(name)?.value
    else { return nil }
    placed.origin = .wire
    placed.input = ValueSet(value)
    return (placed, Assumption(.comesFromRoute(source: source, interface: name)))
  }

  func startingFlow(_ query: Query, _ family: AddressFamily, isSentByHost: Bool) -> Flow {
    var flow = Flow(family: family, isSentByHost: isSentByHost, phase: query.phase)
    for assumption in query.assumptions { flow.assume(assumption) }
    flow.remarks = query.remarks
    func bind(_ slot: Slot, _ values: ValueSet, _ field: Field?, isOpen: Bool = false) {
      flow.binding[slot] = flow.makeVariable(values, dimension: field.map { .field($0) }, isOpen: isOpen)
    }
    let ip: Header = family == .ipv4 ? .ip : .ip6
    func given(_ field: Field) -> ValueSet? { query.fields[field] }
    let transport = query.transport ?? .bits(8)
    let sources = query.source ?? (isSentByHost ? .all : possibleSources(family))
    bind(
      .source, sources.intersection(family.allAddresses), .header(HeaderField(ip, .saddr)), isOpen: query.source == nil)
    bind(
      .destination, (query.destination ?? .all).intersection(family.allAddresses), .header(HeaderField(ip, .daddr)),
      isOpen: query.destination == nil)
    bind(.transport, transport.intersection(.bits(8)), .meta(.l4proto), isOpen: query.transport == nil)
    if !transport.isDisjoint(with: IPProtocol.withPorts) {
      bind(
        .sourcePort, (query.sourcePort ?? .all).intersection(.bits(16)), .header(HeaderField(.th, .sport)),
        isOpen: query.sourcePort == nil)
      bind(
        .destinationPort, (query.destinationPort ?? .all).intersection(.bits(16)), .header(HeaderField(.th, .dport)),
        isOpen: query.destinationPort == nil)
    }
    if !isSentByHost {
      bind(.input, query.input ?? InterfaceName.wires, .meta(.iifname), isOpen: query.input == nil)
      if let port = query.physicalInput { bind(.physicalInput, port, .meta(.physicalIn)) }
    } else {
      // A raw or transparent socket may send what is not the host's: a question that names such a source asks about
      // that.
      let own = knowledge.localAddresses[family] ?? .empty
      if query.source.map({ !$0.isDisjoint(with: own) }) ?? true || !knowledge.knowsOwnAddresses(family) {
        flow.ownAddresses = Set([flow.binding[.source]].compactMap(\.self))
      }
      bind(.user, given(.meta(.skuid)) ?? .bits(32), .meta(.skuid), isOpen: given(.meta(.skuid)) == nil)
      bind(.group, given(.meta(.skgid)) ?? .bits(32), .meta(.skgid), isOpen: given(.meta(.skgid)) == nil)
    }
    bind(.mark, given(.meta(.mark)) ?? ValueSet(0), .meta(.mark))
    bind(
      .tcpFlags, given(.header(HeaderField(.tcp, .flags))) ?? Self.usualFlags(query.phase),
      .header(HeaderField(.tcp, .flags)))
    let icmp: Header = family == .ipv4 ? .icmp : .icmpv6
    let request: UInt128 = family == .ipv4 ? 8 : 128
    let type = HeaderField(icmp, .type)
    let code = HeaderField(icmp, .code)
    let givenType = given(.header(type))
    bind(.icmpType, givenType ?? ValueSet(query.phase == .reply ? (family == .ipv4 ? 0 : 129) : request), .header(type))
    bind(.icmpCode, given(.header(code)) ?? (givenType == nil ? ValueSet(0) : .bits(8)), .header(code))
    bind(.length, given(.meta(.length)) ?? .bits(16), .meta(.length), isOpen: given(.meta(.length)) == nil)
    let hops = HeaderField(ip, family == .ipv4 ? .ttl : .hoplimit)
    bind(
      .hopLimit, given(.header(hops)) ?? (isSentByHost ? ValueSet(64) : ValueSet(2...255)), .header(hops),
      isOpen: given(.header(hops)) == nil)
    let service = HeaderField(ip, .tos)
    if let dscp = given(.header(HeaderField(ip, .dscp))) {
      bind(
        .serviceByte, ValueSet(dscp.intervals.map { ($0.lowerBound << 2)...($0.upperBound << 2 | 3) }), .header(service)
      )
    } else {
      bind(.serviceByte, given(.header(service)) ?? .bits(8), .header(service), isOpen: given(.header(service)) == nil)
    }
    bind(.connectionMark, given(.conntrack(ConntrackField(.mark))) ?? ValueSet(0), nil)
    if given(.meta(.packetType)) == nil, isForOneHost(flow) {
      flow.rareFields[.meta(.packetType)] = flow.makeVariable(ValueSet(0))
    }
    let sender = Field.header(HeaderField(.ether, .saddr))
    if !isSentByHost, query.fields[sender] == nil, let address = hardwareAddress(ofSenderIn: flow) {
      flow.rareFields[sender] = flow.makeVariable(ValueSet(address))
    }
    let slots = family == .ipv4 ? Self.slotFields4 : Self.slotFields6
    for (field, values) in query.fields where !slots.contains(field) {
      flow.rareFields[field] = flow.makeVariable(values, dimension: .field(field))
    }
    return flow
  }

  /// The hardware address of who sends on the link of the input interface, where the host's neighbours tell it.
  private func hardwareAddress(ofSenderIn flow: Flow) -> UInt128? {
    guard !knowledge.facts.neighbours.isEmpty, let source = flow.domain(.source)?.single,
      let input = flow.domain(.input)?.single
    else { return nil }
    let name = InterfaceName(value: input).description
    let neighbour = knowledge.facts.neighbours.first { $0.address.bits == source && $0.interface == name }
    return neighbour?.hardwareAddress.flatMap { HardwareAddress.number($0) }
  }

  /// Whether no destination of the flow is a group or a broadcast address, so that the frame was for this host
  /// (PACKET_HOST).
  private func isForOneHost(_ flow: Flow) -> Bool {
    guard let destinations = flow.domain(.destination) else { return false }
    let others = HostKnowledge.multicast(flow.family).union(
      flow.family == .ipv4 ? knowledge.broadcastAddresses.union(ValueSet(IPAddress(ipv4: .max).bits)) : .empty)
    return knowledge.knowsAddresses(flow.family) && destinations.isDisjoint(with: others)
  }

  /// The sources that a packet from a wire can have at all: not a group, and in IPv4 not loopback, a broadcast address
  /// or this host's own one. The kernel takes such packets for martians before any filter; an open source leaves them
  /// out. IPv6 has no such check of the host's own addresses.
  private func possibleSources(_ family: AddressFamily) -> ValueSet {
    var impossible = HostKnowledge.multicast(family)
    guard family == .ipv4 else {
      // `ip6_rcv_core` in `net/ipv6/ip6_input.c`.
      return family.allAddresses.subtracting(impossible.union(ValueSet(1)))
    }
    impossible = impossible.union(knowledge.localAddresses[family] ?? .empty)
    impossible = impossible.union(knowledge.broadcastAddresses).union(HostKnowledge.zero4)
    if !knowledge.knowsAddresses(family) {
      impossible = impossible.union(knowledge.inferredAddresses[family] ?? .empty)
    }
    return family.allAddresses.subtracting(impossible)
  }

  private static let slotFields4 = slotFields(.ip, .icmp)
  private static let slotFields6 = slotFields(.ip6, .icmpv6)

  private static func slotFields(_ ip: Header, _ icmp: Header) -> Set<Field> {
    [
      .meta(.mark), .meta(.length), .meta(.skuid), .meta(.skgid), .header(HeaderField(.tcp, .flags)),
      .header(HeaderField(icmp, .type)), .header(HeaderField(icmp, .code)), .header(HeaderField(ip, .ttl)),
      .header(HeaderField(ip, .hoplimit)), .header(HeaderField(ip, .tos)), .header(HeaderField(ip, .dscp)),
      .conntrack(ConntrackField(.mark)),
    ]
  }

  /// The TCP flags of a packet when the query does not say: SYN opens, SYN+ACK answers, ACK goes on.
  static func usualFlags(_ phase: Query.Phase) -> ValueSet {
    switch phase {
    case .first: ValueSet(Conntrack.syn)
    case .reply: ValueSet(Conntrack.syn | Conntrack.ack)
    case .established: ValueSet(Conntrack.ack)
    case .related, .invalid, .untracked: ValueSet.bits(8)
    }
  }

  // MARK: - Later packets

  /// Traces a later packet of the connection that the query describes: first the packet that opened it, for its
  /// translations, then this one.
  private func later(_ query: Query, _ family: AddressFamily) -> [FinishedFlow] {
    var opening = query
    opening.phase = .first
    // An answer's question describes the first packet; that of a later packet describes that packet, and SYN opened the
    // connection.
    let flags = Field.header(HeaderField(.tcp, .flags))
    if query.phase != .reply { opening.fields[flags] = nil }
    opening.output = nil
    var finished: [FinishedFlow] = []
    // Many ways of the first packet, each with as many of the later one, are more than memory holds.
    func left() -> Int { Self.caseLimit - finished.count }
    for opened in run(startingFlows(opening, family)) {
      guard left() > 0 else {
        finished.append(givenUp(opened.flow))
        return finished
      }
      if opened.verdict == .accept {
        if query.phase == .reply {
          finished += replyFlow(opened).map { run([$0], limit: left()) } ?? [opened]
          continue
        }
        for var flow in laterFlows(opened) {
          guard left() > 0 else {
            finished.append(givenUp(flow))
            return finished
          }
          if let given = query.fields[flags] { flow.rebind(.tcpFlags, to: given) }
          finished += run([flow], limit: left())
        }
      } else {
        finished.append(unopened(opened, query, family))
      }
    }
    return finished
  }

  /// A later packet of a connection whose first packet does not get through: there is none, unless the connection is
  /// older than the rules.
  private func unopened(_ opened: FinishedFlow, _ query: Query, _ family: AddressFamily) -> FinishedFlow {
    var end = opened
    if opened.verdict != .undetermined {
      end.verdict = .drop
      end.decidedBy = .outside(.noConnection)
      end.flow.remarks.append(.noConnection)
    }
    return end
  }

  /// The flows of a later packet in the direction of the first one. It comes when the answer has been seen, which rules
  /// may have marked the connection for.
  private func laterFlows(_ opened: FinishedFlow) -> [Flow] {
    guard index.marksConnections, let answer = replyFlow(opened) else {
      return [laterFlow(opened, behind: opened.flow)]
    }
    return run([answer], limit: Self.replyLimit).map { laterFlow(opened, behind: $0.flow) }
  }

  /// The flow of a packet in the direction of the first one, behind another packet of the connection.
  private func laterFlow(_ opened: FinishedFlow, behind last: Flow) -> Flow {
    var flow = opened.flow
    let connection = flow.connection
    let mark = last.binding[.connectionMark]
    flow.take(whatIsKnownIn: last)
    let arrival = flow.arrival
    reset(&flow)
    flow.binding = arrival
    flow.binding[.connectionMark] = mark
    flow.rebind(.tcpFlags, to: ValueSet(Conntrack.ack))
    take(up: connection, .original, &flow)
    return flow
  }

  /// The flow of the answer to a connection's first packet.
  func replyFlow(_ opened: FinishedFlow) -> Flow? {
    var flow = opened.flow
    let connection = flow.connection
    let last = flow.binding
    let wasSentByHost = flow.isSentByHost
    let wasLoopback = flow.isLoopbackPass
    let wasBridged = opened.fate == .bridged
    let mark = last[.connectionMark]
    let cameFrom = flow.arrival[.input]
    reset(&flow)
    func set(_ slot: Slot, _ variable: VariableID?) { flow.binding[slot] = variable }
    set(.source, last[.destination])
    set(.sourcePort, last[.destinationPort])
    set(.destination, last[.source])
    set(.destinationPort, last[.sourcePort])
    set(.connectionMark, mark)
    // The answer is of the class that its question came with, whatever rules made of that on the way.
    set(.serviceByte, flow.arrival[.serviceByte])
    flow.rebind(.mark, to: ValueSet(0))
    flow.rebind(.tcpFlags, to: ValueSet(Conntrack.syn | Conntrack.ack))
    flow.rebind(.icmpType, to: Self.answerTypes(to: flow.domain(.icmpType), flow.family))
    flow.rebind(.hopLimit, to: ValueSet(64))
    flow.rebind(.length, to: .bits(16))
    take(up: connection, .reply, &flow)
    switch opened.fate {
    case .local:
      flow.isSentByHost = true
      set(.input, nil)
      flow.rebind(.user, to: .bits(32))
      flow.rebind(.group, to: .bits(32))
    case .forward, .bridged, .sent:
      flow.isSentByHost = false
      set(.input, last[.output])
      set(.physicalInput, wasBridged ? last[.physicalOutput] : nil)
      set(.user, nil)
      set(.group, nil)
    case .discarded: return nil
    }
    set(.output, nil)
    set(.physicalOutput, nil)
    // A source that was translated need not be an address of this host.
    if wasSentByHost, let source = last[.source], source == flow.arrival[.source] {
      flow.ownAddresses.insert(source)
    }
    flow.returnsTo = wasSentByHost || wasLoopback ? nil : cameFrom
    takeAnsweringMachine(of: opened, &flow)
    return flow
  }

  /// Forgets what was the first packet's own, such as the hardware address of its sender: the answer is sent by another
  /// machine, whose hardware address the host's neighbours may tell.
  private func takeAnsweringMachine(of opened: FinishedFlow, _ flow: inout Flow) {
    flow.rareFields = flow.rareFields.filter { if case .conntrack = $0.key { true } else { false } }
    flow.isAnswer = true
    let next = opened.flow.route?.gateway ?? opened.flow.domain(.destination)?.single.map { IPAddress(bits: $0) }
    guard opened.fate != .local, let next,
      let text = knowledge.facts.neighbours.first(where: { $0.address == next })?.hardwareAddress,
      let address = HardwareAddress.number(text)
    else { return }
    flow.rareFields[.header(HeaderField(.ether, .saddr))] = flow.makeVariable(ValueSet(address))
  }

  /// Makes a packet one of a connection; without an entry (untracked, invalid, past all rules) it is a packet like any
  /// first one.
  private func take(up connection: Connection?, _ direction: Direction, _ flow: inout Flow) {
    guard var connection, connection.hasEntry else {
      flow.phase = .first
      return
    }
    flow.phase = direction == .original ? .established : .reply
    connection.state = ConntrackState.established
    connection.direction = direction
    flow.continued = grown(connection, flow)
  }

  /// The ICMP types that answer requests (`invmap` in `net/netfilter/nf_conntrack_proto_icmp.c` and
  /// `nf_conntrack_proto_icmpv6.c`).
  private static func answerTypes(to requests: ValueSet?, _ family: AddressFamily) -> ValueSet {
    let pairs: [(request: UInt128, answer: UInt128)] =
      family == .ipv4 ? [(8, 0), (13, 14), (15, 16), (17, 18)] : [(128, 129), (139, 140)]
    let known = pairs.filter { requests?.contains($0.request) ?? true }
    return known.isEmpty ? ValueSet(pairs[0].answer) : ValueSet(known.map { $0.answer...$0.answer })
  }

  /// A connection as it is when both directions have been seen.
  ///
  /// TCP and GRE are then assured from the next packet of the original direction on; UDP only after two seconds, the
  /// others never (`net/netfilter/nf_conntrack_proto_*.c`).
  private func grown(_ connection: Connection, _ flow: Flow) -> Connection {
    var connection = connection
    connection.status |= ConntrackStatus.seenReply | ConntrackStatus.confirmed | 128 | 256
    if connection.direction == .original, flow.domain(.transport)?.isSubset(of: [6, 47]) == true {
      connection.status |= ConntrackStatus.assured
    }
    connection.sourceDone = true
    connection.destinationDone = true
    return connection
  }

  /// Sets a finished flow back to the start of another packet of the same connection.
  private func reset(_ flow: inout Flow) {
    flow.position = Position()
    flow.path = nil
    flow.translations = []
    flow.connection = nil
    flow.isLoopbackPass = false
    flow.isBridged = false
    flow.isHandedOver = false
    flow.isUntracked = false
    flow.bypassesRules = false
    flow.device = nil
    flow.passedDevices = []
    flow.bridgePort = nil
    flow.redirectedBy = nil
    flow.isAnswer = false
    flow.ending = nil
    flow.route = nil
    flow.changedBy = [:]
    flow.remarks = []
    flow.runs = [:]
  }
}

extension Flow {
  /// Takes over what became known of the same packets in a flow that came from this one.
  fileprivate mutating func take(whatIsKnownIn other: Flow) {
    variables = other.variables
    exceptions = other.exceptions
    unions = other.unions
    conditions = other.conditions
    rareFields = other.rareFields
    for assumption in other.assumptions { assume(assumption) }
  }
}

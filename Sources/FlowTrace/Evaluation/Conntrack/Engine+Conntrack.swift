import RuleGraph

extension Engine {
  /// Connection tracking looks the packet up: it gets a state and, unless invalid or untracked, an entry.
  ///
  /// A first packet's state depends on its protocol and flags; the others' is what the query says.
  /// Source: `net/netfilter/nf_conntrack_proto_tcp.c` (tcp_new), `nf_conntrack_proto_icmp.c`,
  /// `nf_conntrack_proto_icmpv6.c`; measured.
  func track(_ flow: inout Flow) -> Move {
    if flow.connection != nil { return .on }
    if flow.isUntracked {
      flow.connection = makeConnection(flow, state: ConntrackState.untracked, hasEntry: false)
      return .on
    }
    if let continued = flow.continued {
      flow.connection = continued
      return .on
    }
    switch flow.phase {
    case .first: return trackFirst(&flow)
    case .invalid: flow.connection = makeConnection(flow, state: ConntrackState.invalid, hasEntry: false)
    case .untracked: flow.connection = makeConnection(flow, state: ConntrackState.untracked, hasEntry: false)
    case .related:
      flow.connection = makeConnection(flow, state: ConntrackState.related, hasEntry: true)
      flow.connection?.sourceDone = true
      flow.connection?.destinationDone = true
    case .established, .reply:
      // Led here without a first packet: nothing is known of its translations.
      flow.connection = makeConnection(flow, state: ConntrackState.established, hasEntry: true)
      flow.connection?.direction = flow.phase == .reply ? .reply : .original
      flow.connection?.status = ConntrackStatus.seenReply | ConntrackStatus.assured | ConntrackStatus.confirmed
      flow.connection?.sourceDone = true
      flow.connection?.destinationDone = true
    }
    return .on
  }

  /// Parts a flow of first packets by the state that conntrack gives them.
  private func trackFirst(_ flow: inout Flow) -> Move {
    let states = firstStates(flow)
    for (box, state) in states {
      switch flow.truth(of: Decision(boxes: [box])) {
      case true:
        open(&flow, state)
        return .on
      case false: continue
      case nil: break
      }
      break
    }
    var parts: [Flow] = []
    var rest: Flow? = flow
    for (box, state) in states {
      guard var current = rest else { break }
      var inside = current
      guard inside.narrow(to: box) else { continue }
      open(&inside, state)
      parts.append(inside)
      rest = current.exclude(box) ? current : nil
    }
    return .split(parts)
  }

  private func open(_ flow: inout Flow, _ state: UInt128) {
    flow.connection = makeConnection(
      flow, state: state, hasEntry: state != ConntrackState.invalid && state != ConntrackState.untracked)
  }

  /// Which first packets get which state: the first box that holds a packet tells.
  private func firstStates(_ flow: Flow) -> [(box: Flow.Box, state: UInt128)] {
    guard let transport = flow.binding[.transport], let type = flow.binding[.icmpType],
      let flags = flow.binding[.tcpFlags]
    else { return [([], ConntrackState.new)] }
    let tcp: Flow.Box = [(transport, ValueSet(6))]
    let icmp: Flow.Box = [(transport, ValueSet(flow.family == .ipv4 ? 1 : 58))]
    let opening: [(box: Flow.Box, state: UInt128)] =
      flow.family == .ipv4
      ? [(icmp + [(type, ValueSet([8...8, 13...13, 15...15, 17...17]))], ConntrackState.new)]
      : [
        (icmp + [(type, ValueSet([128...128, 139...139]))], ConntrackState.new),
        (icmp + [(type, ValueSet([130...136, 143...143]))], ConntrackState.untracked),
      ]
    return [
      (tcp + [(flags, Conntrack.openingFlags(loose: isLoose))], ConntrackState.new), (tcp, ConntrackState.invalid),
    ] + opening + [(icmp, ConntrackState.invalid), ([], ConntrackState.new)]
  }

  /// `net.netfilter.nf_conntrack_tcp_loose`: whether a connection may be picked up in its middle. On unless told
  /// otherwise.
  private var isLoose: Bool { knowledge.setting("net.netfilter.nf_conntrack_tcp_loose") != 0 }

  private func makeConnection(_ flow: Flow, state: UInt128, hasEntry: Bool) -> Connection {
    let tuple = TupleBinding(
      source: flow.binding[.source], sourcePort: flow.binding[.sourcePort], destination: flow.binding[.destination],
      destinationPort: flow.binding[.destinationPort])
    let answer = TupleBinding(
      source: tuple.destination, sourcePort: tuple.destinationPort, destination: tuple.source,
      destinationPort: tuple.sourcePort)
    return Connection(
      state: state, hasEntry: hasEntry, direction: .original, original: tuple, reply: answer, status: 0)
  }
}

/// What connection tracking makes of a TCP packet without a connection.
enum Conntrack {
  static let fin: UInt128 = 1
  static let syn: UInt128 = 2
  static let rst: UInt128 = 4
  static let psh: UInt128 = 8
  static let ack: UInt128 = 16
  static let urg: UInt128 = 32

  /// The flag bytes that open a connection: SYN, and with `loose` also ACK, in each case with any of PSH, URG, ECE, CWR
  /// that the kernel finds valid.
  ///
  /// Source: `tcp_valid_flags`, `tcp_conntracks` and `tcp_new` in `net/netfilter/nf_conntrack_proto_tcp.c`: flags are
  /// first masked without ECE, CWR and PSH; then SYN, SYN+URG, ACK and ACK+URG can open.
  static func openingFlags(loose: Bool) -> ValueSet { loose ? looseOpeningFlags : strictOpeningFlags }

  private static let looseOpeningFlags = makeOpeningFlags(loose: true)
  private static let strictOpeningFlags = makeOpeningFlags(loose: false)

  private static func makeOpeningFlags(loose: Bool) -> ValueSet {
    ValueSet(
      (UInt128(0)...255).filter { flags in
        let masked = flags & (fin | syn | rst | ack | urg)
        return masked == syn || masked == syn | urg || (loose && (masked == ack || masked == ack | urg))
      }.map { $0...$0 })
  }
}

import Glibc
import RuleGraph

extension Lab {
  /// Sends a probe, with what has to come before it, and reports what became of it.
  ///
  /// Nil when the flow that the probe belongs to does not come about because its first packet or the answer to it is lost.
  public func observe(_ probe: Probe) -> Observation? {
    forgetFlows()
    guard probe.moment != .first else { return send(probe) }
    var opening = probe
    opening.moment = .first
    if probe.proto == 6 { opening.flags = 2 }
    let first = send(opening)
    guard let seen = first.packet, let answer = answerProbe(to: opening, first, seen) else { return nil }
    // Whom a translation led back to itself answers inside itself: no such packet is ever on a wire. Nor does the router see what two
    // addresses of one far end say to each other, and no bridge sends a frame back through the port that it came from.
    if answer.source == answer.destination { return nil }
    let ends = [answer.destination, probe.source]
    if topology.ports.contains(where: { $0.name == answer.from && $0.addresses.contains(where: ends.contains) }) {
      return nil
    }
    let answered = send(answer)
    if probe.moment == .reply { return answered }
    // A bridge that hands its frames to no rule carries the answer past connection tracking: the flow never gets anywhere.
    guard answered.fate != .discarded, !answered.views.isEmpty else { return nil }
    // Nor where the rules keep the answer from connection tracking.
    if flowsSawAnswers.contains(false) { return nil }
    var later = probe
    if probe.proto == 6, probe.flags & 2 != 0 { later.flags = 16 }
    return send(later)
  }

  private func answerProbe(to probe: Probe, _ first: Observation, _ seen: PacketHeader) -> Probe? {
    switch first.fate {
    case .local:
      var answer = probe.answer(to: seen)
      answer.from = nil
      return answer
    case .forward, .bridged, .sent:
      guard let endpoint = first.endpoint else { return nil }
      var answer = probe.answer(to: seen)
      answer.from = endpoint
      return answer
    case .discarded: return nil
    }
  }

  /// Deletes every conntrack entry of the router.
  public func forgetFlows() {
    // IPCTNL_MSG_CT_DELETE without a tuple (`conntrack -F`)
    askConntrack(2, flags: 5)
    conntrack.waitForInput(milliseconds: 100)
    while conntrack.receive() != nil {}
  }

  /// Of each flow that the router knows, whether an answer was seen.
  private var flowsSawAnswers: [Bool] {
    // IPCTNL_MSG_CT_GET for all entries (`conntrack -L`)
    askConntrack(1, flags: 0x301)
    var found: [Bool] = []
    while true {
      conntrack.waitForInput(milliseconds: 100)
      guard let (datagram, _) = conntrack.receive() else { return found }
      var at = 0
      while at + 20 <= datagram.count {
        let length = Int(datagram.native32(at: at))
        guard length >= 16, at + length <= datagram.count else { break }
        if datagram.native16(at: at + 4) == 3 { return found }  // NLMSG_DONE
        let attributes = length > 20 ? TraceMessage.attributes(Array(datagram[at + 20..<at + length])) : []
        // CTA_STATUS with IPS_SEEN_REPLY
        if let status = attributes.first(where: { $0.type == 3 }) {
          found.append(status.value.number32(at: 0) & 2 != 0)
        }
        at += (length + 3) & ~3
      }
    }
  }

  /// Sends a request about every entry to the router's connection tracking.
  private func askConntrack(_ request: UInt16, flags: UInt16) {
    var message: [UInt8] = []
    message.appendNative32(20)
    message.appendNative16(1 << 8 | request)
    message.appendNative16(flags)
    message.appendNative32(1)
    message.appendNative32(0)
    message += [0, 0, 0, 0]
    _ = conntrack.send(message, to: [UInt8(AF_NETLINK), 0] + [UInt8](repeating: 0, count: 10))
  }

  private func send(_ probe: Probe) -> Observation {
    while trace.receive() != nil {}
    while capture.receive() != nil {}
    let serial = nextSerial()
    let packet = probe.packet(serial: serial)
    var observation = Observation()
    if let from = probe.from {
      sendFrame(packet, from: from, probe)
    } else {
      observation.sendError = sendLocally(packet, probe)
    }
    var messages: [TraceMessage] = []
    var frames: [Frame] = []
    for attempt in 0..<3 {
      while let (bytes, _) = trace.receive() { messages += TraceMessage.messages(in: bytes) }
      while let frame = nextFrame() { frames.append(frame) }
      let isOver =
        frames.contains { $0.packet.serial == serial } || messages.contains { $0.chain == "input" && $0.table == "lab" }
        || messages.contains { $0.verdict == 0 && $0.kind != .chainReturn }
      if isOver || observation.sendError != 0 { break }
      if attempt < 2 { trace.waitForInput(milliseconds: 1) }
    }
    interpret(messages, frames, probe, serial, &observation)
    return observation
  }

  // MARK: Sending

  private func sendFrame(_ packet: [UInt8], from endpoint: String, _ probe: Probe) {
    let router = topology.interface(ofEndpoint: endpoint)
    let neighbour = topology.ports.first {
      $0.bridge == router && $0.name != endpoint && $0.addresses.contains(probe.destination)
    }
    var frame = topology.hardwareAddress(of: router)
    if let neighbour { frame = topology.farHardwareAddress(of: neighbour.name) }
    if let all = topology.addressForAll(probe.destination, on: router) { frame = all }
    frame += topology.farHardwareAddress(of: endpoint)
    frame.append16(probe.source.isIPv4 ? 0x0800 : 0x86dd)
    var address: [UInt8] = []
    address.appendNative16(UInt16(AF_PACKET))
    address.append16(0)
    address.appendNative32(UInt32(bitPattern: farEndNumbers[endpoint] ?? 0))
    address += [0, 0, 0, 6] + frame[0..<6] + [0, 0]
    _ = capture.send(frame + packet, to: address)
  }

  private func sendLocally(_ packet: [UInt8], _ probe: Probe) -> Int32 {
    let family = probe.source.isIPv4 ? AF_INET : AF_INET6
    guard let socket = try? LinuxSocket(family: family, type: SOCK_RAW, protocolNumber: 255) else { return errno }
    try? socket.set(level: SOL_SOCKET, option: SO_BROADCAST, to: 1)
    if probe.mark != 0 { try? socket.set(level: SOL_SOCKET, option: SO_MARK, to: Int32(bitPattern: probe.mark)) }
    if topology.isLocal(probe.source) { try? socket.bind(to: socketAddress(probe.source)) }
    return socket.send(packet, to: socketAddress(probe.destination))
  }

  private func socketAddress(_ address: IPAddress) -> [UInt8] {
    var bytes: [UInt8] = []
    if address.isIPv4 {
      bytes.appendNative16(UInt16(AF_INET))
      bytes += [0, 0] + address.bytes + [UInt8](repeating: 0, count: 8)
    } else {
      bytes.appendNative16(UInt16(AF_INET6))
      bytes += [UInt8](repeating: 0, count: 6) + address.bytes + [0, 0, 0, 0]
    }
    return bytes
  }

  // MARK: Seeing

  /// A frame that reached a far end.
  private struct Frame {
    var endpoint: String
    /// The hardware address that it says it is from.
    var sender: [UInt8]
    var packet: PacketHeader
  }

  private func nextFrame() -> Frame? {
    while let (bytes, sender) = capture.receive() {
      let number = Int32(bitPattern: sender.native32(at: 4))
      guard let endpoint = farEndNumbers.first(where: { $0.value == number })?.key,
        let packet = PacketHeader(Array(bytes.dropFirst(14)))
      else { continue }
      return Frame(endpoint: endpoint, sender: Array(bytes[6..<12]), packet: packet)
    }
    return nil
  }

  private func interpret(
    _ messages: [TraceMessage], _ frames: [Frame], _ probe: Probe, _ serial: UInt16,
    _ observation: inout Observation
  ) {
    var ours: Set<UInt32> = []
    var lastVerdict: Int32?
    for message in messages {
      if let packet = message.packet {
        let isOurs = packet.serial == serial && packet.proto == probe.proto
        if isOurs { ours.insert(message.id) } else { ours.remove(message.id) }
        if !isOurs, message.table == "lab", message.chain == "output", let kind = Self.answerKind(packet, serial, probe)
        {
          observation.answer = kind
        }
        if isOurs {
          observation.views.append("\(message.table) \(message.chain): \(packet) ttl \(packet.hopLimit)")
          if message.table == "lab", message.chain == "input" {
            observation.fate = .local
            observation.packet = packet
          }
        }
      }
      guard ours.contains(message.id) else { continue }
      if message.kind != .chainReturn { lastVerdict = message.verdict }
      // The end of a chain is reported as a rule without a handle.
      if message.table != "lab", message.kind != .chainReturn, message.kind == .policy || message.handle != 0 {
        observation.path.append(step(message))
      }
    }
    observation.droppedByRules = observation.fate == .local ? false : isLegacy ? nil : lastVerdict == 0
    for frame in frames {
      let (endpoint, packet) = (frame.endpoint, frame.packet)
      if packet.serial == serial, packet.proto == probe.proto {
        observation.copies += 1
        guard observation.copies == 1, observation.fate != .local else { continue }
        observation.endpoint = endpoint
        observation.out = topology.interface(ofEndpoint: endpoint)
        observation.packet = packet
        // A bridge leaves the sender's hardware address in the frame, a router puts its own there.
        let isSenders = probe.from.map { topology.farHardwareAddress(of: $0) == frame.sender } ?? false
        observation.fate = probe.from == nil ? .sent : isSenders ? .bridged : .forward
      } else if let kind = Self.answerKind(packet, serial, probe) {
        observation.answer = observation.answer ?? kind
      }
    }
    if observation.fate != .discarded { observation.answer = nil }
  }

  private func step(_ message: TraceMessage) -> Observation.Step {
    let family =
      message.family == 2
      ? "ip" : message.family == 10 ? "ip6" : message.family == 5 ? "netdev" : message.family == 7 ? "bridge" : "inet"
    let address = RuleAddress(
      family: message.family, table: message.table, chain: message.chain, handle: message.handle)
    let index = message.kind == .rule ? rulePositions[address] ?? -1 : 0
    return Observation.Step(
      family: family, table: message.table, chain: message.chain, index: index, verdict: message.verdict)
  }

  /// What a packet of the router says about the probe, in iptables' words, or nil when it is no answer to it.
  private static func answerKind(_ packet: PacketHeader, _ serial: UInt16, _ probe: Probe) -> String? {
    let body = packet.transport
    guard body.count >= 2 else { return nil }
    switch packet.proto {
    case 6:
      let isReset = body.count >= 14 && body[13] & 4 != 0 && packet.serial == 0
      return isReset && probe.proto == 6 ? "tcp-reset" : nil
    case 1: return body.number16(at: 12) == serial ? icmpKinds[UInt16(body[0]) << 8 | UInt16(body[1])] : nil
    case 58: return body.number16(at: 10) == serial ? icmp6Kinds[UInt16(body[0]) << 8 | UInt16(body[1])] : nil
    default: return nil
    }
  }

  private static let icmpKinds: [UInt16: String] = [
    0x300: "icmp-net-unreachable", 0x301: "icmp-host-unreachable", 0x302: "icmp-proto-unreachable",
    0x303: "icmp-port-unreachable", 0x309: "icmp-net-prohibited", 0x30a: "icmp-host-prohibited",
    0x30d: "icmp-admin-prohibited", 0xb00: "time-exceeded",
  ]
  private static let icmp6Kinds: [UInt16: String] = [
    0x100: "icmp6-no-route", 0x101: "icmp6-adm-prohibited", 0x103: "icmp6-addr-unreachable",
    0x104: "icmp6-port-unreachable", 0x105: "icmp6-policy-fail", 0x106: "icmp6-reject-route", 0x300: "time-exceeded",
  ]
}

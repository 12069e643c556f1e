import Randomness
import RuleGraph

extension Draft {
  /// A packet near the limits of what the rules mention.
  func makeProbe() -> Probe {
    let isIPv4 = usesIPv6 ? random.happens(55) : random.happens(92)
    let from = origin()
    var probe = Probe(from: from, source: source(from, isIPv4), destination: destination(from, isIPv4))
    let icmp: UInt8 = isIPv4 ? 1 : 58
    probe.proto = random.pick(weighted: [(60, 6), (24, 17), (10, icmp), (3, 47), (3, 50)])
    probe.sourcePort = random.happens(80) ? UInt16(random.number(32768...60999)) : port()
    probe.destinationPort = port()
    probe.moment = random.pick(weighted: [(70, .first), (15, .established), (15, .reply)])
    if probe.proto == 6 {
      probe.flags =
        random.happens(85)
        ? 2
        : UInt8(
          random.pick([0x10, 0x18, 0x11, 0x01, 0x04, 0x14, 0x12, 0x03, 0x06, 0x00, 0x29, 0x08, 0x30, 0xc2, 0x0a]))
      if probe.moment == .established { probe.flags = random.pick([0x10, 0x18]) }
      if probe.moment == .reply { probe.flags = 2 }
    }
    if probe.proto == icmp { setICMP(&probe, isIPv4) }
    if random.happens(12) { probe.hopLimit = UInt8(random.pick([1, 2, 3, 63, 65, 128, 255])) }
    if random.happens(10) { probe.dscp = UInt8(random.pick([0, 8, 10, 46, 63])) }
    if random.happens(25) { probe.payload = random.pick([1, 20, 36, 60, 100, 472, 1000]) }
    if from == nil, random.happens(25) {
      probe.mark = mentionedMarks.isEmpty ? UInt32(random.number(0...3)) : random.pick(mentionedMarks)
    }
    return probe
  }

  private func setICMP(_ probe: inout Probe, _ isIPv4: Bool) {
    let types: [UInt8] = isIPv4 ? [8, 8, 8, 8, 13, 0, 3, 5, 11, 17] : [128, 128, 128, 128, 129, 1, 3, 137]
    probe.icmpType = random.pick(types)
    if probe.icmpType == 3, isIPv4 { probe.icmpCode = UInt8(random.pick([0, 1, 3])) }
    if probe.moment != .first { probe.icmpType = isIPv4 ? 8 : 128 }
    if probe.moment != .first { probe.icmpCode = 0 }
  }

  private func origin() -> String? {
    let plain = topology.interfaces.filter { !$0.isBridge }.map(\.name)
    // Only ports with one container send, so that an address tells the port.
    let ports = topology.ports.filter { $0.addresses.count <= 2 }.map(\.name)
    let kind = random.pick(weighted: [(50, 0), (ports.isEmpty ? 0 : 30, 1), (20, 2)])
    return kind == 2 ? nil : random.pick(kind == 0 ? plain : ports)
  }

  private func source(_ from: String?, _ isIPv4: Bool) -> IPAddress {
    // An answer needs a way back: not into a route that refuses, and on a bridge not to an address without a neighbour entry.
    for _ in 0..<20 {
      let address = anySource(from, isIPv4)
      if !address.description.hasPrefix("10.66."), withNeighbour(address) == address { return address }
    }
    return isIPv4 ? IPAddress(ipv4: 0xc0a8_0032) : ownAddresses(false)[0]
  }

  private func anySource(_ from: String?, _ isIPv4: Bool) -> IPAddress {
    guard let from else { return random.pick(ownAddresses(isIPv4)) }
    if let port = topology.ports.first(where: { $0.name == from }),
      let own = port.addresses.first(where: { $0.isIPv4 == isIPv4 })
    {
      return own
    }
    if random.happens(6) { return anyAddress(isIPv4) }
    let near = outsideAddresses(isIPv4).filter { address in
      let onSecond = address.description.hasPrefix("10.") || address.description.hasPrefix("2001:db8:2:")
      return onSecond == (from == "eth1")
    }
    let mentioned = mentionedAddresses.filter { address in
      address.isIPv4 == isIPv4 && !ownAddresses(isIPv4).contains(address)
        && !containerAddresses(isIPv4).contains(address)
        && isOrdinary(address)
    }
    if !mentioned.isEmpty, random.happens(30) { return nudged(random.pick(mentioned)) }
    return random.pick(near)
  }

  private func destination(_ from: String?, _ isIPv4: Bool) -> IPAddress {
    // Nobody sends a frame to himself.
    let own = topology.ports.first { $0.name == from }?.addresses ?? []
    for _ in 0..<20 {
      let address = anyDestination(from, isIPv4)
      if !own.contains(address) { return address }
    }
    return ownAddresses(isIPv4)[0]
  }

  private func anyDestination(_ from: String?, _ isIPv4: Bool) -> IPAddress {
    let mentioned = mentionedAddresses.filter { $0.isIPv4 == isIPv4 && isOrdinary($0) }
    var address = !mentioned.isEmpty && random.happens(50) ? random.pick(mentioned) : anyAddress(isIPv4)
    if random.happens(20) { address = nudged(address) }
    if from == nil, isIPv4, random.happens(5) { address = IPAddress(ipv4: 0x7f00_0001) }
    return withNeighbour(isOrdinary(address) ? address : anyAddress(isIPv4))
  }

  /// Neither multicast nor broadcast nor a bare network: those have tests of their own.
  private func isOrdinary(_ address: IPAddress) -> Bool {
    if address.isIPv4 {
      let first = address.ipv4Number >> 24
      let last = address.ipv4Number & 255
      return first != 0 && first != 127 && first < 224 && last != 255 && last != 0
    }
    return address.bits >> 112 == 0x2001 && address.bits & 0xffff != 0
      && address.bits & 0xffff_ffff_ffff_ffff < 0xffff_ffff
  }

  private func nudged(_ address: IPAddress) -> IPAddress {
    let moved = IPAddress(bits: random.happens(50) ? address.bits + 1 : address.bits - 1)
    return isOrdinary(moved) && moved.isIPv4 == address.isIPv4 ? moved : address
  }

  /// An address of a bridge's subnet stands for a container there, since only those have neighbour entries.
  private func withNeighbour(_ address: IPAddress) -> IPAddress {
    for interface in topology.interfaces where interface.isBridge {
      let isInside = topology.subnets(of: interface).contains { $0.family == address.family && $0.contains(address) }
      let known = topology.isLocal(address) || topology.ports.contains { $0.addresses.contains(address) }
      if isInside, !known {
        return random.pick(
          topology.ports.filter { $0.bridge == interface.name }.flatMap(\.addresses).filter {
            $0.isIPv4 == address.isIPv4
          })
      }
    }
    return address
  }

  private func port() -> UInt16 {
    guard !mentionedPorts.isEmpty, random.happens(75) else { return anyPort() }
    let port = random.pick(mentionedPorts)
    guard random.happens(25) else { return port }
    return random.happens(50) ? port &+ 1 : max(1, port &- 1)
  }
}

public import RuleGraph

/// A packet that is sent into the router, as one line of text.
///
///     id=7 from=eth0 proto=6 src=192.168.0.50 dst=192.168.0.140 sport=40000 dport=8080 flags=2 state=first
///
/// `from=host` is a packet of a process of the router itself.
public struct Probe: Hashable, Sendable {
  /// What happens before the packet is observed, and which way it goes.
  public enum Moment: String, Sendable {
    /// It is the first packet of its flow.
    case first
    /// A later packet in the original direction: the first packet and an answer went before it.
    case established
    /// The answer to the first packet; the addresses below are those of the first packet.
    case reply
  }

  /// The name of the router's interface or bridge port through which it comes, or nil when the router itself sends it.
  public var from: String?
  /// The IP protocol number.
  public var proto: UInt8 = 6
  /// The source address.
  public var source: IPAddress
  /// The destination address.
  public var destination: IPAddress
  /// The source port (TCP and UDP) or the identifier of an ICMP echo.
  public var sourcePort: UInt16 = 40000
  /// The destination port (TCP and UDP).
  public var destinationPort: UInt16 = 80
  /// The TCP flag byte, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32.
  public var flags: UInt8 = 2
  /// The ICMP or ICMPv6 type.
  public var icmpType: UInt8 = 8
  /// The ICMP or ICMPv6 code.
  public var icmpCode: UInt8 = 0
  /// TTL or hop limit.
  public var hopLimit: UInt8 = 64
  /// The differentiated services field, six bits.
  public var dscp: UInt8 = 0
  /// The number of bytes behind the transport header.
  public var payload: Int = 0
  /// The mark of the sending socket; zero for packets from a wire.
  public var mark: UInt32 = 0
  /// Which packet of the flow it is.
  public var moment: Moment = .first
  /// Whether the transport checksum is wrong.
  public var hasBadChecksum = false

  /// Makes a TCP SYN.
  public init(from: String?, source: IPAddress, destination: IPAddress) {
    self.from = from
    self.source = source
    self.destination = destination
  }
}

extension Probe: CustomStringConvertible {
  /// The line of the probe.
  public var description: String {
    var words = ["from=\(from ?? "host") proto=\(proto) src=\(source) dst=\(destination)"]
    if proto == 6 || proto == 17 { words.append("sport=\(sourcePort) dport=\(destinationPort)") }
    if proto == 6 { words.append("flags=\(flags)") }
    if proto == 1 || proto == 58 { words.append("type=\(icmpType) code=\(icmpCode) sport=\(sourcePort)") }
    words.append("ttl=\(hopLimit) dscp=\(dscp) payload=\(payload) mark=\(mark) state=\(moment.rawValue)")
    if hasBadChecksum { words.append("checksum=bad") }
    return words.joined(separator: " ")
  }

  /// Reads the line that ``description`` prints; missing words keep their defaults. Nil when there is no address or a word is unknown.
  public init?(_ line: some StringProtocol) {
    var values: [Substring: Substring] = [:]
    for word in line.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      values[Substring(parts[0])] = Substring(parts[1])
    }
    guard let from = values["from"], let source = values["src"].flatMap({ IPAddress($0) }),
      let destination = values["dst"].flatMap({ IPAddress($0) })
    else { return nil }
    self.init(from: from == "host" ? nil : String(from), source: source, destination: destination)
    func number<Number: FixedWidthInteger>(_ key: Substring, _ missing: Number) -> Number {
      values[key].flatMap { Number($0) } ?? missing
    }
    proto = number("proto", proto)
    sourcePort = number("sport", sourcePort)
    destinationPort = number("dport", destinationPort)
    flags = number("flags", flags)
    icmpType = number("type", icmpType)
    icmpCode = number("code", icmpCode)
    hopLimit = number("ttl", hopLimit)
    dscp = number("dscp", dscp)
    payload = number("payload", payload)
    mark = number("mark", mark)
    moment = values["state"].flatMap { Moment(rawValue: String($0)) } ?? .first
    hasBadChecksum = values["checksum"] == "bad"
  }
}

extension Probe {
  /// The packet under test when it is the answer, or what comes back to what the far end saw.
  func answer(to seen: PacketHeader) -> Probe {
    var answer = self
    answer.source = seen.destination
    answer.destination = seen.source
    answer.sourcePort = seen.destinationPort
    answer.destinationPort = seen.sourcePort
    answer.flags = 0x12
    if proto == 1 || proto == 58 {
      answer.sourcePort = seen.sourcePort
      answer.icmpType = Self.icmpAnswers[UInt16(proto) << 8 | UInt16(icmpType)] ?? icmpType
    }
    answer.hopLimit = 64
    answer.mark = 0
    return answer
  }

  /// Request and answer types of ICMP and ICMPv6.
  private static let icmpAnswers: [UInt16: UInt8] = [0x108: 0, 0x10d: 14, 0x10f: 16, 0x111: 18, 0x3a80: 129]

  /// The length of the packet in bytes, IP header included.
  public var length: Int {
    let header = proto == 6 ? 20 : 8
    return (source.isIPv4 ? 20 : 40) + header + payload
  }

  /// The packet as bytes from the IP header on. `serial` marks it: the IPv4 identification or the IPv6 flow label, never zero.
  func packet(serial: UInt16) -> [UInt8] {
    var transport = transportBytes(serial: serial)
    let checksumAt = proto == 6 ? 16 : proto == 17 ? 6 : proto == 1 || proto == 58 ? 2 : nil
    if let checksumAt {
      var covered: [UInt8] = proto == 1 ? [] : pseudoHeader(length: transport.count)
      covered += transport
      var sum = Self.internetChecksum(covered)
      if proto == 17, sum == 0 { sum = 0xffff }
      if hasBadChecksum { sum = sum == 0x1234 ? 0x4321 : 0x1234 }
      transport[checksumAt] = UInt8(sum >> 8)
      transport[checksumAt + 1] = UInt8(sum & 255)
    }
    return ipHeader(serial: serial, length: transport.count) + transport
  }

  private func transportBytes(serial: UInt16) -> [UInt8] {
    var bytes: [UInt8] = []
    switch proto {
    case 6:
      bytes.append16(sourcePort)
      bytes.append16(destinationPort)
      bytes.append32(flags & 2 != 0 ? 0x1000 : 0x1001)
      bytes.append32(flags & 16 != 0 ? 0x1001 : 0)
      bytes += [0x50, flags]
      bytes.append16(0x2000)
      bytes += [0, 0, 0, 0]
    case 17:
      bytes.append16(sourcePort)
      bytes.append16(destinationPort)
      bytes.append16(UInt16(8 + payload))
      bytes += [0, 0]
    case 1, 58:
      bytes += [icmpType, icmpCode, 0, 0]
      bytes.append16(sourcePort)
      bytes.append16(1)
    case 47: bytes += [0, 0, 0x08, 0, 0, 0, 0, 0]
    default: bytes += [0, 0, 0, 1, 0, 0, 0, 1]
    }
    return bytes + [UInt8](repeating: 0x2e, count: payload)
  }

  private func pseudoHeader(length: Int) -> [UInt8] {
    var bytes = source.bytes + destination.bytes
    if source.isIPv4 {
      bytes += [0, proto]
      bytes.append16(UInt16(length))
    } else {
      bytes.append32(UInt32(length))
      bytes += [0, 0, 0, proto]
    }
    return bytes
  }

  private func ipHeader(serial: UInt16, length: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    if source.isIPv4 {
      bytes += [0x45, dscp << 2]
      bytes.append16(UInt16(20 + length))
      bytes.append16(serial)
      bytes += [0x40, 0, hopLimit, proto, 0, 0]
      bytes += source.bytes + destination.bytes
      let sum = Self.internetChecksum(bytes)
      bytes[10] = UInt8(sum >> 8)
      bytes[11] = UInt8(sum & 255)
    } else {
      bytes.append32(6 << 28 | UInt32(dscp) << 22 | UInt32(serial))
      bytes.append16(UInt16(length))
      bytes += [proto, hopLimit]
      bytes += source.bytes + destination.bytes
    }
    return bytes
  }

  /// RFC 1071.
  static func internetChecksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    var index = 0
    while index < bytes.count {
      sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
      index += 2
    }
    while sum >> 16 != 0 { sum = (sum & 0xffff) + sum >> 16 }
    return ~UInt16(sum)
  }
}

extension IPAddress {
  /// Four or sixteen bytes in network order.
  var bytes: [UInt8] {
    let count = isIPv4 ? 4 : 16
    return (0..<count).map { UInt8(truncatingIfNeeded: bits >> UInt128(8 * (count - 1 - $0))) }
  }

  init(bytes: some Collection<UInt8>) {
    let number = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    self = bytes.count == 4 ? IPAddress(ipv4: UInt32(number)) : IPAddress(bits: number)
  }
}

/// The parts of a seen packet that the comparison needs.
public struct PacketHeader: Hashable, Sendable, CustomStringConvertible {
  /// The IP protocol number.
  public var proto: UInt8
  /// The source address.
  public var source: IPAddress
  /// The destination address.
  public var destination: IPAddress
  /// The source port, the identifier of an ICMP message, or zero.
  public var sourcePort: UInt16 = 0
  /// The destination port, or zero.
  public var destinationPort: UInt16 = 0
  /// TTL or hop limit.
  public var hopLimit: UInt8
  /// The IPv4 identification or the low half of the IPv6 flow label.
  public var serial: UInt16
  /// The first bytes behind the IP header.
  public var transport: [UInt8]

  /// Reads a packet from its IP header on, or nil when it is neither IPv4 nor IPv6. The transport header may be missing.
  init?(_ bytes: [UInt8], transport given: [UInt8]? = nil) {
    guard let first = bytes.first else { return nil }
    if first >> 4 == 4, bytes.count >= 20 {
      proto = bytes[9]
      source = IPAddress(bytes: bytes[12..<16])
      destination = IPAddress(bytes: bytes[16..<20])
      hopLimit = bytes[8]
      serial = bytes.number16(at: 4)
      transport = given ?? Array(bytes.dropFirst(Int(first & 15) * 4))
    } else if first >> 4 == 6, bytes.count >= 40 {
      proto = bytes[6]
      source = IPAddress(bytes: bytes[8..<24])
      destination = IPAddress(bytes: bytes[24..<40])
      hopLimit = bytes[7]
      serial = bytes.number16(at: 2)
      transport = given ?? Array(bytes.dropFirst(40))
    } else {
      return nil
    }
    if proto == 6 || proto == 17 {
      sourcePort = transport.number16(at: 0)
      destinationPort = transport.number16(at: 2)
    } else if proto == 1 || proto == 58 {
      sourcePort = transport.number16(at: 4)
    }
  }

  /// `6 10.0.0.1:80 > 10.0.0.2:90`.
  public var description: String { "\(proto) \(source):\(sourcePort) > \(destination):\(destinationPort)" }
}

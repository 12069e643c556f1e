import RuleGraph

/// The values in a line of a log, read from its bytes.
enum LogValues {
  /// A whole number; nil of anything else.
  static func number(_ bytes: ByteView, _ range: Range<Int>) -> UInt64? {
    guard !range.isEmpty, range.count <= 19 else { return nil }
    var number: UInt64 = 0
    for place in range {
      let digit = bytes[place] &- UInt8(ascii: "0")
      if digit > 9 { return nil }
      number = number &* 10 &+ UInt64(digit)
    }
    return number
  }

  /// A port.
  static func port(_ bytes: ByteView, _ range: Range<Int>) -> UInt16? {
    number(bytes, range).flatMap { UInt16(exactly: $0) }
  }

  /// An address of either family, as ``IPAddress/bits``.
  static func address(_ bytes: ByteView, _ range: Range<Int>) -> UInt128? {
    if let number = ipv4(bytes, range) { return IPAddress.ipv4Base | UInt128(number) }
    guard bytes.contains(UInt8(ascii: ":"), in: range) else { return nil }
    // A scope stands behind the address: fe80::1%eth0.
    let end = bytes.place(of: UInt8(ascii: "%"), in: range) ?? range.upperBound
    return IPAddress(bytes: (range.lowerBound..<end).map { bytes[$0] })?.bits
  }

  private static func ipv4(_ bytes: ByteView, _ range: Range<Int>) -> UInt32? {
    guard range.count >= 7, range.count <= 15 else { return nil }
    var address: UInt32 = 0
    var octet: UInt32 = 0
    var digits = 0
    var dots = 0
    for place in range {
      let byte = bytes[place]
      if byte == UInt8(ascii: ".") {
        guard digits > 0 else { return nil }
        address = address &<< 8 | octet
        octet = 0
        digits = 0
        dots &+= 1
      } else {
        let digit = UInt32(byte &- UInt8(ascii: "0"))
        octet = octet &* 10 &+ digit
        guard digit <= 9, octet <= 255 else { return nil }
        digits &+= 1
      }
    }
    return dots == 3 && digits > 0 ? address &<< 8 | octet : nil
  }

  /// A transport protocol by name or number.
  static func transport(_ bytes: ByteView, _ range: Range<Int>) -> UInt8? {
    if let number = number(bytes, range) { return UInt8(exactly: number) }
    guard !range.isEmpty, range.count <= 16 else { return nil }
    // Capital and small letters differ in one bit.
    let length = min(range.count, 8)
    let mask: UInt64 = length == 8 ? .max : 1 << UInt64(8 * length) - 1
    switch (bytes.word(at: range.lowerBound, count: length) | 0x2020_2020_2020_2020) & mask {
    case 0x70_6374: return 6  // tcp
    case 0x70_6475: return 17  // udp
    case 0x706d_6369: return 1  // icmp
    case 0x65_7267: return 47  // gre
    case 0x70_7365: return 50  // esp
    case 0x7074_6373: return 132  // sctp
    default: break
    }
    switch bytes.text(range).lowercased() {
    // nfdump's words.
    case "icmp6": return IPProtocol.icmpv6.rawValue
    case "ipip": return 4
    case let name: return transport(named: name)
    }
  }

  /// A transport protocol by its name in small letters.
  static func transport(named name: String) -> UInt8? {
    (NamedNumbers.transports + NamedNumbers.transportAliases).first { $0.name == name }.map {
      UInt8(truncatingIfNeeded: $0.value)
    }
  }

  /// The name of an interface, as ``InterfaceName/value``; nil where it is too long for one.
  static func interface(_ bytes: ByteView, _ range: Range<Int>) -> UInt128? {
    guard range.count <= 15 else { return nil }
    if range.isEmpty { return 0 }
    var number: UInt128 = 0
    for place in range { number = number << 8 | UInt128(bytes[place]) }
    return number << UInt128(8 * (16 - range.count))
  }

  /// Whether a word stands in a range, and nothing else.
  @inline(__always)
  static func isWord(_ word: StaticString, _ bytes: ByteView, _ range: Range<Int>) -> Bool {
    range.count == word.utf8CodeUnitCount && bytes.has(word, at: range.lowerBound)
  }

  /// Whether a range begins with a text.
  @inline(__always)
  static func begins(_ bytes: ByteView, _ range: Range<Int>, with text: StaticString) -> Bool {
    range.count >= text.utf8CodeUnitCount && bytes.has(text, at: range.lowerBound)
  }

  /// The flags of TCP by their letters, as tcpdump (`[S.]`) and nfdump (`.AP.SF`) print them; the dot is ACK with
  /// tcpdump alone.
  static func flags(_ bytes: ByteView, _ range: Range<Int>, dotIsACK: Bool) -> UInt8 {
    var flags: UInt8 = 0
    for place in range {
      switch bytes[place] {
      case UInt8(ascii: "F"): flags |= 1
      case UInt8(ascii: "S"): flags |= 2
      case UInt8(ascii: "R"): flags |= 4
      case UInt8(ascii: "P"): flags |= 8
      case UInt8(ascii: "A"): flags |= 16
      case UInt8(ascii: "."): if dotIsACK { flags |= 16 }
      case UInt8(ascii: "U"): flags |= 32
      case UInt8(ascii: "E"): flags |= 64
      case UInt8(ascii: "W"), UInt8(ascii: "C"): flags |= 128
      default: break
      }
    }
    return flags
  }
}

extension FlowRecord {
  /// The first port that no server is expected on: the lowest of those that Linux picks for clients
  /// (`net.ipv4.ip_local_port_range`).
  private static let firstClientPort: UInt16 = 32768

  /// Takes a record of one direction as an answer where its ports say so.
  mutating func judgeByPorts() -> Bool {
    guard hasPorts, sourcePort < Self.firstClientPort, destinationPort >= Self.firstClientPort else { return false }
    place = .answer
    return true
  }
}

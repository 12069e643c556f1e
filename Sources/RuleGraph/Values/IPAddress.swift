/// An IPv4 or IPv6 address, one value type for both families.
///
/// The address is kept as 128 bits. An IPv4 address lives in the block `::ffff:0:0/96` (RFC 4291, 2.5.5.2), so that
/// sets and ranges of either family are plain intervals of the same number line and one code path serves both.
///
///     IPAddress("172.17.0.2")?.description   // "172.17.0.2"
///     IPAddress("2001:db8::1")?.isIPv4       // false
public struct IPAddress: Hashable, Sendable, Comparable {
  /// The address as a number; an IPv4 address `a` is `0xffff_0000_0000 + a`.
  public var bits: UInt128

  /// The first number of the block in which IPv4 addresses live.
  public static let ipv4Base: UInt128 = 0xffff_0000_0000

  /// Makes an address from its 128-bit number.
  public init(bits: UInt128) { self.bits = bits }

  /// Makes an IPv4 address from its 32-bit number.
  public init(ipv4 number: UInt32) { bits = Self.ipv4Base | UInt128(number) }

  /// Reads `172.17.0.2` or `2001:db8::1` (RFC 4291, 2.2; a dotted quad tail is allowed). Nil when the text is anything
  /// else.
  public init?(_ text: some StringProtocol) {
    self.init(bytes: Array(text.utf8))
  }

  /// Reads an address from the bytes of its text.
  public init?(bytes: [UInt8]) {
    guard let parsed = IPAddress.parse(bytes) else { return nil }
    self = parsed
  }

  /// Whether the address is of the IPv4 family.
  public var isIPv4: Bool { bits >> 32 == 0xffff }

  /// The family of the address.
  public var family: AddressFamily { isIPv4 ? .ipv4 : .ipv6 }

  /// Whether no wire leads to the address: one of 127.0.0.0/8 (RFC 1122, 3.2.1.3), or `::1` (RFC 4291, 2.5.3).
  package var isLoopback: Bool { family.loopback.contains(bits) }

  /// The 32-bit number of an IPv4 address; the low 32 bits of an IPv6 address.
  public var ipv4Number: UInt32 { UInt32(truncatingIfNeeded: bits) }

  /// Addresses are ordered by their number, so every IPv4 address stands in one block.
  public static func < (a: IPAddress, b: IPAddress) -> Bool { a.bits < b.bits }
}

/// The two families of IP addresses.
public enum AddressFamily: UInt8, Hashable, Sendable, CaseIterable {
  /// IPv4 (RFC 791); the value is NFPROTO_IPV4 of `include/uapi/linux/netfilter.h`.
  case ipv4 = 2
  /// IPv6 (RFC 8200); the value is NFPROTO_IPV6.
  case ipv6 = 10

  /// The number of bits of an address: 32 or 128.
  public var addressBits: Int { self == .ipv4 ? 32 : 128 }

  /// All addresses of the family.
  public var allAddresses: ValueSet {
    self == .ipv4 ? ValueSet(IPAddress.ipv4Base...(IPAddress.ipv4Base | 0xffff_ffff)) : .all
  }

  /// The addresses that every host has for itself: 127.0.0.0/8 or `::1`.
  package var loopback: ValueSet { self == .ipv4 ? Self.loopback4 : Self.loopback6 }

  private static let loopback4 = ValueSet(IPAddress(ipv4: 0x7f00_0000).bits...IPAddress(ipv4: 0x7fff_ffff).bits)
  private static let loopback6 = ValueSet(1)
}

// MARK: - Reading

extension IPAddress {
  static func parse(_ bytes: [UInt8]) -> IPAddress? {
    bytes.contains(UInt8(ascii: ":")) ? parseIPv6(bytes) : parseIPv4(bytes[...]).map { IPAddress(ipv4: $0) }
  }

  private static func parseIPv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    guard bytes.count >= 7, bytes.count <= 15 else { return nil }
    var number: UInt32 = 0
    var octet: UInt32 = 0
    var digits = 0
    var dots = 0
    for byte in bytes {
      if byte == UInt8(ascii: ".") {
        guard digits > 0, dots < 3 else { return nil }
        number = number << 8 | octet
        octet = 0
        digits = 0
        dots += 1
      } else {
        guard byte.isDigit, digits < 3 else { return nil }
        octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
        guard octet <= 255 else { return nil }
        digits += 1
      }
    }
    guard dots == 3, digits > 0 else { return nil }
    return number << 8 | octet
  }

  private static func parseIPv6(_ bytes: [UInt8]) -> IPAddress? {
    guard bytes.count >= 2, bytes.count <= 45 else { return nil }
    var groups: [UInt16] = []
    var gap: Int?
    var at = 0
    if bytes[0] == UInt8(ascii: ":") {
      guard bytes[1] == UInt8(ascii: ":") else { return nil }
      gap = 0
      at = 2
    }
    while at < bytes.count {
      guard groups.count < 8 else { return nil }
      let start = at
      var group: UInt32 = 0
      while at < bytes.count, let digit = hexDigit(bytes[at]) {
        guard at - start < 4 else { return nil }
        group = group << 4 | digit
        at += 1
      }
      if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
        guard groups.count <= 6, let quad = parseIPv4(bytes[start...]) else { return nil }
        groups.append(UInt16(quad >> 16))
        groups.append(UInt16(quad & 0xffff))
        at = bytes.count
        break
      }
      guard at > start else { return nil }
      groups.append(UInt16(group))
      guard at < bytes.count else { break }
      guard bytes[at] == UInt8(ascii: ":") else { return nil }
      at += 1
      guard at < bytes.count else { return nil }
      if bytes[at] == UInt8(ascii: ":") {
        guard gap == nil else { return nil }
        gap = groups.count
        at += 1
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    return IPAddress(bits: groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) })
  }

  private static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    default: nil
    }
  }
}

// MARK: - Printing

extension IPAddress: CustomStringConvertible {
  /// The address as people write it: dotted quad, or the canonical IPv6 form of RFC 5952.
  public var description: String {
    isIPv4 ? Self.dottedQuad(ipv4Number) : ipv6Description
  }

  private static func dottedQuad(_ number: UInt32) -> String {
    // Answers are full of addresses: their bytes are written in place, without the strings that interpolation would
    // join.
    unsafe String(unsafeUninitializedCapacity: 15) { buffer in
      let zero = UInt32(UInt8(ascii: "0"))
      var count = 0
      func put(_ byte: UInt32) {
        unsafe buffer[count] = UInt8(truncatingIfNeeded: byte)
        count += 1
      }
      for shift: UInt32 in [24, 16, 8, 0] {
        let octet = number >> shift & 255
        if octet > 99 { put(zero + octet / 100) }
        if octet > 9 { put(zero + octet / 10 % 10) }
        put(zero + octet % 10)
        if shift > 0 { put(UInt32(UInt8(ascii: "."))) }
      }
      return count
    }
  }

  private var ipv6Description: String {
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * UInt128($0))) }
    var best = 0..<0
    var start = 0
    while start < 8 {
      guard groups[start] == 0 else {
        start += 1
        continue
      }
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > best.count, end - start > 1 { best = start..<end }
      start = end
    }
    func hex(_ range: Range<Int>) -> String {
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    return best.isEmpty ? hex(0..<8) : hex(0..<best.lowerBound) + "::" + hex(best.upperBound..<8)
  }
}

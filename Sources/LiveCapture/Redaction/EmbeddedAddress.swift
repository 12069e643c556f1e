import RuleGraph

/// The IPv4 address that an IPv6 address of a transition mechanism holds.
struct EmbeddedAddress {
  let address: IPAddress
  /// How many bits stand before it.
  let offset: Int
  /// Whether its bits are inverted.
  private let isInverted: Bool

  /// Finds it in addresses of 6to4 (RFC 3056), Teredo, of which the client's is found (RFC 4380, 4), NAT64 (RFC 6052)
  /// and ISATAP (RFC 5214, 6.1).
  init?(in address: IPAddress) {
    guard !address.isIPv4 else { return nil }
    let bits = address.bits
    switch bits {
    case _ where bits >> 112 == 0x2002: (offset, isInverted) = (16, false)
    case _ where bits >> 96 == 0x2001_0000: (offset, isInverted) = (96, true)
    case _ where bits >> 32 == 0x64_ff9b << 64: (offset, isInverted) = (96, false)
    case _ where bits >> 32 & 0xfdff_ffff == 0x5efe: (offset, isInverted) = (96, false)
    default: return nil
    }
    let inner = UInt32(truncatingIfNeeded: bits >> UInt128(96 - offset))
    self.address = IPAddress(ipv4: isInverted ? ~inner : inner)
  }

  /// The same address with another one inside. The server of Teredo is replaced by nobody's.
  func replaced(by other: IPAddress, in whole: IPAddress) -> IPAddress {
    let inner = UInt32(truncatingIfNeeded: other.bits)
    let shift = UInt128(96 - offset)
    var bits = whole.bits & ~(UInt128(UInt32.max) << shift)
    if isInverted { bits &= ~(UInt128(UInt32.max) << 64) }
    return IPAddress(bits: bits | UInt128(isInverted ? ~inner : inner) << shift)
  }
}

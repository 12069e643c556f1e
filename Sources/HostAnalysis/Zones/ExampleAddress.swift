import RuleGraph

extension AddressFamily {
  /// An address of a host somewhere outside, for examples: 203.0.113.9 (RFC 5737), 2001:db8::9:9 (RFC 3849).
  var exampleOutside: UInt128 {
    switch self {
    case .ipv4: IPAddress(ipv4: 0xcb00_7109).bits
    case .ipv6: (UInt128(0x2001_0db8) << 96) | 0x9_0009
    }
  }
}

import RuleGraph

/// The names that iptables has for ICMP types and codes (RFC 792, RFC 1812, RFC 4443, RFC 4861).
enum ICMPNames {
  /// A type, and a code when the name stands for one code only.
  struct Meaning: Sendable {
    var type: UInt8
    var code: UInt8?
  }

  /// The meaning of a name, or nil.
  static func find(_ name: String, _ family: AddressFamily) -> Meaning? {
    let lower = name.lowercased()
    return (family == .ipv4 ? ipv4 : ipv6).first { $0.name == lower }.map { Meaning(type: $0.type, code: $0.code) }
  }

  private static let ipv4: [(name: String, type: UInt8, code: UInt8?)] = [
    ("any", 255, nil), ("echo-reply", 0, nil), ("pong", 0, nil), ("destination-unreachable", 3, nil),
    ("network-unreachable", 3, 0), ("host-unreachable", 3, 1), ("protocol-unreachable", 3, 2),
    ("port-unreachable", 3, 3), ("fragmentation-needed", 3, 4), ("source-route-failed", 3, 5),
    ("network-unknown", 3, 6), ("host-unknown", 3, 7), ("network-prohibited", 3, 9), ("host-prohibited", 3, 10),
    ("tos-network-unreachable", 3, 11), ("tos-host-unreachable", 3, 12), ("communication-prohibited", 3, 13),
    ("host-precedence-violation", 3, 14), ("precedence-cutoff", 3, 15), ("source-quench", 4, nil),
    ("redirect", 5, nil), ("network-redirect", 5, 0), ("host-redirect", 5, 1), ("tos-network-redirect", 5, 2),
    ("tos-host-redirect", 5, 3), ("echo-request", 8, nil), ("ping", 8, nil), ("router-advertisement", 9, nil),
    ("router-solicitation", 10, nil), ("time-exceeded", 11, nil), ("ttl-exceeded", 11, nil),
    ("ttl-zero-during-transit", 11, 0), ("ttl-zero-during-reassembly", 11, 1), ("parameter-problem", 12, nil),
    ("ip-header-bad", 12, 0), ("required-option-missing", 12, 1), ("timestamp-request", 13, nil),
    ("timestamp-reply", 14, nil), ("address-mask-request", 17, nil), ("address-mask-reply", 18, nil),
  ]

  private static let ipv6: [(name: String, type: UInt8, code: UInt8?)] = [
    ("destination-unreachable", 1, nil), ("no-route", 1, 0), ("communication-prohibited", 1, 1),
    ("beyond-scope", 1, 2), ("address-unreachable", 1, 3), ("port-unreachable", 1, 4), ("failed-policy", 1, 5),
    ("reject-route", 1, 6), ("packet-too-big", 2, nil), ("time-exceeded", 3, nil), ("ttl-exceeded", 3, nil),
    ("ttl-zero-during-transit", 3, 0), ("ttl-zero-during-reassembly", 3, 1), ("parameter-problem", 4, nil),
    ("bad-header", 4, 0), ("unknown-header-type", 4, 1), ("unknown-option", 4, 2), ("echo-request", 128, nil),
    ("ping", 128, nil), ("echo-reply", 129, nil), ("pong", 129, nil), ("mld-listener-query", 130, nil),
    ("mld-listener-report", 131, nil), ("mld-listener-done", 132, nil), ("mld-listener-reduction", 132, nil),
    ("router-solicitation", 133, nil), ("router-advertisement", 134, nil), ("neighbour-solicitation", 135, nil),
    ("neighbor-solicitation", 135, nil), ("neighbour-advertisement", 136, nil),
    ("neighbor-advertisement", 136, nil), ("redirect", 137, nil),
  ]
}

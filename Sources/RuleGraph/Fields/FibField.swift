/// A question to the routing tables (nft(8), "FIB EXPRESSIONS"; iptables `-m addrtype`, `-m rpfilter`).
public struct FibField: Hashable, Sendable {
  /// What is asked: `nft_fib4_eval` and `nft_fib4_eval_type` in `net/ipv4/netfilter/nft_fib_ipv4.c`, and their IPv6
  /// twins.
  public enum Result: String, Hashable, Sendable, CaseIterable {
    /// The type of the address: one of ``AddressType``.
    case type
    /// The index of the interface the address is routed through.
    case oif
    /// The name of that interface.
    case oifname
    /// 1 when a route exists (nft `fib ... check`, iptables `rpfilter`).
    case check
  }

  /// The answer that is looked at.
  public var result: Result
  /// Whether the destination (else the source) is looked up.
  public var ofDestination: Bool
  /// Whether the packet's mark takes part in the look-up.
  public var withMark: Bool
  /// Whether the look-up is limited to the input interface (`iif`; iptables `--limit-iface-in`).
  public var withInputInterface: Bool
  /// Whether the look-up is limited to the output interface (`oif`; iptables `--limit-iface-out`).
  public var withOutputInterface: Bool

  /// Makes a question to the routing tables.
  public init(
    _ result: Result, ofDestination: Bool, withMark: Bool = false, withInputInterface: Bool = false,
    withOutputInterface: Bool = false
  ) {
    self.result = result
    self.ofDestination = ofDestination
    self.withMark = withMark
    self.withInputInterface = withInputInterface
    self.withOutputInterface = withOutputInterface
  }
}

/// The types of an address (`RTN_*` in `include/uapi/linux/rtnetlink.h`).
public enum AddressType: UInt8, Hashable, Sendable, CaseIterable {
  case unspec = 0
  case unicast = 1
  case local = 2
  case broadcast = 3
  case anycast = 4
  case multicast = 5
  case blackhole = 6
  case unreachable = 7
  case prohibit = 8
  case `throw` = 9
  case nat = 10
  case xresolve = 11

  /// The name in lower case, as nft prints it.
  public var name: String { "\(self)" }
}

/// What can be asked of the chosen route (nft(8), "ROUTING EXPRESSIONS").
///
/// Sources that are names of constants are cases of `nft_rt_get_eval` in `net/netfilter/nft_rt.c`.
public enum RouteKey: String, Hashable, Sendable, CaseIterable {
  /// The realm of the route. Source: `NFT_RT_CLASSID`.
  case classid
  /// The gateway, or the destination where there is none, of the table's family. Source: `NFT_RT_NEXTHOP4`,
  /// `NFT_RT_NEXTHOP6`.
  case nexthop
  /// The largest TCP segment that the route's MTU has room for, in bytes. Source: `NFT_RT_TCPMSS`.
  case mtu
  /// 1 when the route's packets are transformed by IPsec. Source: `NFT_RT_XFRM`.
  case ipsec
  /// ``nexthop`` of an IPv4 packet.
  case nexthop4 = "ip nexthop"
  /// ``nexthop`` of an IPv6 packet.
  case nexthop6 = "ip6 nexthop"
}

/// What can be asked of the packet's socket (nft(8), "SOCKET EXPRESSION").
///
/// Sources are cases of `nft_socket_eval` in `net/netfilter/nft_socket.c`.
public enum SocketKey: String, Hashable, Sendable, CaseIterable {
  /// 1 when the socket has the option `IP_TRANSPARENT`. Source: `NFT_SOCKET_TRANSPARENT`.
  case transparent
  /// The mark of the socket, 32 bits. Source: `NFT_SOCKET_MARK`.
  case mark
  /// 1 when the socket is bound to no address. Source: `NFT_SOCKET_WILDCARD`.
  case wildcard
}

/// What can be asked of the packet's IPsec transformation (nft(8), "IPSEC EXPRESSIONS"; `net/netfilter/nft_xfrm.c`).
public struct IPsecField: Hashable, Sendable {
  /// Whether the inbound (else the outbound) transformation is meant.
  public var inbound: Bool
  /// The number of the transformation, 0...255.
  public var index: UInt8
  /// `reqid`, `spi`, `ip saddr`, `ip daddr`, `ip6 saddr`, `ip6 daddr`.
  public var key: String

  /// Makes an IPsec field.
  public init(inbound: Bool, index: UInt8, key: String) {
    self.inbound = inbound
    self.index = index
    self.key = key
  }
}

/// Something about a packet, its connection or its surroundings that a rule can look at.
///
/// Fields carry no dialect: iptables' `-i docker0`, its listing's `in` column and nft's `iifname "docker0"` are all
/// `.meta(.iifname)`. A field may not exist in a packet (`tcp dport` of a UDP packet, `ct direction` without a connection): a
/// match on it is then false, negated or not (nft(8), "PAYLOAD EXPRESSIONS"; NFT_BREAK in `net/netfilter/nft_payload.c`), unless
/// ``Match/whenAbsent`` says otherwise.
public enum Field: Hashable, Sendable {
  /// Data that the kernel keeps beside the packet: interfaces, mark, protocol, owner.
  case meta(MetaKey)
  /// A field of a protocol header.
  case header(HeaderField)
  /// Bytes of the packet at an offset, in bits.
  case raw(base: PayloadBase, offset: Int, length: Int)
  /// A TCP option, IP option, SCTP chunk or IPv6 extension header: its presence (`name` nil) or a field of it.
  case option(OptionField)
  /// Something of the packet's connection.
  case conntrack(ConntrackField)
  /// What the routing tables say of an address of the packet.
  case fib(FibField)
  /// The route that was chosen for the packet (`rt`).
  case route(RouteKey)
  /// The socket that the packet belongs to, where there is one (`socket`).
  case socket(SocketKey)
  /// The transformation (IPsec) of the packet (`ipsec`).
  case ipsec(IPsecField)
  /// The operating system that the packet looks like (`osf`).
  case osFingerprint
}

/// Data beside the packet (nft(8), "META EXPRESSIONS"); the raw value is nft's own word where it has one.
public enum MetaKey: String, Hashable, Sendable, CaseIterable {
  /// The name of the input interface.
  case iifname
  /// The name of the output interface.
  case oifname
  /// The index of the input interface; 0 is none.
  case iif
  /// The index of the output interface; 0 is none.
  case oif
  /// The bridge port that the packet came in through (iptables `physdev --physdev-in`).
  case physicalIn = "physin"
  /// The bridge port that the packet leaves through (iptables `physdev --physdev-out`).
  case physicalOut = "physout"
  /// 1 when the packet is being bridged, not routed (iptables `physdev --physdev-is-bridged`).
  case isBridged = "bridged"
  /// The bridge of the input port (nft `meta ibrname`).
  case ibrname
  /// The bridge of the output port (nft `meta obrname`).
  case obrname
  /// The VLAN protocol of the input bridge.
  case ibrvproto
  /// The VLAN of the input bridge port.
  case ibrpvid
  /// The packet's mark (fwmark), 32 bits.
  case mark
  /// The transport protocol number.
  case l4proto
  /// The network layer family: NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10).
  case nfproto
  /// The Ethernet type.
  case protocolType = "protocol"
  /// The length of the packet in bytes, from the network header on.
  case length
  /// unicast/host (0), broadcast (1), multicast (2), other host (3): PACKET_* of `include/uapi/linux/if_packet.h`.
  case packetType = "pkttype"
  /// The user id of the sending socket.
  case skuid
  /// The group id of the sending socket.
  case skgid
  /// 1 when a sending socket with an owner exists (iptables `owner --socket-exists`).
  case hasSocket = "sksocket"
  /// The control group of the sending socket.
  case cgroup
  /// The traffic control handle, 32 bits.
  case priority
  /// The group of the input interface.
  case iifgroup
  /// The group of the output interface.
  case oifgroup
  /// The hardware type of the input interface.
  case iiftype
  /// The hardware type of the output interface.
  case oiftype
  /// The kind of the input interface ("vlan", "bridge").
  case iifkind
  /// The kind of the output interface.
  case oifkind
  /// The realm of the packet's route.
  case rtclassid
  /// 1 when the packet was decrypted by IPsec.
  case secpath
  /// The processor that handles the packet.
  case cpu
  /// The traffic shaping mark of the NFLOG/trace machinery.
  case nftrace
  /// A random number.
  case random
  /// Seconds since 1970.
  case time
  /// The day of the week; Sunday is 0.
  case day
  /// Seconds since midnight.
  case hour
  /// The device that handled a broken-out hardware offload.
  case sdif
  /// Its name.
  case sdifname
}

/// A header of a packet by its protocol; the raw value is nft's own word.
public enum Header: String, Hashable, Sendable, CaseIterable {
  case ether, vlan, arp, ip, ip6, icmp, icmpv6, igmp, tcp, udp, udplite, sctp, dccp, ah, esp, comp, gre, gretap, geneve
  case vxlan
  /// The transport header, of whatever protocol.
  case th
}

/// A field of a protocol header: the header and the field's name as nft(8) spells it.
public struct HeaderField: Hashable, Sendable {
  /// The header.
  public var header: Header
  /// The field in it.
  public var name: HeaderFieldName

  /// Makes a header field.
  public init(_ header: Header, _ name: HeaderFieldName) {
    self.header = header
    self.name = name
  }
}

/// The names of header fields over all protocols (nft(8), "PAYLOAD EXPRESSIONS").
public enum HeaderFieldName: String, Hashable, Sendable, CaseIterable {
  case saddr, daddr, sport, dport, type, code, flags, length, dscp, ecn, ttl, hoplimit, id, version, hdrlength, nexthdr
  case flowlabel, tos, `protocol`, checksum, sequence, ackseq, doff, reserved, window, urgptr, mtu, gateway, mrt, group
  case htype, ptype, hlen, plen, operation, cfi, dei, pcp, vtag, spi, cpi, csumcov, hdrversion
  case parameterProblem = "parameter-problem"
  case packetTooBig = "packet-too-big"
  case maxDelay = "max-delay"
  case fragmentOffset = "frag-off"
  case maxResponseTime = "mrt-v3"
  case ipSource = "saddr ip"
  case ipTarget = "daddr ip"
  case hardwareSource = "saddr ether"
  case hardwareTarget = "daddr ether"
  case targetAddress = "taddr"
  case vni
}

/// The header that raw payload offsets count from (nft(8), "RAW PAYLOAD EXPRESSION").
public enum PayloadBase: String, Hashable, Sendable {
  case link = "ll"
  case network = "nh"
  case transport = "th"
  case inner = "ih"
}

/// The family of options that an ``OptionField`` belongs to.
public enum OptionKind: String, Hashable, Sendable {
  /// A TCP option (`tcp option maxseg size`).
  case tcp
  /// An IPv4 option (`ip option rr`).
  case ip
  /// An IPv6 extension header (`exthdr frag`).
  case ip6
  /// An SCTP chunk (`sctp chunk data flags`).
  case sctp
  /// A DCCP option.
  case dccp
}

/// A TCP option, IPv4 option, SCTP chunk or IPv6 extension header: its presence or a field of it.
public struct OptionField: Hashable, Sendable {
  /// The family of options.
  public var kind: OptionKind
  /// The option's name as nft spells it (`maxseg`, `frag`), or its number in decimal.
  public var option: String
  /// The field in it; nil is its presence, 0 or 1.
  public var name: String?

  /// Makes an option field.
  public init(_ kind: OptionKind, _ option: String, _ name: String? = nil) {
    self.kind = kind
    self.option = option
    self.name = name
  }
}

/// The two directions of a connection.
public enum Direction: String, Hashable, Sendable {
  /// The direction of the connection's first packet.
  case original
  /// The direction of the answers.
  case reply
}

/// Something of the packet's connection (nft(8), "CONNTRACK EXPRESSIONS").
public struct ConntrackField: Hashable, Sendable {
  /// What is looked at.
  public var key: ConntrackKey
  /// The direction whose tuple is meant, for addresses, ports and counters.
  public var direction: Direction?

  /// Makes a connection field.
  public init(_ key: ConntrackKey, _ direction: Direction? = nil) {
    self.key = key
    self.direction = direction
  }
}

/// What can be asked of a connection; the raw value is nft's word where it has one.
public enum ConntrackKey: String, Hashable, Sendable, CaseIterable {
  /// The state as one bit of ``ConntrackState``.
  case state
  /// The state bit together with ``ConntrackState/snat`` and ``ConntrackState/dnat`` (iptables `--ctstate NEW,DNAT`): those two are
  /// bits of the connection, also true of its later packets (`net/netfilter/xt_conntrack.c`).
  case stateOrTranslation = "state+nat"
  /// 0 original, 1 reply.
  case direction
  /// Bits of ``ConntrackStatus``.
  case status
  /// The connection's mark, 32 bits.
  case mark
  /// The remaining life time, in milliseconds.
  case expiration
  /// The name of the helper.
  case helper
  /// A label bit set, 128 bits.
  case label
  /// The network protocol of the tuple.
  case l3proto
  /// The source address of the tuple.
  case saddr
  /// The destination address of the tuple.
  case daddr
  /// The transport protocol of the tuple.
  case `protocol`
  /// The source port of the tuple.
  case protoSrc = "proto-src"
  /// The destination port of the tuple.
  case protoDst = "proto-dst"
  /// Bytes seen, where accounting is on.
  case bytes
  /// Packets seen.
  case packets
  /// Bytes per packet.
  case avgpkt
  /// The zone.
  case zone
  /// The connection's identifier.
  case id
  /// The number of connections in a list (`ct count`), an environment value.
  case count
  /// The security mark.
  case secmark
  /// The event mask.
  case event
}

/// The state bits of a packet's connection as nft prints them (`NF_CT_STATE_BIT` in `include/uapi/linux/netfilter/nf_conntrack_common.h`).
public enum ConntrackState {
  /// The packet fits no connection and begins none.
  public static let invalid: UInt128 = 1
  /// The packet belongs to a connection that has seen packets in both directions.
  public static let established: UInt128 = 2
  /// The packet begins a connection that another one announced, or is an ICMP error about one.
  public static let related: UInt128 = 4
  /// The packet begins a connection, or no answer to it was seen yet.
  public static let new: UInt128 = 8
  /// Connection tracking was told to leave the packet alone.
  public static let untracked: UInt128 = 64
  /// Only in ``ConntrackKey/stateOrTranslation``: the connection's source is translated.
  public static let snat: UInt128 = 0x100
  /// Only in ``ConntrackKey/stateOrTranslation``: the connection's destination is translated.
  public static let dnat: UInt128 = 0x200

  /// The states and their names, in nft's order.
  public static let names: [(name: String, bit: UInt128)] = [
    ("invalid", invalid), ("established", established), ("related", related), ("new", new), ("untracked", untracked),
  ]
}

/// The status bits of a connection (`enum ip_conntrack_status` in `include/uapi/linux/netfilter/nf_conntrack_common.h`).
public enum ConntrackStatus {
  /// Another connection announced this one.
  public static let expected: UInt128 = 1
  /// Packets were seen in both directions.
  public static let seenReply: UInt128 = 2
  /// The connection is not dropped early when the table is full.
  public static let assured: UInt128 = 4
  /// The first packet has left the host or reached a process; not yet true while it is under way.
  public static let confirmed: UInt128 = 8
  /// The source is translated.
  public static let snat: UInt128 = 16
  /// The destination is translated.
  public static let dnat: UInt128 = 32
  /// The connection is being removed.
  public static let dying: UInt128 = 512

  /// The bits and their names, as nft prints them.
  public static let names: [(name: String, bit: UInt128)] = [
    ("expected", expected), ("seen-reply", seenReply), ("assured", assured), ("confirmed", confirmed), ("snat", snat),
    ("dnat", dnat), ("dying", dying),
  ]
}

/// A question to the routing tables (nft(8), "FIB EXPRESSIONS"; iptables `-m addrtype`, `-m rpfilter`).
public struct FibField: Hashable, Sendable {
  /// What is asked.
  public enum Result: String, Hashable, Sendable {
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
public enum RouteKey: String, Hashable, Sendable, CaseIterable {
  case classid, nexthop, mtu, ipsec
  case nexthop4 = "ip nexthop"
  case nexthop6 = "ip6 nexthop"
}

/// What can be asked of the packet's socket (nft(8), "SOCKET EXPRESSION").
public enum SocketKey: String, Hashable, Sendable, CaseIterable {
  case transparent, mark, wildcard, cgroupv2
}

/// What can be asked of the packet's IPsec transformation (nft(8), "IPSEC EXPRESSIONS").
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

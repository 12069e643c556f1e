/// A header of a packet by its protocol; the raw value is nft's own word.
public enum Header: String, Hashable, Sendable, CaseIterable {
  /// Ethernet (IEEE 802.3).
  case ether
  /// A VLAN's tag (IEEE 802.1Q).
  case vlan
  /// The address resolution of Ethernet (RFC 826).
  case arp
  /// IPv4 (RFC 791).
  case ip
  /// IPv6 (RFC 8200).
  case ip6
  /// IPv4's control messages (RFC 792).
  case icmp
  /// IPv6's control messages (RFC 4443) and neighbour discovery (RFC 4861).
  case icmpv6
  /// Membership in multicast groups (RFC 3376).
  case igmp
  /// TCP (RFC 9293).
  case tcp
  /// UDP (RFC 768).
  case udp
  /// UDP-Lite (RFC 3828).
  case udplite
  /// SCTP (RFC 9260).
  case sctp
  /// DCCP (RFC 4340).
  case dccp
  /// IPsec's authentication header (RFC 4302).
  case ah
  /// IPsec's encapsulated payload (RFC 4303).
  case esp
  /// Compressed payload, IPComp (RFC 3173).
  case comp
  /// A tunnel, GRE (RFC 2784).
  case gre
  /// Ethernet in GRE.
  case gretap
  /// A tunnel, Geneve (RFC 8926).
  case geneve
  /// A tunnel, VXLAN (RFC 7348).
  case vxlan
  /// The transport header, of whatever protocol.
  case th
}

extension Header {
  /// The number of the protocol whose header it is, where IP's own header tells by a number what comes next (IANA,
  /// Assigned Internet Protocol Numbers).
  package var protocolNumber: UInt128? {
    switch self {
    case .icmp: 1
    case .igmp: 2
    case .tcp: 6
    case .udp: 17
    case .dccp: 33
    case .gre, .gretap: 47
    case .esp: 50
    case .ah: 51
    case .icmpv6: 58
    case .comp: 108
    case .sctp: 132
    case .udplite: 136
    case .ether, .vlan, .arp, .ip, .ip6, .geneve, .vxlan, .th: nil
    }
  }
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

/// The names of header fields over all protocols (nft(8), "PAYLOAD EXPRESSIONS"); what they mean is said where
/// ``Header`` says.
public enum HeaderFieldName: String, Hashable, Sendable, CaseIterable {
  /// The source address.
  case saddr
  /// The destination address; of ICMPv6 the redirected destination (RFC 4861, 4.5).
  case daddr
  /// The source port.
  case sport
  /// The destination port.
  case dport
  /// The kind of message, or what the header carries.
  case type
  /// The code of a control message, which refines its type.
  case code
  /// The flags, all in one number.
  case flags
  /// The length in bytes: of the whole packet (IPv4), behind the header (IPv6), of header and data (UDP).
  case length
  /// The class of service, the upper six bits of the service byte (RFC 2474).
  case dscp
  /// The sign of congestion, the lower two bits of the service byte (RFC 3168).
  case ecn
  /// The hops that IPv4 still allows.
  case ttl
  /// The hops that IPv6 still allows.
  case hoplimit
  /// The identification: of a packet's fragments, an echo, a VLAN.
  case id
  /// The version of the protocol.
  case version
  /// The length of the header, in the protocol's own unit of 4 bytes.
  case hdrlength
  /// The protocol of the next header.
  case nexthdr
  /// The flow's label (RFC 6437).
  case flowlabel
  /// The whole service byte.
  case tos
  /// The protocol that the packet carries.
  case `protocol`
  /// The checksum, as it stands in the packet.
  case checksum
  /// The sequence number.
  case sequence
  /// The number of the byte that is expected next.
  case ackseq
  /// The length of TCP's header, in units of 4 bytes.
  case doff
  /// The bits without a meaning.
  case reserved
  /// The bytes that the sender has room for, before scaling.
  case window
  /// The place of the urgent data's end.
  case urgptr
  /// The MTU of the next link, in bytes (RFC 1191).
  case mtu
  /// The better router of a redirect.
  case gateway
  /// The longest time to an answer, in tenths of a second.
  case mrt
  /// The multicast group.
  case group
  /// The kind of hardware address.
  case htype
  /// The network protocol, an Ethernet type.
  case ptype
  /// The length of a hardware address, in bytes.
  case hlen
  /// The length of a network address, in bytes.
  case plen
  /// Request (1), reply (2) and others.
  case operation
  /// Whether the frame may be dropped first.
  case dei
  /// The frame's priority, 0...7.
  case pcp
  /// The tag that verifies the sender.
  case vtag
  /// The number of the security association.
  case spi
  /// The number of the compression association.
  case cpi
  /// The bytes that the checksum covers.
  case csumcov
  /// Where a parameter problem is, in bytes.
  case parameterProblem = "parameter-problem"
  /// The MTU of a packet-too-big message.
  case packetTooBig = "packet-too-big"
  /// The longest delay of a listener's report, in milliseconds (RFC 2710).
  case maxDelay = "max-delay"
  /// The flags and the offset of a fragment, 16 bits.
  case fragmentOffset = "frag-off"
  /// ARP: the sender's network address.
  case ipSource = "saddr ip"
  /// ARP: the target's network address.
  case ipTarget = "daddr ip"
  /// ARP: the sender's hardware address.
  case hardwareSource = "saddr ether"
  /// ARP: the target's hardware address.
  case hardwareTarget = "daddr ether"
  /// Neighbour discovery: the target's address.
  case targetAddress = "taddr"
  /// The number of the virtual network.
  case vni
}

/// The header that raw payload offsets count from (nft(8), "RAW PAYLOAD EXPRESSION"; `nft_payload_eval` in
/// `net/netfilter/nft_payload.c`).
public enum PayloadBase: String, Hashable, Sendable, CaseIterable {
  /// The link layer's.
  case link = "ll"
  /// The network layer's.
  case network = "nh"
  /// The transport layer's.
  case transport = "th"
  /// What the transport header carries.
  case inner = "ih"
}

/// The family of options that an ``OptionField`` belongs to (nft(8), "EXTENSION HEADER EXPRESSIONS";
/// `net/netfilter/nft_exthdr.c`).
public enum OptionKind: String, Hashable, Sendable, CaseIterable {
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

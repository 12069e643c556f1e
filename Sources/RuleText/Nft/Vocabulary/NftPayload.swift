package import RuleGraph

/// The header fields of nft with their types (nft(8), "PAYLOAD EXPRESSIONS"; widths from the protocols' own documents).
package enum NftPayload {
  /// The field of a header by its words, or nil when nft has no such field.
  package static func field(_ protocolName: String, _ name: String) -> NftField? {
    guard let header = Header(rawValue: protocolName) else { return nil }
    let fieldName: HeaderFieldName
    switch name {
    case "cfi": fieldName = .dei
    default:
      guard let known = HeaderFieldName(rawValue: name) else { return nil }
      fieldName = known
    }
    guard let (type, bits) = typeAndBits(header, fieldName) else { return nil }
    return NftField(.header(HeaderField(header, fieldName)), type, bits: bits)
  }

  /// The type and width of a header field, or nil when the header has no such field.
  package static func typeAndBits(_ header: Header, _ name: HeaderFieldName) -> (NftType, Int)? {
    switch header {
    case .tcp, .udp, .udplite, .sctp, .dccp, .th: transport(header, name)
    case .ip, .ip6: network(header, name)
    case .ether, .vlan, .arp: link(header, name)
    case .icmp, .icmpv6, .igmp: control(header, name)
    case .ah, .esp, .comp, .gre, .gretap, .geneve, .vxlan: tunnel(header, name)
    }
  }

  private static func transport(_ header: Header, _ name: HeaderFieldName) -> (NftType, Int)? {
    switch (header, name) {
    case (_, .sport), (_, .dport): (.inetService, 16)
    case (.tcp, .flags): (.tcpFlag, 8)
    case (.tcp, .sequence), (.tcp, .ackseq), (.sctp, .vtag), (.sctp, .checksum): (.integer, 32)
    case (.tcp, .doff), (.tcp, .reserved): (.integer, 4)
    case (.tcp, .window), (.tcp, .checksum), (.tcp, .urgptr): (.integer, 16)
    case (.udp, .length), (.udp, .checksum), (.udplite, .csumcov), (.udplite, .checksum): (.integer, 16)
    case (.dccp, .type): (.dccpType, 4)
    default: nil
    }
  }

  private static func network(_ header: Header, _ name: HeaderFieldName) -> (NftType, Int)? {
    switch (header, name) {
    case (.ip, .saddr), (.ip, .daddr): (.ipv4Address, 32)
    case (.ip6, .saddr), (.ip6, .daddr): (.ipv6Address, 128)
    case (.ip, .protocol), (.ip6, .nexthdr): (.inetProtocol, 8)
    case (_, .dscp): (.dscp, 6)
    case (_, .ecn): (.ecn, 2)
    case (_, .version), (.ip, .hdrlength): (.integer, 4)
    case (_, .length), (.ip, .id), (.ip, .fragmentOffset), (.ip, .checksum): (.integer, 16)
    case (.ip, .tos), (.ip, .ttl), (.ip6, .hoplimit): (.integer, 8)
    case (.ip6, .flowlabel): (.integer, 20)
    default: nil
    }
  }

  private static func link(_ header: Header, _ name: HeaderFieldName) -> (NftType, Int)? {
    switch (header, name) {
    case (.ether, .saddr), (.ether, .daddr), (.arp, .hardwareSource), (.arp, .hardwareTarget): (.etherAddress, 48)
    case (.ether, .type), (.vlan, .type), (.arp, .ptype): (.etherType, 16)
    case (.vlan, .id): (.integer, 12)
    case (.vlan, .dei): (.integer, 1)
    case (.vlan, .pcp): (.integer, 3)
    case (.arp, .htype): (.integer, 16)
    case (.arp, .hlen), (.arp, .plen): (.integer, 8)
    case (.arp, .operation): (.arpOperation, 16)
    case (.arp, .ipSource), (.arp, .ipTarget): (.ipv4Address, 32)
    default: nil
    }
  }

  private static func control(_ header: Header, _ name: HeaderFieldName) -> (NftType, Int)? {
    switch (header, name) {
    case (.icmp, .type): (.icmpType, 8)
    case (.icmp, .code): (.icmpCode, 8)
    case (.icmpv6, .type): (.icmpv6Type, 8)
    case (.icmpv6, .code): (.icmpv6Code, 8)
    case (.igmp, .type): (.igmpType, 8)
    case (.igmp, .mrt): (.integer, 8)
    case (.igmp, .group): (.integer, 32)
    case (_, .checksum), (.icmp, .id), (.icmpv6, .id), (.icmp, .sequence), (.icmpv6, .sequence), (.icmp, .mtu),
      (.icmpv6, .maxDelay):
      (.integer, 16)
    case (.icmp, .gateway), (.icmpv6, .mtu), (.icmpv6, .parameterProblem), (.icmpv6, .packetTooBig): (.integer, 32)
    case (.icmpv6, .targetAddress), (.icmpv6, .daddr): (.ipv6Address, 128)
    default: nil
    }
  }

  private static func tunnel(_ header: Header, _ name: HeaderFieldName) -> (NftType, Int)? {
    switch (header, name) {
    case (.ah, .nexthdr), (.comp, .nexthdr): (.inetProtocol, 8)
    case (.ah, .hdrlength), (.comp, .flags), (.vxlan, .flags): (.integer, 8)
    case (.ah, .reserved), (.comp, .cpi): (.integer, 16)
    case (.ah, .spi), (.ah, .sequence), (.esp, .spi), (.esp, .sequence): (.integer, 32)
    case (.gre, .flags): (.integer, 5)
    case (.gre, .version): (.integer, 3)
    case (.gre, .protocol), (.geneve, .type): (.etherType, 16)
    case (.vxlan, .vni), (.geneve, .vni): (.integer, 24)
    default: nil
    }
  }
}

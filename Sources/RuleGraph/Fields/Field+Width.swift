extension Field {
  /// The number of bits of the field's value, 1...128; interface names and other texts have 128.
  ///
  /// Source: nft(8), the tables of "PAYLOAD EXPRESSIONS", "META EXPRESSIONS" and "CONNTRACK EXPRESSIONS".
  public var width: Int {
    switch self {
    case .meta(let key): key.width
    case .header(let field): field.width
    case .raw(_, _, let length): min(max(length, 1), 128)
    case .option(let option): option.name == nil ? 1 : 32
    case .conntrack(let field): field.key.width
    case .fib(let fib): fib.result == .type ? 8 : fib.result == .check ? 1 : fib.result == .oif ? 32 : 128
    case .route: 128
    case .socket: 32
    case .ipsec(let field): field.key.hasSuffix("addr") ? 128 : 32
    }
  }
}

extension MetaKey {
  fileprivate var width: Int {
    switch self {
    case .iifname, .oifname, .physicalIn, .physicalOut, .ibrname, .obrname, .iifkind, .oifkind, .sdifname: 128
    case .iif, .oif, .mark, .length, .skuid, .skgid, .cgroup, .priority, .iifgroup, .oifgroup, .rtclassid, .cpu,
      .random,
      .hour, .sdif:
      32
    case .isBridged, .hasSocket, .secpath, .nftrace: 1
    case .l4proto, .nfproto, .packetType, .day: 8
    case .protocolType, .iiftype, .oiftype, .ibrvproto, .ibrpvid: 16
    case .time: 64
    }
  }
}

extension ConntrackKey {
  fileprivate var width: Int {
    switch self {
    case .state, .stateOrTranslation, .status, .mark, .expiration, .id, .secmark, .event: 32
    case .direction, .l3proto, .protocol: 8
    case .protoSrc, .protoDst, .zone: 16
    case .bytes, .packets, .avgpkt: 64
    case .label, .saddr, .daddr: 128
    }
  }
}

extension HeaderField {
  fileprivate var width: Int {
    switch (header, name) {
    case (.ether, .saddr), (.ether, .daddr), (_, .hardwareSource), (_, .hardwareTarget): 48
    case (.ether, .type), (.vlan, .type), (.geneve, .type), (.gre, .protocol): 16
    case (.sctp, .checksum): 32
    case (.vlan, .id): 12
    case (.gre, .flags): 5
    case (.gre, .version): 3
    case (_, .vni): 24
    case (_, .saddr), (_, .daddr), (_, .ipSource), (_, .ipTarget), (_, .targetAddress): 128
    case (_, .sport), (_, .dport), (_, .checksum), (_, .window), (_, .urgptr), (_, .csumcov), (.icmp, .mtu): 16
    case (.ip6, .length), (.ip, .length), (.ip, .id), (.udp, .length), (.udplite, _): 16
    case (.ip, .fragmentOffset), (.arp, .htype), (.arp, .ptype), (.arp, .operation), (.icmp, .id), (.icmpv6, .id): 16
    case (.icmp, .sequence), (.icmpv6, .sequence), (_, .maxDelay), (.ah, .reserved), (.comp, .cpi): 16
    case (_, .dscp): 6
    case (_, .ecn): 2
    case (.ip, .version), (.ip6, .version), (.ip, .hdrlength), (_, .doff), (.dccp, .type): 4
    case (_, .flowlabel): 20
    case (_, .dei): 1
    case (_, .pcp): 3
    case (.tcp, .reserved): 4
    case (_, .type), (_, .code), (_, .flags), (_, .ttl), (_, .hoplimit), (_, .protocol), (_, .nexthdr), (_, .hlen),
      (_, .plen), (_, .hdrlength), (_, .mrt), (_, .tos):
      8
    default: 32
    }
  }
}

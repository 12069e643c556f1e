package import RuleGraph

/// The fields of nft beside header fields, with their types (nft(8), "PRIMARY EXPRESSIONS").
package enum NftFields {
  /// `meta KEY`, or nil when nft has no such key.
  package static func meta(_ key: String) -> NftField? {
    let known: MetaKey
    switch key {
    case "ibriport", "ibriportname": known = .ibrname
    case "obriport", "obriportname": known = .obrname
    case "secpath", "ipsec": known = .secpath
    case "physin", "physout", "bridged", "sksocket": return nil
    default:
      guard let parsed = MetaKey(rawValue: key) else { return nil }
      known = parsed
    }
    return NftField(.meta(known), type(of: known), bits: bits(of: known))
  }

  /// The type of a meta key's values.
  package static func type(of key: MetaKey) -> NftType {
    switch key {
    case .iifname, .oifname, .ibrname, .obrname, .sdifname, .physicalIn, .physicalOut: .ifname
    case .iif, .oif, .sdif: .interfaceIndex
    case .mark: .mark
    case .l4proto: .inetProtocol
    case .nfproto: .networkProtocol
    case .protocolType, .ibrvproto: .etherType
    case .packetType: .packetType
    case .skuid: .uid
    case .skgid: .gid
    case .priority: .classid
    case .rtclassid: .realm
    case .iifgroup, .oifgroup: .deviceGroup
    case .iiftype, .oiftype: .interfaceType
    case .iifkind, .oifkind: .string
    case .secpath, .isBridged, .hasSocket: .boolean
    case .time: .time
    case .day: .day
    case .hour: .hour
    case .length, .cgroup, .ibrpvid, .cpu, .nftrace, .random: .integer
    }
  }

  private static func bits(of key: MetaKey) -> Int? {
    switch key {
    case .length, .cgroup, .cpu, .random: 32
    case .ibrpvid: 16
    case .nftrace: 1
    case .time: 64
    default: nil
    }
  }

  /// `ct [DIRECTION] KEY`; `key` may begin with `ip` or `ip6` (`ip saddr`). Nil when nft has no such key.
  ///
  /// An address without a family is of the table's, or of the family that the address it is compared with shows.
  package static func conntrack(_ key: String, _ direction: Direction?, family: TableFamily) -> NftField? {
    var name = key
    var addresses: NftType = family == .ip6 ? .ipv6Address : .ipv4Address
    if key.hasPrefix("ip6 ") {
      name = String(key.dropFirst(4))
      addresses = .ipv6Address
    } else if key.hasPrefix("ip ") {
      name = String(key.dropFirst(3))
      addresses = .ipv4Address
    }
    guard let known = ConntrackKey(rawValue: name), known != .stateOrTranslation else { return nil }
    let (type, bits): (NftType, Int) =
      switch known {
      case .state, .stateOrTranslation: (.ctState, 32)
      case .direction: (.ctDirection, 8)
      case .status: (.ctStatus, 32)
      case .mark: (.mark, 32)
      case .expiration: (.duration, 64)
      case .label: (.ctLabel, 128)
      case .l3proto: (.networkProtocol, 8)
      case .saddr, .daddr: (addresses, addresses.bits)
      case .protocol: (.inetProtocol, 8)
      case .protoSrc, .protoDst: (.inetService, 16)
      case .bytes, .packets, .avgpkt: (.integer, 64)
      case .zone: (.integer, 16)
      case .id, .secmark: (.integer, 32)
      case .event: (.ctEvent, 32)
      }
    return NftField(.conntrack(ConntrackField(known, direction)), type, bits: bits)
  }

  /// `fib FLAGS RESULT`, or nil when a word is unknown.
  package static func fib(_ result: String, flags: [String]) -> NftField? {
    guard let result = FibField.Result(rawValue: result) else { return nil }
    var field = FibField(result, ofDestination: false)
    var hasAddress = false
    for flag in flags {
      switch flag {
      case "saddr": hasAddress = true
      case "daddr":
        field.ofDestination = true
        hasAddress = true
      case "mark": field.withMark = true
      case "iif": field.withInputInterface = true
      case "oif": field.withOutputInterface = true
      default: return nil
      }
    }
    guard hasAddress else { return nil }
    let type: NftType =
      switch result {
      case .type: .addressType
      case .oif: .interfaceIndex
      case .oifname: .ifname
      case .check: .boolean
      }
    return NftField(.fib(field), type)
  }

  /// `rt [FAMILY] KEY`; `family` is `ip`, `ip6` or nil.
  package static func route(_ key: String, family: String?) -> NftField? {
    switch (key, family) {
    case ("classid", _): NftField(.route(.classid), .realm)
    case ("mtu", _): NftField(.route(.mtu), .integer, bits: 16)
    case ("ipsec", _): NftField(.route(.ipsec), .boolean)
    case ("nexthop", "ip"): NftField(.route(.nexthop4), .ipv4Address)
    case ("nexthop", "ip6"): NftField(.route(.nexthop6), .ipv6Address)
    case ("nexthop", nil): NftField(.route(.nexthop), .ipv4Address)
    default: nil
    }
  }

  /// `socket KEY`, but for control groups, which have no numbers in a dump.
  package static func socket(_ key: String) -> NftField? {
    switch SocketKey(rawValue: key) {
    case .transparent: NftField(.socket(.transparent), .boolean)
    case .wildcard: NftField(.socket(.wildcard), .boolean)
    case .mark: NftField(.socket(.mark), .mark)
    case nil: nil
    }
  }

  /// `ipsec in|out [spnum N] [FAMILY] KEY`.
  package static func ipsec(_ key: String, family: String?, inbound: Bool, index: UInt64) -> NftField? {
    guard let index = UInt8(exactly: index) else { return nil }
    switch (key, family) {
    case ("reqid", _), ("spi", _):
      return NftField(.ipsec(IPsecField(inbound: inbound, index: index, key: key)), .integer, bits: 32)
    case ("saddr", let family?), ("daddr", let family?):
      return NftField(
        .ipsec(IPsecField(inbound: inbound, index: index, key: "\(family) \(key)")),
        family == "ip6" ? .ipv6Address : .ipv4Address)
    default: return nil
    }
  }

  /// A TCP option, IP option, extension header or SCTP chunk; `name` nil is its presence.
  package static func option(_ kind: OptionKind, _ option: String, _ name: String?) -> NftField {
    var option = option
    if kind == .tcp {
      switch option {
      case "sack-permitted": option = "sack-perm"
      case "sack0": option = "sack"
      case "noop": option = "nop"
      default: break
      }
    }
    let field = Field.option(OptionField(kind, option, name))
    guard let name else { return NftField(field, .boolean) }
    switch (kind, option, name) {
    case (.ip6, _, "nexthdr"): return NftField(field, .inetProtocol)
    case (.ip6, "mh", "type"): return NftField(field, .mobilityType)
    case (.ip6, "frag", "more-fragments"): return NftField(field, .integer, bits: 1)
    case (.ip6, "frag", "frag-off"): return NftField(field, .integer, bits: 13)
    case (.ip6, "frag", "id"), (.tcp, _, "left"), (.tcp, _, "right"), (.tcp, _, "tsval"), (.tcp, _, "tsecr"):
      return NftField(field, .integer, bits: 32)
    case (.ip6, "rt2", "addr"): return NftField(field, .ipv6Address)
    case (.ip6, "rt0", _) where name.hasPrefix("addr"), (.ip6, "srh", _) where name.hasPrefix("sid"):
      return NftField(field, .ipv6Address)
    case (.ip, _, "addr"): return NftField(field, .ipv4Address)
    case (.tcp, "maxseg", "size"), (.ip, _, "value"), (.ip6, "srh", "tag"): return NftField(field, .integer, bits: 16)
    case (.tcp, "window", "count"), (.ip, _, _), (.tcp, _, "length"), (.tcp, _, "kind"), (.ip6, _, _):
      return NftField(field, .integer, bits: 8)
    case (.sctp, _, _): return NftField(field, .integer, bits: 32)
    default:
      if name.hasPrefix("@"), let width = name.split(separator: ",").last.flatMap({ Int($0) }) {
        return NftField(field, .integer, bits: min(max(width, 0), 128))
      }
      return NftField(field, .integer, bits: 32)
    }
  }

  /// `@BASE,OFFSET,LENGTH`, or nil when it is wider than a value can be.
  package static func raw(_ base: String, offset: UInt64, length: UInt64) -> NftField? {
    guard let base = PayloadBase(rawValue: base), let offset = Int(exactly: offset), length >= 1, length <= 128,
      offset <= 1 << 20
    else { return nil }
    // The ports of every protocol that has some, as nft itself names them.
    if base == .transport, length == 16, offset == 0 || offset == 16 {
      return NftPayload.field("th", offset == 0 ? "sport" : "dport")
    }
    return NftField(.raw(base: base, offset: offset, length: Int(length)), .integer, bits: Int(length))
  }
}

import RuleGraph

extension Field {
  /// The type that nft gives the field's values, or nil when nft has no such field.
  var nftPart: NftPart? {
    switch self {
    case .meta(let key):
      switch key {
      case .physicalIn, .physicalOut, .isBridged, .hasSocket: nil
      default: NftFields.meta(key.rawValue).map { NftPart($0.type, $0.bits) }
      }
    case .header(let field): NftPayload.typeAndBits(field.header, field.name).map { NftPart($0.0, $0.1) }
    case .raw(_, _, let length): NftPart(.integer, length)
    case .option(let option):
      NftPart(NftFields.option(option.kind, option.option, option.name).type, width)
    case .conntrack(let field):
      NftFields.conntrack(field.key.rawValue, field.direction, family: .ip).map { NftPart($0.type, $0.bits) }
    case .fib(let fib):
      switch fib.result {
      case .type: NftPart(.addressType)
      case .oif: NftPart(.interfaceIndex)
      case .oifname: NftPart(.ifname)
      case .check: NftPart(.boolean)
      }
    case .route(let key):
      switch key {
      case .classid: NftPart(.realm)
      case .mtu: NftPart(.integer, 16)
      case .ipsec: NftPart(.boolean)
      case .nexthop, .nexthop4: NftPart(.ipv4Address)
      case .nexthop6: NftPart(.ipv6Address)
      }
    case .socket(let key): NftFields.socket(key.rawValue).map { NftPart($0.type, $0.bits) }
    case .ipsec(let field):
      field.key.hasPrefix("ip6")
        ? NftPart(.ipv6Address) : field.key.hasPrefix("ip") ? NftPart(.ipv4Address) : NftPart(.integer, 32)
    }
  }

  /// The field as nft reads it; `isIPv6` decides for connection addresses, which need their family.
  func nftText(isIPv6: Bool) -> String {
    switch self {
    case .conntrack(let field) where field.key == .saddr || field.key == .daddr:
      return "ct \(field.direction.map { $0.rawValue + " " } ?? "")\(isIPv6 ? "ip6" : "ip") \(field.key.rawValue)"
    case .meta(.secpath): return "meta ipsec"
    case .fib(var fib) where fib.result == .check:
      // Versions before 1.1 know the question only in this form.
      fib.result = .oif
      return Field.fib(fib).text
    case .option(let option):
      guard let name = option.name else { return text }
      if name.hasPrefix("@") { return "\(option.kind.rawValue) option @\(option.option),\(name.dropFirst())" }
      return text
    default: return text
    }
  }
}

extension Field {
  /// The field as nft spells it: `ip saddr`, `tcp dport`, `ct state`, `fib daddr type`; iptables' own fields by the
  /// nearest nft words.
  ///
  /// Source: nft(8), "PAYLOAD EXPRESSIONS", "META EXPRESSIONS", "CONNTRACK EXPRESSIONS", "FIB EXPRESSIONS".
  public var text: String {
    switch self {
    case .meta(let key):
      switch key {
      case .iifname, .oifname, .iif, .oif: key.rawValue
      default: "meta \(key.rawValue)"
      }
    case .header(let field):
      switch field.name {
      case .ipSource, .ipTarget, .hardwareSource, .hardwareTarget: "\(field.header.rawValue) \(field.name.rawValue)"
      default: "\(field.header.rawValue) \(field.name.rawValue)"
      }
    case .raw(let base, let offset, let length): "@\(base.rawValue),\(offset),\(length)"
    case .option(let option): option.text
    case .conntrack(let field):
      field.direction.map { "ct \($0.rawValue) \(field.key.rawValue)" } ?? "ct \(field.key.rawValue)"
    case .fib(let fib): fib.text
    case .route(let key): "rt \(key.rawValue)"
    case .socket(let key): "socket \(key.rawValue)"
    case .ipsec(let field): "ipsec \(field.inbound ? "in" : "out") spnum \(field.index) \(field.key)"
    }
  }
}

extension OptionField {
  fileprivate var text: String {
    let before =
      switch kind {
      case .tcp: "tcp option "
      case .ip: "ip option "
      case .ip6: ""
      case .sctp: "sctp chunk "
      case .dccp: "dccp option "
      }
    if let name { return "\(before)\(option) \(name)" }
    return kind == .ip6 ? "exthdr \(option)" : before + option
  }
}

extension FibField {
  fileprivate var text: String {
    var key = ofDestination ? "daddr" : "saddr"
    if withMark { key += " . mark" }
    if withInputInterface { key += " . iif" }
    if withOutputInterface { key += " . oif" }
    return "fib \(key) \(result.rawValue)"
  }
}

extension NamedSet {
  /// What an iptables match or target looks up in this ipset: one expression for each part of the key.
  ///
  /// `subject` is the one of the match: an address field for each flag, source for `src`, destination for `dst`. A
  /// `port` of the type is protocol and port; `iface` is the input interface for `src` and the output interface for
  /// `dst` (ipset(8), "SET TYPES"). Nil when the set is no ipset of a known type or the match has fewer flags than the
  /// type has parts: then nothing matches (`ip_set_test` in `net/netfilter/ipset/ip_set_core.c`).
  ///
  ///     // hash:ip,port asked with src,dst
  ///     [.field(ip saddr), .field(meta l4proto), .field(th dport)]
  public func ipsetKey(_ subject: ValueExpression, family: AddressFamily) -> [ValueExpression]? {
    guard let type = ipsetType else { return nil }
    let flags: [ValueExpression]
    if case .concatenation(let parts) = subject { flags = parts } else { flags = [subject] }
    guard let colon = type.firstIndex(of: ":") else { return nil }
    let parts = type[type.index(after: colon)...].split(separator: ",")
    guard flags.count >= parts.count, !parts.isEmpty else { return nil }
    let header: Header = family == .ipv4 ? .ip : .ip6
    var key: [ValueExpression] = []
    for (part, flag) in zip(parts, flags) {
      guard case .field(.header(let address)) = flag else { return nil }
      let isSource = address.name == .saddr
      switch part {
      case "ip", "net": key.append(.field(.header(HeaderField(header, isSource ? .saddr : .daddr))))
      case "port":
        key.append(.field(.meta(.l4proto)))
        key.append(.field(.header(HeaderField(.th, isSource ? .sport : .dport))))
      case "mac": key.append(.field(.header(HeaderField(.ether, isSource ? .saddr : .daddr))))
      case "iface": key.append(.field(.meta(isSource ? .iifname : .oifname)))
      case "mark":
        let mask = arguments.first { $0.name == "markmask" }.flatMap { UInt128(hexadecimal: $0.value) }
        key.append(mask.map { .bitwise(.field(.meta(.mark)), and: $0, xor: 0) } ?? .field(.meta(.mark)))
      default: return nil
      }
    }
    return key
  }
}

extension UInt128 {
  /// Reads `0xff`.
  fileprivate init?(hexadecimal text: String) {
    guard text.hasPrefix("0x") else { return nil }
    self.init(text.dropFirst(2), radix: 16)
  }
}

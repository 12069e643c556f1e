extension Rejection {
  /// The name of the answer to a packet of a family, as iptables' `--reject-with` spells it: `icmp-port-unreachable`,
  /// `tcp-reset`.
  ///
  /// Source: iptables-extensions(8) "REJECT"; `nft_reject_icmp_code` in `net/netfilter/nft_reject.c` for the family's
  /// own form.
  public func name(for family: AddressFamily) -> String {
    switch self {
    case .tcpReset: return "tcp-reset"
    case .icmp(let code):
      let names: [UInt8: String] = [
        0: "icmp-net-unreachable", 1: "icmp-host-unreachable", 2: "icmp-proto-unreachable", 3: "icmp-port-unreachable",
        9: "icmp-net-prohibited", 10: "icmp-host-prohibited", 13: "icmp-admin-prohibited",
      ]
      return names[code] ?? "icmp-code-\(code)"
    case .icmpv6(let code):
      let names: [UInt8: String] = [
        0: "icmp6-no-route", 1: "icmp6-adm-prohibited", 3: "icmp6-addr-unreachable", 4: "icmp6-port-unreachable",
        5: "icmp6-policy-fail", 6: "icmp6-reject-route",
      ]
      return names[code] ?? "icmp6-code-\(code)"
    case .icmpx(let code):
      let v4: [UInt8] = [0, 3, 1, 13]
      let v6: [UInt8] = [0, 4, 3, 1]
      guard Int(code) < v4.count else { return "icmpx-code-\(code)" }
      let own: Rejection = family == .ipv4 ? .icmp(code: v4[Int(code)]) : .icmpv6(code: v6[Int(code)])
      return own.name(for: family)
    }
  }
}

import RuleGraph

/// `-j REJECT`: the packet is dropped with an answer (iptables-extensions(8), "REJECT").
struct RejectTarget: IptablesExtension {
  let names = ["REJECT"]
  let kind = ExtensionKind.target
  let listingWords = ["reject-with"]
  let options = [OptionSpelling("reject-with")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    if text.eat(word: "reject-with") {
      guard let value = text.eatValue() else { return false }
      found.append(ExtensionOption(name: "reject-with", value: value))
    }
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let option = options.last else {
      rule.statements.append(
        .verdict(.reject(rule.family == .ipv4 ? .icmp(code: 3) : .icmpv6(code: 4))))
      return true
    }
    let name = rule.text(option.value)
    guard let kind = Self.kinds(rule.family).first(where: { $0.name == name || $0.short == name }) else { return false }
    rule.statements.append(.verdict(.reject(kind.rejection)))
    return true
  }

  typealias Kind = (name: String, short: String, rejection: Rejection)

  /// The answers of a family: long name, short name, meaning (RFC 792, RFC 1812; RFC 4443).
  static func kinds(_ family: AddressFamily) -> [Kind] { family == .ipv4 ? ipv4 : ipv6 }

  private static let ipv4: [Kind] = [
    ("icmp-net-unreachable", "net-unreach", .icmp(code: 0)), ("icmp-host-unreachable", "host-unreach", .icmp(code: 1)),
    ("icmp-proto-unreachable", "proto-unreach", .icmp(code: 2)),
    ("icmp-port-unreachable", "port-unreach", .icmp(code: 3)), ("icmp-net-prohibited", "net-prohib", .icmp(code: 9)),
    ("icmp-host-prohibited", "host-prohib", .icmp(code: 10)), ("tcp-reset", "tcp-rst", .tcpReset),
    ("icmp-admin-prohibited", "admin-prohib", .icmp(code: 13)),
  ]

  private static let ipv6: [Kind] = [
    ("icmp6-no-route", "no-route", .icmpv6(code: 0)), ("icmp6-adm-prohibited", "adm-prohibited", .icmpv6(code: 1)),
    ("icmp6-addr-unreachable", "addr-unreach", .icmpv6(code: 3)),
    ("icmp6-port-unreachable", "port-unreach", .icmpv6(code: 4)), ("tcp-reset", "tcp-reset", .tcpReset),
    ("icmp6-policy-fail", "policy-fail", .icmpv6(code: 5)), ("icmp6-reject-route", "reject-route", .icmpv6(code: 6)),
  ]
}

extension RejectTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .verdict(.reject(let rejection)) = statements.first,
      let kind = Self.kinds(rule.family).first(where: { $0.rejection == rejection })
    else { return nil }
    return SpelledStatement(module: "REJECT", options: "--reject-with \(kind.name)", isTarget: true)
  }
}

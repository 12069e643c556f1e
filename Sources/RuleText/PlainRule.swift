package import RuleGraph

/// A rule as people type it by hand, with at most one interface, one block of addresses a side, one protocol and one
/// range of its ports.
///
/// Every program that filters packets has words for it: iptables, nft and ufw.
package struct PlainRule: Hashable, Sendable {
  package var family: AddressFamily
  /// The interface that the packet comes in on.
  package var input: InterfaceName?
  package var source: Prefix?
  package var destination: Prefix?
  package var transport: IPProtocol?
  /// The destination's ports.
  package var ports: ClosedRange<UInt128>?
  /// Whether it is for packets of connections that exist, not for those that open one.
  package var isForAnswers = false
  package var verdict: Verdict

  package init(_ family: AddressFamily, _ verdict: Verdict) {
    self.family = family
    self.verdict = verdict
  }

  /// The statements of the rule in the graph.
  package var statements: [Statement] { statements(testsProtocol: true) }

  private func statements(testsProtocol: Bool) -> [Statement] {
    let header: Header = family == .ipv4 ? .ip : .ip6
    var statements: [Statement] = []
    if let input { statements.append(.match(Match(.meta(.iifname), in: ValueSet(input.value)))) }
    if let source { statements.append(.match(Match(.header(HeaderField(header, .saddr)), in: source.values))) }
    if let destination {
      statements.append(.match(Match(.header(HeaderField(header, .daddr)), in: destination.values)))
    }
    if let transport {
      if testsProtocol || ports == nil {
        statements.append(.match(Match(.meta(.l4proto), in: ValueSet(transport))))
      }
      if let ports {
        let field = HeaderField(transport == .tcp ? .tcp : .udp, .dport)
        statements.append(.match(Match(.header(field), in: ValueSet(ports))))
      }
    }
    if isForAnswers {
      let states = ConntrackState.established | ConntrackState.related
      statements.append(.match(Match(.conntrack(ConntrackField(.state)), anyBitOf: states)))
    }
    return statements + [.verdict(verdict)]
  }
}

// MARK: - As it is typed

extension PlainRule {
  /// The arguments of iptables behind the chain: `-i eth0 -d 172.17.0.2 -p tcp --dport 80 -j ACCEPT`.
  package var iptablesArguments: String {
    var words: [String] = []
    if let input { words.append("-i \(input)") }
    if let source { words.append("-s \(Self.text(source))") }
    if let destination { words.append("-d \(Self.text(destination))") }
    if let transport { words.append("-p \(Self.name(transport))") }
    if let ports { words.append("--dport \(Self.text(ports))") }
    if isForAnswers { words.append("-m conntrack --ctstate RELATED,ESTABLISHED") }
    words.append("-j \(verdictName.uppercased())")
    return words.joined(separator: " ")
  }

  /// The rule in nft's words: `iifname "eth0" ip daddr 172.17.0.2 tcp dport 80 accept`.
  package func nftText(in table: Table) -> String {
    // nft itself puts a test of the protocol before one of ports.
    let rule = Rule(
      statements(testsProtocol: false), span: SourceSpan(source: 0, line: 1, offset: 0, length: 0))
    return NftPrinter.ruleText(rule, table: table)
  }

  /// The arguments of ufw: `in on eth0 proto tcp from any to 192.0.2.10 port 9090`; nil for what ufw has no words for.
  package var ufwArguments: String? {
    guard !isForAnswers, transport == nil || transport == .tcp || transport == .udp else { return nil }
    var words = [verdict == .accept ? "allow" : verdict == .drop ? "deny" : "reject"]
    if let input { words.append("in on \(input)") }
    if let transport { words.append("proto \(Self.name(transport))") }
    words.append("from \(source.map(Self.text) ?? "any") to \(destination.map(Self.text) ?? "any")")
    if let ports { words.append("port \(Self.text(ports))") }
    return words.joined(separator: " ")
  }

  private var verdictName: String {
    switch verdict {
    case .accept: "accept"
    case .reject: "reject"
    default: "drop"
    }
  }

  private static func name(_ transport: IPProtocol) -> String {
    Field.meta(.l4proto).text(of: ValueSet(transport))
  }

  private static func text(_ prefix: Prefix) -> String {
    prefix.length == prefix.family.addressBits ? "\(prefix.address)" : "\(prefix)"
  }

  private static func text(_ ports: ClosedRange<UInt128>) -> String {
    ports.lowerBound == ports.upperBound ? "\(ports.lowerBound)" : "\(ports.lowerBound):\(ports.upperBound)"
  }
}

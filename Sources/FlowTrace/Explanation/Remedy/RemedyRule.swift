import RuleGraph

/// A rule for the packets of a case, as narrow as one line allows: what is not one block, one port or one interface stays open.
struct RemedyRule {
  var family: AddressFamily
  var input: UInt128?
  var source: Prefix?
  var destination: Prefix?
  var transport: UInt128?
  var ports: ClosedRange<UInt128>?
  /// Whether it is for packets of connections that exist, not for those that open one.
  var isForAnswers = false
  var verdict: Verdict

  /// The rule for a case as a filtering chain of a hook sees it: after DNAT, before SNAT.
  init(_ one: Case, at hook: Hook, _ verdict: Verdict) {
    self.verdict = verdict
    family = one.packet.family
    let source = one.translations.first { $0.ofSource }?.from
    let names = hook == .output || hook == .postrouting ? nil : one.input
    input = names?.single.flatMap { $0 == 0 ? nil : $0 }
    self.source = Self.block(source?.address ?? one.packet.source)
    destination = Self.block(one.packet.destination)
    transport = one.packet.transport.single
    if transport == 6 || transport == 17, let ports = one.packet.destinationPort, ports.intervals.count == 1,
      let interval = ports.intervals.first, interval != 0...65535
    {
      self.ports = interval
    }
  }

  /// The rule for the answers to a case's connections, which come in through an interface.
  init(answersTo reply: Case) {
    verdict = .accept
    family = reply.packet.family
    input = reply.input?.single.flatMap { $0 == 0 ? nil : $0 }
    isForAnswers = true
  }

  /// The block that addresses are; nil of all addresses, which no rule need name.
  private static func block(_ values: ValueSet) -> Prefix? {
    Prefix(covering: values).flatMap { $0.length > 0 ? $0 : nil }
  }

  // MARK: In the graph

  /// The statements of the rule.
  var statements: [Statement] {
    let header: Header = family == .ipv4 ? .ip : .ip6
    var statements: [Statement] = []
    if let input { statements.append(.match(Match(.meta(.iifname), in: ValueSet(input)))) }
    if let source { statements.append(.match(Match(.header(HeaderField(header, .saddr)), in: source.values))) }
    if let destination {
      statements.append(.match(Match(.header(HeaderField(header, .daddr)), in: destination.values)))
    }
    if let transport { statements.append(.match(Match(.meta(.l4proto), in: ValueSet(transport)))) }
    if let ports, let transport {
      let field = HeaderField(transport == 6 ? .tcp : .udp, .dport)
      statements.append(.match(Match(.header(field), in: ValueSet(ports))))
    }
    if isForAnswers {
      let states = ConntrackState.established | ConntrackState.related
      statements.append(.match(Match(.conntrack(ConntrackField(.state)), anyBitOf: states)))
    }
    return statements + [.verdict(verdict)]
  }

  // MARK: As a command

  /// The arguments of iptables behind the chain: `-i eth0 -d 172.17.0.2 -p tcp --dport 80 -j ACCEPT`.
  var iptablesArguments: String {
    var words: [String] = []
    if let input { words.append("-i \(InterfaceName(value: input))") }
    if let source { words.append("-s \(Self.text(source))") }
    if let destination { words.append("-d \(Self.text(destination))") }
    if let transport { words.append("-p \(Self.name(transport))") }
    if let ports { words.append("--dport \(Self.text(ports, ":"))") }
    if isForAnswers { words.append("-m conntrack --ctstate RELATED,ESTABLISHED") }
    words.append("-j \(verdictName.uppercased())")
    return words.joined(separator: " ")
  }

  /// The rule in nft's words: `iifname "eth0" ip daddr 172.17.0.2 tcp dport 80 accept`.
  var nftText: String {
    let header = family == .ipv4 ? "ip" : "ip6"
    var words: [String] = []
    if let input { words.append("iifname \"\(InterfaceName(value: input))\"") }
    if let source { words.append("\(header) saddr \(Self.text(source))") }
    if let destination { words.append("\(header) daddr \(Self.text(destination))") }
    if let transport, let ports {
      words.append("\(Self.name(transport)) dport \(Self.text(ports, "-"))")
    } else if let transport {
      words.append("meta l4proto \(Self.name(transport))")
    }
    if isForAnswers { words.append("ct state established,related") }
    words.append(verdictName)
    return words.joined(separator: " ")
  }

  /// The arguments of ufw: `in on eth0 proto tcp from any to 192.0.2.10 port 9090`; nil for what ufw has no words for.
  var ufwArguments: String? {
    guard !isForAnswers, transport == nil || transport == 6 || transport == 17 else { return nil }
    var words = [verdict == .accept ? "allow" : verdict == .drop ? "deny" : "reject"]
    if let input { words.append("in on \(InterfaceName(value: input))") }
    if let transport { words.append("proto \(Self.name(transport))") }
    words.append("from \(source.map(Self.text) ?? "any") to \(destination.map(Self.text) ?? "any")")
    if let ports { words.append("port \(Self.text(ports, ":"))") }
    return words.joined(separator: " ")
  }

  private var verdictName: String {
    switch verdict {
    case .accept: "accept"
    case .reject: "reject"
    default: "drop"
    }
  }

  private static func name(_ transport: UInt128) -> String { Field.meta(.l4proto).text(of: ValueSet(transport)) }

  private static func text(_ prefix: Prefix) -> String {
    prefix.length == prefix.family.addressBits ? "\(prefix.address)" : "\(prefix)"
  }

  private static func text(_ ports: ClosedRange<UInt128>, _ sign: String) -> String {
    ports.lowerBound == ports.upperBound ? "\(ports.lowerBound)" : "\(ports.lowerBound)\(sign)\(ports.upperBound)"
  }
}

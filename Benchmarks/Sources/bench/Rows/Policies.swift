import GeneratedRules

/// A policy of a thousand expectations with open fields, over 5,000 rules of a host, against one question about them, and over a firewall of 10,000.
enum TestPolicy: Row {
  static let name = "policy"

  static func claims(_ lab: Lab) throws -> [Claim] {
    let rules = try lab.write(hostRules(5000), to: "policy-rules.txt")
    let policy = try lab.write(expectations(1000, of: "policy-rules.txt"), to: "policy.yaml")
    let question = Program([lab.program, "--in", "eth0", "--dst", "192.0.2.1:22", rules])
    _ = try lab.write(
      OverlappingRules.fw.text(rules: 10_000, seed: 7) + Surroundings.text, to: "policy-firewall.txt")
    let firewall = OverlappingRules.fw.rules(10_000, seed: 7)
    let open = try lab.write(expectations(1000, about: firewall, of: "policy-firewall.txt"), to: "policy-firewall.yaml")
    return try claims(lab, policy, 5000, against: question) + claims(lab, open, 10_000, against: nil)
  }

  private static func claims(_ lab: Lab, _ policy: String, _ rules: Int, against question: Program?) throws -> [Claim] {
    let test = Program([lab.program, "test", policy])
    var peak: [Double] = []
    func measured() throws -> Timing {
      let outcome = try test.run(expecting: [0, 1])
      peak.append(Double(outcome.peak) / 1e6)
      return outcome.timing
    }
    var claims: [Claim] = []
    var times: [Timing] = []
    if let question {
      let turns = try Turns(
        seconds: lab.seconds, atLeast: 2, subject: measured,
        reference: { try question.run(expecting: [0, 1, 3]).timing }
      )
      times = turns.subject
      claims.append(
        Claim(
          rules: rules, what: "1,000 expectations, as long as one question", value: turns.timesAsLong,
          byProcessor: turns.timesAsLongByProcessor, unit: "x"))
    } else {
      times = try (0..<3).map { _ in try measured() }
    }
    return claims + [
      Claim(
        rules: rules, what: "1,000 expectations", value: Spread(times.map(\.seconds)),
        byProcessor: Spread(times.map(\.processor)), unit: "s"),
      Claim(rules: rules, what: "most memory", value: Spread(peak), unit: "MB", goal: .atMost(100)),
    ]
  }

  /// Half of the rules accept or drop a source and port in INPUT, half stand in chains by network that FORWARD jumps to.
  private static func hostRules(_ rules: Int) -> String {
    let half = rules / 2
    let networks = min(200, half / 50)
    var text = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    for network in 0..<networks { text += ":NET-\(network) - [0:0]\n" }
    for rule in 0..<half {
      text +=
        "-A INPUT -s 10.\(rule / 250 % 250).\(rule % 250).0/24 -p tcp -m tcp --dport \(1000 + rule % 7) -j \(rule % 3 == 0 ? "DROP" : "ACCEPT")\n"
    }
    for network in 0..<networks { text += "-A FORWARD -d 172.20.\(network).0/24 -j NET-\(network)\n" }
    for rule in 0..<(half - networks) {
      text +=
        "-A NET-\(rule % networks) -s 10.\(rule / networks % 250).0.0/16 -p tcp -m tcp --dport \(8000 + rule % 11) -j ACCEPT\n"
    }
    return text + """
      COMMIT
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.1/24 scope global eth0
      3: eth1: <BROADCAST,UP> mtu 1500
          inet 172.20.255.1/16 scope global eth1
      $ ip route
      default via 192.0.2.254 dev eth0
      172.20.0.0/16 dev eth1 scope link
      192.0.2.0/24 dev eth0 scope link
      $ sysctl net.ipv4.ip_forward
      net.ipv4.ip_forward = 1

      """
  }

  /// Each expectation is a claim about a network of sources.
  private static func expectations(_ count: Int, of dump: String) -> String {
    var text = "hosts: { dumps: [\(dump)] }\npacket: { family: ipv4, in: eth0 }\ntests:\n"
    for index in 0..<count {
      text +=
        index % 2 == 0
        ? "  - { name: through \(index), packet: { src: 10.\(index % 250).0.0/16, dst: 172.20.\(index % 40).0/24, service: 25/tcp }, expect: drop }\n"
        : "  - { name: in \(index), packet: { src: 10.\(index / 250 % 250).\(index % 250).0/24, dst: 192.0.2.1, dport: 22 }, expect: drop }\n"
    }
    return text
  }

  /// Each expectation is a claim about the networks of a rule, ports left open or closed in turns; about a half of them hold.
  private static func expectations(_ count: Int, about rules: [OverlappingRules.Rule], of dump: String) -> String {
    func network(_ prefix: (address: UInt32, length: Int)) -> String {
      let address = prefix.address & 0xffff_0000
      return prefix.length < 16 ? "0.0.0.0/0" : "\(address >> 24).\(address >> 16 & 255).0.0/16"
    }
    var text = "hosts: { dumps: [\(dump)] }\npacket: { family: ipv4, in: eth0 }\ntests:\n"
    for index in 0..<count {
      let rule = rules[index * rules.count / count]
      let source = index % 3 == 0 ? "" : "src: \(network(rule.source)), "
      let service = index % 2 == 0 ? ", service: 22/tcp" : ""
      text +=
        "  - { name: claim \(index), packet: { \(source)dst: \(network(rule.destination))\(service) }, expect: \(index % 4 < 2 ? "drop" : "[accept, drop]") }\n"
    }
    return text
  }
}

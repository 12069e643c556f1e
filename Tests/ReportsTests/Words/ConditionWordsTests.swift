import FlowTrace
import RuleGraph
import Testing

@testable import Reports

@Suite struct ConditionWordsTests {
  private static let forward = WordedRules.forward
  private static let port = Match(.header(HeaderField(.tcp, .dport)), in: ValueSet(80))
  private static let masked = MaskedValues([
    MaskedValue("x.x.x.62", within: .all), MaskedValue("x.x.x.63", within: .all),
  ])
  private static let opaque = Opaque(name: "u32", text: "u32 0x0")
  private static let limit = EnvironmentCondition(.limit, [Argument("rate", "3/minute")])
  private static let quota = EnvironmentCondition(.quota, [Argument("1000")])
  private static let numgen = Generator(
    name: "numgen inc", values: ValueSet(0...3), arguments: [Argument("mod", "4")])

  /// What is said where the condition holds, and where it does not.
  static let rows: [(Condition.About, holds: String?, fails: String?)] =
    [
      (.environment(limit), "the limit of 3/minute isn't used up", "the limit of 3/minute is used up"),
      (
        .element([limit, EnvironmentCondition(.socket)]),
        "the limit of 3/minute isn't used up and a socket for the packet exists",
        "the limit of 3/minute is used up or no socket for the packet exists"
      ),
      (.match(port), "tcp dport 80 holds", "tcp dport 80 does not hold"),
      (.hostMatch(port), "tcp dport 80 holds", "tcp dport 80 does not hold"),
      (.maskedMatch(port), "tcp dport 80 holds", "tcp dport 80 does not hold"),
      (.bits(port), "tcp dport 80", "tcp dport != 80"),
      (
        .draw(numgen, ValueSet(0...1), others: ValueSet(2...3)), "numgen inc mod 4 gives 0-1",
        "numgen inc mod 4 gives 2-3"
      ),
      (
        .largeSet("pairs", count: 300), "its addresses and ports are in the set pairs of 300 elements",
        "its addresses and ports are not in the set pairs of 300 elements"
      ),
      (.transparentProxy, "a transparent proxy listens", "no transparent proxy listens"),
      (
        .queue(3), "the program at queue 3 lets the packet pass", "the program at queue 3 does not let the packet pass"
      ),
      (
        .natOrder(.prerouting),
        "nft's nat chain at prerouting was registered after that of legacy iptables, and runs first",
        "the nat chain of legacy iptables at prerouting was registered after nft's, and runs first"
      ),
      (
        .boundProgram(interface: "vrf1", priority: 1000),
        "the program is bound to vrf1, so that policy rule 1000 applies",
        "the program is not bound to vrf1, so that policy rule 1000 does not apply"
      ),
      (.opaque(opaque), "u32 matches", "u32 does not match"),
      (.hiddenInterfaces, "its interfaces fit the rule", "its interfaces do not fit the rule"),
      (.owner("www", isGroup: false), "the user www sends it", "another user than www sends it"),
      (.owner("adm", isGroup: true), "the group adm sends it", "another group than adm sends it"),
      (
        .maskedValue(.field(.header(HeaderField(.ip, .saddr))), masked), "ip saddr is the masked x.x.x.62 or x.x.x.63",
        "ip saddr is not the masked x.x.x.62 or x.x.x.63"
      ),
      (
        .hiddenElement(ofSet: "office"), "a part of the set office that is not shown holds the packet",
        "no part of the set office that is not shown holds the packet"
      ),
      (
        .hiddenElement(ofSet: nil), "a part of its set that is not shown holds the packet",
        "no part of its set that is not shown holds the packet"
      ),
      (.maskedTarget(masked.masked[0]), "the dump masks x.x.x.62", "the dump masks x.x.x.62"),
      (.setMember("office"), "the set office holds the packet", "the set office does not hold the packet"),
      (.mapMember("ports"), "the map ports holds the packet", "the map ports does not hold the packet"),
      (.unseen(.rules(of: forward), []), "the missing rules of filter FORWARD leave it alone", nil),
      (.unseen(.rules(of: forward), .accept), "the missing rules of filter FORWARD accept it", nil),
      (.unseen(.chain("WEB"), []), "WEB returns", nil),
      (.unseen(.chain("WEB"), .drop), "WEB drops it", nil),
      (.unseen(.chain("WEB"), [.drop, .reject]), "WEB drops or rejects it", nil),
      (.unseen(.target(opaque), .change), "target u32 changes it", nil),
      (.unseen(.map("ports"), .translateDestination), "map ports translates it", nil),
      (.policy(forward), "the policy of filter FORWARD is accept", "the policy of filter FORWARD is drop"),
      (
        .device(of: forward), "the chain ip filter FORWARD is for a device that the frame passes",
        "the chain ip filter FORWARD is for another device"
      ),
      (
        .egressPort("veth1", bridge: "br0"), "br0 sends it through its port veth1",
        "br0 sends it through another port than veth1"
      ),
      (
        .egressPort("veth1", bridge: nil), "the bridge sends it through its port veth1",
        "the bridge sends it through another port than veth1"
      ),
      (
        .ownAddress(IPAddress(ipv4: 0xc0a8_008c)), "192.168.0.140 is an address of this host",
        "192.168.0.140 is not an address of this host"
      ),
      (
        .ownAddress(nil), "the destination is an address of this host", "the destination is not an address of this host"
      ),
      (
        .policyRule(priority: 100, selector: "uidrange 0-0", .ipv4),
        "policy rule 100 (uidrange 0-0) of `ip rule` applies",
        "policy rule 100 (uidrange 0-0) of `ip rule` does not apply"
      ),
      (
        .policyRule(priority: 100, selector: nil, .ipv6), "policy rule 100 of `ip -6 rule` applies",
        "policy rule 100 of `ip -6 rule` does not apply"
      ),
      (
        .unseenPolicyRule(table: "100"), "a policy rule selects routing table 100 for it",
        "no policy rule selects routing table 100 for it"
      ),
      (.routeInTable("100"), "routing table 100 has a route for it", "routing table 100 has no route for it"),
      (
        .localRouteInTable("100"), "the route of table 100 is local: the packet is this host's",
        "the route of table 100 goes to another host"
      ),
      (
        .seesPackets(table: 0, .ipv4), "the table of INPUT, FORWARD, OUTPUT sees IPv4",
        "the table of INPUT, FORWARD, OUTPUT does not see IPv4"
      ),
      (.end(.unseenRules), nil, nil),
      (.end(.synproxy), "the kernel's SYN proxy answers", "the kernel's SYN proxy answers"),
      (.end(.unseenChain("WEB")), "chain WEB was not shown", "chain WEB was not shown"),
      (.end(.tooManyRules), "too many rules to look at", "too many rules to look at"),
      (
        .end(.tooManyOverlaps), "so many rules overlap here that whether any packet is left was not found out",
        "so many rules overlap here that whether any packet is left was not found out"
      ),
      (
        .end(.tooManyCases(1000)), "more than 1000 cases; narrow it with --src or --dport",
        "more than 1000 cases; narrow it with --src or --dport"
      ),
    ]
    + [IPAddress("172.17.0.2")].compactMap { $0 }.map { address in
      (
        .reversePath(to: address, interface: "eth0"), "the route back to 172.17.0.2 goes through eth0",
        "the route back to 172.17.0.2 does not go through eth0"
      )
    }
    + [Prefix("172.17.0.0/16")].compactMap { $0 }.map { network in
      (
        .maskedRoute(MaskedValue("x.x.x.x", within: .all), network: network, interface: "docker0"),
        "x.x.x.x/16 on docker0 is 172.17.0.0/16", "x.x.x.x/16 on docker0 is not 172.17.0.0/16"
      )
    }
    + [
      (
        .neighbour(bridge: "docker0"), "the destination is on the network of docker0",
        "the destination is not on the network of docker0"
      ),
      (.routeLocalnet("docker0"), "route_localnet is on for docker0", "route_localnet is off for docker0"),
    ]

  @Test(arguments: rows)
  func aConditionReadsSo(_ about: Condition.About, holds: String?, fails: String?) {
    #expect(ConditionUse(Condition(about), holds: true).text(in: WordedRules.ruleset) == holds)
    #expect(ConditionUse(Condition(about), holds: false).text(in: WordedRules.ruleset) == fails)
  }

  @Test func everyConditionHasARow() throws {
    let file = "FlowTrace/Model/Condition.swift"
    let declared = try EnumCases.declared(of: "About", in: file)
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == [])
    #expect(declared.count >= 30)
    let unseen = Self.rows.compactMap { row in
      if case .unseen(let one, _) = row.0 { EnumCases.name(of: one) } else { nil }
    }
    #expect(try EnumCases.declared(of: "Unseen", in: file).subtracting(unseen) == [])
    let ends = Self.rows.compactMap { row in if case .end(let one) = row.0 { EnumCases.name(of: one) } else { nil } }
    #expect(try EnumCases.declared(of: "End", in: file).subtracting(ends) == [])
  }

  static let environments: [(EnvironmentCondition, holds: String, fails: String)] = [
    (
      EnvironmentCondition(.hashlimit, [Argument("rate", "5/sec")]), "the limit of 5/sec isn't used up",
      "the limit of 5/sec is used up"
    ),
    (EnvironmentCondition(.limit), "the limit isn't used up", "the limit is used up"),
    (quota, "the quota (1000) isn't used up", "the quota (1000) is used up"),
    (
      EnvironmentCondition(.connlimit, [Argument("above", "3")]),
      "the count of connections is as the rule wants (above 3)",
      "the count of connections is not as the rule wants (above 3)"
    ),
    (
      EnvironmentCondition(.recent, [Argument("name", "ssh")]), "the list of recent addresses fits (name ssh)",
      "the list of recent addresses does not fit (name ssh)"
    ),
    (
      EnvironmentCondition(.statistic, [Argument("every", "3")]), "the draw or count fits (every 3)",
      "the draw or count does not fit (every 3)"
    ),
    (
      EnvironmentCondition(.time, [Argument("day", "Sat")]), "the time is as the rule wants (day Sat)",
      "the time is not as the rule wants (day Sat)"
    ),
    (EnvironmentCondition(.socket), "a socket for the packet exists", "no socket for the packet exists"),
    (EnvironmentCondition(.u32, [Argument("0x0")]), "u32 0x0 holds", "u32 0x0 does not hold"),
    (EnvironmentCondition(.socket, negated: true), "no socket for the packet exists", "a socket for the packet exists"),
  ]

  @Test(arguments: environments)
  func anEnvironmentReadsSo(_ condition: EnvironmentCondition, holds: String, fails: String) {
    #expect(EnvironmentWords.text(condition, holds: true) == holds)
    #expect(EnvironmentWords.text(condition, holds: false) == fails)
  }
}

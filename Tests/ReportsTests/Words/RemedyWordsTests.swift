import FlowTrace
import RuleGraph
import Testing

@testable import Reports

@Suite struct RemedyWordsTests {
  private static let address = ValueSet(IPAddress(ipv4: 0xac11_0002).bits)
  private static let forward = WordedRules.forward
  private static let command = "iptables -I FORWARD 1 -j ACCEPT"
  private static let forwarding = ["net.ipv4.ip_forward"]
  private static func tried(_ outcome: Remedy.Advice.Outcome) -> Remedy.Advice {
    .setting(forwarding, value: "1", outcome)
  }

  static let rows: [(Remedy.Advice, String)] = [
    (.droppedBeforeRules, "they are dropped before a rule could answer them"),
    (tried(.accepted), "no rule helps, `sysctl -w net.ipv4.ip_forward=1` does: then it is accepted"),
    (
      .setting(["net.ipv4.conf.all.rp_filter", "net.ipv4.conf.eth0.rp_filter"], value: "2", .acceptedInPart),
      "no rule helps, `sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.eth0.rp_filter=2` does: then it is accepted in some cases"
    ),
    (tried(.undetermined), "no rule helps, `sysctl -w net.ipv4.ip_forward=1` does: then it is undetermined"),
    (
      tried(.discarded(.drop, by: .rule(WordedRules.rule(1, of: forward)))),
      "no rule helps, `sysctl -w net.ipv4.ip_forward=1` does: then it is dropped by filter FORWARD 1"
    ),
    (
      tried(.discarded(.reject, by: .policy(forward))),
      "no rule helps, `sysctl -w net.ipv4.ip_forward=1` does: then it is rejected by the policy of filter FORWARD"
    ),
    (
      tried(.discarded(.drop, by: .outside(.noRoute))),
      "no rule helps, `sysctl -w net.ipv4.ip_forward=1` does: then it is dropped by no-route"
    ),
    (
      tried(.discarded(.drop, by: nil)), "no rule helps, `sysctl -w net.ipv4.ip_forward=1` does: then it is dropped"
    ),
    (
      .route(to: address),
      "no rule helps: a route must lead to 172.17.0.2 (`ip route add 172.17.0.2 via GATEWAY`)"
    ),
    (
      .noRefusal(of: address),
      "no rule helps: the route that refuses 172.17.0.2 must go (`ip route get 172.17.0.2` names it, `ip route del` removes it)"
    ),
    (.network, "no rule helps: `docker network connect NETWORK CONTAINER` connects the container to a network"),
    (
      .interfaceBesideContainers,
      "no rule helps: give the host an interface of its own on that network (`ip link add link PARENT type macvlan mode bridge`), or put the container on a bridge network"
    ),
    (.noIsolation, "no rule helps: `bridge link set dev PORT isolated off` lets a port speak to the others"),
    (.hairpin, "no rule helps: `bridge link set dev PORT hairpin on` lets the bridge send frames back"),
    (.noMartian, "no rule helps: the kernel takes such a source or destination from no wire"),
    (
      .moreHops,
      "no rule helps but one that raises the hop limit before routing (mangle PREROUTING, TTL target); the sender should start with more"
    ),
    (.interfaceUp, "no rule helps: the interface must be up (`ip link set dev INTERFACE up`)"),
    (.program, "no rule helps: a program must listen there"),
    (.group, "no rule helps: the host would have to join the group or route it"),
    (.nobody, "no rule helps: nobody has that address"),
    (
      .oneWayOut,
      "no rule helps but one that sends all packets of a connection out through one interface (CONNMARK and a rule of `ip rule`)"
    ),
    (.firstPacket, "the connection's first packet must get through: ask for that one"),
    (
      .listener(port: 80, on: address),
      "no rule helps, the rules accept it: a program must listen on port 80 of 172.17.0.2"
    ),
    (
      .listenerElsewhere(program: "nginx", on: address, now: IPAddress(ipv4: 0x7f00_0001)),
      "no rule helps, the rules accept it: nginx must listen on 172.17.0.2 or on every address, not on 127.0.0.1 alone"
    ),
    (.settle("ip addr"), "first settle what is unknown: what `ip addr` prints"),
    (.settle(nil), "first settle what is unknown: what the dump hides"),
    (.noChain, "no chain that was shown is at the hook where a rule would be needed; `nft add chain` makes one"),
    (.noRuleForReply, "no single rule lets the reply back in"), (.noRule, "no single rule does that"),
    (
      .insufficient(command: command, isReply: false, .rule(of: forward)),
      "no single rule does that: with `iptables -I FORWARD 1 -j ACCEPT` it ends at filter FORWARD"
    ),
    (
      .insufficient(command: command, isReply: true, .policy(of: forward)),
      "no single rule does that: with `iptables -I FORWARD 1 -j ACCEPT` its reply ends at the policy of filter FORWARD"
    ),
    (
      .insufficient(command: command, isReply: false, .nothing),
      "no single rule does that: with `iptables -I FORWARD 1 -j ACCEPT` it ends at no rule"
    ),
    (
      .insufficient(command: command, isReply: false, .outside(.martian)),
      "no single rule does that: with `iptables -I FORWARD 1 -j ACCEPT` it ends at martian"
    ),
    (
      .twoRules("A", forReplies: "B", isFence: false),
      "it takes two rules (tried): `A` and, for the replies, `B`"
    ),
    (
      .twoRules("A", forReplies: "B", isFence: true),
      "it takes two rules (tried): `A` and, for the replies, `B`; a network that both containers are on (`docker network connect`) needs no rule"
    ),
  ]

  @Test(arguments: rows)
  func anAdviceReadsSo(_ advice: Remedy.Advice, text: String) {
    #expect(advice.text(in: WordedRules.ruleset) == text)
  }

  static let owners: [(RuleRemedy.Owner, String)] = [
    (.ufw, "WEB is ufw's: its own command keeps the rule"),
    (.ufwTable, "ufw owns this table and writes it anew when it reloads: /etc/ufw/before.rules keeps a rule"),
    (
      .firewalld,
      "firewalld owns this chain and writes it anew when it reloads: `firewall-cmd --permanent` keeps a rule"
    ),
    (.docker, "Docker owns this chain and writes it anew: the rule is lost when the daemon or a container restarts"),
    (.libvirt, "libvirt owns this chain and writes it anew"),
  ]

  @Test(arguments: owners)
  func aNoteReadsSo(_ owner: RuleRemedy.Owner, text: String) {
    #expect(owner.note(of: WordedRules.web, in: WordedRules.ruleset) == text)
  }

  @Test func everyAdviceHasARow() throws {
    let file = "FlowTrace/Model/RemedyAdvice.swift"
    let declared = try EnumCases.declared(of: "Advice", in: file)
    #expect(declared.count >= 20)
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == [])
    let outcomes = Self.rows.compactMap { row in
      if case .setting(_, _, let outcome) = row.0 { EnumCases.name(of: outcome) } else { nil }
    }
    #expect(try EnumCases.declared(of: "Outcome", in: file).subtracting(outcomes) == [])
    let ends = Self.rows.compactMap { row in
      if case .insufficient(_, _, let end) = row.0 { EnumCases.name(of: end) } else { nil }
    }
    #expect(try EnumCases.declared(of: "End", in: file).subtracting(ends) == [])
    #expect(Set(Self.owners.map(\.0)) == Set(RuleRemedy.Owner.allCases))
  }
}

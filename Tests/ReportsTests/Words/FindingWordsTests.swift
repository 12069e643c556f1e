import FlowTrace
import HostAnalysis
import RuleGraph
import Testing

@testable import Reports

@Suite struct FindingWordsTests {
  private static let forward = WordedRules.forward
  private static let first = WordedRules.rule(1, of: forward)

  static let rows: [(Finding.Fact, [RuleID], String)] = [
    (.nothingJumps, [], "nothing jumps to WEB: its rule does nothing"),
    (.othersArrive, [first], "never matches: filter FORWARD 1 lets only other packets into WEB"),
    (.notAtHook(.input, .output), [], "never matches: packets at input have no output interface"),
    (.notAtHook(.output, .input), [], "never matches: packets at output have no input interface"),
    (
      .notAtHook(.prerouting, .laterState), [], "never matches: nat chains see only the packet that begins a connection"
    ),
    (.notAtHook(.forward, .other), [], "never matches: no packet at forward is like that"),
    (.contradiction, [], "never matches: no packet meets all of its matches"),
    (.redundant(byPolicy: true), [], "not needed: the policy of WEB does the same"),
    (.redundant(byPolicy: false), [first], "not needed: filter FORWARD 1 does the same with its packets"),
    (
      .redundant(byPolicy: true), [first],
      "not needed: filter FORWARD 1 and the policy of WEB do the same with its packets"
    ),
    (.correlated, [first], "order matters: filter FORWARD 1 decides otherwise about some of its packets"),
    (.portIsTranslated(8443, to: 443), [], "does not match what comes to port 8443: after DNAT it is 443"),
    (
      .deniesPublishedPort(8443), [first],
      "does not stop port 8443: it is published, so its packets are translated, forwarded and never get here; filter FORWARD 1 accepts them"
    ),
    (
      .banLeavesContainers, [],
      "bans from the host only: published ports of containers still answer, since their packets are forwarded and never reach WEB"
    ),
    (
      .repliesDropped(bridge: "docker0", by: .policy(forward)), [],
      "containers on docker0 get no answers: their packets leave, and policy of filter FORWARD drops what comes back"
    ),
    (
      .overruled(by: .policy(forward)), [],
      "has no effect: an accept ends its own base chain only, and policy of filter FORWARD drops the same packets later"
    ),
    (.emptySet("allowed"), [], "never matches: set allowed is empty"),
    (.unknownInterface("eth1"), [], "never matches: the host has no interface eth1"),
    (
      .unknownContainer(IPAddress(ipv4: 0xac11_0009), network: "bridge"), [],
      "no container has 172.17.0.9 on network bridge"
    ),
    (
      .forwardsAll(from: "eth0", to: "docker0"), [],
      "hosts beyond eth0 reach every port of the containers on docker0, published or not"
    ),
    (
      .forwardsAll(from: nil, to: "docker0"), [],
      "hosts beyond any outside interface reach every port of the containers on docker0, published or not"
    ),
    (
      .containersReachHost(bridge: "docker0"), [],
      "containers on docker0 reach every port of the host, also those that are closed to others"
    ),
    (.onlyOverIPv6(22), [], "port 22 is open to everybody over IPv6 and closed over IPv4"),
    (.sensitiveService(.database, 6379), [], "a database on port 6379 is open to everybody"),
    (
      .sensitivePort(.database, 3306), [],
      "port 3306, usually a database's, is open to everybody; `ss -tulnp` shows whether anything listens"
    ),
    (
      .sensitivePort(.control, 2375), [],
      "port 2375, which usually gives control over the host, is open to everybody; `ss -tulnp` shows whether anything listens"
    ),
    (.sensitiveService(.control, 2375), [], "control over the host on port 2375 is open to everybody"),
    (
      .loopbackReached(5432), [],
      "port 5432 is published on loopback only, and hosts on the same link reach it: DNAT comes before the check for loopback addresses"
    ),
    (.neighboursDropped, [], "neighbour solicitations are dropped: nobody on the link finds the host over IPv6"),
    (
      .fragmentationDropped(.ipv4), [],
      "ICMP \"fragmentation needed\" is dropped: connections over a narrower link hang (path MTU discovery)"
    ),
    (
      .fragmentationDropped(.ipv6), [],
      "ICMPv6 \"packet too big\" is dropped: connections over a narrower link hang (path MTU discovery)"
    ),
    (.establishedLate(rules: 60), [], "packets of known connections pass 60 rules before this one accepts them"),
    (
      .couldBeSet(count: 60), [WordedRules.rule(1, of: WordedRules.web)],
      "60 rules in a row, to rule 1, differ in one value: one rule with a set would do"
    ),
  ]

  @Test(arguments: rows)
  func aFindingReadsSo(_ fact: Finding.Fact, because: [RuleID], text: String) {
    let finding = Finding(fact: fact, severity: .high, chain: WordedRules.web, because: because)
    #expect(FindingWords(WordedRules.ruleset).sentence(finding) == text)
  }

  @Test func rulesThatTakeAllReadSo() {
    func sentence(_ because: [RuleID]) -> String {
      FindingWords(WordedRules.ruleset).sentence(
        Finding(fact: .shadowed, severity: .high, chain: Self.forward, because: because))
    }
    #expect(sentence([Self.first]).hasPrefix("never reached: rule 1 ("))
    #expect(
      sentence([Self.first, WordedRules.rule(2, of: Self.forward)])
        == "never reached: rules 1 and 2 together take all its packets first")
  }

  @Test func everyFactHasARow() throws {
    let declared = try EnumCases.declared(of: "Fact", in: "HostAnalysis/Audit/Finding.swift")
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == ["shadowed"])
    #expect(declared.count >= 20)
    for id in Finding.ID.allCases { #expect(FindingWords.meaning(id).hasSuffix(".")) }
  }
}

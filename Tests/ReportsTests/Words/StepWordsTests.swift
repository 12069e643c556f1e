import FlowTrace
import RuleGraph
import Testing

@testable import Reports

@Suite struct StepWordsTests {
  private static let address = ValueSet(IPAddress(ipv4: 0xac11_0002).bits)
  private static let opaque = Opaque(name: "u32", text: "u32 0x0")
  private static let classField = Field.header(HeaderField(.ip, .dscp))

  static let facts: [(Step.Fact, String)] = [
    (.onLink(address, interfaces: ["docker0"], gateway: nil), "172.17.0.2 is on docker0"),
    (
      .onLink(address, interfaces: ["eth0", "eth1"], gateway: IPAddress(ipv4: 0xc0a8_0001)),
      "172.17.0.2 is behind 192.168.0.1 on eth0 or eth1"
    ),
    (
      .unknownRoute(address, notThrough: ["br0", "docker0"]),
      "172.17.0.2 is reached through an interface other than br0, docker0"
    ),
    (.unknownRoute(.all, notThrough: []), "any address is reached through an interface"),
    (.backThroughArrival, "back through the interface that the first packet came in on"),
    (.thisHost(address), "172.17.0.2 is this host"),
    (.thisHost(nil), "the destination is this host"),
    (.broadcast(address), "172.17.0.2 is a broadcast address"),
    (.allHosts, "all hosts on the link are meant, this one too"),
    (.backOnLoopback, "comes back in on lo"),
    (.putBack(isSource: true), "conntrack puts the source back"),
    (.putBack(isSource: false), "conntrack puts the destination back"),
    (.repeatedTranslation, "conntrack repeats the connection's translation"),
    (.bridged(by: "br0"), "br0 carries it from port to port"),
    (.bridged(by: nil), "the bridge carries it from port to port"),
    (
      .bridgedPastRules(by: "br0"),
      "br0 carries the frame from port to port; bridge-nf-call-iptables is 0, so no rule sees it"
    ),
    (
      .ownNamespace("web"),
      "web speaks to itself: the packet never leaves its network namespace, and no rule of this host sees it"
    ),
    (
      .sharedNamespace(["web", "vpn"]),
      "web and vpn share one network namespace: the packet never leaves it, and no rule of this host sees it"
    ),
    (
      .overlay(network: "swarm", to: "db"),
      "the overlay network swarm carries it to db, between hosts inside VXLAN (UDP port 4789): only that outer packet meets this host's rules"
    ),
    (
      .onTheWire(network: "lan", driver: "macvlan", parent: "eth0"),
      "lan is a macvlan network of eth0: its containers are on the wire themselves, and no rule of this host sees their packets"
    ),
    (
      .onTheWire(network: "lan", driver: "ipvlan", parent: nil),
      "lan is an ipvlan network: its containers are on the wire themselves, and no rule of this host sees their packets"
    ),
  ]

  @Test(arguments: facts)
  func aFactReadsSo(_ fact: Step.Fact, text: String) { #expect(fact.text == text) }

  static let targets: [(Step.Target, Step.Action, String)] = [
    (.chain("WEB"), .jump, "WEB"), (.device("eth1"), .forwardTo, "eth1"),
    (.interfaces(["eth0", "eth1"]), .forward, "eth0 or eth1"),
    (.endpoint(address, port: ValueSet(80)), .dnat, "172.17.0.2:80"),
    (.endpoint(address, port: .bits(16)), .snat, "172.17.0.2"),
    (.endpoint(ValueSet(1), port: ValueSet(80...81)), .dnat, "[::1]:80-81"),
    (.endpoint(AddressFamily.ipv4.allAddresses, port: nil), .snat, "any address"),
    (.outgoingAddress, .masquerade, "the address of the interface it leaves through"),
    (.thisHost(port: 8080), .redirect, "this host, port 8080"), (.thisHost(port: nil), .redirect, "this host"),
    (.values(ValueSet(16), of: .meta(.mark)), .mark, "0x10"),
    (.values(ValueSet(10), of: classField), .set, "ip dscp 10"), (.unseen(.target(opaque)), .unknown, "u32"),
    (.unseen(.map("ports")), .unknown, "map ports"), (.unseen(.chain("WEB")), .jump, "WEB"),
    (.unseen(.rules(of: WordedRules.web)), .missing, "missing rules"),
  ]

  @Test(arguments: targets)
  func aTargetReadsSo(_ target: Step.Target, _ action: Step.Action, text: String) {
    #expect(Step(hook: .forward, .routing, matched: true, action: action, target: target).targetText == text)
  }

  @Test func onlyAnAddressOfWhichNothingIsKnownGoesWithoutSaying() {
    let any = Self.targets.map(\.0).filter(\.isAnyAddress)
    #expect(any == [.endpoint(AddressFamily.ipv4.allAddresses, port: nil)])
  }

  @Test func everyFactAndTargetHasARow() throws {
    let facts = try EnumCases.declared(of: "Fact", in: "FlowTrace/Model/StepFact.swift")
    #expect(facts.count >= 15)
    #expect(facts.subtracting(Self.facts.map { EnumCases.name(of: $0.0) }) == [])
    let targets = try EnumCases.declared(of: "Target", in: "FlowTrace/Model/StepTarget.swift")
    #expect(targets.count >= 8)
    #expect(targets.subtracting(Self.targets.map { EnumCases.name(of: $0.0) }) == [])
  }
}

import FlowTrace
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// Packets of a container meet the rules of its own network namespace first.
@Suite struct SenderNamespaceTests {
  private func read(_ rules: String) -> HostReading {
    HostReading.of(rules, name: "rules.nft")
  }

  private let host = """
    table ip t {
      chain fwd { type filter hook forward priority 0; policy drop; ip daddr 203.0.113.7 tcp dport 8443 accept; tcp dport 80 accept; }
    }
    """

  private let addresses = """
    1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
        inet 198.51.100.1/24 brd 198.51.100.255 scope global eth0
           valid_lft forever preferred_lft forever

    """

  private func question(_ port: String?) throws -> Query {
    var question = QueryBuilder(facts: HostFacts())
    for (option, text): (QueryOption, String) in [
      (.input, "docker0"), (.proto, "tcp"), (.src, "172.17.0.2"), (.dst, "192.0.2.9"),
    ] { try question.set(option, text) }
    if let port { try question.set(.dport, port) }
    return try question.query()
  }

  private func answer(_ own: String, _ port: String?) throws -> (SenderNamespace, Trace) {
    let query = try question(port)
    let inside = read(own)
    let outside = DumpReader().read([
      DumpInput(name: "rules.nft", text: host),
      DumpInput(name: "ip-addr.txt", text: addresses),
    ])
    let sender = SenderNamespace("web", ruleset: inside.ruleset, facts: inside.facts, query: query)
    let tracer = Tracer(outside.ruleset, facts: outside.facts)
    return (sender, sender.onward(query) { tracer.trace($0) })
  }

  @Test func whatItDropsNeverReachesTheHost() throws {
    let (sender, host) = try answer(
      "table ip t { chain out { type filter hook output priority 0; tcp dport 80 drop; } }", "80")
    #expect(host.cases.isEmpty)
    #expect(sender.verdict(with: host) == .drop)
    #expect(sender.remark == nil)
  }

  @Test func theHostSeesWhatItsTranslationsMake() throws {
    let (sender, host) = try answer(
      "table ip t { chain out { type nat hook output priority -100; tcp dport 443 dnat to 203.0.113.7:8443; } }", "443")
    #expect(sender.verdict(with: host) == .accept)
    let packet = try #require(host.cases.first?.packet)
    #expect(packet.destination.single == IPAddress("203.0.113.7")?.bits)
    #expect(packet.destinationPort?.single == 8443)
  }

  @Test func anOpenQuestionLeavesInSeveralForms() throws {
    let (sender, host) = try answer(
      """
      table ip t {
        chain nat { type nat hook output priority -100; tcp dport 443 dnat to 203.0.113.7:8443; }
        chain out { type filter hook output priority 0; tcp dport 25 drop; }
      }
      """, nil)
    #expect(sender.verdict(with: host) == .mixed)
    let ports = Set(host.cases.filter { $0.verdict == .accept }.compactMap { $0.packet.destinationPort?.single })
    #expect(ports == [80, 8443])
    #expect(host.cases.allSatisfy { $0.packet.destinationPort?.contains(25) == false })
  }

  @Test func rulesThatChangeNothingAreARemark() throws {
    let (sender, host) = try answer(
      "table ip t { chain out { type filter hook output priority 0; tcp dport 22 drop; } }", "80")
    #expect(sender.isTransparent)
    #expect(sender.remark == .senderNamespace(of: "web", rules: 1))
    #expect(sender.verdict(with: host) == .accept)
  }

  @Test func theSenderIsTheContainerWithTheAddress() throws {
    var facts = HostFacts()
    let address = try #require(IPAddress("172.17.0.2"))
    facts.containers = [
      Container(name: "web", id: "a1", endpoints: [.init(network: "bridge", addresses: [address])]),
      Container(
        name: "side", id: "a2", endpoints: [.init(network: "bridge", addresses: [address])], networkMode: "container:a1"
      ),
    ]
    facts.networks = [ContainerNetwork(name: "bridge", id: "n1", driver: "bridge", bridge: "docker0")]
    #expect(SenderNamespace.container(of: try question("80"), facts: facts)?.name == "web")
    var other = try question("80")
    other.source = ValueSet(try #require(IPAddress("172.17.0.3")).bits)
    #expect(SenderNamespace.container(of: other, facts: facts) == nil)
    // Whoever else is in the network sends these, too.
    other.source = try #require(Prefix("172.17.0.0/16")).values
    #expect(SenderNamespace.container(of: other, facts: facts) == nil)
    // Another host that claims the address is not the container.
    other = try question("80")
    other.input = ValueSet(try #require(InterfaceName("eth0")).value)
    #expect(SenderNamespace.container(of: other, facts: facts) == nil)
    other.input = nil
    #expect(SenderNamespace.container(of: other, facts: facts)?.name == "web")
  }
}

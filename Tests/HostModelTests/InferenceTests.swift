import HostModel
import RuleGraph
import Testing

@Suite struct InferenceTests {
  private func rule(_ statements: [Statement]) -> Rule {
    Rule(statements, span: SourceSpan(source: 0, line: 1, offset: 0, length: 0))
  }

  private func address(_ field: HeaderFieldName, _ text: String) throws -> Statement {
    .match(Match(.header(HeaderField(.ip, field)), in: try #require(Prefix(text)).values))
  }

  private func port(_ number: Int) -> Statement {
    .match(Match(.header(HeaderField(.tcp, .dport)), in: ValueSet(number)))
  }

  private func interface(_ key: MetaKey, _ name: String, negated: Bool = false) throws -> Statement {
    .match(Match(.meta(key), in: ValueSet(try #require(InterfaceName(name)).value), negated: negated))
  }

  @Test func theDaemonsBridgeAddressIsTheHostsOwn() throws {
    var facts = HostFacts()
    facts.daemonSettings["bip"] = "\"192.168.88.8/24\""
    let host = InferredHost(ruleset: Ruleset(), facts: facts)
    #expect(host.subnets.map(\.prefix) == [Prefix("192.168.88.0/24")])
    #expect(host.hostAddresses.map(\.address) == [IPAddress("192.168.88.8")])
    #expect(host.bridges == ["docker0"])
  }

  /// The rules that Docker writes for a container with a published port.
  private func docker() throws -> Ruleset {
    let container = ValueExpression.constant(try #require(IPAddress("172.17.0.2")).bits)
    let nat = Table(
      .ip, "nat", origin: .iptables,
      chains: [
        Chain(
          "POSTROUTING",
          rules: [
            rule([
              try address(.saddr, "172.17.0.0/16"), try interface(.oifname, "docker0", negated: true),
              .translate(Translation(.masquerade)),
            ])
          ]),
        Chain(
          "DOCKER",
          rules: [
            rule([
              try address(.daddr, "192.168.0.140"), try interface(.iifname, "docker0", negated: true), port(32769),
              .translate(Translation(.dnat, address: container, port: .constant(8080))),
            ])
          ]),
      ])
    let filter = Table(
      .ip, "filter", origin: .iptables,
      chains: [
        Chain(
          "DOCKER",
          rules: [
            rule([
              try address(.daddr, "172.17.0.2"), try interface(.iifname, "docker0", negated: true),
              try interface(.oifname, "docker0"), port(8080), .verdict(.accept),
            ])
          ]),
        Chain(
          "FORWARD",
          rules: [
            rule([try interface(.iifname, "docker0"), try interface(.oifname, "docker0"), .verdict(.drop)])
          ]),
      ])
    return Ruleset(tables: [nat, filter])
  }

  @Test func dockersRulesTellItsNetwork() throws {
    let inferred = InferredHost(ruleset: try docker(), facts: HostFacts())
    let prefix = try #require(Prefix("172.17.0.0/16"))
    #expect(
      inferred.subnets == [
        InferredSubnet(interface: "docker0", prefix: prefix, evidence: RuleID(table: 0, chain: 0, rule: 0))
      ])
    #expect(inferred.bridges == ["docker0"])
    #expect(
      inferred.containerAddresses == [
        InferredAddress(
          address: try #require(IPAddress("172.17.0.2")), interface: "docker0",
          evidence: RuleID(table: 1, chain: 0, rule: 0))
      ])
    #expect(inferred.hostAddresses.map(\.address.description) == ["192.168.0.140", "172.17.0.1"])
    let published = try #require(inferred.publishedPorts.first)
    #expect(published.ports == ValueSet(32769))
    #expect(published.target?.description == "172.17.0.2")
    #expect(published.targetPort == 8080)
    #expect(published.transport == 6)
    #expect(inferred.innerTraffic.map(\.isAllowed) == [false])
    #expect(inferred.interface(of: try #require(IPAddress("172.17.0.9"))) == "docker0")
    #expect(inferred.interface(of: try #require(IPAddress("10.0.0.1"))) == nil)
  }

  @Test func whatADumpTellsIsNotInferred() throws {
    var facts = HostFacts()
    var bridge = Interface("docker0")
    bridge.addresses = [InterfaceAddress(try #require(IPAddress("172.17.0.1")), prefixLength: 16)]
    facts.interfaces = [bridge]
    #expect(InferredHost(ruleset: try docker(), facts: facts).subnets.isEmpty)
  }

  @Test func aNetworksDescriptionTellsItsBridge() throws {
    var facts = HostFacts()
    facts.networks = [
      ContainerNetwork(
        name: "mynet", id: "1", driver: "bridge", subnets: [try #require(Prefix("192.168.0.0/16"))],
        gateways: [try #require(IPAddress("192.168.0.254"))], bridge: "br-1")
    ]
    let inferred = InferredHost(ruleset: Ruleset(), facts: facts)
    #expect(inferred.bridges == ["br-1"])
    #expect(inferred.hostAddresses.map(\.address.description) == ["192.168.0.254"])
  }

  @Test func aRuleForEveryAddressTellsNothing() throws {
    let open = rule([
      try address(.saddr, "0.0.0.0/0"), try interface(.oifname, "eth0", negated: true),
      .translate(Translation(.masquerade)),
    ])
    let ruleset = Ruleset(tables: [Table(.ip, "nat", origin: .iptables, chains: [Chain("POSTROUTING", rules: [open])])])
    #expect(InferredHost(ruleset: ruleset, facts: HostFacts()).subnets.isEmpty)
  }
}

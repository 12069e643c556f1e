import FlowTrace
import HostModel
import RuleGraph
import Testing

@Suite struct QueryBuilderTests {
  static let facts: HostFacts = {
    var facts = HostFacts()
    facts.networks = [ContainerNetwork(name: "bridge", id: "c3dae6ef0318", driver: "bridge", bridge: "docker0")]
    let address = IPAddress(ipv4: 0xac11_0002)
    facts.containers = [
      Container(
        name: "tomcat01", id: "617884f43868", endpoints: [.init(network: "bridge", addresses: [address])],
        networkMode: "bridge"),
      Container(name: "proxy", id: "aa7884f43868", networkMode: "host"),
    ]
    return facts
  }()

  func build(_ options: KeyValuePairs<QueryOption, String>) throws -> Query {
    var builder = QueryBuilder(facts: Self.facts)
    for (option, text) in options { try builder.set(option, text) }
    return try builder.query()
  }

  @Test func aPortMakesItTCP() throws {
    let query = try build([.dst: "172.17.0.2:8080"])
    #expect(query.transport == ValueSet(6))
    #expect(query.destination == ValueSet(0xffff_ac11_0002 as UInt128))
    #expect(query.destinationPort == ValueSet(8080))
    #expect(query.family == .ipv4)
    #expect(query.source == nil)
  }

  @Test(
    arguments: [
      ("[2001:db8::1]:443", "2001:db8::1", "443"), ("2001:db8::/32", "2001:db8::/32", nil),
      ("[2001:db8::]/32", "2001:db8::/32", nil), ("10.0.0.0/8:80-90", "10.0.0.0/8", "80-90"),
      (":80,443", nil, "80, 443"), ("tomcat01:8080", "172.17.0.2", "8080"), ("6178:80", "172.17.0.2", "80"),
      ("10.0.0.1-10.0.0.3", "10.0.0.1-10.0.0.3", nil),
    ] as [(String, String?, String?)])
  func anEndpointIsAddressesAndPorts(_ text: String, _ addresses: String?, _ ports: String?) throws {
    let query = try build([.dst: text])
    #expect(query.destination?.text(as: .address) == addresses)
    #expect(query.destinationPort?.text(as: .number) == ports)
  }

  @Test(
    arguments: [
      ("syn", 2), ("SYN+ACK", 18), ("syn,ack", 18), ("0x12", 18), ("[S.]", 18), ("S", 2), ("none", 0), ("fin|rst", 5),
    ] as [(String, UInt128)])
  func flagsAreReadInEverySpelling(_ text: String, _ bits: UInt128) throws {
    let query = try build([.tcpFlags: text])
    #expect(query.fields[.header(HeaderField(.tcp, .flags))] == ValueSet(bits))
    #expect(query.transport == ValueSet(6))
  }

  @Test func icmpFollowsTheFamily() throws {
    let query = try build([.proto: "icmp", .dst: "2001:db8::1", .icmpType: "echo-request"])
    #expect(query.transport == ValueSet(58))
    #expect(query.fields[.header(HeaderField(.icmpv6, .type))] == ValueSet(128))
  }

  @Test func aContainerSendsThroughItsBridge() throws {
    let query = try build([.from: "tomcat01"])
    #expect(query.origin == .wire)
    #expect(query.source?.text(as: .address) == "172.17.0.2")
    #expect(query.input?.text(as: .name) == "docker0")
    #expect(try build([.from: "proxy"]).origin == .host)
  }

  @Test func outsideIsNoBridgeOfContainers() throws {
    let input = try #require(try build([.from: "outside"]).input)
    #expect(input.contains(try #require(InterfaceName("ens33")).value))
    #expect(!input.contains(try #require(InterfaceName("docker0")).value))
    #expect(!input.contains(try #require(InterfaceName("br-9330b5a5cf80")).value))
    #expect(!input.contains(0))
  }

  @Test(
    arguments: [
      (.dst, "172.17.0.256", "not an address"), (.dst, "tomcat1:80", "did you mean tomcat01"),
      (.proto, "tpc", "did you mean tcp"),
      (.sport, "90-80", "lower to the higher"), (.dport, "65536", "65535"),
      (.state, "establishd", "did you mean established"),
      (.tcpFlags, "syn,akc", "did you mean ack"), (.input, "averyveryverylongname", "15 bytes"),
      (.dport, "", "a port is missing"),
      (.from, "hots", "no such container"), (.mark, "-1", "not a number"), (.dst, "[::1", "no such container"),
    ] as [(QueryOption, String, String)])
  func whatIsWrongIsSaid(_ option: QueryOption, _ text: String, _ part: String) throws {
    let error = try #require(throws: QueryTextError.self) { try build([option: text]) }
    #expect(error.description.contains(part), "\(error)")
    #expect(error.option == option)
  }

  @Test func contradictionsAreErrors() {
    #expect(throws: QueryTextError.self) { try build([.src: "10.0.0.1", .dst: "2001:db8::1"]) }
    #expect(throws: QueryTextError.self) { try build([.proto: "icmp", .dport: "80"]) }
    #expect(throws: QueryTextError.self) { try build([.proto: "udp", .tcpFlags: "syn"]) }
  }
}

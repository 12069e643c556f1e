import FlowTrace
import RuleGraph
import Testing

@testable import Reports

@Suite struct AssumptionWordsTests {
  private static let one = IPAddress(ipv4: 0xc0a8_008c)
  private static let sources = ValueSet(IPAddress(ipv4: 0x0a00_0000).bits...IPAddress(ipv4: 0x0aff_ffff).bits)
  private static let subnets = [Prefix("172.17.0.0/16")].compactMap { $0 }

  static let rows: [(Assumption.Fact, id: String, text: String)] =
    [
      (
        .gatewayAddress(one, interface: "docker0"), "gateway-address", "192.168.0.140 is this host's address on docker0"
      ),
      (.gatewayAddress(one, interface: nil), "gateway-address", "192.168.0.140 is an address of this host"),
      (.localAddress(one), "local-address", "192.168.0.140 is an address of this host"),
      (.foreignAddress(one), "foreign-address", "192.168.0.140 is not an address of this host"),
      (
        .leavesAgain(one), "foreign-address",
        "192.168.0.140 is not an address of this host: the packet is said to leave it again"
      ),
      (
        .routedThrough(nil), "foreign-address",
        "the destination is not an address of this host: its routes lead there through another interface"
      ),
      (
        .comesFromOutside(IPAddress(ipv4: 0xc0a8_008c)), "foreign-address",
        "192.168.0.140 is not an address of this host: it comes in from outside"
      ),
      (
        .neighbour(interface: "br0"), "neighbour",
        "the destination is on the link of br0: the packet is said to leave through it"
      ),
      (.sentByHost(source: sources), "sender", "this host sends it, since 10.0.0.0/8 is its own address"),
      (
        .comesFromSubnet(source: sources, interface: "br0"), "sender",
        "packets of 10.0.0.0/8 come in through br0, where that subnet is"
      ),
      (
        .comesFromRoute(source: sources, interface: "eth0"), "sender",
        "packets of 10.0.0.0/8 come in through eth0, which the route back uses"
      ),
      (
        .defaultLeg(container: "web", network: "front"), "default-leg",
        "the default route of web is on its network front, the first by name"
      ),
      (
        .defaultLeg(container: nil, network: "front"), "default-leg",
        "the default route of the container is on its network front, the first by name"
      ),
      (
        .route(to: sources, notThrough: ["br0", "docker0"]), "route",
        "the route to 10.0.0.0/8 leaves through an interface other than br0, docker0"
      ),
      (.route(to: .all, notThrough: []), "route", "the route to any address leaves through an interface"),
      (.ipForward(.ipv4), "ip-forward", "the host forwards packets (net.ipv4.ip_forward is 1)"),
      (.ipForward(.ipv6), "ip-forward", "the host forwards packets (net.ipv6.conf.all.forwarding is 1)"),
      (.unnamedInterface("docker0"), "unnamed-interface", "the interface that the dump does not name is docker0"),
      (
        .rpFilter(source: one, interface: "eth0"), "rp-filter",
        "rp_filter does not drop packets of 192.168.0.140 on eth0, to where the route back does not lead"
      ),
      (.routeLocalnet(isOn: true, interface: "docker0"), "route-localnet", "route_localnet is on for docker0"),
      (.routeLocalnet(isOn: false, interface: nil), "route-localnet", "route_localnet is off for the way out"),
      (
        .bridgeNetfilter, "bridge-nf-call",
        "bridged packets pass the rules (bridge-nf-call-iptables is 1, as Docker sets it)"
      ),
      (.hairpin, "hairpin", "the bridge may send frames back through the port they came from"),
      (.dockerProxy(transport: 6, port: 8080), "docker-proxy", "docker-proxy listens on tcp port 8080"),
      (
        .untoldTables(["nat"], .ipv4), "untold-tables", "the nat table of iptables, which no dump shows, holds no rules"
      ),
      (
        .untoldTables(["raw", "mangle", "nat"], .ipv6), "untold-tables",
        "the raw, mangle and nat tables of ip6tables, which no dump shows, hold no rules"
      ),
      (
        .untoldChains(["INPUT", "OUTPUT"], table: "filter", .ipv4), "untold-chains",
        "INPUT and OUTPUT of iptables filter, which no dump shows, hold no rules"
      ),
      (.untoldNftTables, "untold-nft-tables", "nftables has no other tables than those that were listed"),
      (
        .inferredTable("nat"), "inferred-table",
        "the nat table, which was not shown, holds only what the dumps say of published ports"
      ),
    ] + subnets.map { (.subnetOfInterface("docker0", $0), "subnet-of-interface", "docker0 holds 172.17.0.0/16") }

  @Test(arguments: rows)
  func anAssumptionReadsSo(_ fact: Assumption.Fact, id: String, text: String) {
    #expect(fact.id == id)
    #expect(Assumption(fact).text == text)
  }

  @Test func everyFactHasARow() throws {
    let declared = try EnumCases.declared(of: "Fact", in: "FlowTrace/Model/Assumption.swift")
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == [])
    #expect(declared.count >= 20)
  }

  @Test func whatReadsAlikeIsSaidOnce() {
    let inBothFamilies = AddressFamily.allCases.map { Assumption(.route(to: $0.allAddresses, notThrough: [])) }
    #expect(Set(inBothFamilies).count == 2)
    #expect(inBothFamilies.told.map(\.text) == ["the route to any address leaves through an interface"])
  }
}

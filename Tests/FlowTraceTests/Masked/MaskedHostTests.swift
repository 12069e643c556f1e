import FlowTrace
import HostModel
import RuleGraph
import RuleParser
import Testing

/// An address or route of the host that is masked is there all the same: what the dump shows is not all.
@Suite struct MaskedHostTests {
  private static let rules = """
    table inet filter {
    \tchain input {
    \t\ttype filter hook input priority filter; policy drop;
    \t\ttcp dport 22 accept
    \t}
    \tchain forward {
    \t\ttype filter hook forward priority filter; policy drop;
    \t}
    }

    """

  private func reading(_ addresses: String, _ routes: String) -> HostReading {
    DumpReader().read([
      MaskedRow.input("nft-list-ruleset.txt", Self.rules),
      MaskedRow.input(
        "ip-addr.txt",
        """
        1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
            inet 127.0.0.1/8 scope host lo
        2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
            inet \(addresses) scope global eth0

        """), MaskedRow.input("ip-route.txt", "default via 192.0.2.1 dev eth0\n\(routes)\n"),
    ])
  }

  @Test(arguments: ["x.x.x.62/24", "<MY_IP>/24", "203.0.113.xxx/24"])
  func aHostWithAMaskedAddressMayHaveTheOneThatIsAskedFor(_ address: String) throws {
    let reading = reading(address, "192.0.2.0/24 dev eth0")
    #expect(!reading.facts.addressesKnown.contains(.ipv4))
    #expect(reading.facts.addressesKnown.contains(.ipv6))
  }

  @Test func aHostWithAMaskedRouteMayHaveAnotherOne() throws {
    #expect(reading("192.0.2.9/24", "192.0.2.0/24 dev eth0").facts.routesKnown.contains(.ipv4))
    #expect(!reading("192.0.2.9/24", "203.0.x.0/24 dev eth1").facts.routesKnown.contains(.ipv4))
  }
}

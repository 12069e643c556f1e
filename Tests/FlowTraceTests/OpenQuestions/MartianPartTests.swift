import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// Of an open question the part that the kernel takes for martian is a case of its own.
@Suite struct MartianPartTests {
  private static func cases(_ options: [(QueryOption, String)], settings: String = "", nat: String = "") throws
    -> [Case]
  {
    let text = """
      *nat
      :PREROUTING ACCEPT [0:0]
      \(nat)
      COMMIT
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      COMMIT
      $ ip addr
      1: lo: <LOOPBACK,UP> mtu 65536
          inet 127.0.0.1/8 scope host lo
          inet6 ::1/128 scope host
      2: eth0: <BROADCAST,UP> mtu 1500
          inet 192.0.2.10/24 scope global eth0
          inet6 2001:db8::10/64 scope global
      $ ip route
      default via 192.0.2.1 dev eth0
      192.0.2.0/24 dev eth0 scope link src 192.0.2.10
      \(settings)

      """
    return try HostReading.of(text).trace(options).cases
  }

  private static func verdicts(_ cases: [Case], of destination: String) throws -> [Case.Verdict] {
    let bits = try #require(IPAddress(destination)).bits
    return cases.filter { one in
      let header: Header = one.packet.family == .ipv4 ? .ip : .ip6
      return one.when.allowed[.field(.header(HeaderField(header, .daddr)))]?.contains(bits) ?? true
    }.map(\.verdict)
  }

  @Test(arguments: [("127.0.0.1", Case.Verdict.drop), ("0.0.0.0", .drop), ("192.0.2.10", .accept)])
  func anOpenDestinationHoldsWhatTheKernelRefuses(_ destination: String, _ verdict: Case.Verdict) throws {
    for source in [nil, "203.0.113.9"] {
      var options: [(QueryOption, String)] = [(.input, "eth0"), (.proto, "tcp"), (.family, "ipv4")]
      if let source { options.append((.src, source)) }
      #expect(try Self.verdicts(Self.cases(options), of: destination) == [verdict])
      // The same as the question about this destination alone.
      let alone = try Self.cases(options + [(.dst, destination)])
      #expect(Set(alone.map(\.verdict)) == [verdict])
    }
  }

  @Test func theLoopbackOfIPv6IsRefusedFromAWire() throws {
    let cases = try Self.cases([(.input, "eth0"), (.proto, "tcp"), (.family, "ipv6"), (.src, "2001:db8::77")])
    #expect(try Self.verdicts(cases, of: "::1") == [.drop])
    #expect(try Self.verdicts(cases, of: "2001:db8::10") == [.accept])
  }

  @Test func routeLocalnetLetsThemIn() throws {
    let on = "$ sysctl net.ipv4.conf.eth0.route_localnet\nnet.ipv4.conf.eth0.route_localnet = 1"
    let cases = try Self.cases([(.input, "eth0"), (.proto, "tcp"), (.family, "ipv4")], settings: on)
    #expect(try Self.verdicts(cases, of: "127.0.0.1") == [.accept])
  }

  /// What is translated before routing is not martian any more.
  @Test func aTranslatedLoopbackAddressIsRouted() throws {
    let cases = try Self.cases(
      [(.input, "eth0"), (.proto, "tcp"), (.family, "ipv4"), (.dport, "80")],
      nat: "-A PREROUTING -d 127.0.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 192.0.2.10")
    #expect(try Self.verdicts(cases, of: "127.0.0.1") == [.accept])
    #expect(try Self.verdicts(cases, of: "127.0.0.2") == [.drop])
  }
}

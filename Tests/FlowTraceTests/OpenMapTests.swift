import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// A question that leaves a map's key open has a case for what the map holds, and one for what it does not.
@Suite struct OpenMapTests {
  private static let dport = Region.Dimension.field(.header(HeaderField(.th, .dport)))

  private func cases(_ rules: String) throws -> [Case] {
    let reading = HostReading.of(rules, name: "rules.nft")
    var question = QueryBuilder(facts: reading.facts)
    for (option, text): (QueryOption, String) in [
      (.input, "eth0"), (.proto, "tcp"), (.src, "192.0.2.1"), (.dst, "192.0.2.9"), (.hostAddress, "192.0.2.9"),
    ] { try question.set(option, text) }
    return Tracer(reading.ruleset, facts: reading.facts).trace(try question.query()).cases
  }

  @Test func onlyWhatTheMapHoldsIsMarked() throws {
    let cases = try cases(
      """
      table inet t {
        map marks { type inet_service : mark; elements = { 22 : 1, 53 : 1, 8081 : 2 }; }
        chain pre { type filter hook prerouting priority 0; meta mark set tcp dport map @marks; }
        chain in { type filter hook input priority 0; policy drop; meta mark 1 accept; }
      }
      """)
    for (port, verdict): (UInt128, Case.Verdict) in [
      (22, .accept), (53, .accept), (8081, .drop), (23, .drop), (80, .drop),
    ] {
      let holding = cases.filter { $0.when.contains([Self.dport: port]) }
      #expect(holding.map(\.verdict) == [verdict], "port \(port)")
    }
  }

  @Test func eachPortIsTranslatedToItsOwnAddress() throws {
    let cases = try cases(
      """
      table ip t {
        map places { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.1 . 8080, 443 : 10.0.0.2 . 8443 }; }
        chain pre { type nat hook prerouting priority -100; dnat ip to tcp dport map @places; }
      }
      """)
    for (port, address, inner) in [
      (UInt128(80), "10.0.0.1", UInt128(8080)), (443, "10.0.0.2", 8443), (22, "192.0.2.9", 22),
    ] {
      let holding = cases.filter { $0.when.contains([Self.dport: port]) }
      #expect(holding.count == 1)
      #expect(holding.first?.packet.destination == ValueSet(try #require(IPAddress(address)).bits))
      #expect(holding.first?.packet.destinationPort?.contains(inner) == true)
    }
  }
}

import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// An element of a set or map with a limit holds a packet only while the limit is not used up; no dump tells whether it is.
@Suite struct LimitedElementTests {
  private static let rules = """
    table inet t {
      set s { type inet_service; flags dynamic; elements = { 80 limit rate 1/hour burst 1 packets, 81, 86 limit rate 1/hour burst 1 packets, 87 ct count over 3 }; }
      set n { type inet_service; flags dynamic; elements = { 90 limit rate 1/hour, 91 }; }
      set o { type inet_service; flags dynamic; elements = { 84, * limit rate 2/hour }; }
      set w { type inet_service; flags dynamic; elements = { 100 limit rate 3/hour, * }; }
      map m { type inet_service : verdict; flags dynamic; elements = { 82 quota 60 bytes : accept, 83 : accept }; }
      chain in {
        type filter hook input priority 0; policy drop;
        tcp dport 80-87 tcp dport @s accept
        tcp dport 90-92 tcp dport != @n accept
        tcp dport 82-83 tcp dport vmap @m
        tcp dport 84-85 tcp dport @o accept
        tcp dport 100-101 tcp dport @w accept
      }
    }
    """

  private func cases(port: UInt128? = nil) throws -> [Case] {
    let reading = HostReading.of(Self.rules, name: "rules.nft")
    var question = QueryBuilder(facts: reading.facts)
    for (option, text): (QueryOption, String) in [
      (.input, "eth0"), (.proto, "tcp"), (.src, "192.0.2.1"), (.hostAddress, "192.0.2.9"),
      (.dst, "192.0.2.9" + (port.map { ":\($0)" } ?? "")),
    ] { try question.set(option, text) }
    return Tracer(reading.ruleset, facts: reading.facts).trace(try question.query()).cases
  }

  private static let verdicts: [(port: UInt128, verdicts: Set<Case.Verdict>)] = [
    (79, [.drop]), (80, [.accept, .drop]), (81, [.accept]), (86, [.accept, .drop]), (87, [.accept, .drop]),
    (82, [.accept, .drop]), (83, [.accept]), (84, [.accept]), (85, [.accept, .drop]), (90, [.drop]), (91, [.drop]),
    (92, [.accept]), (100, [.accept, .drop]), (101, [.accept]),
  ]

  @Test(arguments: verdicts) func aPacketToOnePort(port: UInt128, verdicts: Set<Case.Verdict>) throws {
    let cases = try cases(port: port)
    #expect(Set(cases.map(\.verdict)) == verdicts)
    #expect(cases.allSatisfy { $0.conditions.isEmpty == (verdicts.count == 1) })
  }

  @Test func allPortsAtOnce() throws {
    let cases = try cases()
    let dport = Region.Dimension.field(.header(HeaderField(.th, .dport)))
    for (port, verdicts) in Self.verdicts {
      let holding = cases.filter { $0.when.contains([dport: port]) }
      #expect(Set(holding.map(\.verdict)) == verdicts, "port \(port)")
    }
  }

  @Test func theConditionIsTheLimit() throws {
    let accepted = try #require(try cases(port: 82).first { $0.verdict == .accept })
    guard case .element(let conditions)? = accepted.conditions.first?.about else {
      Issue.record("\(accepted.conditions)")
      return
    }
    #expect(conditions.map(\.kind) == [.quota])
    #expect(accepted.conditions.first?.isEnvironment == true)
  }

  @Test func aMaskedElementMayHoldThePacketWhateverItsLimit() throws {
    let reading = HostReading.of(
      """
      table ip t {
        set s { type ipv4_addr; flags dynamic; elements = { 192.0.2.x limit rate 1/hour, 198.51.100.7 limit rate 2/hour }; }
        chain in { type filter hook input priority 0; policy drop; ip saddr @s accept; }
      }
      """, name: "rules.nft")
    for (source, verdicts): (String, Set<Case.Verdict>) in [
      ("192.0.2.1", [.accept, .drop]), ("198.51.100.7", [.accept, .drop]), ("203.0.113.9", [.drop]),
    ] {
      let trace = try reading.trace([
        (.input, "eth0"), (.proto, "tcp"), (.src, source), (.dst, "10.0.0.9:22"), (.hostAddress, "10.0.0.9"),
      ])
      #expect(Set(trace.cases.map { $0.conditionalVerdict ?? $0.verdict }) == verdicts, "\(source)")
    }
  }
}

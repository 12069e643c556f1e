import FlowTrace
import Foundation
import HostModel
import RuleGraph
import RuleParser
import Testing
import Traffic

@testable import Reports

/// What logs came to, as JSON.
@Suite struct ReplayReportTests {
  private static let log = """
    {"proto": "tcp", "src": "203.0.113.9", "sport": 40000, "dst": "172.17.0.2", "dport": 8080, "in": "ens33"}
    {"proto": "tcp", "src": "172.17.0.2", "sport": 40000, "dst": "172.17.0.3", "dport": 6379, "in": "docker0"}
    {"proto": "udp", "src": "2001:db8::9", "sport": 40000, "dst": "2001:db8::1", "dport": 53, "in": "ens33"}
    {"proto": "icmp", "src": "203.0.113.9", "dst": "192.168.0.140", "icmp_type": 8, "in": "ens33"}
    {"proto": "tcp", "src": "nobody"}
    """

  private static func replay(_ readings: [HostReading]) throws -> ReplaySummary {
    let first = try #require(readings.first)
    let zones = ReplayZones(
      given: [], facts: first.facts, inferred: InferredHost(ruleset: first.ruleset, facts: first.facts))
    let packets = PacketClasses(readings.map { ($0.ruleset, $0.facts) }, beside: zones.sources)
    let replay = Replay(readings.map { Tracer($0.ruleset, facts: $0.facts) }, packets, zones: zones)
    let bytes = Array(log.utf8)
    let reader = try #require(LogReader(beginning: bytes))
    var tally = ReplayTally()
    var lines = LogLines()
    tally.count(bytes, reader, log: 0, firstLine: 1, replay, &lines)
    return ReplaySummary(
      tally, of: replay, first.ruleset,
      logs: [ReplaySummary.Log(name: "log", format: reader.format.name, lines: lines)])
  }

  @Test func theJSONIsOfItsSchema() throws {
    let (old, new) = (try Samples.read("tomcat-redis"), try Samples.read("one-tomcat"))
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.replay.1.json"))
    for (readings, after) in [([old], nil), ([old, new], new.ruleset)] {
      let summary = try Self.replay(readings)
      #expect(summary.flows == 4)
      let bytes = ReplayJSON(old.ruleset, after: after).bytes(of: summary, diagnostics: old.diagnostics)
      let value = try JSONSerialization.jsonObject(with: Data(bytes))
      #expect(schema.problems(of: value) == [])
      let logs = (value as? [String: Any])?["logs"] as? [[String: Any]]
      #expect(logs?.first?["malformed"] as? Int == 1)
    }
  }

  @Test func numbersAreWrittenForPeople() {
    #expect(ReplayWords.number(1_234_567) == "1,234,567")
    #expect(ReplayWords.number(999) == "999")
    #expect(
      [0, 812, 1000, 1999, 123_456, 5_000_000_000].map { ReplayWords.bytes($0) } == [
        "0 B", "812 B", "1.0 kB", "1.9 kB", "123 kB", "5.0 GB",
      ])
    #expect(ReplayWords.numbers([1, 2, 3, 5, 7, 8, 10], limit: 3) == "1 to 3, 5, 7, 8, ...")
    #expect(
      ReplayWords.short(["/a/conn.log", "/b/conn.log", "/b/eve.json"]) == ["/a/conn.log", "/b/conn.log", "eve.json"])
  }
}

import FlowTrace
import Foundation
import Reports
import RuleGraph
import RuleParser
import Testing

/// What an answer says beyond verdict and path, as far as the READMEs of the samples do not show it.
@Suite struct ExplanationTests {
  private static func trace(_ reading: HostReading, _ options: KeyValuePairs<QueryOption, String>) throws -> Trace {
    var settings = Tracer.Options()
    settings.findsRulesOffPath = true
    return Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(options, facts: reading.facts), options: settings)
  }

  @Test func anAddressThatNobodyKnowsSplitsTheAnswer() throws {
    let reading = try Samples.read("tomcat-redis")
    let trace = try Self.trace(reading, [.from: "outside", .dst: "192.168.77.5:22"])
    #expect(trace.cases.map(\.fate) == [.local, .discarded])
    #expect(
      trace.cases.map { $0.conditions.map { $0.text(in: reading.ruleset) } } == [
        ["192.168.77.5 is an address of this host"], ["192.168.77.5 is not an address of this host"],
      ])
    #expect(trace.verdict == .undetermined)
    #expect(!trace.assumptions.contains { $0.id == "local-address" })
    let told = try Self.trace(
      reading, [.from: "outside", .dst: "192.168.77.5:22", .hostAddress: "192.168.77.5"])
    #expect(told.verdict == .accept)
  }

  @Test func anAddressIsTheHostsOwnWhereItsPortIsPublished() throws {
    let reading = try Samples.read("tomcat-redis")
    let trace = try Self.trace(reading, [.input: "ens33", .dst: "192.168.77.5:32769", .src: "10.0.0.9"])
    let assumption = try #require(trace.assumptions.first { $0.id == "local-address" })
    #expect(assumption.evidence.map { reading.ruleset.place(of: $0) } == "nat DOCKER 2")
    #expect(trace.verdict == .accept)
  }

  @Test(arguments: [nil, "{ \"userland-proxy\": false }", "{ \"userland-proxy\": true }"])
  func theDaemonsSettingTellsOfItsProxy(_ settings: String?) throws {
    var inputs = try Samples.inputs("questions/14-client-address").filter { !$0.name.hasSuffix("ss-tulnp.txt") }
    if let settings { inputs.append(DumpInput(name: "daemon.json", text: settings)) }
    let trace = try Self.trace(DumpReader().read(inputs), [.from: "host", .dst: "127.0.0.1:8080"])
    let isOn = settings?.contains("false") != true
    #expect(trace.cases.map { $0.remarks.contains { $0.id == "docker-proxy" } } == [isOn])
    #expect(trace.cases.map { $0.continuation != nil } == [isOn])
  }

  @Test func theJSONTellsWhichRulesAreNotAsked() throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.trace.1.json"))
    let reading = try Samples.read("questions/10-fail2ban")
    let trace = try Self.trace(reading, [.input: "eth0", .src: "203.0.113.9", .dst: "192.0.2.10:8080"])
    let value = try JSONSerialization.jsonObject(with: Data(TraceJSON(reading.ruleset).bytes(of: trace)))
    #expect(schema.problems(of: value) == [])
    let cases = try #require((value as? [String: Any])?["cases"] as? [[String: Any]])
    let rules = try #require(cases.first?["off_path"] as? [[String: Any]])
    #expect((rules.first?["rule"] as? [String: Any])?["chain"] as? String == "f2b-nginx")
    #expect((rules.first?["why"] as? String)?.hasPrefix("runs only at the input hook") == true)
  }
}

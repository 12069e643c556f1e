import FlowTrace
import Foundation
import HostAnalysis
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

@testable import Reports

/// What of the samples' hosts can be reached, as text and as JSON.
@Suite struct ExposureReportTests {
  @Test(arguments: try Samples.names)
  func theTextIsTheOneThatWasLookedAt(_ name: String) throws {
    let reading = try Samples.read(name)
    let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
    let text = ExposureText(
      reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: 110), hostName: reading.name
    ).text(of: exposure, diagnostics: reading.diagnostics)
    try expectSnapshot(text, named: "exposure-" + name.replacing("/", with: "-"))
  }

  @Test(arguments: try Samples.names)
  func theJSONIsOfItsSchema(_ name: String) throws {
    let reading = try Samples.read(name)
    let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
    let bytes = ExposureJSON(reading.ruleset).bytes(of: exposure, diagnostics: reading.diagnostics)
    let value = try JSONSerialization.jsonObject(with: Data(bytes))
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.exposure.1.json"))
    #expect(schema.problems(of: value) == [])
  }

  /// Every open service is a row of its zone's table, and a text of the dump is no Markdown.
  @Test(arguments: ["questions/01-ufw-and-published-port", "tomcat-redis", "empty-host"])
  func theMarkdownHasARowForEachOpenService(_ name: String) throws {
    let reading = try Samples.read(name)
    let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
    let text = ExposureMarkdown(reading.ruleset, facts: reading.facts).text(of: exposure)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| Port |") }
    let open = exposure.zones.indices.reduce(0) { $0 + exposure.lines(from: $1).count { $0.outcome == .open } }
    #expect(rows.count == open)
    #expect(text.split(separator: "\n").count { $0.hasPrefix("#### From ") } == exposure.zones.count)
  }

  /// An exposure asks about sets of packets, and the one packet that it shows of each must fare as it says.
  @Test(arguments: try Samples.names)
  func everyWitnessFaresAsItsAccess(_ name: String) throws {
    let reading = try Samples.read(name)
    let host = AnalysedHost(reading.ruleset, facts: reading.facts)
    let exposure = host.exposure()
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    for access in exposure.accesses where access.conditions.isEmpty && access.outcome != .unknown {
      guard let witness = access.witness, let source = witness.source else { continue }
      var query = Query()
      query.family = access.service.family
      query.transport = ValueSet(witness.transport)
      query.source = ValueSet(source.bits)
      query.sourcePort = ValueSet(witness.sourcePort)
      query.destination = ValueSet(witness.destination.bits)
      query.destinationPort = ValueSet(witness.destinationPort)
      query.hostAddresses = exposure.standIns
      query.origin = witness.input == nil ? .host : .wire
      query.input = witness.input.flatMap { InterfaceName($0) }.map { ValueSet($0.value) }
      let cases = tracer.trace(query).cases.filter { $0.conditions.allSatisfy { !$0.isEnvironment } }
      let verdicts = Set(cases.map(\.verdict))
      switch access.outcome {
      case .open, .unanswered: #expect(verdicts == [.accept], "\(witness)")
      case .closed(.packet): #expect(verdicts == [access.part.verdict], "\(witness)")
      case .closed(.reply), .closed(.proxy), .unknown: continue
      }
      let rules = access.deciders.rules
      let deciders = rules.isEmpty ? [access.decidedBy] : rules.map(Decider.rule)
      // What nobody knows divides one packet as well.
      #expect(cases.contains { deciders.contains($0.decidedBy) }, "\(witness): \(deciders)")
    }
  }

  /// Rules that differ in values only share a case of the trace; each port has its own of them.
  @Test func ofRulesThatShareACaseEachPortNamesItsOwn() {
    let text = """
      *filter
      :INPUT DROP [0:0]
      -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
      -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
      -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 3306 -j ACCEPT
      -A INPUT -s 192.168.0.0/16 -p tcp -m tcp --dport 5432 -j ACCEPT
      COMMIT

      """
    let reading = HostReading.of(text, name: "host.txt")
    let host = AnalysedHost(reading.ruleset, facts: reading.facts)
    let lines = host.exposure().lines(from: 0).filter { $0.outcome == .open }
    let words = DeciderWords(ruleset: reading.ruleset, names: SourceNames(reading.ruleset.sources))
    let deciders = lines.map { [$0.service.ports.text(as: .number), words.place($0.first.deciders)] }
    #expect(
      deciders == [
        ["3306", "filter INPUT 3"], ["5432", "filter INPUT 4"], ["22, 80", "filter INPUT 1 or 2"],
      ])
  }

  @Test func aTargetIsReadAsPeopleWriteIt() throws {
    let reading = try Samples.read("user-network")
    let host = AnalysedHost(reading.ruleset, facts: reading.facts)
    func read(_ text: String) -> Result<ReachTarget, ReachTargetProblem> {
      do throws(ReachTargetProblem) { return .success(try host.target(text)) } catch { return .failure(error) }
    }
    let address = try #require(IPAddress("172.17.0.3"))
    let foreign = try #require(IPAddress("203.0.113.9"))
    let container = ReachTarget.Place.container(name: "tomcat02", addresses: ValueSet(address.bits))
    let table: [(text: String, meaning: Result<ReachTarget, ReachTargetProblem>)] = [
      ("tomcat02", .success(ReachTarget(container))),
      ("172.17.0.3:8080/tcp", .success(ReachTarget(container, port: 8080, transport: .tcp))),
      ("53/udp", .success(ReachTarget(.anywhere, port: 53, transport: .udp))),
      ("tomcat03", .failure(.noContainer("tomcat03", nearest: "tomcat01"))),
      ("70000", .failure(.noPort("70000"))),
      ("203.0.113.9:80", .failure(.elsewhere(foreign))),
    ]
    for (text, meaning) in table {
      let isRead = read(text) == meaning
      #expect(isRead, "\(text)")
    }
  }

  @Test func whoReachesAContainerSaysWhatStopsTheOthers() throws {
    let reading = try Samples.read("user-network")
    let host = AnalysedHost(reading.ruleset, facts: reading.facts)
    let target = try host.target("tomcat-net-01")
    let text = ReachText(reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: 110))
    try expectSnapshot(text.text(of: host.reach(target), to: target), named: "who-tomcat-net-01")
  }
}

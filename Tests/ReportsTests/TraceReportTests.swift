import FlowTrace
import Foundation
import Reports
import RuleGraph
import RuleParser
import Testing

@Suite struct TraceReportTests {
  @Test(arguments: [80, 120])
  func theTextOfADirectQuestion(_ width: Int) throws {
    let reading = try Samples.read("docker29-nft")
    let query = try Samples.query([.dst: "192.0.2.2:80"], facts: reading.facts)
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(query)
    let report = TraceText(reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: width))
    let text = report.text(of: trace, diagnostics: reading.diagnostics)
    for line in text.split(separator: "\n") { #expect(line.count <= width) }
    #expect(text.contains("DROPPED"))
    #expect(text.contains("<- decides"))
    #expect(!text.contains("\u{1b}"))
  }

  static let pictures: [(name: String, sample: String, options: [(QueryOption, String)])] = [
    (
      "published-port", "docker29-iptables",
      [(.input, "eth0"), (.src, "10.0.0.9"), (.dst, "192.168.7.7:8080"), (.hostAddress, "192.168.7.7")]
    ),
    ("closed-port", "one-tomcat", [(.input, "eth0"), (.src, "10.0.0.9"), (.dst, "172.17.0.2:22")]),
    ("direct-access", "docker29-nft", [(.input, "eth0"), (.src, "10.0.0.9"), (.dst, "192.0.2.2:80")]),
  ]

  @Test(arguments: TraceReportTests.pictures, [80, 120])
  func theTextIsTheOneOnFile(_ picture: (name: String, sample: String, options: [(QueryOption, String)]), _ width: Int)
    throws
  {
    let reading = try Samples.read(picture.sample)
    var options = Tracer.Options()
    options.tracesReply = true
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(picture.options, facts: reading.facts), options: options)
    let report = TraceText(reading.ruleset, facts: reading.facts, terminal: TerminalSettings(width: width))
    try expectSnapshot(report.text(of: trace), named: "\(picture.name)-\(width)")
  }

  @Test func whatIsHiddenIsSaidOnceForAllCases() throws {
    let reading = try Samples.read("empty-host")
    let query = try Samples.query([.from: "outside", .dst: "172.17.0.9:80"], facts: reading.facts)
    let text = TraceText(reading.ruleset, facts: reading.facts).text(
      of: Tracer(reading.ruleset, facts: reading.facts).trace(query))
    #expect(text.components(separatedBy: "UNDETERMINED").count == 2)
    #expect(text.contains("iptables -vnL"))
    #expect(text.split(separator: "\n").count < 30)
  }

  @Test func coloursAreOnlyThereWhenAskedFor() throws {
    let reading = try Samples.read("docker29-nft")
    let trace = Tracer(reading.ruleset).trace(try Samples.query([.dst: "192.0.2.2:80"], facts: reading.facts))
    let plain = TraceText(reading.ruleset).text(of: trace)
    let colored = TraceText(reading.ruleset, terminal: TerminalSettings(width: 100, inColor: true)).text(of: trace)
    #expect(colored.contains("\u{1b}[1;31mDROPPED\u{1b}[0m"))
    #expect(colored.replacing(try Regex("\u{1b}\\[[0-9;]*m"), with: "") == plain)
  }

  static let questions: [(String, [(QueryOption, String)])] = [
    ("docker29-nft", [(.dst, "192.0.2.2:80")]), ("docker29-nft", []), ("docker29-nft", [(.from, "host")]),
    ("docker29-nft", [(.proto, "udp"), (.dport, "53")]), ("docker29-nft", [(.input, "bridge1"), (.reply, "true")]),
    ("docker29-nft", [(.family, "ipv6"), (.tcpFlags, "syn,ack"), (.mark, "1-9"), (.ttl, "1")]),
  ]

  @Test(arguments: TraceReportTests.questions)
  func theJSONFitsItsSchema(_ sample: String, _ options: [(QueryOption, String)]) throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.trace.1.json"))
    let reading = try Samples.read(sample)
    var builder = QueryBuilder(facts: reading.facts)
    builder.id = "q1"
    for (option, text) in options { try builder.set(option, text) }
    var settings = Tracer.Options()
    settings.listsEveryRule = true
    settings.tracesReply = true
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(try builder.query(), options: settings)
    for indented in [false, true] {
      let bytes = TraceJSON(reading.ruleset, indented: indented).bytes(of: trace, diagnostics: reading.diagnostics)
      if !indented { #expect(bytes.count { $0 == 0x0a } == 1, "a batch answer is one line") }
      let value = try JSONSerialization.jsonObject(with: Data(bytes))
      #expect(schema.problems(of: value) == [])
    }
  }

  @Test func theSchemaRefusesWhatIsNoAnswer() throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.trace.1.json"))
    let reading = try Samples.read("docker29-nft")
    let trace = Tracer(reading.ruleset).trace(try Samples.query([.dst: "192.0.2.2:80"], facts: reading.facts))
    let bytes = TraceJSON(reading.ruleset).bytes(of: trace)
    let text = String(decoding: bytes, as: UTF8.self)
    for (good, bad) in [("\"drop\"", "\"dropped\""), ("\"line\": 1", "\"line\": 0"), ("\"path\"", "\"way\"")] {
      #expect(text.contains(good))
      let value = try JSONSerialization.jsonObject(with: Data(text.replacing(good, with: bad).utf8))
      #expect(schema.problems(of: value) != [], "\(bad)")
    }
  }
}

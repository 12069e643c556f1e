import Foundation
import PolicyCheck
import Reports
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Every report of a policy is what its readers expect.
@Suite struct PolicyReportTests {
  static let path = "policies/web policy.yaml"

  // MARK: JUnit

  /// What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows: required and optional attributes, and children.
  private static let elements: [String: (required: Set<String>, optional: Set<String>, children: Set<String>)] = [
    "testsuites": ([], ["name", "time", "tests", "failures", "errors"], ["testsuite"]),
    "testsuite": (
      ["name", "tests"],
      ["failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "file"],
      ["testsuite", "properties", "testcase", "system-out", "system-err"]
    ),
    "testcase": (
      ["name", "classname"], ["assertions", "time", "status", "file", "line"],
      ["skipped", "error", "failure", "system-out", "system-err"]
    ),
    "failure": ([], ["message", "type"], []), "skipped": ([], ["message", "type"], []),
  ]

  private final class SchemaReader: NSObject, XMLParserDelegate {
    var problems: [String] = []
    var open: [String] = []
    var names: [String] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      if let element = PolicyReportTests.elements[name] {
        problems += element.required.subtracting(attributes.keys).map { "\(name) lacks \($0)" }
        problems += Set(attributes.keys).subtracting(element.required).subtracting(element.optional)
          .map { "\(name) has \($0)" }
      } else {
        problems.append("unknown element \(name)")
      }
      if let parent = open.last, PolicyReportTests.elements[parent]?.children.contains(name) != true {
        problems.append("\(name) in \(parent)")
      }
      if name == "testcase", let own = attributes["name"] { names.append(own) }
      open.append(name)
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
      open.removeLast()
    }
  }

  @Test func junitFitsItsSchema() throws {
    let text = JUnit.text(of: try PolicyReports.results(), policy: Self.path)
    let parser = XMLParser(data: Data(text.utf8))
    let reader = SchemaReader()
    parser.delegate = reader
    #expect(parser.parse())
    #expect(reader.problems == [])
    #expect(reader.names.prefix(2) == ["the <office> & \"others\" # 1", "80 is closed, 100 %"])
    #expect(text.contains("tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\""))
  }

  // MARK: SARIF

  @Test func sarifFitsItsSchemaAndPointsAtTheRule() throws {
    let bytes = SARIF.bytes(of: try PolicyReports.results(), policy: Self.path, version: "1.0.0")
    let log = try JSONSerialization.jsonObject(with: Data(bytes))
    let schema = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "sarif-2.1.0.json")
    #expect(try JSONSchema(contentsOf: schema).problems(of: log) == [])
    let run = try #require((log as? [String: Any])?["runs"] as? [[String: Any]]).first
    let results = try #require(run?["results"] as? [[String: Any]])
    #expect(results.count == 4)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains("{\"uri\": \"captures/my%20rules.txt\"}"))
    #expect(
      text.contains("{\"startLine\": 6, \"snippet\": {\"text\": \"-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\"}}"))
    #expect(text.contains("\"broken-expectation\"") && text.contains("\"undetermined-expectation\""))
  }

  // MARK: TAP

  @Test(.enabled(if: PolicyReports.has("prove"), "prove (package perl) is not installed"))
  func proveReadsTap() throws {
    let text = TAP.text(of: try PolicyReports.results(), policy: Self.path)
    try PolicyReports.inFolder { folder in
      try text.write(to: folder.appending(path: "run.tap"), atomically: true, encoding: .utf8)
      let outcome = try #require(try PolicyReports.run("prove", ["--exec", "cat", "-v", "run.tap"], in: folder))
      #expect(!outcome.output.contains("Parse errors"), "\(outcome.output)")
      #expect(outcome.output.contains("Failed tests:  2-3, 6-7"), "\(outcome.output)")
      #expect(outcome.output.contains("Files=1, Tests=8"))
    }
  }

  @Test func tapNamesEachCheckOnItsLine() throws {
    let lines = TAP.text(of: try PolicyReports.results(), policy: Self.path).split(separator: "\n")
    #expect(lines[0] == "TAP version 13" && lines[1] == "1..8")
    #expect(lines.contains("ok 4 - web 01: later # SKIP \\# not yet"))
    #expect(lines.contains("not ok 3 - web 01: udp is open"))
  }

  // MARK: lcov

  @Test(.enabled(if: PolicyReports.has("genhtml"), "genhtml (package lcov) is not installed"))
  func genhtmlReadsTheCoverage() throws {
    try PolicyReports.inFolder { folder in
      let dump = folder.appending(path: "rules.txt")
      try PolicyReports.dump.write(to: dump, atomically: true, encoding: .utf8)
      let coverage = try PolicyReports.results(dump: dump.path).map { PolicyCoverage($0) }
      let text = LCOV.text(of: coverage)
      try text.write(to: folder.appending(path: "rules.info"), atomically: true, encoding: .utf8)
      let outcome = try #require(try PolicyReports.run("genhtml", ["-o", "html", "rules.info"], in: folder))
      #expect(outcome.status == 0, "\(outcome.output)")
      #expect(outcome.output.contains("lines......: 100.0% (3 of 3 lines)"), "\(outcome.output)")
    }
  }

  // MARK: JSON and annotations

  @Test func jsonFitsItsSchema() throws {
    let results = try PolicyReports.results()
    let bytes = PolicyJSON.bytes(of: results, policy: Self.path, coverage: results.map { PolicyCoverage($0) })
    let schema = Samples.root.appending(path: "Schemas/fwtrace.test.1.json")
    #expect(try JSONSchema(contentsOf: schema).problems(of: JSONSerialization.jsonObject(with: Data(bytes))) == [])
  }

  @Test func theCoverageFitsItsSchema() throws {
    let bytes = PolicyJSON.bytes(of: try PolicyReports.results().map { PolicyCoverage($0) })
    let schema = Samples.root.appending(path: "Schemas/fwtrace.coverage.1.json")
    #expect(try JSONSchema(contentsOf: schema).problems(of: JSONSerialization.jsonObject(with: Data(bytes))) == [])
  }

  @Test func annotationsKeepToTheirLine() throws {
    let text = GitHubAnnotations.text(of: try PolicyReports.results(), policy: "a,b: 50%.yaml")
    let lines = text.split(separator: "\n")
    #expect(lines.count == 6)
    let beginning =
      "::error file=a%2Cb%3A 50%25.yaml,line=4,title=web 01%3A 80 is closed%2C 100 %25::accepted, expected drop%0A"
    #expect(lines.first?.hasPrefix(beginning) == true)
  }

  @Test func aPersonReadsThePacketAndTheRule() throws {
    let text = PolicyText(policy: Self.path).text(of: try PolicyReports.results())
    #expect(text.contains("<- decides"))
    // The way of the packet has tests of its own.
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter {
      !$0.hasPrefix(String(repeating: " ", count: 11))
    }
    try expectSnapshot(lines.joined(separator: "\n"), named: "policy-report")
  }

  @Test func aPersonReadsWhatNoTestMet() throws {
    let coverage = try PolicyReports.results().prefix(1).map { PolicyCoverage($0) }
    try expectSnapshot(CoverageText().text(of: Array(coverage)), named: "policy-coverage")
  }
}

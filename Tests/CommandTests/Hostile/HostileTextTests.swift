import Foundation
import Testing

/// What the program writes for others can't be turned against them: names, comments and file names that anybody chose,
/// through every output.
@Suite struct HostileTextTests {
  private static let texts = [
    "a\u{1b}[31mX", "a\u{7}b", "a\u{9b}31mX", "a\u{7f}b", "a\u{202e}gnp", "a\u{2066}b\u{2069}", "a\u{200b}b\u{feff}",
    "a\u{2028}b\u{2029}c", "a\rb", "a\nb", "a\r\nend_of_record\r\nSF:/etc/passwd", "a\"b", "a\\", "a\\\"b",
    "a'b; touch pwned;'", "<script>alert(1)</script>", "]]><!--&amp;", "a|b`c*[x](http://e)", "a; flush ruleset",
    "a\nflush ruleset\n", "a { }\nflush ruleset", "a } chain b {", "a # b", "a::error::x", "a\n::error::x", "a%0Ab",
    "a$(touch pwned)`touch pwned`", "a\u{85}b", "a\u{e0041}b", "a,b", "-j ACCEPT", "--help", "a -j ACCEPT",
    "\"];x[label=\"", "\"]\nclick c0_0 href \"javascript:alert(1)\"",
  ]

  private static let commands = [
    "parse", "parse --json", "parse --json --canonical", "parse --as nft", "parse --as iptables-save", "graph",
    "graph --format mermaid", "--in eth0 --dst 10.0.0.1:22", "--in eth0 --dst 10.0.0.1:22 --explain all",
    "--in eth0 --dst 10.0.0.1:22 --want accept", "--in eth0 --dst 10.0.0.1:22 --json", "exposure", "exposure --json",
    "audit --severity note", "audit --severity note --markdown", "audit --severity note --sarif",
    "audit --severity note --json", "",
  ]

  /// A ruleset of nft's JSON in which every name is the text.
  private static func ruleset(_ texts: String...) throws -> String { try ruleset(texts) }

  private static func ruleset(_ texts: [String]) throws -> String {
    let all = try texts.flatMap(objects)
    return String(decoding: try JSONSerialization.data(withJSONObject: ["nftables": all]), as: UTF8.self)
  }

  private static func objects(_ text: String) throws -> [[String: Any]] {
    let rules: [[String: Any]] = [
      [
        "match": [
          "op": "==", "left": ["payload": ["protocol": "ip", "field": "saddr"]], "right": "@\(text)",
        ]
      ], ["log": ["prefix": text]], ["jump": ["target": "j\(text)"]],
    ]
    let drop: [[String: Any]] = [
      ["match": ["op": "==", "left": ["payload": ["protocol": "tcp", "field": "dport"]], "right": 22]],
      ["drop": NSNull()],
    ]
    let names: [[[String: Any]]] = [
      rules, [["match": ["op": "==", "left": ["meta": ["key": "iifname"]], "right": text]], ["drop": NSNull()]],
      [["xxx": text]],
    ]
    var all: [[String: Any]] = []
    for (family, table) in [("inet", text), ("ip", "filter")] {
      all.append(["table": ["family": family, "name": table, "handle": 1]])
      all.append([
        "chain": [
          "family": family, "table": table, "name": text, "handle": 1, "type": "filter", "hook": "input", "prio": 0,
          "policy": "accept",
        ]
      ])
      all.append(["chain": ["family": family, "table": table, "name": "j\(text)", "handle": 2]])
      all.append([
        "set": [
          "family": family, "table": table, "name": text, "type": "ipv4_addr", "handle": 9, "elem": ["10.0.0.9"],
          "comment": text,
        ]
      ])
      for (handle, rule) in names.enumerated() {
        all.append([
          "rule": [
            "family": family, "table": table, "chain": text, "handle": handle + 10, "comment": text, "expr": rule,
          ]
        ])
      }
      all.append([
        "rule": ["family": family, "table": table, "chain": "j\(text)", "handle": 4, "comment": text, "expr": drop]
      ])
    }
    return all
  }

  /// Characters that steer what shows them.
  private static func steering(_ text: String) -> [String] {
    let found = text.unicodeScalars.filter { scalar in
      if scalar == "\n" || scalar == "\t" { return false }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: return true
      default: return false
      }
    }
    return Set(found.map { String($0.value, radix: 16) }).sorted()
  }

  @Test(arguments: commands) func noOutputSteersWhatShowsIt(_ command: String) throws {
    let folder = try ScratchFolder()
    try folder.write(try Self.ruleset(Self.texts), to: "dump.json")
    let run = try MeasuredRun("\"$program\" \(command) dump.json", in: folder)
    #expect((0...3).contains(run.status), "\(run.message)")
    #expect(Self.steering(run.text + run.message) == [])
  }

  @Test(arguments: [
    "--tap -", "--lcov -", "--junit -", "--sarif -", "--json -", "--coverage-json -", "--github", "--coverage",
    "--list",
  ])
  func noReportSteersWhatReadsIt(_ report: String) throws {
    let folder = try ScratchFolder()
    try folder.write(try Self.ruleset(Self.texts), to: "dump.json")
    let tests = Self.texts.map { text in
      let name = text.unicodeScalars.map { "\\U" + String(format: "%08x", $0.value) }.joined()
      return "  - { name: \"\(name)\", expect: accept, packet: "
        + "{ in: eth0, dst: \"10.0.0.1:22\", src: 10.0.0.9, host-address: 10.0.0.1 } }\n"
    }
    try folder.write("hosts: { dumps: [dump.json] }\ntests:\n\(tests.joined())", to: "policy.yaml")
    let run = try MeasuredRun("\"$program\" test \(report) policy.yaml", in: folder)
    #expect((0...1).contains(run.status), "\(run.message)")
    #expect(Self.steering(run.text + run.message) == [])
    let lines = run.text.split(separator: "\n").map { String($0) }
    switch report {
    case "--lcov -":
      let kinds = ["TN:", "SF:", "FN:", "FNDA:", "FNF:", "FNH:", "DA:", "LF:", "LH:", "end_of_record"]
      #expect(lines.allSatisfy { line in kinds.contains { line.hasPrefix($0) } })
      #expect(lines.filter { $0.hasPrefix("SF:") } == ["SF:dump.json"])
    case "--github": #expect(lines.count { $0.hasPrefix("::") } == tests.count)
    case "--tap -":
      let begins = ["ok ", "not ok ", "1.."]
      #expect(lines.count { line in begins.contains { line.hasPrefix($0) } } == tests.count + 1)
    case "--junit -": #expect(run.text.split(separator: "<testcase ").count == tests.count + 1)
    case "--sarif -", "--json -", "--coverage-json -": _ = try JSONSerialization.jsonObject(with: Data(run.output))
    default: break
    }
  }

  @Test(arguments: texts) func rulesThatArePrintedBackHoldNoOtherCommand(_ text: String) throws {
    let folder = try ScratchFolder()
    try folder.write(try Self.ruleset(text), to: "dump.json")
    let nft = try MeasuredRun("\"$program\" parse --as nft dump.json", in: folder).text
    for line in nft.split(separator: "\n").map({ $0.trimmingPrefix { $0 == "\t" } }) where !line.hasPrefix("#") {
      let words = [
        "table ", "chain ", "set ", "type ", "comment ", "elements ", "ip saddr ", "iifname ", "tcp dport ", "}",
      ]
      #expect(words.contains { line.hasPrefix($0) }, "\(line)")
      let bare = line.split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter {
        $0.offset % 2 == 0
      }
      #expect(!bare.contains { $0.element.contains("flush") || $0.element.contains("touch") }, "\(line)")
    }
    let saved = try MeasuredRun("\"$program\" parse --as iptables-save dump.json", in: folder).text
    for line in saved.split(separator: "\n") {
      #expect(["#", "*filter", ":", "-A ", "COMMIT"].contains { line.hasPrefix($0) }, "\(line)")
    }
    // A command that is shown to be typed does nothing else.
    let fix = try MeasuredRun("\"$program\" --in eth0 --dst 10.0.0.1:22 --want accept dump.json", in: folder).text
    for line in fix.split(separator: "\n")
    where line.hasPrefix("  fix  ") && (line.contains(" nft ") || line.contains("iptables")) {
      #expect(!line.contains(";") && !line.contains("$(") && !line.contains("`"), "\(line)")
    }
  }

  @Test(arguments: texts) func diagramsHoldTheirOwnLanguageAlone(_ text: String) throws {
    let folder = try ScratchFolder()
    try folder.write(try Self.ruleset(text), to: "dump.json")
    let dot = try MeasuredRun("\"$program\" graph dump.json", in: folder).text
    for line in dot.split(separator: "\n") where line.contains("\"") {
      // Behind a backslash a quotation mark ends nothing.
      let plain = line.replacing("\\\\", with: "").replacing("\\\"", with: "")
      #expect(plain.count { $0 == "\"" } == 2, "\(line)")
    }
    let mermaid = try MeasuredRun("\"$program\" graph --format mermaid dump.json", in: folder).text
    for line in mermaid.split(separator: "\n") where line.contains("\"") {
      #expect(line.count { $0 == "\"" } == 2, "\(line)")
      #expect(!line.replacing("<br/>", with: "").contains("<"), "\(line)")
    }
  }
}

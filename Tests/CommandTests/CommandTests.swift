import Foundation
import Testing

@Suite struct CommandTests {
  static let host = "samples/docker29-nft"

  @Test(
    arguments: [
      (["--from", "host", "--dst", "192.0.2.2:80", host], 0),
      (["--from", "outside", "--dst", "192.0.2.2:80", host], 1),
      (["--dst", "192.0.2.2:80", host], 1), (["trace", "--from", "host", "--dst", "192.0.2.2:80", host], 0),
      (["--help"], 0),
      (["--version"], 0), (["parse", host], 0), (["--dst", "192.0.2.256", host], 2), (["--dts", "192.0.2.2", host], 2),
      (["--dst", "192.0.2.2", "no-such-file"], 2), (["--dst", "192.0.2.2", "/dev/null"], 2),
      (["--dst", "192.0.2.2", "README.md"], 2),
      (["--snapshot", "0", host], 2), (["--snapshot", "9", host], 2), (["parse", "Sources/fwtrace/Main.swift"], 2),
    ] as [([String], Int32)])
  func theExitStatusSaysWhatHappened(_ arguments: [String], _ status: Int32) throws {
    let outcome = try Command.run(arguments)
    #expect(outcome.status == status, "\(outcome.errors)")
    #expect((status == 2) == outcome.output.isEmpty)
    #expect((status == 2) != outcome.errors.isEmpty)
  }

  @Test(arguments: [
    (["--dst", "tomcta:80", host], "no dump names containers"), (["--proto", "tpc", host], "did you mean tcp"),
    (["prase", host], "did you mean the command parse"), (["--form", "host", host], "--from"),
    (["--sport", "80-70", "--dst", "192.0.2.2", host], "--sport 80-70"), (["--explain", "everything", host], "brief"),
    (["/dev/null"], "iptables-save"),
  ])
  func errorsSayWhatWouldBeRight(_ arguments: [String], _ hint: String) throws {
    let outcome = try Command.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(hint), "\(outcome.errors)")
  }

  @Test func aDumpComesThroughStandardInput() throws {
    let dump = try String(contentsOf: Command.root.appending(path: "samples/docker29-nft/nft.json"), encoding: .utf8)
    let outcome = try Command.run(["--from", "host", "--dst", "192.0.2.2:80", "-"], input: dump)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("accepted"))
  }

  @Test func parseReadsStandardInputOnce() throws {
    let dump = try String(contentsOf: Command.root.appending(path: "samples/docker29-nft/nft.json"), encoding: .utf8)
    let outcome = try Command.run(["parse", "-"], input: dump)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("chain "))
  }

  @Test func coloursFollowTheTerminalAndItsUser() throws {
    let question = ["--dst", "192.0.2.2:80", Self.host]
    #expect(!(try Command.run(question).output.contains("\u{1b}")))
    #expect(try Command.run(["--color", "always"] + question).output.contains("\u{1b}"))
    #expect(!(try Command.run(["--color", "never"] + question).output.contains("\u{1b}")))
  }

  @Test func aBatchAnswersEachLineInOrder() throws {
    let questions = """
      {"id": "a", "proto": "tcp", "in": "eth0", "dst": "192.0.2.2", "dport": 80}

      {"id": "b", "proto": "tcp", "in": null, "dst": "192.0.2.2", "dport": [80, [8000, 8010]], "sport": null}
      {"id": "c", "protocol": "tcp"}
      {"id": "d", "dst": "nobody"}
      {"id": 5, "in": {"not": ["docker0", "bridge1"]}, "tcp_flags": "syn", "dst": "192.0.2.2"}
      not json
      [1]
      {"id": "e"} {}
      """
    let outcome = try Command.run(["--batch", "-", Self.host], input: questions)
    #expect(outcome.status == 2, "a line that is no question makes the batch bad input")
    let answers = try outcome.output.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(answers.map { $0["id"] as? String } == ["a", "b", "c", "d", "5", nil, nil, "e"])
    #expect(answers.map { $0["verdict"] as? String } == ["drop", "accept", nil, nil, "drop", nil, nil, nil])
    #expect((answers[2]["error"] as? String)?.contains("did you mean proto") == true)
    #expect((answers[3]["error"] as? String)?.hasPrefix("line 5") == true)
    for answer in answers { #expect(answer["schema"] as? String == "fwtrace.trace/1") }
  }

  /// Some blocks of lines, answered by several processors: most are mistakes, which take no time, and some take long.
  @Test func aLongBatchKeepsTheOrderOfItsLines() throws {
    let lines = (1...6000).map { number in
      number % 500 == 1 ? #"{"id": \#(number), "dst": "192.0.2.2"}"# : #"{"id": \#(number), "dst": "nobody here"}"#
    }
    let outcome = try Command.run(["--batch", "-", Self.host], input: lines.joined(separator: "\n"))
    #expect(outcome.status == 2)
    let answers = try outcome.output.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(answers.map { $0["id"] as? String } == (1...6000).map { "\($0)" })
    for (index, answer) in answers.enumerated() {
      if index % 500 == 0 {
        #expect(answer["verdict"] != nil)
      } else {
        #expect((answer["error"] as? String)?.hasPrefix("line \(index + 1): ") == true)
      }
    }
  }

  @Test func aBatchOfQuestionsIsAllRight() throws {
    let outcome = try Command.run(["--batch", "-", Self.host], input: #"{"in": "eth0", "dst": "192.0.2.2"}"#)
    #expect(outcome.status == 0)
    #expect(try Command.run(["--batch", "-", "--dst", "192.0.2.2", Self.host]).status == 2)
  }

  @Test(arguments: ["nft", "iptables-save"])
  func theGraphIsPrintedBackInADialect(_ dialect: String) throws {
    let printed = try Command.run(["parse", "--as", dialect, "samples/tomcat-redis"])
    #expect(printed.status == 0, "\(printed.errors)")
    #expect(printed.output.contains("32769"))
    // What was printed is read as the same rules.
    let original = try Command.run(["parse", "--canonical", "samples/tomcat-redis"])
    let again = try Command.run(["parse", "--canonical", "-"], input: printed.output)
    #expect(again.output == original.output)
  }

  @Test func parseCountsWhatItUnderstood() throws {
    let outcome = try Command.run(["parse", "--json", Self.host])
    let graph = try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let summary = try #require(graph["summary"] as? [String: Int])
    #expect(summary["tables"] == 1)
    #expect(summary["chains"] == 14)
    #expect(summary["rules"] == 21)
    #expect(summary["sets"] == 4)
    #expect(summary["opaque_matches"] == 0)
    #expect(summary["opaque_targets"] == 0)
    #expect(summary["warnings"] == 0)
  }
}

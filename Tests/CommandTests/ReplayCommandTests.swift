import Foundation
import Testing

/// `fwtrace replay`, and the short forms of a batch's answers.
@Suite struct ReplayCommandTests {
  private static let rules = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    -A INPUT -s 198.51.100.0/24 -j DROP
    -A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 22 -s 10.0.0.0/8 -j ACCEPT
    -A INPUT -p tcp -m tcp --dport 8443 -j ACCEPT
    COMMIT

    """

  private static func row(_ source: String, _ port: Int, _ state: String) -> String {
    "1764374400.1\tC\t\(source)\t40000\t192.0.2.1\t\(port)\ttcp\t\(state)\t100\t200\n"
  }

  private static let header =
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\torig_ip_bytes\tresp_ip_bytes\n"

  /// 200 connections from all over to 443, ten from the block that is dropped (one was answered), and one to ssh.
  private static let log =
    header + (0..<200).map { row("203.0.\($0 % 7).\($0)", 443, "SF") }.joined()
    + (0..<10).map { row("198.51.100.\($0)", 443, $0 == 9 ? "SF" : "S0") }.joined() + row("10.1.2.3", 22, "S0")
    + "broken\n"

  private static func withFiles<Result>(
    _ files: [String: String], _ body: ([String: String]) throws -> Result
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var paths: [String: String] = [:]
    for (name, text) in files {
      let file = folder.appending(path: name)
      try Data(text.utf8).write(to: file)
      paths[name] = file.path
    }
    return try body(paths)
  }

  @Test func flowsAreCountedByWhatDecides() throws {
    try Self.withFiles(["rules.v4": Self.rules, "conn.log": Self.log]) { paths in
      let run = try Command.run([
        "replay", paths["conn.log"] ?? "", paths["rules.v4"] ?? "", "--host-address", "192.0.2.1",
      ])
      #expect(run.status == 0, "\(run.errors)")
      for words in [
        "211 flows of", "(Zeek conn.log): 201 accepted, 10 dropped", "filter INPUT 3  rules.v4:7",
        "tcp/443 200 accepted, 10 dropped; tcp/22 1 accepted",
        "1 flow got through, and the rules stop it: the dump is of another time",
        "1 by filter INPUT 2, e.g. tcp 198.51.100.9:40000",
        "conn.log:211", "1 flow came to nothing, and the rules accept it: something else stops such flows",
        "1 of 5 rules met no flow: filter INPUT 5",
        "1 line of", "1 column, and the header has 10  broken",
      ] {
        #expect(run.output.contains(words), "\(words)\n\(run.output)")
      }
    }
  }

  @Test func ofTwoRulesetsOnlyWhatChangesIsTold() throws {
    let after = Self.rules.replacing("-s 198.51.100.0/24", with: "-s 203.0.2.0/24")
    try Self.withFiles(["old.v4": Self.rules, "new.v4": after, "conn.log": Self.log]) { paths in
      let (old, new, log) = (paths["old.v4"] ?? "", paths["new.v4"] ?? "", paths["conn.log"] ?? "")
      let run = try Command.run([
        "replay", log, "--before", old, "--after", new, "--host-address", "192.0.2.1",
      ])
      #expect(run.status == 1, "\(run.errors)")
      for words in [
        "39 (11.7 kB) fare otherwise", "DROPPED, were accepted  29 flows", "old  accepted by filter INPUT 3",
        "new  dropped by filter INPUT 2  new.v4:6", "ACCEPTED, were dropped  10 flows",
      ] {
        #expect(run.output.contains(words), "\(words)\n\(run.output)")
      }
      let same = try Command.run(["replay", log, "--before", old, "--after", old, "--host-address", "192.0.2.1"])
      #expect(same.status == 0)
      #expect(same.output.contains("none fares otherwise under the new rules"))
      let with = try Command.run([
        "replay", log, old, "--host-address", "192.0.2.1", "--with", "iptables -I INPUT -p tcp --dport 22 -j DROP",
      ])
      #expect(with.status == 1)
      #expect(with.output.contains("DROPPED, was accepted  1 flow, 300 B"), "\(with.output)")
      #expect(with.output.contains("dropped by filter INPUT 1  --with:1"), "\(with.output)")
    }
  }

  /// What a class of flows comes to is what each of them by itself comes to.
  @Test func countsAreThoseOfABatch() throws {
    try Self.withFiles(["rules.v4": Self.rules]) { paths in
      let rules = paths["rules.v4"] ?? ""
      let questions = (0..<900).map { number in
        let source = ["203.0.113", "198.51.100", "10.0.0", "192.0.2"][number % 4]
        let port = [443, 22, 8443, 80, 25][number % 5]
        return
          #"{"id": "\#(number)", "proto": "tcp", "src": "\#(source).\#(number % 200 + 2)", "sport": \#(20000 + number), "dst": "192.0.2.1", "dport": \#(port), "in": "eth0"}"#
      }.joined(separator: "\n")
      let batch = try Command.run(["--batch", "-", "--summary", rules], input: questions)
      #expect(batch.status == 0, "\(batch.errors)")
      let table = try Command.run(
        ["--batch", "-", "--summary", "--tsv", "--fields", "verdict", rules], input: questions)
      let replay = try Command.run(["replay", "-", rules, "--json"], input: questions)
      #expect(replay.status == 0, "\(replay.errors)")
      let value = try JSONSerialization.jsonObject(with: Data(replay.output.utf8)) as? [String: Any]
      let verdicts = value?["verdicts"] as? [String: Int] ?? [:]
      var counted: [String: Int] = [:]
      for line in batch.output.split(separator: "\n") {
        let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        counted[row?["verdict"] as? String ?? "", default: 0] += row?["count"] as? Int ?? 0
      }
      #expect(counted == verdicts.filter { $0.value > 0 })
      #expect(counted.values.reduce(0, +) == 900)
      #expect(Set(table.output.split(separator: "\n")) == Set(counted.map { Substring("\($1)\t\($0)") }))
    }
  }

  @Test func answersOfABatchInAFewFields() throws {
    try Self.withFiles(["rules.v4": Self.rules]) { paths in
      let rules = paths["rules.v4"] ?? ""
      let question =
        #"{"id": "a", "proto": "tcp", "src": "203.0.113.9", "dst": "192.0.2.1", "dport": 443, "in": "eth0", "host_address": "192.0.2.1"}"#
      let objects = try Command.run(["--batch", "-", "--fields", "verdict,rule,line", rules], input: question)
      #expect(
        objects.output == #"{"id": "a", "verdict": "accept", "rule": "filter INPUT 3", "line": "rules.v4:7"}"# + "\n")
      let rows = try Command.run(["--batch", "-", "--tsv", rules], input: question + "\n{\"nonsense\": 1}")
      #expect(rows.output.hasPrefix("a\taccept\tfilter INPUT 3\trules.v4:7\n\terror\tline 2: unknown key nonsense"))
      #expect(rows.status == 2)
      let unknown = try Command.run(["--batch", "-", "--fields", "color", rules], input: question)
      #expect(unknown.errors.contains("no field color; there are verdict, rule, line"))
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gzip"), "needs gzip"))
  func compressedLogsAreUnpackedAndCutOnesRefused() throws {
    try Self.withFiles(["rules.v4": Self.rules, "conn.log": Self.log]) { paths in
      let (rules, log) = (paths["rules.v4"] ?? "", paths["conn.log"] ?? "")
      let gzip = Process()
      gzip.executableURL = URL(filePath: "/usr/bin/gzip")
      gzip.arguments = [log]
      try gzip.run()
      gzip.waitUntilExit()
      let packed = URL(filePath: log + ".gz")
      let whole = try Command.run(["replay", packed.path, rules, "--host-address", "192.0.2.1"])
      #expect(whole.output.contains("conn.log.gz (Zeek conn.log): 201 accepted, 10 dropped"), "\(whole)")
      try Data(try Data(contentsOf: packed).dropLast(40)).write(to: packed)
      let cut = try Command.run(["replay", packed.path, rules])
      #expect(cut.status == 2)
      #expect(cut.errors.contains("the compressed file is damaged, or not whole"), "\(cut)")
    }
  }

  @Test func whatIsMissingIsSaid() throws {
    let none = try Command.run(["replay", "samples/tomcat-redis"])
    #expect(none.status == 2)
    #expect(none.errors.contains("no log among samples/tomcat-redis"))
    let zone = try Command.run(["replay", "-", "samples/tomcat-redis", "--zone", "10.0.0.0"], input: Self.log)
    #expect(zone.errors.contains("--zone 10.0.0.0: expected sources and their interface, such as 10.0.0.0/8=lan0"))
    let text = try Command.run(["replay", "-", "samples/tomcat-redis"], input: "Dear all,\nhere is the log.\n")
    #expect(text.errors.contains("-: not a log that fwtrace reads"))
  }
}

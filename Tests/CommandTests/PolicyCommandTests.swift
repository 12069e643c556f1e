import Foundation
import Testing

/// `fwtrace test` as a user or a CI job runs it.
@Suite struct PolicyCommandTests {
  /// A folder with a dump and a policy, gone when the test ends.
  final class Workspace {
    let folder: URL

    init(_ files: [String: String]) throws {
      folder = FileManager.default.temporaryDirectory.appending(path: "fwtrace-\(UUID().uuidString)")
      for (name, text) in files {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
      }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appending(path: name).path }
  }

  static let dump = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    -A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
    COMMIT

    """

  static func policy(_ verdict: String) -> String {
    """
    hosts: { dumps: [rules.txt] }
    packet: { family: ipv4, host-address: 192.0.2.1 }
    tests:
      - name: the office gets in
        tags: [ssh]
        packet: { in: eth0, src: 198.51.100.0/24, dst: 192.0.2.1, dport: 22 }
        expect: accept
      - name: nobody else does
        packet: { in: eth0, src: "!198.51.100.0/24", dst: 192.0.2.1, dport: 22 }
        expect: \(verdict)

    """
  }

  @Test func aPolicyThatHoldsEndsWithItsTally() throws {
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": Self.policy("drop")])
    let outcome = try Command.run(["test", space.path("policy.yaml")])
    #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    #expect(outcome.output.hasSuffix("2 passed, 0 failed, 0 skipped\n"))
  }

  @Test func aBrokenClaimIsShownWithItsPacketAndRule() throws {
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": Self.policy("accept")])
    let outcome = try Command.run(["test", space.path("policy.yaml")])
    #expect(outcome.status == 1, "\(outcome.errors)")
    #expect(outcome.output.contains("FAILED   nobody else does"))
    #expect(outcome.output.contains("--src 203.0.113.7"))
    #expect(outcome.output.contains("the policy of filter INPUT"))
    #expect(outcome.output.hasSuffix("1 passed, 1 failed, 0 skipped\n"))
  }

  @Test func everyMistakeIsToldAtOnceAndNothingRuns() throws {
    let policy = """
      hosts: { dumps: [rules.txt, gone.txt] }
      nmaes: {}
      tests:
        - name: one
          packet: { dts: 192.0.2.1, src: offfice }
          expect: acept
        - packet: { dst: 192.0.2.300 }

      """
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": policy])
    let outcome = try Command.run(["test", space.path("policy.yaml")])
    #expect(outcome.status == 2)
    #expect(outcome.output == "")
    for part in [
      "policy.yaml:1:29: gone.txt: no such file",
      "policy.yaml:2:1: unknown key nmaes of a policy; did you mean names?",
      "policy.yaml:5:15: unknown key dts of a packet; did you mean dst?", "policy.yaml:5:36: offfice:",
      "policy.yaml:6:13: expect: acept is unknown; did you mean accept?", "policy.yaml:7:5: this test expects nothing",
      "policy.yaml:7:20: 192.0.2.300:",
    ] {
      #expect(outcome.errors.contains(part), "\(part) is missing in\n\(outcome.errors)")
    }
  }

  @Test func testsAreChosenAndListedByTagAndName() throws {
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": Self.policy("drop")])
    let listed = try Command.run(["test", space.path("policy.yaml"), "--list"])
    #expect(listed.output == "rules.txt: the office gets in  [ssh]\nrules.txt: nobody else does\n")
    let tagged = try Command.run(["test", space.path("policy.yaml"), "--filter", "ssh"])
    #expect(tagged.output.hasSuffix("1 passed, 0 failed, 0 skipped\n"))
    let none = try Command.run(["test", space.path("policy.yaml"), "--filter", "nothing"])
    #expect(none.status == 2)
  }
}

/// Reports, recording and watching, as a user or a CI job asks for them.
@Suite struct PolicyOptionTests {
  typealias Workspace = PolicyCommandTests.Workspace
  static let dump = PolicyCommandTests.dump

  @Test func aPolicyRunsOnEveryHostOfAPattern() throws {
    let open = Self.dump.replacing("-s 198.51.100.0/24 ", with: "")
    let policy = PolicyCommandTests.policy("drop").replacing("{ dumps: [rules.txt] }", with: "captures/*")
    let space = try Workspace([
      "captures/web01/rules.txt": Self.dump, "captures/web02/rules.txt": open, "captures/web03/rules.txt": Self.dump,
      "policy.yaml": policy,
    ])
    let outcome = try Command.run(["test", space.path("policy.yaml")])
    #expect(outcome.status == 1, "\(outcome.errors)")
    #expect(
      outcome.output.hasSuffix(
        """
        web01  2 passed, 0 failed, 0 skipped
        web02  1 passed, 1 failed, 0 skipped
        web03  2 passed, 0 failed, 0 skipped
        5 passed, 1 failed, 0 skipped

        """), "\(outcome.output)")
    #expect(outcome.output.contains("captures/web02/rules.txt:5") || outcome.output.contains("rules.txt:5"))
  }

  @Test func dumpsOfTheCommandLineReplaceThoseOfThePolicy() throws {
    let space = try Workspace([
      "rules.txt": "", "other.txt": Self.dump, "policy.yaml": PolicyCommandTests.policy("drop"),
    ])
    let outcome = try Command.run(["test", space.path("policy.yaml"), space.path("other.txt")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Command.run(["test", space.path("policy.yaml")]).status == 2)
  }

  @Test func coverageTellsWhichRulesNoTestMet() throws {
    let more = Self.dump.replacing("COMMIT", with: "-A INPUT -p udp --dport 53 -j ACCEPT\nCOMMIT")
    let space = try Workspace(["rules.txt": more, "policy.yaml": PolicyCommandTests.policy("drop")])
    let policy = space.path("policy.yaml")
    let outcome = try Command.run(["test", policy, "--coverage"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("1 of 2 rules (50.0 %)"))
    #expect(outcome.output.contains("rules.txt:6"))
    #expect(try Command.run(["test", policy, "--coverage-min", "50"]).status == 0)
    let short = try Command.run(["test", policy, "--coverage-min", "51"])
    #expect(short.status == 1)
    #expect(short.output.contains("is 1 of 2 rules, less than 51.0 %"))
    let lcov = try Command.run(["test", policy, "--lcov", "-"])
    #expect(lcov.output.contains("DA:5,1\nDA:6,0\nLF:2\nLH:1\nend_of_record\n"))
  }

  @Test func recordingWritesTodaysAnswerAsATest() throws {
    let space = try Workspace(["rules.txt": Self.dump])
    let policy = space.path("policy.yaml")
    let question = ["--in", "eth0", "--src", "198.51.100.0/24", "--dst", "192.0.2.1:22", "--host-address", "192.0.2.1"]
    let first = try Command.run(
      ["test", policy, "--record", "--name", "the office"] + question + [space.path("rules.txt")])
    #expect(first.status == 0, "\(first.errors)")
    #expect(
      first.output.hasPrefix("- name: the office\n  packet: { src: 198.51.100.0/24, dst: \"192.0.2.1:22\", in: eth0"))
    #expect(first.output.contains("expect: accept"))
    let wide = ["--in", "eth0", "--dst", "192.0.2.1:22", "--host-address", "192.0.2.1"]
    let second = try Command.run(["test", policy, "--record", "--name", "anyone"] + wide + [space.path("rules.txt")])
    #expect(second.output.contains("anyone, part 2"))
    let check = try Command.run(["test", policy, space.path("rules.txt"), "--verbose"])
    #expect(check.status == 0, "\(check.errors)\(check.output)\(second.output)")
  }

  @Test func updatingBringsFailingTestsToTodaysAnswerAndShowsWhatChanged() throws {
    let policy = PolicyCommandTests.policy("accept   # for now")
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": policy])
    let path = space.path("policy.yaml")
    let outcome = try Command.run(["test", path, "--update"])
    #expect(
      outcome.output.contains("-     expect: accept   # for now\n+     expect: drop   # for now\n"), "\(outcome.output)"
    )
    let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    #expect(text == PolicyCommandTests.policy("drop   # for now"))
    #expect(try Command.run(["test", path]).status == 0)
  }

  @Test func watchingRunsAgainWhenADumpChanges() async throws {
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": PolicyCommandTests.policy("drop")])
    let process = Process()
    process.executableURL = Command.program
    process.arguments = ["test", "--watch", space.path("policy.yaml")]
    let log = space.folder.appending(path: "log")
    try Data().write(to: log)
    process.standardOutput = try FileHandle(forWritingTo: log)
    process.standardError = FileHandle.nullDevice
    try process.run()
    // The test's own process may have blocked SIGTERM, and with it its children.
    defer { kill(process.processIdentifier, SIGKILL) }
    try await wait(for: "2 passed, 0 failed, 0 skipped", in: log)
    let open = Self.dump.replacing("-s 198.51.100.0/24 ", with: "")
    try open.write(to: space.folder.appending(path: "rules.txt"), atomically: true, encoding: .utf8)
    try await wait(for: "1 passed, 1 failed, 0 skipped", in: log)
  }

  private func wait(for text: String, in file: URL) async throws {
    for _ in 0..<300 {
      if try String(contentsOf: file, encoding: .utf8).contains(text) { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    Issue.record("\(text) did not come")
  }

  @Test(arguments: [
    ["--junit", "-", "--tap", "-"], ["--coverage-min", "101"], ["--dst", "192.0.2.1"], ["--name", "x"], ["--record"],
    ["--junit", "/no/such/folder/junit.xml"],
  ])
  func badUsageIsTold(_ options: [String]) throws {
    let space = try Workspace(["rules.txt": Self.dump, "policy.yaml": PolicyCommandTests.policy("drop")])
    let outcome = try Command.run(["test", space.path("policy.yaml")] + options)
    #expect(outcome.status == 2)
    #expect(!outcome.errors.isEmpty)
  }
}

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
      "policy.yaml:1:29: gone.txt: there is no such file",
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

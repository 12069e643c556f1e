import PolicyCheck
import Reports
import Testing

/// A policy does not pass on what the dumps do not show.
@Suite struct IgnoranceTests {
  /// A rule that no reader understands stands before the accept.
  static let dump = Dumps.shop.replacing(
    "-A INPUT -i lo -j ACCEPT", with: "-A INPUT -i lo -j ACCEPT\n-A INPUT -m brandnew --mystery 7 -j DROP")

  static func policy(_ rule: String) -> String {
    """
    \(rule)
    tests:
      - name: the office gets in
        packet: { in: ens33, src: 198.51.100.0/24, dst: 192.168.0.140, dport: 22 }
        expect: accept

    """
  }

  @Test func whatIsNotToldFails() throws {
    let bench = try PolicyBench(Self.policy(""), on: Self.dump)
    #expect(bench.tally == "0 passed, 1 failed, 0 skipped")
    let failure = try #require(bench.results.first?.failure)
    #expect(failure.isUndetermined)
    #expect(failure.reasons.first?.text(in: bench.host.ruleset).hasPrefix("undetermined:") == true)
  }

  @Test(arguments: ["undetermined: skip", "undetermined: skip\npacket: { family: ipv4 }"])
  func aPolicyMayChooseToSkipIt(_ rule: String) throws {
    let bench = try PolicyBench(Self.policy(rule), on: Self.dump)
    #expect(bench.tally == "0 passed, 0 failed, 1 skipped")
  }

  @Test func aTestMayDifferFromItsPolicy() throws {
    let own = Self.policy("undetermined: skip") + "    undetermined: fail\n"
    #expect(try PolicyBench(own, on: Self.dump).tally == "0 passed, 1 failed, 0 skipped")
  }

  @Test func aClaimAboutNoPacketIsNoClaim() throws {
    let policy = """
      tests:
        - name: from everywhere but everywhere
          packet: { family: ipv4, src: "!0.0.0.0/0", dst: 192.168.0.140 }
          expect: accept

      """
    let bench = try PolicyBench(policy, on: Dumps.shop)
    #expect(bench.complaints == ["3:13 no packet fits: source, destination and family are not all IPv4 or all IPv6"])
  }

  @Test func aLimitMakesTwoCasesOfWhichOneBreaksTheClaim() throws {
    let limited = Dumps.shop.replacing("--dport 22 -j ACCEPT", with: "--dport 22 -m limit --limit 3/min -j ACCEPT")
    let bench = try PolicyBench(Self.policy(""), on: limited)
    #expect(bench.failed == ["the office gets in"])
    #expect(bench.reasons("the office gets in") == ["dropped, expected accept"])
  }

  @Test func aSkippedTestSaysWhy() throws {
    let bench = try PolicyBench(Self.policy("") + "    skip: until the office has moved\n", on: Dumps.shop)
    #expect(bench.tally == "0 passed, 0 failed, 1 skipped")
  }
}

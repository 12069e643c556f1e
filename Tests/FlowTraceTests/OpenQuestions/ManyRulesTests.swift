import FlowTrace
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// Open questions over many rules of one kind have few cases.
@Suite struct ManyRulesTests {
  private func cases(_ rules: String, _ options: [(QueryOption, String)], chains: String = "") throws -> [Case] {
    let head = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    let reading = OpenQuestionOracleTests.reading(head + chains + rules + "COMMIT\n")
    let query = try reading.query([(.input, "eth0")] + options)
    return Tracer(reading.ruleset, facts: reading.facts).trace(query).cases
  }

  private func source(_ number: Int) -> String { "198.51.\(number / 250).\(number % 250)" }

  @Test func threeHundredBansAreOneCase() throws {
    let bans = (0..<300).map { "-A f2b-sshd -s \(source($0))/32 -j REJECT --reject-with icmp-port-unreachable\n" }
    let cases = try cases(
      "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n" + bans.joined() + "-A f2b-sshd -j RETURN\n",
      [(.dst, "192.0.2.1:22")], chains: ":f2b-sshd - [0:0]\n")
    #expect(cases.map(\.verdict) == [.reject, .accept])
    let banned = try #require(cases.first)
    #expect(banned.rules.map(\.rule) == Array(0..<300))
    #expect(banned.when.allowed[.field(.header(HeaderField(.ip, .saddr)))]?.count == 300)
    #expect(banned.when.parts.isEmpty && banned.when.except.isEmpty)
  }

  @Test func dropsOfAnAddressAndAPortAreOneCase() throws {
    let drops = (0..<800).map { "-A INPUT -s \(source($0))/32 -p tcp -m tcp --dport \(1000 + $0) -j DROP\n" }
    let cases = try cases(drops.joined(), [(.dst, "192.0.2.1")])
    #expect(cases.map(\.verdict) == [.drop, .accept])
    #expect(cases.first?.rules.count == 800)
    #expect(cases.first?.when.boxes(limit: 800)?.count == 800)
    #expect(cases.last?.when.except.count == 800)
  }

  /// The first rule takes what the second would, the third is covered by both together.
  @Test func whatRulesBeforeTakeTogetherIsNoCase() throws {
    let cases = try cases(
      """
      -A INPUT -s 198.51.100.0/25 -j DROP
      -A INPUT -s 198.51.100.128/25 -j DROP
      -A INPUT -s 198.51.100.0/24 -p tcp -j REJECT --reject-with tcp-reset

      """, [(.dst, "192.0.2.1")])
    #expect(Set(cases.map(\.verdict)) == [.accept, .drop])
  }

  /// Two jumps in each of twenty chains are a million ways to the last one.
  @Test func aChainThatDidNothingIsNotWalkedAgain() throws {
    let chains = (0...20).map { ":C\($0) - [0:0]\n" }.joined()
    let jumps = (0..<20).map { "-A C\($0) -j C\($0 + 1)\n-A C\($0) -j C\($0 + 1)\n" }.joined()
    for last in ["-A C20 -s 198.51.100.1/32 -j DROP\n", "-A C20 -j LOG\n"] {
      let open = try cases("-A INPUT -j C0\n" + jumps + last, [(.dst, "192.0.2.1")], chains: chains)
      #expect(open.contains { $0.verdict == .accept } && !open.contains { $0.verdict == .undetermined })
      let single = try cases(
        "-A INPUT -j C0\n" + jumps + last, [(.dst, "192.0.2.1:22"), (.src, "198.51.100.2:40000")], chains: chains)
      #expect(single.map(\.verdict) == [.accept])
    }
  }
}

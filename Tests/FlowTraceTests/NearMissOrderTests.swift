import FlowTrace
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// Which of the rules that almost matched is told first.
@Suite struct NearMissOrderTests {
  private static func misses(_ rules: [String], _ options: [(QueryOption, String)]) throws -> [Int] {
    let text =
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n" + rules.map { $0 + "\n" }.joined()
      + "COMMIT\n"
    return try HostReading.of(text).trace(options).cases.first { $0.verdict == .drop }?.nearMisses.map {
      $0.rule.rule + 1
    } ?? []
  }

  private static let question: [(QueryOption, String)] = [
    (.input, "eth0"), (.src, "203.0.113.9"), (.dst, "192.0.2.1:5432"), (.hostAddress, "192.0.2.1"),
  ]

  @Test(arguments: [0, 300])
  func theSameServiceFromElsewhereComesBeforeOtherServices(_ padding: Int) throws {
    // So many rules that the chain gets an index: the order is the same with it.
    let others = (0..<padding).map { "-A INPUT -s 198.51.100.\($0 % 200) -p tcp --dport \(10_000 + $0) -j ACCEPT" }
    let rules =
      others + [
        "-A INPUT -i lo -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -p tcp --dport 443 -j ACCEPT",
        "-A INPUT -s 10.0.0.0/8 -p tcp --dport 5432 -j ACCEPT",
        "-A INPUT -i eth1 -p tcp --dport 5432 -j ACCEPT",
      ]
    #expect(try Self.misses(rules, Self.question) == [padding + 4, padding + 5, padding + 2])
  }

  @Test func aRuleThatNamesNoServiceComesLast() throws {
    let rules = [
      "-A INPUT -i lo -j ACCEPT", "-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT -s 10.0.0.0/8 -j ACCEPT",
    ]
    #expect(try Self.misses(rules, Self.question) == [2, 1, 3])
  }
}

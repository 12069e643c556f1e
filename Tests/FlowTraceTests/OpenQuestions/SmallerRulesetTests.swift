import FlowTrace
import HostAnalysis
import HostModel
import Randomness
import RuleGraph
import RuleParser
import TestHosts
import Testing

/// A ruleset with fewer rules does with every packet what the whole one does.
@Suite struct SmallerRulesetTests {
  private static func smaller(_ ruleset: Ruleset) -> SmallerRuleset {
    SmallerRuleset(of: ruleset) { rule, table in
      IptablesSavePrinter.ruleText(rule, family: table.family == .ip6 ? .ipv6 : .ipv4) != nil
    }
  }

  @Test(arguments: [(12, 1), (40, 1), (60, 4), (120, 6)])
  func packetsFareTheSame(_ rules: Int, _ chains: Int) throws {
    var gone = 0
    for seed in UInt64(0)..<(rules < 50 ? 12 : 4) {
      let firewall = RandomFirewall(seed: 31_000 + seed, rules: rules, chains: chains)
      let reading = OpenQuestionOracleTests.reading(firewall.text)
      let smaller = Self.smaller(reading.ruleset)
      gone += smaller.unreached + smaller.unneeded + smaller.merged
      let less = reading.ruleset.ruleCount - smaller.ruleset.ruleCount
      #expect(less == smaller.unreached + smaller.unneeded + smaller.merged)
      // What is printed is what a program would load.
      let text = IptablesSavePrinter.print(smaller.ruleset)
      let new = OpenQuestionOracleTests.reading(text)
      let difference = Difference(of: (reading.ruleset, reading.facts), and: (new.ruleset, new.facts))
      #expect(difference.isEqual, "seed \(seed)\n\(firewall.text)\n\(text)")
      let tracer = Tracer(new.ruleset, facts: new.facts)
      var random = RandomNumbers(seed: seed)
      for _ in 0..<40 {
        let atom = random.pick(RandomFirewall.atoms)
        let query = try reading.query(atom.question)
        let verdicts = Set(tracer.trace(query).cases.map(\.verdict))
        #expect(verdicts == [firewall.answer(atom).verdict], "seed \(seed): \(atom)\n\(firewall.text)\n\(text)")
      }
    }
    #expect(gone > 10)
  }

  @Test func neighboursBecomeOneRule() {
    let text = """
      *filter
      :INPUT DROP [0:0]
      :FORWARD DROP [0:0]
      :OUTPUT ACCEPT [0:0]
      -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
      -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
      -A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
      -A INPUT -s 10.0.0.5 -p tcp -m tcp --dport 80 -j ACCEPT
      -A INPUT -s 10.0.0.0/25 -p udp -m udp --dport 53 -j ACCEPT
      -A INPUT -s 10.0.0.128/25 -p udp -m udp --dport 53 -j ACCEPT
      COMMIT

      """
    let smaller = Self.smaller(OpenQuestionOracleTests.reading(text).ruleset)
    #expect((smaller.unreached, smaller.unneeded, smaller.merged) == (1, 0, 3))
    let printed = IptablesSavePrinter.print(smaller.ruleset).split(separator: "\n").filter { $0.hasPrefix("-A") }
    #expect(
      printed == [
        "-A INPUT -p tcp -m multiport --dports 22,80,443 -j ACCEPT",
        "-A INPUT -s 10.0.0.0/24 -p udp -m udp --dport 53 -j ACCEPT",
      ])
  }
}

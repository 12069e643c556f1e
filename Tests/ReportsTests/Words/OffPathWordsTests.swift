import FlowTrace
import RuleGraph
import Testing

@testable import Reports

@Suite struct OffPathWordsTests {
  private static let forward = WordedRules.forward
  private static let web = Match(.header(HeaderField(.tcp, .dport)), in: ValueSet(80))

  static let rows: [(OffPathRule.Reason, String)] = [
    (.takenEarlier, "an earlier rule of WEB takes the packet"),
    (.takenBy(WordedRules.rule(2, of: forward)), "rule 2 takes the packet first"),
    (.nothingJumps, "nothing jumps to WEB"),
    (
      .otherHook([.forward, .postrouting], .toThisHost),
      "runs only at the forward and postrouting hook; the packet is for this host"
    ),
    (.otherHook([.input], .forwarded), "runs only at the input hook; the packet is forwarded"),
    (.otherHook([.input], .sentByThisHost), "runs only at the input hook; this host sends it"),
    (.otherHook([.input], .bridged), "runs only at the input hook; the packet is bridged"),
    (.otherHook([.forward], .notSoFar), "runs only at the forward hook; the packet does not get that far"),
    (.onlyFirstPacket, "nat rules see only the first packet of a connection"),
    (.jumpIsForOthers(WordedRules.rule(2, of: forward), web), "only filter FORWARD 2 jumps there, for tcp dport 80"),
    (.decidedBy(WordedRules.rule(1, of: forward)), "filter FORWARD 1 decides before it"),
    (.decidedByPolicy(of: forward), "the policy of filter FORWARD decides before it"),
    (.noJumpOnPath, "no rule on the path jumps to WEB for this packet"),
  ]

  @Test(arguments: rows)
  func aReasonReadsSo(_ why: OffPathRule.Reason, text: String) {
    let rule = OffPathRule(rule: WordedRules.rule(1, of: WordedRules.web), why: why)
    #expect(rule.text(in: WordedRules.ruleset) == text)
  }

  @Test func everyReasonHasARow() throws {
    let declared = try EnumCases.declared(of: "Reason", in: "FlowTrace/Model/OffPathRule.swift")
    #expect(declared.subtracting(Self.rows.map { EnumCases.name(of: $0.0) }) == [])
    #expect(declared.count >= 8)
    let whereabouts = Self.rows.compactMap { row -> OffPathRule.Whereabouts? in
      if case .otherHook(_, let whereabouts) = row.0 { whereabouts } else { nil }
    }
    let places = try EnumCases.declared(of: "Whereabouts", in: "FlowTrace/Model/OffPathRule.swift")
    #expect(places.subtracting(whereabouts.map { EnumCases.name(of: $0) }) == [])
  }
}

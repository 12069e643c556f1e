import FlowTrace
import RuleGraph
import Testing

@testable import Reports

@Suite struct NearMissWordsTests {
  private static let rule = WordedRules.rule(1, of: WordedRules.web)
  private static let port = Field.header(HeaderField(.tcp, .dport))
  private static func name(_ text: String) -> ValueSet { InterfaceName(text).map { ValueSet($0.value) } ?? .empty }

  static let rows: [(NearMiss, difference: String, hint: String)] = [
    (
      NearMiss(rule: rule, field: .meta(.iifname), wanted: name("eth0"), had: name("eth1")),
      " would match if it came in on eth0", ""
    ),
    (
      NearMiss(rule: rule, field: .meta(.oifname), wanted: name("eth0"), had: name("eth1")),
      " would match if it left through eth0", ""
    ),
    (
      NearMiss(rule: rule, field: .meta(.iifname), wanted: name("eth0"), isNegated: true, had: name("eth0")),
      " wants iifname not eth0, the packet has eth0", ""
    ),
    (
      NearMiss(rule: rule, field: port, wanted: ValueSet(8080), had: ValueSet(80), originally: ValueSet(8080)),
      " wants tcp dport 8080, the packet has 80", "; `-m conntrack --ctorigdstport 8080` would match it"
    ),
    (
      NearMiss(rule: rule, field: port, wanted: ValueSet(8080), had: ValueSet(80), originally: ValueSet(81)),
      " wants tcp dport 8080, the packet has 80", ""
    ),
  ]

  @Test(arguments: rows)
  func aNearMissReadsSo(_ miss: NearMiss, difference: String, hint: String) {
    #expect(miss.difference == difference)
    #expect(miss.originalPortHint(in: WordedRules.ruleset) == hint)
  }
}

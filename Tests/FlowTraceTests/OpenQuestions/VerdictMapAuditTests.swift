import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing

@testable import HostAnalysis

/// What verdict maps take, and what is left for the rules behind them.
@Suite struct VerdictMapAuditTests {
  private static func reach(_ rules: String, web: String = "ip saddr 10.0.0.0/8 return\naccept") -> TableReach {
    let text = """
      table ip one {
        map services { type inet_service : verdict; elements = { 25 : drop, 80 : accept, 443 : jump web } }
        map limited { type inet_service : verdict; elements = { 25 limit rate 1/second : drop } }
        map moving { type inet_service : verdict; flags dynamic; elements = { 25 : drop } }
        chain web {
          \(web.replacing("\n", with: "\n    "))
        }
        chain input {
          type filter hook input priority 0; policy accept;
          \(rules.replacing("\n", with: "\n    "))
        }
      }

      """
    let reading = HostReading.of(text)
    let table = reading.ruleset.tables.firstIndex { $0.name == "one" } ?? 0
    return TableReach(AuditedTable(reading.ruleset, table: table, updated: []))
  }

  /// For each rule of the chain at input the rules that take all its packets, by chain and number; nil where it gets some.
  private static func covers(_ reach: TableReach) -> [[String]?] {
    let table = reach.audited.table
    let input = table.chainIndex("input") ?? 0
    return reach.reach[input].map { reach in
      guard case .covered(let cover) = reach else { return nil }
      return cover.map { "\(table.chains[$0.chain].name) \($0.rule + 1)" }.sorted()
    }
  }

  @Test(arguments: ["{ 25 : drop, 80 : accept, 443 : jump web }", "@services"])
  func whatAnElementDecidesIsTaken(map: String) {
    let reach = Self.reach(
      """
      tcp dport vmap \(map)
      tcp dport 25 accept
      tcp dport 80 drop
      tcp dport 443 drop
      tcp dport 443 accept
      tcp dport 22 accept
      """)
    #expect(Self.covers(reach) == [nil, ["input 1"], ["input 1"], nil, ["input 4"], nil])
  }

  @Test(arguments: ["moving", "limited"]) func aMapThatChangesOrLimitsTakesNothing(map: String) {
    #expect(Self.covers(Self.reach("tcp dport vmap @\(map)\ntcp dport 25 accept")) == [nil, nil])
  }

  @Test func whatAMapLeadsToIsWhatItsKeysLeave() {
    let reach = Self.reach(
      "tcp dport vmap { 80 : accept, 443 : jump web }", web: "tcp dport 80 drop\ntcp dport 443 drop")
    let web = reach.audited.table.chainIndex("web") ?? 0
    guard case .othersArrive = reach.reach[web][0] else {
      Issue.record("port 80 gets to the chain for port 443")
      return
    }
    guard case .some = reach.reach[web][1] else {
      Issue.record("port 443 does not get to its chain")
      return
    }
  }

  @Test func theElementThatTakesAPacketSaysWhatBecomesOfIt() {
    let reach = Self.reach("tcp dport vmap { 25 : drop, 80 : accept }\ntcp dport 25 drop\ntcp dport 80 drop")
    let input = reach.audited.table.chainIndex("input") ?? 0
    func id(_ rule: Int) -> RuleID { RuleID(table: reach.audited.index, chain: input, rule: rule) }
    #expect(!reach.differs(from: id(1), id(0)))
    #expect(reach.differs(from: id(2), id(0)))
  }
}

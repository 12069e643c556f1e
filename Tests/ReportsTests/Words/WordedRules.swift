import RuleGraph
import RuleParser

/// The rules that the rows of words are about.
enum WordedRules {
  static let ruleset = DumpReader().read([
    DumpInput(
      name: "rules.txt",
      bytes: Array(
        """
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [7:420]
        :OUTPUT ACCEPT [0:0]
        :WEB - [0:0]
        [1:60] -A FORWARD -i docker0 -j ACCEPT
        [9:540] -A FORWARD -p tcp -m tcp --dport 80 -j WEB
        [0:0] -A WEB -d 172.17.0.2/32 -j ACCEPT
        COMMIT

        """.utf8))
  ]).ruleset

  /// The second chain of the table.
  static let forward = ChainID(table: 0, chain: 1)
  static let web = ChainID(table: 0, chain: 3)

  /// A rule of a chain, by its number.
  static func rule(_ number: Int, of chain: ChainID) -> RuleID {
    RuleID(table: chain.table, chain: chain.chain, rule: number - 1)
  }
}

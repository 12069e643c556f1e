import RuleGraph
import Testing

@testable import RuleParser

/// Dumps that a terminal or a mailer has folded read to what they were, or to rules that nobody knows, and never to other rules.
@Suite struct FoldedLineTests {
  private static let save = """
    *nat
    :PREROUTING ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    -A PREROUTING -d 198.51.100.1/32 -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.20:80
    -A POSTROUTING -s 192.0.2.0/24 -o eth0 -m comment --comment "what leaves by the uplink" -j SNAT --to-source 198.51.100.1
    COMMIT
    *filter
    :INPUT ACCEPT [0:0]
    :FORWARD DROP [0:0]
    :OUTPUT ACCEPT [0:0]
    :LIMITS - [0:0]
    -A INPUT -s 10.0.0.0/8 -p tcp -m multiport --dports 22,80,443,8000:8080 -m conntrack --ctstate NEW -j LIMITS
    -A FORWARD -d 192.0.2.20/32 -i eth0 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
    -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "answers to what went out before" -j ACCEPT
    -A FORWARD -s 203.0.113.77/32 -d 192.0.2.21/32 -i eth0 -p udp -m udp --sport 1024:65535 --dport 53 -j DROP
    -A LIMITS -p tcp -m limit --limit 5/min -j LOG --log-prefix "limited "
    -A LIMITS -j DROP
    COMMIT
    """

  private static let rules = """
    -P INPUT DROP
    -P FORWARD ACCEPT
    -P OUTPUT ACCEPT
    -N LIMITS
    -A INPUT -s 203.0.113.0/24 -i eth0 -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
    -A INPUT -p icmp -m icmp --icmp-type 8 -m limit --limit 10/sec --limit-burst 20 -m comment --comment ping -j LIMITS
    -A FORWARD -i eth1 -o eth0 -m mac --mac-source 02:00:00:00:00:07 -m time --timestart 08:00:00 --timestop 18:00:00 -j REJECT
    -A LIMITS -j ACCEPT
    """

  private static let listing = """
    Chain INPUT (policy DROP 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination
       12   720 ACCEPT     tcp  --  eth0   *       203.0.113.0/24       0.0.0.0/0            tcp dpt:22
       11   660 LIMITS     tcp  --  eth0   *       0.0.0.0/0            198.51.100.1         multiport dports 80,443 ctstate NEW
        0     0 DROP       udp  --  *      docker0  10.0.0.0/8          !192.0.2.0/24         udp spt:53 dpts:1024:65535

    Chain FORWARD (policy ACCEPT 3 packets, 120 bytes)
     pkts bytes target     prot opt in     out     source               destination
       10   600 ACCEPT     all  --  *      *       0.0.0.0/0            0.0.0.0/0            ctstate RELATED,ESTABLISHED /* answers */
        9   540 REJECT     tcp  --  eth1   eth0    0.0.0.0/0            203.0.113.7          tcp dpt:8443 reject-with tcp-reset

    Chain OUTPUT (policy ACCEPT 9 packets, 999 bytes)
     pkts bytes target     prot opt in     out     source               destination

    Chain LIMITS (1 references)
     pkts bytes target     prot opt in     out     source               destination
       11   660 RETURN     all  --  *      *       0.0.0.0/0            0.0.0.0/0            limit: avg 5/min burst 5
        0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0
    """

  private static let nft = """
    table inet filter {
    \tset admins {
    \t\ttype ipv4_addr
    \t\telements = { 192.0.2.1, 192.0.2.10, 192.0.2.11,
    \t\t\t     192.0.2.100, 198.51.100.200 }
    \t}

    \tchain input {
    \t\ttype filter hook input priority filter; policy drop;
    \t\tct state established,related accept
    \t\tiifname "lan0" ip saddr @admins tcp dport { 22, 80, 443 } counter packets 12 bytes 720 accept
    \t\tiifname "wan0" ct state new ip daddr 198.51.100.7 udp dport 1194 counter packets 3 bytes 99 accept comment "vpn for all"
    \t\tip6 saddr 2001:db8:0:1::/64 tcp dport 8080-8090 ct state new limit rate 10/second counter packets 0 bytes 0 accept
    \t\tiifname "lan0" meta l4proto { tcp, udp } th dport 53 ip daddr 192.0.2.53 counter packets 1 bytes 60 jump limits
    \t}

    \tchain limits {
    \t\tip saddr 203.0.113.0/24 tcp flags syn / fin,syn,rst,ack log prefix "limited: " level info counter packets 5 bytes 5 drop
    \t}
    }
    """

  private static let json = """
    {"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, {"table": {"family": "inet", "name": "filter", "handle": 1}}, \
    {"chain": {"family": "inet", "table": "filter", "name": "forward", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}, \
    {"chain": {"family": "inet", "table": "filter", "name": "isolation-stage", "handle": 2}}, \
    {"rule": {"family": "inet", "table": "filter", "chain": "forward", "handle": 3, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, \
    "right": "docker0"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 8080}}, {"jump": {"target": "isolation-stage"}}]}}, \
    {"rule": {"family": "inet", "table": "filter", "chain": "isolation-stage", "handle": 4, "expr": [{"counter": {"packets": 1024, "bytes": 65536}}, {"accept": null}]}}]}
    """

  enum Dump: String, CaseIterable {
    case save, rules, listing, nft, json

    var text: String {
      switch self {
      case .save: FoldedLineTests.save
      case .rules: FoldedLineTests.rules
      case .listing: FoldedLineTests.listing
      case .nft: FoldedLineTests.nft
      case .json: FoldedLineTests.json
      }
    }
  }

  enum Folding: CaseIterable {
    case terminal, terminalWithoutLastBlanks, mailer, quoted

    func fold(_ text: String, at width: Int) -> String {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
        switch self {
        case .terminal: FoldedLineTests.hard(String(line), width)
        case .terminalWithoutLastBlanks:
          FoldedLineTests.hard(String(line), width).map(FoldedLineTests.withoutLastBlanks)
        case .mailer: FoldedLineTests.soft(String(line), width)
        case .quoted: FoldedLineTests.soft(String(line), width).map { "> " + $0 }
        }
      }
      return lines.joined(separator: "\n") + "\n"
    }
  }

  private static func columns(_ line: some StringProtocol) -> Int {
    line.utf8.reduce(0) { $1 == 0x09 ? $0 + 8 - $0 % 8 : $0 + 1 }
  }

  private static func withoutLastBlanks(_ line: String) -> String {
    var line = line[...]
    while line.last == " " { line.removeLast() }
    return String(line)
  }

  private static func hard(_ line: String, _ width: Int) -> [String] {
    var pieces: [String] = []
    var piece = ""
    for character in line {
      if columns(piece + String(character)) > width {
        pieces.append(piece)
        piece = ""
      }
      piece.append(character)
    }
    return pieces + [piece]
  }

  private static func soft(_ line: String, _ width: Int) -> [String] {
    guard columns(line) > width else { return [line] }
    var pieces: [String] = []
    var piece = ""
    for word in line.split(separator: " ", omittingEmptySubsequences: false) {
      if !piece.allSatisfy(\.isWhitespace), columns(piece + " " + word) > width {
        pieces.append(piece)
        piece = String(word)
      } else {
        piece +=
          piece.isEmpty && pieces.isEmpty && word.isEmpty
          ? " " : (piece.isEmpty || piece.last == " " && piece.allSatisfy(\.isWhitespace) ? "" : " ") + word
      }
    }
    return pieces + [piece]
  }

  private static func read(_ text: String) -> [Table] {
    DumpReader().read([DumpInput(name: "-", text: text)]).ruleset.tables
  }

  /// What a rule does, without texts that nothing looks at; nil of a rule of which something is unknown.
  private static func meaning(_ rule: Rule) -> [Statement]? {
    if rule.hasUnknownPart, rule.statements != [.hiddenInterfaces] { return nil }
    return rule.statements.map { statement in
      if case .effect(let effect) = statement, effect.kind == .log { return .effect(Effect(.log)) }
      return statement
    }
  }

  private struct Outcome {
    var same = 0
    var unknown = 0
    var wrong: [String] = []
  }

  private static func compare(_ folded: [Table], _ whole: [Table]) -> Outcome {
    var outcome = Outcome()
    guard folded.map(\.name) == whole.map(\.name) else { return Outcome(wrong: ["tables \(folded.map(\.name))"]) }
    for (table, other) in zip(folded, whole) {
      for chain in other.chains {
        guard let found = table.chains.first(where: { $0.name == chain.name }) else {
          if table.shown == .whole {
            outcome.wrong.append("no chain \(chain.name)")
          } else {
            outcome.unknown += chain.rules.count
          }
          continue
        }
        if found.base != chain.base, found.base?.policy != nil || table.shown == .whole {
          outcome.wrong.append("head of \(chain.name)")
        }
        var expected = chain.rules[...]
        for rule in found.rules {
          guard let meaning = meaning(rule) else {
            outcome.unknown += 1
            if rule.missing?.count == nil,
              let next = found.rules.drop(while: { $0 != rule }).dropFirst().first(where: { Self.meaning($0) != nil })
            {
              expected = expected.drop { Self.meaning($0) != Self.meaning(next) }
            } else {
              expected = expected.dropFirst()
            }
            continue
          }
          guard let next = expected.popFirst() else {
            outcome.wrong.append("one rule too many in \(chain.name): \(meaning)")
            continue
          }
          if meaning == Self.meaning(next) {
            outcome.same += 1
          } else {
            outcome.wrong.append("\(chain.name): \(meaning)")
          }
        }
      }
    }
    return outcome
  }

  @Test(arguments: Dump.allCases, Folding.allCases)
  func aFoldedDumpSaysNothingElse(_ dump: Dump, _ folding: Folding) {
    let whole = Self.read(dump.text)
    let count = whole.flatMap(\.chains).reduce(0) { $0 + $1.rules.count }
    var known = 0
    var all = 0
    for width in 60...132 {
      let text = folding.fold(dump.text, at: width)
      let outcome = Self.compare(Self.read(text), whole)
      #expect(outcome.wrong == [], "\(width)\n\(text)")
      known += outcome.same
      all += count
    }
    // Few places are ambiguous.
    #expect(known * 100 >= all * 97, "\(known) of \(all)")
  }

  @Test func theSpanOfAFoldedRuleBeginsInItsFirstLine() throws {
    let tables = Self.read(Folding.terminal.fold(Self.save, at: 80))
    let rule = try #require(tables.first { $0.name == "nat" }?.chains.first { $0.name == "PREROUTING" }?.rules.first)
    #expect(rule.span.line == 4)
  }

  @Test func proseBetweenRulesIsAnUnknownRuleAndNoPartOfTheRuleBeforeIt() throws {
    let text = Self.save.replacing("-A LIMITS -j DROP", with: "and this one drops the rest of them\n-A LIMITS -j DROP")
    let chain = try #require(Self.read(text).first { $0.name == "filter" }?.chains.first { $0.name == "LIMITS" })
    #expect(chain.rules.count == 3 && chain.rules[1].missing?.evidence == .unreadable)
    #expect(chain.rules[2].statements == [.verdict(.drop)])
  }

  @Test func aVerdictOnALineOfItsOwnIsUnknownWhereItMayHaveBeenFolded() throws {
    let text = """
      table inet filter {
      chain input {
      type filter hook input priority filter; policy drop;
      iifname "lan0" ip saddr 192.0.2.0/24 tcp dport 22 counter
      accept
      }
      }
      """
    let chain = try #require(Self.read(text).first?.chains.first)
    #expect(chain.rules.map { $0.missing?.evidence } == [.unreadable])
  }

  @Test func whatStandsBehindAVerdictMapIsARuleOfItsOwn() throws {
    let text = """
      table inet filter {
      chain input {
      type filter hook input priority filter; policy drop;
      ct state vmap { established : accept, related : accept, invalid : drop }
      iifname "lo" accept
      tcp dport vmap { 22 : accept, 23 : drop }
      ip saddr 10.0.0.0/8 accept
      }
      }
      """
    let chain = try #require(Self.read(text).first?.chains.first)
    #expect(chain.rules.count == 4 && chain.rules.allSatisfy { $0.missing == nil })

    // Behind `continue` the rule may go on, in the line that follows.
    let open = text.replacing("invalid : drop", with: "invalid : continue")
    #expect(try #require(Self.read(open).first?.chains.first).rules.first?.missing != nil)
  }

  @Test func aComparisonAtTheEndOfALineIsNoBreakOfAMailer() throws {
    let text = """
      table ip t {
              chain c {
                      ip saddr 192.0.2.0/24 tcp flags syn ip daddr . tcp dport !=
      { 192.0.2.50 . 2222, 192.0.2.51 . 65535 } drop
                      ip saddr 192.0.2.0/24 tcp flags syn iifname "eth0" udp dport !=
      { 53, 123 } drop
              }
      }
      """
    let chain = try #require(Self.read(text).first?.chains.first)
    #expect(chain.rules.count == 2)
    for rule in chain.rules {
      let matches = rule.statements.compactMap { if case .match(let match) = $0 { match } else { nil } }
      #expect(matches.last?.negated == true)
    }
  }

  @Test func whatNobodyReadsOfAFoldedRowLeavesItsRuleUnknown() throws {
    let text = """
      Chain PREROUTING (policy ACCEPT 0 packets, 0 bytes)
       pkts bytes target     prot opt in     out     source               destination
          0     0 DOCKER     0    --  *      *       0.0.0.0/0            0.0.0.0/0
      ADDRTYPE matchdst-type LOCAL

      Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)
       pkts bytes target     prot opt in     out     source               destination
          0     0 MASQUERADE  0    --  *      docker0  0.0.0.0/0            0.0.0.0/0
      ADDRTYPE match src-type LOCAL

      Chain DOCKER (1 references)
       pkts bytes target     prot opt in     out     source               destination
          0     0 DNAT       6    --  *      *       0.0.0.0/0            0.0.0.0/0
      tcp dpt:8080 to:172.18.0.2:80
      """
    let table = try #require(Self.read(text).first)
    let rule = try #require(table.chains.first { $0.name == "PREROUTING" }?.rules.first)
    #expect(rule.hasUnknownPart)
    let docker = try #require(table.chains.first { $0.name == "DOCKER" }?.rules.first)
    #expect(!docker.hasUnknownPart)
  }

  @Test func aTargetThatNftDoesNotPrintIsMissedBehindLineNumbersToo() throws {
    let rules = [
      "table ip6 nat {", "\tchain POSTROUTING {", "\t\ttype nat hook postrouting priority srcnat; policy accept;",
      "\t\toifname \"docker0\" counter packets 0 bytes 0 ",
      "\t\toifname != \"docker0\" ip6 saddr 2001:db8:aa::/64 counter packets 0 bytes 0 ", "\t}", "}",
    ]
    let numbered = rules.enumerated().map { "     \($0 + 1)\t\($1)" }
    let quoted = rules.map { ">> " + $0 }
    for lines in [rules, numbered, quoted] {
      let chain = try #require(Self.read(lines.joined(separator: "\n")).first?.chains.first)
      #expect(chain.rules.count == 2 && chain.rules.allSatisfy(\.isUnseen), "\(lines[0])")
    }
  }
}

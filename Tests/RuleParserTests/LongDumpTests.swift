import RuleGraph
import RuleParser
import Testing

/// Long runs of rules are read in parts on all processors: what is read is the same as line by line.
@Suite struct LongDumpTests {
  private static let count = 5000

  /// A rule of each kind in turn: with a match that nobody knows, to a chain that nothing declares, plain.
  private static func options(_ index: Int) -> String {
    switch index % 1000 {
    case 7: "-m nobodyknows --option \(index) -j ACCEPT"
    case 8: "-s 10.1.2.3/32 -j UNDECLARED-\(index)"
    default:
      "-s 10.0.\(index / 250).\(index % 250)/32 -p tcp -m comment --comment \"rule number \(index)\" -m tcp --dport \(index) -j WEB"
    }
  }

  private static func reading(_ text: String) -> HostReading {
    DumpReader().read([DumpInput(name: "long", text: text)])
  }

  private static func rules(_ reading: HostReading) -> [Rule] {
    reading.ruleset.shownOnly.tables.flatMap(\.chains).flatMap(\.rules)
  }

  private static func expectSame(_ long: HostReading, _ single: HostReading) {
    #expect(rules(long).count { $0.missing == nil } == count)
    #expect(long.ruleset.tables.flatMap(\.chains).map(\.name) == single.ruleset.tables.flatMap(\.chains).map(\.name))
    #expect(rules(long).map(\.statements) == rules(single).map(\.statements))
    #expect(rules(long).map(\.comment) == rules(single).map(\.comment))
    #expect(long.diagnostics.map(\.message) == single.diagnostics.map(\.message))
    #expect(long.diagnostics.map(\.span?.line) == single.diagnostics.map(\.span?.line))
  }

  @Test func aLongSaveReadsLikeItsRulesOneByOne() {
    func save(_ prefix: String) -> String {
      let lines = (0..<Self.count).map { "\(prefix)-A \($0 % 3 == 0 ? "INPUT" : "WEB") \(Self.options($0))\n" }
      return "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:WEB - [0:0]\n"
        + lines.joined() + "COMMIT\n"
    }
    let long = Self.reading(save(""))
    // With a counter before it, a rule is no part of a run.
    Self.expectSame(long, Self.reading(save("[0:0] ")))
    #expect(long.diagnostics.count { $0.id == "opaque-match" } == 5)
    #expect(Self.rules(long).map(\.span.line).sorted() == (6..<Int32(6 + Self.count)).map { $0 })
  }

  @Test func aLongListingReadsLikeItsRowsOneByOne() {
    let head = " pkts bytes target     prot opt in     out     source               destination"
    func listing(_ firstHead: String) -> String {
      var text = "Chain PREROUTING (policy ACCEPT 0 packets, 0 bytes)\n\(firstHead)\n\n"
      text += "Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\n\(head)\n"
      for index in 0..<Self.count {
        if index == 3000 { text += "\nChain WEB (1 references)\n\(head)\n" }
        let prose = index % 1000 == 7 ? "nobody knows \(index)" : "/* rule number \(index) */ tcp dpt:\(index)"
        text += "    1    60 \(index % 2 == 0 ? "WEB" : "ACCEPT")  tcp  --  eth0  *  10.0.0.1  0.0.0.0/0  \(prose)\n"
      }
      return text
    }
    let long = Self.reading(listing(head))
    // The rows are read ahead for the first head line; under another one, each is read where it stands.
    Self.expectSame(long, Self.reading(listing("num" + head)))
    #expect(Self.rules(long).allSatisfy { $0.counter == Counter(packets: 1, bytes: 60) })
  }

  private static func expectSameChains(_ long: HostReading, _ single: HostReading) {
    #expect(long.ruleset.tables.map(\.name) == single.ruleset.tables.map(\.name))
    for (a, b) in zip(long.ruleset.tables, single.ruleset.tables) {
      #expect(a.chains.map(\.name) == b.chains.map(\.name))
      #expect(a.chains.map(\.policyCounter) == b.chains.map(\.policyCounter))
      #expect(a.chains.map(\.references) == b.chains.map(\.references))
      #expect(a.chains.map(\.base) == b.chains.map(\.base))
      #expect(a.chains.map(\.span?.line) == b.chains.map(\.span?.line))
      #expect(a.chains.map { $0.rules.map(\.statements) } == b.chains.map { $0.rules.map(\.statements) })
    }
    #expect(long.diagnostics.map(\.message) == single.diagnostics.map(\.message))
  }

  @Test func aRuleWithTwoBlanksBeforeItsChainBelongsToThatChainInALongRunToo() {
    func save(_ blanks: String) -> String {
      "*filter\n:WEB - [0:0]\n" + (0..<3000).map { "-A \($0 % 7 == 0 ? blanks : "")WEB \(Self.options($0))\n" }.joined()
    }
    Self.expectSameChains(Self.reading(save(" ")), Self.reading(save("")))
  }

  @Test(arguments: [nil, ":CHAIN-3000 - [7:8]", ":OUTPUT - [3:4]"])
  func manyHeadsOfChainsInASaveReadLikeHeadsOneByOne(_ stranger: String?) {
    func save(_ blanks: String) -> String {
      var heads = (0..<6000).map { ":CHAIN-\($0)\(blanks)- [\($0):1]" }
      if let stranger { heads.insert(stranger, at: 4000) }
      let rules = (0..<6000).map { "-A CHAIN-\($0) \(Self.options($0))" }
      return (["*filter", ":INPUT ACCEPT [0:0]"] + heads + rules + ["COMMIT", ""]).joined(separator: "\n")
    }
    let long = Self.reading(save(" "))
    // With two blanks, a head is no part of a run.
    Self.expectSameChains(long, Self.reading(save("  ")))
    #expect(long.ruleset.tables.first?.chains.count { $0.name.hasPrefix("CHAIN-") } == 6000)
  }

  @Test func manyChainsOfAListingReadLikeChainsOneByOne() {
    let head = " pkts bytes target     prot opt in     out     source               destination"
    func listing(_ firstHead: String) -> String {
      var text = "Chain INPUT (policy ACCEPT 1 packets, 2 bytes)\n\(firstHead)\n\n"
      for index in 0..<3000 {
        // One chain twice, which begins another table, and one that is built in.
        let name = index == 2500 ? "CHAIN-9" : index == 1200 ? "FORWARD" : "CHAIN-\(index)"
        text += "Chain \(name) (\(index) references)\n\(head)\n"
        for row in 0..<index % 4 {
          let prose = index % 700 == 7 ? "nobody knows \(row)" : "/* row \(row) of chain \(index) */ tcp dpt:\(index)"
          text += "    1    60 CHAIN-\(row)  tcp  --  eth0  *  10.0.0.1  0.0.0.0/0  \(prose)\n"
        }
        if index % 900 != 0 { text += "\n" }
      }
      return text
    }
    let long = Self.reading(listing(head))
    // The chains are read ahead only if the first head line is the usual one.
    Self.expectSameChains(long, Self.reading(listing("num" + head)))
    #expect(long.ruleset.shownOnly.tables.flatMap(\.chains).count == 3000)
  }

  @Test func largeDumpsBesideEachOtherReadLikeEachByItself() {
    let lines = (0..<12000).map { "-A WEB \(Self.options($0))\n" }.joined()
    let rows = (0..<12000).map {
      "    tcp dport \($0) \($0 % 1000 == 7 ? "nobodyknows" : "accept") comment \"number \($0)\"\n"
    }
    let texts = [
      ("save", "*filter\n:INPUT ACCEPT [0:0]\n:WEB - [0:0]\n\(lines)COMMIT\n"),
      ("small", "create s hash:ip family inet\nadd s 192.0.2.1\n"),
      ("nft", "table ip t {\n  chain c {\n\(rows.joined())  }\n}\n"),
      ("nat", "*nat\n:PREROUTING ACCEPT [0:0]\n:WEB - [0:0]\n\(lines)COMMIT\n"),
    ]
    #expect(texts.count { $0.1.utf8.count > 1 << 20 } >= 2, "large enough to be read at the same time")
    let inputs = texts.map { DumpInput(name: $0.0, bytes: Array($0.1.utf8)) }
    let together = DumpReader().read(inputs)
    let apart = inputs.map { DumpReader().read([$0]) }
    #expect(together.ruleset.tables.count == 3)
    #expect(together.ruleset.ipsets.map(\.name) == ["s"])
    for table in together.ruleset.tables {
      let alone = apart.flatMap(\.ruleset.tables).first { $0.name == table.name }
      #expect(table.chains.map(\.name) == alone?.chains.map(\.name))
      #expect(table.chains.map { $0.rules.map(\.statements) } == alone?.chains.map { $0.rules.map(\.statements) })
    }
    #expect(
      together.diagnostics.filter { $0.span != nil }.map(\.message)
        == apart.flatMap(\.diagnostics).filter { $0.span != nil }.map(\.message))
  }

  @Test func longJSONOfNftReadsLikeItsRulesOneByOne() {
    func json(_ open: String, _ close: String) -> String {
      let rules = (0..<Self.count).map { index in
        let chain = index == 4500 ? "undeclared" : index % 2 == 0 ? "in" : "web"
        let part =
          index % 1000 == 7
          ? #"{"nobodyknows": \#(index)}"#
          : #"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": \#(index)}}"#
        return
          #", \#(open){"rule": {"family": "inet", "table": "t", "chain": "\#(chain)", "handle": \#(index), "expr": "#
          + #"[\#(part), {"counter": {"packets": \#(index), "bytes": 0}}, {"accept": null}]}}\#(close)"#
      }
      return #"{"nftables": [{"table": {"family": "inet", "name": "t"}}, "#
        + #"{"chain": {"family": "inet", "table": "t", "name": "in"}}, "#
        + #"{"chain": {"family": "inet", "table": "t", "name": "web"}}"# + rules.joined() + "]}\n"
    }
    let long = Self.reading(json("", ""))
    // Wrapped in a command, a rule is no part of a run.
    Self.expectSame(long, Self.reading(json(#"{"add": "#, "}")))
    #expect(Self.rules(long).allSatisfy { $0.counter?.packets == $0.handle })
  }
}

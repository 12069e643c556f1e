import Foundation
import Reports
import RuleGraph
import RuleParser
import TestHosts
import Testing

@Suite struct GraphReportTests {
  static let save = """
    *filter
    :INPUT DROP [0:0]
    :FORWARD ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :WEB - [0:0]
    -A INPUT -i lo -j ACCEPT
    -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j WEB
    -A WEB -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset
    COMMIT
    """
  static let listing = """
    Chain INPUT (policy DROP 5 packets, 300 bytes)
     pkts bytes target     prot opt in     out     source               destination
       10   600 ACCEPT     all  --  lo     *       0.0.0.0/0            0.0.0.0/0
        4   240 WEB        tcp  --  *      *       10.0.0.0/8           0.0.0.0/0            tcp dpt:80 ctstate NEW,ESTABLISHED

    Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination

    Chain OUTPUT (policy ACCEPT 9 packets, 900 bytes)
     pkts bytes target     prot opt in     out     source               destination

    Chain WEB (1 references)
     pkts bytes target     prot opt in     out     source               destination
        4   240 REJECT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80 reject-with tcp-reset
    """
  static let nft = """
    {"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, {"table": {"family": "ip", "name": "filter", "handle": 1}},
    {"chain": {"family": "ip", "table": "filter", "name": "WEB", "handle": 4}},
    {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
    {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 5, "expr": [{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "lo"}},
    {"counter": {"packets": 1, "bytes": 60}}, {"accept": null}]}},
    {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 6, "expr": [
    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}},
    {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "new"]}},
    {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}},
    {"counter": {"packets": 1, "bytes": 60}}, {"jump": {"target": "WEB"}}]}},
    {"rule": {"family": "ip", "table": "filter", "chain": "WEB", "handle": 7, "expr": [
    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}},
    {"reject": {"type": "tcp reset"}}]}}]}
    """

  static func read(_ text: String) -> HostReading {
    HostReading.of(text, name: "dump")
  }

  @Test(
    arguments: ["docker29-nft", "docker29-iptables", "empty-host", "questions/10-fail2ban-nftables"], [false, true])
  func theJSONFitsItsSchema(_ sample: String, _ isCanonical: Bool) throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.graph.1.json"))
    let reading = try Samples.read(sample)
    let bytes = GraphJSON(isCanonical: isCanonical).bytes(of: reading.ruleset, diagnostics: reading.diagnostics)
    #expect(schema.problems(of: try JSONSerialization.jsonObject(with: Data(bytes))) == [])
  }

  /// Each kind of statement once, with parts that are masked, missing and not understood.
  static let statements = """
    table inet t {
      map m { type ipv4_addr : ipv4_addr; elements = { 192.0.2.1 : 10.0.0.1 } }
      set s { type ipv4_addr; flags dynamic; }
      counter c { packets 1 bytes 2 }
      chain a {
        type nat hook prerouting priority dstnat; policy accept;
        ip daddr 192.0.2.1 dnat to ip daddr map @m
        tcp dport 80 redirect to :8080
        iifname x.x.x.x accept
      }
      chain b {
        type filter hook input priority 0; policy drop;
        ct state vmap { established : accept, new : jump u }
        limit rate 1/second meta mark set 7 log prefix "x"
        add @s { ip saddr }
        queue num 1-2 bypass
        frobnicate 7
        ...
        reject with tcp reset
      }
      chain u { tcp sport { 1, 2-3 } goto v; notrack }
      chain v { return }
    }
    """

  @Test func everyStatementFitsTheSchema() throws {
    let schema = try JSONSchema(contentsOf: Samples.root.appending(path: "Schemas/fwtrace.graph.1.json"))
    let reading = Self.read(Self.statements)
    let bytes = GraphJSON().bytes(of: reading.ruleset, diagnostics: reading.diagnostics)
    #expect(schema.problems(of: try JSONSerialization.jsonObject(with: Data(bytes))) == [])
    let text = String(decoding: bytes, as: UTF8.self)
    for wrong in [("\"policy\": \"drop\"", "\"policy\": \"dropped\""), ("\"statements\"", "\"parts\"")] {
      let value = try JSONSerialization.jsonObject(with: Data(text.replacing(wrong.0, with: wrong.1).utf8))
      #expect(schema.problems(of: value) != [], "\(wrong.1)")
    }
  }

  @Test(arguments: [GraphReportTests.listing, GraphReportTests.nft])
  func oneRulesetInAnyFormPrintsTheSameBytes(_ other: String) throws {
    let canonical = GraphJSON(isCanonical: true)
    let expected = String(decoding: canonical.bytes(of: Self.read(Self.save).ruleset), as: UTF8.self)
    let printed = String(decoding: canonical.bytes(of: Self.read(other).ruleset), as: UTF8.self)
    #expect(printed == expected)
    #expect(expected.contains("tcp dport"))
  }

  @Test func aRuleThatDiffersPrintsOtherBytes() {
    let canonical = GraphJSON(isCanonical: true)
    let changed = Self.save.replacing("--dport 80 -m", with: "--dport 81 -m")
    #expect(canonical.bytes(of: Self.read(changed).ruleset) != canonical.bytes(of: Self.read(Self.save).ruleset))
  }

  @Test func aBrokenLineOfAnyLengthIsShownAroundItsCaret() {
    // Quadratic work on this line would take minutes.
    let line = String(repeating: "é", count: 400_000)
    var sources = SourceMap()
    let bytes = Array((line + "X" + line + "\n").utf8)
    let source = sources.add(Source(name: "dump", bytes: bytes))
    let span = SourceSpan(source: source, line: 1, offset: 0, length: bytes.count - 1)
    let diagnostic = Diagnostic("unreadable-line", .warning, "broken", span: span, column: 800_001)
    let listing = GraphListing(Ruleset(sources: sources), terminal: TerminalSettings(width: 60))
    let lines = listing.text(diagnostics: [diagnostic]).split(separator: "\n").map(String.init)
    #expect(lines.allSatisfy { $0.count <= 60 })
    let caret = lines.firstIndex { $0.hasSuffix("^") }.map { ($0, lines[$0].count - 1) }
    let at = caret.map { Array(lines[$0.0 - 1])[$0.1] }
    #expect(at == "X")
  }

  @Test func theListingCountsAndPlacesRules() {
    let reading = Self.read(Self.save)
    let text = GraphListing(reading.ruleset).text(diagnostics: reading.diagnostics)
    #expect(text.contains("chain INPUT  at input, priority 0, policy DROP"))
    #expect(text.contains("from 10.0.0.0/8"))
    #expect(text.contains("dump:7"))
    #expect(text.contains("1 table, 4 chains, 3 rules; all understood"))
  }

  @Test func theDiagramHoldsHooksChainsAndJumps() {
    let ruleset = Self.read(Self.save).ruleset
    let dot = GraphDiagram(.dot).text(of: ruleset)
    #expect(dot.contains("input -> c0_0 [label=\"priority 0\"];"))
    #expect(dot.contains("[label=\"rule 2\"];"))
    #expect(dot.hasSuffix("}\n"))
    #expect(GraphDiagram(.mermaid).text(of: ruleset).hasPrefix("flowchart LR\n"))
  }
}

import Randomness
import RuleGraph
import Testing

@testable import RuleParser

@Suite("nft rule files")
struct NftRuleFileTests {
  func read(_ text: String, includes: (String) -> [DumpText]? = { _ in nil }) -> RuleFragment {
    NftTextReader.read(dumpText(text), includes: includes)
  }

  /// The statements of one rule in a chain of an inet table.
  func rule(_ text: String) -> [Statement] {
    let fragment = read("table inet t {\n chain c {\n \(text)\n }\n}\n")
    #expect(fragment.diagnostics.isEmpty)
    return fragment.statements
  }

  @Test
  func variablesCommandsAndContinuedLinesGiveWhatNftWouldLoad() {
    let fragment = read(
      """
      #!/usr/sbin/nft -f
      flush ruleset
      define wan = "eth0"
      define lan = { eth1, eth2 }
      define servers = { 10.0.0.1, 10.0.1.0/24 }
      define web = { 80, https }

      table inet filter {
        set blocked { type ipv4_addr; flags interval; auto-merge; }
        chain input {
          type filter hook input priority filter - 5; policy drop;
          iifname $lan accept; ct state established,related accept
          iifname $wan ip saddr $servers tcp dport $web \\
            accept
          ip saddr @blocked drop
        }
      }
      add element inet filter blocked { 192.0.2.0/24, 198.51.100.7 }
      add rule inet filter input udp dport 53 accept comment "dns"
      insert rule inet filter input iif lo accept
      add chain inet filter output { type filter hook output priority 0; }
      """)
    #expect(fragment.diagnostics.isEmpty)
    let table = fragment.tables.first
    #expect(table?.chains.map(\.name) == ["input", "output"])
    let input = table?.chains.first
    #expect(input?.base == BaseChain(type: .filter, hook: .input, priority: -5, policy: .drop))
    #expect(
      input?.rules.map(\.statements) == [
        rule("iifname \"lo\" accept"), rule("iifname { eth1, eth2 } accept"),
        rule("ct state established,related accept"),
        rule("iifname eth0 ip saddr { 10.0.0.1, 10.0.1.0/24 } tcp dport { 80, 443 } accept"),
        rule("ip saddr @blocked drop"),
        rule("udp dport 53 accept"),
      ])
    #expect(input?.rules.last?.comment == "dns")
    #expect(
      table?.sets.first?.elements.map(\.key) == [
        [Prefix("192.0.2.0/24")?.values ?? .empty], [Prefix("198.51.100.7")?.values ?? .empty],
      ])
    #expect(table?.chains.last?.base?.policy == .accept)
  }

  @Test
  func anIncludedFileIsReadInItsPlaceOneThatMayNotBeReadIsToldOf() {
    let included = dumpText("define port = 8080\ntable ip t { chain a { tcp dport $port drop; }\n}\n")
    let fragment = read("include \"a.nft\"\ninclude \"b.nft\"\ntable ip t { chain b { tcp dport $port accept; }\n}\n") {
      $0 == "a.nft" ? [included] : nil
    }
    #expect(fragment.diagnostics.map(\.id) == ["include-not-read"])
    #expect(fragment.diagnostics.first?.span?.line == 2)
    #expect(fragment.tables.first?.chains.map(\.name) == ["a", "b"])
    // The file that is not read may have added rules to the chain before it, and begun the one behind it.
    #expect(
      fragment.tables.first?.chains.map { $0.rules.map { $0.missing?.evidence } } == [
        [nil, .notShown], [.notShown, nil],
      ])
    #expect(fragment.isCut)
  }

  @Test
  func aRuleFileIsReadFromItsFirstLineToItsLastWithWhatItMayIncludeBesideIt() {
    let reader = DumpReader { path, includer in
      path == "ports.nft" && includer == "rules/main.nft"
        ? [DumpInput(name: "rules/ports.nft", bytes: Array("define web = { 80, 443 }\n".utf8))] : nil
    }
    let text = """
      #!/usr/sbin/nft -f
      # a host firewall
      include "ports.nft"
      add table inet filter
      add chain inet filter input { type filter hook input priority 0; policy drop; }
      add rule inet filter input tcp dport $web accept
      """
    let reading = reader.read([DumpInput(name: "rules/main.nft", text: text)])
    #expect(reading.diagnostics.isEmpty)
    #expect(
      reading.ruleset.table(.inet, "filter")?.chains.first?.rules.first?.statements
        == rule("tcp dport { 80, 443 } accept"))
    // Without the caller's word nothing is included.
    let alone = DumpReader().read([DumpInput(name: "rules/main.nft", text: text)])
    #expect(alone.diagnostics.contains { $0.id == "include-not-read" && $0.span?.line == 3 })
  }

  @Test
  func aFileThatIncludesItselfEnds() {
    let itself = dumpText("include \"x\"\n")
    let fragment = read("include \"x\"\n") { _ in [itself, itself] }
    #expect(fragment.diagnostics.contains { $0.id == "include-too-deep" })
  }

  @Test
  func anErrorNamesLineColumnAndWhatWasExpectedAndTheNextRuleIsRead() {
    let fragment = read(
      """
      table ip t {
        chain c {
          tcp dport 22 accept
          tcp dport 22 acept now
          ip saddr 1.2.3.999 drop
          udp dport 53 drop
        }
        wrong thing { here }
        chain d { drop; }
      }
      """)
    let rules = fragment.tables.first?.chains.first?.rules ?? []
    #expect(rules.count == 4)
    #expect(fragment.tables.first?.chains.map(\.name) == ["c", "d"])
    #expect(
      fragment.diagnostics.map { "\($0.span?.line ?? 0) \($0.column ?? 0) \($0.expected ?? "")" } == [
        "4 18 a statement", "5 0 ", "8 3 a chain, a set or an object",
      ])
    #expect(rules[1].statements.last == .opaqueTarget(Opaque(name: "unreadable", text: "acept now")))
    #expect(rules[3].statements.last == .verdict(.drop))
  }

  @Test
  func iptablesNftTablesAreToldByTheirChainsOrByNftsRemark() {
    let fragment = read(
      """
      # Warning: table ip mangle is managed by iptables-nft, do not touch!
      table ip mangle {
      }
      table ip filter {
        chain INPUT {
          type filter hook input priority filter; policy accept;
          xt match "recent" counter packets 1 bytes 2 xt target "TARPIT"
          # xt_comment counter packets 0 bytes 0 # xt_DNAT
        }
      }
      table ip nat { chain input { type nat hook input priority 100; }
      }
      """)
    #expect(fragment.diagnostics.isEmpty)
    #expect(fragment.tables.map(\.origin) == [.iptablesNFT, .iptablesNFT, .nftables])
    #expect(
      fragment.opaque.map(\.name) == ["xt match recent", "xt target TARPIT", "xt match comment", "xt target DNAT"])
    #expect(fragment.opaque.allSatisfy { $0.settledBy == "iptables-save" })
  }

  @Test(
    "Different spellings of one rule are one rule",
    arguments: [
      ("meta mark and 0xff == 0x10", "mark & 0xff 0x10"), ("tcp dport { 22 }", "tcp dport ssh"),
      ("ct state { established, related }", "ct state established,related"),
      ("meta mark set mark and 0xff or 0x10", "meta mark set meta mark & 0xef | 0x10"),
      ("fib saddr . iif oif missing", "fib saddr . iif oif 0"),
      ("tcp flags & (syn | ack) == syn", "tcp flags syn / syn,ack"),
      ("tcp flags & syn != 0", "tcp flags syn"), ("ip daddr 10.0.0.0-10.255.255.255", "ip daddr 10.0.0.0/8"),
      ("ct state & (established | related) != 0", "ct state related,established"), ("vlan cfi 1", "vlan dei 1"),
      ("limit rate 3/second", "limit rate 3/second burst 5 packets"), ("tcp dport ne 22", "tcp dport != 22"),
      ("iif lo", "iifname lo"), ("set add ip saddr @s", "add @s { ip saddr }"), ("log level warn", "log"),
      ("reject with icmpx type port-unreachable", "reject"), ("queue num 1-3 bypass", "queue flags bypass to 1-3"),
      ("masquerade to :1-2", "masquerade to 1-2"), ("icmp type 8", "icmp type echo-request"),
      ("tcp dport >= 1024", "tcp dport 1024-65535"), ("ip protocol { 6 }", "ip protocol tcp"),
    ])
  func spellings(_ pair: (String, String)) {
    #expect(rule(pair.0) == rule(pair.1))
    #expect(!rule(pair.0).isEmpty)
  }

  @Test(
    "A colon before an address is a piece of its own",
    arguments: ["ip saddr map { 10.0.0.0/8 : 1countries:1.0.0.0/8 }", "9.142-:1.2.69.160", ":1.2.3.4", "x:1.2.3.4:5"])
  func colonBeforeAddress(_ text: String) {
    #expect(read("table ip t {\n chain c {\n \(text) accept\n }\n}\n").tables.map(\.name) == ["t"])
  }

  @Test
  func deepNestingEndsInADiagnostic() {
    let text = String(repeating: "{ ", count: 100_000)
    #expect(!read("table ip t { chain c { ip saddr \(text)").diagnostics.isEmpty)
    let parentheses = String(repeating: "(", count: 100_000)
    #expect(!read("table ip t { chain c { meta mark \(parentheses) 1").diagnostics.isEmpty)
    let json = String(repeating: #"{"&": ["#, count: 400)
    let start = #"{"nftables": [{"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [{"match": {"left": "#
    #expect(!NftJSONReader.read(dumpText(start + json)).diagnostics.isEmpty)
  }
}

@Suite("Mutated nft dumps")
struct NftMutationTests {
  @Test(arguments: ["listing.nft", "listing.json"])
  func noMutationOfAListingStopsTheReaders(_ name: String) throws {
    let bytes = try NftFixture.bytes(name)
    var random = RandomNumbers(seed: 2026)
    var withRules = 0
    for _ in 0..<60 {
      // A piece of the listing, so that each mutation costs little.
      let start = random.number(0...max(bytes.count - 4000, 0))
      let piece = Array(bytes[start..<min(start + 4000, bytes.count)])
      let head: [UInt8] =
        name.hasSuffix("json")
        ? Array(#"{"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c"}}, "#.utf8)
        : Array("table ip t {\nchain c {\n".utf8)
      for _ in 0..<10 {
        let text = dumpText(head + mutated(piece, by: &random))
        let fragment = name.hasSuffix("json") ? NftJSONReader.read(text) : NftTextReader.read(text)
        if !fragment.tables.isEmpty { withRules += 1 }
      }
    }
    #expect(withRules > 0)
  }
}

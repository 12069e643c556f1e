import RuleGraph
import Testing

@testable import RuleParser

@Suite("nft JSON")
struct NftJSONTests {
  /// The statements of one rule whose expressions are given.
  func statements(_ expressions: String, family: String = "inet", before: String = "") -> [Statement] {
    let json = """
      {"nftables": [\(before) {"chain": {"family": "\(family)", "table": "t", "name": "c"}},
      {"rule": {"family": "\(family)", "table": "t", "chain": "c", "expr": [\(expressions)]}}]}
      """
    let fragment = NftJSONReader.read(dumpText(json))
    #expect(fragment.diagnostics.isEmpty)
    return fragment.statements
  }

  func match(_ op: String, _ left: String, _ right: String) -> [Statement] {
    statements(#"{"match": {"op": "\#(op)", "left": \#(left), "right": \#(right)}}"#)
  }

  static let flags = #"{"payload": {"protocol": "tcp", "field": "flags"}}"#

  @Test
  func aFlagWithoutAnOperatorTestsBitsAndCompareTheWholeByte() {
    let field = Field.header(HeaderField(.tcp, .flags))
    #expect(match("in", Self.flags, #""syn""#) == [.match(Match(field, anyBitOf: 2))])
    #expect(match("in", Self.flags, #"["syn", "ack"]"#) == [.match(Match(field, anyBitOf: 0x12))])
    #expect(match("!", Self.flags, #"["syn", "ack"]"#) == [.match(Match(field, anyBitOf: 0x12, negated: true))])
    #expect(match("==", Self.flags, #""syn""#) == [.match(Match(field, in: ValueSet(2)))])
    #expect(match("!=", Self.flags, "18") == [.match(Match(field, in: ValueSet(18), negated: true))])
    #expect(match("==", Self.flags, #"{"set": ["syn", "ack"]}"#) == [.match(Match(field, in: [2, 16]))])
    #expect(
      match("==", #"{"&": [\#(Self.flags), ["syn", "ack"]]}"#, #""syn""#)
        == [.match(Match(.bitwise(.field(field), and: 0x12, xor: 0), .values(ValueSet(2))))])
  }

  @Test
  func aConnectionStateIsOneBitSoAListOfStatesIsASetOfThem() {
    let state = #"{"ct": {"key": "state"}}"#
    let field = Field.conntrack(ConntrackField(.state))
    let expected: [Statement] = [.match(Match(field, in: [2, 4]))]
    #expect(match("in", state, #"["established", "related"]"#) == expected)
    #expect(match("==", state, #"{"set": ["established", "related"]}"#) == expected)
    #expect(match("!=", #"{"&": [\#(state), ["established", "related"]]}"#, "0") == expected)
    #expect(match("in", state, #""new""#) == [.match(Match(field, in: [8]))])
    // Of a list, `!=` compares with all flags together: true for every packet.
    #expect(
      match("!=", state, #"{"|": ["established", "related"]}"#) == [.match(Match(field, in: [6], negated: true))])
  }

  @Test
  func marksFoldIntoOneMaskAndOneXor() {
    let mark = #"{"meta": {"key": "mark"}}"#
    func assigned(_ value: String) -> [Statement] { statements(#"{"mangle": {"key": \#(mark), "value": \#(value)}}"#) }
    func expected(_ and: UInt128, _ xor: UInt128) -> [Statement] {
      [.assign(Assignment(.meta(.mark), .bitwise(.field(.meta(.mark)), and: and, xor: xor)))]
    }
    #expect(assigned(#"{"|": [{"&": [\#(mark), 255]}, 16]}"#) == expected(0xef, 0x10))
    #expect(assigned(#"{"|": [\#(mark), 1]}"#) == expected(0xffff_fffe, 1))
    #expect(assigned(#"{"^": [\#(mark), 16]}"#) == expected(0xffff_ffff, 16))
    #expect(assigned("16") == [.assign(Assignment(.meta(.mark), .constant(16)))])
  }

  @Test
  func whatAnIptablesTableHidesStaysOpaqueAndNamesTheCommandThatTellsIt() {
    let read = statements(
      """
      {"match": {"op": "!=", "left": {"meta": {"key": "iifname"}}, "right": "docker0"}},
      {"xt": {"type": "match", "name": "addrtype"}}, {"xt": {"type": "target", "name": "MASQUERADE"}}
      """)
    #expect(
      read[1...].map { $0 } == [
        .opaqueMatch(
          Opaque(
            name: "xt match addrtype", text: #"{"xt": {"type": "match", "name": "addrtype"}}"#,
            settledBy: "iptables-save")),
        .opaqueTarget(
          Opaque(
            name: "xt target MASQUERADE", text: #"{"xt": {"type": "target", "name": "MASQUERADE"}}"#,
            settledBy: "iptables-save")),
      ])
  }

  @Test
  func aNameWildcardIsAnIntervalOfNamesAnEscapedStarIsAStar() {
    let name = #"{"meta": {"key": "iifname"}}"#
    #expect(
      match("==", name, #""br-*""#)
        == [.match(Match(.meta(.iifname), in: InterfaceName.set(matching: "br-", wildcard: true) ?? .empty))])
    #expect(
      match("==", name, #""a\\*""#)
        == [.match(Match(.meta(.iifname), in: InterfaceName.set(matching: "a*", wildcard: false) ?? .empty))])
  }

  @Test
  func aBrokenListingGivesWhatStandsAroundTheBreakWithItsPlace() {
    let json = """
      {"nftables": [{"table": {"family": "ip", "name": "t"}},
      {"chain": {"family": "ip", "table": "t", "name": "a"}},
      {"chain": {"family": "ip", "table": ~~~, "name": "b"}},
      {"chain": {"family": "ip", "table": "t", "name": "c"}}]}
      """
    let fragment = NftJSONReader.read(dumpText(json))
    #expect(fragment.tables.map { $0.chains.map(\.name) } == [["a", "c"]])
    #expect(fragment.diagnostics.map(\.id) == ["json-broken"])
    #expect(fragment.diagnostics.first?.span?.line == 3)
    #expect(fragment.diagnostics.first?.column == 37)
  }

  @Test(
    "Every ruleset of nftables' own tests reads without a remark",
    .enabled(if: NftCorpus.exists("nftables-upstream"), "the shared corpus is not here"),
    arguments: NftCorpus.names("nftables-upstream", ext: "json"))
  func upstream(_ name: String) throws {
    let fragment = NftJSONReader.read(dumpText(try NftCorpus.bytes("nftables-upstream/\(name).json")))
    #expect(fragment.diagnostics.isEmpty)
    #expect(fragment.opaque.isEmpty)
  }

  @Test(
    "What Docker makes reads completely, but for what xt hides",
    .enabled(if: NftCorpus.exists("docker-29"), "the shared corpus is not here"),
    arguments: [
      "docker-29/nftables-usernet-portmap/nft.json", "docker-20.10/03-tomcat-redis/nft-j-list-ruleset.json",
      "docker-20.10/06-link-noicc/nft-j-list-ruleset.json",
    ])
  func docker(_ path: String) throws {
    let fragment = NftJSONReader.read(dumpText(try NftCorpus.bytes(path)))
    #expect(fragment.diagnostics.isEmpty)
    #expect(!fragment.tables.isEmpty)
    #expect(fragment.opaque.allSatisfy { $0.name.hasPrefix("xt ") })
    #expect(fragment.tables.allSatisfy { $0.origin == ($0.name == "docker-bridges" ? .nftables : .iptablesNFT) })
  }

  @Test
  func jsonQuotedInAMailAndCutOffWithoutALineEndSaysWhereItBreaks() {
    // The lines are put together for reading, each with a line end; the last one has none in the text.
    let text = """
      > {"nftables": [{"table": {"family": "ip", "name": "t"}},
      > {"chain": {"family": "ip", "table": "t", "name": "c"}},

      > {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [{"accept": null}]}}
      """
    for count in 1...text.utf8.count {
      let cut = Array(text.utf8.prefix(count))
      let reading = DumpReader().read([DumpInput(name: "mail.txt", bytes: cut)])
      for diagnostic in reading.diagnostics {
        guard let span = diagnostic.span else { continue }
        #expect(span.offset + span.length <= count)
      }
    }
    let whole = DumpReader().read([DumpInput(name: "mail.txt", text: text)])
    #expect(whole.diagnostics.contains { $0.id == "json-cut-off" })
    #expect(whole.ruleset.tables.first?.chains.first?.rules.map { $0.missing?.evidence } == [nil, .cut])
  }
}

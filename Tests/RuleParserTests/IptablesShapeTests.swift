import RuleGraph
import Testing

@testable import RuleParser

/// The shapes that listings come in: older versions, cut heads, lost blanks, names that overrun their columns.
@Suite struct IptablesShapeTests {
  /// What a row says, whatever its shape.
  private static let accepted: [Statement] = [
    .match(Match(.header(HeaderField(.tcp, .dport)), in: ValueSet(8080))), .verdict(.accept),
  ]

  private static func canonical(_ listing: String, _ family: AddressFamily? = .ipv4) -> [[Statement]] {
    IptablesDump.listing(listing, family, table: "filter").rules.map { rule in
      rule.canonicalStatements(in: family == .ipv6 ? .ip6 : .ip).filter { $0 != .hiddenInterfaces }
    }
  }

  @Test(arguments: [
    // Without counters, with and without numbers and names.
    "target     prot opt source               destination         \nACCEPT     tcp  --  0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    "target     prot opt source               destination\nACCEPT     tcp  --  anywhere             anywhere             tcp dpt:http-alt",
    "num  target     prot opt source               destination\n1    ACCEPT     6    --  0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    // With counters, rounded and exact.
    " pkts bytes target     prot opt in     out     source               destination\n 319K   44M ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    "    pkts      bytes target     prot opt in     out     source               destination\n  319000 44000000 ACCEPT     tcp  --  any    any     anywhere             anywhere             tcp dpt:http-alt",
    "num   pkts bytes target     prot opt in     out     source               destination\n1        0     0 ACCEPT     tcp  --  any    any     anywhere             anywhere             tcp dpt:http-alt",
    // No head line, or one that was cut.
    "ACCEPT     tcp  --  0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    " 319K   44M ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    "1        0     0 ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    "1    ACCEPT     tcp  --  0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    " pkts bytes target     prot\n    0     0 ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:8080",
    // Blanks that copying lost or made.
    "target prot opt source destination\nACCEPT tcp -- anywhere anywhere tcp dpt:http-alt",
    "target\tprot opt source\tdestination\nACCEPT\ttcp\t--\tanywhere\tanywhere\ttcp dpt:8080\r",
  ])
  func aRowIsUnderstoodInEveryShape(rows: String) {
    #expect(Self.canonical("Chain INPUT (policy ACCEPT)\n\(rows)\n") == [Self.accepted])
  }

  @Test func anEmptyOptColumnIsOlderIp6tables() {
    let rows = """
      Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
       pkts bytes target     prot opt in     out     source               destination
          0     0 ACCEPT     tcp      *      *       ::/0                 ::/0                 tcp dpt:8080
          0     0            tcp      eth0   *       fe80::/10            ::/0

      """
    let read = Self.canonical(rows, nil)
    #expect(read.first == Self.accepted)
    #expect(read.last?.count == 3)
    let plain =
      "Chain INPUT (policy ACCEPT)\nACCEPT     tcp      ::/0                 ::/0                 tcp dpt:8080\n"
    #expect(Self.canonical(plain, .ipv6) == [Self.accepted])
  }

  @Test func aLongProtocolMayRunIntoTheNextColumn() {
    let listing = "Chain INPUT (policy ACCEPT)\nACCEPT     ipv6-icmp--  ::/0   ::/0   ipv6-icmptype 128\n"
    #expect(
      Self.canonical(listing, .ipv6) == [
        [.match(Match(.header(HeaderField(.icmpv6, .type)), in: ValueSet(128))), .verdict(.accept)]
      ])
  }

  @Test func aRuleWithoutTargetHasNone() {
    let listing = """
      Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
      num   pkts bytes target     prot opt in     out     source               destination
      1        0     0            6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:8080
      2        0     0            all  --  *      *       10.0.0.0/8           0.0.0.0/0

      """
    let read = Self.canonical(listing)
    #expect(read.first == [Self.accepted[0]])
    #expect(read.last?.count == 1)
  }

  @Test(arguments: [
    ("tcp dpt:9050flags: 0x17/0x02", "-p tcp -m tcp --dport 9050 --tcp-flags FIN,SYN,RST,ACK SYN"),
    ("tcp spts:1024:65535 dpt:!22 flags:!0x17/0x02", "-p tcp -m tcp --sport 1024: ! --dport 22 ! --syn"),
    ("state NEW", "-p tcp -m state --state NEW"),
    ("multiport dports http,https", "-p tcp -m multiport --dports 80,443"),
    (
      "recent: UPDATE seconds: 60 hit_count: 4 name: SSH side: source",
      "-p tcp -m recent --update --seconds 60 --hitcount 4 --name SSH --rsource"
    ),
    ("#conn/32 > 20", "-p tcp -m connlimit --connlimit-above 20 --connlimit-mask 32 --connlimit-saddr"),
  ])
  func olderProseMeansWhatTheSaveFormSays(prose: String, options: String) {
    let listing = Self.canonical("Chain INPUT (policy ACCEPT)\nACCEPT     tcp  --  0.0.0.0/0  0.0.0.0/0   \(prose)\n")
    let save = IptablesDump.save("*filter\n-A INPUT \(options) -j ACCEPT\nCOMMIT\n").rules.map {
      $0.canonicalStatements(in: .ip)
    }
    #expect(listing == save)
    #expect(listing.count == 1)
  }

  @Test func whatNobodyKnowsIsKeptWithItsPlace() throws {
    let read = IptablesDump.listing(
      """
      Chain INPUT (policy DROP)
      ACCEPT     tcp  --  0.0.0.0/0            some.host.example    tcp dpt:80 frobnicate 7 state NEW
      FROB       all  --  0.0.0.0/0            0.0.0.0/0            wherever 3
      DROP       all  --  0.0.0.0/0            0.0.0.0/0            conntrack [unsupported revision]

      """, .ipv4, table: "filter")
    #expect(
      read.notUnderstood.map(\.text) == [
        "some.host.example", "frobnicate 7", "wherever 3", "conntrack [unsupported revision]",
      ])
    let diagnostic = try #require(read.diagnostics.first)
    #expect(diagnostic.span?.line == 2)
    #expect(diagnostic.column == 42)
    // An unknown target is no jump: where it leads is unknown.
    #expect(read.rules[1].statements.last == .opaqueTarget(Opaque(name: "FROB", text: "wherever 3")))
  }

  @Test func aCommentMayHoldAnything() {
    let listing =
      "Chain INPUT (policy ACCEPT)\nACCEPT  all  --  0.0.0.0/0  0.0.0.0/0  /* tcp dpt:80 -j DROP */ tcp dpt:8080\n"
    let read = IptablesDump.listing(listing, .ipv4, table: "filter")
    #expect(read.rules.first?.comment == "tcp dpt:80 -j DROP")
    #expect(read.rules.first?.canonicalStatements(in: .ip).dropFirst() == Self.accepted[...])
  }

  @Test(arguments: ["--frob \"abc", "-m frob --frob 'abc", "-m string --string \"abc", "-j LOG --log-prefix \"a b\\"])
  func aQuotationThatIsCutOffEndsWithTheText(options: String) {
    let read = IptablesDump.save("-A INPUT \(options)")
    #expect(read.rules.count == 1)
    #expect(read.notUnderstood.allSatisfy { options.hasSuffix($0.text) || options == $0.text })
  }

  @Test func severalTablesWithoutNamesAreToldApart() {
    let read = IptablesDump.listing(
      """
      Chain INPUT (policy ACCEPT)
      Chain FORWARD (policy DROP)
      DOCKER     all  --  anywhere             anywhere
      Chain OUTPUT (policy ACCEPT)
      Chain DOCKER (1 references)
      Chain PREROUTING (policy ACCEPT)
      Chain OUTPUT (policy ACCEPT)
      Chain POSTROUTING (policy ACCEPT)
      MASQUERADE  all  --  172.17.0.0/16        anywhere
      Chain DOCKER (2 references)
      DNAT       tcp  --  anywhere             anywhere             tcp dpt:tproxy to:192.168.0.2:8080

      """)
    #expect(read.tables.map(\.name) == ["filter", "nat"])
    #expect(read.tables.map { $0.chains.count } == [4, 4])
    #expect(read.diagnostics.map(\.id) == ["table-inferred", "table-inferred"])
    #expect(read.tables.first?.chains.first { $0.name == "FORWARD" }?.base?.policy == .drop)
    #expect(read.tables.last?.chains.last?.references == 2)
  }

  @Test func theHeadOfASaveTellsTheVariant() {
    let text = { (head: String) in "\(head)\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n" }
    #expect(
      IptablesDump.save(text("# Generated by iptables-save v1.8.9 (nf_tables) on x")).tables[0].origin == .iptablesNFT)
    #expect(IptablesDump.save(text("# Generated by iptables-save v1.4.21 on x")).tables[0].origin == .iptablesLegacy)
    #expect(IptablesDump.save(text("# Generated by ip6tables-save v1.8.9 (nf_tables) on x")).tables[0].family == .ip6)
    let warned = IptablesDump.save(
      text("# Warning: iptables-legacy tables present, use iptables-legacy-save to see them"))
    #expect(warned.diagnostics.map(\.id) == ["iptables-warning"])
  }
}

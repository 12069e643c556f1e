import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// What no dump shows has a place in the graph, with the evidence for it.
@Suite struct UnshownRulesTests {
  private func read(_ text: String, name: String = "-") -> HostReading {
    DumpReader().read([DumpInput(name: name, text: text)])
  }

  /// `filter INPUT` of each chain that is there though nothing of it was shown.
  private func unshown(_ reading: HostReading) -> Set<String> {
    Set(
      reading.ruleset.unshownChains.flatMap { table, chains in
        chains.map { "\(table.family.rawValue) \(table.name) \($0.name)" }
      })
  }

  private static let forward = """
    Chain FORWARD (policy DROP 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination
       10   600 ACCEPT     all  --  eth1   eth0    0.0.0.0/0            0.0.0.0/0

    """
  private static let input = """
    Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination

    """
  private static let output = """
    Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination

    """

  @Test(arguments: [
    (forward, ["ip filter INPUT", "ip filter OUTPUT"]),
    ("$ iptables -vnL FORWARD\n" + forward, ["ip filter INPUT", "ip filter OUTPUT"]),
    ("$ iptables -S INPUT\n-P INPUT DROP\n$ date\n", ["ip filter FORWARD", "ip filter OUTPUT"]),
    ("$ iptables -vnL\n" + input + forward + output, []),
    ("$ iptables -S\n-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n", []),
    (
      "$ nft list chain inet fw input\ntable inet fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n",
      ["inet fw forward", "inet fw output"]
    ),
    (
      "$ nft list ruleset\ntable inet fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n",
      []
    ),
    (
      "table ip fw {\n\tchain guests {\n\t\toif \"br9\" counter packets 8 bytes 844 reject\n\t}\n}\n",
      ["ip fw input", "ip fw forward", "ip fw output"]
    ),
  ])
  func chainsOfAPartAreUnknown(_ text: String, _ expected: [String]) {
    #expect(unshown(read(text)) == Set(expected))
  }

  @Test func chainsOfOneTableInAnyOrderAreOneMoment() {
    let reading = read("My FORWARD chain:\n\n\(Self.forward)\nand INPUT:\n\n\(Self.input)")
    #expect(reading.snapshotCount == 1)
    #expect(reading.ruleset.shownOnly.table(.ip, "filter")?.chains.map(\.name) == ["FORWARD", "INPUT"])
    #expect(unshown(reading) == ["ip filter OUTPUT"])
  }

  @Test func chainsListedOneByOneAreOfTheTablesThatHaveThem() {
    let postrouting = """
      Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)
       pkts bytes target     prot opt in     out     source               destination
          1    60 MASQUERADE  all  --  *      eth0    10.0.0.0/8           0.0.0.0/0

      """
    let reading = read(Self.forward + postrouting)
    #expect(reading.ruleset.shownOnly.table(.ip, "filter")?.chains.map(\.name) == ["FORWARD"])
    #expect(reading.ruleset.shownOnly.table(.ip, "nat")?.chains.map(\.name) == ["POSTROUTING"])
  }

  @Test func aJumpThatIsCountedAndNotShownMeansMissingRules() {
    let user = """
      Chain WEB (2 references)
       pkts bytes target     prot opt in     out     source               destination
          0     0 DROP       all  --  *      *       0.0.0.0/0            0.0.0.0/0

      """
    let jump = "   10   600 WEB        all  --  eth1   *       0.0.0.0/0            0.0.0.0/0\n"
    func reading(_ references: Int, jumps: Int) -> HostReading {
      read(
        "$ iptables -vnL\n" + Self.input + Self.forward + String(repeating: jump, count: jumps) + "\n" + Self.output
          + user.replacing("(2 ", with: "(\(references) "))
    }
    #expect(reading(2, jumps: 2).ruleset.tables.flatMap(\.chains).allSatisfy { $0.shown == .whole })
    let cut = reading(2, jumps: 1)
    #expect(cut.diagnostics.contains { $0.id == "unseen-jump" })
    #expect(
      cut.ruleset.tables[0].chains.filter { $0.base != nil }.allSatisfy {
        $0.rules.first?.missing?.evidence == .unseenJump
      })
    // Where other chains of the table were not shown, the jump is there.
    let part = read(Self.forward + jump + "\n" + user)
    #expect(part.ruleset.tables[0].chains.first { $0.name == "FORWARD" }?.shown == .whole)
  }

  // MARK: - Engines

  private static let docker = """
    $ iptables -vnL
    Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination

    Chain FORWARD (policy DROP 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination
      177  9000 DOCKER     all  --  *      docker0  0.0.0.0/0            0.0.0.0/0

    Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
     pkts bytes target     prot opt in     out     source               destination

    Chain DOCKER (1 references)
     pkts bytes target     prot opt in     out     source               destination
        7   420 ACCEPT     tcp  --  !docker0 docker0  0.0.0.0/0            172.17.0.2           tcp dpt:80

    """

  @Test func dockersPortsSpeakAgainstAnEmptyNat() throws {
    let nat = try #require(read(Self.docker).ruleset.table(.ip, "nat"))
    #expect(nat.shown == .nothing)
    #expect(nat.chains.first { $0.name == "PREROUTING" }?.rules.first?.missing?.evidence == .engine)
    // Docker accepts each published port in filter: where it accepts none it translates none.
    let none = Self.docker.split(separator: "\n", omittingEmptySubsequences: false).filter {
      !$0.contains("172.17.0.2")
    }
    #expect(read(none.joined(separator: "\n")).ruleset.table(.ip, "nat") == nil)
  }

  @Test func dockerPsTellsTheTranslations() throws {
    let ps = """
      $ docker ps
      CONTAINER ID   IMAGE     COMMAND      CREATED       STATUS       PORTS                                       NAMES
      0123456789ab   web       "./web"      2 weeks ago   Up 2 weeks   0.0.0.0:8080->80/tcp, :::8080->80/tcp       web

      """
    let nat = try #require(read(Self.docker + ps).ruleset.table(.ip, "nat"))
    let rules = try #require(nat.chains.first { $0.name == "PREROUTING" }).rules
    // What comes from the container's own bridge docker-proxy may serve; the rest is translated.
    #expect(rules.map { $0.missing == nil } == [false, true])
    guard case .translate(let translation)? = rules.last?.statements.last else {
      Issue.record("no translation")
      return
    }
    #expect(translation.address == .constant(try #require(IPAddress("172.17.0.2")).bits))
    #expect(translation.port == .constant(80))
  }

  @Test(arguments: [("DOCKER-FORWARD", true), ("DOCKER-USER", false)])
  func docker28DropsInRaw(_ chain: String, _ drops: Bool) {
    let text =
      Self.docker
      + "Chain \(chain) (0 references)\n pkts bytes target     prot opt in     out     source               destination\n"
    #expect((read(text).ruleset.table(.ip, "raw")?.shown == .nothing) == drops)
  }

  // MARK: - Programs that failed

  @Test func nftShowsTheTableThatIptablesCannot() {
    let save = """
      $ iptables-save
      # Generated by iptables-save v1.8.9 (nf_tables) on Sat Nov 28 16:00:00 2026
      *filter
      :INPUT ACCEPT [0:0]
      COMMIT
      # Table `filter' contains incompatible base-chains, use 'nft' tool to list them.

      """
    let nft =
      "$ nft list ruleset\ntable ip filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n"
    for text in [save + nft, nft + save] {
      let reading = read(text)
      #expect(reading.ruleset.tables.map(\.origin) == [.nftables])
      #expect(reading.ruleset.tables[0].chains.map(\.name) == ["input"])
      #expect(!reading.diagnostics.contains { $0.id == "table-not-printed" })
    }
    let alone = read(save)
    #expect(unshown(alone).contains("ip filter INPUT"))
    #expect(alone.diagnostics.contains { $0.id == "table-not-printed" })
  }

  @Test func aBundleThatWasCutProvesNothing() {
    let head = "#### fwtrace capture 1 date=2026 host=web1\n#### fwtrace: iptables-nft-save\n"
    #expect(read(head).ruleset.coverage.allOfIptables.isEmpty)
    let save = head + "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    #expect(unshown(read(save)).contains("inet  input"))
    let whole = save + "#### fwtrace: nft -j list ruleset\n{\"nftables\": []}\n#### fwtrace capture ends\n"
    #expect(unshown(read(whole)).isEmpty)
  }
}

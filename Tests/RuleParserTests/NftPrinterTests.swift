import Foundation
import RuleGraph
import RuleText
import Testing

@testable import RuleParser

/// The real nft in a network namespace of its own, where the machine allows it.
enum RealNft {
  static let isThere = (try? run("true", input: "")).map { $0.status == 0 } ?? false

  /// Runs a command in a new network namespace and gives its status and output.
  static func run(_ command: String, input: String) throws -> (status: Int32, output: String) {
    let file = FileManager.default.temporaryDirectory.appending(path: "fwtrace-nft-\(UUID().uuidString).nft")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "unshare", "-n", "sh", "-c", "ip link set lo up; nft --version >/dev/null && \(command)", "sh", file.path,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}

@Suite("Printing as nft")
struct NftPrinterTests {
  func reread(_ tables: [Table]) -> (text: String, fragment: RuleFragment) {
    let text = NftPrinter.print(Ruleset(tables: tables))
    return (text, NftTextReader.read(dumpText(text)))
  }

  @Test(arguments: ["listing.nft", "listing-numeric-handles.nft"])
  func aPrintedListingReadsToTheSameGraph(_ name: String) throws {
    let first = NftTextReader.read(dumpText(try NftFixture.bytes(name)))
    let (text, second) = reread(first.tables)
    #expect(second.diagnostics.isEmpty)
    #expect(!text.contains("nft can't say"))
    expectEqual(second.comparable(), first.comparable(), Array(text.utf8), second.tables)
  }

  @Test(
    "Each printed ruleset of nftables' own tests reads to the same graph",
    .enabled(if: NftCorpus.exists("nftables-upstream"), "the shared corpus is not here"),
    arguments: NftCorpus.names("nftables-upstream", ext: "nft"))
  func upstream(_ name: String) throws {
    let first = NftTextReader.read(dumpText(try NftCorpus.bytes("nftables-upstream/\(name).nft")))
    let (text, second) = reread(first.tables)
    #expect(second.diagnostics.isEmpty)
    #expect(!text.contains("nft can't say"))
    expectEqual(second.comparable(), first.comparable(), Array(text.utf8), second.tables)
  }

  @Test(
    "The real nft loads what is printed and lists the same graph",
    .enabled(if: RealNft.isThere, "no nft in a namespace"))
  func realNft() throws {
    let first = NftTextReader.read(dumpText(try NftFixture.bytes("listing.nft")))
    let text = NftPrinter.print(Ruleset(tables: first.tables))
    let (status, output) = try RealNft.run("nft -f $1 && nft list ruleset", input: text)
    #expect(status == 0, "\(output.prefix(500))")
    let second = NftTextReader.read(dumpText(output))
    let lost: Set<String> = ["expires"]
    expectEqual(second.comparable(ignoring: lost), first.comparable(ignoring: lost), Array(output.utf8), second.tables)
  }

  @Test(
    "iptables' rules of a Docker host print as nft loads them",
    .enabled(if: NftCorpus.exists("docker-20.10") && RealNft.isThere, "no shared corpus or no nft in a namespace"),
    arguments: NftIptablesTests.folders)
  func docker(_ folder: String) throws {
    let save = IptablesSaveReader.read(
      dumpText(try NftCorpus.bytes("docker-20.10/\(folder)/iptables-save.txt")), family: .ipv4, table: nil)
    let text = NftPrinter.print(Ruleset(tables: save.tables))
    #expect(!text.contains("nft can't say"))
    let (status, output) = try RealNft.run("nft -f $1 && nft list ruleset", input: text)
    #expect(status == 0, "\(output.prefix(500))")
    let second = NftTextReader.read(dumpText(output))
    #expect(Ruleset(tables: second.tables).canonical == Ruleset(tables: save.tables).canonical)
  }

  @Test
  func whatNftCantSayIsToldInAComment() throws {
    let json = """
      {"nftables": [{"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "expr": [
      {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}},
      {"xt": {"type": "match", "name": "recent"}}, {"counter": {"packets": 1, "bytes": 2}}, {"drop": null}]}}]}
      """
    let bytes = Array(json.utf8)
    let fragment = NftJSONReader.read(dumpText(bytes))
    var ruleset = Ruleset(tables: fragment.tables)
    _ = ruleset.sources.add(Source(name: "x", bytes: bytes))
    #expect(NftPrinter.print(ruleset).contains("\t\t# nft can't say what is not understood: xt match recent: {"))
    let rule = try #require(fragment.tables[0].chains[0].rules.last)
    #expect(
      NftPrinter.ruleText(rule, table: fragment.tables[0])
        == #"iifname "eth0" xt match "recent" counter packets 1 bytes 2 drop"#)
  }
}

/// nft loads neighbouring `!=` as one comparison; iptables does not.
@Suite struct JoinedComparisonTests {
  private func read(_ name: String, _ text: String) -> Ruleset {
    DumpReader().read([DumpInput(name: name, text: text)]).ruleset
  }

  private func statements(_ rule: String) -> [Statement]? {
    read("rules.nft", "table ip t {\n chain c {\n \(rule)\n }\n}\n").canonical.tables.first?.chains.first?.rules.first?
      .statements
  }

  @Test(arguments: [
    ("tcp sport != 1 tcp dport != 2 drop", true), ("tcp dport != 2 counter tcp sport != 1 drop", true),
    ("ip ttl != 64 ip protocol != 17 drop", true), ("icmp type != 8 icmp code != 1 drop", true),
    ("tcp sport 1 tcp dport != 2 drop", false), ("tcp sport != 1 tcp dport != 2-3 drop", false),
    ("ip saddr != 10.0.0.1 ip daddr != 10.0.0.2 drop", false), ("tcp sport != 1 udp length != 2 drop", false),
    ("ip ttl != 64 tcp sport != 1 drop", false),
  ])
  func neighboursThatFitFourBytesAreOne(_ rule: String, _ isJoined: Bool) throws {
    let found = try #require(statements(rule))
    let hasAlternatives = found.contains { if case .anyOf = $0 { true } else { false } }
    #expect(hasAlternatives == isJoined)
  }

  @Test func whatIptablesTestsOneByOneIsPrintedSoThatNftDoesNotJoinIt() {
    let save = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp ! --sport 1 ! --dport 2 -j DROP\nCOMMIT\n"
    let ruleset = read("iptables-save.txt", save)
    let text = NftPrinter.print(ruleset).replacing("table ip filter", with: "table ip t")
    #expect(text.contains("tcp sport != 1 tcp dport { 0-1, 3-65535 } drop"))
    let back = read("rules.nft", text).canonical.tables.first?.chains.first?.rules
    #expect(back?.map(\.statements) == ruleset.canonical.tables.first?.chains.first?.rules.map(\.statements))
  }
}

import Foundation
import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// The documents that the project comes from, each read as it is.
@Suite(.enabled(if: SharedCorpus.isPresent, "the corpus isn't here")) struct SeedReadingTests {
  private func read(_ seed: String, snapshot: Int? = nil) throws -> HostReading {
    DumpReader().read([DumpInput(name: seed, bytes: try SharedCorpus.bytes("seeds/" + seed))], snapshot: snapshot)
  }

  /// The host of that name in the page that shows several.
  private func host(_ name: String, snapshot: Int? = nil) throws -> HostReading {
    let seed = "001_6622d48401cb28f9.txt"
    let input = DumpInput(name: seed, bytes: try SharedCorpus.bytes("seeds/" + seed))
    return try #require(DumpReader().readHosts([input], snapshot: snapshot).first { $0.name == name })
  }

  private func heads(_ reading: HostReading) -> [String] {
    reading.ruleset.shownOnly.tables.map { table in
      "\(table.name): " + table.chains.map { "\($0.name) \($0.rules.count)" }.joined(separator: ", ")
    }
  }

  @Test func aPostWithoutRulesTellsTheHost() throws {
    let facts = try read("000_4e3d03c482c44d9d.txt").facts
    let bridge = try #require(facts.interface("docker0"))
    #expect(bridge.addresses.map(\.words) == ["172.18.0.1/16 global", "fe80::42:54ff:fe68:91f7/64 link"])
    #expect(bridge.kind == "bridge")
    #expect(facts.interface("veth077a502")?.master == "docker0")
    #expect(facts.networks.map(\.name) == ["bridge", "com-sig", "host", "none"])
    #expect(facts.networks.map(\.bridge) == ["docker0", "br-dffe767ef55b", nil, nil])
    #expect(facts.container("test1")?.endpoints.first?.addresses.map(\.description) == ["172.18.0.4"])
    // One interface is not all of them.
    #expect(facts.addressesKnown.isEmpty)
  }

  @Test(arguments: ["002_0747d66036c729ab.txt", "003_ba0499e81c4a8c82.txt", "004_f98fce68731bd3aa.txt"])
  func proseIsAnError(_ seed: String) throws {
    let reading = try read(seed)
    #expect(reading.diagnostics.map(\.id) == ["nothing-recognised"])
    #expect(reading.diagnostics.first?.severity == .error)
  }

  /// The page shows rules of two machines: nothing is merged across them.
  @Test func theHostsOfAPageAreKeptApart() throws {
    let machine = try host("ubuntu-dev")
    #expect(machine.snapshotCount == 2)
    let twice = machine.diagnostics.filter { $0.id == "table-printed-twice" }
    #expect(twice.map { $0.message.contains("001_6622d48401cb28f9.txt:392") } == [true])
    #expect(!machine.diagnostics.contains { $0.id == "unreadable-line" })
    #expect(machine.coverage.tells("nat", .ipv4))
    #expect(machine.coverage.untoldTables(.ipv4) == ["raw", "mangle", "security"])
    let other = try host("localhost")
    #expect(heads(other) == ["nat: PREROUTING 1, INPUT 0, POSTROUTING 1, OUTPUT 1, DOCKER 1"])
    #expect(!other.ruleset.tables.contains { $0.hasOpaquePart })
  }

  @Test func theSecondMomentIsTomcatAndRedis() throws {
    let reading = try host("ubuntu-dev", snapshot: 2)
    #expect(heads(reading).last == "nat: PREROUTING 1, INPUT 0, OUTPUT 1, POSTROUTING 3, DOCKER 3")
    #expect(!reading.ruleset.tables.contains { $0.hasOpaquePart })
    let facts = reading.facts
    #expect(facts.interface("ens33")?.addresses.first?.words == "192.168.0.140/24 global")
    #expect(facts.interface("veth48d2e17")?.master == "docker0")
    #expect(facts.addressesKnown == [.ipv4, .ipv6])
    #expect(facts.container("tomcat1")?.endpoints.first?.addresses.map(\.description) == ["172.17.0.2"])
    #expect(facts.container("tomcat1")?.endpoints.first?.network == "bridge")
    #expect(facts.container("redisserver")?.networkMode == "bridge")
    #expect(facts.container("redisserver")?.pid == 385903)
    #expect(facts.container("tomcat02")?.endpoints.count == 2)
    #expect(facts.sockets.contains { $0.port == 32769 && $0.families == [.ipv4] })
    #expect(facts.socketsKnown)
  }

  @Test func theFirstMomentHidesItsInterfaces() throws {
    let reading = try host("ubuntu-dev", snapshot: 1)
    #expect(reading.ruleset.shownOnly.tables.map(\.name) == ["filter"])
    let forward = try #require(reading.ruleset.tables.first?.chains.first { $0.name == "FORWARD" })
    #expect(forward.rules.allSatisfy { $0.statements.contains(.hiddenInterfaces) })
    #expect(reading.facts.sockets.isEmpty)
  }

  @Test func aMomentThatIsNotThereIsAnError() throws {
    #expect(try read("001_6622d48401cb28f9.txt", snapshot: 4).diagnostics.contains { $0.id == "no-such-snapshot" })
  }
}

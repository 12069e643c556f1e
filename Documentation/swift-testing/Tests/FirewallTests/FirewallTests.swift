import FlowTrace
import Foundation
import RuleGraph
import RuleParser
import Testing

/// What the firewall of the sample host must do, proved for every packet that a question describes.
@Suite struct FirewallTests {
  /// The host, read from the dumps of a sample.
  static let host: HostReading = {
    var folder = URL(filePath: #filePath)
    for _ in 0..<5 { folder.deleteLastPathComponent() }
    let samples = folder.appending(path: "samples/tomcat-redis")
    let inputs = ["filter.txt", "nat.txt"].map { name in
      DumpInput(name: name, bytes: Array((try? Data(contentsOf: samples.appending(path: name))) ?? Data()))
    }
    return DumpReader().read(inputs)
  }()

  /// The cases of a question: together they are all of its packets.
  private func cases(_ options: KeyValuePairs<QueryOption, String>) throws -> [Case] {
    var question = QueryBuilder(facts: Self.host.facts)
    for (option, text) in options { try question.set(option, text) }
    return Tracer(Self.host.ruleset, facts: Self.host.facts).trace(try question.query()).cases
  }

  @Test func everyPacketForThePublishedPortEndsAtTheTomcat() throws {
    let cases = try cases([
      .input: "ens33", .src: "203.0.113.0/24", .dst: "192.168.0.140:32769", .hostAddress: "192.168.0.140",
    ])
    #expect(!cases.isEmpty)
    for one in cases {
      #expect(one.verdict == .accept && one.fate == .forward)
      #expect(one.packet.destination == ValueSet(try #require(IPAddress("172.17.0.2")).bits))
      #expect(one.packet.destinationPort == ValueSet(8080))
    }
  }

  @Test(arguments: ["1-8079", "8081-65535"])
  func noOtherPortOfTheTomcatIsOpen(_ ports: String) throws {
    let cases = try cases([.input: "ens33", .src: "203.0.113.0/24", .dst: "172.17.0.2", .dport: ports])
    #expect(!cases.isEmpty)
    #expect(cases.allSatisfy { $0.verdict == .drop })
  }

  @Test func containersLeaveBehindTheHostsAddress() throws {
    let cases = try cases([.input: "docker0", .src: "172.17.0.2", .dst: "203.0.113.9:443"])
    #expect(cases.allSatisfy { $0.translations.contains { $0.kind == .masquerade } })
  }
}

import FlowTrace
import Reports
import RuleGraph
import RuleParser
import Testing

/// What the firewall of the sample host must do, proved for every packet that a question describes.
@Suite struct FirewallTests {
  /// The host, read from the dumps of a sample.
  static let host: HostReading = {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(5).joined(separator: "/")
    let files = ["filter.txt", "nat.txt"].compactMap { DumpInput(file: "\(root)/samples/tomcat-redis/\($0)") }
    return DumpReader().read(files)
  }()

  let host = Self.host

  @Test func theDumpsAreUnderstood() {
    #expect(!host.ruleset.tables.isEmpty)
    #expect(host.diagnostics.allSatisfy { $0.severity == .note })
  }

  @Test func everyPacketForThePublishedPortEndsAtTheTomcat() {
    var query = Query(
      .tcp, from: "203.0.113.0/24", to: "192.168.0.140", port: 32769, input: .interface("ens33"))
    query.hostAddresses = "192.168.0.140"
    let trace = host.trace(query)
    #expect(trace.verdict == .accept, "\(host.explanation(of: trace))")
    for part in trace.cases {
      #expect(part.fate == .forward)
      #expect(part.packet.destination == "172.17.0.2")
      #expect(part.packet.destinationPort == 8080)
    }
  }

  @Test(arguments: [ValueSet(1...8079), ValueSet(8081...65535)])
  func noOtherPortOfTheTomcatIsOpen(_ ports: ValueSet) {
    let trace = host.trace(
      Query(.tcp, from: "203.0.113.0/24", to: "172.17.0.2", port: ports, input: .interface("ens33")))
    #expect(trace.verdict == .drop, "\(host.explanation(of: trace))")
  }

  @Test func containersLeaveWithTheHostsAddress() {
    let trace = host.trace(Query(.tcp, from: "172.17.0.2", to: "203.0.113.9", port: 443, input: .interface("docker0")))
    #expect(trace.cases.allSatisfy { $0.translations.contains { $0.kind == .masquerade } })
  }
}

import Foundation
import HostModel
import RuleGraph
import RuleParser
import TestHosts
import Testing
import Traffic

@testable import Reports

/// Traces that a kernel made of packets of Docker hosts, beside the dumps of these hosts.
@Suite struct CorpusTraceTests {
  private static let corpus = Samples.root.deletingLastPathComponent().appending(path: "shared/corpus/docker-20.10")
  private static let hosts = ["03-tomcat-redis", "04-mynet", "19-brnf-off", "30-legacy-tomcat-redis"]
  private static let dumps = [
    "iptables-save.txt", "ip-addr.txt", "ip-route.txt", "sysctl.txt", "docker-network-inspect.json",
    "docker-inspect.json", "bridge-link.txt",
  ]

  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: corpus.path), "needs ../shared/corpus"), arguments: hosts)
  func theModelDoesWhatTheKernelDid(_ host: String) throws {
    let folder = Self.corpus.appending(path: host)
    let names = Self.dumps.map {
      host.contains("legacy") && $0 == "iptables-save.txt" ? "iptables-legacy-save.txt" : $0
    }
    let inputs = try names.map { name in
      DumpInput(name: name, bytes: Array(try Data(contentsOf: folder.appending(path: name))))
    }
    let reading = DumpReader().read(inputs)
    let traces = folder.appending(path: "trace")
    var agree = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: traces.path).sorted() {
      let text = try String(contentsOf: traces.appending(path: name), encoding: .utf8)
      let reader = KernelTraceReader(text)
      #expect(reader.unreadable == [], "\(name)")
      let verification = TraceVerification(reader.traces, reading.ruleset, facts: reading.facts)
      agree += verification.counts.agree
      #expect(
        verification.counts.differ == 0,
        "\(name)\n\(VerificationText(reading.ruleset, traceName: name).text(of: verification))")
    }
    #expect(agree >= 40)
  }
}

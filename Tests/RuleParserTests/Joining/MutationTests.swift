import Foundation
import HostModel
import Randomness
import RuleGraph
import Testing

@testable import RuleParser

/// No input crashes or hangs: dumps with bytes changed, lines cut, swapped, doubled and left out.
@Suite(.enabled(if: SharedCorpus.isPresent, "the corpus isn't here")) struct MutationTests {
  /// One short file of each kind of output, and a paste with prompts and prose.
  static let samples: [String] =
    [
      "ifconfig.txt", "ip-rule.txt", "bridge-link.txt", "brctl-show.txt", "bridge-j-link.json", "docker-ps.txt",
      "docker-network-ls.txt", "docker-network-inspect.json", "ss-tulnp.txt", "netstat-tunlp.txt", "docker-info.txt",
      "sysctl.txt", "ip-route-table-all.txt", "ip-j-route-table-all.json", "route-n.txt", "ip-addr.txt",
      "ip-d-link.txt",
      "ip-j-addr.json", "docker-proxy.txt", "iptables-version.txt", "iptables-save-c.txt", "iptables-S.txt",
      "iptables-vnL.txt", "iptables-t-nat-nL.txt", "nft-list-ruleset.txt", "nft-j-list-ruleset.json",
    ].map { "corpus/docker-20.10/03-tomcat-redis/" + $0 }

  @Test(arguments: samples)
  func aChangedDumpIsRead(_ path: String) throws {
    let bytes = try SharedCorpus.bytes(path)
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var random = RandomNumbers(seed: UInt64(bytes.count))
    for round in 0..<380 {
      let input = DumpInput(name: round % 2 == 0 ? name : "-", bytes: mutated(bytes, by: &random))
      let reading = DumpReader().read([input])
      // Every place that is pointed at exists.
      for diagnostic in reading.diagnostics {
        guard let span = diagnostic.span else { continue }
        #expect(span.offset >= 0 && span.offset + span.length <= input.bytes.count && span.line >= 1)
      }
    }
  }

  @Test func aChangedPostIsRead() throws {
    let bytes = try SharedCorpus.bytes("seeds/001_6622d48401cb28f9.txt")
    var random = RandomNumbers(seed: 1)
    for _ in 0..<60 {
      let start = random.number(0...bytes.count - 1)
      let piece = Array(bytes[start..<min(start + 12_000, bytes.count)])
      let reading = DumpReader().read([DumpInput(name: "-", bytes: mutated(piece, by: &random))], snapshot: 1)
      #expect(reading.snapshotCount >= 1)
    }
  }

  /// Two changed forms of one table, joined.
  @Test func changedFormsAreJoined() throws {
    let folder = "corpus/docker-20.10/03-tomcat-redis/"
    let forms = try ["iptables-save.txt", "iptables-vnL.txt", "nft-j-list-ruleset.json"].map { name in
      (name, try SharedCorpus.bytes(folder + name))
    }
    var random = RandomNumbers(seed: 2)
    for _ in 0..<60 {
      let inputs = forms.map { DumpInput(name: $0.0, bytes: mutated($0.1, by: &random)) }
      #expect(DumpReader().read(inputs).snapshotCount >= 1)
    }
  }
}

import Foundation
import HostModel
import RuleGraph
import Testing

@testable import RuleParser

/// No input crashes or hangs: dumps with bytes changed, lines cut, swapped, doubled and left out.
@Suite(.enabled(if: SharedCorpus.isPresent, "the corpus isn't here")) struct MutationTests {
  /// Pseudo-random numbers that are the same in every run.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      // SplitMix64.
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
      return mixed ^ (mixed >> 31)
    }
  }

  static func mutated(_ bytes: [UInt8], by generator: inout Generator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 1: bytes.remove(at: at)
      case 2:
        bytes.insert(Array(" \t\n:/,-!{}[]\"\\`>#$0fF\u{1b}\u{0}".utf8).randomElement(using: &generator) ?? 0, at: at)
      case 3: bytes.removeSubrange(at..<min(at + Int.random(in: 1...40, using: &generator), bytes.count))
      case 4: bytes = Array(bytes[..<at])
      case 5:
        let end = min(at + Int.random(in: 1...80, using: &generator), bytes.count)
        bytes.insert(contentsOf: Array(bytes[at..<end]), at: Int.random(in: 0..<bytes.count, using: &generator))
      case 6:
        bytes.insert(contentsOf: Array("99999999999999999999".utf8), at: at)
      default:
        var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        lines.swapAt(
          Int.random(in: 0..<lines.count, using: &generator), Int.random(in: 0..<lines.count, using: &generator))
        bytes = Array(lines.joined(separator: [0x0a]))
      }
    }
    return bytes
  }

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
    var generator = Generator(state: UInt64(bytes.count))
    for round in 0..<380 {
      let input = DumpInput(name: round % 2 == 0 ? name : "-", bytes: Self.mutated(bytes, by: &generator))
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
    var generator = Generator(state: 1)
    for _ in 0..<60 {
      let start = Int.random(in: 0..<bytes.count, using: &generator)
      let piece = Array(bytes[start..<min(start + 12_000, bytes.count)])
      let reading = DumpReader().read([DumpInput(name: "-", bytes: Self.mutated(piece, by: &generator))], snapshot: 1)
      #expect(reading.snapshotCount >= 1)
    }
  }

  /// Two changed forms of one table, joined.
  @Test func changedFormsAreJoined() throws {
    let folder = "corpus/docker-20.10/03-tomcat-redis/"
    let forms = try ["iptables-save.txt", "iptables-vnL.txt", "nft-j-list-ruleset.json"].map { name in
      (name, try SharedCorpus.bytes(folder + name))
    }
    var generator = Generator(state: 2)
    for _ in 0..<60 {
      let inputs = forms.map { DumpInput(name: $0.0, bytes: Self.mutated($0.1, by: &generator)) }
      #expect(DumpReader().read(inputs).snapshotCount >= 1)
    }
  }
}

import Foundation
import KernelLab

/// A measured behaviour of the kernel: routers with rules, packets (`?`) and what the kernel does with each (`=`), as one text file.
///
///     # 7. RETURN in a base chain is the policy.
///     == router
///     veth eth0 192.168.0.140/24
///     == rules
///     % nft
///     % ipv4
///     *filter
///     -A INPUT -j RETURN
///     COMMIT
///     == packets
///     ? from=eth0 src=192.168.0.50 dst=192.168.0.140 dport=80
///     = local 6 192.168.0.50:40000 > 192.168.0.140:80
struct FactFile: Sendable, CustomStringConvertible {
  /// One router and the packets sent into it.
  struct Block: Sendable {
    var topology: Topology
    var ruleset: RulesetText
    var questions: [(probe: Probe, answer: String?)]
  }

  var url: URL
  var title: String
  var blocks: [Block]

  var description: String { title }
  /// Whether something that no dump of the laboratory shows decides (a socket that listens): one of fwtrace's cases must be the kernel's.
  var isEnvironment: Bool { title.hasSuffix("(environment)") }

  /// All facts, in the order of their numbers; with `FWTRACE_FACT=66` those whose name begins so.
  static var all: [FactFile] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Facts")
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    let wanted = ProcessInfo.processInfo.environment["FWTRACE_FACT"] ?? ""
    return files.filter { $0.lastPathComponent.hasPrefix(wanted) }.sorted { $0.path < $1.path }
      .compactMap(FactFile.init)
  }

  init?(url: URL) {
    guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
    self.url = url
    title = String(text.prefix { $0 != "\n" }.dropFirst(2))
    blocks = []
    var sections: [String: String] = [:]
    var name = ""
    func finished() -> Block? {
      guard let router = sections["router"].flatMap({ Topology($0) }), let packets = sections["packets"],
        let rules = RulesetText(sections["rules"] ?? "")
      else { return nil }
      return Block(topology: router, ruleset: rules, questions: Self.questions(packets))
    }
    for line in text.split(separator: "\n").dropFirst() {
      if line == "== router", let block = finished() {
        blocks.append(block)
        sections = [:]
      }
      if line.hasPrefix("== ") { name = String(line.dropFirst(3)) } else { sections[name, default: ""] += line + "\n" }
    }
    if let block = finished() { blocks.append(block) }
  }

  private static func questions(_ text: String) -> [(probe: Probe, answer: String?)] {
    var found: [(probe: Probe, answer: String?)] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("? "), let probe = Probe(line.dropFirst(2)) { found.append((probe, nil)) }
      if line.hasPrefix("= "), !found.isEmpty { found[found.count - 1].answer = String(line.dropFirst(2)) }
    }
    return found
  }

  /// Writes the kernel's answers of today into the file.
  func record(_ answers: [[String]]) throws {
    var text = "# \(title)\n"
    for (block, lines) in zip(blocks, answers) {
      text += "== router\n\(block.topology)== rules\n\(block.ruleset)== packets\n"
      for (question, answer) in zip(block.questions, lines) { text += "? \(question.probe)\n= \(answer)\n" }
    }
    try Data(text.utf8).write(to: url)
  }
}

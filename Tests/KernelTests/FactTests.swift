import Foundation
import KernelLab
import Testing

/// Each measured behaviour: the kernel still shows it, and fwtrace knows it.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs root, network namespaces and nf_tables"))
struct FactTests {
  @Test(arguments: FactFile.all)
  func `the kernel behaves as written down`(_ fact: FactFile) throws {
    let answers = try fact.blocks.map { block in
      try Lab.inOwnThread {
        let lab = try Lab(block.topology)
        try lab.load(block.ruleset)
        try lab.startTracing()
        return block.questions.map { lab.observe($0.probe)?.summary ?? "no flow" }
      }
    }
    if ProcessInfo.processInfo.environment["FWTRACE_RECORD_FACTS"] != nil {
      try fact.record(answers)
      Issue.record("recorded; run again without FWTRACE_RECORD_FACTS")
      return
    }
    for (block, lines) in zip(fact.blocks, answers) {
      for (question, line) in zip(block.questions, lines) {
        #expect(Self.fits(line, question.answer), "\(question.probe): \(line), written down \(question.answer ?? "-")")
      }
    }
  }

  /// Whether an answer is the one that is written down, in which a `*` stands for what the kernel chooses by chance.
  private static func fits(_ answer: String, _ written: String?) -> Bool {
    guard let parts = written?.split(separator: "*", omittingEmptySubsequences: false) else { return false }
    guard let first = parts.first, let last = parts.last, parts.count == 2 else { return answer == written }
    return answer.hasPrefix(first) && answer.hasSuffix(last)
  }
}

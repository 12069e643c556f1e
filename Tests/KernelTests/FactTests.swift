import Foundation
import KernelLab
import Testing

/// Each measured behaviour: the kernel still shows it, and fwtrace knows it.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct FactTests {
  @Test(arguments: FactFile.all)
  func theKernelBehavesAsWrittenDown(_ fact: FactFile) throws {
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

  /// fwtrace's answer from the dumps, in each form that shows the rules wholly.
  @Test(arguments: FactFile.all)
  func fwtraceKnowsIt(_ fact: FactFile) throws {
    for block in fact.blocks {
      for form in Lab.DumpForm.allCases where form.shows(block.ruleset) {
        let problems = try Lab.inOwnThread {
          let trial = try Trial(block.topology, block.ruleset, form: form)
          return try block.questions.compactMap { question -> String? in
            guard question.answer != "no flow", !question.probe.hasBadChecksum else { return nil }
            let (asked, observation, result, trace) = try trial.compare(question.probe)
            switch result {
            case .agreed: return nil
            case .undetermined where fact.isEnvironment: return nil
            case .undetermined(let reason): return "\(form.rawValue) \(asked): undetermined, \(reason)"
            case .disagreed(let difference):
              return "\(form.rawValue) \(asked): \(difference)\n\(observation)\(trial.words(trace))"
            }
          }
        }
        for problem in problems { Issue.record(Comment(rawValue: "\(problem)\n\(block.ruleset)")) }
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

extension Lab.DumpForm {
  /// Whether the form shows all of a ruleset: nft hides most of what iptables wrote.
  func shows(_ ruleset: RulesetText) -> Bool {
    let hasIptables = !(ruleset.ipv4.isEmpty && ruleset.ipv6.isEmpty)
    switch self {
    case .save, .listing: return hasIptables
    case .nftText: return !hasIptables
    // nft 1.0.6 leaves the devices of chains out of its JSON.
    case .nftJSON: return !hasIptables && !ruleset.hooksDevices
    }
  }
}

import FlowTrace
import Foundation
import KernelLab
import Randomness
import RuleGraph
import RuleParser
import Testing

/// A case of an open question speaks for many packets: the kernel must treat each of them as the case says, and each must be in one case.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct OpenQuestionTests {
  struct Outcome: Sendable {
    var questions = 0
    var cases = 0
    var compared = 0
    /// Packets whose case depends on something that the dumps do not tell.
    var undetermined = 0
    var reports: [String] = []
  }

  @Test(arguments: Scenario.Profile.allCases)
  func theKernelTreatsEachPacketAsItsCaseSays(_ profile: Scenario.Profile) {
    var outcome = Outcome()
    var seed: UInt64 = 500_000
    while outcome.compared < Asked.packets / 4, outcome.reports.count < 5, seed < 500_100 {
      let number = seed
      if let one = try? Lab.inOwnThread({ try Self.outcome(profile, seed: number) }) {
        outcome.questions += one.questions
        outcome.cases += one.cases
        outcome.compared += one.compared
        outcome.undetermined += one.undetermined
        outcome.reports += one.reports
      }
      seed += 1
    }
    print(
      "\(profile.rawValue), open questions: \(outcome.compared) compared, \(outcome.reports.count) disagreed",
      "(\(outcome.questions) questions, \(outcome.cases) cases, \(outcome.undetermined) packets undetermined)")
    for report in outcome.reports { Issue.record(Comment(rawValue: report)) }
    #expect(outcome.compared >= Asked.packets / 4)
  }

  private static func outcome(_ profile: Scenario.Profile, seed: UInt64) throws -> Outcome {
    let scenario = Scenario(profile, seed: seed, probes: Campaign.probesPerRuleset)
    let trial = try Trial(scenario.topology, scenario.ruleset, form: scenario.form)
    var random = RandomNumbers(seed: seed)
    var outcome = Outcome()
    for probe in scenario.probes.prefix(12) {
      guard
        let question = try OpenQuestion(probe, scenario.topology, facts: trial.reading.facts, by: &random)
      else { continue }
      let trace = trial.trace(question.query)
      outcome.questions += 1
      outcome.cases += trace.cases.count
      for part in trace.cases.prefix(40) {
        for packet in question.packets(of: part, limit: 2, like: scenario.probes, by: &random) {
          switch trial.compare(packet, with: trace) {
          case .agreed: outcome.compared += 1
          case .undetermined: outcome.undetermined += 1
          case .disagreed(let difference):
            outcome.compared += 1
            let alone = try trial.compare(packet)
            outcome.reports.append(
              "\(profile.rawValue)-\(seed): \(difference)\n\(packet)\nopen: \(question.opened)\n\(trial.words(part))\nasked alone: \(alone.result)\n\(trial.words(alone.trace))\nkernel: \(alone.observation)\(scenario.topology)\(trial.ruleset)"
            )
          }
        }
      }
    }
    return outcome
  }
}

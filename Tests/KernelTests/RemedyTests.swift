import FlowTrace
import KernelLab
import RuleParser
import Testing

/// A rule that fwtrace says would let a packet through is added with the printed command, and the packet is sent again.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct RemedyTests {
  /// What became of one generated ruleset: the commands that were tried, and those after which the kernel still dropped.
  struct Outcome: Sendable {
    var tried: [String] = []
    var failed: [String] = []
  }

  @Test(arguments: Scenario.Profile.allCases)
  func theCommandLetsTheDroppedPacketThrough(_ profile: Scenario.Profile) throws {
    var outcome = Outcome()
    for seed in UInt64(1)...40 where outcome.tried.count < 6 {
      guard let one = try? Lab.inOwnThread({ try Self.outcome(profile, seed: seed) }) else { continue }
      outcome.tried += one.tried
      outcome.failed += one.failed
    }
    print("\(profile.rawValue): \(outcome.tried.count) commands tried, \(outcome.failed.count) did not help")
    #expect(outcome.tried.count >= 4)
    #expect(outcome.failed == [], "\(outcome.failed.joined(separator: "\n"))")
  }

  /// The first packet of a ruleset that the kernel drops and for which there is a rule.
  private static func outcome(_ profile: Scenario.Profile, seed: UInt64) throws -> Outcome {
    let scenario = Scenario(profile, seed: 9000 + seed, probes: 12)
    let trial = try Trial(scenario.topology, scenario.ruleset, form: scenario.form)
    var outcome = Outcome()
    for probe in scenario.probes where probe.moment == .first && !probe.hasBadChecksum && outcome.tried.isEmpty {
      var options = Tracer.Options()
      options.wanted = .accept
      let query = try probe.query(trial.lab.topology, facts: trial.reading.facts)
      let trace = Tracer(trial.reading.ruleset, facts: trial.reading.facts).trace(query, options: options)
      guard trace.cases.count == 1, let rule = trace.cases[0].remedy?.rule,
        trial.lab.observe(probe)?.fate == .discarded
      else { continue }
      // A dump does not always say which of the two iptables printed it.
      let isLegacy = trial.ruleset.backend == .legacy
      let command =
        isLegacy
        ? rule.command.replacing("tables ", with: "tables-legacy ")
        : rule.command
      outcome.tried.append(command)
      let added = try runCommand(["sh", "-c", command])
      if added.status != 0 {
        outcome.failed.append("seed \(seed): \(command): \(added.errors)")
      } else if trial.lab.observe(probe)?.fate == .discarded {
        outcome.failed.append("seed \(seed): \(command): \(probe) is still dropped\n\(trial.ruleset)")
      }
    }
    return outcome
  }
}

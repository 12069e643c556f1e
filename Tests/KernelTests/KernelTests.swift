import Foundation
import KernelLab
import Testing

/// fwtrace beside the Linux kernel: the same packet, the same rules, the same answer.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct KernelTests {
  /// `N compared, 0 disagreed` is printed for each profile; the seeds are always the same.
  @Test(arguments: Scenario.Profile.allCases)
  func fwtraceAndTheKernelAgreeOnGeneratedPackets(_ profile: Scenario.Profile) {
    let campaign = Campaign.run(profile, seed: 1) {
      $0.compared >= Asked.packets || $0.disagreed >= 100 || $0.refused >= 100
    }
    print(campaign.summary(profile.rawValue))
    for report in campaign.reports { Issue.record(Comment(rawValue: report)) }
    #expect(campaign.disagreed == 0)
    #expect(campaign.compared >= Asked.packets)
    let accepted = Double(campaign.mixture["accepted"] ?? 0) / Double(campaign.mixture.values.reduce(1, +))
    #expect(accepted > 0.2 && accepted < 0.9, "the packets should be a mixture")
  }

  @Test(arguments: RegressionCase.kept)
  func aCaseThatOnceWentWrongStaysRight(_ regression: RegressionCase) throws {
    let outcome = try Lab.inOwnThread { try regression.outcome() }
    #expect(outcome.answer == regression.answer, "the kernel itself answers otherwise than when the case was written")
    #expect(outcome.difference == nil, "\(outcome.words)")
  }

  /// `FWTRACE_SOAK_SECONDS` and `FWTRACE_SOAK_SEED` come from `make kernel-soak`; without them there is nothing to soak.
  @Test(arguments: Asked.soak)
  func fwtraceAndTheKernelAgreeForAsLongAsOneLikes(_ soak: Soak) {
    let end = Date(timeIntervalSinceNow: soak.seconds)
    let campaign = Campaign.run(soak.profile, seed: soak.seed &* 1_000_000) { Date() >= end || $0.disagreed >= 100 }
    print(campaign.summary("\(soak.profile.rawValue), seed \(soak.seed)"))
    for report in campaign.reports { Issue.record(Comment(rawValue: report)) }
    #expect(campaign.disagreed == 0)
  }

  /// `FWTRACE_KERNEL_CASE=iptables-10-7` shows one generated packet with its rules and both answers.
  @Test(arguments: Asked.cases)
  func oneGeneratedPacketInDetail(_ name: String) throws {
    let words = name.split(separator: "-")
    guard words.count == 3, let profile = Scenario.Profile(rawValue: String(words[0])), let seed = UInt64(words[1]),
      let number = Int(words[2])
    else { return }
    let text: String = try Lab.inOwnThread {
      let scenario = Scenario(profile, seed: seed, probes: Campaign.probesPerRuleset)
      let trial = try Trial(scenario.topology, scenario.ruleset, form: scenario.form)
      let (asked, observation, result, trace) = try trial.compare(scenario.probes[number])
      return "\(name): \(result)\n\(asked)\n\(scenario.topology)\(trial.ruleset)"
        + "kernel: \(observation)fwtrace: \(trial.words(trace))\n"
    }
    print(text)
  }
}

/// A run of one profile with a seed of its own.
struct Soak: Sendable {
  var profile: Scenario.Profile
  var seconds: Double
  var seed: UInt64
}

/// What the environment asks for beyond the tests that always run.
enum Asked {
  private static func value(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  static var soak: [Soak] {
    guard let seconds = value("FWTRACE_SOAK_SECONDS").flatMap({ Double($0) }) else { return [] }
    let seed = value("FWTRACE_SOAK_SEED").flatMap { UInt64($0) } ?? 1
    let profiles = Scenario.Profile.allCases
    return profiles.map { Soak(profile: $0, seconds: seconds / Double(profiles.count), seed: seed) }
  }

  static var cases: [String] { value("FWTRACE_KERNEL_CASE")?.split(separator: ",").map(String.init) ?? [] }

  /// Fewer packets than usual, for the mutants.
  static var packets: Int { value("FWTRACE_KERNEL_PACKETS").flatMap { Int($0) } ?? 2000 }
}

import Foundation
import KernelLab

/// Many generated packets of one profile, and what came of them.
struct Campaign: Sendable {
  /// Packets that were compared and determined.
  var compared = 0
  var disagreed = 0
  /// Packets of which fwtrace says that the dumps do not tell.
  var undetermined = 0
  /// Rulesets that the tools refused altogether.
  var refused = 0
  /// Packets by what the kernel did with them.
  var mixture: [String: Int] = [:]
  var translated = 0
  /// Rulesets by the constructs in them.
  var constructs: [String: Int] = [:]
  var reasons: [String: Int] = [:]
  /// Reports of disagreements, ready to be read.
  var reports: [String] = []

  /// Packets sent into each generated router.
  static let probesPerRuleset = 40

  /// Compares scenario after scenario, from a seed on, until `isEnough` says so.
  static func run(
    _ profile: Scenario.Profile, seed: UInt64, keepingReports limit: Int = 5,
    until isEnough: @Sendable (Campaign) -> Bool
  ) -> Campaign {
    var campaign = Campaign()
    var next = seed
    while !isEnough(campaign) {
      campaign.add(profile, seed: next, limit: limit)
      next += 1
    }
    return campaign
  }

  private mutating func add(_ profile: Scenario.Profile, seed: UInt64, limit: Int) {
    let scenario = Scenario(profile, seed: seed, probes: Self.probesPerRuleset)
    let quiet = ProcessInfo.processInfo.environment["FWTRACE_LIST_DISAGREEMENTS"] != nil
    let room = quiet ? 0 : limit - reports.count
    do {
      merge(try Lab.inOwnThread { try Campaign.outcome(of: scenario, name: "\(profile.rawValue)-\(seed)", room: room) })
    } catch {
      refused += 1
      reasons["not loaded: \(error)", default: 0] += 1
    }
  }

  private static func outcome(of scenario: Scenario, name: String, room: Int) throws -> Campaign {
    var outcome = Campaign()
    let trial = try Trial(scenario.topology, scenario.ruleset, form: scenario.form)
    for (number, probe) in scenario.probes.enumerated() {
      let (asked, observation, result, trace) = try trial.compare(probe)
      outcome.count(observation, asked)
      switch result {
      case .agreed: outcome.compared += 1
      case .undetermined(let reason):
        outcome.undetermined += 1
        outcome.reasons[String(reason.prefix(160)), default: 0] += 1
      case .disagreed(let difference):
        outcome.compared += 1
        outcome.disagreed += 1
        if ProcessInfo.processInfo.environment["FWTRACE_LIST_DISAGREEMENTS"] != nil {
          print("\(name) \(scenario.form.rawValue) \(number): \(difference) | \(asked)")
        }
        if outcome.reports.count < room {
          let regression = RegressionCase(
            name: "\(name)-\(number)", topology: scenario.topology, ruleset: trial.ruleset, form: scenario.form,
            probe: asked,
            answer: observation.summary)
          let report =
            "\(name) packet \(number): \(difference)\n\(asked)\nkernel: \(observation)fwtrace: \(trial.words(trace))\n"
          outcome.reports.append(report + regression.saved())
        }
      }
    }
    for construct in scenario.constructs { outcome.constructs[construct, default: 0] += 1 }
    return outcome
  }

  private mutating func count(_ observation: Observation, _ probe: Probe) {
    let outcome =
      observation.fate != .discarded
      ? "accepted" : observation.answer == nil || observation.droppedByRules == false ? "dropped" : "rejected"
    mixture[outcome, default: 0] += 1
    if let packet = observation.packet, packet.isTranslated(from: probe) { translated += 1 }
  }

  mutating func merge(_ other: Campaign) {
    compared += other.compared
    disagreed += other.disagreed
    undetermined += other.undetermined
    refused += other.refused
    translated += other.translated
    mixture.merge(other.mixture, uniquingKeysWith: +)
    constructs.merge(other.constructs, uniquingKeysWith: +)
    reasons.merge(other.reasons, uniquingKeysWith: +)
    reports += other.reports
  }

  /// The figures in a few lines.
  func summary(_ name: String) -> String {
    let kinds = ["accepted", "dropped", "rejected"].map { "\(mixture[$0] ?? 0) \($0)" }.joined(separator: ", ")
    let top = reasons.sorted { $0.value > $1.value }.prefix(6).map { "  \($0.value) x \($0.key)" }
    let covered = constructs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    return """
      \(name): \(compared) compared, \(disagreed) disagreed
        \(kinds), \(translated) translated; \(undetermined) undetermined, \(refused) rulesets not loaded
        rulesets by construct: \(covered)

      """ + (top.isEmpty ? "" : "  not determined or not loaded:\n" + top.joined(separator: "\n") + "\n")
  }
}

extension PacketHeader {
  func isTranslated(from probe: Probe) -> Bool {
    if probe.moment == .reply {
      return source != probe.destination || destination != probe.source
    }
    return source != probe.source || destination != probe.destination
      || destinationPort != probe.destinationPort
        && (probe.proto == 6 || probe.proto == 17)
  }
}

import FlowTrace
package import HostAnalysis
package import RuleGraph

/// What changed between two rulesets as a SARIF log: each change at the line of the new rule that decides, related to
/// that of the old one.
package enum DifferenceSARIF {
  private static let kinds = [
    SARIFLog.Kind(id: "verdict-changed", text: "Packets are accepted, dropped or rejected that were not."),
    SARIFLog.Kind(id: "translation-changed", text: "Addresses or ports of packets become others than before."),
    SARIFLog.Kind(id: "fate-changed", text: "Packets go elsewhere, or are refused with another answer."),
    SARIFLog.Kind(id: "undetermined-change", text: "The dumps do not show whether something changed."),
  ]

  /// The log. Changes of the deciding rule alone are none.
  package static func bytes(of difference: Difference, _ old: Ruleset, _ new: Ruleset, version: String) -> [UInt8] {
    let words = DifferenceWords(old: DifferenceSide(old), new: DifferenceSide(new))
    var results = difference.changes.compactMap { change -> SARIFLog.Result? in
      guard let kind = kind(change.kind) else { return nil }
      let packets = packets(change.packets, words)
      let message =
        [
          "\(words.heading(change)): \(packets)",
          "old: \(words.fate(change.old, change.kind)) by \(words.old.decider(change.old))",
          "new: \(words.fate(change.new, change.kind)) by \(words.new.decider(change.new))",
        ] + (change.witness.map { ["e.g. \(DifferenceWords.witness($0))"] } ?? [])
      return SARIFLog.Result(
        kind: kind, level: .error, message: message.joined(separator: "\n"),
        places: [place(change.new, new)].compactMap(\.self), related: [place(change.old, old)].compactMap(\.self),
        fingerprint: ("change/v1", "\(words.heading(change)) \(packets)"))
    }
    results += difference.unknown.map { doubt in
      let packets = packets(doubt.packets, words)
      return SARIFLog.Result(
        kind: 3, level: .warning, message: "\(packets): \(words.reason(doubt).text)",
        places: [place(doubt.new, new)].compactMap(\.self), related: [place(doubt.old, old)].compactMap(\.self),
        fingerprint: ("change/v1", "undetermined \(packets)"))
    }
    return SARIFLog(kinds: kinds, results: results, version: version).bytes
  }

  private static func kind(_ kind: Change.Kind) -> Int? {
    switch kind {
    case .verdict: 0
    case .translation: 1
    case .fate: 2
    case .rule: nil
    }
  }

  private static func packets(_ sets: [PacketSet], _ words: DifferenceWords) -> String {
    guard let first = sets.first else { return "" }
    return words.boxes(first).prefix(4).map { DifferenceWords.preface(first) + $0 }.joined(separator: "; ")
  }

  private static func place(_ outcome: Outcome, _ ruleset: Ruleset) -> SARIFLog.Place? {
    switch outcome.deciders.first {
    case .rule(let id): ruleset.holds(id) ? SARIFLog.Place(ruleset[id].span, in: ruleset.sources) : nil
    case .policy(let id): ruleset.holds(id) ? SARIFLog.Place(ruleset[id].span, in: ruleset.sources) : nil
    case .nothing, .outside: nil
    }
  }
}

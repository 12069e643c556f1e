import FlowTrace
package import HostAnalysis
package import RuleGraph

/// The findings of an audit as a SARIF log: each at its rule's line in the dump, related to the lines of the rules that
/// prove it.
package enum AuditSARIF {
  /// The log.
  package static func bytes(of audit: Audit, _ ruleset: Ruleset, version: String) -> [UInt8] {
    let kinds = Finding.ID.allCases.map { SARIFLog.Kind(id: $0.rawValue, text: FindingWords.meaning($0)) }
    let words = FindingWords(ruleset)
    let results = audit.findings.compactMap { finding -> SARIFLog.Result? in
      guard let kind = Finding.ID.allCases.firstIndex(of: finding.id) else { return nil }
      let place = [words.place(finding), words.rule(finding)].compactMap(\.self).joined(separator: ", ")
      let sentence = words.sentence(finding) + (words.mend(finding).map { ". Fix: \($0)" } ?? "")
      let span = finding.rule.map { ruleset[$0].span } ?? finding.chain.flatMap { ruleset[$0].span }
      return SARIFLog.Result(
        kind: kind, level: level(finding.severity), message: place.isEmpty ? sentence : "\(place): \(sentence)",
        places: [SARIFLog.Place(span, in: ruleset.sources)].compactMap(\.self),
        related: finding.because.prefix(relatedLimit).compactMap {
          SARIFLog.Place(ruleset[$0].span, in: ruleset.sources)
        },
        fingerprint: ("finding/v1", finding.key(in: ruleset)))
    }
    return SARIFLog(kinds: kinds, results: results, version: version).bytes
  }

  /// More lines of other rules than this help nobody.
  private static let relatedLimit = 16

  private static func level(_ severity: Finding.Severity) -> SARIFLog.Level {
    switch severity {
    case .high: .error
    case .warning: .warning
    case .note: .note
    }
  }
}

import FlowTrace
package import PolicyCheck
package import RuleGraph

extension Recorder.Reason {
  /// Why packets were not recorded; `ruleset` is the host's.
  package func text(in ruleset: Ruleset) -> String {
    switch self {
    case .noPacket: return "no packet fits this question"
    case .undetermined(let conditions):
      return "undetermined: " + conditions.compactMap { $0.text(in: ruleset) }.joined(separator: "; ")
    case .conditional(let verdict, let conditions):
      let texts = conditions.compactMap { $0.text(in: ruleset) }
      return "\(verdict.rawValue) only if " + texts.joined(separator: " and ")
    case .tooManyPieces(let verdict): return "a part that is \(verdict.past) has too many pieces to be written down"
    }
  }
}

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

extension Rerecorder.Reason {
  /// Why a test stays as it is.
  package var text: String {
    switch self {
    case .authorsChoice: "only, one-of, via and never-via are the author's to decide"
    case .noCommonAnswer: "its packets have no common answer today"
    case .refused(let key, let refusal): "\(key): \(refusal.text)"
    }
  }
}

extension PolicyEditor.Refusal {
  /// Why the text of a policy can't be changed.
  package var text: String {
    switch self {
    case .testsOnOneLine: "the tests do not stand on lines of their own, so none can be added to them"
    case .testsInBrackets: "the tests are written in brackets; begin them on a line of their own"
    case .movedText: "the text is not where it was read"
    case .severalLines: "the text goes over several lines"
    case .noPlainScalar: "the text is not a plain scalar"
    }
  }
}

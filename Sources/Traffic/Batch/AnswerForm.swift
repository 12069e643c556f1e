package import FlowTrace
package import RuleGraph

/// How the answers of a batch are written, each with a line end behind it.
package protocol AnswerForm: Sendable {
  /// The answer to a question.
  func bytes(of trace: Trace, diagnostics: [Diagnostic]) -> [UInt8]
  /// The answer to a line that is no question.
  func bytes(ofError message: String, id: String?) -> [UInt8]
}

package import FlowTrace
package import RuleGraph

/// How the answers of a batch are written, each with a line end behind it.
package protocol AnswerForm: Sendable {
  /// How an answer to a question with a name begins, up to the name.
  var beginning: [UInt8] { get }
  /// The answer to a question.
  func bytes(of trace: Trace, diagnostics: [Diagnostic]) -> [UInt8]
  /// The answer to a line that is no question.
  func bytes(ofError message: String, id: String?) -> [UInt8]
}

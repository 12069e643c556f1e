package import FlowTrace
package import HostModel
package import RuleGraph
package import Traffic

extension TraceJSON: AnswerForm {
  package var beginning: [UInt8] { Array(#"{"schema": "\#(Self.schema)", "id": ""#.utf8) }

  package func bytes(of trace: Trace, diagnostics: [Diagnostic]) -> [UInt8] {
    bytes(of: trace, from: nil, diagnostics: diagnostics)
  }
}

extension BatchAnswers {
  /// Makes the answers for a host, each as `fwtrace.trace/1` on one line.
  package convenience init(_ ruleset: Ruleset, facts: HostFacts, diagnostics: [Diagnostic]) {
    self.init(ruleset, facts: facts, diagnostics: diagnostics, form: TraceJSON(ruleset, indented: false))
  }
}

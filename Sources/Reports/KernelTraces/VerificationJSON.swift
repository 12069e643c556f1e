import FlowTrace
package import RuleGraph
import RuleParser
package import Traffic

/// Kernel traces held against the model, in its machine-readable form, `fwtrace.verify/1`: see
/// `Schemas/fwtrace.verify.1.json`.
package struct VerificationJSON: Sendable {
  static let schema = "fwtrace.verify/1"

  private let form: TraceJSON
  private let traceName: String

  /// Makes a writer.
  package init(_ ruleset: Ruleset, traceName: String) {
    form = TraceJSON(ruleset)
    self.traceName = traceName
  }

  /// The bytes with a line end behind them.
  package func bytes(
    of verification: TraceVerification, unreadable: [Int] = [], diagnostics: [Diagnostic] = []
  ) -> [UInt8] {
    var json = JSONWriter(indented: true)
    let (agree, differ, others) = verification.counts
    json.object { json in
      json.member("schema", Self.schema)
      json.member("file", traceName)
      json.member("agree", agree)
      json.member("differ", differ)
      json.member("not_compared", others)
      json.key("packets")
      json.array { json in for result in verification.results { write(result, to: &json) } }
      json.member("unknown_tables", verification.unknownTables)
      json.key("malformed")
      json.array(flat: true) { json in for line in unreadable { json.value(line) } }
      json.key("warnings")
      json.array { json in
        for warning in diagnostics where warning.severity != .note { form.write(warning, to: &json) }
      }
    }
    json.endLine()
    return json.bytes
  }

  private func write(_ result: VerifiedTrace, to json: inout JSONWriter) {
    json.object { json in
      json.member("line", result.trace.line)
      json.key("packet")
      json.object(flat: true) { json in ReplayJSON.write(result.trace.packet, to: &json) }
      switch result.finding {
      case .agrees: json.member("finding", "agrees")
      case .differs: json.member("finding", "differs")
      case .notCompared: json.member("finding", "not-compared")
      }
      json.member("steps", result.agreed)
      if let model = result.model {
        json.member("verdict", (model.conditionalVerdict ?? model.verdict).rawValue)
        json.key("decided_by")
        form.write(model.decidedBy, to: &json)
      }
      switch result.finding {
      case .agrees: break
      case .notCompared(let reason): json.member("why", VerificationWords.reason(reason))
      case .differs(let difference):
        json.member("why", VerificationWords.reason(difference))
        json.key("kernel")
        write(difference.kernel, to: &json)
        json.key("model")
        write(difference.model, to: &json)
      }
    }
  }

  private func write(_ step: KernelTrace.Step?, to json: inout JSONWriter) {
    guard let step else {
      json.value(nil as String?)
      return
    }
    json.object(flat: true) { json in
      json.member("line", step.line)
      json.member("family", step.family)
      json.member("table", step.table)
      json.member("chain", step.chain)
      json.member("event", step.event.rawValue)
      json.member("handle", step.handle)
      json.member("index", step.number)
      json.member("verdict", step.verdict)
      json.member("target", step.target)
      json.member("text", step.text)
    }
  }

  private func write(_ step: Step?, to json: inout JSONWriter) {
    switch step?.event {
    case .rule(let id)?: form.write(Decider.rule(id), to: &json)
    case .policy(let id)?: form.write(Decider.policy(id), to: &json)
    default: json.value(nil as String?)
    }
  }
}

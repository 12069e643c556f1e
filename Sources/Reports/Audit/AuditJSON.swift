import FlowTrace
package import HostAnalysis
package import RuleGraph

/// The findings of an audit in their machine-readable form, `fwtrace.audit/1`: see `Schemas/fwtrace.audit.1.json`.
package struct AuditJSON: Sendable {
  static let schema = "fwtrace.audit/1"

  private let ruleset: Ruleset
  private let trace: TraceJSON

  /// Makes a writer for the rules of a host.
  package init(_ ruleset: Ruleset) {
    self.ruleset = ruleset
    trace = TraceJSON(ruleset)
  }

  /// The bytes of findings with a line end behind them.
  package func bytes(of audit: Audit, diagnostics: [Diagnostic] = []) -> [UInt8] {
    let words = FindingWords(ruleset)
    var json = JSONWriter(indented: true)
    json.object { json in
      json.member("schema", Self.schema)
      json.key("findings")
      json.array { json in for finding in audit.findings { write(finding, words, to: &json) } }
      json.member("partial", audit.partial.map { ruleset.place(of: $0) })
      json.key("warnings")
      json.array { json in
        for warning in diagnostics + audit.warnings where warning.severity != .note { trace.write(warning, to: &json) }
      }
    }
    json.endLine()
    return json.bytes
  }

  private func write(_ finding: Finding, _ words: FindingWords, to json: inout JSONWriter) {
    json.object { json in
      json.member("id", finding.id.rawValue)
      json.member("key", finding.key(in: ruleset))
      json.member("severity", FindingWords.name(finding.severity))
      json.member("message", words.sentence(finding))
      json.key("rule")
      trace.write(finding.rule, to: &json)
      if let chain = finding.chain {
        json.key("chain")
        trace.write(.policy(chain), to: &json)
      }
      json.key("because")
      json.array { json in for rule in finding.because { trace.write(rule, to: &json) } }
      json.key("witness")
      trace.write(witness: finding.witness, to: &json)
      json.member("mend", words.mend(finding))
      if let agrees = finding.counterAgrees { json.member("counter_agrees", agrees) }
    }
  }
}

extension Finding {
  /// What names it in a list of known findings: `shadowed@filter/DOCKER-USER/5`, `never-reached@filter/f2b-sshd`,
  /// `dangerous-forward`.
  package func key(in ruleset: Ruleset) -> String {
    guard let chain = rule?.chainID ?? chain else { return id.rawValue }
    let table = ruleset.tables[chain.table]
    let family = table.origin == .nftables || table.family != .ip ? "\(table.family.rawValue)/" : ""
    var text = "\(id.rawValue)@\(family)\(table.name)/\(table.chains[chain.chain].name)"
    if let rule { text += "/\(ruleset.number(of: rule))" }
    return text
  }
}

public import FlowTrace
public import RuleParser

extension HostReading {
  /// An answer in the words that `fwtrace` prints: each case, the rules on its path with their lines in the dumps, and
  /// what was assumed.
  ///
  ///     let trace = host.trace(Query(.tcp, to: "192.168.0.140", port: 32769))
  ///     #expect(trace.verdict == .drop, "\(host.explanation(of: trace))")
  public func explanation(of trace: Trace, detail: Detail = .normal) -> String {
    TraceText(ruleset, facts: facts, detail: detail).text(of: trace, diagnostics: diagnostics)
  }

  /// The answer to a question. Who asks often makes one `Tracer` and keeps it.
  public func trace(_ query: Query, options: Tracer.Options = Tracer.Options()) -> Trace {
    Tracer(ruleset, facts: facts).trace(query, options: options)
  }
}

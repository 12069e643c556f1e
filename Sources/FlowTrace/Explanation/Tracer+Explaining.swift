import RuleGraph

extension Tracer {
  /// Answers a question: the cases, and as far as the options ask for it, why each is what it is and what would change it.
  ///
  ///     let trace = tracer.trace(query)
  ///     trace.verdict  // .accept
  public func trace(_ query: Query, options: Options = Options()) -> Trace {
    var (followed, trace) = follow(query, options: options)
    for part in followed {
      let explanation = CaseExplanation(engine: part.engine, query: query, family: part.family, options: options)
      trace.cases += part.cases.map(explanation.explained)
    }
    if let wanted = options.wanted {
      let search = RemedySearch(ruleset: ruleset, facts: facts, query: query, wanted: wanted, cases: trace.cases)
      for index in trace.cases.indices { trace.cases[index].remedy = search.remedy(for: index) }
    }
    return trace
  }
}

/// Adds to the cases of a question why they are what they are.
struct CaseExplanation {
  private let engine: Engine
  private let options: Tracer.Options
  /// The rules that mention the question; nil where they are not asked for.
  private let offPath: OffPathRules?

  init(engine: Engine, query: Query, family: AddressFamily, options: Tracer.Options) {
    self.engine = engine
    self.options = options
    offPath =
      options.findsRulesOffPath
      ? OffPathRules(engine: engine, query: query, family: family, limit: options.nearMissLimit) : nil
  }

  /// A case with its explanation; its answer and what a program makes of it have theirs.
  func explained(_ traced: TracedCase) -> Case {
    var part = withReasons(traced)
    part.offPath = offPath?.find(traced.end) ?? []
    return part
  }

  private func withReasons(_ traced: TracedCase) -> Case {
    var part = traced.part
    let end = traced.end
    var remarks = [CounterEvidence(ruleset: engine.ruleset).remark(on: end.decidedBy)].compactMap { $0 }
    if options.findsNearMisses {
      remarks += PathRemarks(engine: engine, end: end).find()
      part.nearMisses = NearMisses(engine: engine, end: end, limit: options.nearMissLimit).find()
    }
    part.remarks.insert(contentsOf: remarks, at: traced.remarksOfTheWay)
    part.reply = traced.reply?.map(withReasons)
    part.continuation = traced.continuation?.map(withReasons)
    return part
  }
}

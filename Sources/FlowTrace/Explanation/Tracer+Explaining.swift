import RuleGraph

extension Tracer {
  /// Answers a question: the cases, and as far as the options ask for it, why each is what it is and what would change
  /// it.
  ///
  ///     let trace = tracer.trace(query)
  ///     trace.verdict  // .accept
  public func trace(_ query: Query, options: Options = Options()) -> Trace {
    var trace = follow(query, options: options) { engine, family in
      CaseExplanation(engine: engine, query: query, family: family, options: options)
    }
    if let wanted = options.wanted {
      let search = RemedySearch(ruleset: ruleset, facts: facts, query: query, wanted: wanted, cases: trace.cases)
      for index in trace.cases.indices { trace.cases[index].remedy = search.remedy(for: index) }
    }
    return trace
  }
}

/// Adds to the cases of a question why they are what they are.
struct CaseExplanation: CaseReasons {
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

  func add(to part: inout Case, of end: FinishedFlow, isAsked: Bool) {
    if let counted = CounterEvidence(ruleset: engine.ruleset).remark(on: end.decidedBy) { part.remarks.append(counted) }
    if options.findsNearMisses {
      part.remarks += PathRemarks(engine: engine, end: end).find()
      part.nearMisses = NearMisses(engine: engine, end: end, limit: options.nearMissLimit).find()
    }
    if isAsked, let offPath { part.offPath = offPath.find(end) }
  }
}

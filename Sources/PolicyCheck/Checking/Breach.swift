public import FlowTrace
public import RuleGraph

/// How a case breaks an expectation. What was expected of addresses and interfaces is given as the policy has it.
public enum Breach: Hashable, Sendable {
  /// How bad it is: 2 where packets get through that should not, else 1.
  var severity: Int {
    switch self {
    case .verdict(.accept, _), .forbidden(.accept), .forbiddenConnection, .passes: 2
    default: 1
    }
  }

  /// It has another verdict.
  case verdict(Case.Verdict, expected: [Case.Verdict])
  /// It has a verdict that only others are to have.
  case forbidden(Case.Verdict)
  /// Its connection does not work, or not for every packet; these verdicts would do as well.
  case connection(ConnectionFate, Case.Verdict, orExpected: [Case.Verdict])
  /// Its connection works, which only others are to.
  case forbiddenConnection
  /// It is rejected with another answer, or with none.
  case answer(String?, expected: [String])
  /// It goes elsewhere.
  case fate(Case.Fate, expected: [Case.Fate])
  /// Its destination is translated, to this.
  case destinationTranslated(ValueSet, ports: ValueSet?)
  /// It ends at another destination.
  case destination(ValueSet, ports: ValueSet?, expected: String)
  /// Its source is translated, to this.
  case sourceTranslated(ValueSet, ports: ValueSet?)
  /// Its source is kept, or translated in another way.
  case sourceTranslation(Translation.Kind?, expected: Translation.Kind)
  /// It has another source at the end.
  case source(ValueSet, ports: ValueSet?, expected: String)
  /// It leaves through another interface, or not at all.
  case output(ValueSet?, expected: String)
  /// Other rules decide; some of the expected ones may not exist.
  case decidedElsewhere(expected: [RulePattern], missing: [RulePattern])
  /// It passes a rule that it never may.
  case passes(RulePattern)
  /// It has no reply.
  case noReply(expected: [Case.Verdict])
  /// Its reply has another verdict.
  case reply(Case.Verdict, expected: [Case.Verdict])
  /// It meets none of the alternatives, each for its own reasons.
  case alternatives([[Breach]])
}

/// What the dumps do not show of the packets of a case.
public enum Doubt: Hashable, Sendable {
  /// What happens to them.
  case fate
  /// Whether their source is translated.
  case source
  /// What happens to the reply.
  case reply
  /// Whether one of them breaks the claim: the case does, and no packet of it was found that does.
  case counterexample(Case.Verdict)
}

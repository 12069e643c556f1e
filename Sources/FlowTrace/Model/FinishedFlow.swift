import RuleGraph

/// A flow at the end of its way.
struct FinishedFlow {
  var flow: Flow
  var verdict: Case.Verdict
  var fate: Case.Fate
  var decidedBy: Decider
  var rejection: Rejection?
  /// What could not be understood, when that ended the way.
  var unknown: UnknownEnd?
}

/// How a base chain ended for a flow.
enum ChainEnd {
  case accepted
  /// A nat chain set up a translation.
  case translated
  case dropped(Decider)
  case rejected(RuleID, Rejection)
  /// Handed to a program in user space, which may do anything.
  case queued(RuleID, QueueTarget)
  case unknown(Decider, UnknownEnd)
  /// The end of a chain whose policy no dump shows.
  case undecided(ChainID)
  case forwarded(RuleID, device: String)
}

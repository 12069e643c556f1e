public import FlowTrace

/// What came of a check.
public struct CheckResult: Sendable {
  /// Whether the claim holds.
  public enum Outcome: Sendable {
    /// It holds for every packet.
    case passed
    /// It does not hold, or the dumps do not tell.
    case failed(Failure)
    /// It was not settled, for this reason.
    case skipped(Reason)
  }

  /// Why a claim does not hold, or was not settled.
  public enum Reason: Hashable, Sendable {
    /// Packets break the expectation.
    case broken(Breach)
    /// No packet fits the description, so it claims nothing.
    case vacuous
    /// The dumps do not tell, and it depends on these conditions.
    case undetermined(Doubt, on: [ConditionUse])
    /// The policy has it skipped, for a reason in its author's words.
    case skipped(String)
  }

  /// Why a claim does not hold.
  public struct Failure: Sendable {
    /// What is wrong.
    public var reasons: [Reason]
    /// A packet that breaks it.
    public var counterexample: Counterexample?
    /// Whether the claim may hold: the dumps do not tell.
    public var isUndetermined = false

    /// How bad the worst of its breaches is.
    var severity: Int {
      reasons.map { if case .broken(let breach) = $0 { breach.severity } else { 0 } }.max() ?? 0
    }
  }

  /// The check.
  public var check: Check
  /// What came of it.
  public var outcome: Outcome
  /// What the answer took for granted.
  public var assumptions: [Assumption] = []
  /// The rules that the check's packets met.
  public var exercised = ExercisedRules()

  /// The failure, when there is one.
  public var failure: Failure? {
    if case .failed(let failure) = outcome { return failure }
    return nil
  }
}

/// What came of a policy on one host.
public struct HostResult: Sendable {
  /// The host.
  public var host: PolicyHost
  /// The results in the order of the policy.
  public var results: [CheckResult]

  /// Makes a result.
  public init(host: PolicyHost, results: [CheckResult]) {
    self.host = host
    self.results = results
  }
}

/// How many checks passed, failed and were skipped.
public struct Tally: Hashable, Sendable, CustomStringConvertible {
  /// Checks whose claim holds.
  public var passed = 0
  /// Checks whose claim does not hold or is not settled.
  public var failed = 0
  /// Checks that were not settled.
  public var skipped = 0

  /// Counts results.
  public init(_ results: some Sequence<CheckResult>) {
    for result in results {
      switch result.outcome {
      case .passed: passed += 1
      case .failed: failed += 1
      case .skipped: skipped += 1
      }
    }
  }

  /// `3 passed, 1 failed, 0 skipped`.
  public var description: String { "\(passed) passed, \(failed) failed, \(skipped) skipped" }
}

import FlowTrace
import HostModel
import RuleGraph

/// Proves or refutes checks on one host.
///
/// A check is a claim about all packets of its boxes. The tracer divides each box into cases that together are the
/// box; so the claim holds when
/// every case meets the expectation, and a case that does not holds a packet that breaks it, which is traced again on
/// its own.
public struct Checker: Sendable {
  /// The host.
  public let host: PolicyHost
  private let tracer: Tracer

  /// Makes a checker.
  public init(_ host: PolicyHost) {
    self.host = host
    tracer = Tracer(host.ruleset, facts: host.facts)
  }

  /// Checks one claim after the other; a check that fails is still traced to its end, for the coverage.
  public func run(_ check: Check) -> CheckResult {
    var result = CheckResult(check: check, outcome: .passed)
    if let why = check.skip {
      result.outcome = .skipped(.skipped(why))
      return result
    }
    var doubt: DoubtfulCase?
    var failure: CheckResult.Failure?
    for claim in check.claims {
      let trace = tracer.trace(claim.box.query, options: options(claim.expectation, explains: false))
      for assumption in trace.assumptions where !result.assumptions.contains(assumption) {
        result.assumptions.append(assumption)
      }
      var isVacuous = true
      var broken: [Case] = []
      let sampler = sampler(for: claim.box.query)
      for part in trace.cases where !sampler.isEmpty(part.when) {
        isVacuous = false
        result.exercised.add(part)
        switch claim.expectation.judge(part, of: host.ruleset) {
        case .met: break
        case .unknown(let why): doubt = doubt ?? DoubtfulCase(why: why, part: part, query: claim.box.query)
        case .broken: broken.append(part)
        }
      }
      // Of several claims of a check the worst that breaks is told: what is open and should not be.
      if let first = broken.first, failure.map({ severity(of: broken, claim) > $0.severity }) ?? true {
        if let found = refute(claim, broken, thoroughly: false) ?? refute(claim, broken, thoroughly: true) {
          failure = found
        } else if failure == nil {
          doubt = DoubtfulCase(why: .counterexample(first.verdict), part: first, query: claim.box.query)
        }
      }
      if isVacuous, failure == nil {
        failure = CheckResult.Failure(reasons: [.vacuous], counterexample: nil)
      }
    }
    if check.claims.isEmpty {
      failure = CheckResult.Failure(reasons: [.vacuous], counterexample: nil)
    }
    if let failure {
      result.outcome = .failed(failure)
    } else if let doubt {
      result.outcome = settle(doubt, check)
    }
    return result
  }

  private struct DoubtfulCase {
    var why: Doubt
    var part: Case
    var query: Query
  }

  private func sampler(for query: Query) -> Sampler {
    Sampler(query: query, interfaces: host.facts.interfaces.map(\.name))
  }

  private func options(_ expectation: Expectation, explains: Bool) -> Tracer.Options {
    var options = Tracer.Options()
    options.tracesReply = expectation.asksForReply
    options.findsNearMisses = explains
    return options
  }

  /// How bad the worst of some broken cases is.
  private func severity(of broken: [Case], _ claim: Check.Claim) -> Int {
    broken.map { part in
      guard case .broken(let breaches) = claim.expectation.judge(part, of: host.ruleset) else { return 0 }
      return breaches.map(\.severity).max() ?? 0
    }.max() ?? 0
  }

  /// Looks for a packet of broken cases that breaks the claim when it is traced on its own; packets that a reader
  /// knows come first.
  private func refute(_ claim: Check.Claim, _ broken: [Case], thoroughly: Bool) -> CheckResult.Failure? {
    let sampler = sampler(for: claim.box.query)
    let worst = severity(of: broken, claim)
    let inOrder = broken.enumerated()
      .map { (severity(of: [$1], claim) == worst ? 0 : 1, sampler.oddness(of: $1.when), $0, $1) }
      .sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.prefix(64)
    for (_, _, _, part) in inOrder {
      for packet in sampler.packets(of: part.when, limit: 16, thoroughly: thoroughly) {
        let trace = tracer.trace(packet, options: options(claim.expectation, explains: true))
        for one in trace.cases {
          guard case .broken(let breaches) = claim.expectation.judge(one, of: host.ruleset) else { continue }
          let reasons = breaches.map { CheckResult.Reason.broken($0) }
          let found = Counterexample(query: packet, part: one, reasons: reasons)
          return CheckResult.Failure(reasons: reasons, counterexample: found)
        }
      }
    }
    return nil
  }

  /// An answer that the dumps do not tell: a failure, or skipped where the policy allows it.
  private func settle(_ doubt: DoubtfulCase, _ check: Check) -> CheckResult.Outcome {
    let why = CheckResult.Reason.undetermined(doubt.why, on: doubt.part.conditions.filter { !$0.isEnvironment })
    if check.undetermined == .skip { return .skipped(why) }
    let sampler = sampler(for: doubt.query)
    let packets =
      sampler.packets(of: doubt.part.when, limit: 1, thoroughly: false)
      + sampler.packets(of: doubt.part.when, limit: 1, thoroughly: true)
    let example = packets.first.map {
      Counterexample(query: $0, part: doubt.part, reasons: [why])
    }
    return .failed(CheckResult.Failure(reasons: [why], counterexample: example, isUndetermined: true))
  }
}

extension Expectation {
  var asksForReply: Bool { !reply.isEmpty || works || forbidsWorking || oneOf.contains(where: \.asksForReply) }
}

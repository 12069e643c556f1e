package import PolicyCheck
import RuleGraph

/// The failures of a policy as a SARIF log: each result at the line of the dump that decided, related to the test in
/// the policy.
package enum SARIF {
  private static let kinds = [
    SARIFLog.Kind(id: "broken-expectation", text: "A packet of a test gets another fate than the policy expects."),
    SARIFLog.Kind(
      id: "undetermined-expectation",
      text: "The dumps do not show whether every packet of a test gets the fate that the policy expects."),
  ]

  /// The log.
  package static func bytes(of hosts: [HostResult], policy: String, version: String) -> [UInt8] {
    let results = hosts.flatMap { host in host.results.compactMap { result($0, of: host.host, policy: policy) } }
    return SARIFLog(kinds: kinds, results: results, version: version).bytes
  }

  private static func result(_ result: CheckResult, of host: PolicyHost, policy: String) -> SARIFLog.Result? {
    guard let failure = result.failure else { return nil }
    let words = FailureWords(host)
    let inPolicy = SARIFLog.Place(policy, result.check.place.line)
    let inDump = SARIFLog.Place(failure.counterexample.flatMap { words.span($0.part) }, in: host.ruleset.sources)
    return SARIFLog.Result(
      kind: failure.isUndetermined ? 1 : 0, level: .error,
      message: (["\(host.name): \(result.check.name)"] + words.lines(failure)).joined(separator: "\n"),
      places: [inDump ?? inPolicy], related: inDump == nil ? [] : [inPolicy],
      fingerprint: ("expectation/v1", "\(host.name)/\(result.check.name)"))
  }
}

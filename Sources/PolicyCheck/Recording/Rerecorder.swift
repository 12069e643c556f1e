import FlowTrace

/// Brings the expectations of tests that no longer hold to today's answer, each key that a test has and no other.
public struct Rerecorder {
  /// A line that changed.
  public struct Change: Hashable, Sendable {
    /// The line's number.
    public var line: Int
    /// The line before.
    public var old: String
    /// The line after.
    public var new: String
  }

  /// What was changed and what could not be.
  public struct Outcome: Sendable {
    /// The changes, in the order of the tests.
    public var changes: [Change] = []
    /// Tests that stay as they are, with the reason.
    public var left: [(test: String, reason: Reason)] = []
  }

  /// Why a test stays as it is.
  public enum Reason: Hashable, Sendable {
    /// It expects something that only its author can decide.
    case authorsChoice
    /// Its packets have no common answer.
    case noCommonAnswer
    /// The text of a key can't be changed.
    case refused(key: String, PolicyEditor.Refusal)
  }

  /// Changes the text of a policy.
  ///
  /// - Parameters:
  ///   - policy: The policy that the text was read as.
  ///   - hosts: What came of it.
  ///   - editor: The text.
  public static func update(_ policy: Policy, _ hosts: [HostResult], _ editor: inout PolicyEditor) -> Outcome {
    var outcome = Outcome()
    for (index, test) in policy.tests.enumerated() {
      let results = hosts.flatMap { host in host.results.filter { $0.check.test == index }.map { (host.host, $0) } }
      guard results.contains(where: { $0.1.failure != nil }) else { continue }
      let expectation = test.expectation
      guard !expectation.hasOnly, expectation.oneOf.isEmpty, expectation.via.isEmpty, expectation.neverVia.isEmpty
      else {
        outcome.left.append((test.name, .authorsChoice))
        continue
      }
      guard let answer = answer(results) else {
        outcome.left.append((test.name, .noCommonAnswer))
        continue
      }
      for (key, part) in expectation.texts.sorted(by: { $0.value.place < $1.value.place }) {
        guard let text = answer[key], text != part.text else { continue }
        do throws(PolicyEditor.Refusal) {
          let (old, new) = try editor.replace(part, with: text)
          outcome.changes.append(Change(line: part.place.line, old: old, new: new))
        } catch {
          outcome.left.append((test.name, .refused(key: key, error)))
        }
      }
    }
    return outcome
  }

  /// What all packets of a test get today, on every host and in every repetition.
  private static func answer(_ results: [(PolicyHost, CheckResult)]) -> Answer? {
    var cases: [Case] = []
    for (host, result) in results {
      let tracer = Tracer(host.ruleset, facts: host.facts)
      var options = Tracer.Options()
      options.tracesReply = true
      options.findsNearMisses = false
      for query in result.check.queries {
        let sampler = Sampler(query: query, interfaces: [])
        cases += tracer.trace(query, options: options).cases.filter { !sampler.isEmpty($0.when) }
      }
    }
    return Answer(cases)
  }
}

import FlowTrace
import RuleGraph

/// Looks the texts of a policy up on hosts: names, containers, addresses.
public struct PolicyBinder {
  /// More repetitions of one test are refused.
  static let maximumRepetitions = 10_000

  /// The checks of a policy on one host, and what is wrong with them.
  public static func bind(_ policy: Policy, to host: PolicyHost) -> (checks: [Check], mistakes: [PolicyMistake]) {
    var resolver = NameResolver(names: policy.names, facts: host.facts)
    var checks: [Check] = []
    for (index, test) in policy.tests.enumerated() {
      guard test.hosts.isEmpty || test.hosts.contains(where: { Wildcard.fits(host.name, $0) }) else { continue }
      for repetition in repetitions(of: test, &resolver) {
        let claims = claims(of: test, policy.packet.overridden(by: repetition.packet), &resolver)
        checks.append(
          Check(
            name: test.name + repetition.suffix, tags: test.tags, host: host.name, place: test.place, test: index,
            undetermined: test.undetermined ?? policy.undetermined, skip: test.skip, claims: claims))
      }
    }
    return (checks, resolver.mistakes)
  }

  private struct Repetition {
    var packet: PacketText
    var suffix: String
  }

  private static func repetitions(of test: PolicyTest, _ resolver: inout NameResolver) -> [Repetition] {
    var result = [Repetition(packet: test.packet, suffix: "")]
    for axis in test.matrix {
      guard result.count * axis.values.count <= maximumRepetitions else {
        resolver.report(axis.place, "the matrix has more than \(maximumRepetitions) combinations")
        return []
      }
      result = result.flatMap { one in
        axis.values.map { value in
          var next = one
          next.packet.fields.removeAll { $0.key == axis.key }
          next.packet.fields.append(.init(key: axis.key, place: axis.place, value: value))
          let words = "\(axis.key.spelling) \(value.text)"
          next.suffix = one.suffix.isEmpty ? " (\(words))" : one.suffix.dropLast() + ", \(words))"
          return next
        }
      }
    }
    return result
  }

  private static func claims(
    of test: PolicyTest, _ packet: PacketText, _ resolver: inout NameResolver
  ) -> [Check.Claim] {
    var expectation = resolver.expectation(test.expectation)
    let boxes = resolver.boxes(packet)
    if let boxes, boxes.isEmpty { resolver.report(test.place, "no packet fits this description") }
    guard test.expectation.hasOnly else {
      return (boxes ?? []).map { Check.Claim(box: $0, expectation: expectation) }
    }
    var listed: [PacketBox] = []
    for text in test.expectation.only {
      for field in text.fields where !comparable.contains(field.key) {
        resolver.report(
          field.place,
          "only distinguishes packets by addresses, ports, protocols, interfaces and senders; \(field.key.spelling) belongs in packet"
        )
      }
      guard let inner = resolver.boxes(packet.overridden(by: text)), let boxes else { continue }
      // What is listed counts as far as the test is about it.
      let found = inner.flatMap { box in boxes.compactMap { $0.intersection(box) } }
      if found.isEmpty { resolver.report(text.place, "none of these packets is one of the test's packet") }
      listed += PacketBox.difference(found, listed)
    }
    guard let boxes else { return [] }
    let verdicts = expectation.verdicts.isEmpty && !expectation.works ? [.accept] : expectation.verdicts
    expectation.verdicts = verdicts
    var others = Expectation()
    others.forbidden = verdicts
    others.forbidsWorking = expectation.works
    return listed.map { Check.Claim(box: $0, expectation: expectation) }
      + PacketBox.difference(boxes, listed).map { Check.Claim(box: $0, expectation: others) }
  }

  /// The keys by which `only` can tell packets apart.
  private static let comparable: Set<PacketKey> = [
    .option(.src), .option(.dst), .option(.sport), .option(.dport), .option(.proto), .option(.input), .option(.from),
    .option(.physin), .option(.family), .to, .service,
  ]
}

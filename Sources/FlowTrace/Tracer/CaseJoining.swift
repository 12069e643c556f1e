import RuleGraph

/// Cases that differ in the values of one field only, and in nothing that becomes of their packets: they are one case.
///
/// A flow divides for reasons that need not show in the end: connection tracking knows some protocols and others not,
/// and all of them are accepted by the same policy.
struct CaseJoining {
  /// How many cases of one outcome are held against each other; where there are more, what divides them is no matter of
  /// one field.
  private static let limit = 48

  /// What cases that may be joined share.
  private struct Outcome: Hashable {
    var verdict: Case.Verdict
    var fate: Case.Fate
    var decidedBy: Decider
    var output: ValueSet?
    var steps: Int
  }

  /// Joins cases for as long as two of them can be. A case that depends on a condition is left alone.
  static func joined(_ cases: [Case]) -> [Case] {
    guard cases.count > 1 else { return cases }
    var places: [Outcome: [Int]] = [:]
    for (index, one) in cases.enumerated() where one.conditions.isEmpty && one.continuation == nil {
      let outcome = Outcome(
        verdict: one.verdict, fate: one.fate, decidedBy: one.decidedBy, output: one.output, steps: one.path.count)
      places[outcome, default: []].append(index)
    }
    var result: [Case?] = cases
    for (_, indexes) in places where indexes.count > 1 && indexes.count <= limit {
      var isChanged = true
      while isChanged {
        isChanged = false
        for (place, first) in indexes.enumerated() {
          for second in indexes.dropFirst(place + 1) {
            guard let a = result[first], let b = result[second], let both = one(a, b) else { continue }
            result[first] = both
            result[second] = nil
            isChanged = true
          }
        }
      }
    }
    return result.compactMap { $0 }
  }

  private static func one(_ a: Case, _ b: Case) -> Case? {
    guard fareAlike(a, b), let when = a.when.joined(with: b.when), let reply = replies(a.reply, b.reply) else {
      return nil
    }
    var both = a
    both.when = when
    both.reply = reply.isEmpty ? nil : reply
    both.packet = a.packet.union(b.packet)
    both.shares += b.shares.filter { !a.shares.contains($0) }
    return both
  }

  private static func fareAlike(_ a: Case, _ b: Case) -> Bool {
    a.verdict == b.verdict && a.fate == b.fate && a.decidedBy == b.decidedBy && a.rules == b.rules
      && a.conditions.isEmpty && b.conditions.isEmpty && a.rejectWith == b.rejectWith && a.input == b.input
      && a.output == b.output && a.path.count == b.path.count && a.translations == b.translations
      && a.hasUnknownSource == b.hasUnknownSource
      && a.remarks == b.remarks && a.nearMisses == b.nearMisses && a.offPath == b.offPath
      && a.continuation == nil && b.continuation == nil && a.packet.family == b.packet.family && a.path == b.path
  }

  /// The replies of both, pair by pair; none where there are none, nil where they differ.
  private static func replies(_ a: [Case]?, _ b: [Case]?) -> [Case]? {
    let (mine, others) = (a ?? [], b ?? [])
    guard (a == nil) == (b == nil), mine.count == others.count else { return nil }
    var result: [Case] = []
    for (first, second) in zip(mine, others) {
      guard let both = one(first, second) else { return nil }
      result.append(both)
    }
    return result
  }
}

extension PacketTuple {
  /// The values of two packets together.
  fileprivate func union(_ other: PacketTuple) -> PacketTuple {
    func union(_ a: ValueSet?, _ b: ValueSet?) -> ValueSet? { a.map { $0.union(b ?? .empty) } ?? b }
    return PacketTuple(
      family: family, transport: transport.union(other.transport), source: source.union(other.source),
      sourcePort: union(sourcePort, other.sourcePort), destination: destination.union(other.destination),
      destinationPort: union(destinationPort, other.destinationPort), mark: mark.union(other.mark))
  }
}

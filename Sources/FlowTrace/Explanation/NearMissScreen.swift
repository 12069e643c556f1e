import RuleGraph

/// Tells by a chain's plain tests which of its rules can be no near miss, and how much those tell at best that can.
struct NearMissScreen: ~Copyable {
  private let index: ChainIndex
  private let now: PieceSpans
  private let before: PieceSpans
  private let wantsRewritten: Bool
  private let ends: [RuleEnd]
  /// For each field the rank of a rule that failed in it, or a lower one.
  private let ranks: [Int]
  /// The lowest rank that a rule may have.
  private let lowest: Int

  init(_ index: ChainIndex, _ flow: Flow, wantsRewritten: Bool, ends: [RuleEnd]) {
    self.index = index
    self.wantsRewritten = wantsRewritten
    self.ends = ends
    now = PieceSpans(index, flow)
    before = PieceSpans(index, arrivalOf: flow)
    let rewritten = TestField.allCases.map { flow.arrivalHull(of: $0) != nil }
    let lowest = rewritten.contains(true) ? NearMisses.Rank.rewritten : NearMisses.Rank.sameService
    self.lowest = lowest
    ranks = TestField.allCases.map { field in
      if rewritten[field.rawValue] { return NearMisses.Rank.rewritten }
      switch field {
      // The protocol that a port takes for granted: the port tells the rank.
      case .transport, .never: return lowest
      case .destination, .destinationPort, .anyDestinationPort: return NearMisses.Rank.otherService
      // At best: the rule may name the packet's port.
      default: return NearMisses.Rank.sameService
      }
    }
  }

  /// The rank that the rule has at best; nil where it would not have changed the fate, where more than one statement of
  /// it fails for certain, or where, though that is wanted, this one can't have held for the packet as it came in.
  func leastRank(of rule: Int) -> Int? {
    guard ends.contains(index.ends[rule]) else { return nil }
    var failed: UInt16?
    var rank = NearMisses.Rank.noService
    var mayHaveHeld = !wantsRewritten
    for number in index.tests(of: rule) where index.isFalse(number, now) {
      let test = index.tests[number]
      if let failed, failed != test.statement { return nil }
      failed = test.statement
      rank = min(rank, ranks[Int(test.field)])
      if !mayHaveHeld { mayHaveHeld = !index.isFalse(number, before) }
    }
    if failed == nil { return lowest }
    return mayHaveHeld ? rank : nil
  }

  /// Rules of a range to look at, in rising order.
  struct Part {
    var rules: [Int]
    /// The lowest rank that one of them may have, if it is not of an earlier part, too.
    var lowest: Int
  }

  /// The rules of a range without those that fail in two fields for certain, those first that may tell most.
  ///
  /// A rule that tests a field for which the packet is in one piece, and is not listed for that piece, fails in the
  /// field. If it is to be a near miss it is listed for the packet's piece of every other field.
  func parts(of range: Range<Int>) -> [Part] {
    var lists: [(list: ChainIndex.PieceLists, listed: Range<Int>)] = []
    for list in index.lists {
      // A port's statement tests the protocol, too: the two are one failure.
      guard list.field != .transport, list.field != .never else { continue }
      let span = now[list.field.rawValue]
      if span.low == span.high { lists.append((list, list.rules(of: span.low))) }
    }
    lists.sort { $0.listed.count + $0.list.others.count < $1.listed.count + $1.list.others.count }
    func rules(_ one: (list: ChainIndex.PieceLists, listed: Range<Int>)) -> [Int] {
      (one.list.rules[one.listed] + one.list.others).lazy.map { Int($0) }.filter { range.contains($0) }.sorted()
    }
    guard let first = lists.first else { return [Part(rules: Array(range), lowest: lowest)] }
    return [
      Part(rules: rules(first), lowest: lowest),
      Part(rules: lists.count > 1 ? rules(lists[1]) : Array(range), lowest: ranks[first.list.field.rawValue]),
    ]
  }
}

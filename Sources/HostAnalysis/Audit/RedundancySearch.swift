import FlowTrace
import RuleGraph

/// Rules of a chain without which the same becomes of every packet, and rules whose order matters because they overlap
/// and decide otherwise.
///
/// Source of the terms: Liu and Gouda, "Complete Redundancy Detection in Firewalls" (2005), where a rule is upward
/// redundant when earlier ones take all its packets (shadowed, here), and downward redundant when later ones do with
/// what is left to it what it does.
struct RedundancySearch {
  private let reach: TableReach
  private let chain: Int
  private let patterns: [RulePattern]
  private let boxes: [PacketSearch.Box?]
  /// The boxes of all rules in order; a rule that no packet can match has the box of none.
  private let list: BoxList
  private let owners: [Int]

  init(_ reach: TableReach, chain: Int) {
    self.reach = reach
    self.chain = chain
    patterns = reach.patterns[chain]
    boxes = reach.boxes[chain]
    var list = BoxList()
    var owners: [Int] = []
    for (rule, box) in boxes.enumerated() {
      guard let box, patterns[rule].end != .goesOn || patterns[rule].hasSideEffects else { continue }
      list.append(box)
      owners.append(rule)
    }
    self.list = list
    self.owners = owners
  }

  /// What decides as a rule does where it is taken away.
  struct Redundancy {
    /// The later rules that take its packets.
    var rules: [Int]
    /// Whether some of its packets come to the policy of the chain.
    var isByPolicy: Bool
  }

  private func verdict(_ rule: Int) -> Verdict? {
    if case .decides(let verdict) = patterns[rule].end { verdict } else { nil }
  }

  /// What makes a rule redundant; nil where it is needed, or nothing tells.
  func redundancy(of rule: Int) -> Redundancy? {
    guard let verdict = verdict(rule), !patterns[rule].hasSideEffects, let box = boxes[rule] else { return nil }
    var needed: [Int] = []
    var isByPolicy = false
    for arrival in reach.arrivals[chain] {
      guard let part = reach.limited(arrival.part, to: box) else { continue }
      let before = reach.takers(of: part, arrival, before: id(rule)).map(\.box)
      var later: [Taker] = []
      for place in list.overlapping(part, first: list.count) {
        let other = owners[place]
        let theirs = list.boxes[place]
        let isSame = self.verdict(other) == verdict
        if other > rule {
          if isSame, patterns[other].isExact, !patterns[other].hasSideEffects, isReached(other) {
            later.append(Taker(rule: id(other), box: theirs))
          } else if !isSame || patterns[other].hasSideEffects {
            // A rule that does something else must get none of these packets.
            guard let both = reach.limited(part, to: theirs) else { continue }
            var search = PacketSearch()
            if search.find(in: both, outside: before + later.map(\.box)) != nil || search.isExhausted { return nil }
          }
        }
      }
      var search = PacketSearch()
      let left = search.find(in: part, outside: before + later.map(\.box))
      if search.isExhausted { return nil }
      if left == nil {
        let cover = CoverSearch(part, before.map { Taker(rule: id(rule), box: $0) } + later).fewest { $0.rule == rule }
        needed += cover.map(\.rule).filter { $0 != rule && !needed.contains($0) }
      } else {
        guard endsAlike(verdict) else { return nil }
        isByPolicy = true
      }
    }
    return needed.isEmpty && !isByPolicy ? nil : Redundancy(rules: needed.sorted(), isByPolicy: isByPolicy)
  }

  /// Whether the chain's policy does what a verdict does.
  private func endsAlike(_ verdict: Verdict) -> Bool {
    guard let base = reach.audited.table.chains[chain].base else { return false }
    switch (verdict, base.policy) {
    case (.accept, .accept), (.drop, .drop): return true
    default: return false
    }
  }

  /// Whether packets get to a rule, as far as is known: one that gets none takes the place of no other.
  private func isReached(_ rule: Int) -> Bool { if case .some = reach.reach[chain][rule] { true } else { false } }

  private func id(_ rule: Int) -> RuleID { RuleID(table: reach.audited.index, chain: chain, rule: rule) }

  /// Earlier rules that overlap one, decide otherwise, and neither hold all its packets nor are held by it: were they
  /// in another order, other packets would pass.
  func correlated(with rule: Int, limit: Int) -> [Int] {
    guard let mine = verdict(rule), let box = boxes[rule], let part = reach.limited(reach.space.domains, to: box) else {
      return []
    }
    var found: [Int] = []
    for place in list.overlapping(part, first: list.count) where owners[place] < rule {
      let other = owners[place]
      guard let theirs = verdict(other), mine.passes != theirs.passes, isReached(other) else { continue }
      let isHeld = box.allSatisfy { field in
        list.boxes[place].first { $0.variable == field.variable }.map { $0.values.isSubset(of: field.values) } ?? false
      }
      let holds = list.boxes[place].allSatisfy { part[$0.variable].isSubset(of: $0.values) }
      if isHeld || holds { continue }
      found.append(other)
      if found.count == limit { break }
    }
    return found
  }
}

extension RulePattern.End {
  /// Whether no packet that matches meets the next rule of the chain.
  var takes: Bool {
    switch self {
    case .decides, .translates, .returns: true
    case .leads(_, let isGoto): isGoto
    case .goesOn, .unknown: false
    }
  }
}

extension Verdict {
  /// Whether it lets a packet on.
  var passes: Bool { self == .accept }
}

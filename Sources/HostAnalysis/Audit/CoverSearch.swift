import FlowTrace
import RuleGraph

/// Which few of some boxes cover a part.
struct CoverSearch {
  private let part: [ValueSet]
  private let takers: [Taker]

  /// As many rules that tell more are tried where the cover that was found has none.
  private static let triedLimit = 64

  init(_ part: [ValueSet], _ takers: [Taker]) {
    self.part = part
    self.takers = takers
  }

  /// The rules of a cover of which none can be left out: a single one where there is one, and those that are preferred
  /// before others.
  ///
  /// - Parameter isPreferred: Whether a rule tells more than another one would.
  func fewest(preferring isPreferred: (RuleID) -> Bool) -> [RuleID] {
    let single = takers.filter { taker in taker.box.allSatisfy { part[$0.variable].isSubset(of: $0.values) } }
    if let best = single.first(where: { isPreferred($0.rule) }) ?? single.first { return [best.rule] }
    let preferred = takers.filter { isPreferred($0.rule) }
    let others = takers.filter { !isPreferred($0.rule) }
    // What a search for a packet comes up against is a cover, mostly of few boxes.
    var search = PacketSearch()
    let all = preferred + others
    _ = search.find(in: part, outside: all.map(\.box))
    let covering = search.isExhausted ? Array(all.indices) : search.covering
    var kept = covering.filter { $0 >= preferred.count }.map { all[$0] }
    let telling = covering.filter { $0 < preferred.count }.map { all[$0] }
    kept += telling.isEmpty ? Array(preferred.prefix(Self.triedLimit)) : telling
    // What is left out first are large runs of rules, then smaller ones.
    var size = max(1, kept.count / 2)
    while true {
      var start = 0
      while start < kept.count {
        let end = min(start + size, kept.count)
        let fewer = Array(kept[..<start] + kept[end...])
        if covers(fewer) { kept = fewer } else { start = end }
      }
      if size == 1 { break }
      size = max(1, size / 2)
    }
    return kept.map(\.rule).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private func covers(_ takers: [Taker]) -> Bool {
    var search = PacketSearch()
    return search.find(in: part, outside: takers.map(\.box)) == nil && !search.isExhausted
  }
}

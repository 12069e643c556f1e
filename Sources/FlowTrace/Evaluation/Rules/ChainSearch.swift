import RuleGraph

/// A search through a chain for the rules that the packets of one flow may match.
///
/// It holds for the flow as it was, and for every part of it; whoever changes a field of the packet begins a new
/// search.
struct ChainSearch {
  /// The chain's index; nil where there is none.
  let index: ChainIndex?
  private let spans: PieceSpans
  /// The chain's rules where it has no index, and each rule's tests are looked at before it is evaluated.
  private let rules: [Rule]
  private let family: AddressFamily
  private let hulls: FieldHulls?
  /// The rules to look at, where a field of the flow shortens the list: those listed, and those that do not test the
  /// field.
  private var listed: Range<Int>?
  private var list = 0

  /// - Parameters:
  ///   - index: The chain's index.
  ///   - screened: Its rules where it has none, and they are to be screened by their tests; else nil.
  init(_ index: ChainIndex?, screened: [Rule]?, _ flow: Flow) {
    self.index = index
    rules = screened ?? []
    family = flow.family
    guard let index else {
      spans = PieceSpans()
      hulls = screened == nil ? nil : FieldHulls(flow)
      return
    }
    hulls = nil
    spans = PieceSpans(index, flow)
    for (number, lists) in index.lists.enumerated() {
      let span = spans[lists.field.rawValue]
      // Only a field that is in one piece has one list.
      guard span.low == span.high else { continue }
      let range = lists.rules(of: span.low)
      if let best = listed, best.count + index.lists[list].others.count <= range.count + lists.others.count { continue }
      listed = range
      list = number
    }
  }

  /// The index of the next rule, from one on, that may match; the number of rules when none may.
  func next(from rule: Int) -> Int {
    guard let index else {
      guard let hulls else { return rule }
      var rule = rule
      while rule < rules.count, PlainTest.fails(rules[rule], family, hulls) { rule += 1 }
      return rule
    }
    guard let listed else {
      var rule = rule
      while rule < index.count, index.fails(rule, spans) { rule += 1 }
      return rule
    }
    let lists = index.lists[list]
    let mine = first(in: lists.rules, listed, from: rule, before: index.count, index)
    // A rule that does not test the field matters only before the first listed one.
    return first(in: lists.others, lists.others.indices, from: rule, before: mine, index)
  }

  /// The first rule of a rising list that is not below `rule`, and below `end`, and may match; else `end`.
  private func first(
    in rules: [UInt32], _ range: Range<Int>, from rule: Int, before end: Int, _ index: ChainIndex
  ) -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
      let middle = (low + high) / 2
      if Int(rules[middle]) < rule { low = middle + 1 } else { high = middle }
    }
    while low < range.upperBound {
      let candidate = Int(rules[low])
      if candidate >= end { return end }
      if !index.fails(candidate, spans) { return candidate }
      low += 1
    }
    return end
  }
}

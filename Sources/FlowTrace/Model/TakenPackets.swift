import RuleGraph

/// Rules of one chain that took parts of a flow with the same verdict.
struct RuleRun {
  /// A rule, and what it matches of the flow.
  struct Member {
    var rule: RuleID
    var box: Flow.Box
  }

  var members: [Member]

  /// Those that packets of a part of the flow can have matched.
  func members(for flow: Flow) -> [Member] {
    members.filter { member in
      !member.box.contains { flow.variables[$0.variable].domain.isDisjoint(with: $0.values) }
    }
  }
}

/// What rules of one chain took of a flow with the same verdict, while the rest of the flow went on from rule to rule.
///
/// Three hundred rules that drop one source each are one thing to a reader, and one flow here: its set is the union of
/// what each rule took. So a rule that takes a part of a flow and ends its way does not divide it. The part is written
/// down, and goes on as one flow with all others of its kind when the flow divides or its base chain ends.
struct TakenPackets {
  /// What the rules have in common: all but the values that they compare with.
  struct Kind: Hashable {
    var chain: ChainID
    var verdict: Verdict
    /// What the matches compare, and whether they are negated.
    var shape: [Comparison]
  }

  /// A match without its values.
  struct Comparison: Hashable {
    var subject: ValueExpression
    var negated: Bool
  }

  let kind: Kind
  let end: ChainEnd
  /// The flow as it was at the first of the rules, with the path that leads there.
  var flow: Flow
  /// The rules, each with what it matches.
  private(set) var run: [RuleRun.Member] = []
  private(set) var pieces: [BoxUnion.Piece] = []

  init(_ kind: Kind, _ flow: Flow, end: ChainEnd) {
    self.kind = kind
    self.flow = flow
    self.end = end
  }

  /// Adds what a rule took.
  ///
  /// - Parameters:
  ///   - box: What the rule matches, relative to the flow.
  ///   - rule: The rule.
  ///   - count: How many boxes rules took of the flow before.
  mutating func add(_ box: Flow.Box, by rule: RuleID, behind count: Int) {
    run.append(RuleRun.Member(rule: rule, box: box))
    pieces.append(BoxUnion.Piece(box: box, earlierCount: count))
  }

  /// Whether a flow is still what it was at the first rule, less what rules took.
  func isSameState(as other: Flow) -> Bool {
    flow.binding == other.binding && flow.isUntracked == other.isUntracked && flow.unions.count == other.unions.count
      && zip(flow.variables, other.variables).allSatisfy { $0.domain == $1.domain }
  }

  /// The packets as one flow at the end of their chain; nil where there are none.
  ///
  /// - Parameter rest: The flow that they were taken of.
  func released(from rest: Flow) -> Flow? {
    var flow = flow
    flow.adopt(variablesOf: rest)
    let pieces = joined
    if pieces.count == 1 {
      guard flow.narrow(to: pieces[0].box) else { return nil }
      for box in rest.position.taken.boxes.boxes.prefix(pieces[0].earlierCount) { flow.exceptions.append(box) }
      guard flow.settleExceptions() else { return nil }
    } else {
      for variable in Set(pieces.flatMap { $0.box.map(\.variable) }) {
        var ranges: [ClosedRange<UInt128>] = []
        let isLimited = pieces.allSatisfy { piece in
          guard let values = piece.box.first(where: { $0.variable == variable })?.values else { return false }
          ranges += values.intervals
          return true
        }
        if isLimited, !flow.narrow(variable, to: ValueSet(ranges)) { return nil }
      }
      flow.unions.append(BoxUnion(pieces, earlier: rest.position.taken.boxes))
    }
    if run.count > 1 { flow.runs[run[0].rule] = RuleRun(members: run) }
    flow.pendingEnd = Shared(end)
    return flow
  }

  /// The pieces, those of neighbouring rules as one box where they differ in one variable only and no other rule took
  /// anything between them.
  private var joined: [BoxUnion.Piece] {
    var result: [BoxUnion.Piece] = []
    var at = 0
    while at < pieces.count {
      var end = at + 1
      var differing: VariableID?
      while end < pieces.count, pieces[end].earlierCount == pieces[end - 1].earlierCount + 1,
        let variable = Self.onlyDifference(pieces[at].box, pieces[end].box), differing.map({ $0 == variable }) ?? true
      {
        differing = variable
        end += 1
      }
      var piece = pieces[at]
      if let differing, let index = piece.box.firstIndex(where: { $0.variable == differing }) {
        piece.box[index].values = ValueSet(pieces[at..<end].flatMap { $0.box[index].values.intervals })
      }
      result.append(piece)
      at = end
    }
    return result
  }

  /// The variable in whose values alone two boxes differ; nil where they differ in more.
  private static func onlyDifference(_ a: Flow.Box, _ b: Flow.Box) -> VariableID? {
    guard a.count == b.count else { return nil }
    var found: VariableID?
    for (mine, other) in zip(a, b) {
      guard mine.variable == other.variable else { return nil }
      if mine.values == other.values { continue }
      if found != nil { return nil }
      found = mine.variable
    }
    return found
  }
}

/// What rules of a base chain took of the flow that walks it, by kind, and every box of it in the order in which it was
/// taken.
struct Taken {
  var kinds: [TakenPackets] = []
  var boxes = BoxList()
}

extension Flow {
  /// Takes over variables that were made later in a flow that this one came from.
  mutating func adopt(variablesOf other: Flow) {
    guard variables.count < other.variables.count else { return }
    variables += other.variables[variables.count...]
    rareFields.merge(other.rareFields) { mine, _ in mine }
    conditions.merge(other.conditions) { mine, _ in mine }
  }

  /// Makes what rules took exceptions of the flow, and gives it as flows of their own, one for each kind. False when
  /// nothing is left of the flow itself.
  mutating func release() -> (parts: [Flow], isLeft: Bool) {
    let taken = position.taken
    if taken.kinds.isEmpty { return ([], true) }
    let parts = taken.kinds.compactMap { $0.released(from: self) }
    return (parts, settleTaken())
  }

  /// Makes what rules took exceptions of the flow. False when nothing is left.
  mutating func settleTaken() -> Bool {
    let boxes = position.taken.boxes
    position.taken = Taken()
    if boxes.isEmpty { return true }
    if exceptions.isEmpty { exceptions = boxes } else { for box in boxes.boxes { exceptions.append(box) } }
    return settleExceptions() && occupancy() != .empty
  }
}

import RuleGraph

/// For which packets of a flow a match is true: those in `requires`, and in (or, negated, outside) the union of the
/// boxes.
///
/// The boxes do not overlap within the flow.
struct Decision {
  var requires: Flow.Box = []
  var boxes: [Flow.Box] = []
  var negated = false

  static let always = Decision(negated: true)
  static let never = Decision()

  /// True where a variable has one of these values.
  static func when(_ variable: VariableID, in values: ValueSet, requires: Flow.Box = []) -> Decision {
    Decision(requires: requires, boxes: [[(variable, values)]])
  }

  /// The decision as one box; nil where it is no box.
  var asBox: Flow.Box? {
    if boxes.isEmpty { return negated ? requires : nil }
    return boxes.count == 1 && !negated ? requires + boxes[0] : nil
  }

  /// True where one of several decisions is, of which none is negated with boxes or requirements.
  static func any(of alternatives: [Decision], in flow: Flow) -> Decision {
    var boxes: [Flow.Box] = []
    for decision in alternatives {
      if decision.negated, decision.boxes.isEmpty, decision.requires.isEmpty { return .always }
      // Later ones are cut so that boxes do not overlap.
      for box in decision.boxes.map({ decision.requires + $0 }) {
        boxes += boxes.reduce([box]) { parts, earlier in parts.flatMap { Flow.difference($0, earlier, in: flow) } }
      }
    }
    return Decision(boxes: boxes)
  }
}

extension Flow {
  /// Whether a decision is true for the whole flow (true) or for nothing of it (false); nil where ``split(_:)`` has to
  /// tell.
  func truth(of decision: Decision) -> Bool? {
    if decision.boxes.isEmpty, decision.requires.isEmpty { return decision.negated }
    guard decision.requires.isEmpty, decision.boxes.count == 1, !decision.negated else { return nil }
    var isWhole = true
    for (variable, values) in decision.boxes[0] {
      let domain = variables[variable].domain
      if domain.isDisjoint(with: values) { return false }
      if isWhole, !domain.isSubset(of: values) { isWhole = false }
    }
    return isWhole ? true : nil
  }

  /// The parts of the flow for which a decision is true, and those for which it is false.
  func parts(by decision: Decision) -> [Flow] {
    let parts = split(decision)
    return parts.yes + parts.no
  }

  /// Cuts the flow in two: where the decision is true and where it is false.
  ///
  /// `box` is the true part as one box relative to the flow, where it is one: then the false part of a whole rule can
  /// be the flow less one box.
  func split(_ decision: Decision) -> (yes: [Flow], no: [Flow], box: Box?) {
    if decision.requires.isEmpty {
      if decision.boxes.isEmpty { return decision.negated ? ([self], [], []) : ([], [self], nil) }
      if decision.boxes.count == 1, !decision.negated { return cut(decision.boxes[0]) }
    }
    if decision.boxes.isEmpty, decision.negated { return cut(decision.requires) }
    if decision.boxes.isEmpty { return ([], [self], nil) }
    if decision.boxes.count == 1, !decision.negated { return cut(decision.requires + decision.boxes[0]) }

    // The general case: the parts that fail the requirement, then the boxes one by one.
    var no: [Flow] = []
    var inside = self
    if !decision.requires.isEmpty {
      var outside = self
      if outside.exclude(decision.requires) { no.append(outside) }
      guard inside.narrow(to: decision.requires) else { return ([], [self], nil) }
    }
    var matched: [Flow] = []
    var rest: Flow? = inside
    for box in decision.boxes {
      guard var current = rest else { break }
      var part = current
      guard part.narrow(to: box) else { continue }
      matched.append(part)
      rest = current.exclude(box) ? current : nil
    }
    if let left = rest, left.isCertainlyEmpty { rest = nil }
    let others = rest.map { [$0] } ?? []
    return decision.negated ? (others, no + matched, nil) : (matched, no + others, nil)
  }

  private func cut(_ box: Box) -> (yes: [Flow], no: [Flow], box: Box?) {
    var dividing = false
    for (variable, values) in box {
      let domain = variables[variable].domain
      if domain.isDisjoint(with: values) { return ([], [self], nil) }
      if !domain.isSubset(of: values) { dividing = true }
    }
    guard dividing else { return ([self], [], []) }
    var yes = self
    guard yes.narrow(to: box), !yes.isCertainlyEmpty else { return ([], [self], nil) }
    var no = self
    guard no.exclude(box), !no.isCertainlyEmpty else { return ([yes], [], box) }
    return ([yes], [no], box)
  }
}

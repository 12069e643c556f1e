import RuleGraph

/// A part of a flow that a rule takes, as one box of it.
struct TakenPart {
  var box: Flow.Box
  var kind: TakenPackets.Kind
  /// What the rule takes for granted.
  var assumptions: [Assumption]
}

extension Engine {
  /// What a rule takes of a flow where it does no more than compare fields of the packet and end its way; nil of every
  /// other rule, which divides the flow.
  ///
  /// - Parameters:
  ///   - id: The rule.
  ///   - first: The statement that divides the flow.
  ///   - decision: For which packets it is true.
  ///   - flow: The flow; takes over variables that are made for the rule.
  ///   - kept: How many assumptions the flow had before the rule.
  func taking(_ id: RuleID, from first: Int, _ decision: Decision, _ flow: inout Flow, kept: Int) -> RuleEffect? {
    let statements = ruleset.tables[id.table].chains[id.chain].rules[id.rule].statements
    guard let verdict = Self.plainEnd(statements) else { return nil }
    // The matches are decided one after the other, each for what the ones before left: in the flow itself, which gets
    // its values back.
    var narrowed: Flow.Box = []
    var kept = kept
    var given = flow.assumptions
    func restore(_ flow: inout Flow) {
      for (variable, values) in narrowed.reversed() { flow.variables[variable].domain = values }
    }
    func fails(_ flow: inout Flow) -> RuleEffect {
      restore(&flow)
      if flow.assumptions.count > kept { flow.assumptions.removeLast(flow.assumptions.count - kept) }
      return .passed(isChanged: false)
    }
    func divides(_ flow: inout Flow) -> RuleEffect? {
      restore(&flow)
      flow.assumptions = given
      return nil
    }
    var box: Flow.Box = []
    for index in first..<statements.count {
      let truth: Decision
      switch statements[index] {
      case .match, .anyOf:
        let count = flow.variables.count
        truth = index == first ? decision : decide(statements[index], in: &flow, id, index)
        if flow.variables.count > count {
          given = flow.assumptions
          kept = given.count
        }
      default: continue
      }
      switch flow.truth(of: truth) {
      case true: continue
      case false: return fails(&flow)
      case nil: break
      }
      guard let part = truth.asBox else { return divides(&flow) }
      for (variable, values) in part {
        guard case .field? = flow.variables[variable].dimension else { return divides(&flow) }
        let domain = flow.variables[variable].domain
        let both = domain.intersection(values)
        if both.isEmpty { return fails(&flow) }
        narrowed.append((variable, domain))
        flow.variables[variable].domain = both
        if let known = box.firstIndex(where: { $0.variable == variable }) {
          box[known].values = both
        } else {
          box.append((variable, both))
        }
      }
    }
    if case .reject(let rejection) = verdict {
      guard rejection.fits(flow.family) else { return fails(&flow) }
      // Whether such a reject is answered depends on the packets.
      if isUnanswered(rejection, flow) || hasNoWayBack(flow) { return divides(&flow) }
    }
    let assumptions = Array(flow.assumptions.dropFirst(kept))
    _ = fails(&flow)
    box.removeAll { flow.variables[$0.variable].domain.isSubset(of: $0.values) }
    if box.isEmpty {
      flow.assumptions = given
      return nil
    }
    let kind = TakenPackets.Kind(chain: id.chainID, verdict: verdict, shape: Self.shape(statements))
    return .takes(TakenPart(box: box, kind: kind, assumptions: assumptions))
  }

  /// The verdict of a rule that only compares fields before it, and ends a packet's way through its base chain.
  private static func plainEnd(_ statements: [Statement]) -> Verdict? {
    for statement in statements {
      switch statement {
      case .match, .anyOf, .effect: continue
      case .verdict(let verdict):
        switch verdict {
        case .accept, .drop, .reject: return verdict
        default: return nil
        }
      default: return nil
      }
    }
    return nil
  }

  private static func shape(_ statements: [Statement]) -> [TakenPackets.Comparison] {
    statements.flatMap { statement -> [TakenPackets.Comparison] in
      switch statement {
      case .match(let match): [TakenPackets.Comparison(subject: match.subject, negated: match.negated)]
      case .anyOf(let matches):
        matches.map { TakenPackets.Comparison(subject: $0.subject, negated: $0.negated) }
      default: []
      }
    }
  }

  /// Writes down what a rule takes of a flow. The flow goes on without it.
  func take(_ part: TakenPart, by id: RuleID, _ flow: inout Flow, _ hook: Hook) {
    guard flow.occupancy(within: part.box) != .empty else { return }
    flow.position.changes += 1
    let count = flow.position.taken.boxes.count
    let known = flow.position.taken.kinds.lastIndex { $0.kind == part.kind && $0.isSameState(as: flow) }
    let index = known ?? flow.position.taken.kinds.count
    if known == nil {
      flow.position.taken.kinds.append(begin(part, by: id, flow, hook))
    }
    for assumption in part.assumptions { flow.position.taken.kinds[index].flow.assume(assumption) }
    flow.position.taken.kinds[index].add(part.box, by: id, behind: count)
    flow.position.taken.boxes.append(part.box)
  }

  /// The packets of a kind, before the first of them is taken.
  private func begin(_ part: TakenPart, by id: RuleID, _ flow: Flow, _ hook: Hook) -> TakenPackets {
    var start = flow
    start.position.taken = Taken()
    // The rules before were not for what this one takes.
    var first = start
    for (variable, values) in part.box { first.variables[variable].domain = values }
    notePassed(&first, hook, upTo: id.rule)
    start.path = first.path
    start.position = first.position
    start.note(
      Step(hook: hook, .rule(id), matched: true, action: part.kind.verdict.action, target: part.kind.verdict.target))
    let end: ChainEnd
    switch part.kind.verdict {
    case .drop: end = .dropped(.rule(id))
    case .reject(let rejection): end = .rejected(id, rejection)
    default: end = .accepted
    }
    return TakenPackets(part.kind, start, end: end)
  }
}

import RuleGraph

/// What adds to a case why it is what it is. The tracer asks it as soon as a case is made, for the flow that it is made
/// of is not kept.
protocol CaseReasons {
  /// Adds the reasons to a case.
  ///
  /// - Parameters:
  ///   - part: The case.
  ///   - end: The flow that it is made of.
  ///   - isAsked: Whether the question is about the case itself, not about its reply or a connection that a program
  ///     makes on.
  func add(to part: inout Case, of end: FinishedFlow, isAsked: Bool)
}

/// Turns finished flows into the cases of a trace.
struct CaseBuilder {
  let engine: Engine
  let query: Query
  let options: Tracer.Options
  /// What the cases took for granted, each once.
  private(set) var assumptions: [Assumption] = []

  private let reasons: (any CaseReasons)?
  private let lists: RegionLists

  init(
    engine: Engine, query: Query, options: Tracer.Options, reasons: (any CaseReasons)?,
    lists: RegionLists = RegionLists()
  ) {
    self.lists = lists
    self.engine = engine
    self.query = query
    self.options = options
    self.reasons = reasons
  }

  /// The cases of finished flows.
  mutating func cases(_ finished: [FinishedFlow]) -> [Case] {
    var built: [Case] = []
    var unknowns: [Set<Unknown>] = []
    var masked: [[Int: [ValueSet]]] = []
    let limit = isReply ? Engine.replyLimit : Engine.caseLimit
    for end in decided(finished, limit: limit) {
      guard var kept = limited(end) else { continue }
      switch kept.flow.occupancy() {
      case .empty: continue
      case .inhabited: break
      case .undecided: kept = engine.givenUp(kept.flow, Engine.tooManyOverlaps)
      }
      unknowns.append(self.unknowns(kept.flow))
      masked.append(maskedValues(kept.flow))
      var one = makeCase(kept)
      if options.tracesReply, !isReply, kept.verdict == .accept, query.phase == .first, !kept.flow.isPastHost {
        one.reply = reply(to: kept)
      }
      if kept.fate == .local, !kept.flow.isPastHost, !isReply, !isContinuation, query.phase == .first {
        deliver(kept.flow, &one)
      }
      built.append(one)
    }
    settleUnknown(&built, unknowns)
    settleMasked(&built, masked)
    return isReply ? built : CaseJoining.joined(built)
  }

  /// A flow limited to what the query wants of the output interface. Its reply leaves where it will.
  private func limited(_ end: FinishedFlow) -> FinishedFlow? {
    guard !isReply, let wanted = query.output else { return end }
    var end = end
    // In the chains of a bridge or at egress it is a port or a device that stands there.
    let output = end.flow.device.map(\.output) ?? end.flow.binding[.output]
    guard let output else { return end.verdict == .accept ? nil : end }
    return end.flow.narrow(output, to: wanted) ? end : nil
  }

  /// Says which program gets a delivered packet, and traces the connection that docker-proxy makes on.
  private mutating func deliver(_ flow: Flow, _ one: inout Case) {
    guard let outcome = LocalDelivery(engine: engine).outcome(flow) else { return }
    one.remarks.append(outcome.remark)
    if let assumption = outcome.assumption, !assumptions.contains(assumption) { assumptions.append(assumption) }
    guard let onward = outcome.onward, let family = onward.family else { return }
    var inner = CaseBuilder(engine: engine, query: onward, options: options, reasons: reasons)
    inner.isContinuation = true
    let ends = engine.followOn(engine.startingFlows(onward, family)) { engine.answer(onward, family: family) }
    let cases = inner.cases(ends)
    one.continuation = cases
    if let seen = cases.first?.packet.source.single, cases.allSatisfy({ $0.packet.source.single == seen }) {
      one.remarks.append(.sourceSeen(IPAddress(bits: seen)))
    }
    for assumption in inner.assumptions where !assumptions.contains(assumption) { assumptions.append(assumption) }
  }

  private mutating func reply(to end: FinishedFlow) -> [Case]? {
    guard let flow = engine.replyFlow(end) else { return nil }
    var inner = CaseBuilder(engine: engine, query: query, options: options, reasons: reasons, lists: lists)
    inner.isReply = true
    let cases = inner.cases(engine.followOn([flow]) { engine.run([flow], limit: Engine.replyLimit) })
    for assumption in inner.assumptions where !assumptions.contains(assumption) { assumptions.append(assumption) }
    return cases
  }

  /// Whether the cases are of an answer, or of the connection that a program makes on: neither is followed further.
  private var isReply = false
  private var isContinuation = false

  /// The interface that the packet came in on; postrouting may have lost sight of it.
  private func input(_ flow: Flow) -> ValueSet? {
    guard !flow.isSentByHost else { return nil }
    let arrived =
      flow.isBridged || flow.device != nil ? flow.arrival[.input] : flow.binding[.input]
    return arrived.map { flow.variables[$0].domain }
  }

  private mutating func makeCase(_ end: FinishedFlow) -> Case {
    let flow = end.flow
    for assumption in flow.assumptions where !assumptions.contains(assumption) { assumptions.append(assumption) }
    let conditions = flow.conditions.values.sorted().filter { flow.variables[$0].domain.single != nil }
    let uses = conditions.compactMap { use(of: $0, in: flow) }
    var shared: [RuleRun.Member] = []
    var first: [RuleID: RuleID] = [:]
    for (rule, run) in flow.runs {
      let members = run.members(for: flow)
      first[rule] = members.first?.rule
      if end.decidedBy == .rule(rule) { shared = members }
    }
    var decidedBy = end.decidedBy
    if case .rule(let rule) = decidedBy, let known = first[rule] { decidedBy = .rule(known) }
    let place = CaseRegion(
      flow: flow, isSentByHost: flow.isSentByHost && !isReply, conditions: conditions,
      showsOutput: options.dividesByOutput, lists: lists)
    var part = Case(
      when: place.region, verdict: end.verdict, fate: end.fate,
      input: input(flow), output: end.fate == .local ? nil : outputName(flow),
      packet: tuple(flow), translations: flow.translations, decidedBy: decidedBy,
      rejectWith: end.rejection?.name(for: flow.family), path: steps(flow, first), nearMisses: [],
      conditions: uses)
    if shared.count > 1 {
      part.rules = shared.map(\.rule)
      part.shares = shared.map(place.share)
    }
    part.remarks = flow.remarks
    if flow.mayHaveOtherSource, end.verdict == .accept, !isReply {
      part.hasUnknownSource = true
      part.remarks.append(.unknownSource)
    }
    if let unknown = end.unknown {
      var rule: RuleID?
      if case .rule(let id) = end.decidedBy { rule = id }
      part.conditions.append(
        ConditionUse(Condition(.end(unknown.reason), rule: rule, settledBy: unknown.settledBy), holds: true))
    }
    reasons?.add(to: &part, of: end, isAsked: !isReply && !isContinuation)
    return part
  }

  private func outputName(_ flow: Flow) -> ValueSet? {
    guard let domain = flow.domain(.output), domain.single != 0 else { return nil }
    return domain
  }

  private func tuple(_ flow: Flow) -> PacketTuple {
    let hasPorts = !(flow.domain(.transport) ?? .all).isDisjoint(with: IPProtocol.withPorts)
    return PacketTuple(
      family: flow.family, transport: flow.domain(.transport) ?? .all,
      source: flow.domain(.source) ?? .all,
      sourcePort: hasPorts ? flow.domain(.sourcePort) : nil,
      destination: flow.domain(.destination) ?? .all,
      destinationPort: hasPorts ? flow.domain(.destinationPort) : nil, mark: flow.domain(.mark) ?? ValueSet(0))
  }

  // MARK: - Conditions and regions

  /// Finished flows as flows in which every condition that their exceptions mention is decided. Those past the limit
  /// are given up whole.
  private func decided(_ finished: [FinishedFlow], limit: Int) -> [FinishedFlow] {
    var work = Array(finished.reversed())
    var decided: [FinishedFlow] = []
    while var end = work.popLast() {
      guard end.flow.settleExceptions() else { continue }
      guard let variable = undecidedException(end.flow) else {
        decided.append(end)
        continue
      }
      if decided.count + work.count >= limit {
        decided.append(engine.givenUp(end.flow))
        continue
      }
      for value: UInt128 in [0, 1] {
        var part = end
        if part.flow.narrow(variable, to: ValueSet(value)) { work.append(part) }
      }
    }
    return decided
  }

  /// A condition that an exception of a flow mentions and that is not decided in it.
  private func undecidedException(_ flow: Flow) -> VariableID? {
    // The first one, so that cases come in the same order each time.
    flow.exceptions.variables.filter { number(of: $0, in: flow) != nil && flow.variables[$0].domain.single == nil }
      .min()
  }

  private func number(of variable: VariableID, in flow: Flow) -> Int? {
    guard case .condition(let number)? = flow.variables[variable].dimension else { return nil }
    return number
  }

  private func use(of variable: VariableID, in flow: Flow) -> ConditionUse? {
    guard let number = number(of: variable, in: flow), let value = flow.variables[variable].domain.single else {
      return nil
    }
    return ConditionUse(engine.conditions[number], holds: value == 1)
  }

  /// Cases that depend on something a dump could have told, and whose verdict changes with it, are undetermined.
  private func settleUnknown(_ cases: inout [Case], _ unknowns: [Set<Unknown>]) {
    let verdicts = cases.map(\.verdict)
    for index in cases.indices where !unknowns[index].isEmpty {
      let opposites = unknowns[index].map(\.opposite)
      let differs = cases.indices.contains { other in
        verdicts[other] != verdicts[index] && !unknowns[other].isDisjoint(with: opposites)
          && cases[index].when.overlaps(cases[other].when)
      }
      guard differs else { continue }
      cases[index].conditionalVerdict = verdicts[index] == .undetermined ? nil : verdicts[index]
      cases[index].verdict = .undetermined
    }
  }

  /// The values that a flow takes something masked to be, by the number of its condition.
  private func maskedValues(_ flow: Flow) -> [Int: [ValueSet]] {
    var found: [Int: [ValueSet]] = [:]
    for variable in flow.variables {
      if let number = variable.masked { found[number, default: []].append(variable.domain) }
    }
    return found
  }

  /// Cases that differ in the value of something masked, and in their verdict, are undetermined: the value is one, and
  /// the dump does not show it.
  private func settleMasked(_ cases: inout [Case], _ masked: [[Int: [ValueSet]]]) {
    let verdicts = cases.map(\.verdict)
    for index in cases.indices {
      for (number, values) in masked[index].sorted(by: { $0.key < $1.key }) {
        let differs = cases.indices.contains { other in
          verdicts[other] != verdicts[index] && masked[other][number].map { $0 != values } ?? false
            && cases[index].when.overlaps(cases[other].when)
        }
        guard differs else { continue }
        cases[index].verdict = .undetermined
        cases[index].conditions.append(ConditionUse(engine.conditions[number], holds: true))
      }
    }
  }

  private enum Unknown: Hashable {
    /// Whether a condition holds, by its number.
    case condition(Int, holds: Bool)
    /// The address that rules that no dump shows translate to: packets of which nothing else differs may end otherwise.
    case unseenTarget

    /// What it may be instead.
    var opposite: Unknown {
      switch self {
      case .condition(let number, let holds): .condition(number, holds: !holds)
      case .unseenTarget: self
      }
    }
  }

  /// What a flow takes to be one way although a dump could have told.
  private func unknowns(_ flow: Flow) -> Set<Unknown> {
    var found = Set<Unknown>()
    for variable in flow.variables {
      guard case .condition(let number)? = variable.dimension, !engine.conditions[number].about.isEnvironment,
        let value = variable.domain.single
      else { continue }
      found.insert(.condition(number, holds: value == 1))
    }
    if isReply, flow.mayHaveOtherSource { found.insert(.unseenTarget) }
    let isUnseen = flow.translations.contains { translation in
      translation.rule.map { engine.ruleset[$0].isUnseen } ?? false
    }
    if isUnseen { found.insert(.unseenTarget) }
    return found
  }

  // MARK: - The way

  /// The steps of a flow. Where a run of rules decided, the first that is left of it stands for them.
  private func steps(_ flow: Flow, _ first: [RuleID: RuleID]) -> [Step] {
    var steps: [Step] = []
    for node in PathNode.inOrder(flow.path) {
      switch node.content {
      case .step(var step):
        if case .rule(let rule) = step.event, let known = first[rule] { step.event = .rule(known) }
        steps.append(step)
      case .passed(let chain, let rules, let hook, let snapshot):
        guard options.listsEveryRule else { continue }
        for rule in rules {
          let id = RuleID(table: chain.table, chain: chain.chain, rule: rule)
          steps.append(
            Step(
              hook: hook, .rule(id), matched: false, action: .noMatch,
              failedStatement: engine.failures(of: id, snapshot.flow.value).first?.statement))
        }
      }
    }
    return steps
  }
}

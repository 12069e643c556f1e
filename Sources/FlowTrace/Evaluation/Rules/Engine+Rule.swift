import RuleGraph

/// What a rule did to the packets that it matched.
enum RuleOutcome {
  /// On with the next rule.
  case next
  /// A verdict.
  case verdict(Verdict)
  /// A translation was set up: the nat chains of the hook end.
  case translated
  /// The packet is handed to a local socket (TPROXY).
  case handedOver
  /// A target that is not understood.
  case unknown(UnknownEnd)
}

/// A part of a flow behind a rule.
struct RuleBranch {
  var flow: Flow
  var outcome: RuleOutcome
  /// What the path shows.
  var action: Step.Action
  var target: Step.Target?
}

/// What a rule did to a flow.
enum RuleEffect {
  /// It did not match; the flow goes on with the next rule. An assignment before the statement that failed may have
  /// changed the packet.
  case passed(isChanged: Bool)
  /// It takes a part of the flow, which goes on without it.
  case takes(TakenPart)
  /// It matched the whole flow.
  case matched(RuleOutcome, action: Step.Action, target: Step.Target?)
  /// It matched a part of the flow, or did several things to it: the branches that it matched, and the flows that go on
  /// with the next rule.
  case split(matched: [RuleBranch], passed: [Flow])
}

extension Engine {
  /// Evaluates one rule. As long as its statements hold for the whole flow, or for nothing of it, the flow stays in its
  /// place; from the first statement on that divides it, ``divide(_:from:_:candidate:done:)`` takes over.
  func evaluate(_ id: RuleID, _ flow: inout Flow) -> RuleEffect {
    let statements = ruleset.tables[id.table].chains[id.chain].rules[id.rule].statements
    var done: (action: Step.Action, target: Step.Target?)?
    var isChanged = false
    // A rule that does not match leaves what it took for granted only together with variables that it made.
    var variables = flow.variables.count
    var kept = flow.assumptions.count
    func fail(_ flow: inout Flow) -> RuleEffect {
      if flow.assumptions.count > kept { flow.assumptions.removeLast(flow.assumptions.count - kept) }
      return .passed(isChanged: isChanged)
    }
    for index in statements.indices {
      switch statements[index] {
      case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .updateSet:
        guard let decision = decideIfAny(statements[index], in: &flow, id, index) else { continue }
        if flow.variables.count > variables {
          variables = flow.variables.count
          kept = flow.assumptions.count
        }
        switch flow.truth(of: decision) {
        case true: continue
        case false: return fail(&flow)
        case nil where !statements[index...].contains(where: \.changesSomething): return fail(&flow)
        case nil:
          if done == nil, !isChanged, let effect = taking(id, from: index, decision, &flow, kept: kept) {
            return effect
          }
          var start = flow
          if start.assumptions.count > kept { start.assumptions.removeLast(start.assumptions.count - kept) }
          let parts = divide(id, from: index, start, candidate: flow, done: done)
          return .split(matched: parts.matched, passed: parts.passed)
        }
      case .effect: continue
      case .assign, .notrack:
        // From here on the rule leaves a mark on the packet; what failed before did not get it.
        let (parts, misses) = assigned(statements[index], flow, id, index)
        guard parts.count + misses.count == 1 else {
          let parts = divide(id, from: index, flow, candidate: flow, done: done)
          return .split(matched: parts.matched, passed: parts.passed)
        }
        guard let part = parts.first else {
          flow = misses[0]
          return .passed(isChanged: isChanged)
        }
        flow = part.0
        done = apply(part.1, to: &flow, id) ?? done
        isChanged = true
        variables = flow.variables.count
        kept = flow.assumptions.count
      case .verdict(.reject(let rejection)) where !rejection.fits(flow.family):
        return .passed(isChanged: isChanged)
      case .verdict(.jump(let name)) where self.index.chain(named: name, table: id.table) == nil:
        return .split(matched: meet(chain: name, isGoto: false, flow, id, index), passed: [])
      case .verdict(.goto(let name)) where self.index.chain(named: name, table: id.table) == nil:
        return .split(matched: meet(chain: name, isGoto: true, flow, id, index), passed: [])
      case .missingRules(let missing): return .split(matched: meet(missing, flow, id, index), passed: [])
      case .verdict(let verdict):
        return .matched(.verdict(verdict), action: verdict.action, target: verdict.target ?? done?.target)
      case .opaqueTarget(let opaque): return .split(matched: meet(target: opaque, flow, id, index), passed: [])
      case .verdictMap(let key, let reference):
        return whole(verdicts(key, reference, flow, id, index), &flow)
      case .translate(let translation): return whole(translate(translation, flow, id, index), &flow)
      }
    }
    return .matched(.next, action: done?.action ?? .continue, target: done?.target)
  }

  /// The effect of a rule's last statement that was carried out on the whole flow.
  private func whole(_ result: (hits: [RuleBranch], misses: [Flow]), _ flow: inout Flow) -> RuleEffect {
    if result.misses.isEmpty, result.hits.count == 1 {
      flow = result.hits[0].flow
      return .matched(result.hits[0].outcome, action: result.hits[0].action, target: result.hits[0].target)
    }
    if result.hits.isEmpty, result.misses.count == 1 {
      flow = result.misses[0]
      return .passed(isChanged: true)
    }
    return .split(matched: result.hits, passed: result.misses)
  }

  /// For which packets a statement that can fail is true; nil of a set update without conditions, which can't.
  private func decideIfAny(_ statement: Statement, in flow: inout Flow, _ id: RuleID, _ index: Int) -> Decision? {
    guard case .updateSet(let update) = statement else { return decide(statement, in: &flow, id, index) }
    if update.conditions.isEmpty { return nil }
    return condition(id, index, in: &flow) {
      Condition(.element(update.conditions), rule: id)
    }
  }

  /// Evaluates the statements of a rule from an index on: the branches that it matched, and the flows that go on with
  /// the next rule because it did not match. `candidate` is the flow as it is behind the earlier statements, `start` as
  /// it goes on where the rule does not match, and `done` what earlier statements of the rule did to the packet.
  private func divide(
    _ id: RuleID, from first: Int, _ start: Flow, candidate: Flow, done: (action: Step.Action, target: Step.Target?)?
  ) -> (matched: [RuleBranch], passed: [Flow]) {
    let statements = ruleset[id].statements
    var matching = Matching(start, candidate)
    for index in first..<max(first, statements.count) {
      if matching.candidates.isEmpty { return ([], matching.passed()) }
      switch statements[index] {
      case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .updateSet:
        matching.apply { decideIfAny(statements[index], in: &$0, id, index) }
      case .effect: continue
      case .assign, .notrack:
        // From here on the rule leaves a mark on the packet; what failed before did not get it.
        var result: (matched: [RuleBranch], passed: [Flow]) = ([], matching.passed())
        for candidate in matching.candidates {
          let (parts, misses) = assigned(statements[index], candidate.flow, id, index)
          result.passed += misses
          for (part, statement) in parts {
            var flow = part
            let change = apply(statement, to: &flow, id)
            let rest = divide(id, from: index + 1, flow, candidate: flow, done: change ?? done)
            result.matched += rest.matched
            result.passed += rest.passed
          }
        }
        return result
      case .verdict(.reject(let rejection)) where !rejection.fits(start.family):
        // nft leaves the family test that it puts before such a reject out of its listings.
        return ([], matching.passed() + matching.candidates.map(\.flow))
      case .verdict(.jump(let name)) where self.index.chain(named: name, table: id.table) == nil:
        return (
          matching.candidates.flatMap { meet(chain: name, isGoto: false, $0.flow, id, index) }, matching.passed()
        )
      case .verdict(.goto(let name)) where self.index.chain(named: name, table: id.table) == nil:
        return (matching.candidates.flatMap { meet(chain: name, isGoto: true, $0.flow, id, index) }, matching.passed())
      case .missingRules(let missing):
        return (matching.candidates.flatMap { meet(missing, $0.flow, id, index) }, matching.passed())
      case .verdict(let verdict):
        let matched = matching.candidates.map {
          RuleBranch(
            flow: $0.flow, outcome: .verdict(verdict), action: verdict.action, target: verdict.target ?? done?.target)
        }
        return (matched, matching.passed())
      case .opaqueTarget(let opaque):
        return (matching.candidates.flatMap { meet(target: opaque, $0.flow, id, index) }, matching.passed())
      case .verdictMap(let key, let reference):
        return ends(matching) { verdicts(key, reference, $0, id, index) }
      case .translate(let translation):
        return ends(matching) { translate(translation, $0, id, index) }
      }
    }
    let matched = matching.candidates.map {
      RuleBranch(flow: $0.flow, outcome: .next, action: done?.action ?? .continue, target: done?.target)
    }
    return (matched, matching.passed())
  }

  /// An assignment in parts of the flow with one value each, and the parts that have none: a map without the key, a
  /// mark without a connection. In nft these end the rule (NFT_BREAK).
  private func assigned(
    _ statement: Statement, _ start: Flow, _ id: RuleID, _ statementIndex: Int
  ) -> (parts: [(Flow, Statement)], misses: [Flow]) {
    if case .assign(let assignment) = statement, case .map(let key, .ipset(let name)) = assignment.value {
      return (assigned(assignment.field, heldBy: index.ipset(name), key, start, id, statementIndex), [])
    }
    guard case .assign(var assignment) = statement, ruleset.tables[id.table].origin == .nftables else {
      return ([(start, statement)], [])
    }
    var result: (parts: [(Flow, Statement)], misses: [Flow]) = ([], [])
    let found = withMapsLookedUp(assignment.value, start, id, statementIndex)
    result.misses = found.misses
    for hit in found.hits {
      var flow = hit.flow
      assignment.value = hit.values[0]
      if values(of: assignment.value, in: &flow) == nil {
        result.misses.append(flow)
      } else {
        result.parts.append((flow, .assign(assignment)))
      }
    }
    return result
  }

  /// The end of a rule in a statement that may itself fail to match.
  private func ends(
    _ matching: Matching, _ last: (Flow) -> (hits: [RuleBranch], misses: [Flow])
  ) -> (matched: [RuleBranch], passed: [Flow]) {
    var matched: [RuleBranch] = []
    var misses: [Flow] = []
    for candidate in matching.candidates {
      let result = last(candidate.flow)
      matched += result.hits
      misses += result.misses
    }
    return (matched, matching.passed() + misses)
  }

  /// The matches of a rule at work: which parts of the flow match so far, and which don't.
  ///
  /// What does not match a rule of three matches would be three flows; it is one flow with an exception as long as what
  /// matches is one box.
  private struct Matching {
    /// What the rule was given.
    private var start: Flow
    /// The parts that match so far, each as the box that it is of the start.
    private(set) var candidates: [(flow: Flow, box: Flow.Box)]
    /// The parts that did not match, one by one.
    private var failed: [Flow] = []
    /// Whether the candidates are boxes of the start.
    private var isBoxed = true

    init(_ start: Flow, _ candidate: Flow) {
      self.start = start
      candidates = [(candidate, [])]
    }

    mutating func apply(_ decide: (inout Flow) -> Decision?) {
      let isOne = candidates.count == 1
      var next: [(flow: Flow, box: Flow.Box)] = []
      for candidate in candidates {
        var flow = candidate.flow
        guard let decision = decide(&flow) else { return }
        if isOne { start.adopt(newVariablesOf: flow) }
        let parts = flow.split(decision)
        failed += parts.no
        if let box = parts.box {
          next += parts.yes.map { ($0, candidate.box + box) }
        } else {
          if !parts.yes.isEmpty || !isOne { isBoxed = false }
          next += parts.yes.map { ($0, candidate.box) }
        }
      }
      candidates = next
    }

    /// The flows that the rule did not match.
    func passed() -> [Flow] {
      if candidates.isEmpty { return [start] }
      guard isBoxed, failed.count > 1 else { return failed }
      var rest = start
      for candidate in candidates where !rest.exclude(candidate.box) { return [] }
      return rest.isCertainlyEmpty ? [] : [rest]
    }
  }

  /// For which packets a matching statement is true.
  func decide(_ statement: Statement, in flow: inout Flow, _ id: RuleID, _ index: Int) -> Decision {
    switch statement {
    case .match(let match): return decide(match, in: &flow, rule: id, statement: index)
    case .anyOf(let matches):
      // Alternatives are scalar matches: none is negated with boxes.
      return .any(of: matches.map { decide($0, in: &flow, rule: id, statement: index) }, in: flow)
    case .environment(let environment):
      return decide(environment, in: &flow, id, index)
    case .opaqueMatch(let opaque):
      return condition(id, index, in: &flow) {
        Condition(.opaque(opaque), rule: id, settledBy: opaque.settledBy)
      }
    case .hiddenInterfaces:
      let list = ruleset.tables[id.table].family == .ip6 ? "ip6tables" : "iptables"
      let table = ruleset.tables[id.table].name
      return condition(id, index, in: &flow) {
        Condition(
          .hiddenInterfaces, rule: id, settledBy: table == "filter" ? "\(list) -vnL" : "\(list) -t \(table) -vnL")
      }
    default: return .always
    }
  }

  private func decide(_ environment: EnvironmentCondition, in flow: inout Flow, _ id: RuleID, _ index: Int) -> Decision
  {
    if environment.kind == .owner, let name = environment.arguments.first {
      // A packet without a socket has no owner (`owner_mt` in `net/netfilter/xt_owner.c`).
      guard case .variable = flow.access(.meta(.skuid), isIndexNamed: false) else {
        return environment.negated ? .always : .never
      }
      if environment.arguments.count == 1 {
        let isGroup = name.name == "gid-owner"
        return condition(id, index, in: &flow, negated: environment.negated) {
          Condition(
            .owner(name.value, isGroup: isGroup), rule: id,
            settledBy: isGroup ? "getent group \(name.value)" : "id -u \(name.value)")
        }
      }
    }
    return condition(id, index, in: &flow) {
      Condition(.environment(environment), rule: id)
    }
  }
}

extension Flow {
  /// Takes over the variables that a decision made in a flow that came from this one.
  mutating func adopt(newVariablesOf other: Flow) {
    guard variables.count < other.variables.count else { return }
    variables += other.variables[variables.count...]
    binding = other.binding
    rareFields = other.rareFields
    conditions = other.conditions
    for assumption in other.assumptions { assume(assumption) }
  }
}

extension Statement {
  /// Whether the statement can change the packet or its fate; the others only ask, log or count, or remember it for
  /// later packets.
  package var changesSomething: Bool {
    switch self {
    case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .updateSet, .effect, .verdict(.continue): false
    case .assign, .notrack, .translate, .verdict, .verdictMap, .opaqueTarget, .missingRules: true
    }
  }
}

extension Verdict {
  /// What the path shows of the verdict.
  var action: Step.Action {
    switch self {
    case .accept: .accept
    case .drop: .drop
    case .return: .return
    case .continue: .continue
    case .jump: .jump
    case .goto: .goto
    case .reject: .reject
    case .queue: .queue
    case .forwardTo: .forwardTo
    case .synproxy: .synproxy
    }
  }

  /// The chain or device that the verdict names.
  var target: Step.Target? {
    switch self {
    case .jump(let chain), .goto(let chain): .chain(chain)
    case .forwardTo(let device): .device(device)
    default: nil
    }
  }
}

extension Rejection {
  /// Whether the answer can be given to a packet of a family.
  func fits(_ family: AddressFamily) -> Bool {
    switch self {
    case .icmp: family == .ipv4
    case .icmpv6: family == .ipv6
    case .tcpReset, .icmpx: true
    }
  }
}

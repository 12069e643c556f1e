import RuleGraph

extension Engine {
  /// Walks the chains that a flow is in until its base chain ends or the flow splits.
  ///
  /// Gives nil while the flow split: the parts are in `work` then.
  func walk(_ flow: inout Flow, _ hook: Hook, _ work: inout [Flow]) -> ChainEnd? {
    while let frame = flow.position.frames.last {
      let rules = ruleset.tables[frame.chain.table].chains[frame.chain.chain].rules
      let count = rules.count
      let screened = index.isWorthHulls(count) ? rules : nil
      var search = ChainSearch(index.chain(frame.chain, flow.family), screened: screened, flow)
      var rule = frame.rule
      rules: while true {
        let next = search.next(from: rule)
        budget -= next - rule
        rule = next
        guard rule < count else { break }
        budget -= 1
        if budget <= 0 || steps > Self.stepLimit {
          return .unknown(
            .rule(RuleID(table: frame.chain.table, chain: frame.chain.chain, rule: rule)), Engine.tooMuch)
        }
        let id = RuleID(table: frame.chain.table, chain: frame.chain.chain, rule: rule)
        switch evaluate(id, &flow) {
        case .passed(let isChanged):
          rule += 1
          if isChanged { flow.position.changes += 1 }
          if isChanged { search = ChainSearch(search.index, screened: screened, flow) }
        case .takes(let part):
          take(part, by: id, &flow, hook)
          rule += 1
        case .matched(let outcome, let action, let target):
          // A rule that only counts or logs is no reason to walk a chain again.
          if case .next = outcome, ruleset[id].statements.contains(where: \.changesSomething) {
            flow.position.changes += 1
          }
          notePassed(&flow, hook, upTo: rule)
          if let end = take(outcome, action, target, id, &flow, hook) { return end }
          break rules
        case .split(let matched, let passed):
          if matched.isEmpty, passed.count == 1 {
            flow = passed[0]
            flow.position.changes += 1
            rule += 1
            search = ChainSearch(search.index, screened: screened, flow)
            continue
          }
          switch goOn(matched, passed, id, &flow, hook, &work) {
          case .walking: break rules
          case .divided: return nil
          case .ended(let end): return end
          }
        }
      }
      guard rule >= count else { continue }
      notePassed(&flow, hook, upTo: count)
      if let end = leave(&flow, hook, byReturn: nil) { return end }
    }
    return .accepted
  }

  /// What became of a flow behind a rule that divided it.
  private enum Division {
    /// It is still one, and walks on.
    case walking
    /// Its parts are in the work list.
    case divided
    /// It is still one, and its base chain ended.
    case ended(ChainEnd)
  }

  /// Goes on behind a rule that divided the flow, or matched a part of it.
  private func goOn(
    _ matched: [RuleBranch], _ passed: [Flow], _ id: RuleID, _ flow: inout Flow, _ hook: Hook, _ work: inout [Flow]
  ) -> Division {
    let top = flow.position.frames.count - 1
    let isDivided = !passed.isEmpty || matched.count != 1
    // What rules took before goes its own way now, and is an exception of each part.
    let parts = isDivided ? flow.release().parts : []
    for var other in passed {
      guard other.settleTaken() else { continue }
      other.position.changes += 1
      other.position.frames[top].rule = id.rule + 1
      work.append(other)
    }
    if !isDivided {
      let branch = matched[0]
      flow = branch.flow
      flow.position.changes += 1
      notePassed(&flow, hook, upTo: id.rule)
      let end = take(branch.outcome, branch.action, branch.target, id, &flow, hook)
      return end.map { .ended($0) } ?? .walking
    }
    for branch in matched {
      var part = branch.flow
      guard part.settleTaken() else { continue }
      part.position.changes += 1
      notePassed(&part, hook, upTo: id.rule)
      if let end = take(branch.outcome, branch.action, branch.target, id, &part, hook) {
        part.pendingEnd = Shared(end)
      }
      work.append(part)
    }
    work += parts.reversed()
    return .divided
  }

  /// How many rules are walked again rather than that it is remembered that they did nothing.
  private static let longWalk = 64

  static let tooMuch = UnknownEnd(.tooManyRules)

  /// Notes the rules that were looked at in the innermost chain since the last match.
  func notePassed(_ flow: inout Flow, _ hook: Hook, upTo rule: Int) {
    let top = flow.position.frames.count - 1
    let frame = flow.position.frames[top]
    // A snapshot keeps its variables, of which each mark that a rule sets makes one.
    steps += 1 + max(flow.variables.count - 64, 0) / 8
    if frame.passedFrom < rule {
      var snapshot = flow
      snapshot.path = nil
      // What many rules took would make it slow to look at a rule again, and is seldom why that did not match.
      if snapshot.exceptions.count > 64 { snapshot.exceptions = BoxList() }
      snapshot.unions = []
      snapshot.position.taken = Taken()
      flow.path = PathNode(
        .passed(frame.chain, frame.passedFrom..<rule, hook, Snapshot(flow: Shared(snapshot))), after: flow.path)
    }
    flow.position.frames[top].rule = rule + 1
    flow.position.frames[top].passedFrom = rule + 1
  }

  /// Carries out what a rule decided. Gives the end of the base chain when it is one.
  private func take(
    _ outcome: RuleOutcome, _ action: Step.Action, _ target: Step.Target?, _ id: RuleID, _ flow: inout Flow,
    _ hook: Hook
  ) -> ChainEnd? {
    steps += 1
    flow.note(Step(hook: hook, .rule(id), matched: true, action: action, target: target))
    switch outcome {
    case .next:
      noteCopies(id, &flow)
      return nil
    case .translated: return .translated
    case .handedOver: return .accepted
    case .unknown(let end): return .unknown(.rule(id), end)
    case .verdict(let verdict):
      switch verdict {
      case .accept: return .accepted
      case .drop: return .dropped(.rule(id))
      case .reject(let rejection): return .rejected(id, rejection)
      case .continue: return nil
      case .return: return leave(&flow, hook, byReturn: id)
      case .queue(let target): return .queued(id, target)
      case .forwardTo(let device): return .forwarded(id, device: device)
      case .synproxy: return .unknown(.rule(id), UnknownEnd(.synproxy))
      case .jump(let name), .goto(let name):
        guard let target = index.chain(named: name, table: id.table) else {
          return .unknown(.rule(id), UnknownEnd(.unseenChain(name), listCommand(id.table)))
        }
        guard flow.position.frames.count < 128 else { return .unknown(.rule(id), Engine.tooMuch) }
        let chain = ChainID(table: id.table, chain: target)
        var frame = Frame(chain: chain, changesBefore: flow.position.changes, budgetBefore: budget)
        if case .goto = verdict {
          frame.isGoto = true
        } else if flow.position.idle[chain] == flow.position.changes {
          flow.note(Step(hook: hook, .endOfChain(chain), matched: true, action: .return))
          return nil
        }
        flow.position.frames.append(frame)
        return nil
      }
    }
  }

  /// Notes that a rule sends a copy of the packet elsewhere (nft `dup to`, iptables `TEE`): the packet itself goes on.
  private func noteCopies(_ id: RuleID, _ flow: inout Flow) {
    for case .effect(let effect) in ruleset[id].statements where effect.kind == .dup {
      func value(_ name: String) -> String? { effect.arguments.first { $0.name == name }?.value }
      let remark = Remark.copy(
        to: value("addr") ?? value("gateway"), device: value("dev"),
        isOut: ruleset.tables[id.table].family == .netdev)
      if !flow.remarks.contains(remark) { flow.remarks.append(remark) }
    }
  }

  /// Leaves the innermost chain, at its end or by a `return`. Gives the end of the base chain when that is left.
  private func leave(_ flow: inout Flow, _ hook: Hook, byReturn rule: RuleID?) -> ChainEnd? {
    steps += 1
    var left = flow.position.frames.removeLast()
    if left.changesBefore == flow.position.changes, left.budgetBefore - budget > Self.longWalk {
      flow.position.idle[left.chain] = flow.position.changes
    }
    if rule == nil, !flow.position.frames.isEmpty || ruleset[left.chain].base == nil {
      flow.note(Step(hook: hook, .endOfChain(left.chain), matched: true, action: .return))
    }
    // A chain that was gone to returns to the caller of the chain that went to it.
    while left.isGoto, !flow.position.frames.isEmpty { left = flow.position.frames.removeLast() }
    guard flow.position.frames.isEmpty else { return nil }
    let chain = ruleset[left.chain]
    guard let base = chain.base else {
      flow.note(Step(hook: hook, .policy(left.chain), matched: true, action: .accept))
      return .accepted
    }
    guard let policy = base.policy else { return .undecided(left.chain) }
    flow.note(Step(hook: hook, .policy(left.chain), matched: true, action: policy == .accept ? .accept : .drop))
    return policy == .accept ? .accepted : .dropped(.policy(left.chain))
  }

  /// The command that lists a table.
  func listCommand(_ table: Int) -> String {
    let table = ruleset.tables[table]
    let iptables = table.family == .ip6 ? "ip6tables" : "iptables"
    switch table.origin {
    case .nftables: return "nft list table \(table.family.rawValue) \(table.name)"
    default: return table.name == "filter" ? "\(iptables) -vnL" : "\(iptables) -t \(table.name) -vnL"
    }
  }
}

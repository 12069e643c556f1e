import RuleGraph

/// What rules that no dump shows do to a packet: each thing that they can do is followed.
///
/// A packet that comes by such a place is left alone, or meets one of the effects that the chain allows: it is
/// accepted, dropped, translated. Each is a flow of its own behind a condition, so that the answer is undetermined only
/// where these flows end differently. What one such place of a base chain can do, another of the same walk adds nothing
/// to, so a listing with a hundred gaps divides a flow once.
extension Engine {
  /// To so many addresses a translation that was not shown is followed.
  private static let targetLimit: UInt128 = 16

  /// A flow at a place where rules are missing.
  func meet(_ missing: MissingRules, _ flow: Flow, _ id: RuleID, _ statement: Int) -> [RuleBranch] {
    follow(
      missing.effects ?? effects(in: flow), of: missing, .rules(of: id.chainID), flow, id, statement,
      settledBy: missing.settledBy ?? listCommand(id.table), leftAlone: (.next, .missing, nil))
  }

  /// A flow that is sent to a chain that no dump shows. What it leaves alone goes on behind the jump; behind a `goto`
  /// it returns to the caller.
  func meet(chain name: String, isGoto: Bool, _ flow: Flow, _ id: RuleID, _ statement: Int) -> [RuleBranch] {
    guard flow.position.frames.count < 128 else {
      return [RuleBranch(flow: flow, outcome: .unknown(Engine.tooMuch), action: .unknown, target: nil)]
    }
    return follow(
      effects(in: flow), .chain(name), flow, id, statement, settledBy: listCommand(id.table),
      leftAlone: (isGoto ? .verdict(.return) : .next, isGoto ? .goto : .jump, .chain(name)))
  }

  /// A flow at a target that was not understood.
  func meet(target opaque: Opaque, _ flow: Flow, _ id: RuleID, _ statement: Int) -> [RuleBranch] {
    meet(unknown: .target(opaque), opaque.settledBy, flow, id, statement)
  }

  /// A flow at a map that decides and that no dump shows.
  func meet(map name: String, _ flow: Flow, _ id: RuleID, _ statement: Int) -> [RuleBranch] {
    meet(unknown: .map(name), "nft -j list ruleset", flow, id, statement)
  }

  private func meet(
    unknown subject: Condition.Unseen, _ settledBy: String?, _ flow: Flow, _ id: RuleID,
    _ statement: Int
  ) -> [RuleBranch] {
    follow(
      effects(in: flow), subject, flow, id, statement, settledBy: settledBy,
      leftAlone: (.next, .unknown, .unseen(subject)))
  }

  /// What rules of the base chain that a flow is in can do to it.
  private func effects(in flow: Flow) -> MissingRules.Effects {
    guard let first = flow.position.frames.first, let base = ruleset[first.chain].base else {
      return [.accept, .drop, .reject]
    }
    let table = ruleset.tables[first.chain.table]
    // iptables rejects in the filter table alone (`reject_tg_reg` in `net/ipv4/netfilter/ipt_REJECT.c`), nft in chains
    // of every type, up to the way out (`nft_reject_validate` in `net/netfilter/nft_reject.c`); measured.
    let mayReject =
      table.origin == .nftables
      ? [.prerouting, .input, .forward, .output].contains(base.hook) : table.name == "filter"
    let stops: MissingRules.Effects = mayReject ? [.drop, .reject] : .drop
    switch base.type {
    case .nat:
      let isOfSource = base.hook == .postrouting || base.hook == .input
      let translation: MissingRules.Effects = isOfSource ? .translateSource : .translateDestination
      return table.origin == .nftables ? stops.union(translation) : translation
    case .route: return stops.union([.accept, .change])
    case .filter: return stops.union(base.priority < HookPriority.filter ? [.accept, .change] : .accept)
    }
  }

  private func follow(
    _ effects: MissingRules.Effects, of missing: MissingRules? = nil, _ subject: Condition.Unseen, _ start: Flow,
    _ id: RuleID, _ statement: Int,
    settledBy: String?, leftAlone: (outcome: RuleOutcome, action: Step.Action, target: Step.Target?)
  ) -> [RuleBranch] {
    var flow = start
    func does(_ effect: MissingRules.Effects) -> Condition {
      Condition(.unseen(subject, effect), rule: id, settledBy: settledBy)
    }
    let isOfSource = effects.contains(.translateSource)
    if effects == .translateSource {
      return [withUnknownSource(flow, id, action: leftAlone.action, target: leftAlone.target)]
    }
    let new = effects.subtracting(flow.position.followed).subtracting(.translateSource)
    let alone = condition(id, statement, in: &flow) { does([]) }
    flow.position.followed.formUnion(effects)
    let parts = flow.split(alone)
    var branches = parts.yes.map {
      isOfSource
        ? withUnknownSource($0, id, action: leftAlone.action, target: leftAlone.target)
        : RuleBranch(flow: $0, outcome: leftAlone.outcome, action: leftAlone.action, target: leftAlone.target)
    }
    if new.isEmpty { return branches }
    var rest = parts.no
    var open = new
    func branch(
      _ effect: MissingRules.Effects, _ outcome: RuleOutcome, _ action: Step.Action
    ) {
      guard !effect.isEmpty, open.contains(effect) else { return }
      open.subtract(effect)
      if open.isEmpty {
        // The only thing that is left: the condition is there for its words.
        let key = ConditionKey.missingRules(id, statement, effect)
        branches += rest.map { part in
          var part = part
          let variable = part.condition(key, number: makeCondition(does(effect)))
          _ = part.narrow(variable, to: ValueSet(1))
          return RuleBranch(flow: part, outcome: outcome, action: action, target: nil)
        }
        return
      }
      var others: [Flow] = []
      for var part in rest {
        let number = ConditionKey.missingRules(id, statement, effect)
        let decision = condition(number, in: &part) { does(effect) }
        let split = part.split(decision)
        branches += split.yes.map { RuleBranch(flow: $0, outcome: outcome, action: action, target: nil) }
        others += split.no
      }
      rest = others
    }
    branch(.accept, .verdict(.accept), .accept)
    branch(open.intersection([.drop, .reject]), .verdict(.drop), .drop)
    // A container engine translates to its containers.
    let targets = knowledge.containerAddresses[start.family] ?? .empty
    if open == .translateDestination, missing?.evidence == .engine, !targets.isEmpty, targets.count <= Self.targetLimit
    {
      return branches
        + rest.map { part in
          var part = part
          let key = ConditionKey.missingRules(id, statement, .translateDestination)
          let variable = part.condition(key, number: makeCondition(does(.translateDestination)))
          _ = part.narrow(variable, to: ValueSet(1))
          return translated(toOneOf: targets, part, id)
        }
    }
    branch(.translateDestination, .unknown(UnknownEnd(.unseenRules, settledBy)), .unknown)
    branch(.change, .unknown(UnknownEnd(.unseenRules, settledBy)), .unknown)
    return branches
  }
}

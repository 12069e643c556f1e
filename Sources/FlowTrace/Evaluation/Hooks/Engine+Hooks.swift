import HostModel
import RuleGraph

extension Engine {
  /// Leads flows through the hooks until each has an end. Where there are more than `limit` ends, what is left is
  /// undetermined.
  func run(_ flows: [Flow], limit: Int = caseLimit) -> [FinishedFlow] {
    var work = Array(flows.reversed())
    var finished: [FinishedFlow] = []
    var variables = work.reduce(0) { $0 + $1.variables.count }
    while let flow = work.popLast() {
      if finished.count + work.count > limit || variables > Self.variableLimit {
        finished.append(givenUp(flow))
        continue
      }
      let before = (work.count, finished.count)
      advance(flow, &work, &finished)
      variables -= flow.variables.count
      variables += work[before.0...].reduce(0) { $0 + $1.variables.count }
      variables += finished[before.1...].reduce(0) { $0 + $1.flow.variables.count }
    }
    return finished
  }

  /// A flow that is not followed any further.
  func givenUp(_ flow: Flow, _ why: UnknownEnd = tooManyCases) -> FinishedFlow {
    let warning = Diagnostic(
      "too-many-cases", .warning,
      "the question has more cases than fwtrace tells apart, and the rest is undetermined; narrow it with a protocol, an address or an interface"
    )
    if !warnings.contains(warning) { warnings.append(warning) }
    return FinishedFlow(
      flow: flow, verdict: .undetermined, fate: .discarded, decidedBy: .nothing, unknown: why)
  }

  /// What becomes of the packets that follow from a case: its replies, the connection that a program makes on. Of a
  /// question with so many cases that following each would take minutes, those past ``onwardLimit`` are given up.
  func followOn(_ flows: @autoclosure () -> [Flow], _ follow: () -> [FinishedFlow]) -> [FinishedFlow] {
    let ends = onwardCases < Self.onwardLimit ? follow() : flows().map { givenUp($0) }
    onwardCases += ends.count
    return ends
  }

  /// The search for a packet of the flow was ended before it found one, or found that there is none.
  static let tooManyOverlaps = UnknownEnd(.tooManyOverlaps)

  static let tooManyCases = UnknownEnd(.tooManyCases(caseLimit))

  /// Leads a flow on until it splits or ends; what comes of it is in `work` or `finished` then.
  private func advance(_ start: Flow, _ work: inout [Flow], _ finished: inout [FinishedFlow]) {
    var flow = start
    while true {
      if let pending = flow.pendingEnd {
        flow.pendingEnd = nil
        if let end = conclude(pending.value, &flow, &work) {
          finished.append(end)
          return
        }
        continue
      }
      if !flow.position.frames.isEmpty {
        guard let hook = flow.position.stage.hook else { return }
        guard let end = walk(&flow, hook, &work) else { return }
        if !flow.position.taken.kinds.isEmpty {
          let (parts, isLeft) = flow.release()
          flow.pendingEnd = Shared(end)
          if isLeft { work.append(flow) }
          work += parts.reversed()
          return
        }
        if let end = conclude(end, &flow, &work) {
          finished.append(end)
          return
        }
        continue
      }
      switch move(&flow) {
      case .on: continue
      case .split(let parts):
        if parts.count == 1 {
          flow = parts[0]
          continue
        }
        work += parts.reversed()
        return
      case .ended(let end):
        finished.append(end)
        return
      }
    }
  }

  /// What a move to the next call or stage came to.
  enum Move {
    case on
    case split([Flow])
    case ended(FinishedFlow)
  }

  /// Moves a flow to its next call or stage.
  private func move(_ flow: inout Flow) -> Move {
    switch flow.position.stage {
    case .start: return arrive(&flow)
    case .routing: return routeArriving(&flow)
    case .sending: return routeSent(&flow)
    case .rerouting: return reroute(&flow)
    case .leaving: return leaveHost(&flow)
    case .ingress, .prerouting, .input, .forward, .output, .postrouting, .egress, .bridgePrerouting, .bridgeInput,
      .bridgeForward, .bridgeOutput, .bridgePostrouting:
      return call(&flow)
    }
  }

  /// The calls of the hook that a flow is in.
  private func calls(_ hook: Hook, _ flow: Flow) -> [HookPlan.Entry] {
    flow.position.stage.isOfBridge ? plan.bridgeCalls(hook) : plan.calls(hook, flow.family)
  }

  /// Makes the next call of the flow's hook, or goes on to the next stage.
  private func call(_ flow: inout Flow) -> Move {
    guard let hook = flow.position.stage.hook else { return .on }
    if flow.position.stage == .output, let refused = refuseReroute(&flow) { return refused }
    let calls = calls(hook, flow)
    guard flow.position.entry < calls.count else {
      if let device = flow.device {
        leave(device, &flow)
        return .on
      }
      flow.enter(flow.position.stage.next)
      if flow.position.stage == .leaving, hook == .input { return .ended(deliver(flow)) }
      return .on
    }
    switch calls[flow.position.entry] {
    case .conntrack:
      flow.position.entry += 1
      // A bridge's conntrack may have seen it before.
      return flow.isLoopbackPass || flow.connection != nil ? .on : track(&flow)
    case .chain(let chain):
      if let device = flow.device, hook == .ingress || hook == .egress {
        let decision = isForDevice(chain, device, &flow)
        guard flow.truth(of: decision) == true else { return passOver(unless: decision, &flow) }
      }
      if ruleset.tables[chain.table].doubtfulFamilies.contains(flow.family) {
        let decision = seesPackets(chain.table, &flow)
        guard flow.truth(of: decision) == true else { return passOver(unless: decision, &flow) }
      }
      if flow.position.stage == .output, reroutes(chain) { flow.position.beforeReroute = flow.routingInputs }
      flow.position.frames = [Frame(chain: chain)]
      flow.position.followed = []
      return .on
    case .translation(let chains, let otherwise):
      if flow.isLoopbackPass {
        flow.position.entry += 1
        return .on
      }
      return callTranslation(chains, otherwise: otherwise, hook, &flow)
    }
  }

  /// Leaves out the next call for the part of a flow that a decision does not hold for.
  private func passOver(unless decision: Decision, _ flow: inout Flow) -> Move {
    guard flow.truth(of: decision) == false else { return .split(flow.parts(by: decision)) }
    flow.position.entry += 1
    return .on
  }

  /// Whether a table whose head was lost sees packets of the flow's version of IP.
  private func seesPackets(_ table: Int, _ flow: inout Flow) -> Decision {
    let family = flow.family
    return condition(.seesPackets(table: table), in: &flow) {
      Condition(.seesPackets(table: table, family), settledBy: "nft list ruleset")
    }
  }

  /// Whether a change of the packet in this chain makes the kernel choose the route anew (iptables mangle OUTPUT, nft
  /// `type route`).
  private func reroutes(_ chain: ChainID) -> Bool {
    let table = ruleset.tables[chain.table]
    return table.chains[chain.chain].base?.type == .route || (table.name == "mangle" && table.origin != .nftables)
  }

  /// Asks the nat chains of a hook one after another, or repeats what the connection's first packet was translated to.
  private func callTranslation(
    _ chains: [ChainID], otherwise: [ChainID]?, _ hook: Hook, _ flow: inout Flow
  ) -> Move {
    guard let connection = flow.connection, connection.hasEntry else {
      flow.position.entry += 1
      return .on
    }
    let ofSource = hook == .input || hook == .postrouting
    let isDone = ofSource ? connection.sourceDone : connection.destinationDone
    let asks = connection.state == ConntrackState.new && !isDone
    guard asks else {
      if hook == .postrouting, hasMovedAway(connection, flow) { return .ended(discarded(flow, .masqueradeMoved)) }
      repeatTranslation(ofSource: ofSource, hook, &flow)
      leaveTranslation(hook, &flow)
      return .on
    }
    var chains = chains
    for table in Set(chains.map(\.table)).sorted()
    where ruleset.tables[table].doubtfulFamilies.contains(flow.family) {
      let decision = seesPackets(table, &flow)
      switch flow.truth(of: decision) {
      case true: break
      case false: chains.removeAll { $0.table == table }
      case nil: return .split(flow.parts(by: decision))
      }
    }
    if let otherwise {
      let decision = condition(.host("order of the nat chains at \(hook.rawValue)"), in: &flow) {
        Condition(.natOrder(hook))
      }
      switch flow.truth(of: decision) {
      case true: break
      case false: chains = otherwise
      case nil: return .split(flow.parts(by: decision))
      }
    }
    guard flow.position.natChain < chains.count, !flow.position.natEnded else {
      if ofSource { flow.connection?.sourceDone = true } else { flow.connection?.destinationDone = true }
      if !chains.isEmpty { flow.connection?.status |= ofSource ? 128 : 256 }
      leaveTranslation(hook, &flow)
      return .on
    }
    flow.position.frames = [Frame(chain: chains[flow.position.natChain])]
    flow.position.followed = []
    flow.position.natChain += 1
    return .on
  }

  /// Whether a masqueraded connection now leaves through another interface than its first packet did: its address would
  /// be wrong there, and the kernel drops the packet and forgets the connection (`nf_nat_oif_changed` in
  /// `net/netfilter/nf_nat_core.c`).
  private func hasMovedAway(_ connection: Connection, _ flow: Flow) -> Bool {
    guard connection.direction == .original, let through = connection.masqueradedThrough,
      let now = flow.domain(.output)
    else { return false }
    return now.isDisjoint(with: flow.variables[through].domain)
  }

  /// Goes on behind the nat chains; a packet of this host whose destination they changed is routed anew.
  ///
  /// Source: `nf_nat_ipv4_local_fn` in `net/netfilter/nf_nat_proto.c`.
  private func leaveTranslation(_ hook: Hook, _ flow: inout Flow) {
    flow.position.entry += 1
    flow.position.natChain = 0
    flow.position.natEnded = false
    let destination = flow.binding[.destination]
    if hook == .output, flow.arrival[.destination] != destination {
      flow.position.rerouted = flow.routingInputs
    }
  }

  /// Takes the end of a base chain. Gives the end of the flow when it is one.
  private func conclude(_ end: ChainEnd, _ flow: inout Flow, _ work: inout [Flow]) -> FinishedFlow? {
    flow.position.frames = []
    let isTranslation: Bool
    if let hook = flow.position.stage.hook {
      let calls = calls(hook, flow)
      if flow.position.entry < calls.count, case .translation = calls[flow.position.entry] {
        isTranslation = true
      } else {
        isTranslation = false
      }
    } else {
      isTranslation = false
    }
    func goOn() {
      if let before = flow.position.beforeReroute, before != flow.routingInputs {
        flow.position.rerouted = flow.routingInputs
      }
      flow.position.beforeReroute = nil
      // The nat chains are one call: the next of them follows unless a translation was set up.
      if !isTranslation { flow.position.entry += 1 }
    }
    switch end {
    case .accepted: goOn()
    case .translated:
      flow.position.natEnded = true
      goOn()
    case .dropped(let decider):
      return FinishedFlow(flow: flow, verdict: .drop, fate: .discarded, decidedBy: decider)
    case .rejected(let rule, let rejection):
      if isUnanswered(rejection, flow) || hasNoWayBack(flow) {
        flow.remarks.append(.silentReject)
        return FinishedFlow(flow: flow, verdict: .drop, fate: .discarded, decidedBy: .rule(rule))
      }
      return FinishedFlow(flow: flow, verdict: .reject, fate: .discarded, decidedBy: .rule(rule), rejection: rejection)
    case .queued(let rule, let target):
      if let dropped = queue(rule, target, &flow) { work.append(dropped) }
      goOn()
    case .unknown(let decider, let unknown):
      return FinishedFlow(flow: flow, verdict: .undetermined, fate: .discarded, decidedBy: decider, unknown: unknown)
    case .undecided(let chain):
      if let dropped = undecidedPolicy(chain, &flow) { work.append(dropped) }
      goOn()
    case .forwarded(let rule, let device):
      // The frame goes out of the device as it is, past the IP layer (`nf_fwd_netdev_egress` in
      // `net/netfilter/nf_dup_netdev.c`).
      flow.rebind(.output, to: ValueSet(InterfaceName(device)?.value ?? 0))
      flow.device = nil
      flow.redirectedBy = rule
      flow.enter(.leaving)
      return nil
    }
    return nil
  }

  /// A base chain ends with a policy that no dump shows: the flow goes on where it accepts; gives the flow where it
  /// drops.
  ///
  /// Where missing rules of the chain can have done both already, the policy adds nothing.
  private func undecidedPolicy(_ chain: ChainID, _ flow: inout Flow) -> Flow? {
    guard let hook = flow.position.stage.hook else { return nil }
    var dropped = flow
    flow.note(Step(hook: hook, .policy(chain), matched: true, action: .accept))
    if flow.position.followed.isSuperset(of: [.accept, .drop]) { return nil }
    let decision = condition(.policy(chain), in: &dropped) {
      Condition(.policy(chain), settledBy: listCommand(chain.table))
    }
    let parts = dropped.split(decision)
    let path = flow.path
    guard var accepted = parts.yes.first else { return nil }
    accepted.path = path
    flow = accepted
    guard var other = parts.no.first else { return nil }
    other.note(Step(hook: hook, .policy(chain), matched: true, action: .drop))
    other.pendingEnd = Shared(.dropped(.policy(chain)))
    return other
  }

  /// A program in user space decides: the flow goes on where it lets the packet pass; gives the flow where it does not.
  private func queue(_ rule: RuleID, _ target: QueueTarget, _ flow: inout Flow) -> Flow? {
    let number = makeCondition(Condition(.queue(target.numbers.lowerBound), rule: rule))
    let variable = flow.condition(.queue(rule), number: number)
    var dropped = flow
    guard flow.narrow(variable, to: ValueSet(1)) else { return nil }
    guard dropped.narrow(variable, to: ValueSet(0)) else { return nil }
    dropped.pendingEnd = Shared(.dropped(.rule(rule)))
    return dropped
  }

  /// Whether a reject is a mere drop for all packets of a flow: nothing answers a reset, an ICMP error, or a packet to
  /// a group.
  ///
  /// Source: `nf_reject_ip_tcphdr_get` in `net/ipv4/netfilter/nf_reject_ipv4.c`, `__icmp_send` in `net/ipv4/icmp.c`,
  /// `is_ineligible` in `net/ipv6/icmp.c`.
  func isUnanswered(_ rejection: Rejection, _ flow: Flow) -> Bool {
    let groups = HostKnowledge.multicast(flow.family).union(
      flow.family == .ipv4 ? knowledge.broadcastAddresses : .empty)
    if let destination = flow.domain(.destination), destination.isSubset(of: groups) { return true }
    // `nf_reject6_send` asks for a unicast source, `icmp6_send` for one that is neither a group nor nobody.
    if flow.family == .ipv6, let source = flow.domain(.source),
      source.isSubset(of: HostKnowledge.multicast6.union(ValueSet(0)))
    {
      return true
    }
    if rejection == .tcpReset {
      return flow.domain(.tcpFlags)?.intervals.allSatisfy { range in
        range.lowerBound == range.upperBound && range.lowerBound & Conntrack.rst != 0
      } ?? false
    }
    if isRejectedAsItself(flow) { return true }
    guard flow.domain(.transport)?.single == (flow.family == .ipv4 ? 1 : 58), let types = flow.domain(.icmpType) else {
      return false
    }
    let errors: [ClosedRange<UInt128>] = flow.family == .ipv4 ? [3...5, 11...12, 19...255] : [0...127]
    return types.isSubset(of: ValueSet(errors))
  }

  /// Whether no route leads back to the sender, so that no answer to it can be sent (`ip_route_me_harder` and
  /// `icmp_route_lookup`).
  func hasNoWayBack(_ flow: Flow) -> Bool {
    guard !flow.isSentByHost, knowledge.facts.routesKnown.contains(flow.family),
      let source = flow.domain(.source)?.single
    else { return false }
    return routes.lookUp(source, RouteRequest(family: flow.family)).refusal != nil
  }

  /// Whether an IPv4 packet from outside that bears the host's own source address is rejected in prerouting, on its way
  /// to another host: the error would be routed to the host itself from an address that is not its own, so it is not
  /// sent (`icmp_send` in `net/ipv4/icmp.c`).
  private func isRejectedAsItself(_ flow: Flow) -> Bool {
    guard flow.family == .ipv4, !flow.isSentByHost, flow.position.stage.hook == .prerouting,
      let own = knowledge.localAddresses[.ipv4], let source = flow.domain(.source), !source.isEmpty,
      let destination = flow.domain(.destination)
    else { return false }
    return source.isSubset(of: own) && destination.isDisjoint(with: own)
  }

  /// The end of a packet that is handed to a process of the host.
  private func deliver(_ flow: Flow) -> FinishedFlow {
    FinishedFlow(flow: flow, verdict: .accept, fate: .local, decidedBy: lastDecider(flow))
  }

  /// What let a packet pass: the last accepting rule or policy of a filtering chain on its way.
  ///
  /// An explicit `accept` of a rule tells more than the policies of later chains that the packet met without a match.
  func lastDecider(_ flow: Flow) -> Decider {
    var policy: Decider?
    var node = flow.path
    while let current = node {
      node = current.previous
      guard case .step(let step) = current.content, step.matched else { continue }
      switch step.event {
      case .rule(let id)
      where step.action == .accept && isFiltering(ChainID(table: id.table, chain: id.chain), step.hook):
        return .rule(id)
      case .policy(let chain) where policy == nil && isFiltering(chain, step.hook): policy = .policy(chain)
      default: continue
      }
    }
    return policy ?? .nothing
  }

  private func isFiltering(_ chain: ChainID, _ hook: Hook?) -> Bool {
    (hook == .input || hook == .forward || hook == .output) && ruleset.isFiltering(chain)
  }
}

extension Position.Stage {
  /// The hook whose chains run in this stage.
  var hook: Hook? {
    switch self {
    case .ingress: .ingress
    case .prerouting, .bridgePrerouting: .prerouting
    case .input, .bridgeInput: .input
    case .forward, .bridgeForward: .forward
    case .output, .bridgeOutput: .output
    case .postrouting, .bridgePostrouting: .postrouting
    case .egress: .egress
    case .start, .routing, .sending, .rerouting, .leaving: nil
    }
  }

  /// Whether the hook is a bridge's own.
  var isOfBridge: Bool {
    switch self {
    case .bridgePrerouting, .bridgeInput, .bridgeForward, .bridgeOutput, .bridgePostrouting: true
    default: false
    }
  }

  /// The stage that follows when all chains of this one let the packet pass.
  var next: Position.Stage {
    switch self {
    case .prerouting: .routing
    case .input: .leaving
    case .forward: .postrouting
    case .output: .rerouting
    case .postrouting, .egress: .leaving
    case .ingress: .start
    case .start, .routing, .sending, .rerouting, .leaving, .bridgePrerouting, .bridgeInput, .bridgeForward,
      .bridgeOutput, .bridgePostrouting:
      .leaving
    }
  }
}

extension Flow {
  /// Enters a stage at its first call.
  mutating func enter(_ stage: Position.Stage) {
    let rerouted = position.rerouted
    position = Position(stage: stage)
    if stage == .rerouting { position.rerouted = rerouted }
    // The bridge calls postrouting without an input interface (`br_nf_post_routing` in
    // `net/bridge/br_netfilter_hooks.c`).
    if stage == .postrouting, isBridged { rebind(.input, to: ValueSet(0)) }
  }

  /// What the choice of a route depends on.
  var routingInputs: [VariableID?] {
    get { Self.routingSlots.map { binding[$0] } }
    set { for (slot, variable) in zip(Self.routingSlots, newValue) { binding[slot] = variable } }
  }

  private static let routingSlots: [Slot] = [.source, .destination, .mark, .serviceByte]
}

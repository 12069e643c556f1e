import HostModel
import RuleGraph

extension Engine {
  /// A packet arrives, or the host sends one.
  func arrive(_ flow: inout Flow) -> Move {
    flow.arrival = flow.binding
    if flow.isSentByHost {
      flow.enter(.sending)
      return .on
    }
    if let end = pastTheHost(flow) { return .ended(end) }
    if let parts = partsByIngress(flow) { return .split(parts) }
    if flow.family == .ipv6, !flow.isLoopbackPass, let parts = cut(flow, destination: ValueSet(1)) {
      return .split(parts)
    }
    if let reason = discardedBeforePrerouting(flow) { return .ended(discarded(flow, reason)) }
    return splitByBridge(&flow)
  }

  /// IPv6 packets from or to loopback, or from a group, end before any hook (`ip6_rcv_core` in `net/ipv6/ip6_input.c`).
  private func discardedBeforePrerouting(_ flow: Flow) -> OutsideReason? {
    guard flow.family == .ipv6, !flow.isLoopbackPass else { return nil }
    if let source = flow.domain(.source), source.isSubset(of: HostKnowledge.multicast6.union(ValueSet(1))) {
      return .martian
    }
    if flow.domain(.destination)?.single == 1 { return .martian }
    return nil
  }

  // MARK: - Routing of what arrived

  /// The routing decision behind prerouting: for this host, on to another interface, or nowhere.
  func routeArriving(_ flow: inout Flow) -> Move {
    if flow.isHandedOver {
      flow.enter(.input)
      return .on
    }
    if flow.isLoopbackPass {
      flow.enter(.input)
      return .on
    }
    if let parts = partsByHairpin(flow) ?? partsByMartian(flow) { return .split(parts) }
    if flow.isBridged { return routeBridged(&flow) }
    if passesRulesInBridge(flow), passBridgeInput(next: .routing, &flow) { return .on }
    if !plan.ingressDevices.isEmpty, passesRulesInBridge(flow), passIngress(next: .routing, &flow) { return .on }
    let input = flow.domain(.input)?.single.map { InterfaceName(value: $0).description }
    if let reason = martian(flow, input) { return .ended(discarded(flow, reason)) }
    return .split(partsByRoute(flow).flatMap { settle($0.flow, $0.answer, input) })
  }

  /// Addresses that must not come from a wire (`ip_route_input_slow` in `net/ipv4/route.c`).
  func martian(_ flow: Flow, _ input: String?) -> OutsideReason? {
    guard flow.family == .ipv4, input != "lo" else { return nil }
    let refused = refusedAddresses(on: input)
    if let source = flow.domain(.source) {
      if source.isSubset(of: refused.sources) { return .martian }
      if source.isSubset(of: HostKnowledge.zero4) {
        let limited = IPAddress(ipv4: 0xffff_ffff).bits
        if source.single != IPAddress(ipv4: 0).bits || flow.domain(.destination)?.single != limited { return .martian }
      }
    }
    if let destination = flow.domain(.destination), destination.isSubset(of: refused.destinations) { return .martian }
    return nil
  }

  /// The addresses of IPv4 that the kernel refuses from an interface: loopback, unless route_localnet lets it in, and
  /// what is no host.
  private func refusedAddresses(on input: String?) -> (sources: ValueSet, destinations: ValueSet) {
    let isLet = input.flatMap { knowledge.interfaceSetting("route_localnet", $0) } ?? 0 != 0
    return isLet ? Self.refusedBesideLoopback : Self.refused
  }

  private static let refusedBesideLoopback: (sources: ValueSet, destinations: ValueSet) = (
    HostKnowledge.multicast4.union(ValueSet(IPAddress(ipv4: 0xffff_ffff).bits)), HostKnowledge.zero4
  )
  private static let refused: (sources: ValueSet, destinations: ValueSet) = (
    refusedBesideLoopback.sources.union(HostKnowledge.loopback4),
    refusedBesideLoopback.destinations.union(HostKnowledge.loopback4)
  )

  /// A flow of which the kernel takes a part for martian, in that part and the rest: an open destination holds 127/8,
  /// too.
  private func partsByMartian(_ flow: Flow) -> [Flow]? {
    guard flow.family == .ipv4 else { return nil }
    // What stays on its bridge is not routed.
    if flow.isBridged, flow.arrival[.destination] == flow.binding[.destination] { return nil }
    let input = flow.domain(.input)?.single.map { InterfaceName(value: $0).description }
    guard input != "lo" else { return nil }
    return cut(flow, destination: refusedAddresses(on: input).destinations)
  }

  /// A flow in two, where some of its destinations are among these and others not. Sources are not cut: who gives many
  /// of them means those that a packet can have.
  private func cut(_ flow: Flow, destination values: ValueSet) -> [Flow]? {
    guard let destination = flow.binding[.destination] else { return nil }
    let domain = flow.variables[destination].domain
    guard domain.single == nil, !domain.isDisjoint(with: values), !domain.isSubset(of: values) else { return nil }
    let parts = flow.split(.when(destination, in: values))
    return parts.yes.isEmpty || parts.no.isEmpty ? nil : parts.yes + parts.no
  }

  /// Cuts a flow by what the routing tables answer for its destination.
  func partsByRoute(_ start: Flow) -> [(flow: Flow, answer: RouteAnswer)] {
    var result: [(flow: Flow, answer: RouteAnswer)] = []
    for flow in cutByRoutingRules(start) {
      if flow.pendingEnd != nil {
        result.append((flow, .unknown))
        continue
      }
      guard let destination = flow.binding[.destination] else { continue }
      if flow.ownAddresses.contains(destination) {
        result.append((flow, .local))
        continue
      }
      if flow.returnsTo != nil, !knowledge.facts.routesKnown.contains(flow.family),
        knowledge.facts.maskedRoutes.isEmpty
          || !flow.variables[destination].domain.isSubset(of: knowledge.connectedNetworks[flow.family] ?? .empty)
      {
        // The answer goes to the one who asked, and that one came in from outside.
        result.append((flow, .unknown))
        continue
      }
      var flow = flow
      var rest = flow.variables[destination].domain
      if !knowledge.knowsOwnAddresses(flow.family) {
        let types = addressTypes(of: rest, family: flow.family, published: publishing(flow))
        for assumption in types.assumptions { flow.assume(assumption) }
        let local = types.known.filter { $0.type == .local }.reduce(ValueSet.empty) { $0.union($1.values) }
        var part = flow
        if !local.isEmpty, part.narrow(destination, to: local) {
          result.append((part, .local))
          rest = rest.subtracting(local)
        }
        let unknown = stillUnknown(types.unknown, &flow)
        if !unknown.isEmpty {
          let isLocal = localCondition(destination, unknown, in: &flow)
          var own = flow
          if own.narrow(destination, to: unknown), own.narrow(isLocal, to: ValueSet(1)) {
            result.append((own, .local))
          }
          var other = flow
          if other.narrow(destination, to: unknown), other.narrow(isLocal, to: ValueSet(0)) {
            result += parts(of: other, destination, unknown)
          }
          rest = rest.subtracting(unknown)
        }
      }
      result += parts(of: flow, destination, rest)
    }
    return result
  }

  /// Those of some addresses that may be the host's own even by what the question and the routes say.
  private func stillUnknown(_ unknown: ValueSet, _ flow: inout Flow) -> ValueSet {
    if unknown.isEmpty || flow.isSentByHost { return unknown }
    let address = unknown.single.map { IPAddress(bits: $0) }
    // Nothing of this host's comes in from a wire (`fib_validate_source`): who asked from there is somebody else.
    if flow.returnsTo != nil, flow.family == .ipv4 { return .empty }
    if isForwarded, flow.returnsTo == nil {
      flow.assume(Assumption(.leavesAgain(address), settledBy: "ip addr"))
      return .empty
    }
    guard leadsThrough(unknown, flow) else { return unknown }
    flow.assume(Assumption(.routedThrough(address), settledBy: "ip addr"))
    return .empty
  }

  /// Whether the routes show an address to be beyond the host for the one who sends: on none of the host's links, and
  /// reached through another interface than the packet came in on. The host's own addresses show as sources of the
  /// routes to its links.
  private func leadsThrough(_ addresses: ValueSet, _ flow: Flow) -> Bool {
    guard knowledge.facts.routesKnown.contains(flow.family), let address = addresses.single,
      !knowledge.isOnALink(IPAddress(bits: address)), let input = flow.domain(.input)?.single
    else { return false }
    return leadsThrough(address, request(for: flow), input: InterfaceName(value: input).description)
  }

  private func leadsThrough(_ address: UInt128, _ request: RouteRequest, input: String) -> Bool {
    switch routes.lookUp(address, request) {
    case .unicast(let hops, _):
      return !hops.isEmpty && hops.allSatisfy { hop in hop.interface.map { $0 != input } ?? false }
    case .undecided(let question):
      return [true, false].allSatisfy { truth in
        var one = request
        one.decided[question] = truth
        return leadsThrough(address, one, input: input)
      }
    default: return false
    }
  }

  private func parts(of flow: Flow, _ destination: VariableID, _ domain: ValueSet) -> [(
    flow: Flow, answer: RouteAnswer
  )] {
    if domain.isEmpty { return [] }
    var request = request(for: flow)
    request.decided = settledQuestions(flow)
    return routes.answers(for: domain, request).flatMap { group -> [(flow: Flow, answer: RouteAnswer)] in
      var part = flow
      guard part.narrow(destination, to: group.values) else { return [] }
      guard case .undecided(let question) = group.answer else { return [(part, group.answer)] }
      if request.decided.count >= Self.routeQuestionLimit {
        part.pendingEnd = Shared(.unknown(.nothing, Self.tooManyCases))
        return [(part, .unknown)]
      }
      return split(part, by: question).flatMap { parts(of: $0, destination, group.values) }
    }
  }

  /// Leads a flow on by its route, in parts where nobody knows whether the route back to its source is the one that the
  /// kernel wants.
  func settle(_ start: Flow, _ answer: RouteAnswer, _ input: String?) -> [Flow] {
    var start = start
    let sourceCheck: SourceCheck
    switch answer {
    case .local, .broadcast: sourceCheck = check(sourceOf: &start, input, isForHost: true, output: nil)
    case .unicast(let hops, _):
      sourceCheck = check(sourceOf: &start, input, isForHost: false, output: hops.first?.interface)
    default: sourceCheck = .passes
    }
    switch sourceCheck {
    case .passes: return [settle(start, answer, input, refusal: nil)]
    case .fails(let reason): return [settle(start, answer, input, refusal: reason)]
    case .depends(let decision): return start.parts(by: decision).flatMap { settle($0, answer, input) }
    }
  }

  /// Leads a flow on by its route; with a refusal what comes from its source is dropped where it would be let in.
  private func settle(_ start: Flow, _ answer: RouteAnswer, _ input: String?, refusal: OutsideReason?) -> Flow {
    var flow = start
    func end(_ reason: OutsideReason) -> Flow {
      flow.ending = reason
      flow.position.stage = .leaving
      return flow
    }
    switch answer {
    case .local, .broadcast:
      if let refusal { return end(refusal) }
      flow.note(
        Step(
          hook: nil, .routing, matched: true, action: .local,
          fact: answer == .broadcast ? .broadcast(fewDestinations(flow)) : .thisHost(fewDestinations(flow))))
      flow.enter(.input)
      return flow
    case .multicast:
      if flow.domain(.destination)?.single == HostKnowledge.allHosts(flow.family) {
        flow.note(Step(hook: nil, .routing, matched: true, action: .local, fact: .allHosts))
        flow.enter(.input)
        return flow
      }
      return end(.multicast)
    case .none: return forwardingIsOn(&flow, input) ? end(.noRoute) : end(.ipForward)
    case .blackhole: return end(.blackholeRoute)
    case .unreachable: return forwardingIsOn(&flow, input) ? end(.unreachableRoute) : end(.ipForward)
    case .prohibit: return forwardingIsOn(&flow, input) ? end(.prohibitRoute) : end(.ipForward)
    case .unicast(let hops, let source):
      guard forwardingIsOn(&flow, input) else { return end(.ipForward) }
      if wasForAll(flow) { return end(.multicast) }
      // A packet that a translation led back to the bridge it came from is bridged again, not routed
      // (`br_nf_pre_routing_finish` in `net/bridge/br_netfilter_hooks.c`): it spends no hop.
      let isBridgedAgain = isLedBackToBridge(flow, hops, input)
      if let refusal { return end(refusal) }
      if !isBridgedAgain, let reason = spendHop(&flow) { return end(reason) }
      leadOut(&flow, hops, source)
      if isBridgedAgain, let input {
        if isLostInHairpin(&flow, input) { return end(.bridgeHairpin) }
        if isBetweenIsolatedPorts(flow, input) { return end(.isolatedPorts) }
        flow.isBridged = true
        flow.binding[.physicalOutput] = portBack(&flow)
      }
      flow.enter(.forward)
      return flow
    case .unknown, .undecided:
      guard forwardingIsOn(&flow, input) else { return end(.ipForward) }
      if wasForAll(flow) { return end(.multicast) }
      if let reason = spendHop(&flow) { return end(reason) }
      leadOutUnknown(&flow)
      flow.enter(.forward)
      return flow
    }
  }

  /// Whether the packet came in a frame for all or for a group: a host forwards none, wherever a translation leads it
  /// (`ip_forward` in `net/ipv4/ip_forward.c`, `ip6_forward` in `net/ipv6/ip6_output.c`: not `PACKET_HOST`).
  func wasForAll(_ flow: Flow) -> Bool {
    guard !flow.isSentByHost, let arrived = flow.arrival[.destination],
      flow.variables[arrived].domain.isSubset(of: knowledge.addressesForAll[flow.family] ?? .empty),
      let input = flow.domain(.input)?.single
    else { return false }
    let name = InterfaceName(value: input).description
    // What a bridge's hooks translate becomes a frame for the host (`br_nf_pre_routing_finish` in
    // `net/bridge/br_netfilter_hooks.c`); measured.
    if passesRulesInBridge(flow) { return false }
    var all = HostKnowledge.multicast(flow.family)
    if flow.family == .ipv4 {
      let own = knowledge.facts.interface(name)?.addresses ?? []
      let broadcasts = own.filter(\.address.isIPv4).compactMap { ($0.broadcast ?? $0.subnet?.last)?.bits }
      all = all.union(ValueSet((broadcasts + [IPAddress(ipv4: .max).bits]).map { $0...$0 }))
    }
    return flow.variables[arrived].domain.isSubset(of: all)
  }

  func forwardingIsOn(_ flow: inout Flow, _ input: String?) -> Bool {
    let prefix = flow.family == .ipv4 ? "net.ipv4.conf." : "net.ipv6.conf."
    let own = input.flatMap { knowledge.setting(prefix + $0 + ".forwarding") }
    let all =
      flow.family == .ipv4
      ? knowledge.setting("net.ipv4.ip_forward") : knowledge.setting("net.ipv6.conf.all.forwarding")
    if flow.family == .ipv6, let all {
      // IPv6 forwards when `all` is on; the interface's own switch only says whether it acts as a host there.
      return all != 0 || (own ?? 0) != 0
    }
    if let value = own ?? all { return value != 0 }
    flow.assume(
      Assumption(
        .ipForward(flow.family),
        settledBy: flow.family == .ipv4 ? "sysctl net.ipv4.ip_forward" : "sysctl net.ipv6.conf.all.forwarding"))
    return true
  }

  /// Whether the source may come from this interface (`fib_validate_source` in `net/ipv4/fib_frontend.c`).
  private func check(sourceOf flow: inout Flow, _ input: String?, isForHost: Bool, output: String?) -> SourceCheck {
    guard flow.family == .ipv4, let input, input != "lo", let source = flow.domain(.source)?.single else {
      return .passes
    }
    // A packet to this host from the address that it goes to is from the host's own, too, whichever that is.
    let isFromItsDestination = isForHost && flow.domain(.destination)?.single == source
    if isFromItsDestination || knowledge.localAddresses[.ipv4]?.contains(source) ?? false {
      return (knowledge.interfaceSetting("accept_local", input) ?? 0) != 0 ? .passes : .fails(.martian)
    }
    if knowledge.facts.maskedAddresses[.ipv4]?.contains(where: { $0.mayBe(source) }) ?? false {
      flow.assume(Assumption(.comesFromOutside(IPAddress(bits: source)), settledBy: "ip addr"))
    }
    let filter = knowledge.interfaceSetting("rp_filter", input)
    let isKnown = knowledge.knowsAddresses(.ipv4) && knowledge.facts.routesKnown.contains(.ipv4)
    // Where part of the routes is not shown, the filter counts when it is known to be on.
    guard isKnown || filter ?? 0 != 0 && !knowledge.facts.routes.isEmpty, source != IPAddress(ipv4: 0).bits else {
      return .passes
    }
    let mark = knowledge.interfaceSetting("src_valid_mark", input) == 1 ? flow.domain(.mark)?.first ?? 0 : 0
    var request = request(for: flow)
    request.mark = mark
    // The way back begins where the packet would leave.
    request.input = isForHost ? "lo" : output ?? ""
    request.source = flow.domain(.destination)?.first
    swap(&request.sourcePort, &request.destinationPort)
    request.decided = settledQuestions(flow)
    var hops: [Route.NextHop] = []
    var isDecided = isKnown
    switch routes.lookUp(source, request) {
    case .unicast(let ways, _): hops = ways
    case .unknown, .undecided: isDecided = false
    case .broadcast, .multicast: if isKnown { return .fails(.martian) }
    default: break
    }
    let isBack = hops.contains { $0.interface == input }
    guard !isBack, filter != 0 else { return .passes }
    if hops.contains(where: { $0.interface == nil }) { isDecided = false }
    guard let filter else {
      flow.assume(
        Assumption(
          .rpFilter(source: IPAddress(bits: source), interface: input),
          settledBy: "sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.\(input).rp_filter"))
      return .passes
    }
    guard filter == 1 || (filter == 2 && hops.isEmpty) else { return .passes }
    if isDecided { return .fails(.rpFilter) }
    let key = ConditionKey.reversePath(source: source, input: input)
    if let variable = flow.conditions[key], let known = flow.variables[variable].domain.single {
      return known == 1 ? .passes : .fails(.rpFilter)
    }
    return .depends(
      condition(key, in: &flow) {
        Condition(.reversePath(to: IPAddress(bits: source), interface: input), settledBy: "ip route")
      })
  }

  private func spendHop(_ flow: inout Flow) -> OutsideReason? {
    guard let limit = flow.domain(.hopLimit) else { return nil }
    if limit.isSubset(of: ValueSet(0...1)) { return .hopLimit }
    flow.rebind(.hopLimit, to: ValueSet(limit.intervals.map { max($0.lowerBound, 2) - 1...max($0.upperBound, 2) - 1 }))
    return nil
  }
}

/// Whether the kernel takes a packet from its source through an interface.
private enum SourceCheck {
  case passes
  case fails(OutsideReason)
  /// It depends on routes that no dump shows.
  case depends(Decision)
}

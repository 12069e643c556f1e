import HostModel
import RuleGraph

extension Engine {
  // MARK: - The way out

  /// Points a flow to the interface that its route names.
  func leadOut(_ flow: inout Flow, _ hops: [Route.NextHop], _ source: IPAddress?) {
    let names = ValueSet(hops.compactMap(\.interface).compactMap { InterfaceName($0)?.value }.map { $0...$0 })
    flow.rebind(.output, to: names.isEmpty ? InterfaceName.anyName : names, isOpen: names.single == nil)
    flow.route = RouteChoice(gateway: hops.count == 1 ? hops.first?.gateway : nil, source: source)
    let interfaces = hops.compactMap(\.interface)
    if !knowledge.facts.routesKnown.contains(flow.family), !knowledge.knowsAddresses(flow.family),
      interfaces.count == 1,
      let subnet = knowledge.inferredSubnets.first(where: {
        $0.interface == interfaces[0] && $0.prefix.family == flow.family
      })
    {
      flow.assume(
        Assumption(
          .subnetOfInterface(interfaces[0], subnet.prefix), evidence: subnet.evidence, settledBy: "ip addr"))
    }
    flow.note(
      Step(
        hook: nil, .routing, matched: true, action: .forward, target: .interfaces(interfaces),
        fact: .onLink(flow.domain(.destination) ?? .all, interfaces: interfaces, gateway: flow.route?.gateway)))
  }

  /// The way out when no table was told: any interface but those whose subnets are known.
  func leadOutUnknown(_ flow: inout Flow) {
    if let back = flow.returnsTo {
      flow.binding[.output] = back
      flow.route = RouteChoice()
      flow.note(Step(hook: nil, .routing, matched: true, action: .forward, fact: .backThroughArrival))
      return
    }
    var names = InterfaceName.wires
    let known = interfacesPassedOver(to: flow.domain(.destination) ?? .all, flow.family)
    for name in known { if let value = InterfaceName(name)?.value { names = names.subtracting(ValueSet(value)) } }
    flow.rebind(.output, to: names, isOpen: true)
    flow.route = RouteChoice()
    let destination = flow.domain(.destination) ?? .all
    flow.assume(Assumption(.route(to: destination, notThrough: known.sorted()), settledBy: "ip route"))
    flow.note(
      Step(
        hook: nil, .routing, matched: true, action: .forward,
        fact: .unknownRoute(destination, notThrough: known.sorted())))
  }

  /// The interfaces that hold networks of containers, and none that the destinations are in: what they hold is known,
  /// or the destinations are public.
  private func interfacesPassedOver(to destinations: ValueSet, _ family: AddressFamily) -> Set<String> {
    let facts = knowledge.facts
    func holdsKnown(_ name: String) -> Bool {
      knowledge.knowsAddresses(family)
        || facts.interface(name)?.addresses.contains { $0.address.family == family } ?? false
        || knowledge.inferred.subnets.contains { $0.interface == name && $0.prefix.family == family }
        || facts.maskedRoutes.contains { masked in
          masked.family == family && masked.nextHops.contains { $0.interface == name }
        }
    }
    func mayHoldThem(_ name: String) -> Bool {
      if holdsKnown(name) { return false }
      return family == .ipv4
        ? !destinations.isDisjoint(with: ContainerNetwork.possibleAddresses4) : facts.interface(name) != nil
    }
    return Set(knowledge.bridges + knowledge.inferredSubnets.map(\.interface)).filter { !mayHoldThem($0) }
  }

  // MARK: - Sent by the host

  /// The route of a packet that the host sends, before any rule sees it.
  func routeSent(_ flow: inout Flow) -> Move {
    .split(partsByRoute(flow).flatMap { send($0.flow, by: $0.answer, to: .output) })
  }

  /// Sends a packet of the host by what the routing tables answer, on to a hook.
  private func send(_ start: Flow, by answer: RouteAnswer, to hook: Position.Stage) -> [Flow] {
    var flow = start
    if let refusal = answer.refusal { return [ended(flow, refusal)] }
    direct(&flow, answer)
    return letOut(flow, to: hook)
  }

  private func ended(_ start: Flow, _ reason: OutsideReason) -> Flow {
    var flow = start
    endSent(&flow, reason)
    return flow
  }

  private func endSent(_ flow: inout Flow, _ reason: OutsideReason) {
    flow.ending = reason
    flow.position.stage = .leaving
  }

  /// Points a packet of the host to its interface.
  private func direct(_ flow: inout Flow, _ answer: RouteAnswer) {
    switch answer {
    case .unicast(let hops, let source):
      leadOut(&flow, hops, source)
      chooseSource(&flow, hops, source)
    case .unknown, .undecided: leadOutUnknown(&flow)
    case .broadcast, .multicast:
      if let name = interface(forAll: flow) {
        leadOut(&flow, [Route.NextHop(gateway: nil, interface: name)], nil)
        chooseSource(&flow, [Route.NextHop(gateway: nil, interface: name)], nil)
      } else {
        leadOutUnknown(&flow)
      }
    default:
      flow.rebind(.output, to: ValueSet(InterfaceName("lo")?.value ?? 0))
      flow.route = RouteChoice()
      flow.note(
        Step(
          hook: nil, .routing, matched: true, action: .local, target: .interfaces(["lo"]),
          fact: .thisHost(fewDestinations(flow))))
      // A process that does not bind speaks to an own address from that same address.
      if let source = flow.binding[.source], flow.variables[source].domain == flow.family.allAddresses,
        let own = flow.domain(.destination)?.single
      {
        _ = flow.narrow(source, to: ValueSet(own))
      }
    }
  }

  /// The interface that the host sends a broadcast or a packet to a group through: the one whose network the address is
  /// of; for other addresses that of the source, else that of the route (`ip_route_output_key_hash_rcu` in
  /// `net/ipv4/route.c`). Nil where that can't be told.
  private func interface(forAll flow: Flow) -> String? {
    guard let destination = flow.domain(.destination)?.single else { return nil }
    let interfaces = knowledge.facts.interfaces
    if let own = interfaces.first(where: { interface in
      interface.addresses.contains { ($0.broadcast ?? $0.subnet?.last)?.bits == destination && $0.prefixLength < 31 }
    }) {
      return own.name
    }
    if let source = flow.domain(.source)?.single, flow.family == .ipv4,
      let own = interfaces.first(where: { $0.addresses.contains { $0.address.bits == source } })
    {
      return own.name
    }
    guard knowledge.facts.routesKnown.contains(flow.family),
      case .unicast(let hops, _) = routes.lookUp(destination, request(for: flow), asUnicast: true), hops.count == 1
    else { return nil }
    return hops[0].interface
  }

  /// Whether a translation gave a packet from a bridge a destination on the same bridge.
  func isLedBackToBridge(_ flow: Flow, _ hops: [Route.NextHop], _ input: String?) -> Bool {
    guard let input, hops.contains(where: { $0.interface == input }), knowledge.isBridge(input) else { return false }
    return flow.arrival[.destination] != flow.binding[.destination]
      && knowledge.setting("net.bridge.bridge-nf-call-iptables") != 0 && hops.allSatisfy { $0.gateway == nil }
  }

  /// The destinations, where they are not too many for a sentence.
  func fewDestinations(_ flow: Flow) -> ValueSet? {
    guard let values = flow.domain(.destination), values.intervals.count <= 2, values != flow.family.allAddresses else {
      return nil
    }
    return values
  }

  /// The source address of a process that did not bind to one: the route's, else the interface's.
  private func chooseSource(_ flow: inout Flow, _ hops: [Route.NextHop], _ preferred: IPAddress?) {
    guard let source = flow.binding[.source], flow.variables[source].domain == flow.family.allAddresses,
      let name = hops.first?.interface
    else { return }
    let target = hops.first?.gateway ?? flow.domain(.destination)?.first.map { IPAddress(bits: $0) }
    let chosen =
      preferred
      ?? SourceAddress.choose(on: name, towards: target, family: flow.family, interfaces: knowledge.facts.interfaces)
      ?? knowledge.inferredAddress(on: name, flow.family)?.address
    if let chosen { _ = flow.narrow(source, to: ValueSet(chosen.bits)) }
  }

  /// Takes the way that was chosen anew because a translation or a mark in output changed what it depends on.
  ///
  /// The kernel chooses it at the end of the chain that made the change, by what the packet was then: a mark that a
  /// later chain sets has no part in it. The chains of output still see the old way.
  ///
  /// Source: `nf_nat_ipv4_local_fn` (destination changed), `ipt_mangle_out` and `nf_route_table_hook4` (mark,
  /// addresses, TOS).
  func reroute(_ flow: inout Flow) -> Move {
    guard let chosenBy = flow.position.rerouted else {
      flow.enter(.postrouting)
      return .on
    }
    let inputs = flow.routingInputs
    flow.routingInputs = chosenBy
    return .split(
      partsByRoute(flow).flatMap { part in
        var flow = part.flow
        flow.routingInputs = inputs
        return send(flow, by: part.answer, to: .postrouting)
      })
  }

  /// A way that was chosen anew and that refuses the packet ends it before the next chain of output; nil where none
  /// does.
  ///
  /// Source: `ip_route_me_harder` in `net/ipv4/netfilter.c` and its callers, which drop what it fails for.
  func refuseReroute(_ flow: inout Flow) -> Move? {
    guard let chosenBy = flow.position.rerouted, chosenBy != flow.position.checkedReroute else { return nil }
    flow.position.checkedReroute = chosenBy
    let inputs = flow.routingInputs
    flow.routingInputs = chosenBy
    let parts = partsByRoute(flow)
    flow.routingInputs = inputs
    guard parts.contains(where: { $0.answer.refusal != nil }) else { return nil }
    return .split(
      parts.map { part in
        var flow = part.flow
        flow.routingInputs = inputs
        if let refusal = part.answer.refusal { endSent(&flow, refusal) }
        return flow
      })
  }

  /// Lets a packet out to a hook with its source: one of 127/8 only where route_localnet is on (`__mkroute_output` in
  /// `net/ipv4/route.c`). Where it is not, the flow ends.
  ///
  /// Where no dump tells, a rule of Docker's shows that it is on. Such a rule may be among those that are missing.
  private func letOut(_ start: Flow, to hook: Position.Stage) -> [Flow] {
    var flow = start
    func entered(_ flow: Flow) -> Flow {
      var flow = flow
      flow.enter(hook)
      return flow
    }
    let output = flow.domain(.output)?.single.map { InterfaceName(value: $0).description }
    guard flow.family == .ipv4, output != "lo", let source = flow.domain(.source),
      source.isSubset(of: HostKnowledge.loopback4)
    else { return [entered(flow)] }
    let command = "sysctl net.ipv4.conf.all.route_localnet"
    let isOn: Bool
    if let setting = output.flatMap({ knowledge.interfaceSetting("route_localnet", $0) }) {
      isOn = setting != 0
    } else if index.localnetEvidence == nil, index.lacksMasquerades {
      let decision = condition(.host(command), in: &flow) { Condition(.routeLocalnet(output), settledBy: command) }
      let parts = flow.split(decision)
      return parts.yes.map(entered) + parts.no.map { ended($0, .routeLocalnet) }
    } else {
      isOn = index.localnetEvidence != nil
      flow.assume(
        Assumption(
          .routeLocalnet(isOn: isOn, interface: output), evidence: index.localnetEvidence, settledBy: command))
    }
    return [isOn ? entered(flow) : ended(flow, .routeLocalnet)]
  }

  // MARK: - Leaving

  /// The end of the way out: off to the wire, to the next port of the bridge, or back in on loopback.
  func leaveHost(_ flow: inout Flow) -> Move {
    if let reason = flow.ending { return .ended(discarded(flow, reason)) }
    if let parts = partsByEgress(flow) { return .split(parts) }
    if passBridgeOutput(&flow) { return .on }
    if let rule = flow.redirectedBy {
      // Nothing of this host answers for it.
      flow.isPastHost = true
      return .ended(FinishedFlow(flow: flow, verdict: .accept, fate: .forward, decidedBy: .rule(rule)))
    }
    if flow.bypassesRules {
      return .ended(FinishedFlow(flow: flow, verdict: .accept, fate: .bridged, decidedBy: .nothing))
    }
    let output = flow.domain(.output)?.single.map { InterfaceName(value: $0).description }
    if flow.isSentByHost, output == "lo", !flow.isLoopbackPass {
      flow.isLoopbackPass = true
      // `nf_conntrack_confirm` runs last in postrouting (`net/netfilter/nf_conntrack_proto.c`).
      if flow.connection?.hasEntry ?? false { flow.connection?.status |= ConntrackStatus.confirmed }
      flow.binding[.input] = flow.binding[.output]
      flow.binding[.output] = nil
      flow.note(Step(hook: nil, .remark, matched: true, action: .loopback, fact: .backOnLoopback))
      flow.enter(.prerouting)
      passIngress(next: .prerouting, &flow)
      return .on
    }
    if isLostBelowItsInterface(flow) { return .ended(discarded(flow, .macvlan)) }
    let fate: Case.Fate = flow.isBridged ? .bridged : flow.isSentByHost ? .sent : .forward
    return .ended(FinishedFlow(flow: flow, verdict: .accept, fate: fate, decidedBy: lastDecider(flow)))
  }

  /// The end of a flow for a reason outside netfilter.
  func discarded(_ flow: Flow, _ reason: OutsideReason) -> FinishedFlow {
    FinishedFlow(flow: flow, verdict: .drop, fate: .discarded, decidedBy: .outside(reason))
  }
}

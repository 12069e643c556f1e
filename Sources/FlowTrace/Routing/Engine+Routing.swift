import HostModel
import RuleGraph

extension Engine {
  // MARK: - Arriving

  /// A packet arrives, or the host sends one.
  func arrive(_ flow: inout Flow) -> Move {
    flow.arrival = flow.binding
    if flow.isSentByHost {
      flow.enter(.sending)
      return .on
    }
    if let end = pastTheHost(flow) { return .ended(end) }
    if let reason = discardedBeforePrerouting(flow) { return .ended(discarded(flow, reason)) }
    return splitByBridge(&flow)
  }

  /// IPv6 packets from or to loopback, or from a group, end before any hook (`ip6_rcv_core` in `net/ipv6/ip6_input.c`).
  private func discardedBeforePrerouting(_ flow: Flow) -> OutsideReason? {
    guard flow.family == .ipv6, !flow.isLoopbackPass else { return nil }
    if let source = flow.domain(.source)?.single, source == 1 || HostKnowledge.multicast6.contains(source) {
      return .martian
    }
    if flow.domain(.destination)?.single == 1 { return .martian }
    return nil
  }

  /// Packets that come from a bridge port are told apart from the others, since the bridge may carry them on by itself.
  private func splitByBridge(_ flow: inout Flow) -> Move {
    let input = flow.binding[Slot.input.rawValue]
    guard input >= 0 else {
      flow.enter(.prerouting)
      return .on
    }
    if let single = flow.variables[input].domain.single {
      let name = InterfaceName(value: single).description
      return knowledge.isBridge(name).answer ? bridge(name, &flow) : begin(&flow)
    }
    var parts: [Flow] = []
    var rest: Flow? = flow
    for name in bridges() {
      guard let value = InterfaceName(name)?.value, var current = rest else { continue }
      var inside = current
      guard inside.narrow(input, to: ValueSet(value)) else { continue }
      parts.append(inside)
      rest = current.exclude([(input, ValueSet(value))]) ? current : nil
    }
    if let rest {
      if parts.isEmpty { return begin(&flow) }
      var other = rest
      other.enter(.prerouting)
      parts.insert(other, at: 0)
    }
    return .split(parts)
  }

  /// The bridges of the host, told or inferred.
  func bridges() -> [String] {
    var names: [String] = []
    for interface in knowledge.facts.interfaces where knowledge.isBridge(interface.name).answer {
      names.append(interface.name)
    }
    names += knowledge.facts.networks.compactMap { $0.driver == "bridge" ? $0.bridge : nil }
    names += knowledge.inferredSubnets.map(\.interface).filter { knowledge.isBridge($0).answer }
    var seen = Set<String>()
    return names.filter { seen.insert($0).inserted }
  }

  private func begin(_ flow: inout Flow) -> Move {
    flow.enter(.prerouting)
    return .on
  }

  /// A packet comes in through a port of a bridge: for a neighbour on the same bridge it is bridged, else it is the host's to route.
  private func bridge(_ name: String, _ flow: inout Flow) -> Move {
    if flow.binding[Slot.physicalInput.rawValue] < 0 {
      flow.binding[Slot.physicalInput.rawValue] = flow.makeVariable(
        InterfaceName.anyName, dimension: .field(.meta(.physicalIn)), isOpen: true)
    }
    let setting = knowledge.setting(
      flow.family == .ipv4 ? "net.bridge.bridge-nf-call-iptables" : "net.bridge.bridge-nf-call-ip6tables")
    // Without that call no packet remembers the port that it came through (`nf_bridge_info` in `net/bridge/br_netfilter_hooks.c`).
    if setting == 0 { flow.rebind(.physicalInput, to: ValueSet(0)) }
    if flow.ownAddresses.contains(flow.binding[Slot.destination.rawValue]) { return begin(&flow) }
    if let back = flow.returnsTo, back >= 0, let value = InterfaceName(name)?.value,
      !flow.variables[back].domain.contains(value)
    {
      return begin(&flow)
    }
    let neighbours = subnets(of: name, flow.family).subtracting(knowledge.localAddresses[flow.family] ?? .empty)
      .subtracting(
        flow.family == .ipv4 ? knowledge.broadcastAddresses : .empty)
    let destination = flow.binding[Slot.destination.rawValue]
    var inside = flow
    guard destination >= 0, !neighbours.isEmpty, !flow.variables[destination].domain.isDisjoint(with: neighbours),
      inside.narrow(destination, to: gatewayExcluded(neighbours, name, flow))
    else { return begin(&flow) }
    inside.isBridged = true
    var parts: [Flow] = []
    if setting == 0 {
      inside.rebind(.output, to: ValueSet(InterfaceName(name)?.value ?? 0))
      inside.note(
        Step(
          hook: nil, .bridge, matched: true, action: "bridged",
          words: "\(name) carries the frame from port to port; bridge-nf-call-iptables is 0, so no rule sees it"))
      inside.bypassesRules = true
      inside.position.stage = .leaving
    } else {
      if setting == nil {
        inside.assume(
          Assumption(
            "bridge-nf-call", "bridged packets pass the rules (bridge-nf-call-iptables is 1, as Docker sets it)",
            settledBy: "sysctl net.bridge.bridge-nf-call-iptables"))
      }
      inside.enter(.prerouting)
    }
    parts.append(inside)
    var outside = flow
    if outside.exclude([(destination, inside.variables[destination].domain)]) {
      outside.enter(.prerouting)
      parts.append(outside)
    }
    return .split(parts)
  }

  /// The addresses of a bridge's neighbours, without the host's own address there when that is only inferred.
  private func gatewayExcluded(_ neighbours: ValueSet, _ name: String, _ flow: Flow) -> ValueSet {
    guard !knowledge.knowsAddresses(flow.family) else { return neighbours }
    return neighbours.subtracting(knowledge.inferredAddresses[flow.family] ?? .empty)
  }

  /// The addresses that are on an interface's link.
  func subnets(of name: String, _ family: AddressFamily) -> ValueSet {
    var values = ValueSet.empty
    for address in knowledge.facts.interface(name)?.addresses ?? [] where address.address.family == family {
      if let subnet = address.subnet { values = values.union(subnet.values) }
    }
    if values.isEmpty {
      for route in knowledge.facts.routes where route.destination.family == family && route.destination.length > 0 {
        if route.nextHops.contains(where: { $0.interface == name && $0.gateway == nil }) && route.kind == .unicast {
          values = values.union(route.destination.values)
        }
      }
    }
    if values.isEmpty {
      for subnet in knowledge.inferredSubnets where subnet.interface == name && subnet.prefix.family == family {
        values = values.union(subnet.prefix.values)
      }
    }
    return values
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
    if flow.isBridged { return routeBridged(&flow) }
    let input = flow.domain(.input)?.single.map { InterfaceName(value: $0).description }
    if let reason = martian(flow, input) { return .ended(discarded(flow, reason)) }
    return .split(partsByRoute(flow, input: input).map { settle($0.flow, $0.answer, input) })
  }

  /// A bridged packet stays on its bridge unless its destination was changed to somewhere else.
  private func routeBridged(_ flow: inout Flow) -> Move {
    let isChanged = flow.arrival[Slot.destination.rawValue] != flow.binding[Slot.destination.rawValue]
    let name = flow.domain(.input)?.single.map { InterfaceName(value: $0).description }
    guard isChanged else {
      forwardBridged(&flow, name)
      return .on
    }
    return .split(
      partsByRoute(flow, input: name).map { part in
        var flow = part.flow
        if case .unicast(let hops, _) = part.answer, let name, hops.contains(where: { $0.interface == name }) {
          if isLostInHairpin(&flow, name) {
            flow.ending = .bridgeHairpin
            flow.position.stage = .leaving
            return flow
          }
          forwardBridged(&flow, name)
          return flow
        }
        flow.isBridged = false
        return settle(flow, part.answer, name)
      })
  }

  /// Whether the bridge would have to send the frame back through the port that it came from, and does not
  /// (`should_deliver` in `net/bridge/br_forward.c`). Only a packet that a translation led back to its own sender is known to be one.
  private func isLostInHairpin(_ flow: inout Flow, _ bridge: String) -> Bool {
    guard let source = flow.domain(.source)?.single, source == flow.domain(.destination)?.single else { return false }
    let port = flow.domain(.physicalInput)?.single.map { InterfaceName(value: $0).description }
    let ports = knowledge.facts.interfaces.filter { $0.master == bridge && (port == nil || $0.name == port) }
    let modes = ports.compactMap(\.hairpin)
    if modes.isEmpty {
      flow.assume(
        Assumption(
          "hairpin", "the bridge may send frames back through the port they came from", settledBy: "bridge -d link"))
    }
    return modes.contains(false)
  }

  private func forwardBridged(_ flow: inout Flow, _ name: String?) {
    flow.binding[Slot.output.rawValue] = flow.binding[Slot.input.rawValue]
    flow.binding[Slot.physicalOutput.rawValue] = flow.makeVariable(InterfaceName.anyName)
    flow.note(
      Step(
        hook: nil, .bridge, matched: true, action: "bridged",
        words: "\(name ?? "the bridge") carries it from port to port"))
    flow.enter(.forward)
  }

  /// Addresses that must not come from a wire (`ip_route_input_slow` in `net/ipv4/route.c`).
  private func martian(_ flow: Flow, _ input: String?) -> OutsideReason? {
    guard flow.family == .ipv4, input != "lo" else { return nil }
    let localnet = input.flatMap { knowledge.interfaceSetting("route_localnet", $0) } ?? 0
    if let source = flow.domain(.source) {
      if source.isSubset(of: HostKnowledge.multicast4) { return .martian }
      if source.single == IPAddress(ipv4: 0xffff_ffff).bits { return .martian }
      if source.isSubset(of: HostKnowledge.zero4) {
        let limited = IPAddress(ipv4: 0xffff_ffff).bits
        if source.single != IPAddress(ipv4: 0).bits || flow.domain(.destination)?.single != limited { return .martian }
      }
      if localnet == 0, source.isSubset(of: HostKnowledge.loopback4) { return .martian }
    }
    if let destination = flow.domain(.destination) {
      if localnet == 0, destination.isSubset(of: HostKnowledge.loopback4) { return .martian }
      if destination.isSubset(of: HostKnowledge.zero4) { return .martian }
    }
    return nil
  }

  /// Cuts a flow by what the routing tables answer for its destination.
  private func partsByRoute(_ start: Flow, input: String?) -> [(flow: Flow, answer: RouteAnswer)] {
    var result: [(flow: Flow, answer: RouteAnswer)] = []
    for flow in cutByRoutingRules(start) {
      let destination = flow.binding[Slot.destination.rawValue]
      guard destination >= 0 else { continue }
      if flow.ownAddresses.contains(destination) {
        result.append((flow, .local))
        continue
      }
      if flow.returnsTo != nil, !knowledge.facts.routesKnown.contains(flow.family) {
        // The answer goes to the one who asked, and that one came in from outside.
        result.append((flow, .unknown))
        continue
      }
      let domain = flow.variables[destination].domain
      let mark = flow.domain(.mark)?.first ?? 0
      let source = flow.domain(.source)?.first
      var rest = domain
      var flow = flow
      if !knowledge.knowsAddresses(flow.family) {
        let types = addressTypes(of: domain, family: flow.family, published: publishing(flow))
        for assumption in types.assumptions { flow.assume(assumption) }
        let local = types.known.filter { $0.type == .local }.reduce(ValueSet.empty) { $0.union($1.values) }
        var part = flow
        if !local.isEmpty, part.narrow(destination, to: local) {
          result.append((part, .local))
          rest = rest.subtracting(local)
        }
        if !types.unknown.isEmpty {
          let isLocal = localCondition(destination, types.unknown, in: &flow)
          var own = flow
          if own.narrow(destination, to: types.unknown), own.narrow(isLocal, to: ValueSet(1)) {
            result.append((own, .local))
          }
          var other = flow
          if other.narrow(destination, to: types.unknown), other.narrow(isLocal, to: ValueSet(0)) {
            result += parts(of: other, destination, types.unknown, mark, input, source)
          }
          rest = rest.subtracting(types.unknown)
        }
      }
      result += parts(of: flow, destination, rest, mark, input, source)
    }
    return result
  }

  private func parts(
    of flow: Flow, _ destination: VariableID, _ domain: ValueSet, _ mark: UInt128, _ input: String?, _ source: UInt128?
  ) -> [(flow: Flow, answer: RouteAnswer)] {
    if domain.isEmpty { return [] }
    return answers(for: domain, mark: mark, input: input, source: source, family: flow.family).compactMap { group in
      var part = flow
      return part.narrow(destination, to: group.values) ? (part, group.answer) : nil
    }
  }

  /// Cuts a flow so that each policy rule applies to all or none of it.
  private func cutByRoutingRules(_ start: Flow) -> [Flow] {
    var flows = [start]
    for rule in knowledge.facts.routingRules where rule.family == start.family {
      var cuts: [(Slot, ValueSet)] = []
      if let prefix = rule.source { cuts.append((.source, prefix.values)) }
      if let name = rule.inputInterface, let value = InterfaceName(name)?.value {
        cuts.append((.input, ValueSet(value)))
      }
      if let mark = rule.mark {
        let transform = Transform(operations: [.bitwise(and: UInt128(mark.mask), xor: 0)])
        let wanted = ValueSet(mark.value & mark.mask)
        if let domain = start.domain(.mark), let values = transform.preimage(of: wanted, in: domain) {
          cuts.append((.mark, values))
        }
      }
      for (slot, values) in cuts {
        flows = flows.flatMap { flow -> [Flow] in
          let variable = flow.binding[slot.rawValue]
          guard variable >= 0 else { return [flow] }
          let parts = flow.split(.when(variable, in: values))
          return parts.yes + parts.no
        }
      }
    }
    return flows
  }

  /// Leads a flow on by its route.
  private func settle(_ start: Flow, _ answer: RouteAnswer, _ input: String?) -> Flow {
    var flow = start
    func end(_ reason: OutsideReason) -> Flow {
      flow.ending = reason
      flow.position.stage = .leaving
      return flow
    }
    switch answer {
    case .local, .broadcast:
      if let reason = sourceCheck(&flow, input) { return end(reason) }
      flow.note(
        Step(
          hook: nil, .routing, matched: true, action: "local",
          words:
            "\(Words.addresses(flow.domain(.destination) ?? .all, family: flow.family)) is \(answer == .broadcast ? "a broadcast address" : "this host")"
        ))
      flow.enter(.input)
      return flow
    case .multicast:
      let all = flow.family == .ipv4 ? IPAddress(ipv4: 0xe000_0001).bits : (UInt128(0xff02) << 112) | 1
      if flow.domain(.destination)?.single == all {
        flow.note(
          Step(
            hook: nil, .routing, matched: true, action: "local", words: "all hosts on the link are meant, this one too")
        )
        flow.enter(.input)
        return flow
      }
      return end(.multicast)
    case .none: return forwardingIsOn(&flow, input) ? end(.noRoute) : end(.ipForward)
    case .blackhole: return end(.blackholeRoute)
    case .unreachable: return forwardingIsOn(&flow, input) ? end(.unreachableRoute) : end(.ipForward)
    case .prohibit: return forwardingIsOn(&flow, input) ? end(.prohibitRoute) : end(.ipForward)
    case .unicast(let hops, let source):
      // A packet that a translation led back to the bridge it came from is bridged again, not routed (`br_nf_pre_routing_finish` in
      // `net/bridge/br_netfilter_hooks.c`): it needs no forwarding and spends no hop.
      let isBridgedAgain = isLedBackToBridge(flow, hops, input)
      guard isBridgedAgain || forwardingIsOn(&flow, input) else { return end(.ipForward) }
      if let reason = sourceCheck(&flow, input) { return end(reason) }
      if !isBridgedAgain, let reason = spendHop(&flow) { return end(reason) }
      leadOut(&flow, hops, source)
      if isBridgedAgain, let input {
        if isLostInHairpin(&flow, input) { return end(.bridgeHairpin) }
        flow.isBridged = true
        flow.binding[Slot.physicalOutput.rawValue] = flow.makeVariable(InterfaceName.anyName)
      }
      flow.enter(.forward)
      return flow
    case .unknown:
      guard forwardingIsOn(&flow, input) else { return end(.ipForward) }
      if let reason = spendHop(&flow) { return end(reason) }
      leadOutUnknown(&flow)
      flow.enter(.forward)
      return flow
    }
  }

  /// Whether a translation gave a packet from a bridge a destination on the same bridge.
  private func isLedBackToBridge(_ flow: Flow, _ hops: [Route.NextHop], _ input: String?) -> Bool {
    guard let input, hops.contains(where: { $0.interface == input }), knowledge.isBridge(input).answer else {
      return false
    }
    return flow.arrival[Slot.destination.rawValue] != flow.binding[Slot.destination.rawValue]
      && knowledge.setting("net.bridge.bridge-nf-call-iptables") != 0 && hops.allSatisfy { $0.gateway == nil }
  }

  private func destinationWords(_ flow: Flow) -> String {
    if let values = flow.domain(.destination), values.single != nil {
      return Words.addresses(values, family: flow.family)
    }
    return "the destination"
  }

  private func forwardingIsOn(_ flow: inout Flow, _ input: String?) -> Bool {
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
        "ip-forward",
        "the host forwards packets (\(flow.family == .ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding") is 1)",
        settledBy: flow.family == .ipv4 ? "sysctl net.ipv4.ip_forward" : "sysctl net.ipv6.conf.all.forwarding"))
    return true
  }

  /// Whether the source may come from this interface (`fib_validate_source` in `net/ipv4/fib_frontend.c`).
  private func sourceCheck(_ flow: inout Flow, _ input: String?) -> OutsideReason? {
    guard flow.family == .ipv4, let input, input != "lo", knowledge.knowsAddresses(.ipv4) else { return nil }
    guard let source = flow.domain(.source)?.single else { return nil }
    if knowledge.localAddresses[.ipv4]?.contains(source) ?? false {
      return (knowledge.interfaceSetting("accept_local", input) ?? 0) != 0 ? nil : .martian
    }
    guard knowledge.facts.routesKnown.contains(.ipv4), IPAddress(bits: source) != IPAddress(ipv4: 0) else { return nil }
    let filter = knowledge.interfaceSetting("rp_filter", input)
    let mark = knowledge.interfaceSetting("src_valid_mark", input) == 1 ? flow.domain(.mark)?.first ?? 0 : 0
    let answer = lookUp(source, mark: mark, input: nil, source: flow.domain(.destination)?.first, family: .ipv4)
    let hops: [Route.NextHop]
    switch answer {
    case .unicast(let ways, _): hops = ways
    case .unknown: return nil
    case .broadcast, .multicast: return .martian
    default: hops = []
    }
    let isBack = hops.contains { $0.interface == input }
    guard !isBack else { return nil }
    guard let filter else {
      flow.assume(
        Assumption(
          "rp-filter",
          "rp_filter does not drop packets of \(IPAddress(bits: source)) on \(input), to where the route back does not lead",
          settledBy: "sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.\(input).rp_filter"))
      return nil
    }
    if filter == 1 || (filter == 2 && hops.isEmpty) { return .rpFilter }
    return nil
  }

  private func spendHop(_ flow: inout Flow) -> OutsideReason? {
    guard let limit = flow.domain(.hopLimit) else { return nil }
    if limit.isSubset(of: ValueSet(0...1)) { return .hopLimit }
    flow.beforeHop = flow.binding[Slot.hopLimit.rawValue]
    flow.rebind(.hopLimit, to: ValueSet(limit.intervals.map { max($0.lowerBound, 2) - 1...max($0.upperBound, 2) - 1 }))
    return nil
  }

  // MARK: - The way out

  private func leadOut(_ flow: inout Flow, _ hops: [Route.NextHop], _ source: IPAddress?) {
    let names = ValueSet(hops.compactMap(\.interface).compactMap { InterfaceName($0)?.value }.map { $0...$0 })
    flow.rebind(.output, to: names.isEmpty ? InterfaceName.anyName : names)
    flow.route = RouteChoice(gateway: hops.count == 1 ? hops.first?.gateway : nil, source: source)
    let name = hops.compactMap(\.interface).joined(separator: " or ")
    let address = Words.addresses(flow.domain(.destination) ?? .all, family: flow.family)
    let way = flow.route?.gateway.map { "\(address) is behind \($0) on \(name)" } ?? "\(address) is on \(name)"
    if !knowledge.facts.routesKnown.contains(flow.family), !knowledge.knowsAddresses(flow.family),
      let subnet = knowledge.inferredSubnets.first(where: { $0.interface == name && $0.prefix.family == flow.family })
    {
      flow.assume(
        Assumption(
          "subnet-of-interface", "\(name) holds \(subnet.prefix)", evidence: subnet.evidence, settledBy: "ip addr"))
    }
    flow.note(Step(hook: nil, .routing, matched: true, action: "forward", target: name, words: way))
  }

  /// The way out when no table was told: any interface but those whose subnets are known.
  private func leadOutUnknown(_ flow: inout Flow) {
    if let back = flow.returnsTo, back >= 0 {
      flow.binding[Slot.output.rawValue] = back
      flow.route = RouteChoice()
      flow.note(
        Step(
          hook: nil, .routing, matched: true, action: "forward",
          words: "back through the interface that the first packet came in on"))
      return
    }
    var names = InterfaceName.wires
    let known = Set(bridges() + knowledge.inferredSubnets.map(\.interface))
    for name in known { if let value = InterfaceName(name)?.value { names = names.subtracting(ValueSet(value)) } }
    flow.rebind(.output, to: names)
    flow.route = RouteChoice()
    let address = Words.addresses(flow.domain(.destination) ?? .all, family: flow.family)
    let others = known.isEmpty ? "" : " other than \(known.sorted().joined(separator: ", "))"
    flow.assume(
      Assumption(
        "route", "the route to \(address) leaves through an interface\(others)", settledBy: "ip route"))
    flow.note(
      Step(
        hook: nil, .routing, matched: true, action: "forward",
        words: "\(address) is reached through an interface\(others)"))
  }

  // MARK: - Sent by the host

  /// The route of a packet that the host sends, before any rule sees it.
  func routeSent(_ flow: inout Flow) -> Move {
    .split(
      partsByRoute(flow, input: nil).map { part in
        var flow = part.flow
        switch part.answer {
        case .local, .broadcast, .multicast, .unicast, .unknown:
          direct(&flow, part.answer)
          flow.enter(.output)
        case .none: endSent(&flow, .noRoute)
        case .blackhole: endSent(&flow, .blackholeRoute)
        case .unreachable: endSent(&flow, .unreachableRoute)
        case .prohibit: endSent(&flow, .prohibitRoute)
        }
        return flow
      })
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
    case .unknown: leadOutUnknown(&flow)
    case .broadcast, .multicast:
      leadOutUnknown(&flow)
    default:
      flow.rebind(.output, to: ValueSet(InterfaceName("lo")?.value ?? 0))
      flow.route = RouteChoice()
      flow.note(
        Step(
          hook: nil, .routing, matched: true, action: "local", target: "lo",
          words: "\(destinationWords(flow)) is this host"))
      // A process that does not bind speaks to an own address from that same address.
      if let source = flow.domain(.source), source == flow.family.allAddresses,
        let own = flow.domain(.destination)?.single
      {
        _ = flow.narrow(flow.binding[Slot.source.rawValue], to: ValueSet(own))
      }
    }
  }

  /// The source address of a process that did not bind to one: the route's, else the interface's.
  private func chooseSource(_ flow: inout Flow, _ hops: [Route.NextHop], _ preferred: IPAddress?) {
    guard let source = flow.domain(.source), source == flow.family.allAddresses, let name = hops.first?.interface else {
      return
    }
    let target = hops.first?.gateway ?? flow.domain(.destination)?.first.map { IPAddress(bits: $0) }
    let chosen =
      preferred
      ?? SourceAddress.choose(on: name, towards: target, family: flow.family, interfaces: knowledge.facts.interfaces)
      ?? knowledge.inferredAddress(on: name, flow.family)?.address
    if let chosen { _ = flow.narrow(flow.binding[Slot.source.rawValue], to: ValueSet(chosen.bits)) }
  }

  /// Takes the way that was chosen anew because a translation or a mark in output changed what it depends on.
  ///
  /// The kernel chooses it at the end of the chain that made the change, by what the packet was then: a mark that a later chain sets has no
  /// part in it. The chains of output still see the old way.
  ///
  /// Source: `nf_nat_ipv4_local_fn` (destination changed), `ipt_mangle_out` and `nf_route_table_hook4` (mark, addresses, TOS).
  func reroute(_ flow: inout Flow) -> Move {
    guard let chosenBy = flow.position.rerouted else {
      flow.enter(.postrouting)
      return .on
    }
    let inputs = flow.routingInputs
    flow.routingInputs = chosenBy
    let localnet = ValueSet(IPAddress(ipv4: 0x7f00_0000).bits...IPAddress(ipv4: 0x7fff_ffff).bits)
    return .split(
      partsByRoute(flow, input: nil).map { part in
        var flow = part.flow
        flow.routingInputs = inputs
        switch part.answer {
        case .local, .broadcast, .multicast, .unicast, .unknown:
          direct(&flow, part.answer)
          let output = flow.domain(.output)?.single.map { InterfaceName(value: $0).description }
          if flow.family == .ipv4, let source = flow.domain(.source), source.isSubset(of: localnet), output != "lo" {
            // A source of 127/8 may leave only where route_localnet is on.
            let setting = output.flatMap { knowledge.interfaceSetting("route_localnet", $0) }
            let evidence = setting == nil ? Inference.localnetEvidence(in: ruleset) : nil
            if setting == nil {
              flow.assume(
                Assumption(
                  "route-localnet",
                  "route_localnet is \(evidence == nil ? "off" : "on") for \(output ?? "the way out")",
                  evidence: evidence, settledBy: "sysctl net.ipv4.conf.all.route_localnet"))
            }
            if (setting ?? (evidence == nil ? 0 : 1)) == 0 {
              endSent(&flow, .routeLocalnet)
              return flow
            }
          }
          flow.enter(.postrouting)
        case .none: endSent(&flow, .noRoute)
        case .blackhole: endSent(&flow, .blackholeRoute)
        case .unreachable: endSent(&flow, .unreachableRoute)
        case .prohibit: endSent(&flow, .prohibitRoute)
        }
        return flow
      })
  }

  // MARK: - Leaving

  /// The end of the way out: off to the wire, to the next port of the bridge, or back in on loopback.
  func leaveHost(_ flow: inout Flow) -> Move {
    if let reason = flow.ending { return .ended(discarded(flow, reason)) }
    if flow.bypassesRules {
      return .ended(FinishedFlow(flow: flow, verdict: .accept, fate: .bridged, decidedBy: .nothing))
    }
    let output = flow.domain(.output)?.single.map { InterfaceName(value: $0).description }
    if flow.isSentByHost, output == "lo", !flow.isLoopbackPass {
      flow.isLoopbackPass = true
      flow.binding[Slot.input.rawValue] = flow.binding[Slot.output.rawValue]
      flow.binding[Slot.output.rawValue] = -1
      flow.note(Step(hook: nil, .remark, matched: true, action: "loopback", words: "comes back in on lo"))
      flow.enter(.prerouting)
      return .on
    }
    if isLostBelowItsInterface(flow) { return .ended(discarded(flow, .macvlan)) }
    let fate: Case.Fate = flow.isBridged ? .bridged : flow.isSentByHost ? .sent : .forward
    return .ended(FinishedFlow(flow: flow, verdict: .accept, fate: fate, decidedBy: lastDecider(flow)))
  }

  private func discarded(_ flow: Flow, _ reason: OutsideReason) -> FinishedFlow {
    FinishedFlow(flow: flow, verdict: .drop, fate: .discarded, decidedBy: .outside(reason))
  }
}

import HostModel
import RuleGraph

extension Engine {
  /// Packets that come from a bridge port are told apart from the others, since the bridge may carry them on by itself.
  func splitByBridge(_ flow: inout Flow) -> Move {
    guard let input = flow.binding[.input] else { return begin(&flow) }
    if let single = flow.variables[input].domain.single {
      let name = InterfaceName(value: single).description
      return knowledge.isBridge(name) ? bridge(name, &flow) : begin(&flow)
    }
    var parts: [Flow] = []
    var rest: Flow? = flow
    for name in knowledge.bridges {
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

  private func begin(_ flow: inout Flow) -> Move {
    if !flow.isBridged, !passesRulesInBridge(flow), passBridgeInput(next: .start, &flow) { return .on }
    flow.enter(.prerouting)
    if !plan.ingressDevices.isEmpty, !flow.isBridged, !passesRulesInBridge(flow) {
      passIngress(next: .prerouting, &flow)
    }
    return .on
  }

  /// Whether the packet comes through a bridge that hands its frames to the rules of IP.
  func passesRulesInBridge(_ flow: Flow) -> Bool {
    guard let input = flow.domain(.input)?.single, knowledge.isBridge(InterfaceName(value: input).description) else {
      return false
    }
    let name = flow.family == .ipv4 ? "iptables" : "ip6tables"
    return knowledge.setting("net.bridge.bridge-nf-call-\(name)") != 0
  }

  /// A packet comes in through a port of a bridge: for a neighbour on the same bridge it is bridged, else it is the
  /// host's to route.
  private func bridge(_ name: String, _ flow: inout Flow) -> Move {
    let cameThrough =
      flow.binding[.physicalInput]
      ?? flow.makeVariable(InterfaceName.anyName, dimension: .field(.meta(.physicalIn)), isOpen: true)
    flow.binding[.physicalInput] = cameThrough
    if flow.bridgePort == nil {
      flow.bridgePort = cameThrough
      if passBridge(.prerouting, name, next: .start, &flow) { return .on }
    }
    let setting = knowledge.setting(
      flow.family == .ipv4 ? "net.bridge.bridge-nf-call-iptables" : "net.bridge.bridge-nf-call-ip6tables")
    if let port = port(of: flow.domain(.source), on: name), flow.variables[cameThrough].domain.contains(port) {
      _ = flow.narrow(cameThrough, to: ValueSet(port))
    }
    // Without that call no packet remembers the port that it came through (`nf_bridge_info` in
    // `net/bridge/br_netfilter_hooks.c`).
    if setting == 0 { flow.rebind(.physicalInput, to: ValueSet(0)) }
    guard let destination = flow.binding[.destination], !flow.ownAddresses.contains(destination) else {
      return begin(&flow)
    }
    if let parts = partsByUntoldLink(of: name, flow) { return .split(parts) }
    let neighbours = neighbours(of: name, &flow).subtracting(knowledge.localAddresses[flow.family] ?? .empty)
      .subtracting(
        flow.family == .ipv4 ? knowledge.broadcastAddresses : .empty
      ).union(flooded(on: name, flow.family))
    // An answer goes back to where the question came from, unless the one who asked has an address of this very bridge.
    if let back = flow.returnsTo, let value = InterfaceName(name)?.value,
      !flow.variables[back].domain.contains(value), !flow.variables[destination].domain.isSubset(of: neighbours)
    {
      return begin(&flow)
    }
    var inside = flow
    guard !neighbours.isEmpty, !flow.variables[destination].domain.isDisjoint(with: neighbours),
      inside.narrow(destination, to: gatewayExcluded(neighbours, name, flow))
    else { return begin(&flow) }
    inside.isBridged = true
    var parts: [Flow] = []
    if setting == 0 {
      inside.rebind(.output, to: ValueSet(InterfaceName(name)?.value ?? 0))
      inside.note(
        Step(hook: nil, .bridge, matched: true, action: .bridged, fact: .bridgedPastRules(by: name)))
      inside.bypassesRules = true
      if isBetweenIsolatedPorts(inside, name) { inside.ending = .isolatedPorts }
      if inside.ending != nil || !passBridge(.forward, name, next: .leaving, &inside) {
        inside.position.stage = .leaving
      }
    } else {
      if setting == nil {
        inside.assume(Assumption(.bridgeNetfilter, settledBy: "sysctl net.bridge.bridge-nf-call-iptables"))
      }
      inside.enter(.prerouting)
    }
    parts.append(inside)
    var outside = flow
    if outside.exclude([(destination, inside.variables[destination].domain)]) {
      _ = begin(&outside)
      parts.append(outside)
    }
    return .split(parts)
  }

  /// The addresses that are on a bridge's link. Where none is told and the question says that the packet leaves through
  /// the bridge that it came in by, all are. A bridge that no dump names is the interface whose name is masked, where
  /// the packet comes from what is behind that.
  private func neighbours(of name: String, _ flow: inout Flow) -> ValueSet {
    let told = subnets(of: name, flow.family)
    if let link = untoldLink(of: name, flow), settledQuestions(flow)[link.question] == true {
      return link.network
    }
    if told.isEmpty, knowledge.knowsAddresses(flow.family), knowledge.facts.interface(name) != nil {
      // The host has no address there, so it is nobody's router: what is on the bridge talks over it alone.
      return flow.family.allAddresses.subtracting(HostKnowledge.multicast(flow.family))
    }
    if told.isEmpty, knowledge.facts.interface(name) == nil {
      let hidden = knowledge.subnetsOfUnnamedInterfaces(flow.family)
      if !hidden.isEmpty, flow.domain(.source)?.isSubset(of: hidden) ?? false {
        flow.assume(Assumption(.unnamedInterface(name), settledBy: "ip addr"))
        return hidden
      }
    }
    guard told.isEmpty, isForwarded, flow.returnsTo == nil, let value = InterfaceName(name)?.value,
      wantedOutput == ValueSet(value)
    else { return told }
    flow.assume(Assumption(.neighbour(interface: name), settledBy: "ip addr"))
    return flow.family.allAddresses.subtracting(HostKnowledge.multicast(flow.family))
  }

  /// Where no dump tells what is on a bridge, the parts in which the destination is on its link, is the host's own, or
  /// neither; nil where that is settled.
  private func partsByUntoldLink(of name: String, _ flow: Flow) -> [Flow]? {
    guard let link = untoldLink(of: name, flow), settledQuestions(flow)[link.question] == nil else { return nil }
    return split(flow, by: link.question).flatMap { part -> [Flow] in
      guard settledQuestions(part)[link.question] == true, let destination = part.binding[.destination] else {
        return [part]
      }
      var part = part
      let unknown = addressTypes(
        of: part.variables[destination].domain, family: part.family, published: publishing(part)
      ).unknown
      if unknown.isEmpty { return [part] }
      let isOwn = localCondition(destination, unknown, in: &part)
      return [UInt128(0), 1].compactMap { truth in
        var one = part
        guard one.narrow(isOwn, to: ValueSet(truth)) else { return nil }
        // Its own address is not bridged to.
        if truth == 1 { _ = begin(&one) }
        return one
      }
    }
  }

  /// What no dump tells of a packet's destination: whether it is on a bridge's link, where its addresses are masked or
  /// nothing tells of them.
  ///
  /// Where nothing does, that only matters to a packet on its last hop: bridged, it spends none.
  private func untoldLink(of name: String, _ flow: Flow) -> (question: RouteQuestion, network: ValueSet)? {
    guard let domain = flow.domain(.destination), let destination = domain.single,
      subnets(of: name, flow.family).isEmpty
    else { return nil }
    let routes = knowledge.facts.maskedRoutes
    let areShown = routes.contains { !$0.isConnected && $0.family == flow.family }
    for place in routes.indices where routes[place].kind == .unicast && !(areShown && routes[place].isConnected) {
      guard routes[place].nextHops.contains(where: { $0.interface == name && $0.gateway == nil }),
        let network = routes[place].network(of: IPAddress(bits: destination))
      else { continue }
      return (.maskedRoute(place, network), network.values)
    }
    let isOnItsLastHop = flow.domain(.hopLimit)?.isSubset(of: ValueSet(0...1)) ?? false
    guard isOnItsLastHop, !knowledge.knowsAddresses(flow.family), knowledge.facts.interface(name) == nil else {
      return nil
    }
    return (.link(of: name), domain)
  }

  /// The groups and broadcast addresses whose frames the bridge floods to its other ports (`br_flood` in
  /// `net/bridge/br_forward.c`).
  ///
  /// Those that the host takes part in get to it as well: a question about them is about that, unless it says that the
  /// packet leaves through the bridge.
  private func flooded(on name: String, _ family: AddressFamily) -> ValueSet {
    if isForwarded, let output = wantedOutput {
      guard let value = InterfaceName(name)?.value, output.contains(value) else { return .empty }
      guard family == .ipv4 else { return HostKnowledge.multicast6 }
      let own = (knowledge.facts.interface(name)?.addresses ?? []).filter(\.address.isIPv4)
      let broadcasts = own.compactMap { ($0.broadcast ?? $0.subnet?.last)?.bits } + [IPAddress(ipv4: .max).bits]
      return HostKnowledge.multicast4.union(ValueSet(broadcasts.map { $0...$0 }))
    }
    return family == .ipv4 ? HostKnowledge.groupsBesideAllHosts4 : HostKnowledge.groupsBesideAllHosts6
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
    // An address that only the table local told has no subnet of its own.
    if values.count <= 1 {
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

  /// A bridged packet stays on its bridge unless its destination was changed to somewhere else.
  func routeBridged(_ flow: inout Flow) -> Move {
    let isChanged = flow.arrival[.destination] != flow.binding[.destination]
    let name = flow.domain(.input)?.single.map { InterfaceName(value: $0).description }
    guard isChanged else {
      forwardBridged(&flow, name)
      return .on
    }
    if let reason = martian(flow, name) { return .ended(discarded(flow, reason)) }
    return .split(
      partsByRoute(flow).flatMap { part -> [Flow] in
        var flow = part.flow
        if case .unicast(let hops, _) = part.answer, let name, hops.contains(where: { $0.interface == name }) {
          // The route that IPv4 asks for knows no way on a host that does not forward (`br_nf_pre_routing_finish` in
          // `net/bridge/br_netfilter_hooks.c`); measured.
          if flow.family == .ipv4, !forwardingIsOn(&flow, name) {
            flow.ending = .ipForward
            flow.position.stage = .leaving
            return [flow]
          }
          if isLostInHairpin(&flow, name) {
            flow.ending = .bridgeHairpin
            flow.position.stage = .leaving
            return [flow]
          }
          forwardBridged(&flow, name)
          return [flow]
        }
        flow.isBridged = false
        // It goes up to the host through the bridge's own ingress.
        if passBridgeInput(next: .routing, &flow) { return [flow] }
        return passIngress(next: .routing, &flow) ? [flow] : settle(flow, part.answer, name)
      })
  }

  /// Whether the bridge would have to send the frame back through the port that it came from, and does not
  /// (`should_deliver` in `net/bridge/br_forward.c`). Only a packet that a translation led back to its own sender is
  /// known to be one.
  func isLostInHairpin(_ flow: inout Flow, _ bridge: String) -> Bool {
    guard let source = flow.domain(.source)?.single, source == flow.domain(.destination)?.single else { return false }
    let came = flow.domain(.physicalInput) ?? InterfaceName.anyName
    let ports = knowledge.facts.interfaces.filter { port in
      port.master == bridge && InterfaceName(port.name).map { came.contains($0.value) } ?? false
    }
    let modes = ports.compactMap(\.hairpin)
    if modes.isEmpty {
      flow.assume(Assumption(.hairpin, settledBy: "bridge -d link"))
    }
    return modes.contains(false)
  }

  /// The port of a bridge that the container with an address is behind, where both ends of its pair were printed.
  func port(of addresses: ValueSet?, on bridge: String) -> UInt128? {
    guard let address = addresses?.single.map({ IPAddress(bits: $0) }) else { return nil }
    return knowledge.hostEnds(of: address).first { knowledge.facts.interface($0)?.master == bridge }
      .flatMap { InterfaceName($0)?.value }
  }

  /// Whether a frame would go from one isolated port of a bridge to another, which passes none (`should_deliver` in
  /// `net/bridge/br_forward.c`).
  ///
  /// A port that is not told counts only where all ports of the bridge are isolated.
  func isBetweenIsolatedPorts(_ flow: Flow, _ bridge: String) -> Bool {
    let ports = knowledge.facts.interfaces.filter { $0.master == bridge }
    guard ports.contains(where: { $0.isIsolated == true }) else { return false }
    func isIsolated(_ port: UInt128?) -> Bool {
      guard let port, port != 0 else { return ports.allSatisfy { $0.isIsolated == true } }
      return knowledge.facts.interface(InterfaceName(value: port).description)?.isIsolated == true
    }
    return isIsolated(flow.domain(.physicalInput)?.single)
      && isIsolated(port(of: flow.domain(.destination), on: bridge))
  }

  /// A flow that goes back to its own sender, in parts by the mode of the port that it came from; nil where all ports
  /// that it may be are in one mode.
  ///
  /// Only that port's mode counts, whatever the bridge's others are in.
  func partsByHairpin(_ flow: Flow) -> [Flow]? {
    guard let source = flow.domain(.source)?.single, source == flow.domain(.destination)?.single,
      let input = flow.domain(.input)?.single, let came = flow.binding[.physicalInput],
      flow.variables[came].domain.single == nil
    else { return nil }
    let bridge = InterfaceName(value: input).description
    let without = knowledge.facts.interfaces.filter { $0.master == bridge && $0.hairpin == false }
    guard knowledge.facts.interfaces.contains(where: { $0.master == bridge && $0.hairpin == true }) else { return nil }
    let names = ValueSet(without.compactMap { InterfaceName($0.name)?.value }.map { $0...$0 })
    let parts = flow.split(.when(came, in: names))
    return parts.yes.isEmpty || parts.no.isEmpty ? nil : parts.yes + parts.no
  }

  /// The port that a frame leaves through: the one it came from where it goes back to its sender, else whichever.
  func portBack(_ flow: inout Flow) -> VariableID {
    if let source = flow.domain(.source)?.single, source == flow.domain(.destination)?.single,
      let port = flow.binding[.physicalInput]
    {
      return port
    }
    return flow.makeVariable(InterfaceName.anyName)
  }

  private func forwardBridged(_ flow: inout Flow, _ name: String?) {
    if let name, isBetweenIsolatedPorts(flow, name) {
      flow.ending = .isolatedPorts
      flow.position.stage = .leaving
      return
    }
    flow.binding[.output] = flow.binding[.input]
    flow.binding[.physicalOutput] = portBack(&flow)
    flow.note(Step(hook: nil, .bridge, matched: true, action: .bridged, fact: .bridged(by: name)))
    if let name, passBridge(.forward, name, next: .forward, &flow) { return }
    flow.enter(.forward)
  }
}

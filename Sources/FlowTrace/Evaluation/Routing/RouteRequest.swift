import HostModel
import RuleGraph

/// A question to the routing tables: what policy rules look at besides the destination.
struct RouteRequest {
  var family: AddressFamily
  /// The packet's mark.
  var mark: UInt128 = 0
  /// The interface that the packet came in on; the host's own packets count as coming in on `lo`.
  var input = "lo"
  /// The source; nil while none is chosen.
  var source: UInt128?
  /// The interface that the way must lead out of, where the look-up is limited to one.
  var output: String?
  /// The transport protocol and the ports; 0 where the look-up has none.
  var transport: UInt128 = 0
  var sourcePort: UInt128 = 0
  var destinationPort: UInt128 = 0
  /// The service byte; nil where it is open.
  var serviceByte: UInt128? = 0
  /// The user who sends. Packets on their way through count as root's (`ip_route_input_slow` in `net/ipv4/route.c`).
  var user: UInt128 = 0
  /// Whether a program of the host sends the packet: its socket may be bound to an interface.
  var isSent = false
  /// What was settled of the questions that no dump tells.
  var decided: [RouteQuestion: Bool] = [:]

  /// Whether the rule at a place in order applies; nil where that can't be told.
  ///
  /// Source: `fib_rule_match` in `net/core/fib_rules.c`, `fib4_rule_match` in `net/ipv4/fib_rules.c`.
  func applies(_ rule: RoutingRule, at place: Int, to destination: IPAddress) -> Bool? {
    if let known = decided[.selector(place)] { return known }
    var isUnknown = rule.unknownSelector != nil
    if let prefix = rule.source, !(source.map { prefix.contains(IPAddress(bits: $0)) } ?? false) { return rule.negated }
    if let prefix = rule.destination, !prefix.contains(destination) { return rule.negated }
    if let name = rule.inputInterface, name != input { return rule.negated }
    if let wanted = rule.mark, UInt32(truncatingIfNeeded: mark) & wanted.mask != wanted.value & wanted.mask {
      return rule.negated
    }
    if let wanted = rule.transport, UInt128(wanted) != transport { return rule.negated }
    if let ports = rule.sourcePorts, !Self.contains(ports, sourcePort) { return rule.negated }
    if let ports = rule.destinationPorts, !Self.contains(ports, destinationPort) { return rule.negated }
    if let users = rule.users, !Self.contains(users, user) { return rule.negated }
    if let wanted = rule.tos {
      if let byte = serviceByte { if byte & 0xfc != UInt128(wanted) { return rule.negated } } else { isUnknown = true }
    }
    if let name = rule.outputInterface {
      if let output { if output != name { return rule.negated } } else if !isSent { return rule.negated }
      if output == nil { isUnknown = true }
    }
    return isUnknown ? nil : !rule.negated
  }

  private static func contains<Number: BinaryInteger>(_ range: ClosedRange<Number>, _ value: UInt128) -> Bool {
    UInt128(range.lowerBound) <= value && value <= UInt128(range.upperBound)
  }
}

extension Engine {
  /// The host's routing tables.
  var routes: RouteLookup { RouteLookup(knowledge: knowledge) }

  /// What the routing tables are asked for a flow that ``cutByRoutingRules(_:)`` has cut: its first values stand for
  /// all.
  func request(for flow: Flow) -> RouteRequest {
    var request = RouteRequest(family: flow.family)
    request.mark = flow.domain(.mark)?.first ?? 0
    request.source = flow.domain(.source)?.first
    request.isSent = flow.isSentByHost
    if !flow.isSentByHost {
      request.input = flow.domain(.input)?.first.map { InterfaceName(value: $0).description } ?? ""
    }
    guard knowledge.hasRarePolicyRules else { return request }
    request.transport = flow.domain(.transport)?.first ?? 0
    if IPProtocol.withPorts.contains(request.transport) {
      request.sourcePort = flow.domain(.sourcePort)?.first ?? 0
      request.destinationPort = flow.domain(.destinationPort)?.first ?? 0
    }
    request.serviceByte = flow.domain(.serviceByte)?.first
    if flow.isSentByHost { request.user = flow.domain(.user)?.first ?? 0 }
    return request
  }

  /// Cuts a flow so that each policy rule applies to all or none of it, as far as its selectors are the packet's.
  func cutByRoutingRules(_ start: Flow) -> [Flow] {
    let types = knowledge.typesOfServiceRoutes
    if knowledge.facts.routingRules.isEmpty, types.isEmpty { return [start] }
    var flows = [start]
    let ofRoutes = start.family == .ipv4 ? types.map { (Slot.serviceByte, Self.serviceBytes($0)) } : []
    for list in [ofRoutes] + (knowledge.routingRules[start.family] ?? []).map({ cuts(by: $0, start) }) {
      for (slot, values) in list {
        flows = flows.flatMap { flow -> [Flow] in
          guard let variable = flow.binding[slot] else { return [flow] }
          return flow.parts(by: .when(variable, in: values))
        }
        if flows.count > Self.caseLimit {
          var whole = start
          whole.pendingEnd = Shared(.unknown(.nothing, Self.tooManyCases))
          return [whole]
        }
      }
    }
    return flows
  }

  /// The service bytes of a type of service: its two lowest bits are not compared.
  private static func serviceBytes(_ tos: UInt8) -> ValueSet { ValueSet(UInt128(tos & 0xfc)...UInt128(tos | 3)) }

  private func cuts(by rule: RoutingRule, _ flow: Flow) -> [(Slot, ValueSet)] {
    var cuts: [(Slot, ValueSet)] = []
    if let prefix = rule.source { cuts.append((.source, prefix.values)) }
    if let name = rule.inputInterface, let value = InterfaceName(name)?.value { cuts.append((.input, ValueSet(value))) }
    if let mark = rule.mark {
      let transform = Transform(operations: [.bitwise(and: UInt128(mark.mask), xor: 0)])
      let wanted = ValueSet(mark.value & mark.mask)
      if let domain = flow.domain(.mark), let values = transform.preimage(of: wanted, in: domain) {
        cuts.append((.mark, values))
      }
    }
    if let transport = rule.transport { cuts.append((.transport, ValueSet(transport))) }
    if rule.sourcePorts != nil || rule.destinationPorts != nil { cuts.append((.transport, IPProtocol.withPorts)) }
    if let ports = rule.sourcePorts {
      cuts.append((.sourcePort, ValueSet(UInt128(ports.lowerBound)...UInt128(ports.upperBound))))
    }
    if let ports = rule.destinationPorts {
      cuts.append((.destinationPort, ValueSet(UInt128(ports.lowerBound)...UInt128(ports.upperBound))))
    }
    if let tos = rule.tos { cuts.append((.serviceByte, Self.serviceBytes(tos))) }
    if let users = rule.users, flow.isSentByHost {
      cuts.append((.user, ValueSet(UInt128(users.lowerBound)...UInt128(users.upperBound))))
    }
    return cuts
  }

  /// A flow in the parts in which a question that no dump tells is answered one way.
  func split(_ flow: Flow, by question: RouteQuestion) -> [Flow] {
    var flow = flow
    let rules = knowledge.routingRules[flow.family] ?? []
    let family = flow.family
    let option = family == .ipv4 ? "" : " -6"
    let decision = condition(.route(question), in: &flow) {
      switch question {
      case .selector(let place):
        let rule = rules[place]
        if let name = rule.outputInterface, rule.unknownSelector == nil, rule.tos == nil {
          return Condition(.boundProgram(interface: name, priority: rule.priority))
        }
        if rule.unknownSelector == HostKnowledge.untoldSelector, case .lookup(let table) = rule.action {
          return Condition(.unseenPolicyRule(table: table), settledBy: "ip\(option) rule")
        }
        return Condition(.policyRule(priority: rule.priority, selector: rule.unknownSelector, family))
      case .table(let table):
        return Condition(.routeInTable(table), settledBy: "ip\(option) route show table \(table)")
      case .tableLeadsHere(let table):
        return Condition(.localRouteInTable(table), settledBy: "ip\(option) route show table \(table)")
      case .maskedRoute(let place, let network):
        let masked = knowledge.facts.maskedRoutes[place]
        return Condition(
          .maskedRoute(masked.destination, network: network, interface: masked.nextHops.first?.interface),
          settledBy: masked.isConnected ? "ip addr" : "ip\(option) route")
      case .link(let bridge): return Condition(.neighbour(bridge: bridge), settledBy: "ip addr")
      }
    }
    return flow.parts(by: decision)
  }

  /// What a flow has settled of the questions that no dump tells.
  func settledQuestions(_ flow: Flow) -> [RouteQuestion: Bool] {
    var decided: [RouteQuestion: Bool] = [:]
    for (key, variable) in flow.conditions {
      guard case .route(let question) = key, let value = flow.variables[variable].domain.single else { continue }
      decided[question] = value == 1
    }
    return decided
  }
}

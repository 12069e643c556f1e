import HostModel
import RuleGraph

/// The addresses of a set by what the routing tables say of them.
struct AddressTypes {
  /// The types that are told or inferred, each with its addresses.
  var known: [(type: AddressType, values: ValueSet)] = []
  /// The addresses that may be the host's own or not.
  var unknown = ValueSet.empty
  /// What was inferred for these.
  var assumptions: [Assumption] = []
}

extension Engine {
  /// Sorts the addresses of a set by their type.
  ///
  /// Source: `__inet_dev_addr_type` in `net/ipv4/fib_frontend.c` (only the local table is asked: everything else is
  /// unicast) and `nft_fib6_eval_type` in `net/ipv6/netfilter/nft_fib_ipv6.c`.
  func addressTypes(of addresses: ValueSet, family: AddressFamily, published: @autoclosure () -> RuleID?)
    -> AddressTypes
  {
    var result = AddressTypes()
    var rest = addresses
    func take(_ type: AddressType, _ values: ValueSet) {
      let part = rest.intersection(values)
      if part.isEmpty { return }
      result.known.append((type, part))
      rest = rest.subtracting(part)
    }
    take(.multicast, HostKnowledge.multicast(family))
    take(.local, knowledge.localAddresses[family] ?? .empty)
    if family == .ipv4 {
      take(.broadcast, knowledge.broadcastAddresses)
      take(.broadcast, HostKnowledge.zero4)
    }
    if rest.isEmpty { return result }
    if knowledge.knowsOwnAddresses(family) {
      take(.unicast, .all)
      return result
    }
    // All that is not masked is told: what has none of the masked shapes is not the host's.
    if let masked = knowledge.facts.maskedAddresses[family] {
      take(.unicast, masked.reduce(ValueSet.empty) { $0.union($1.possible) }.complement)
      if let single = rest.single, !masked.contains(where: { $0.mayBe(single) }) { take(.unicast, rest) }
      if rest.isEmpty { return result }
    }
    // What rules put in as a source, or are about, may be a masked address; the first one of a bridge's subnet nearly
    // always is the bridge's.
    let isMasked = knowledge.facts.maskedAddresses[family] != nil
    for own in knowledge.inferred.hostAddresses where rest.contains(own.address.bits) {
      if isMasked, !knowledge.inferredSubnets.contains(where: { $0.prefix.contains(own.address) }) { continue }
      result.assumptions.append(
        Assumption(
          .gatewayAddress(own.address, interface: own.interface), evidence: own.evidence, settledBy: own.settledBy))
      take(.local, ValueSet(own.address.bits))
    }
    for subnet in knowledge.inferredSubnets where subnet.prefix.family == family {
      if rest.isDisjoint(with: subnet.prefix.values) { continue }
      result.assumptions.append(
        Assumption(
          .subnetOfInterface(subnet.interface, subnet.prefix), evidence: subnet.evidence, settledBy: subnet.settledBy))
      take(.unicast, subnet.prefix.values)
    }
    if rest.isEmpty { return result }
    take(.unicast, knowledge.containerAddresses[family] ?? .empty)
    if rest.isEmpty { return result }
    let namesOwn = knowledge.namesOwnAddresses(family)
    if isMasked, !namesOwn {
      result.unknown = rest
      return result
    }
    if let single = rest.single {
      let address = IPAddress(bits: single)
      if !namesOwn, let published = published() {
        result.assumptions.append(Assumption(.localAddress(address), evidence: published, settledBy: "ip addr"))
        take(.local, rest)
        return result
      }
      // Packets from outside may be for this host or on their way through it, and nothing tells which.
      let isHidden =
        !namesOwn && knowledge.inferred.hiddenSubnets.contains { $0.contains(address) }
        || knowledge.inferred.maskedAddresses.contains { $0.mayBe(single) }
      if mayBeOwn.contains(single) || isHidden {
        result.unknown = rest
        return result
      }
      // A rule that could not be read may publish a port of it.
      if namesOwn || Self.isGloballyRouted(address) && !index.unreadTranslations.contains(family) {
        result.assumptions.append(Assumption(.foreignAddress(address), settledBy: "ip addr"))
        take(.unicast, rest)
        return result
      }
    }
    result.unknown = rest
    return result
  }

  /// Whether an address is one of the public internet (RFC 6890): not private, link-local, shared or documentation
  /// space.
  static func isGloballyRouted(_ address: IPAddress) -> Bool {
    (address.isIPv4 ? specialBlocks4 : specialBlocks6).allSatisfy { !$0.contains(address) }
  }

  private static let specialBlocks4 = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "0.0.0.0/8",
    "240.0.0.0/4",
  ].compactMap { Prefix($0) }
  private static let specialBlocks6 = ["fc00::/7", "fe80::/10", "::/8"].compactMap { Prefix($0) }

  /// A match on what the routing tables say of an address.
  func decide(
    _ fib: FibField, _ variable: VariableID, _ wanted: ValueSet, _ match: Match, in flow: inout Flow, rule: RuleID,
    statement: Int
  ) -> Decision {
    switch fib.result {
    case .type: return decideType(fib, variable, wanted, match, in: &flow, rule: rule, statement: statement)
    case .check, .oif, .oifname:
      return decideRoute(fib, variable, wanted, match, in: &flow, rule: rule, statement: statement)
    }
  }

  private func decideType(
    _ fib: FibField, _ variable: VariableID, _ wanted: ValueSet, _ match: Match, in flow: inout Flow, rule: RuleID,
    statement: Int
  ) -> Decision {
    if fib.withInputInterface || fib.withOutputInterface {
      let slot: Slot = fib.withInputInterface ? .input : .output
      return decideTypeOnInterface(slot, variable, wanted, match, in: &flow, rule: rule, statement: statement)
    }
    let domain = flow.variables[variable].domain
    if flow.ownAddresses.contains(variable) {
      return wanted.contains(UInt128(AddressType.local.rawValue)) != match.negated ? .always : .never
    }
    let types = addressTypes(of: domain, family: flow.family, published: publishing(flow))
    for assumption in types.assumptions { flow.assume(assumption) }
    var matching = ValueSet.empty
    for (type, values) in types.known where wanted.contains(UInt128(type.rawValue)) != match.negated {
      matching = matching.union(values)
    }
    if types.unknown.isEmpty { return .when(variable, in: matching) }
    // The unknown addresses are the host's own or unicast ones: both may be wanted, or neither.
    let local = wanted.contains(UInt128(AddressType.local.rawValue)) != match.negated
    let unicast = wanted.contains(UInt128(AddressType.unicast.rawValue)) != match.negated
    if local == unicast { return .when(variable, in: local ? matching.union(types.unknown) : matching) }
    let isLocal = localCondition(variable, types.unknown, in: &flow)
    let unknownBox: Flow.Box = [(variable, types.unknown), (isLocal, ValueSet(local ? 1 : 0))]
    if matching.isEmpty { return Decision(boxes: [unknownBox]) }
    return Decision(boxes: [[(variable, matching)], unknownBox])
  }

  /// The condition variable "these addresses are this host's own".
  func localCondition(_ variable: VariableID, _ unknown: ValueSet, in flow: inout Flow) -> VariableID {
    // One condition for a variable, whatever part of its domain is asked about later.
    for (key, condition) in flow.conditions {
      if case .addressType(variable, _) = key { return condition }
    }
    let number = makeCondition(
      Condition(.ownAddress(unknown.single.map { IPAddress(bits: $0) }), settledBy: "ip addr"))
    return flow.condition(.addressType(variable, .all), number: number)
  }

  private func decideTypeOnInterface(
    _ slot: Slot, _ variable: VariableID, _ wanted: ValueSet, _ match: Match, in flow: inout Flow, rule: RuleID,
    statement: Int
  ) -> Decision {
    guard knowledge.knowsAddresses(flow.family), let name = flow.domain(slot)?.single,
      let interface = knowledge.facts.interface(InterfaceName(value: name).description)
    else {
      return condition(rule, statement, in: &flow) {
        Condition(.hostMatch(match), rule: rule, settledBy: "ip addr")
      }
    }
    var own = ValueSet(interface.addresses.map { $0.address.bits...$0.address.bits })
    if interface.name == "lo" { own = own.union(HostKnowledge.loopback4) }
    var matching = ValueSet.empty
    let multicast = HostKnowledge.multicast(flow.family)
    let broadcast = flow.family == .ipv4 ? knowledge.broadcastAddresses : .empty
    let rest = own.union(multicast).union(broadcast).complement
    for (type, values) in [
      (AddressType.local, own), (.multicast, multicast), (.broadcast, broadcast.subtracting(own)), (.unicast, rest),
    ] where wanted.contains(UInt128(type.rawValue)) != match.negated {
      matching = matching.union(values)
    }
    return .when(variable, in: matching)
  }

  /// Whether a route back to an address exists, and through which interface (nft `fib saddr . iif oif`, iptables
  /// rpfilter).
  private func decideRoute(
    _ fib: FibField, _ variable: VariableID, _ wanted: ValueSet, _ match: Match, in flow: inout Flow, rule: RuleID,
    statement: Int
  ) -> Decision {
    // What comes back over loopback is never looked up (`nft_fib_is_loopback` in `include/net/netfilter/nft_fib.h`,
    // `rpfilter_is_loopback`).
    let isLoopback =
      flow.position.stage.hook == .prerouting && flow.domain(.input)?.single == InterfaceName("lo")?.value
    var request = RouteRequest(family: flow.family)
    request.serviceByte = flow.domain(.serviceByte)?.single
    request.decided = settledQuestions(flow)
    // Only a rule that says so looks with the packet's mark (`nft_fib4_eval`; `rpfilter_mt` with `--validmark`).
    let mark = fib.withMark ? flow.domain(.mark) ?? ValueSet(0) : ValueSet(0)
    request.mark = mark.first ?? 0
    let isMarkOpen = mark.single == nil && knowledge.routingRules[flow.family]?.contains { $0.mark != nil } ?? false
    var answer: RouteAnswer?
    if knowledge.facts.routesKnown.contains(flow.family), !isMarkOpen,
      let address = flow.variables[variable].domain.single
    {
      answer = routes.lookUp(address, request)
      if case .undecided = answer { answer = nil }
    }
    guard isLoopback || answer != nil else {
      return condition(rule, statement, in: &flow) {
        Condition(.hostMatch(match), rule: rule, settledBy: "ip route show table all")
      }
    }
    var found: String?
    switch answer {
    case .unicast(let hops, _):
      found = hops.first?.interface
      if fib.withInputInterface, let input = flow.domain(.input)?.single {
        let name = InterfaceName(value: input).description
        found = hops.contains { $0.interface == name } ? name : nil
      }
    default: found = nil
    }
    if isLoopback { found = "lo" }
    let value: UInt128
    switch fib.result {
    case .check: value = found == nil ? 0 : 1
    case .oifname: value = found.flatMap { InterfaceName($0)?.value } ?? 0
    default:
      if wanted.single == 0 {
        value = found == nil ? 0 : 1
      } else {
        value = found.flatMap { knowledge.facts.interface($0)?.index }.map { UInt128($0) } ?? 0
      }
    }
    return wanted.contains(value) != match.negated ? .always : .never
  }
}

import RuleGraph

extension Engine {
  /// Carries out an assignment or `notrack`. Gives what the path shows of it.
  func apply(_ statement: Statement, to flow: inout Flow, _ id: RuleID) -> (action: Step.Action, target: Step.Target?)?
  {
    switch statement {
    case .notrack:
      // Only before conntrack saw the packet: `net/netfilter/xt_CT.c` leaves a packet with a connection alone.
      if flow.connection == nil { flow.isUntracked = true }
      return (.notrack, nil)
    case .assign(let assignment):
      guard let values = values(of: assignment.value, in: &flow) else { return nil }
      let count = flow.variables.count
      let change = assign(assignment.field, values, to: &flow, id)
      if case .masked(let value) = assignment.value, flow.variables.count > count {
        flow.variables[flow.variables.count - 1].masked = makeMaskedCondition(value, id)
      }
      return change
    default: return nil
    }
  }

  private func assign(_ field: Field, _ values: ValueSet, to flow: inout Flow, _ id: RuleID) -> (
    Step.Action, Step.Target?
  )? {
    func bind(_ slot: Slot) {
      flow.rebind(slot, to: values)
      flow.changedBy[slot] = id
    }
    let target = Step.Target.values(values, of: field)
    switch field {
    case .meta(.mark):
      bind(.mark)
      return (.mark, target)
    case .meta(.nftrace), .meta(.priority), .meta(.packetType):
      flow.rareFields[field] = flow.makeVariable(values)
      return (.set, target)
    case .conntrack(let key):
      guard flow.connection?.hasEntry ?? false else { return nil }
      if key.key == .mark { bind(.connectionMark) } else { flow.rareFields[field] = flow.makeVariable(values) }
      return (.connmark, target)
    case .header(let header):
      switch header.name {
      case .ttl, .hoplimit: bind(.hopLimit)
      case .tos: bind(.serviceByte)
      case .dscp, .ecn:
        flow.rebind(.serviceByte, to: serviceBytes(with: values, as: header.name, in: flow))
        flow.changedBy[.serviceByte] = id
      case .saddr: bind(.source)
      case .daddr: bind(.destination)
      case .sport: bind(.sourcePort)
      case .dport: bind(.destinationPort)
      default: flow.rareFields[field] = flow.makeVariable(values)
      }
      return (.set, target)
    default:
      flow.rareFields[field] = flow.makeVariable(values)
      return (.set, target)
    }
  }

  /// The service bytes that may come of one whose class, the upper six bits, or whose congestion bits, the lower two,
  /// are set anew.
  private func serviceBytes(with values: ValueSet, as name: HeaderFieldName, in flow: Flow) -> ValueSet {
    let kept: UInt128 = name == .dscp ? 0b11 : 0b1111_1100
    let right: UInt128 = name == .dscp ? 2 : 0
    let bytes = (0...255).map { UInt128($0) }
    let old = flow.domain(.serviceByte) ?? .bits(8)
    let remaining = Set(bytes.filter(old.contains).map { $0 & kept })
    return ValueSet(
      bytes.filter { values.contains(($0 & ~kept) >> right) && remaining.contains($0 & kept) }.map { $0...$0 })
  }

  /// Looks a verdict up: one branch for each verdict, and the flows whose key the map does not hold.
  func verdicts(
    _ key: ValueExpression, _ reference: MapReference, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [RuleBranch], misses: [Flow]) {
    let map = map(reference, of: id, statement: statement)
    func branches(_ flow: Flow, _ element: SetElement) -> [RuleBranch] {
      if element.isElision { return meet(map: map.name, flow, id, statement) }
      guard case .verdict(let verdict)? = element.data else { return [] }
      return [RuleBranch(flow: flow, outcome: .verdict(verdict), action: verdict.action, target: verdict.target)]
    }
    guard map.isKnown else { return (meet(map: map.name, start, id, statement), []) }
    let found = lookUp(key, in: map, start, id, statement)
    var misses = found.misses
    let hits = found.hits.flatMap { flow, element in
      let hits = branches(flow, element)
      if hits.isEmpty { misses.append(flow) }
      return hits
    }
    return (hits, misses)
  }
}

public import FlowTrace
public import RuleGraph

/// All about one rule: where its packets come from, which rules take some of them before, what is left, and what is
/// wrong with it.
public struct RuleStory: Sendable {
  /// What gets to the rule.
  public enum Arrival: Sendable {
    /// Some packets, of which this is one, as far as the rules tell: whether the host's routes lead it there is not
    /// asked.
    case some(Query)
    /// None; the findings say why.
    case none
    /// It was not found out, or nothing is known of what leads to its chain.
    case unknown
  }

  /// The rule.
  public var rule: RuleID
  /// The rules that jump to its chain.
  public var callers: [RuleID]
  /// The base chains from which packets come to it.
  public var bases: [ChainID]
  /// The rules before it that take packets that it asks for, in the order in which these meet them.
  public var takers: [RuleID]
  /// What gets to it.
  public var arrival: Arrival
  /// What an audit finds about it.
  public var findings: [Finding]
}

extension AnalysedHost {
  /// All about one rule.
  public func story(of id: RuleID) -> RuleStory {
    let reach = TableReach(AuditedTable(ruleset, table: id.table, updated: ruleset.updatedSets))
    let arrival: RuleStory.Arrival
    switch reach.reach[id.chain][id.rule] {
    case .some: arrival = reach.packets(at: id).map { .some(Query($0, of: reach.space)) } ?? .unknown
    case .undecided: arrival = .unknown
    case .nothingLeads, .behindUnreached, .contradiction, .othersArrive, .covered: arrival = .none
    }
    let findings = audit().findings.filter { $0.rule == id || ($0.rule == nil && $0.chain == id.chainID) }
    return RuleStory(
      rule: id, callers: reach.callers[id.chain],
      bases: reach.bases(of: id.chain).map { ChainID(table: id.table, chain: $0) },
      takers: reach.takers(before: id), arrival: arrival, findings: findings)
  }
}

extension TableReach {
  /// The rules that take packets which a rule asks for before they come to it.
  func takers(before id: RuleID) -> [RuleID] {
    guard let box = boxes[id.chain][id.rule] else { return [] }
    var found: [RuleID] = []
    for arrival in arrivals[id.chain] {
      guard let part = limited(arrival.part, to: box) else { continue }
      let first = RuleID(table: id.table, chain: id.chain, rule: 0)
      for taker in takers(of: part, arrival, before: first) where !found.contains(taker.rule) {
        found.append(taker.rule)
      }
      for rule in 0..<id.rule {
        let taker = RuleID(table: id.table, chain: id.chain, rule: rule)
        guard let other = boxes[id.chain][rule], patterns[id.chain][rule].end.takes, meets(other, part),
          !found.contains(taker)
        else { continue }
        found.append(taker)
      }
    }
    return found
  }
}

extension Query {
  /// A packet of some, by the values of each dimension: one that a person would think of where there is one.
  init(_ part: [ValueSet], of space: PacketSpace) {
    self.init()
    func pick(_ dimension: PacketSpace.Dimension, liked: [UInt128]) -> ValueSet? {
      guard let values = space.values(dimension, in: part), !liked.isEmpty || values.count <= 1 << 16 else {
        return nil
      }
      return (liked.first(where: values.contains) ?? values.first).map { ValueSet($0) }
    }
    let isIPv4 = space.values(.family, in: part)?.contains(UInt128(AddressFamily.ipv4.rawValue)) ?? true
    family = isIPv4 ? .ipv4 : .ipv6
    let header: Header = isIPv4 ? .ip : .ip6
    source = pick(.field(.header(HeaderField(header, .saddr))), liked: [(family ?? .ipv4).exampleOutside])
    destination = pick(.field(.header(HeaderField(header, .daddr))), liked: [])
    transport = pick(.transport, liked: [6, 17, isIPv4 ? 1 : 58])
    sourcePort = pick(.port(.sport), liked: [40000])
    destinationPort = pick(.port(.dport), liked: [443, 80, 22, 53])
    if let name = pick(.field(.meta(.iifname)), liked: ["eth0"].compactMap { InterfaceName($0)?.value }),
      name != ValueSet(0)
    {
      input = name
      origin = .wire
    }
  }
}

import FlowTrace
public import RuleGraph

/// A ruleset that does the same with fewer rules: without those that get no packets or are not needed, and with
/// neighbours that differ in one value as one rule.
///
/// Chains that programs write are left as they are: they would be written anew. So are rules with side effects, and
/// those whose comments would be lost.
public struct SmallerRuleset: Sendable {
  /// The ruleset.
  public private(set) var ruleset: Ruleset
  /// How many rules got no packets.
  public private(set) var unreached = 0
  /// How many were not needed.
  public private(set) var unneeded = 0
  /// How many went into others.
  public private(set) var merged = 0

  /// Makes a ruleset smaller.
  ///
  /// - Parameters:
  ///   - original: The ruleset.
  ///   - isSayable: Whether the dialect of a table has words for a rule.
  public init(of original: Ruleset, isSayable: (Rule, Table) -> Bool) {
    ruleset = original
    let updated = original.updatedSets
    for index in original.tables.indices where original.tables[index].shown == .whole {
      removeUnreached(index, updated)
      removeUnneeded(index, updated)
      mergeNeighbours(index, isSayable)
    }
  }

  /// The chains of a table that a person writes, and that are shown whole.
  private func openChains(of table: Int) -> [Int] {
    let table = ruleset.tables[table]
    return table.chains.indices.filter { chain in
      table.chains[chain].shown == .whole && RuleWriter(table, table.chains[chain]) == .person
    }
  }

  private mutating func removeUnreached(_ table: Int, _ updated: Set<String>) {
    let reach = TableReach(AuditedTable(ruleset, table: table, updated: updated))
    for chain in openChains(of: table) {
      let kept = ruleset.tables[table].chains[chain].rules.enumerated().filter { rule, _ in
        switch reach.reach[chain][rule] {
        case .contradiction, .othersArrive, .covered: false
        case .some, .undecided, .nothingLeads, .behindUnreached: true
        }
      }
      unreached += ruleset.tables[table].chains[chain].rules.count - kept.count
      ruleset.tables[table].chains[chain].rules = kept.map(\.element)
    }
  }

  /// Removes rules that are not needed, chain by chain, until all are.
  private mutating func removeUnneeded(_ table: Int, _ updated: Set<String>) {
    var reach = TableReach(AuditedTable(ruleset, table: table, updated: updated))
    for chain in openChains(of: table) {
      while removeUnneeded(chain, reach) {
        reach = TableReach(AuditedTable(ruleset, table: table, updated: updated))
      }
    }
  }

  /// Removes rules of a chain that are not needed, none of which overlaps another one that goes; whether there were
  /// any.
  private mutating func removeUnneeded(_ chain: Int, _ reach: TableReach) -> Bool {
    let search = RedundancySearch(reach, chain: chain)
    let table = reach.audited.index
    var gone = BoxList()
    var kept: [Rule] = []
    for (rule, one) in ruleset.tables[table].chains[chain].rules.enumerated() {
      guard search.redundancy(of: rule) != nil, let box = reach.boxes[chain][rule],
        let part = reach.limited(reach.space.domains, to: box), gone.overlapping(part, first: gone.count).isEmpty
      else {
        kept.append(one)
        continue
      }
      gone.append(box)
    }
    unneeded += gone.count
    ruleset.tables[table].chains[chain].rules = kept
    return gone.count > 0
  }

  private mutating func mergeNeighbours(_ table: Int, _ isSayable: (Rule, Table) -> Bool) {
    for chain in openChains(of: table) {
      var rules: [Rule] = []
      var differing: Int?
      for rule in ruleset.tables[table].chains[chain].rules {
        guard let last = rules.last, let (both, place) = last.joined(with: rule),
          differing.map({ $0 == place }) ?? true,
          isSayable(both, ruleset.tables[table])
        else {
          rules.append(rule)
          differing = nil
          continue
        }
        rules[rules.count - 1] = both
        differing = place
        merged += 1
      }
      ruleset.tables[table].chains[chain].rules = rules
    }
  }
}

extension Rule {
  /// This rule and the next one as one, and the statement in which they differ: where they do the same and ask one
  /// field for different values.
  fileprivate func joined(with other: Rule) -> (rule: Rule, place: Int)? {
    guard statements.count == other.statements.count, comment == other.comment, !isUnseen else { return nil }
    var place: Int?
    for index in statements.indices where statements[index] != other.statements[index] {
      if case .effect(let mine) = statements[index], case .effect(let its) = other.statements[index],
        mine.kind == .counter, its.kind == .counter
      {
        continue
      }
      guard place == nil else { return nil }
      place = index
    }
    guard let place, endsPlainly, case .match(var mine) = statements[place],
      case .match(let its) = other.statements[place],
      mine.subject == its.subject, case .field(let field) = mine.subject, field.isMergeable, !mine.negated,
      !its.negated,
      !mine.whenAbsent, !its.whenAbsent, case .values(let values) = mine.values, case .values(let others) = its.values
    else { return nil }
    var rule = self
    mine.values = .values(values.union(others))
    rule.statements[place] = .match(mine)
    if let counter, let its = other.counter {
      rule.counter = Counter(packets: counter.packets &+ its.packets, bytes: counter.bytes &+ its.bytes)
    }
    return (rule, place)
  }

  /// Whether the rule only compares fields, and decides.
  private var endsPlainly: Bool {
    statements.allSatisfy { statement in
      switch statement {
      case .match, .anyOf: true
      case .effect(let effect): effect.kind == .counter
      case .verdict(.accept), .verdict(.drop), .verdict(.reject), .verdict(.return): true
      default: false
      }
    }
  }
}

extension Field {
  /// Whether several values of the field are written in one rule.
  fileprivate var isMergeable: Bool {
    switch self {
    case .header(let header):
      header.name == .saddr || header.name == .daddr || header.name == .sport || header.name == .dport
    case .meta(.iifname), .meta(.oifname), .meta(.l4proto), .meta(.mark): true
    default: false
    }
  }
}

extension Ruleset {
  /// Whether an identifier names a rule of this ruleset.
  public func holds(_ id: RuleID) -> Bool { holds(id.chainID) && self[id.chainID].rules.indices.contains(id.rule) }

  /// Whether an identifier names a chain of this ruleset.
  public func holds(_ id: ChainID) -> Bool {
    tables.indices.contains(id.table) && tables[id.table].chains.indices.contains(id.chain)
  }

  /// A chain as people name it: `filter FORWARD`; with the family where the name alone would not tell (`inet fw
  /// input`).
  public func place(of id: ChainID) -> String {
    guard holds(id) else { return "?" }
    let table = tables[id.table]
    let chain = table.chains[id.chain]
    if table.name.isEmpty, table.shown == .nothing || chain.shown == .nothing, let base = chain.base {
      return "nft's \(base.hook.rawValue) \(base.type == .nat ? "nat rules" : "rules")"
    }
    let isPlain = table.family == .ip && table.origin != .nftables
    // Both kinds of iptables may have a table of one name, and both are live.
    let isOneOfTwo = table.origin == .iptablesLegacy && tables.contains { $0.isTwin(of: table) }
    return (isOneOfTwo ? "legacy " : "") + (isPlain ? "" : table.family.rawValue + " ")
      + (table.name.isEmpty ? "" : table.name + " ") + chain.name
  }

  /// A rule as people name it, its number counted from 1 as `iptables --line-numbers` does: `filter FORWARD 4`.
  ///
  /// Behind rules of which nobody knows how many are missing it is counted among those that were shown.
  public func place(of id: RuleID) -> String {
    guard holds(id) else { return place(of: id.chainID) + " \(id.rule + 1)" }
    let chain = self[id.chainID]
    if chain.rules[id.rule].missing != nil { return place(of: id.chainID) }
    return place(of: id.chainID) + " \(number(of: id))"
      + (chain.number(ofRule: id.rule) == nil ? " of those shown" : "")
  }

  /// Rules of one chain as people name them: `filter INPUT 3`, `one of filter f2b-sshd 1 to 299`, `one of 2014 rules of
  /// filter FORWARD`.
  public func place(of rules: [RuleID]) -> String {
    guard let first = rules.first, let last = rules.last else { return "?" }
    if rules.count == 1 { return place(of: first) }
    let isTogether = last.rule - first.rule == rules.count - 1
    guard isTogether || rules.count <= 4, rules.allSatisfy({ self[$0.chainID].number(ofRule: $0.rule) != nil }) else {
      return "one of \(rules.count) rules of \(place(of: first.chainID))"
    }
    let numbers = rules.map { String(number(of: $0)) }
    let list =
      isTogether && rules.count > 2
      ? "\(numbers[0]) to \(numbers[numbers.count - 1])"
      : numbers.dropLast().joined(separator: ", ") + " or " + numbers[numbers.count - 1]
    return "\(rules.count == 2 ? "" : "one of ")\(place(of: first.chainID)) \(list)"
  }

  /// How many rules were shown.
  public var ruleCount: Int {
    tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count { $0.missing == nil } } }
  }

  /// The number of a rule, counted from 1 as `iptables --line-numbers` does; behind rules of which nobody knows how
  /// many are missing, among those that were shown.
  public func number(of id: RuleID) -> Int {
    guard holds(id) else { return id.rule + 1 }
    let chain = self[id.chainID]
    return chain.number(ofRule: id.rule) ?? chain.rules.prefix(id.rule + 1).count { $0.missing == nil }
  }
}

extension Table {
  /// Whether another table has the same family and name and was made by another program.
  fileprivate func isTwin(of other: Table) -> Bool {
    family == other.family && name == other.name && origin != other.origin
  }
}

extension RuleID {
  /// The chain of the rule.
  public var chainID: ChainID { ChainID(table: table, chain: chain) }
}

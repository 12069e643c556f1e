public import RuleGraph

/// Names a chain or a rule of a ruleset as people do: `DOCKER-USER`, `filter FORWARD`, `nat DOCKER 2`, `inet filter
/// input policy`.
///
/// What is left out fits everything: `FORWARD` is that chain of every table.
public struct RulePattern: Hashable, Sendable {
  /// The family, where it is given.
  public var family: TableFamily?
  /// The table, where it is given.
  public var table: String?
  /// The chain.
  public var chain: String
  /// The number of the rule, counted from 1; nil is the whole chain.
  public var number: Int?
  /// Whether only the chain's policy is meant.
  public var isPolicy: Bool
  /// As it was written.
  public var text: String
  /// Where it stands.
  public var place: PolicyPlace

  /// Reads a pattern; nil when the text is none.
  ///
  /// The last word is a rule's number or `policy`; before it stands the chain, before that the table, before that the
  /// family.
  public init?(_ text: String, at place: PolicyPlace = PolicyPlace(line: 1, column: 1)) {
    var words = text.split(separator: " ").map(String.init)
    number = nil
    isPolicy = false
    if words.count > 1, let last = words.last {
      if last == "policy" {
        isPolicy = true
        words.removeLast()
      } else if let value = Int(last) {
        guard value > 0 else { return nil }
        number = value
        words.removeLast()
      }
    }
    guard (1...3).contains(words.count), let name = words.popLast() else { return nil }
    chain = name
    table = words.popLast()
    family = nil
    if let word = words.popLast() {
      guard let known = TableFamily(rawValue: word) else { return nil }
      family = known
    }
    self.text = text
    self.place = place
  }

  /// Whether a chain is the one that the pattern names.
  public func fits(_ id: ChainID, of ruleset: Ruleset) -> Bool {
    guard ruleset.tables.indices.contains(id.table), ruleset.tables[id.table].chains.indices.contains(id.chain) else {
      return false
    }
    let table = ruleset.tables[id.table]
    return table.chains[id.chain].name == chain && (self.table ?? table.name) == table.name
      && (family ?? table.family) == table.family
  }

  /// Whether a rule is the one that the pattern names, or one of its chain.
  public func fits(_ id: RuleID, of ruleset: Ruleset) -> Bool {
    !isPolicy && fits(ChainID(table: id.table, chain: id.chain), of: ruleset) && (number ?? id.rule + 1) == id.rule + 1
  }

  /// Whether any chain or rule of a ruleset fits.
  func exists(in ruleset: Ruleset) -> Bool {
    ruleset.tables.indices.contains { table in
      ruleset.tables[table].chains.indices.contains { chain in
        fits(ChainID(table: table, chain: chain), of: ruleset)
          && (number ?? 0) <= ruleset.tables[table].chains[chain].rules.count
      }
    }
  }
}

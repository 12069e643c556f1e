import RuleGraph

/// Puts tables, chains and rules together in the order in which a dump or file names them.
struct NftTableBuilder: Sendable {
  var tables: [Table] = []
  /// The lowering of each table, which knows the table's family and the types of its sets.
  var lowerings: [NftLowering] = []
  private var indexes: [TableKey: Int] = [:]
  private var chainIndexes: [[String: Int]] = []

  /// The tables that the dump itself says iptables-nft manages.
  var managedTables: Set<TableKey> = []

  /// What names a table.
  struct TableKey: Hashable {
    var family: TableFamily
    var name: String
  }

  /// The index of a table, which is made when it is not there yet.
  mutating func table(_ family: TableFamily, _ name: String) -> Int {
    let key = TableKey(family: family, name: name)
    if let index = indexes[key] { return index }
    indexes[key] = tables.count
    tables.append(Table(family, name, origin: .nftables))
    lowerings.append(NftLowering(family: family))
    chainIndexes.append([:])
    return tables.count - 1
  }

  /// The index of a table, or nil.
  func tableIndex(_ family: TableFamily, _ name: String) -> Int? { indexes[TableKey(family: family, name: name)] }

  /// The index of a chain in a table, or nil.
  func chainIndex(_ name: String, in table: Int) -> Int? { chainIndexes[table][name] }

  /// Adds a chain; of one that is there already, only the head is taken over.
  mutating func add(_ chain: Chain, to table: Int) {
    if let index = chainIndexes[table][chain.name] {
      let rules = tables[table].chains[index].rules
      let base = chain.base ?? tables[table].chains[index].base
      tables[table].chains[index] = chain
      tables[table].chains[index].rules = rules + chain.rules
      tables[table].chains[index].base = base
      return
    }
    chainIndexes[table][chain.name] = tables[table].chains.count
    tables[table].chains.append(chain)
  }

  /// Adds a rule to a chain, at its end or before the rule at a position; the chain is made when the dump does not list it.
  mutating func add(_ rule: Rule, to chain: String, of table: Int, at position: Int? = nil) {
    if chainIndexes[table][chain] == nil { add(Chain(chain), to: table) }
    guard let index = chainIndexes[table][chain] else { return }
    let end = tables[table].chains[index].rules.count
    if let position, position < end, position >= 0 {
      tables[table].chains[index].rules.insert(rule, at: position)
    } else {
      tables[table].chains[index].rules.append(rule)
    }
  }

  /// The index of a chain, which is made when it is not there yet.
  mutating func chain(_ name: String, of table: Int) -> Int {
    if let index = chainIndexes[table][name] { return index }
    add(Chain(name), to: table)
    return tables[table].chains.count - 1
  }

  /// Adds rules at the end of a chain.
  mutating func append(_ rules: [Rule], toChainAt chain: Int, of table: Int) {
    tables[table].chains[chain].rules.takeOver(rules)
  }

  /// Adds a set or map; of one that is there already, the elements are added to.
  mutating func add(_ set: NamedSet, to table: Int) {
    guard let index = tables[table].sets.firstIndex(where: { $0.name == set.name }) else {
      tables[table].sets.append(set)
      return
    }
    tables[table].sets[index].elements.append(contentsOf: set.elements)
    tables[table].sets[index].elementsKnown = tables[table].sets[index].elementsKnown && set.elementsKnown
  }

  /// Removes a table.
  mutating func remove(_ table: Int) {
    tables.remove(at: table)
    lowerings.remove(at: table)
    chainIndexes.remove(at: table)
    reindex()
  }

  /// Removes a chain of a table.
  mutating func removeChain(_ chain: Int, of table: Int) {
    tables[table].chains.remove(at: chain)
    chainIndexes[table] = Dictionary(
      tables[table].chains.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private mutating func reindex() {
    indexes = Dictionary(
      tables.enumerated().map { (TableKey(family: $1.family, name: $1.name), $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The tables, with their origins told, and in those that nft itself wrote the comparisons together that it loads as one.
  func finish() -> [Table] {
    tables.map { table in
      var table = table
      let isManaged = managedTables.contains(TableKey(family: table.family, name: table.name))
      table.origin = isManaged ? .iptablesNFT : NftTableOrigin.origin(of: table)
      if table.origin == .nftables {
        for chain in table.chains.indices {
          for rule in table.chains[chain].rules.indices {
            if let joined = JoinedComparisons.joined(table.chains[chain].rules[rule].statements) {
              table.chains[chain].rules[rule].statements = joined
            }
          }
        }
      }
      return table
    }
  }
}

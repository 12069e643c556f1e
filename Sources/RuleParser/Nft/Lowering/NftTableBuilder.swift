import RuleGraph
import RuleText

/// Puts tables, chains and rules together in the order in which a dump or file names them.
struct NftTableBuilder: Sendable {
  var tables: [Table] = []
  /// The lowering of each table, which knows the table's family and the types of its sets.
  var lowerings: [NftLowering] = []
  private var indexes: [TableKey: Int] = [:]
  private var chainIndexes: [[String: Int]] = []

  /// The base chains of each table whose place is unknown.
  private var unknownPlaces: [TableKey: [BaseChainPlace]] = [:]
  /// The chains that are declared, and the tables of which that is known.
  private var declared: [TableKey: Set<String>] = [:]

  /// Whether some rule could not be read.
  var hasUnreadRules = false

  /// The tables that the dump itself says iptables-nft manages.
  var managedTables: Set<TableKey> = []

  init() {}

  /// Tables that were read before, to be changed.
  init(showing tables: [Table]) {
    self.tables = tables
    lowerings = tables.map { table in
      var lowering = NftLowering(family: table.family)
      for set in table.sets { lowering.sets[set.name] = NftSetTypes(of: set) }
      return lowering
    }
    chainIndexes = tables.map { table in
      Dictionary(table.chains.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    reindex()
  }

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

  /// The chain of a name in a table, or nil.
  func chainID(_ name: String, in table: Int) -> ChainID? {
    chainIndexes[table][name].map { ChainID(table: table, chain: $0) }
  }

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

  /// Notes a base chain whose place is unknown.
  mutating func noteUnknownPlace(_ place: BaseChainPlace, of table: Int) {
    let key = TableKey(family: tables[table].family, name: tables[table].name)
    guard unknownPlaces[key]?.contains(where: { $0.chain == place.chain }) != true else { return }
    unknownPlaces[key, default: []].append(place)
  }

  /// Notes that a table is listed with its chains.
  mutating func noteShown(_ table: Int) {
    declared[TableKey(family: tables[table].family, name: tables[table].name), default: []].formUnion([])
  }

  /// Notes that a chain is declared.
  mutating func noteDeclared(_ chain: String, of table: Int) {
    declared[TableKey(family: tables[table].family, name: tables[table].name), default: []].insert(chain)
  }

  /// A chain that has rules though nothing declares it may be a base chain, unless a rule jumps to it. In a table of
  /// iptables only the built-in chains are.
  private mutating func noteUndeclared(_ diagnostics: inout [Diagnostic]) {
    for index in tables.indices {
      let key = TableKey(family: tables[index].family, name: tables[index].name)
      // Where no chain is declared the whole is an excerpt.
      guard let declared = declared[key] else { continue }
      let isOfIptables = managedTables.contains(key) || NftTableOrigin.origin(of: tables[index]) == .iptablesNFT
      for place in tables[index].chains.indices {
        let chain = tables[index].chains[place]
        guard chain.base == nil, !declared.contains(chain.name), let rule = chain.rules.first else { continue }
        let isReached = tables[index].chains.contains { $0.rules.contains { $0.leads(to: chain.name) } }
        var message = "chain \(chain.name) has rules, but no declaration"
        if isOfIptables, let base = BuiltinTables.base(table: key.name, chain: chain.name, policy: nil) {
          message += ": taken for the one of iptables at \(base.hook.rawValue), its policy and earlier rules unknown"
          tables[index].chains[place].lostItsHead(of: base, at: rule.span)
        } else if !isReached {
          message += ", and no rule jumps to it: where it is called is unknown"
          tables[index].chains[place].shown = .part
          if !isOfIptables { noteUnknownPlace(BaseChainPlace(chain: chain.name, span: rule.span), of: index) }
        }
        diagnostics.append(Diagnostic("undeclared-chain", .warning, message, span: rule.span))
      }
    }
  }

  /// Adds a rule to a chain, at its end or before the rule at a position; the chain is made when the dump does not list
  /// it.
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

  /// The chain of a name, which is made when it is not there yet.
  mutating func chain(_ name: String, of table: Int) -> ChainID {
    if let known = chainID(name, in: table) { return known }
    add(Chain(name), to: table)
    return ChainID(table: table, chain: tables[table].chains.count - 1)
  }

  /// A chain, to be changed where it lies.
  subscript(id: ChainID) -> Chain {
    get { tables[id.table].chains[id.chain] }
    _modify { yield &tables[id.table].chains[id.chain] }
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

  /// Gives a chain another name, also where rules jump to it.
  mutating func renameChain(_ old: String, to new: String, of table: Int) {
    guard let chain = chainIndexes[table].removeValue(forKey: old) else { return }
    chainIndexes[table][new] = chain
    tables[table].chains[chain].name = new
    noteDeclared(new, of: table)
    for chain in tables[table].chains.indices {
      for rule in tables[table].chains[chain].rules.indices {
        guard let last = tables[table].chains[chain].rules[rule].statements.indices.last else { continue }
        switch tables[table].chains[chain].rules[rule].statements[last] {
        case .verdict(.jump(old)): tables[table].chains[chain].rules[rule].statements[last] = .verdict(.jump(new))
        case .verdict(.goto(old)): tables[table].chains[chain].rules[rule].statements[last] = .verdict(.goto(new))
        default: break
        }
      }
    }
  }

  /// Removes a chain of a table.
  mutating func remove(_ id: ChainID) {
    tables[id.table].chains.remove(at: id.chain)
    chainIndexes[id.table] = Dictionary(
      tables[id.table].chains.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Gives a chain another name, and the jumps to it.
  mutating func rename(_ id: ChainID, to name: String) {
    let table = id.table
    let old = self[id].name
    self[id].name = name
    for chain in tables[table].chains.indices {
      for rule in tables[table].chains[chain].rules.indices {
        let statements = tables[table].chains[chain].rules[rule].statements.map { statement in
          switch statement {
          case .verdict(.jump(old)): Statement.verdict(.jump(name))
          case .verdict(.goto(old)): Statement.verdict(.goto(name))
          case .verdictMap(let key, .anonymous(let elements)):
            Statement.verdictMap(key: key, .anonymous(elements.map { $0.leading(from: old, to: name) }))
          default: statement
          }
        }
        tables[table].chains[chain].rules[rule].statements = statements
      }
    }
    for set in tables[table].sets.indices where tables[table].sets[set].dataTypes != nil {
      tables[table].sets[set].elements = tables[table].sets[set].elements.map { $0.leading(from: old, to: name) }
    }
    chainIndexes[table][old] = nil
    chainIndexes[table][name] = id.chain
  }

  private mutating func reindex() {
    indexes = Dictionary(
      tables.enumerated().map { (TableKey(family: $1.family, name: $1.name), $0) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The tables, with their origins told, and in those that nft itself wrote the comparisons together that it loads as
  /// one.
  mutating func finish(_ diagnostics: inout [Diagnostic]) -> [Table] {
    noteUndeclared(&diagnostics)
    return tables.map { table in
      var table = table
      let key = TableKey(family: table.family, name: table.name)
      let isManaged = managedTables.contains(key)
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
      if hasUnreadRules { table.chains.markPartsWithMissingRules() }
      for place in unknownPlaces[key] ?? [] {
        table.chains += place.chains(in: table.family)
        if let chain = table.chainIndex(place.chain), table.chains[chain].shown == .whole {
          table.chains[chain].shown = .part
        }
      }
      return table
    }
  }
}

extension Chain {
  /// Takes in that a chain was a base chain. With the head the first rules may be lost as well.
  fileprivate mutating func lostItsHead(of base: BaseChain, at span: SourceSpan) {
    self.base = base
    shown = .part
    rules.insert(Rule(missing: MissingRules(.elided), span: span), at: 0)
  }
}

extension Rule {
  /// Whether the rule leads to a chain, also by a map written in place.
  func leads(to chain: String) -> Bool {
    if jumps(to: chain) { return true }
    return statements.contains { statement in
      switch statement {
      case .verdictMap(_, .anonymous(let elements)): elements.contains { $0.leads(to: chain) }
      // A named map may hold it.
      case .verdictMap(_, .named): true
      default: false
      }
    }
  }
}

extension SetElement {
  /// The element where a chain has got another name.
  fileprivate func leading(from old: String, to name: String) -> SetElement {
    var element = self
    switch data {
    case .verdict(.jump(old)): element.data = .verdict(.jump(name))
    case .verdict(.goto(old)): element.data = .verdict(.goto(name))
    default: break
    }
    return element
  }

  fileprivate func leads(to chain: String) -> Bool {
    switch data {
    case .verdict(.jump(chain)), .verdict(.goto(chain)): true
    default: false
    }
  }
}

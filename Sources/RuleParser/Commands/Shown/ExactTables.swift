import RuleGraph

/// The tables of iptables that dumps show, as far as commands that are carried out exactly need to know of them.
struct ExactTables {
  private typealias Refusal = IptablesCommand.Refusal

  /// The place of each table in the graph.
  let places: [IptablesHost.Key: Int]
  /// The tables that commands named.
  var touched: Set<IptablesHost.Key> = []
  /// The names of the ipsets; nil where no dump shows any.
  let ipsets: Set<String>?
  /// The tables that nft itself made.
  private let foreign: Set<RuleCoverage.TableName>

  init(_ ruleset: Ruleset) {
    var places: [IptablesHost.Key: Int] = [:]
    var foreign: Set<RuleCoverage.TableName> = []
    for (index, table) in ruleset.tables.enumerated() where table.family == .ip || table.family == .ip6 {
      if table.origin == .nftables {
        foreign.insert(RuleCoverage.TableName(table.family, table.name))
        continue
      }
      var program = IptablesHost.Program(table.family == .ip ? .ipv4 : .ipv6)
      program.origin = table.origin
      places[IptablesHost.Key(program: program, table: table.name)] = index
    }
    self.places = places
    self.foreign = foreign
    ipsets = ruleset.ipsets.isEmpty ? nil : Set(ruleset.ipsets.map(\.name))
  }

  /// The table that a program means, of the variant that the host's tables are of.
  func key(
    _ program: IptablesHost.Program, _ table: String
  ) throws(IptablesCommand.Refusal) -> IptablesHost.Key {
    let family = TableFamily(program.family)
    let origins = Set(
      places.keys.filter { $0.program.family == program.family && program.mayBe($0.program.origin) }
        .map(\.program.origin))
    let same = origins.map { origin in
      var program = program
      program.origin = origin
      return IptablesHost.Key(program: program, table: table)
    }.filter { places[$0] != nil }
    if same.count == 1 { return same[0] }
    var program = program
    if program.origin == .iptables {
      guard origins.count < 2 else { throw Refusal(obstacle: .notShown(.variant(family, table))) }
      program.origin = origins.first ?? .iptables
    }
    if program.origin != .iptablesLegacy, foreign.contains(RuleCoverage.TableName(family, table)) {
      // iptables and nft do not share a table; what iptables does with one of nft's depends on its chains.
      throw Refusal(obstacle: .unsupported("-t \(table)"))
    }
    return IptablesHost.Key(program: program, table: table)
  }
}

extension IptablesTable {
  /// Adds the built-in chains that a dump of the whole table does not show, as the program does before it changes any.
  mutating func addBuiltInChains() {
    guard !isPart else { return }
    let missing = Self.builtIn(name).filter { index($0) == nil }
    for chain in missing {
      let new = add(chain, span: span)
      let base = BuiltinTables.base(table: name, chain: chain, policy: .accept)
      change(new) { $0.base = base }
    }
    assumeChains(missing)
  }

  /// The table as the graph has it after commands that were carried out exactly.
  func table(asChangeOf table: Table) -> Table {
    var changed = table
    changed.chains = chains.map { chain in
      let made = chain.chain
      guard let index = table.chainIndex(chain.name) else { return made }
      let old = table.chains[index]
      guard old.rules != made.rules || old.base != made.base else { return old }
      var copy = old
      copy.rules = made.rules
      copy.base = made.base
      // The listing counted the jumps that there were then.
      copy.references = nil
      if made.shown == .part { copy.shown = .part } else if made.rules.isEmpty { copy.shown = .whole }
      return copy
    }
    return changed
  }
}

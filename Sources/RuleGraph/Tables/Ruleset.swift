/// Everything that the dumps of one host say about its rules.
public struct Ruleset: Hashable, Sendable {
  /// The tables in the order in which they were created: at equal priority, base chains created later run first.
  public var tables: [Table]
  /// The ipsets, for iptables' `-m set`.
  public var ipsets: [NamedSet]
  /// The texts that everything was read from.
  public var sources: SourceMap
  /// Which tables the dumps told.
  public var coverage = RuleCoverage()

  /// Makes a ruleset.
  public init(tables: [Table] = [], ipsets: [NamedSet] = [], sources: SourceMap = SourceMap()) {
    self.tables = tables
    self.ipsets = ipsets
    self.sources = sources
  }

  /// The table of a family and name, or nil.
  public func table(_ family: TableFamily, _ name: String) -> Table? {
    tables.first { $0.family == family && $0.name == name }
  }
}

/// Who made a table, which decides how it is printed and which command lists it.
public enum TableOrigin: String, Hashable, Sendable {
  /// An iptables or ip6tables dump that does not tell the variant.
  case iptables
  /// iptables on nf_tables (`iptables v1.8.9 (nf_tables)`).
  case iptablesNFT = "iptables-nft"
  /// iptables on the kernel's older tables.
  case iptablesLegacy = "iptables-legacy"
  /// nft itself.
  case nftables
}

/// A table: chains, sets and maps of one family.
public struct Table: Hashable, Sendable {
  /// The family.
  public var family: TableFamily
  /// The name.
  public var name: String
  /// Who made it.
  public var origin: TableOrigin
  /// The chains in the order in which they were created.
  public var chains: [Chain]
  /// The named sets and maps.
  public var sets: [NamedSet]
  /// Counters, quotas, limits, helpers, flow tables and the like, by name.
  public var objects: [NamedObject]
  /// The flags as printed: `dormant` (its base chains are not called), `owner`, `persist`.
  public var flags: [String]
  /// The handle that nft prints.
  public var handle: UInt64?
  /// The comment.
  public var comment: String?
  /// Where it stands.
  public var span: SourceSpan?
  /// How much of it was shown: of a table that was shown in part, other chains may exist.
  public var shown: Shown
  /// The versions of IP of which nothing tells whether the table sees their packets, since its head was lost.
  package var doubtfulFamilies: Set<AddressFamily> = []

  /// Makes a table.
  public init(
    _ family: TableFamily, _ name: String, origin: TableOrigin, chains: [Chain] = [], sets: [NamedSet] = [],
    objects: [NamedObject] = [], flags: [String] = [], handle: UInt64? = nil, comment: String? = nil,
    span: SourceSpan? = nil, shown: Shown = .whole
  ) {
    self.family = family
    self.name = name
    self.origin = origin
    self.chains = chains
    self.sets = sets
    self.objects = objects
    self.flags = flags
    self.handle = handle
    self.comment = comment
    self.span = span
    self.shown = shown
  }

  /// The index of a chain, or nil.
  public func chainIndex(_ name: String) -> Int? { chains.firstIndex { $0.name == name } }

  /// The versions of IP whose headers its rules look at: nft has no such rule in a table that does not see their
  /// packets.
  package var familiesOfHeaders: Set<AddressFamily> {
    var families: Set<AddressFamily> = []
    for case .match(let match) in chains.lazy.flatMap(\.rules).flatMap(\.statements) {
      guard case .field(.header(let field)) = match.subject else { continue }
      switch field.header {
      case .ip: families.insert(.ipv4)
      case .ip6: families.insert(.ipv6)
      default: break
      }
    }
    return families
  }
}

/// A stateful object of a table that rules refer to by name (nft(8), "STATEFUL OBJECTS"), or a flow table.
public struct NamedObject: Hashable, Sendable {
  /// The kind as nft names it: `counter`, `quota`, `limit`, `ct helper`, `ct timeout`, `ct expectation`, `secmark`,
  /// `synproxy`, `flowtable`.
  public var kind: String
  /// The name.
  public var name: String
  /// Everything that was printed of it.
  public var arguments: [Argument]
  /// The handle that nft prints.
  public var handle: UInt64?
  /// The comment.
  public var comment: String?
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes an object.
  public init(
    kind: String, name: String, arguments: [Argument] = [], handle: UInt64? = nil, comment: String? = nil,
    span: SourceSpan? = nil
  ) {
    self.kind = kind
    self.name = name
    self.arguments = arguments
    self.handle = handle
    self.comment = comment
    self.span = span
  }
}

/// Names one rule of a ruleset by its position.
public struct RuleID: Hashable, Sendable, Comparable {
  /// The index of the table in ``Ruleset/tables``.
  public var table: Int
  /// The index of the chain in ``Table/chains``.
  public var chain: Int
  /// The index of the rule in ``Chain/rules``.
  public var rule: Int

  /// Makes an identifier.
  public init(table: Int, chain: Int, rule: Int) {
    self.table = table
    self.chain = chain
    self.rule = rule
  }

  /// Rules are ordered as they stand: by table, chain and number.
  public static func < (a: RuleID, b: RuleID) -> Bool {
    (a.table, a.chain, a.rule) < (b.table, b.chain, b.rule)
  }
}

/// Names one chain of a ruleset by its position.
public struct ChainID: Hashable, Sendable {
  /// The index of the table in ``Ruleset/tables``.
  public var table: Int
  /// The index of the chain in ``Table/chains``.
  public var chain: Int

  /// Makes an identifier.
  public init(table: Int, chain: Int) {
    self.table = table
    self.chain = chain
  }
}

extension Ruleset {
  /// The rule of an identifier, which must be one of this ruleset.
  public subscript(id: RuleID) -> Rule { tables[id.table].chains[id.chain].rules[id.rule] }

  /// The chain of an identifier, which must be one of this ruleset.
  public subscript(id: ChainID) -> Chain { tables[id.table].chains[id.chain] }
}

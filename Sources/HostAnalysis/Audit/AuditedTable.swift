import RuleGraph

/// A table as its rules are compared with each other: what its sets hold, what its rules change, and which matches
/// several of them share.
struct AuditedTable {
  let index: Int
  let table: Table
  /// Whether every rule of the table is shown, and so every jump.
  let knowsJumps: Bool
  private let chains: [String: Int]
  private let ipsets: [String: NamedSet]
  /// What some rule of the table changes of a packet: what it was for one rule is another for the next.
  private let changed: Set<Field>
  private let changesState: Bool
  /// The sets that rules of the ruleset add to while they run.
  private let updated: Set<String>
  /// Matches that are not taken apart and that several rules have.
  private let shared: Set<Statement>
  /// More matches than this are not told apart.
  private static let sharedLimit = 64

  init(_ ruleset: Ruleset, table index: Int, updated: Set<String>) {
    self.index = index
    let table = ruleset.tables[index]
    self.table = table
    chains = Dictionary(table.chains.enumerated().map { ($1.name, $0) }) { first, _ in first }
    self.updated = updated
    ipsets = Dictionary(ruleset.ipsets.map { ($0.name, $0) }) { first, _ in first }
    var changed: Set<Field> = []
    var changesState = false
    var knowsJumps = table.shown == .whole && table.chains.allSatisfy { $0.shown == .whole }
    var uses: [Statement: Int] = [:]
    for rule in table.chains.lazy.flatMap(\.rules) {
      for statement in rule.statements {
        switch statement {
        case .assign(let assignment): changed.insert(assignment.field)
        case .notrack: changesState = true
        case .missingRules(let missing):
          knowsJumps = false
          if missing.effects?.contains(.change) ?? true {
            changed.formUnion(Self.changeable)
            changesState = true
          }
        case .opaqueTarget:
          knowsJumps = false
          changed.formUnion(Self.changeable)
          changesState = true
        case .verdictMap(_, .ipset): knowsJumps = false
        case .verdictMap(_, .named(let name)):
          if !(table.sets.first { $0.name == name }?.isShownWhole ?? false) { knowsJumps = false }
        case .match(let match):
          if case .values = match.values, case .field = match.subject { continue }
          uses[statement, default: 0] += 1
        case .environment, .anyOf: uses[statement, default: 0] += 1
        default: continue
        }
      }
    }
    self.changed = changed
    self.changesState = changesState
    self.knowsJumps = knowsJumps
    // All of them or none: which ones come first differs from run to run.
    let often = uses.filter { $0.value > 1 }
    shared = often.count <= Self.sharedLimit ? Set(often.keys) : []
  }

  /// The versions of IP whose packets pass the table, as nft numbers them.
  var families: ValueSet {
    ValueSet(
      AddressFamily.allCases.filter { table.family.sees($0) }.map { UInt128($0.rawValue)...UInt128($0.rawValue) })
  }

  /// What a target that nobody knows may change of a packet that goes on.
  private static let changeable: [Field] = [
    .meta(.mark), .conntrack(ConntrackField(.mark)), .header(HeaderField(.ip, .ttl)),
    .header(HeaderField(.ip6, .hoplimit)),
  ]

  /// The chain of this name, by its place in the table.
  func chain(named name: String) -> Int? { chains[name] }

  /// Whether several rules have a match.
  func isShared(_ statement: Statement) -> Bool {
    if case .match(let match) = statement, case .values = match.values, case .field = match.subject { return false }
    return shared.contains(statement)
  }

  /// Whether rules of the table change what a dimension holds.
  func isChangeable(_ dimension: PacketSpace.Dimension) -> Bool {
    switch dimension {
    case .state: changesState
    case .field(let field): changed.contains(field)
    case .family, .transport, .transportHeader, .holds: false
    case .port:
      changed.contains {
        if case .header(let header) = $0 { header.name == .sport || header.name == .dport } else { false }
      }
    }
  }

  /// Whether rules of the table change what a match looks at, or the set that it looks it up in.
  func isChangeable(_ match: Match) -> Bool {
    if match.setNames.contains(where: updated.contains) { return true }
    return !changed.isEmpty && match.subject.fields.contains { changed.contains($0) }
  }

  // MARK: Sets

  /// The set of this name; nil where nobody showed one.
  func set(_ name: String) -> NamedSet? { table.sets.first { $0.name == name } }

  /// The values of a named set that holds what was shown for as long as the rules stand.
  func values(ofSet name: String) -> ValueSet? { set(name).flatMap(fixedValues) }

  /// What an ipset of one part looks at, and its values.
  func key(ofIpset name: String, _ subject: ValueExpression) -> (subject: ValueExpression, values: ValueSet)? {
    guard let set = ipsets[name], let family = set.family, let key = set.ipsetKey(subject, family: family),
      key.count == 1,
      let values = fixedValues(set)
    else { return nil }
    return (key[0], values)
  }

  private func fixedValues(_ set: NamedSet) -> ValueSet? {
    // That nothing is in it is told of elsewhere.
    isFixed(set) && !set.elements.isEmpty ? set.elements.plainValues : nil
  }

  /// Whether a set or map holds what was shown, and nothing else, for as long as the rules stand.
  private func isFixed(_ set: NamedSet) -> Bool {
    !set.flags.contains("dynamic") && !set.flags.contains("timeout") && !updated.contains(set.name)
      && !set.arguments.contains { $0.name == "timeout" } && set.isShownWhole
  }

  /// The elements of a map that stay what they are; nil of others.
  func fixedElements(of map: MapReference) -> [SetElement]? {
    switch map {
    case .anonymous(let own): own
    case .named(let name): set(name).flatMap { isFixed($0) ? $0.elements : nil }
    case .ipset: nil
    }
  }

  /// The chains that a verdict map leads to.
  func chains(of map: MapReference) -> [String] {
    let elements: [SetElement]
    switch map {
    case .anonymous(let own): elements = own
    case .named(let name): elements = set(name)?.elements ?? []
    case .ipset: elements = []
    }
    var names: [String] = []
    for element in elements {
      switch element.data {
      case .verdict(.jump(let name)), .verdict(.goto(let name)): if !names.contains(name) { names.append(name) }
      default: continue
      }
    }
    return names
  }
}

extension Ruleset {
  /// The sets that rules add to, or take from, while they run.
  var updatedSets: Set<String> {
    var names: Set<String> = []
    for rule in tables.lazy.flatMap(\.chains).flatMap(\.rules) {
      for case .updateSet(let update) in rule.statements { names.insert(update.set) }
    }
    return names
  }
}

extension ValueExpression {
  /// The fields in it.
  fileprivate var fields: [Field] {
    switch self {
    case .field(let field): [field]
    case .bitwise(let operand, _, _), .shift(let operand, _): operand.fields
    case .combine(_, let a, let b): a.fields + b.fields
    case .concatenation(let parts): parts.flatMap(\.fields)
    case .map(let key, _): key.fields
    case .constant, .anyOf, .masked, .generated: []
    }
  }
}

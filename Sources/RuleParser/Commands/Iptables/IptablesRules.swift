import RuleGraph

/// The rules of a chain while commands change it.
///
/// Scripts put thousands of rules at a chain's front, one by one: those are kept apart, in the reverse of their order.
struct IptablesRules {
  private var front: [Rule] = []
  private var back: [Rule] = []

  var count: Int { front.count + back.count }
  var isEmpty: Bool { front.isEmpty && back.isEmpty }

  /// The rules in their order.
  var all: [Rule] { front.isEmpty ? back : front.reversed() + back }

  /// The rules in their order, to be changed.
  private mutating func settle() {
    guard !front.isEmpty else { return }
    back = front.reversed() + back
    front = []
  }

  subscript(index: Int) -> Rule {
    get { index < front.count ? front[front.count - 1 - index] : back[index - front.count] }
    set {
      if index < front.count { front[front.count - 1 - index] = newValue } else { back[index - front.count] = newValue }
    }
  }

  mutating func append(_ rule: Rule) { back.append(rule) }

  mutating func insert(_ rule: Rule, at index: Int) {
    if index == 0 {
      front.append(rule)
    } else {
      settle()
      back.insert(rule, at: index)
    }
  }

  mutating func remove(at index: Int) {
    settle()
    back.remove(at: index)
  }

  mutating func removeAll() {
    front = []
    back = []
  }

  mutating func replaceAll(_ rules: [Rule]) {
    front = []
    back = rules
  }

  func firstIndex(where test: (Rule) -> Bool) -> Int? {
    for index in 0..<count where test(self[index]) { return index }
    return nil
  }
}

/// A table of iptables while commands change it.
struct IptablesTable {
  let name: String
  let family: AddressFamily
  private(set) var chains: [IptablesChain]
  private var indexes: [String: Int] = [:]
  /// The first command that touched it.
  var span: SourceSpan
  /// Whether something that nobody shows was put in: any chains may exist.
  var isPart = false
  /// Of a table that a dump shows, whether it is surely the one that commands change.
  private(set) var isCertain = true

  /// A table as a freshly started host has it.
  init(_ name: String, _ family: AddressFamily, span: SourceSpan) {
    self.name = name
    self.family = family
    self.span = span
    chains = Self.builtIn(name).map { chain in
      IptablesChain(
        name: chain, base: BuiltinTables.base(table: name, chain: chain, policy: .accept), span: span)
    }
    reindex()
  }

  /// A table as a dump shows it.
  init(shown table: Table, isCertain: Bool) {
    name = table.name
    family = table.family == .ip6 ? .ipv6 : .ipv4
    span = table.span ?? SourceSpan(source: 0, line: 1, offset: 0, length: 0)
    isPart = table.shown != .whole
    self.isCertain = isCertain
    let place = span
    chains = table.chains.map { chain in
      var copy = IptablesChain(name: chain.name, base: chain.base, span: chain.span ?? place)
      copy.rules.replaceAll(chain.rules)
      copy.isShown = true
      return copy
    }
    reindex()
  }

  /// What commands made of a table that a dump shows.
  func table(asChangeOf table: Table, from span: SourceSpan?) -> Table {
    var changed = table
    changed.chains = chains.map { chain in
      guard let index = table.chainIndex(chain.name), chain.isShown else { return chain.chain }
      var copy = table.chains[index]
      copy.rules = chain.rules.all
      copy.base = chain.base
      // The listing counted the jumps that there were then.
      copy.references = nil
      if copy.shown == .whole, copy.rules.contains(where: { $0.missing != nil }) { copy.shown = .part }
      return copy
    }
    if isPart, changed.shown == .whole { changed.shown = .part }
    return changed
  }

  /// The built-in chains (iptables(8), "TABLES"); empty for a table that does not exist.
  static func builtIn(_ table: String) -> [String] {
    switch table {
    case "filter", "security": ["INPUT", "FORWARD", "OUTPUT"]
    case "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]
    case "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]
    case "raw": ["PREROUTING", "OUTPUT"]
    default: []
    }
  }

  func index(_ chain: String) -> Int? { indexes[chain] }

  /// Changes a chain.
  mutating func change(_ index: Int, _ body: (inout IptablesChain) -> Void) {
    body(&chains[index])
    chains[index].isAssumed = false
  }

  /// Takes in that nobody has seen its chains: the program makes each when it changes it.
  mutating func assumeChains(_ names: [String]) {
    for index in chains.indices where names.contains(chains[index].name) { chains[index].isAssumed = true }
  }

  mutating func add(_ chain: String, span: SourceSpan) -> Int {
    chains.append(IptablesChain(name: chain, base: nil, span: span))
    indexes[chain] = chains.count - 1
    return chains.count - 1
  }

  mutating func remove(_ test: (IptablesChain) -> Bool) {
    chains.removeAll(where: test)
    reindex()
  }

  /// Gives a chain another name, and the jumps to it.
  mutating func rename(_ index: Int, to name: String) {
    let old = chains[index].name
    chains[index].name = name
    for chain in chains.indices {
      for rule in 0..<chains[chain].rules.count {
        var changed = chains[chain].rules[rule]
        guard changed.statements.contains(where: { Self.target($0) == old }) else { continue }
        for statement in changed.statements.indices where Self.target(changed.statements[statement]) == old {
          if case .verdict(.goto) = changed.statements[statement] {
            changed.statements[statement] = .verdict(.goto(name))
          } else {
            changed.statements[statement] = .verdict(.jump(name))
          }
        }
        chains[chain].rules[rule] = changed
      }
    }
    reindex()
  }

  private mutating func reindex() {
    indexes = Dictionary(chains.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The chains that rules jump to.
  var targets: Set<String> {
    var found: Set<String> = []
    for chain in chains {
      for index in 0..<chain.rules.count {
        for statement in chain.rules[index].statements { if let name = Self.target(statement) { found.insert(name) } }
      }
    }
    return found
  }

  private static func target(_ statement: Statement) -> String? {
    switch statement {
    case .verdict(.jump(let name)), .verdict(.goto(let name)): name
    default: nil
    }
  }

  /// The table as the graph has it.
  func table(_ origin: TableOrigin) -> Table {
    Table(
      family == .ipv4 ? .ip : .ip6, name, origin: origin, chains: chains.map(\.chain), span: span,
      shown: isPart ? .part : .whole)
  }
}

/// A chain of iptables while commands change it.
struct IptablesChain {
  var name: String
  var base: BaseChain?
  var rules = IptablesRules()
  var span: SourceSpan
  /// Whether a dump shows it, so that its rules are surely there, and those of which none is left had other words.
  var isShown = false
  /// Whether it is a built-in chain that is not there before the program changes it; to packets that makes no
  /// difference.
  var isAssumed = false

  /// Takes in that rules which nobody shows may stand at the end.
  mutating func addMissing(_ effects: MissingRules.Effects? = nil, count: Int? = nil, from span: SourceSpan) {
    rules.append(Rule(missing: MissingRules(.computed, count: count, effects: effects), span: span))
  }

  /// Takes in that nobody knows which rules the chain holds.
  mutating func forgetRules(from span: SourceSpan) {
    rules.removeAll()
    addMissing(from: span)
  }

  /// Takes in that nobody knows anything of the chain.
  mutating func forget(from span: SourceSpan) {
    forgetRules(from: span)
    base?.policy = nil
  }

  /// Takes in that each rule is perhaps gone.
  mutating func doubt(_ condition: String) {
    for index in 0..<rules.count { rules[index] = rules[index].inDoubt(condition) }
  }

  var chain: Chain {
    let all = rules.all
    return Chain(
      name, base: base, rules: all, span: span, shown: all.contains { $0.missing != nil } ? .part : .whole)
  }
}

extension Rule {
  /// The rule where nobody knows whether it is there: behind its own tests it asks for what decides that.
  func inDoubt(_ condition: String) -> Rule {
    guard missing == nil, !isInDoubt else { return self }
    var rule = self
    let part = Opaque(name: condition, text: condition, settledBy: CommandDoubt.mark)
    // What acts begins where the tests end.
    let end = rule.statements.firstIndex { statement in
      switch statement {
      case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces: false
      default: true
      }
    }
    rule.statements.insert(.opaqueMatch(part), at: end ?? rule.statements.count)
    return rule
  }

  /// What the rule can do to a packet; nil where that can be anything.
  var effects: MissingRules.Effects? {
    var effects: MissingRules.Effects = []
    for statement in statements {
      switch statement {
      case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .effect, .updateSet: break
      case .verdict(.accept): effects.insert(.accept)
      case .verdict(.drop): effects.insert(.drop)
      case .verdict(.reject): effects.formUnion([.drop, .reject])
      case .verdict(.continue): break
      case .verdict, .verdictMap, .opaqueTarget, .missingRules: return nil
      case .translate(let translation):
        switch translation.kind {
        case .dnat, .redirect: effects.insert(.translateDestination)
        case .snat, .masquerade: effects.insert(.translateSource)
        default: return nil
        }
      case .assign, .notrack: effects.insert(.change)
      }
    }
    return effects
  }
}

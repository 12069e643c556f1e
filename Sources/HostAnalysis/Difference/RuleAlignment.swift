import RuleGraph

/// Which rules of two versions of a chain are one rule that stands in both.
///
/// Rules that keep their order are found from both ends; between the ends each rule is matched with its like by number,
/// and of those the longest run in rising order is kept. So ten thousand rules of which one changed take one look each.
struct ChainAlignment {
  /// For each old rule the new one that it became, at the same place in the order.
  private var newOfOld: [Int?]
  /// For each new rule the old one that is the same, wherever it stood.
  private var sameOld: [Int?]
  /// The old rules that have no place in the new order, and the new ones without one in the old.
  private(set) var loneOld: [Int] = []
  private(set) var loneNew: [Int] = []

  /// - Parameters:
  ///   - old: The rules before.
  ///   - new: The rules after.
  ///   - printed: The rule as it was printed, counters aside; equal ones are the same rule.
  ///   - canonical: The rule in a form that does not depend on how it was printed, which takes longer to find.
  init<Printed: Hashable, Canonical: Hashable>(
    _ old: [Rule], _ new: [Rule], printed: (Rule, Difference.Side) -> Printed,
    canonical: (Rule, Difference.Side) -> Canonical
  ) {
    newOfOld = Array(repeating: nil, count: old.count)
    sameOld = Array(repeating: nil, count: new.count)
    func isOne(_ a: Int, _ b: Int) -> Bool {
      printed(old[a], .old) == printed(new[b], .new) || canonical(old[a], .old) == canonical(new[b], .new)
    }
    var first = 0
    while first < old.count, first < new.count, isOne(first, first) {
      join(first, first)
      first += 1
    }
    var (oldEnd, newEnd) = (old.count, new.count)
    while oldEnd > first, newEnd > first, isOne(oldEnd - 1, newEnd - 1) {
      oldEnd -= 1
      newEnd -= 1
      join(oldEnd, newEnd)
    }
    var leftOld = Array(first..<oldEnd)
    var leftNew = Array(first..<newEnd)
    var pairs = Self.pairs(&leftOld, &leftNew) { index, side in printed((side == .old ? old : new)[index], side) }
    pairs += Self.pairs(&leftOld, &leftNew) { index, side in canonical((side == .old ? old : new)[index], side) }
    pairs.sort { $0.old < $1.old }
    for pair in pairs { sameOld[pair.new] = pair.old }
    for pair in Self.risingRun(pairs) { newOfOld[pair.old] = pair.new }
    let kept = Set((first..<oldEnd).compactMap { newOfOld[$0] })
    loneOld = (first..<oldEnd).filter { newOfOld[$0] == nil }
    loneNew = (first..<newEnd).filter { !kept.contains($0) }
  }

  /// Whether an old rule has a place in the new order.
  func isKept(_ old: Int) -> Bool { newOfOld[old] != nil }

  /// The old rule that a new one is; nil of one that is new.
  func old(of new: Int) -> Int? { sameOld.indices.contains(new) ? sameOld[new] : nil }

  /// Pairs of rules with one key, the first of the old with the first of the new; what has no like is left.
  private static func pairs<Key: Hashable>(
    _ old: inout [Int], _ new: inout [Int], key: (Int, Difference.Side) -> Key
  ) -> [(old: Int, new: Int)] {
    if old.isEmpty || new.isEmpty { return [] }
    var places: [Key: [Int]] = [:]
    for index in new.reversed() { places[key(index, .new), default: []].append(index) }
    var pairs: [(old: Int, new: Int)] = []
    old.removeAll { index in
      guard let place = places[key(index, .old)]?.popLast() else { return false }
      pairs.append((index, place))
      return true
    }
    let taken = Set(pairs.map(\.new))
    new.removeAll { taken.contains($0) }
    return pairs
  }

  private mutating func join(_ old: Int, _ new: Int) {
    newOfOld[old] = new
    sameOld[new] = old
  }

  /// The longest choice of pairs that rise on both sides (patience sorting).
  private static func risingRun(_ pairs: [(old: Int, new: Int)]) -> [(old: Int, new: Int)] {
    var tops: [Int] = []
    var before = [Int?](repeating: nil, count: pairs.count)
    for (index, pair) in pairs.enumerated() {
      var (low, high) = (0, tops.count)
      while low < high {
        let middle = (low + high) / 2
        if pairs[tops[middle]].new < pair.new { low = middle + 1 } else { high = middle }
      }
      before[index] = low > 0 ? tops[low - 1] : nil
      if low == tops.count { tops.append(index) } else { tops[low] = index }
    }
    var run: [(old: Int, new: Int)] = []
    var last = tops.last
    while let place = last {
      run.append(pairs[place])
      last = before[place]
    }
    return run.reversed()
  }
}

/// Which rules and chains of two rulesets are the same.
struct RuleAlignment {
  /// A chain by its names.
  struct ChainName: Hashable {
    var family: TableFamily
    var table: String
    var chain: String
    /// Whether it is of iptables' older tables beside those of one name that nftables holds: both are live.
    var isOlderTwin = false
  }

  /// A rule that stands on one side only, or elsewhere.
  struct Lone {
    var side: Difference.Side
    var id: RuleID
  }

  /// The rules that make a difference: without a like on the other side, in another place, or with something that no
  /// dump shows.
  private(set) var lone: [Lone] = []
  /// The families of packets that something besides single rules is different for: policies, the order of base chains.
  private(set) var rebuilt: Set<AddressFamily> = []
  /// The sets and maps whose elements differ or are not told, by table; ipsets have an empty one.
  private(set) var changedSets: Set<String> = []
  /// Whether rules for ARP differ.
  private(set) var differsForARP = false

  private var chains: [ChainName: (old: ChainID, new: ChainID, alignment: ChainAlignment)] = [:]
  private var newChains: [ChainID: ChainName] = [:]

  init(_ old: Ruleset, _ new: Ruleset) {
    changedSets = Self.changedSets(old, new)
    let (before, after) = (Self.chains(old), Self.chains(new))
    guard let before, let after else {
      // Two tables of one name, or objects that cannot be told apart: every packet is asked about.
      rebuilt = Set(AddressFamily.allCases)
      return
    }
    for family in AddressFamily.allCases {
      guard let mine = Self.plan(old, family), let its = Self.plan(new, family), mine == its else {
        rebuilt.insert(family)
        continue
      }
    }
    if Self.objects(old) != Self.objects(new) { rebuilt = Set(AddressFamily.allCases) }
    for (name, id) in before {
      guard let other = after[name] else { continue }
      align(name, old, id, new, other)
    }
    lone.sort { ($0.side.rawValue, $0.id) < ($1.side.rawValue, $1.id) }
  }

  private mutating func align(_ name: ChainName, _ old: Ruleset, _ id: ChainID, _ new: Ruleset, _ other: ChainID) {
    let changed = changedSets
    let alignment = ChainAlignment(
      old[id].rules, new[other].rules,
      printed: { rule, side in
        RuleKey(statements: rule.statementsThatAct, side: rule.uses(changed) ? side : nil)
      },
      canonical: { rule, side in
        RuleKey(statements: rule.canonicalStatements(in: name.family), side: rule.uses(changed) ? side : nil)
      })
    chains[name] = (id, other, alignment)
    newChains[other] = name
    let isARP = name.family == .arp
    func add(_ side: Difference.Side, _ chain: ChainID, _ rule: Int) {
      if isARP {
        differsForARP = true
      } else {
        lone.append(Lone(side: side, id: RuleID(table: chain.table, chain: chain.chain, rule: rule)))
      }
    }
    for rule in alignment.loneOld { add(.old, id, rule) }
    for rule in alignment.loneNew { add(.new, other, rule) }
    // What is not shown of a rule may differ though its text is the same.
    for (index, rule) in old[id].rules.enumerated() where alignment.isKept(index) && rule.hidesSomething {
      add(.old, id, index)
    }
  }

  /// The name of a rule by which both sides know it: that of the old one, where it is the same.
  func name(_ id: RuleID, of side: Difference.Side) -> RuleName {
    guard side == .new, let chain = newChains[id.chainID], let found = chains[chain] else {
      return RuleName(side: side, id: id)
    }
    guard let rule = found.alignment.old(of: id.rule) else { return RuleName(side: .new, id: id) }
    return RuleName(side: .old, id: RuleID(table: found.old.table, chain: found.old.chain, rule: rule))
  }

  // MARK: What is compared as a whole

  /// The chains by their names; nil where two have one.
  private static func chains(_ ruleset: Ruleset) -> [ChainName: ChainID]? {
    var chains: [ChainName: ChainID] = [:]
    for (t, table) in ruleset.tables.enumerated() {
      for c in table.chains.indices {
        let name = ChainName(ChainID(table: t, chain: c), in: ruleset)
        guard chains.updateValue(ChainID(table: t, chain: c), forKey: name) == nil else { return nil }
      }
    }
    return chains
  }

  /// What the kernel calls at a hook.
  private struct Call: Hashable {
    var hook: Hook
    var name: ChainName
    var type: ChainType
    var policy: BaseChain.Policy?
    var devices: [String]
  }

  /// The base chains that can do something, in the order in which they run; nil where something of them was not shown.
  private static func plan(_ ruleset: Ruleset, _ family: AddressFamily) -> [Call]? {
    var calls: [(priority: Int32, call: Call)] = []
    for (t, table) in ruleset.tables.enumerated() where !table.flags.contains("dormant") && table.family != .arp {
      guard table.family.sees(family) || table.family == .bridge || table.family == .netdev else { continue }
      if !table.doubtfulFamilies.isEmpty { return nil }
      for (c, chain) in table.chains.enumerated() {
        guard let base = chain.base else { continue }
        let policy = base.type == .nat ? .accept : base.policy
        if chain.rules.isEmpty, policy == .accept { continue }
        if policy == nil { return nil }
        calls.append(
          (
            base.priority,
            Call(
              hook: base.hook,
              name: ChainName(ChainID(table: t, chain: c), in: ruleset), type: base.type,
              policy: policy, devices: base.devices)
          ))
      }
    }
    return calls.enumerated().sorted {
      ($0.element.call.hook.rawValue, $0.element.priority, $0.offset)
        < ($1.element.call.hook.rawValue, $1.element.priority, $1.offset)
    }.map(\.element.call)
  }

  /// Limits, quotas and the like, wherever they were printed.
  private static func objects(_ ruleset: Ruleset) -> Set<NamedObject> {
    Set(
      ruleset.tables.flatMap(\.objects).map { object in
        var plain = object
        plain.handle = nil
        plain.span = nil
        return plain
      })
  }

  /// The names of sets that differ, or whose elements one side does not show whole.
  private static func changedSets(_ old: Ruleset, _ new: Ruleset) -> Set<String> {
    func sets(_ ruleset: Ruleset) -> [String: Set<SetContent>] {
      var found: [String: Set<SetContent>] = [:]
      for set in ruleset.tables.flatMap(\.sets) + ruleset.ipsets {
        found[set.name, default: []].insert(SetContent(set))
      }
      return found
    }
    let (before, after) = (sets(old), sets(new))
    var changed = Set(before.keys).union(after.keys).filter { name in
      before[name] != after[name] || before[name]?.contains { !$0.isShownWhole } == true
    }
    // A list of sets holds what these hold.
    let lists = (old.ipsets + new.ipsets).filter { $0.elements.contains { $0.member != nil } }
    var isGrowing = !changed.isEmpty
    while isGrowing {
      isGrowing = false
      for list in lists where !changed.contains(list.name) {
        guard list.elements.contains(where: { $0.member.map(changed.contains) ?? false }) else { continue }
        changed.insert(list.name)
        isGrowing = true
      }
    }
    return changed
  }
}

/// A rule as both sides name it.
struct RuleName: Hashable {
  var side: Difference.Side
  var id: RuleID
}

/// A rule in a form that does not depend on how it was printed; one that looks something up in a set that differs is of
/// its side alone.
private struct RuleKey: Hashable {
  var statements: [Statement]
  var side: Difference.Side?
}

/// What a set holds, wherever it was printed.
private struct SetContent: Hashable {
  var keyTypes: [String]
  var elements: Set<SetElement>
  var isShownWhole: Bool

  init(_ set: NamedSet) {
    keyTypes = set.keyTypes
    isShownWhole = set.isShownWhole
    elements = Set(
      set.elements.map { element in
        var plain = element
        plain.arguments = []
        plain.comment = nil
        return plain
      })
  }
}

extension Rule {
  /// Whether the rule looks something up in one of some sets.
  fileprivate func uses(_ sets: Set<String>) -> Bool {
    !sets.isEmpty && statements.contains { statement in statement.setNames.contains { sets.contains($0) } }
  }

  /// The statements but for counters.
  fileprivate var statementsThatAct: [Statement] {
    guard statements.contains(where: \.isCounter) else { return statements }
    return statements.filter { !$0.isCounter }
  }

  /// Whether a dump hides a part of the rule, or of what it looks up.
  fileprivate var hidesSomething: Bool {
    statements.contains { statement in
      switch statement {
      case .hiddenInterfaces, .missingRules: true
      case .opaqueMatch(let opaque), .opaqueTarget(let opaque): opaque.settledBy != nil || opaque.lost != nil
      default: statement.mayHoldMaskedValue && !statement.maskedValues.isEmpty
      }
    }
  }
}

extension Statement {
  fileprivate var isCounter: Bool {
    if case .effect(let effect) = self { effect.kind == .counter } else { false }
  }

  /// The names of the sets and maps that the statement looks something up in.
  var setNames: [String] {
    switch self {
    case .match(let match): match.setNames
    case .anyOf(let matches): matches.flatMap(\.setNames)
    case .verdictMap(let key, let map): key.setNames + map.setNames
    case .translate(let translation): (translation.address?.setNames ?? []) + (translation.port?.setNames ?? [])
    case .assign(let assignment): assignment.value.setNames
    case .updateSet(let update): [update.set]
    case .environment, .opaqueMatch, .hiddenInterfaces, .verdict, .notrack, .effect, .opaqueTarget, .missingRules: []
    }
  }
}

extension Match {
  /// The names of the sets and maps that the match looks something up in.
  var setNames: [String] {
    switch values {
    case .named(let name), .ipset(let name), .ipsetExceptions(let name): subject.setNames + [name]
    case .values, .masked, .elements: subject.setNames
    }
  }
}

extension ValueExpression {
  fileprivate var setNames: [String] {
    switch self {
    case .map(let key, let map): key.setNames + map.setNames
    case .concatenation(let parts): parts.flatMap(\.setNames)
    case .bitwise(let operand, _, _), .shift(let operand, _): operand.setNames
    case .combine(_, let a, let b): a.setNames + b.setNames
    case .field, .constant, .anyOf, .masked, .generated: []
    }
  }
}

extension MapReference {
  fileprivate var setNames: [String] {
    switch self {
    case .named(let name), .ipset(let name): [name]
    case .anonymous: []
    }
  }
}

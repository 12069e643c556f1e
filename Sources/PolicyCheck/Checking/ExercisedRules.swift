import FlowTrace
public import RuleGraph

/// The rules and policies that packets met.
public struct ExercisedRules: Hashable, Sendable {
  /// Rules that decided a case, all of those that share it.
  public private(set) var decided = RuleMarks()
  /// Rules that matched on the way.
  public private(set) var visited = RuleMarks()
  /// Chains whose policy decided a case or was passed.
  public private(set) var policies: Set<ChainID> = []

  /// Makes an empty record.
  public init() {}

  /// Adds what a case met, its answer included.
  mutating func add(_ part: Case) {
    for step in part.path {
      switch step.event {
      case .rule(let id): if step.matched { visited.insert(id) }
      case .policy(let id): policies.insert(id)
      default: break
      }
    }
    switch part.decidedBy {
    case .rule(let id): decided.insert(id)
    case .policy(let id): policies.insert(id)
    case .nothing, .outside: break
    }
    // Those that share a case are of one chain.
    if let first = part.rules.first { decided.insert(part.rules, of: first.chainID) }
    for answer in part.reply ?? [] { add(answer) }
  }
}

/// Some rules of a ruleset, a bit each: a test of an open question may meet ten thousand, and a policy has a thousand
/// tests.
public struct RuleMarks: Hashable, Sendable {
  private var bits: [ChainID: [UInt64]] = [:]

  /// Marks no rule.
  public init() {}

  /// Marks a rule.
  mutating func insert(_ id: RuleID) { insert(CollectionOfOne(id), of: id.chainID) }

  /// Marks rules of a chain.
  mutating func insert(_ rules: some Sequence<RuleID>, of chain: ChainID) {
    var words = bits.removeValue(forKey: chain) ?? []
    for id in rules {
      let (word, bit) = id.rule.quotientAndRemainder(dividingBy: 64)
      if word >= words.count { words += repeatElement(0, count: word + 1 - words.count) }
      words[word] |= 1 << UInt64(bit)
    }
    bits[chain] = words
  }

  /// Marks what others mark.
  mutating func formUnion(_ other: RuleMarks) {
    for (chain, words) in other.bits {
      var mine = bits.removeValue(forKey: chain) ?? []
      if words.count > mine.count { mine += repeatElement(0, count: words.count - mine.count) }
      for (word, value) in words.enumerated() { mine[word] |= value }
      bits[chain] = mine
    }
  }

  /// Whether a rule is marked.
  public func contains(_ id: RuleID) -> Bool {
    let (word, bit) = id.rule.quotientAndRemainder(dividingBy: 64)
    guard let words = bits[id.chainID], word < words.count else { return false }
    return words[word] & 1 << UInt64(bit) != 0
  }

  /// The marked rules, those of a chain in their order.
  public var rules: [RuleID] {
    bits.flatMap { chain, words in
      words.indices.flatMap { word in
        (0..<64).filter { words[word] & 1 << UInt64($0) != 0 }
          .map { RuleID(table: chain.table, chain: chain.chain, rule: word * 64 + $0) }
      }
    }
  }
}

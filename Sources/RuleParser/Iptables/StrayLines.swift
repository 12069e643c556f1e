import RuleGraph

/// Rules of an `iptables-save` that nobody can tell the chain of: lines that can't be read, and rules of chains that no
/// head declares.
///
/// iptables prints the rules chain by chain in the order of the heads, so that such a line is of the chain of the rule
/// before it, of that behind it, or of one between these two.
struct StrayLines {
  private struct Stray {
    var span: SourceSpan
    /// The chain of the rule before it, and how many rules that had.
    var from: Int?
    var position: Int
    /// The chain of the next rule; nil at the end of the table.
    var to: Int?
    /// The chain that no head declares, of which it is the first rule.
    var undeclared: Int?
    var isOpen = true
  }

  /// The chain of the last rule.
  var lastChain: Int?
  private var strays: [Stray] = []
  /// Whether the next rule of a chain that was declared closes some.
  private(set) var areOpen = false

  /// Notes a line that can't be read.
  mutating func note(_ span: SourceSpan, _ chains: [Chain]) {
    strays.append(Stray(span: span, from: lastChain, position: lastChain.map { chains[$0].rules.count } ?? 0))
    areOpen = true
  }

  /// Notes the first rule of a chain that no head declares.
  mutating func note(undeclared: Int, _ span: SourceSpan, _ chains: [Chain]) {
    note(span, chains)
    strays[strays.count - 1].undeclared = undeclared
  }

  /// Notes that the next rule is one of this chain.
  mutating func close(at chain: Int) {
    guard areOpen else { return }
    for index in strays.indices where strays[index].isOpen && strays[index].undeclared != chain {
      strays[index].to = chain
      strays[index].isOpen = false
    }
    areOpen = strays.contains { $0.isOpen }
  }

  /// Gives each chain that may hold such a line an unknown rule at that place.
  mutating func place(in chains: inout [Chain], mayBeUndeclared: Bool, _ diagnostics: inout [Diagnostic]) {
    for stray in strays.reversed() {
      if let undeclared = stray.undeclared {
        guard mayBeUndeclared else { continue }
        let name = chains[undeclared].name
        let isReached = chains.contains { $0.rules.contains { $0.jumps(to: name) } }
        diagnostics.append(
          Diagnostic(
            "undeclared-chain", .warning,
            isReached
              ? "chain \(name) has rules, but no line declares it"
              : "no line declares chain \(name) and no rule jumps to it, so its rules may be those of another chain",
            span: stray.span))
        if isReached { continue }
      }
      let rule = Rule(missing: MissingRules(.unreadable, count: 1), span: stray.span)
      func add(to chain: Int, at position: Int) {
        chains[chain].rules.insert(rule, at: min(position, chains[chain].rules.count))
        chains[chain].shown = .part
      }
      let last = stray.to ?? chains.count - 1
      if let from = stray.from { add(to: from, at: stray.position) }
      let first = stray.from.map { $0 + 1 } ?? 0
      guard first <= last, stray.from != stray.to || stray.to == nil else { continue }
      for chain in first...last where chain != stray.from && chain != stray.undeclared { add(to: chain, at: 0) }
    }
  }
}

extension Rule {
  /// Whether the rule leads to a chain.
  func jumps(to chain: String) -> Bool {
    switch statements.last {
    case .verdict(.jump(chain)), .verdict(.goto(chain)): true
    default: false
    }
  }
}

extension [Chain] {
  /// Tells of each chain with a rule that could not be read that only a part of it was shown.
  mutating func markPartsWithMissingRules() {
    for index in indices where self[index].shown == .whole && self[index].rules.contains(where: { $0.missing != nil }) {
      self[index].shown = .part
    }
  }
}

extension Chain {
  /// Keeps the rules that another form of the chain begins with, too; what stands behind them is unknown, and so is the
  /// policy where they differ.
  mutating func keepCommon(with other: Chain) {
    if base?.policy != other.base?.policy { base?.policy = nil }
    let common = zip(rules, other.rules).prefix { $0.statements == $1.statements }.count
    guard common < Swift.max(rules.count, other.rules.count) else { return }
    let span = (common < other.rules.count ? other.rules[common] : rules[common]).span
    rules.removeLast(rules.count - common)
    addMissing(MissingRules(.unreadable), span: span)
  }
}

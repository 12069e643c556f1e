import RuleGraph

/// Compares two printings of a table, as far as both tell.
enum TableComparison {
  /// A place where two printings say different things.
  struct Difference: Sendable {
    /// What differs, in words.
    var text: String
    /// Where it stands in the first and in the second printing.
    var first: SourceSpan?
    var second: SourceSpan?
  }

  /// The first difference between two printings, or nil when one can be the other in another form.
  ///
  /// Counters, references, handles and comments are no difference. What one form hides (interfaces, `xt` parts) is
  /// passed over. Between nft's forms and iptables' own only the number of rules and what they decide are compared: the
  /// two tools write some tests in different but equal ways.
  static func difference(_ a: TablePrinting, _ b: TablePrinting) -> Difference? {
    let isLoose = a.form.isNft != b.form.isNft
    for chain in a.table.chains where chain.shown == .whole {
      guard let index = b.table.chainIndex(chain.name) else {
        if b.isWhole, a.isWhole, !chain.rules.isEmpty {
          return Difference(text: "chain \(chain.name) is missing", first: chain.span, second: b.span)
        }
        continue
      }
      let other = b.table.chains[index]
      guard other.shown == .whole else { continue }
      if let found = difference(chain, other, family: a.table.family, isLoose: isLoose) { return found }
    }
    guard a.isWhole, b.isWhole else { return nil }
    for chain in b.table.chains where !chain.rules.isEmpty && a.table.chainIndex(chain.name) == nil {
      return Difference(text: "chain \(chain.name) is new", first: a.span, second: chain.span)
    }
    return nil
  }

  /// The first difference between two printings of a chain.
  static func difference(_ a: Chain, _ b: Chain, family: TableFamily, isLoose: Bool) -> Difference? {
    if let first = a.base?.policy, let second = b.base?.policy, first != second {
      return Difference(
        text: "the policy of \(a.name) is \(first.rawValue) and \(second.rawValue)", first: a.span, second: b.span)
    }
    guard a.rules.count == b.rules.count else {
      return Difference(
        text: "chain \(a.name) has \(a.rules.count) and \(b.rules.count) rules", first: a.span, second: b.span)
    }
    for (index, (first, second)) in zip(a.rules, b.rules).enumerated()
    where !isSame(first, second, family: family, isLoose: isLoose) {
      return Difference(text: "rule \(index + 1) of \(a.name) differs", first: first.span, second: second.span)
    }
    return nil
  }

  /// Whether two rules can be the same one, as far as both are told.
  static func isSame(_ a: Rule, _ b: Rule, family: TableFamily, isLoose: Bool) -> Bool {
    if a.statements == b.statements { return true }
    let isPartial = a.hasUnknownPart || b.hasUnknownPart
    guard isLoose || isPartial else {
      return a.canonicalStatements(in: family) == b.canonicalStatements(in: family)
    }
    if hasOpaqueTarget(a) || hasOpaqueTarget(b) { return true }
    guard actions(a) == actions(b) else { return false }
    if isLoose || hasOpaqueMatch(a) || hasOpaqueMatch(b) { return true }
    return tests(a, hidingInterfaces: true) == tests(b, hidingInterfaces: true)
  }

  private static func hasOpaqueTarget(_ rule: Rule) -> Bool {
    rule.statements.contains { if case .opaqueTarget = $0 { true } else { false } }
  }

  private static func hasOpaqueMatch(_ rule: Rule) -> Bool {
    rule.statements.contains { if case .opaqueMatch = $0 { true } else { false } }
  }

  /// What decides or changes the packet, in order.
  private static func actions(_ rule: Rule) -> [Statement] {
    rule.statements.filter { statement in
      switch statement {
      case .verdict, .translate, .assign, .notrack, .verdictMap, .updateSet, .opaqueTarget: true
      default: false
      }
    }
  }

  /// The tests; their order does not matter where nothing stands between them.
  private static func tests(_ rule: Rule, hidingInterfaces: Bool) -> Set<Statement> {
    Set(
      rule.statements.filter { statement in
        switch statement {
        case .match(let match):
          if hidingInterfaces, case .field(.meta(let key)) = match.subject, key == .iifname || key == .oifname {
            return false
          }
          return true
        case .anyOf, .environment, .opaqueMatch: return true
        default: return false
        }
      })
  }
}

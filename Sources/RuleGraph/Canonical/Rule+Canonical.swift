extension Rule {
  /// The statements in a form that does not depend on how they were printed: two dumps of one rule give equal lists.
  ///
  /// Counters are dropped; a test of the transport protocol that a header of the same rule implies is dropped, and so
  /// is a test of the network family in a table of that family; a mask over states becomes a set of states; the tests
  /// between two statements that act are sorted, since their order cannot matter.
  ///
  ///     // tcp dport 22 accept   and   meta l4proto tcp tcp dport 22 counter accept   are both
  ///     [.match(tcp dport in {22}), .verdict(.accept)]
  public func canonicalStatements(in family: TableFamily) -> [Statement] {
    var result: [Statement] = []
    var tests: [Statement] = []
    func flush() {
      result += CanonicalTests(tests, family: family).sorted()
      tests = []
    }
    for statement in statements {
      switch statement {
      case .effect(let effect) where effect.kind == .counter: continue
      case .match, .anyOf, .hiddenInterfaces: tests.append(statement)
      default:
        flush()
        result.append(statement)
      }
    }
    flush()
    return result
  }
}

extension Ruleset {
  /// The rules alone, in the form of ``Rule/canonicalStatements(in:)``: without sources, counters, handles and the
  /// order of tables and chains.
  public var canonical: Ruleset {
    var copy = Ruleset()
    copy.tables = shownOnly.tables.map { table in
      var plain = Table(table.family, table.name, origin: table.origin == .nftables ? .nftables : .iptables)
      plain.flags = table.flags.sorted()
      plain.chains = table.chains.map { chain in
        Chain(
          chain.name, base: chain.base,
          rules: chain.rules.map { rule in
            Rule(
              rule.canonicalStatements(in: table.family), comment: rule.comment,
              span: SourceSpan(source: 0, line: 0, offset: 0, length: 0))
          }, comment: chain.comment)
      }.sorted { $0.name < $1.name }
      plain.sets = table.sets.map(\.canonical).sorted { $0.name < $1.name }
      plain.objects = table.objects.map { object in
        var plain = object
        plain.handle = nil
        plain.span = nil
        return plain
      }.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }
      return plain
    }.sorted { ($0.family.rawValue, $0.name, $0.origin.rawValue) < ($1.family.rawValue, $1.name, $1.origin.rawValue) }
    copy.ipsets = ipsets.map(\.canonical).sorted { $0.name < $1.name }
    return copy
  }
}

extension NamedSet {
  /// The set without where it was printed.
  fileprivate var canonical: NamedSet {
    var copy = self
    copy.handle = nil
    copy.span = nil
    copy.elements.sort { String(describing: $0) < String(describing: $1) }
    return copy
  }
}

/// The tests between two statements that act.
private struct CanonicalTests {
  let tests: [Statement]
  let family: TableFamily

  init(_ tests: [Statement], family: TableFamily) {
    self.tests = tests
    self.family = family
  }

  /// The tests that are not implied by others, in an order of their own.
  func sorted() -> [Statement] {
    let plain = tests.map(Self.plain)
    var implied: Set<UInt128> = []
    for test in plain { implied.formUnion(Self.protocols(test)) }
    var kept = plain.filter { !isImplied($0, by: implied) }
    // `ip protocol` says of an IPv4 packet what `meta l4proto` says of any.
    let named = Set(kept.compactMap(Self.transport))
    kept.removeAll { test in
      guard case .match(let match) = test, case .field(.header) = match.subject else { return false }
      return isImplied(test, by: named)
    }
    return kept.map { (key: String(describing: $0), test: $0) }.sorted { $0.key < $1.key }.map(\.test)
  }

  /// The one transport protocol that a test of `meta l4proto` asks for.
  private static func transport(_ test: Statement) -> UInt128? {
    guard case .match(let match) = test, !match.negated, match.subject == .field(.meta(.l4proto)),
      case .values(let values) = match.values
    else { return nil }
    return values.single
  }

  /// Whether a test says only what the table's family or another test's header says.
  private func isImplied(_ test: Statement, by protocols: Set<UInt128>) -> Bool {
    guard case .match(let match) = test, !match.negated, case .field(let field) = match.subject,
      case .values(let values) = match.values, let value = values.single
    else { return false }
    switch field {
    case .meta(.l4proto): return protocols.contains(value)
    case .header(HeaderField(.ip, .protocol)), .header(HeaderField(.ip6, .nexthdr)):
      return (family == .ip || family == .ip6) && protocols.contains(value)
    case .meta(.nfproto): return (family == .ip && value == 2) || (family == .ip6 && value == 10)
    case .meta(.protocolType): return (family == .ip && value == 0x0800) || (family == .ip6 && value == 0x86dd)
    default: return false
    }
  }

  /// The transport protocols that a packet must have for the test to hold.
  private static func protocols(_ test: Statement) -> Set<UInt128> {
    switch test {
    case .match(let match): return match.whenAbsent ? [] : protocols(match.subject)
    case .anyOf(let matches):
      guard let first = matches.first, !first.whenAbsent else { return [] }
      return matches.dropFirst().reduce(protocols(first.subject)) { $0.intersection(protocols($1.subject)) }
    default: return []
    }
  }

  private static func protocols(_ expression: ValueExpression) -> Set<UInt128> {
    switch expression {
    case .field(.header(let field)): return field.header.protocolNumber.map { [$0] } ?? []
    case .field(.option(let option)): return option.kind == .tcp ? [6] : option.kind == .sctp ? [132] : []
    case .field, .constant, .anyOf, .masked, .generated: return []
    case .bitwise(let operand, _, _), .shift(let operand, _): return protocols(operand)
    case .combine(_, let a, let b): return protocols(a).union(protocols(b))
    case .concatenation(let parts): return parts.reduce(into: []) { $0.formUnion(protocols($1)) }
    case .map(let key, _): return protocols(key)
    }
  }

  /// A test in its plainest form: "shares a bit with a mask" of a field that holds one bit is "is one of these bits".
  private static func plain(_ test: Statement) -> Statement {
    guard case .match(let match) = test else {
      if case .anyOf(let matches) = test {
        return .anyOf(matches.sorted { String(describing: $0) < String(describing: $1) })
      }
      return test
    }
    var copy = match
    if case .bitwise(_, let mask, 0) = match.subject, mask.nonzeroBitCount == 1, match.values == .values(ValueSet(mask))
    {
      // A single bit that is set is a bit that is not zero.
      copy.values = .values(ValueSet(0))
      copy.negated = !match.negated
    }
    if case .bitwise(.field(.conntrack(let field)), let mask, 0) = copy.subject, field.key == .state,
      copy.values == .values(ValueSet(0))
    {
      copy.subject = .field(.conntrack(field))
      copy.negated = !copy.negated
      copy.values = .values(
        ValueSet((0..<128).filter { mask >> UInt128($0) & 1 == 1 }.map { UInt128(1) << UInt128($0) }.map { $0...$0 }))
    }
    if case .concatenation(let parts) = copy.subject, parts.count == 1 { copy.subject = parts[0] }
    if !copy.negated, case .field(.header(let field)) = copy.subject, case .values(let values) = copy.values,
      values.intervals.count == 2
    {
      // All values of a field but one are not that one.
      let missing = ValueSet.bits(Field.header(field).width).subtracting(values)
      if missing.single != nil {
        copy.values = .values(missing)
        copy.negated = true
      }
    }
    return .match(copy)
  }
}

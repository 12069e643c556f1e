import RuleGraph
import RuleText

extension NftLowering {
  /// A comparison as a statement (nft(8), "RELATIONAL").
  ///
  /// Flags have two comparisons: written without an operator (`tcp flags syn`), or with `!`, a match tests whether a
  /// bit is shared; with `==` and `!=` it compares the whole value, of several flags all together
  /// (`expr_evaluate_relational` in nft's `evaluate.c`).
  func match(
    _ left: NftExpression, _ relation: NftRelation, _ right: NftExpression
  ) throws(NftProblem) -> Statement {
    do {
      return try plainMatch(left, relation, right)
    } catch {
      guard let match = try maskedMatch(left, relation, right) else { throw error }
      return match
    }
  }

  /// A comparison with values some of which the dump masks; nil when it is another one.
  private func maskedMatch(
    _ left: NftExpression, _ relation: NftRelation, _ right: NftExpression
  ) throws(NftProblem) -> Statement? {
    switch left {
    case .environment, .unknown: return nil
    default: break
    }
    let subject = try typed(left)
    guard relation == .implicit || relation == .equal || relation == .notEqual, subject.parts.count == 1,
      let part = subject.parts.first, let values = NftMasks.values(of: right, part)
    else { return nil }
    let known: MatchValues = values.masked.isEmpty ? .values(values.known) : .masked(values)
    return .match(Match(subject.expression, known, negated: relation == .notEqual))
  }

  private func plainMatch(
    _ left: NftExpression, _ relation: NftRelation, _ right: NftExpression
  ) throws(NftProblem) -> Statement {
    if case .environment(let kind, let arguments, let valueName) = left {
      return try environment(kind, arguments, valueName, relation, right)
    }
    if case .field(let field) = left {
      if let simple = try fieldMatch(field, relation, right) { return .match(simple) }
    }
    let subject = try typed(left, expected: keyTypes(ofMap: right))
    let negated = relation == .notEqual
    if case .reference(let name) = right {
      return .match(Match(subject.expression, .named(name), negated: negated))
    }
    if subject.parts.count > 1 {
      return .match(Match(subject.expression, .elements(try elements(right, subject.parts)), negated: negated))
    }
    if case .set(let elements) = right, elements.contains(where: Self.needsElement) {
      return .match(Match(subject.expression, .elements(try self.elements(right, subject.parts)), negated: negated))
    }
    let values = try NftValue.values(of: right, subject.type, bits: subject.bits)
    return .match(try compare(subject, relation, values))
  }

  /// Whether a set must keep its elements as they are: one stands for every other key or carries something.
  private static func needsElement(_ element: NftElement) -> Bool {
    element.key == .wildcard || element.comment != nil || !element.arguments.isEmpty
  }

  private func elements(_ right: NftExpression, _ parts: [NftPart]) throws(NftProblem) -> [SetElement] {
    guard case .set(let elements) = right else {
      return [try element(NftElement(right), key: parts, data: nil)]
    }
    var lowered: [SetElement] = []
    lowered.reserveCapacity(elements.count)
    for element in elements { lowered.append(try self.element(element, key: parts, data: nil)) }
    return lowered
  }

  /// A comparison of one computed value with constants.
  private func compare(
    _ subject: Typed, _ relation: NftRelation, _ values: ValueSet
  ) throws(NftProblem) -> Match {
    switch relation {
    case .noneOf:
      // nft refuses anything else (`negation can only be used with singleton bitmask values`).
      guard let mask = values.single, subject.type.isFlags else { throw NftProblem("flags behind !") }
      return Match(masked(subject, by: mask), .values(ValueSet(0)))
    case .less, .greater, .lessOrEqual, .greaterOrEqual:
      return Match(subject.expression, .values(Self.order(relation, values, subject.type, bits: subject.bits)))
    case .implicit, .equal, .notEqual: break
    }
    var negated = relation == .notEqual
    if case .bitwise(let operand, let and, 0) = subject.expression, values.single != nil, let bit = values.single {
      if operand == .field(.conntrack(ConntrackField(.state))) {
        // A state is one bit: sharing a bit with a mask is being one of its bits.
        if bit == 0 { return Match(operand, .values(Self.bits(of: and)), negated: !negated) }
        if bit & (bit - 1) == 0, bit & and == bit { return Match(operand, .values(ValueSet(bit)), negated: negated) }
      }
      if bit == and, bit != 0, bit & (bit - 1) == 0 {
        // Of one bit, being set and sharing are the same.
        negated.toggle()
        return Match(subject.expression, .values(ValueSet(0)), negated: negated)
      }
    }
    return Match(subject.expression, .values(values), negated: negated)
  }

  private func masked(_ subject: Typed, by mask: UInt128) -> ValueExpression {
    .bitwise(subject.expression, and: mask, xor: 0)
  }

  /// The values on one side of a bound.
  private static func order(_ relation: NftRelation, _ bound: ValueSet, _ type: NftType, bits: Int) -> ValueSet {
    let (lowest, highest): (UInt128, UInt128) =
      type == .ipv4Address
      ? (IPAddress.ipv4Base, IPAddress.ipv4Base | 0xffff_ffff) : (0, NftPart(type, bits).maximum)
    guard let low = bound.first, let high = bound.intervals.last?.upperBound else { return .empty }
    switch relation {
    case .less: return low > lowest ? ValueSet(lowest...min(low - 1, highest)) : .empty
    case .lessOrEqual: return high >= lowest ? ValueSet(lowest...min(high, highest)) : .empty
    case .greater: return high < highest ? ValueSet(max(high + 1, lowest)...highest) : .empty
    default: return low <= highest ? ValueSet(max(low, lowest)...highest) : .empty
    }
  }

  /// The bits of a mask as single values.
  static func bits(of mask: UInt128) -> ValueSet {
    ValueSet(
      (0..<128).filter { mask >> UInt128($0) & 1 == 1 }.map {
        (UInt128(1) << UInt128($0))...(UInt128(1) << UInt128($0))
      })
  }
}

// MARK: - Fields with a comparison of their own

extension NftLowering {
  /// Flags, interface indexes and presence; nil when the general form serves.
  private func fieldMatch(
    _ field: NftField, _ relation: NftRelation, _ right: NftExpression
  ) throws(NftProblem) -> Match? {
    if field.type.isFlags { return try flagMatch(field, relation, right) }
    switch field.field {
    case .meta(.iif), .meta(.oif), .meta(.sdif):
      guard relation == .implicit || relation == .equal || relation == .notEqual, !Self.isReference(right) else {
        return nil
      }
      let values = try NftValue.values(of: right, .interfaceIndex, bits: 32)
      let byNumber = values.intervals.allSatisfy { $0.upperBound <= 0xffff_ffff }
      return Match(byNumber ? field.field : Self.named(field.field), in: values, negated: relation == .notEqual)
    case .fib(let fib) where fib.result == .oif || fib.result == .oifname || fib.result == .check:
      if let match = try routeExists(fib, relation, right) { return match }
      return try routeIndex(fib, relation, right)
    default: return nil
    }
  }

  /// `fib saddr oif 7`: an interface whose name nft could not tell; nil where it printed a name.
  private func routeIndex(_ fib: FibField, _ relation: NftRelation, _ right: NftExpression) throws(NftProblem) -> Match?
  {
    guard fib.result == .oif, relation == .implicit || relation == .equal || relation == .notEqual,
      !Self.isReference(right)
    else { return nil }
    let values = try NftValue.values(of: right, .interfaceIndex, bits: 32)
    guard values.intervals.allSatisfy({ $0.upperBound <= 0xffff_ffff }) else { return nil }
    return Match(.fib(fib), in: values, negated: relation == .notEqual)
  }

  private static func isReference(_ expression: NftExpression) -> Bool {
    if case .reference = expression { return true }
    return false
  }

  private func flagMatch(
    _ field: NftField, _ relation: NftRelation, _ right: NftExpression
  ) throws(NftProblem) -> Match? {
    switch right {
    case .set, .reference: return nil
    default: break
    }
    guard relation == .implicit || relation == .noneOf else { return nil }
    let mask = try NftValue.single(right, field.type, bits: field.bits)
    if field.field == .conntrack(ConntrackField(.state)) {
      return Match(field.field, in: Self.bits(of: mask), negated: relation == .noneOf)
    }
    return Match(field.field, anyBitOf: mask, negated: relation == .noneOf)
  }

  /// `fib saddr . iif oif missing`, `… oif 0` and `… check missing` ask the same: is there a route?
  private func routeExists(_ fib: FibField, _ relation: NftRelation, _ right: NftExpression) throws(NftProblem)
    -> Match?
  {
    guard relation == .implicit || relation == .equal || relation == .notEqual else { return nil }
    var exists: Bool?
    switch right {
    case .presence(let present): exists = present
    case .number(0): exists = false
    case .number(1) where fib.result == .check: exists = true
    case .word("0") where fib.result != .oifname: exists = false
    case .word("1") where fib.result == .check: exists = true
    default: break
    }
    guard var exists else { return nil }
    if relation == .notEqual { exists.toggle() }
    var check = fib
    check.result = .check
    return Match(.fib(check), in: ValueSet(exists ? 1 : 0))
  }

  /// A comparison whose truth a dump cannot hold because the values are no numbers.
  private func environment(
    _ kind: EnvironmentCondition.Kind, _ arguments: [Argument], _ valueName: String, _ relation: NftRelation,
    _ right: NftExpression
  ) throws(NftProblem) -> Statement {
    guard relation == .implicit || relation == .equal || relation == .notEqual else {
      throw NftProblem("an order of \(kind.rawValue)")
    }
    let texts: [String]
    switch right {
    case .word(let word): texts = [word]
    case .number(let number): texts = [String(number)]
    case .presence(let present): texts = [present ? "exists" : "missing"]
    case .reference(let name): texts = ["@" + name]
    case .set(let elements):
      texts = elements.compactMap { if case .word(let word) = $0.key { word } else { nil } }
      guard texts.count == elements.count else { throw NftProblem("a set of \(kind.rawValue)") }
    default: throw NftProblem("a value of \(kind.rawValue)")
    }
    return .environment(
      EnvironmentCondition(
        kind, arguments + texts.map { Argument(valueName, $0) }, negated: relation == .notEqual))
  }
}

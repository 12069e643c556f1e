extension Statement {
  /// The values that the dump masks in the statement, as they are written.
  public var maskedValues: [MaskedValue] {
    switch self {
    case .match(let match): match.maskedValues
    case .anyOf(let matches): matches.first?.maskedValues ?? []
    case .verdictMap(let key, let map): key.maskedValues + map.maskedValues
    case .translate(let translation):
      (translation.address?.maskedValues ?? []) + (translation.port?.maskedValues ?? [])
    case .assign(let assignment): assignment.value.maskedValues
    case .updateSet(let update): update.key.maskedValues + (update.data?.maskedValues ?? [])
    case .environment, .opaqueMatch, .hiddenInterfaces, .verdict, .notrack, .effect, .opaqueTarget, .missingRules: []
    }
  }
}

extension Rule {
  /// The values that the dump masks in the rule, in the order of the statements.
  public var maskedValues: [MaskedValue] {
    // Nearly all rules are made of matches of fields with values.
    guard statements.contains(where: \.mayHoldMaskedValue) else { return [] }
    return statements.flatMap(\.maskedValues)
  }
}

extension Statement {
  /// Whether a look at the statement's parts is needed to tell whether one is masked.
  public var mayHoldMaskedValue: Bool {
    switch self {
    case .match(let match):
      if case .field = match.subject, case .values = match.values { false } else { true }
    case .verdict, .effect, .environment, .opaqueMatch, .hiddenInterfaces, .notrack, .opaqueTarget, .missingRules:
      false
    case .anyOf, .verdictMap, .translate, .assign, .updateSet: true
    }
  }
}

extension Match {
  fileprivate var maskedValues: [MaskedValue] {
    switch values {
    case .masked(let values): subject.maskedValues + values.masked
    case .elements(let elements): subject.maskedValues + elements.flatMap(\.maskedValues)
    case .values, .named, .ipset, .ipsetExceptions: subject.maskedValues
    }
  }
}

extension ValueExpression {
  fileprivate var maskedValues: [MaskedValue] {
    switch self {
    case .field, .constant, .anyOf, .generated: []
    case .masked(let value): [value]
    case .bitwise(let operand, _, _), .shift(let operand, _): operand.maskedValues
    case .combine(_, let a, let b): a.maskedValues + b.maskedValues
    case .concatenation(let parts): parts.flatMap(\.maskedValues)
    case .map(let key, let map): key.maskedValues + map.maskedValues
    }
  }
}

extension MapReference {
  fileprivate var maskedValues: [MaskedValue] {
    if case .anonymous(let elements) = self { elements.flatMap(\.maskedValues) } else { [] }
  }
}

extension SetElement {
  /// The values that the dump masks in the element.
  public var maskedValues: [MaskedValue] {
    var found = masks.filter { !$0.isKnown }
    if case .masked(let parts)? = data { found += parts.filter { !$0.isKnown } }
    return found
  }
}

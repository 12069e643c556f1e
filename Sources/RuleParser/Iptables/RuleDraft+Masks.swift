import RuleGraph

/// Values of a rule that the dump masks. All of it is asked only where the text is no value.
extension RuleDraft {
  /// What a text with a mask in it tells; a masked value is noted, so that the reader can say where it stands.
  mutating func masked(_ range: Range<Int>, _ kind: MaskedText.Kind) -> MaskedText.Reading? {
    guard !range.isEmpty, let reading = MaskedText.read(Array(bytes[range]), kind) else { return nil }
    if case .masked = reading { maskedRanges.append(range) }
    return reading
  }

  /// A masked value that a target gives.
  mutating func maskedExpression(_ range: Range<Int>, _ kind: MaskedText.Kind) -> ValueExpression? {
    switch masked(range, kind) {
    case .known(let values)?: TranslationFlags.expression(values)
    case .masked(let value)?: .masked(value)
    case nil: nil
    }
  }

  /// Adds a test of a field against a masked value. False when nothing is masked.
  mutating func match(
    _ field: Field, masked range: Range<Int>, _ kind: MaskedText.Kind, negated: Bool = false, whenAbsent: Bool = false
  ) -> Bool {
    switch masked(range, kind) {
    case .known(let values)?: match(field, values, negated: negated, whenAbsent: whenAbsent)
    case .masked(let value)?:
      statements.append(
        .match(Match(.field(field), .masked(MaskedValues([value])), negated: negated, whenAbsent: whenAbsent)))
    case nil: return false
    }
    return true
  }

  /// The values of a list of ports of which some are masked; nil when one is neither a port nor masked.
  mutating func maskedPorts(_ range: Range<Int>) -> MaskedValues? {
    var values = MaskedValues([])
    for part in list(range) {
      if let ports = ports(part) {
        values.known = values.known.union(ValueSet(ports))
        continue
      }
      switch masked(part, .number(bits: 16)) {
      case .known(let ports)?: values.known = values.known.union(ports)
      case .masked(let value)?: values.masked.append(value)
      case nil: return nil
      }
    }
    return values.masked.isEmpty ? nil : values
  }

  /// Adds a test of an interface: by its name, the beginning of names, or a masked name. False when it is none of
  /// these.
  mutating func matchInterface(_ key: MetaKey, _ range: Range<Int>, negated: Bool, whenAbsent: Bool = false) -> Bool {
    if MaskedName.mayBeMasked(bytes[range]),
      match(.meta(key), masked: range, .interface, negated: negated, whenAbsent: whenAbsent)
    {
      return true
    }
    guard let names = interface(range) else { return false }
    // A bare `+` says nothing, unless it is negated.
    if !names.isEmpty, names != .all || negated {
      match(.meta(key), names, negated: negated, whenAbsent: whenAbsent)
    }
    return true
  }
}

extension Diagnostic {
  /// Says where a value is masked.
  static func masked(_ text: String, span: SourceSpan?, column: Int?) -> Diagnostic {
    Diagnostic(
      "masked-value", .note, "\(text) is masked in the dump: where it matters, the answer depends on it", span: span,
      column: column)
  }
}

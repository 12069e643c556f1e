package import RuleGraph

/// Matches in nft's words, as they stand within a sentence: `tcp dport != 80`.
package enum NftWords {
  package static func match(_ match: Match) -> String {
    let name = subject(match.subject)
    let sign = match.negated ? " != " : " "
    switch match.values {
    case .values(let values):
      if case .field(let field) = match.subject { return name + sign + field.text(of: values) }
      return name + (match.negated ? " != " : " == ") + ValueWords.numbers(values)
    case .masked(let values):
      let texts = (values.known.isEmpty ? [] : [ValueWords.numbers(values.known)]) + values.masked.map(\.text)
      return name + sign + texts.joined(separator: ", ")
    case .named(let set), .ipset(let set): return name + sign + "@" + set
    case .ipsetExceptions(let set): return name + sign + "an exception of @" + set
    case .elements(let elements): return name + sign + "one of \(elements.count) elements"
    }
  }

  /// What a match looks at: `ip saddr . tcp dport`.
  package static func subject(_ expression: ValueExpression) -> String {
    switch expression {
    case .field(let field): return field.text
    case .constant(let value): return "\(value)"
    case .bitwise(let inner, let and, let xor):
      return subject(inner) + " & 0x" + String(and, radix: 16) + (xor == 0 ? "" : " ^ 0x" + String(xor, radix: 16))
    case .shift(let inner, let left): return "\(subject(inner)) \(left >= 0 ? "<<" : ">>") \(abs(left))"
    case .combine(let operation, let a, let b): return "\(subject(a)) \(operation.rawValue) \(subject(b))"
    case .concatenation(let parts): return parts.map(subject).joined(separator: " . ")
    case .map(let key, _): return "\(subject(key)) map"
    case .generated(let generator): return self.generator(generator)
    case .anyOf(let values): return ValueWords.numbers(values)
    case .masked(let value): return value.text
    }
  }

  /// A number that the kernel makes up: `numgen inc mod 2`.
  package static func generator(_ generator: Generator) -> String {
    let modulus = generator.arguments.first { $0.name == "mod" }?.value
    return modulus.map { "\(generator.name) mod \($0)" } ?? generator.name
  }
}

import RuleGraph

/// Expressions of the graph as texts that say everything: equal texts mean equal expressions.
enum GraphWords {
  static func expression(_ expression: ValueExpression) -> String {
    let kind = expression.field?.valueKind ?? .number
    switch expression {
    case .field(let field): return field.text
    case .constant(let value): return ValueSet.text(value, as: kind)
    case .masked(let value): return value.text
    case .anyOf(let values): return "{\(values.pieces(as: kind).joined(separator: ", "))}"
    case .bitwise(let operand, let and, let xor):
      return "(\(self.expression(operand)) & 0x\(String(and, radix: 16)) ^ 0x\(String(xor, radix: 16)))"
    case .shift(let operand, let left): return "(\(self.expression(operand)) << \(left))"
    case .combine(let operation, let a, let b):
      return "(\(self.expression(a)) \(operation.rawValue) \(self.expression(b)))"
    case .concatenation(let parts): return parts.map(self.expression).joined(separator: " . ")
    case .map(let key, .named(let name)): return "\(self.expression(key)) map @\(name)"
    case .map(let key, .ipset(let name)): return "\(self.expression(key)) map ipset \(name)"
    case .map(let key, .anonymous(let elements)):
      return "\(self.expression(key)) map {\(elements.map { element($0, of: key) }.joined(separator: ", "))}"
    case .generated(let generator):
      let arguments = generator.arguments.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
      return "\(generator.name) \(generator.inputs.map(self.expression).joined(separator: " . ")) \(arguments)"
    }
  }

  /// The value that an assignment or a translation gives, written as its field's values are.
  static func value(_ expression: ValueExpression, as field: Field) -> String {
    switch expression {
    case .constant(let value): ValueSet.text(value, as: field.valueKind)
    case .anyOf(let values): values.pieces(as: field.valueKind).joined(separator: ", ")
    default: self.expression(expression)
    }
  }

  static func match(_ match: Match) -> String {
    let relation = match.negated ? "not in" : "in"
    let absent = match.whenAbsent ? " or absent" : ""
    return "\(expression(match.subject)) \(relation) \(values(of: match).joined(separator: ", "))\(absent)"
  }

  /// The values of a match one by one; a named set as `@name`.
  static func values(of match: Match) -> [String] {
    switch match.values {
    case .values(let values): values.pieces(as: match.subject.field?.valueKind ?? .number)
    case .masked(let values):
      values.known.pieces(as: match.subject.field?.valueKind ?? .number) + values.masked.map(\.text)
    case .elements(let elements): elements.map { element($0, of: match.subject) }
    case .named(let name): ["@\(name)"]
    case .ipset(let name): ["ipset \(name)"]
    case .ipsetExceptions(let name): ["exceptions of ipset \(name)"]
    }
  }

  /// An element of a set or map, its key written as the parts of the expression that is looked up.
  static func element(_ element: SetElement, of key: ValueExpression?) -> String {
    let parts: [ValueExpression?] =
      switch key {
      case .concatenation(let parts)?: parts
      default: [key]
      }
    var text = element.isCatchAll ? "*" : ""
    if !element.masks.isEmpty {
      text = element.masks.map(masked).joined(separator: " . ")
    } else if !element.isCatchAll {
      text = element.key.enumerated().map { index, values in
        let kind = index < parts.count ? parts[index]?.field?.valueKind : nil
        return values.pieces(as: kind ?? ExpressionWords.guess(values)).joined(separator: "|")
      }.joined(separator: " . ")
    }
    if element.nomatch { text += " nomatch" }
    if let member = element.member { text += member }
    switch element.data {
    case .verdict(let verdict): text += " : \(VerdictWords.text(verdict))"
    case .values(let values):
      text +=
        " : " + values.map { $0.pieces(as: ExpressionWords.guess($0)).joined(separator: "|") }.joined(separator: " . ")
    case .masked(let values): text += " : " + values.map(masked).joined(separator: " . ")
    case nil: break
    }
    return text
  }

  /// A part of a key or of a map's data that may be masked.
  private static func masked(_ value: MaskedValue) -> String {
    value.isKnown
      ? value.possible.pieces(as: ExpressionWords.guess(value.possible)).joined(separator: "|") : value.text
  }
}

import RuleGraph

/// A rule in few words: its conditions one by one, and what it does.
///
/// The words are the same for both dialects, because they are made from the graph: `in any but docker0`, `to
/// 172.17.0.2`, `tcp dport 8080`.
struct RuleWords {
  /// The conditions, in the order of the rule; empty when the rule matches everything.
  var conditions: [String] = []
  /// What the rule does to a packet that matches, each with its object: `jump DOCKER`, `DNAT to 172.17.0.2:8080`.
  var actions: [String] = []

  /// Puts a rule into words.
  init(_ rule: Rule) {
    for statement in rule.statements { add(statement, of: rule) }
  }

  /// All conditions in one line; `everything` when there are none.
  var conditionText: String { conditions.isEmpty ? "everything" : conditions.joined(separator: ", ") }

  /// All actions in one line; `nothing` for a rule that only counts.
  var actionText: String { actions.isEmpty ? "nothing" : actions.joined(separator: ", ") }

  private mutating func add(_ statement: Statement, of rule: Rule) {
    switch statement {
    case .match(let match):
      if RuleWords.isImplied(match, in: rule) { return }
      conditions.append(MatchWords.text(match))
    case .anyOf(let matches): conditions.append(matches.map(MatchWords.text).joined(separator: " or "))
    case .environment(let condition): conditions.append(EffectWords.text(condition))
    case .opaqueMatch(let opaque): conditions.append(text(opaque))
    case .hiddenInterfaces: conditions.append("(interfaces not shown)")
    case .verdict(let verdict): actions.append(VerdictWords.text(verdict))
    case .verdictMap(let key, let map):
      conditions.append("\(ExpressionWords.text(key)) in \(ExpressionWords.text(map))")
      actions.append("verdict of the map")
    case .translate(let translation): actions.append(VerdictWords.text(translation))
    case .assign(let assignment):
      actions.append("set \(assignment.field.text) to \(ExpressionWords.text(assignment.value, as: assignment.field))")
    case .notrack: actions.append("NOTRACK")
    case .updateSet(let update):
      actions.append("\(update.operation.rawValue) \(ExpressionWords.text(update.key)) in set \(update.set)")
      conditions += update.conditions.map(EffectWords.text)
    case .effect(let effect): if let text = EffectWords.text(effect) { actions.append(text) }
    case .opaqueTarget(let opaque): actions.append(text(opaque))
    case .missingRules(let missing): actions.append(MissingWords.text(missing))
    }
  }

  private func text(_ opaque: Opaque) -> String {
    if !opaque.text.isEmpty { return "(not understood: \(opaque.text))" }
    return opaque.lost == nil ? "(the options of \(opaque.name) are not shown)" : "(\(opaque.name) is not shown)"
  }

  /// Whether another match of the rule already says this one: `l4proto tcp` beside `tcp dport 80`.
  private static func isImplied(_ match: Match, in rule: Rule) -> Bool {
    guard match.subject == .field(.meta(.l4proto)), !match.negated, case .values(let values) = match.values,
      let number = values.single
    else { return false }
    return rule.statements.contains { other in
      switch other {
      case .match(let other): other.subject.header?.protocolNumber == number
      case .anyOf(let others): others.contains { $0.subject.header?.protocolNumber == number }
      default: false
      }
    }
  }
}

extension ValueExpression {
  /// The header that the expression reads, when it reads one field.
  var header: Header? {
    if case .header(let field)? = field { return field.header }
    return nil
  }

  /// The field that the expression reads, when it reads just one.
  var field: Field? {
    switch self {
    case .field(let field): field
    case .bitwise(let inner, _, _), .shift(let inner, _): inner.field
    default: nil
    }
  }
}

/// A match in words.
enum MatchWords {
  static func text(_ match: Match) -> String {
    switch match.values {
    case .values(let values): text(match, values)
    case .masked(let values): text(match, values)
    case .elements(let elements):
      "\(ExpressionWords.text(match.subject)) \(match.negated ? "not in" : "in") \(ExpressionWords.text(elements))"
    case .named(let name): "\(ExpressionWords.text(match.subject)) \(match.negated ? "not in" : "in") set \(name)"
    case .ipset(let name): "\(ExpressionWords.text(match.subject)) \(match.negated ? "not in" : "in") ipset \(name)"
    case .ipsetExceptions(let name):
      "\(ExpressionWords.text(match.subject)) \(match.negated ? "not among" : "among") the exceptions of ipset \(name)"
    }
  }

  /// The texts that stand in the place of masked values, as they are written: `from x.x.x.62`.
  private static func text(_ match: Match, _ values: MaskedValues) -> String {
    let kind = match.subject.field?.valueKind ?? .number
    let texts = (values.known.isEmpty ? [] : [values.known.text(as: kind)]) + values.masked.map(\.text)
    return "\(ExpressionWords.text(match.subject)) \(match.negated ? "any but " : "")\(texts.joined(separator: ", "))"
  }

  private static func text(_ match: Match, _ values: ValueSet) -> String {
    switch match.subject {
    case .field(let field): return text(field, values, negated: match.negated)
    case .bitwise(.field(let field), let mask, 0):
      // A bit of a mask: `(field & mask) != 0`.
      if values == ValueSet(0), match.negated {
        return "\(label(field)) \([String](bitsOf: mask, as: field.valueKind).joined(separator: " or "))"
      }
      let kind = field.valueKind
      let wanted = values.text(as: kind, in: .all)
      let maskText = ValueSet.text(mask, as: kind)
      return "\(label(field)) \(match.negated ? "not " : "")\(wanted) of \(maskText)"
    default:
      let kind = match.subject.field?.valueKind ?? .number
      return
        "\(ExpressionWords.text(match.subject)) \(match.negated ? "is not" : "is") \(values.text(as: kind, in: .all))"
    }
  }

  private static func text(_ field: Field, _ values: ValueSet, negated: Bool) -> String {
    let inside = negated ? field.universe.subtracting(values) : values
    // `any but X` reads better than the two ranges around X, and is how the rule was written.
    let words = negated ? "any but \(values.text(as: field.valueKind, in: field.universe))" : field.text(of: inside)
    switch field {
    case .fib(let fib) where fib.result == .type:
      let article = words.first.map { "aeiou".contains($0) } == true ? "an" : "a"
      return "\(fib.ofDestination ? "to" : "from") \(negated ? words : "\(article) \(words)") address"
    default: return "\(label(field)) \(words)"
    }
  }

  /// How a field is called in a rule's words.
  static func label(_ field: Field) -> String {
    switch field {
    case .meta(.iifname): "in"
    case .meta(.oifname): "out"
    case .meta(.physicalIn): "in through port"
    case .meta(.physicalOut): "out through port"
    case .meta(.l4proto): "protocol"
    case .meta(.mark): "mark"
    case .meta(.skuid): "sender's uid"
    case .meta(.skgid): "sender's gid"
    case .meta(.length): "length"
    case .header(let field) where (field.header == .ip || field.header == .ip6) && field.name == .saddr: "from"
    case .header(let field) where (field.header == .ip || field.header == .ip6) && field.name == .daddr: "to"
    case .header(let field) where field.header == .th: String(field.name.rawValue)
    case .conntrack(let field) where field.key == .state || field.key == .stateOrTranslation: "state"
    default: field.text
    }
  }
}

extension [String] {
  /// The bits of a mask, each in words.
  init(bitsOf mask: UInt128, as kind: ValueKind) {
    self = (0..<128).compactMap {
      mask >> UInt128($0) & 1 == 1 ? ValueSet.text(UInt128(1) << UInt128($0), as: kind) : nil
    }
  }
}

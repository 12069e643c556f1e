import RuleGraph

/// Expressions and the sets and maps that they are looked up in, in nft's words.
enum ExpressionWords {
  /// An expression; `field` says what its numbers stand for where it does not read a field itself.
  static func text(_ expression: ValueExpression, as field: Field? = nil) -> String {
    let kind = field?.valueKind ?? expression.field?.valueKind ?? .number
    switch expression {
    case .field(let field): return MatchWords.label(field)
    case .constant(let value): return ValueSet.text(value, as: kind)
    case .anyOf(let values): return values.text(as: kind)
    case .masked(let value): return value.text
    case .bitwise(let operand, let mask, let xor):
      let inner = text(operand)
      let masked = mask == .max ? inner : "\(inner) & 0x\(String(mask, radix: 16))"
      return xor == 0 ? masked : "(\(masked)) ^ 0x\(String(xor, radix: 16))"
    case .shift(let operand, let left): return left < 0 ? "\(text(operand)) >> \(-left)" : "\(text(operand)) << \(left)"
    case .combine(let operation, let a, let b): return "\(text(a)) \(operation.rawValue) \(text(b))"
    case .concatenation(let parts): return parts.map { text($0) }.joined(separator: " . ")
    case .map(let key, let map): return "\(text(key)) map \(text(map, as: field))"
    case .generated(let generator): return generator.name
    }
  }

  /// A map by its name, or its elements.
  static func text(_ map: MapReference, as field: Field? = nil) -> String {
    switch map {
    case .named(let name): "map \(name)"
    case .anonymous(let elements): text(elements, as: field)
    case .ipset(let name): "ipset \(name)"
    }
  }

  /// The elements of a set or map in braces, the first eight.
  static func text(_ elements: [SetElement], as field: Field? = nil) -> String {
    let shown = elements.prefix(8).map { element -> String in
      let key = element.isCatchAll ? "*" : self.key(element)
      switch element.data {
      case .verdict(let verdict): return "\(key): \(VerdictWords.text(verdict))"
      case .values(let values):
        return "\(key): \(values.map { $0.text(as: field?.valueKind ?? guess($0)) }.joined(separator: " . "))"
      case .masked(let values): return "\(key): \(values.map { text($0) }.joined(separator: " . "))"
      case nil: return (element.nomatch ? "not " : "") + key
      }
    }
    let rest = elements.count > 8 ? ", and \(elements.count - 8) more" : ""
    return "{ " + shown.joined(separator: ", ") + rest + " }"
  }

  private static func key(_ element: SetElement) -> String {
    element.masks.isEmpty
      ? element.key.map { anyKind($0) }.joined(separator: " . ")
      : element.masks.map { text($0) }.joined(separator: " . ")
  }

  /// A masked value as the dump has it.
  private static func text(_ value: MaskedValue) -> String { value.isKnown ? anyKind(value.possible) : value.text }

  private static func anyKind(_ values: ValueSet) -> String { values.text(as: guess(values)) }

  /// What numbers without a field most likely stand for: a key's part does not say what it is compared with.
  static func guess(_ values: ValueSet) -> ValueKind {
    guard let low = values.first else { return .number }
    if low < 0x1_0000_0000 { return .number }
    if low >> 32 == 0xffff { return .address }
    return InterfaceName.pattern(of: low...low).map { isPrintable($0.text) } == true ? .name : .address
  }

  private static func isPrintable(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
  }
}

/// Verdicts and translations in words.
enum VerdictWords {
  static func text(_ verdict: Verdict) -> String {
    switch verdict {
    case .accept: "ACCEPT"
    case .drop: "DROP"
    case .return: "RETURN"
    case .continue: "continue"
    case .jump(let chain): "jump \(chain)"
    case .goto(let chain): "goto \(chain)"
    case .reject(let rejection): "REJECT with \(name(rejection))"
    case .queue(let queue):
      queue.numbers.count == 1
        ? "queue \(queue.numbers.lowerBound)" : "queue \(queue.numbers.lowerBound)-\(queue.numbers.upperBound)"
    case .forwardTo(let device): "forward to \(device)"
    case .synproxy: "SYN proxy"
    }
  }

  /// The answer of a reject as iptables names it; the form that each family has its own of keeps its common name.
  static func name(_ rejection: Rejection) -> String {
    guard case .icmpx(let code) = rejection else { return rejection.name(for: .ipv4) }
    let names: [UInt8: String] = [0: "no-route", 1: "port-unreachable", 2: "host-unreachable", 3: "admin-prohibited"]
    return names[code] ?? "icmpx code \(code)"
  }

  static func text(_ translation: Translation) -> String {
    var words = translation.kind.rawValue.uppercased()
    var target = ""
    if let address = translation.address {
      let text = ExpressionWords.text(address, as: .header(HeaderField(.ip, .daddr)))
      target = translation.port != nil && text.contains(":") && !text.contains(" ") ? "[\(text)]" : text
    }
    if let port = translation.port { target += ":" + ExpressionWords.text(port, as: .header(HeaderField(.th, .dport))) }
    if !target.isEmpty { words += " to " + target }
    return words
  }
}

/// Conditions that no dump can hold, and effects, in words.
enum EffectWords {
  static func text(_ condition: EnvironmentCondition) -> String {
    let arguments = words(condition.arguments)
    return (condition.negated ? "not " : "") + condition.kind.rawValue + (arguments.isEmpty ? "" : " " + arguments)
  }

  /// An effect, or nil for counting, which every rule does.
  static func text(_ effect: Effect) -> String? {
    if effect.kind == .counter || effect.kind == .lastUsed { return nil }
    let arguments = words(effect.arguments)
    let name = effect.kind == .log || effect.kind == .trace ? effect.kind.rawValue.uppercased() : effect.kind.rawValue
    return arguments.isEmpty ? name : name + " " + arguments
  }

  private static func words(_ arguments: [Argument]) -> String {
    arguments.map { $0.value.isEmpty ? $0.name : $0.name.isEmpty ? $0.value : "\($0.name) \($0.value)" }.joined(
      separator: " ")
  }
}

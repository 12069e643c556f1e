import RuleGraph

/// The words of the trace itself: values, fields and conditions as short text, in nft's terms.
enum Words {
  /// `172.17.0.2:8080`, or the address alone.
  static func endpoint(_ address: ValueSet?, _ port: ValueSet?, family: AddressFamily) -> String {
    let host = address.map { addresses($0, family: family) } ?? "?"
    guard let port, port != ValueSet(0...65535) else { return host }
    let bracketed = family == .ipv6 && host.contains(":") ? "[\(host)]" : host
    return "\(bracketed):\(numbers(port))"
  }

  /// Addresses as prefixes, ranges or single ones.
  static func addresses(_ values: ValueSet, family: AddressFamily) -> String {
    if values == family.allAddresses || values == .all { return "any address" }
    return list(values) { interval in
      let low = IPAddress(bits: interval.lowerBound)
      let high = IPAddress(bits: interval.upperBound)
      if low == high { return "\(low)" }
      let size = interval.upperBound - interval.lowerBound
      if size & (size + 1) == 0, interval.lowerBound & size == 0 {
        let length = low.family.addressBits - (128 - size.leadingZeroBitCount)
        return "\(low)/\(length)"
      }
      return "\(low)-\(high)"
    }
  }

  /// Numbers and ranges of them.
  static func numbers(_ values: ValueSet) -> String {
    list(values) { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
  }

  private static func list(_ values: ValueSet, _ one: (ClosedRange<UInt128>) -> String) -> String {
    if values.isEmpty { return "nothing" }
    let shown = values.intervals.prefix(6).map(one).joined(separator: ", ")
    return values.intervals.count > 6 ? "\(shown), and \(values.intervals.count - 6) more" : shown
  }

  /// The name of a transport protocol.
  static func transport(_ number: UInt128) -> String { Field.meta(.l4proto).text(of: ValueSet(number)) }

  /// A match in nft's words.
  static func match(_ match: Match) -> String {
    let name = subject(match.subject)
    let sign = match.negated ? " != " : " "
    switch match.values {
    case .values(let values):
      if case .field(let field) = match.subject { return name + sign + field.text(of: values) }
      return name + (match.negated ? " != " : " == ") + numbers(values)
    case .masked(let values):
      let texts = (values.known.isEmpty ? [] : [numbers(values.known)]) + values.masked.map(\.text)
      return name + sign + texts.joined(separator: ", ")
    case .named(let set), .ipset(let set): return name + sign + "@" + set
    case .ipsetExceptions(let set): return name + sign + "an exception of @" + set
    case .elements(let elements): return name + sign + "one of \(elements.count) elements"
    }
  }

  private static func subject(_ expression: Expression) -> String {
    switch expression {
    case .field(let field): return field.text
    case .constant(let value): return "\(value)"
    case .bitwise(let inner, let and, let xor):
      return subject(inner) + " & 0x" + String(and, radix: 16) + (xor == 0 ? "" : " ^ 0x" + String(xor, radix: 16))
    case .shift(let inner, let left): return "\(subject(inner)) \(left >= 0 ? "<<" : ">>") \(abs(left))"
    case .combine(let operation, let a, let b): return "\(subject(a)) \(operation.rawValue) \(subject(b))"
    case .concatenation(let parts): return parts.map(subject).joined(separator: " . ")
    case .map(let key, _): return "\(subject(key)) map"
    case .generated(let generator): return Words.generator(generator)
    case .anyOf(let values): return numbers(values)
    case .masked(let value): return value.text
    }
  }

  /// Whether a field's value is one that a dump masks.
  static func masked(_ expression: Expression, _ values: MaskedValues) -> (holds: String, fails: String) {
    let texts = values.masked.map(\.text).joined(separator: " or ")
    let name = subject(expression)
    return ("\(name) is the masked \(texts)", "\(name) is not the masked \(texts)")
  }

  /// A number that the kernel makes up: `numgen inc mod 2`.
  static func generator(_ generator: Generator) -> String {
    let modulus = generator.arguments.first { $0.name == "mod" }?.value
    return modulus.map { "\(generator.name) mod \($0)" } ?? generator.name
  }

  /// An environment condition in words, as it is when it holds or not.
  static func environment(_ condition: EnvironmentCondition, holds: Bool) -> String {
    let arguments = condition.arguments.map { $0.value.isEmpty ? $0.name : "\($0.name) \($0.value)" }.joined(
      separator: " ")
    let isTrue = holds != condition.negated
    func value(_ name: String) -> String? { condition.arguments.first { $0.name == name }?.value }
    switch condition.kind {
    case .limit, .hashlimit:
      let rate = value("rate").map { " of \($0)" } ?? (arguments.isEmpty ? "" : " (\(arguments))")
      return isTrue ? "the limit\(rate) isn't used up" : "the limit\(rate) is used up"
    case .quota: return isTrue ? "the quota (\(arguments)) isn't used up" : "the quota (\(arguments)) is used up"
    case .connlimit:
      return isTrue
        ? "the count of connections is as the rule wants (\(arguments))"
        : "the count of connections is not as the rule wants (\(arguments))"
    case .recent:
      return isTrue
        ? "the list of recent addresses fits (\(arguments))"
        : "the list of recent addresses does not fit (\(arguments))"
    case .statistic, .random:
      return isTrue ? "the draw or count fits (\(arguments))" : "the draw or count does not fit (\(arguments))"
    case .time:
      return isTrue
        ? "the time is as the rule wants (\(arguments))" : "the time is not as the rule wants (\(arguments))"
    case .socket: return isTrue ? "a socket for the packet exists" : "no socket for the packet exists"
    default:
      let name = "\(condition.kind.rawValue)\(arguments.isEmpty ? "" : " " + arguments)"
      return isTrue ? "\(name) holds" : "\(name) does not hold"
    }
  }
}

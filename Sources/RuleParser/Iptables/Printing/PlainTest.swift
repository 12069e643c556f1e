import RuleGraph

/// A test of one field, or of some of its bits, against numbers: the form that most options of iptables have.
struct PlainTest {
  /// The field.
  var field: Field
  /// The bits that are tested; nil for all.
  var mask: UInt128?
  /// The values.
  var values: ValueSet
  /// Whether the values are excluded.
  var negated: Bool
  /// What holds without the field.
  var whenAbsent: Bool

  /// Takes a statement apart; nil when it is another kind of statement.
  init?(_ statement: Statement?) {
    guard case .match(let match) = statement else { return nil }
    self.init(match)
  }

  /// Takes a match apart; nil when it computes more than a mask.
  init?(_ match: Match) {
    guard case .values(let values) = match.values else { return nil }
    switch match.subject {
    case .field(let field): self.field = field
    case .bitwise(.field(let field), let mask, 0):
      self.field = field
      self.mask = mask
    default: return nil
    }
    self.values = values
    negated = match.negated
    whenAbsent = match.whenAbsent
  }

  /// The header field, when it is one.
  var header: HeaderField? { if case .header(let header) = field { header } else { nil } }

  /// The key, when the field is one beside the packet.
  var meta: MetaKey? { if case .meta(let key) = field { key } else { nil } }

  /// The only interval of values.
  var interval: ClosedRange<UInt128>? { values.intervals.count == 1 ? values.intervals[0] : nil }

  /// `! ` when it is negated.
  var sign: String { negated ? "! " : "" }

  /// Whether it asks for any bit of a mask, and whether negated.
  var anyBit: (mask: UInt128, negated: Bool)? {
    guard let mask, values == ValueSet(0) else { return nil }
    return (mask, !negated)
  }

  /// `7` or `7:9`.
  static func text(_ interval: ClosedRange<UInt128>, _ separator: String = ":") -> String {
    interval.lowerBound == interval.upperBound
      ? "\(interval.lowerBound)" : "\(interval.lowerBound)\(separator)\(interval.upperBound)"
  }

  /// `0x1` or `0x1/0xff` of a single value.
  func hexadecimal(width: Int) -> String? {
    guard let value = values.single else { return nil }
    let text = "0x" + String(value, radix: 16)
    return mask.map { text + "/0x" + String($0, radix: 16) } ?? text
  }

  /// Spells the test as one option, unless it answers otherwise without the field than iptables would.
  func spelled(_ module: String, _ name: String, _ value: String, absent: Bool = false) -> SpelledStatement? {
    guard whenAbsent == absent else { return nil }
    return SpelledStatement(module: module, options: "\(sign)--\(name) \(value)", names: [name])
  }
}

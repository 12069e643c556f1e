import RuleGraph
import RuleText

/// Constants of nft's types that the dump masks. Asked only where ``NftValue`` does not understand a constant.
enum NftMasks {
  /// The values of a constant, or of a set of them, some of which are masked; nil where that does not explain why it
  /// can't be read.
  static func values(of expression: NftExpression, _ part: NftPart) -> MaskedValues? {
    guard case .set(let elements) = expression else {
      switch reading(of: expression, part) {
      case .known(let values)?: return MaskedValues(known: values, [])
      case .masked(let value)?: return MaskedValues([value])
      case nil: return nil
      }
    }
    var found = MaskedValues([])
    for element in elements {
      if let values = try? NftValue.values(of: element.key, part.type, bits: part.bits),
        !isMaskedName(element.key, part)
      {
        found.known = found.known.union(values)
        continue
      }
      guard element.data == nil, let inner = values(of: element.key, part) else { return nil }
      found.known = found.known.union(inner.known)
      found.masked += inner.masked
    }
    return found
  }

  /// The value of a constant that is masked.
  static func value(of expression: NftExpression, _ part: NftPart) -> MaskedValue? {
    switch reading(of: expression, part) {
    case .known(let values)?: MaskedValue(known: values)
    case .masked(let value)?: value
    case nil: nil
    }
  }

  /// The parts of a key or of data, each of which may be masked; nil where one is neither shown nor masked.
  static func parts(of expression: NftExpression, _ types: [NftPart]) -> [MaskedValue]? {
    let items: [NftExpression]
    if case .concatenation(let several) = expression { items = several } else { items = [expression] }
    var parts: [MaskedValue] = []
    for (index, item) in items.enumerated() {
      let part = index < types.count ? types[index] : NftPart(.invalid)
      if let values = try? NftValue.values(of: item, part.type, bits: part.bits) {
        parts.append(MaskedValue(known: values))
      } else if let value = value(of: item, part) {
        parts.append(value)
      } else {
        return nil
      }
    }
    return parts
  }

  /// The text where an expression stands for elements that were left out.
  static func elision(_ expression: NftExpression) -> String? {
    guard case .word(let text) = expression, MaskedText.isElision(text.utf8) else { return nil }
    return text
  }

  /// Whether a name is masked that could be an interface's own.
  static func isMaskedName(_ word: String) -> Bool {
    if word.utf8.first == UInt8(ascii: ".") { return MaskedText.isElision(word.utf8) }
    return MaskedName.mayBeMasked(word.utf8) && MaskedText.read(word, .interface) != nil
  }

  private static func isMaskedName(_ expression: NftExpression, _ part: NftPart) -> Bool {
    guard part.type == .ifname || part.type == .interfaceIndex, case .word(let word) = expression else { return false }
    return isMaskedName(word)
  }

  private static func reading(of expression: NftExpression, _ part: NftPart) -> MaskedText.Reading? {
    // A mask among flags could be any of them, or several.
    guard let kind = kind(part), let text = text(of: expression) else { return nil }
    if MaskedText.isElision(text.utf8) { return .masked(MaskedValue(text, within: kind.all)) }
    return MaskedText.read(text, kind)
  }

  private static func kind(_ part: NftPart) -> MaskedText.Kind? {
    switch part.type {
    case .ipv4Address: .address(.ipv4)
    case .ipv6Address: .address(.ipv6)
    case .etherAddress, .lladdr: .hardwareAddress
    case .ifname, .interfaceIndex: .interface
    case .invalid, .string: .anything
    case .verdict, .object, .boolean: nil
    default: part.type.isFlags ? nil : .number(bits: part.bits)
    }
  }

  /// A constant as it was written: `x.x.x.x/24`, `203.0.113.1-203.0.113.x`.
  static func text(of expression: NftExpression) -> String? {
    switch expression {
    case .word(let word): return word
    case .number(let number): return String(number)
    case .range(let low, let high):
      guard let low = text(of: low), let high = text(of: high) else { return nil }
      return "\(low)-\(high)"
    case .prefix(let address, let length): return text(of: address).map { "\($0)/\(length)" }
    default: return nil
    }
  }
}

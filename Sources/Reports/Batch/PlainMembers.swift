/// Finds the members of a line that is one plain object: texts, numbers and words without escapes.
struct PlainMembers {
  /// What a member of a question means for its class.
  enum Kind {
    /// The name of the question.
    case name
    /// An address or a number whose values have classes, with the number of the field.
    case address(UInt8)
    case number(UInt8)
    /// Something else of the packet, which every question of the class has in common.
    case harmless
    /// Who sends the packet.
    case sender
    /// Anything else.
    case other
  }

  private var place: Int
  private let end: Int

  init(_ line: Range<Int>) {
    place = line.lowerBound
    end = line.upperBound
  }

  // MARK: - The object

  mutating func takeBrace(_ bytes: Span<UInt8>) -> Bool { take(0x7b, bytes) }

  mutating func takeComma(_ bytes: Span<UInt8>) -> Bool { take(0x2c, bytes) }

  /// Takes the closing brace and the space that may stand behind it.
  mutating func takeEnd(_ bytes: Span<UInt8>) -> Bool {
    guard take(0x7d, bytes) else { return false }
    skipSpace(bytes)
    return place == end
  }

  /// Takes a key and its value; nil where they are not plain.
  mutating func takeMember(_ bytes: Span<UInt8>) -> (key: Range<Int>, value: Range<Int>)? {
    guard take(0x22, bytes), let key = takeText(bytes), take(0x3a, bytes), let value = takeValue(bytes) else {
      return nil
    }
    return (key, value)
  }

  private mutating func skipSpace(_ bytes: Span<UInt8>) {
    while place < end, bytes[place] == 0x20 || bytes[place] == 0x09 || bytes[place] == 0x0d { place += 1 }
  }

  /// Takes a byte and the space before it.
  private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
    skipSpace(bytes)
    guard place < end, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  /// Takes a text up to its closing quotation mark; nil of one with escapes.
  private mutating func takeText(_ bytes: Span<UInt8>) -> Range<Int>? {
    let start = place
    while place < end {
      let byte = bytes[place]
      place += 1
      if byte == 0x22 { return start..<place - 1 }
      if byte == 0x5c || byte < 0x20 { return nil }
    }
    return nil
  }

  /// Takes a text, a number or a word.
  private mutating func takeValue(_ bytes: Span<UInt8>) -> Range<Int>? {
    if take(0x22, bytes) { return takeText(bytes) }
    let start = place
    while place < end {
      switch bytes[place] {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e: place += 1
      default: return place > start ? start..<place : nil
      }
    }
    return nil
  }

  // MARK: - Keys and values

  /// What a key means; those of more than eight letters are known to be harmless or other ones.
  static func kind(of key: Range<Int>, _ bytes: Span<UInt8>) -> Kind {
    if key.count > 8 {
      let harmless: [StaticString] = ["tcp_flags", "icmp_type", "icmp_code"]
      return harmless.contains { isKey(key, $0, bytes) } ? .harmless : .other
    }
    // The letters of the key as the digits of one number: a key is known by one comparison.
    var letters: UInt64 = 0
    for place in key { letters = letters << 8 | UInt64(bytes[place]) }
    return switch letters {
    case 0x6964: .name  // id
    case 0x737263: .address(0)  // src
    case 0x647374: .address(1)  // dst
    case 0x73706f7274: .number(2)  // sport
    case 0x64706f7274: .number(3)  // dport
    case 0x6c656e677468: .number(4)  // length
    // proto, in, out, physin, mark, ttl, dscp, uid, gid, family
    case 0x70726f746f, 0x696e, 0x6f7574, 0x70687973696e, 0x6d61726b, 0x74746c, 0x64736370, 0x756964, 0x676964,
      0x66616d696c79:
      .harmless
    case 0x66726f6d: .sender  // from
    default: .other
    }
  }

  private static func isKey(_ key: Range<Int>, _ name: StaticString, _ bytes: Span<UInt8>) -> Bool {
    guard key.count == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { letters in
      for offset in 0..<key.count where unsafe bytes[key.lowerBound + offset] != letters[offset] { return false }
      return true
    }
  }

  /// Whether a name is a text that is printed as it stands, or a whole number.
  static func isPlainName(_ text: Range<Int>, _ bytes: Span<UInt8>) -> Bool {
    if bytes[text.lowerBound - 1] == 0x22 {
      for place in text where bytes[place] >= 0x7f { return false }
      return true
    }
    return number(text, through: .max, bytes) != nil
  }

  /// A port or a length where it is written as an answer writes it; nil of any other text, and of lists, ranges and names.
  static func shortNumber(_ text: Range<Int>, _ bytes: Span<UInt8>) -> UInt32? {
    text.count > 5 ? nil : number(text, through: 65535, bytes).map { UInt32(truncatingIfNeeded: $0) }
  }

  /// A whole number without zeros before it.
  private static func number(_ digits: Range<Int>, through maximum: UInt64, _ bytes: Span<UInt8>) -> UInt64? {
    if digits.isEmpty || bytes[digits.lowerBound] == 0x30 && digits.count > 1 { return nil }
    var number: UInt64 = 0
    for place in digits {
      let digit = bytes[place] &- 0x30
      if digit > 9 { return nil }
      number = number &* 10 &+ UInt64(digit)
    }
    return digits.count < 20 && number > maximum ? nil : number
  }

  /// An IPv4 address where it is written as an answer writes it: four numbers without zeros before them.
  static func address(_ text: Range<Int>, _ bytes: Span<UInt8>) -> UInt32? {
    guard text.count >= 7, text.count <= 15, bytes[text.lowerBound - 1] == 0x22 else { return nil }
    var address: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for place in text {
      if bytes[place] == 0x2e {
        guard digits > 0, dots < 3 else { return nil }
        address = address << 8 | part
        part = 0
        digits = 0
        dots += 1
      } else {
        let digit = UInt32(bytes[place] &- 0x30)
        guard digit <= 9, digits == 0 || part > 0 else { return nil }
        part = part * 10 + digit
        digits += 1
        if part > 255 { return nil }
      }
    }
    return dots == 3 && digits > 0 ? address << 8 | part : nil
  }
}

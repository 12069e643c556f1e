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

  mutating func takeBrace(_ bytes: Span<UInt8>) -> Bool { take(UInt8(ascii: "{"), bytes) }

  mutating func takeComma(_ bytes: Span<UInt8>) -> Bool { take(UInt8(ascii: ","), bytes) }

  /// Takes the closing brace and the space that may stand behind it.
  mutating func takeEnd(_ bytes: Span<UInt8>) -> Bool {
    guard take(UInt8(ascii: "}"), bytes) else { return false }
    skipSpace(bytes)
    return place == end
  }

  /// Takes a key and its value; nil where they are not plain.
  mutating func takeMember(_ bytes: Span<UInt8>) -> (key: Range<Int>, value: Range<Int>)? {
    guard take(UInt8(ascii: "\""), bytes), let key = takeText(bytes), take(UInt8(ascii: ":"), bytes),
      let value = takeValue(bytes)
    else {
      return nil
    }
    return (key, value)
  }

  private mutating func skipSpace(_ bytes: Span<UInt8>) {
    while place < end,
      bytes[place] == UInt8(ascii: " ") || bytes[place] == UInt8(ascii: "\t") || bytes[place] == UInt8(ascii: "\r")
    { place += 1 }
  }

  /// Takes a byte and the space before it.
  private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
    if place < end, bytes[place] == byte {
      place += 1
      return true
    }
    skipSpace(bytes)
    guard place < end, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  /// Takes a text up to its closing quotation mark; nil of one with escapes.
  private mutating func takeText(_ bytes: Span<UInt8>) -> Range<Int>? {
    let start = place
    while place < end {
      let word = Self.word(bytes, place)
      let stops =
        Self.zeros(word ^ 0x2222_2222_2222_2222) | Self.zeros(word ^ 0x5c5c_5c5c_5c5c_5c5c) | Self.controls(word)
      if stops == 0 {
        place += 8
        continue
      }
      place += stops.trailingZeroBitCount >> 3
      guard place < end, bytes[place] == UInt8(ascii: "\"") else { return nil }
      place += 1
      return start..<place - 1
    }
    return nil
  }

  /// Eight bytes from a place on, the first one the lowest; zeros stand behind the end of the text.
  private static func word(_ bytes: Span<UInt8>, _ place: Int) -> UInt64 {
    if place &+ 8 <= bytes.count {
      return unsafe UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
    var word: UInt64 = 0
    for offset in 0..<max(0, bytes.count - place) { word |= UInt64(bytes[place + offset]) << UInt64(offset * 8) }
    return word
  }

  /// The highest bit of each byte that is zero, and of each that is below 0x20; of both the lowest is told rightly
  /// ("Bit Twiddling Hacks", `haszero` and `hasless`).
  private static func zeros(_ word: UInt64) -> UInt64 {
    (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
  }

  private static func controls(_ word: UInt64) -> UInt64 {
    (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080
  }

  /// Takes a text, a number or a word.
  private mutating func takeValue(_ bytes: Span<UInt8>) -> Range<Int>? {
    if take(UInt8(ascii: "\""), bytes) { return takeText(bytes) }
    let start = place
    while place < end {
      switch bytes[place] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
        place += 1
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
    // The letters of the key as the digits of one number, the first the lowest: a key is known by one comparison.
    let letters = word(bytes, key.lowerBound) & (key.count == 8 ? .max : 1 << UInt64(key.count * 8) - 1)
    return switch letters {
    case 0x6469: .name  // id
    case 0x637273: .address(0)  // src
    case 0x747364: .address(1)  // dst
    case 0x74726f7073: .number(2)  // sport
    case 0x74726f7064: .number(3)  // dport
    case 0x6874676e656c: .number(4)  // length
    // proto, in, out, physin, mark, ttl, dscp, uid, gid, family
    case 0x6f746f7270, 0x6e69, 0x74756f, 0x6e6973796870, 0x6b72616d, 0x6c7474, 0x70637364, 0x646975, 0x646967,
      0x796c696d6166:
      .harmless
    case 0x6d6f7266: .sender  // from
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
    if bytes[text.lowerBound - 1] == UInt8(ascii: "\"") {
      // No byte from 0x7f on.
      var place = text.lowerBound
      while place < text.upperBound {
        let left = text.upperBound - place
        let word = word(bytes, place) & (left >= 8 ? .max : 1 << UInt64(left * 8) - 1)
        if (word | word &+ 0x0101_0101_0101_0101) & 0x8080_8080_8080_8080 != 0 { return false }
        place += 8
      }
      return true
    }
    return number(text, through: .max, bytes) != nil
  }

  /// A port or a length where it is written as an answer writes it; nil of any other text, and of lists, ranges and
  /// names.
  static func shortNumber(_ text: Range<Int>, _ bytes: Span<UInt8>) -> UInt32? {
    text.count > 5 ? nil : number(text, through: 65535, bytes).map { UInt32(truncatingIfNeeded: $0) }
  }

  /// A whole number without zeros before it.
  private static func number(_ digits: Range<Int>, through maximum: UInt64, _ bytes: Span<UInt8>) -> UInt64? {
    if digits.isEmpty || bytes[digits.lowerBound] == UInt8(ascii: "0") && digits.count > 1 { return nil }
    var number: UInt64 = 0
    for place in digits {
      let digit = bytes[place] &- UInt8(ascii: "0")
      if digit > 9 { return nil }
      number = number &* 10 &+ UInt64(digit)
    }
    return digits.count < 20 && number > maximum ? nil : number
  }

  /// An IPv4 address where it is written as an answer writes it: four numbers without zeros before them.
  static func address(_ text: Range<Int>, _ bytes: Span<UInt8>) -> UInt32? {
    guard text.count >= 7, text.count <= 15, bytes[text.lowerBound - 1] == UInt8(ascii: "\"") else { return nil }
    var address: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for place in text {
      if bytes[place] == UInt8(ascii: ".") {
        guard digits > 0, dots < 3 else { return nil }
        address = address << 8 | part
        part = 0
        digits = 0
        dots += 1
      } else {
        let digit = UInt32(bytes[place] &- UInt8(ascii: "0"))
        guard digit <= 9, digits == 0 || part > 0 else { return nil }
        part = part * 10 + digit
        digits += 1
        if part > 255 { return nil }
      }
    }
    return dots == 3 && digits > 0 ? address << 8 | part : nil
  }
}

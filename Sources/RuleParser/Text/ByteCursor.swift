/// A position in the bytes of a dump, with the few primitives that every reader is made of.
///
/// Each `eat…` either takes what it names and moves behind it, or takes nothing and says so. A cursor never leaves its
/// range.
struct ByteCursor {
  /// The bytes of the whole source; positions are offsets in it, so that spans need no conversion.
  let bytes: ByteView
  /// The position of the next byte.
  var at: Int
  /// The end of what may be read.
  let end: Int

  /// Makes a cursor over a range of a source's bytes; the range is cut to what exists.
  init(_ bytes: ByteView, _ range: Range<Int>) {
    self.bytes = bytes
    at = min(max(range.lowerBound, 0), bytes.count)
    end = min(max(range.upperBound, at), bytes.count)
  }

  /// Makes a cursor over all bytes.
  init(_ bytes: ByteView) { self.init(bytes, 0..<bytes.count) }

  /// Whether nothing is left.
  var isAtEnd: Bool { at >= end }

  /// The next byte, or nil at the end.
  var peek: UInt8? { at < end ? bytes[at] : nil }

  /// The byte a number of places ahead, or nil behind the end.
  func peek(ahead count: Int) -> UInt8? { at + count < end ? bytes[at + count] : nil }

  /// Takes one given byte.
  mutating func eat(_ byte: UInt8) -> Bool {
    guard at < end, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  /// Takes a given text.
  mutating func eat(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard end - at >= count, bytes.has(text, at: at) else { return false }
    at += count
    return true
  }

  /// Takes spaces and tabs; gives how many.
  @discardableResult
  mutating func eatBlanks() -> Int {
    let start = at
    while at < end, bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t") { at += 1 }
    return at - start
  }

  /// Takes bytes up to the next blank, or nothing when there is none left.
  mutating func eatWord() -> Range<Int>? {
    let start = at
    at = bytes.endOfWord(from: start, to: end)
    // Other control characters belong to the word.
    while at < end, bytes[at] != UInt8(ascii: " "), bytes[at] != UInt8(ascii: "\t"), bytes[at] != UInt8(ascii: "\n"),
      bytes[at] != UInt8(ascii: "\r")
    {
      at = bytes.endOfWord(from: at + 1, to: end)
    }
    return at > start ? start..<at : nil
  }

  /// Takes bytes as long as they satisfy a test.
  mutating func eat(while test: (UInt8) -> Bool) -> Range<Int> {
    let start = at
    while at < end, test(bytes[at]) { at += 1 }
    return start..<at
  }

  /// Takes a decimal number. Nothing is taken when there is no digit or the number does not fit 64 bits.
  mutating func eatDecimal() -> UInt64? {
    var value: UInt64 = 0
    var position = at
    while position < end, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[position] - UInt8(ascii: "0")))
      if overflow || carry { return nil }
      value = sum
      position += 1
    }
    guard position > at else { return nil }
    at = position
    return value
  }

  /// Takes a number as C writes it: decimal or `0x` and hexadecimal digits.
  mutating func eatNumber() -> UInt64? {
    guard peek == UInt8(ascii: "0"), let x = peek(ahead: 1), x == UInt8(ascii: "x") || x == UInt8(ascii: "X") else {
      return eatDecimal()
    }
    var value: UInt64 = 0
    var position = at + 2
    while position < end, let digit = bytes[position].hexDigitValue {
      guard value >> 60 == 0 else { return nil }
      value = value << 4 | UInt64(digit)
      position += 1
    }
    guard position > at + 2 else { return nil }
    at = position
    return value
  }

  /// The text of a range of the source.
  func text(_ range: Range<Int>) -> String { bytes.text(range) }

  /// Whether a range of the source is exactly this text.
  func range(_ range: Range<Int>, equals text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard range.count == count else { return false }
    return text.withUTF8Buffer { buffer in
      for index in 0..<count where unsafe buffer[index] != bytes[range.lowerBound + index] { return false }
      return true
    }
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit, or nil.
  var hexDigitValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

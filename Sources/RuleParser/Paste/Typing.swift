/// What word processors, mailers and blogs make of typed characters while they look at one line: a dash of two hyphens,
/// curly quotation marks.
struct Typing {
  /// Whether a second hyphen is still to be written.
  var owesDash = false
  /// Whether the line has a straight quotation mark open: what stands behind it is text, and stays as it is.
  private(set) var isInText = false
  private var before = UInt8(ascii: " ")

  /// Passes a byte that stays.
  mutating func pass(_ byte: UInt8) {
    if byte == UInt8(ascii: "\"") { isInText.toggle() }
    before = byte
  }

  /// Takes such a character and gives what was typed; nil of any other.
  ///
  /// `–dport` and `tcp – 0.0.0.0/0` were two hyphens, `–A` was one. In the middle of a word there was one too
  /// (`10.0.0.1–10.0.0.9`).
  mutating func replace(_ cursor: inout ByteCursor) -> UInt8? {
    guard cursor.peek == 0xe2 else { return nil }
    if cursor.eat("\u{201c}") || cursor.eat("\u{201d}") || cursor.eat("\u{201e}") || cursor.eat("\u{201f}") {
      // In a text with straight marks around it a curly one belongs to the text.
      before = UInt8(ascii: "\"")
      return isInText ? UInt8(ascii: "'") : UInt8(ascii: "\"")
    }
    if cursor.eat("\u{2018}") || cursor.eat("\u{2019}") { return UInt8(ascii: "'") }
    if cursor.eat("\u{2010}") || cursor.eat("\u{2011}") || cursor.eat("\u{2212}") { return UInt8(ascii: "-") }
    let start = cursor.at
    guard !isInText, cursor.eat("\u{2013}") || cursor.eat("\u{2014}") else {
      cursor.at = start
      return nil
    }
    let isFirst = before <= UInt8(ascii: " ") || before == UInt8(ascii: "!")
    let isOption =
      (cursor.peek.map { $0 > UInt8(ascii: "@") } ?? false)
      && (cursor.peek(ahead: 1).map { $0 <= UInt8(ascii: " ") } ?? true)
    owesDash = isFirst && !isOption
    before = UInt8(ascii: "-")
    return UInt8(ascii: "-")
  }
}

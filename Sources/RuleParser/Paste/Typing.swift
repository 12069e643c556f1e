/// What word processors, mailers and blogs make of typed characters while they look at one line: a dash of two hyphens, curly quotation marks.
struct Typing {
  /// Whether a second hyphen is still to be written.
  var owesDash = false
  /// Whether the line has a straight quotation mark open: what stands behind it is text, and stays as it is.
  private(set) var isInText = false
  private var before: UInt8 = 0x20

  /// Passes a byte that stays.
  mutating func pass(_ byte: UInt8) {
    if byte == 0x22 { isInText.toggle() }
    before = byte
  }

  /// Takes such a character and gives what was typed; nil of any other.
  ///
  /// `–dport` and `tcp – 0.0.0.0/0` were two hyphens, `–A` was one. In the middle of a word there was one too (`10.0.0.1–10.0.0.9`).
  mutating func replace(_ cursor: inout ByteCursor) -> UInt8? {
    guard cursor.peek == 0xe2 else { return nil }
    if cursor.eat("\u{201c}") || cursor.eat("\u{201d}") || cursor.eat("\u{201e}") || cursor.eat("\u{201f}") {
      // In a text with straight marks around it a curly one belongs to the text.
      before = 0x22
      return isInText ? 0x27 : 0x22
    }
    if cursor.eat("\u{2018}") || cursor.eat("\u{2019}") { return 0x27 }
    if cursor.eat("\u{2010}") || cursor.eat("\u{2011}") || cursor.eat("\u{2212}") { return 0x2d }
    let start = cursor.at
    guard !isInText, cursor.eat("\u{2013}") || cursor.eat("\u{2014}") else {
      cursor.at = start
      return nil
    }
    let isFirst = before <= 0x20 || before == 0x21
    let isOption = (cursor.peek.map { $0 > 0x40 } ?? false) && (cursor.peek(ahead: 1).map { $0 <= 0x20 } ?? true)
    owesDash = isFirst && !isOption
    before = 0x2d
    return 0x2d
  }
}

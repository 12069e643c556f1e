/// What programs put around each line of what they show: the time in the log of a build, the service's name in that of
/// Compose, the stroke of a pane, a diff's sign for a new line, backticks around code.
enum LineFrame {
  /// `2026-11-29T13:19:54.1234567Z `
  case time
  /// `fw-1  | `, alike before each line.
  case name(Range<Int>)
  /// `\u{2502}`
  case stroke
  /// `+`
  case plus
  /// `` `...` ``
  case backticks

  /// What a line is framed by; nil where nothing is.
  init?(_ bytes: ByteView, _ line: DumpLine) {
    guard line.start < line.end else { return nil }
    switch bytes[line.start] {
    case UInt8(ascii: "`"): self = .backticks
    case UInt8(ascii: "+"): self = .plus
    case 0xe2 where bytes.has("\u{2502}", at: line.start): self = .stroke
    case UInt8(ascii: "0")...UInt8(ascii: "9") where Self.endOfTime(bytes, line) != nil: self = .time
    default:
      guard let name = Self.name(bytes, line) else { return nil }
      self = .name(name)
    }
    guard inside(bytes, line) != nil else { return nil }
  }

  /// The line itself; nil where it has no such frame.
  func inside(_ bytes: ByteView, _ line: DumpLine) -> Range<Int>? {
    switch self {
    case .time: return Self.endOfTime(bytes, line).map { $0..<line.end }
    case .name(let name):
      let end = line.start + name.count
      guard end <= line.end, bytes.areEqual(line.start..<end, name) else { return nil }
      return min(end + 1, line.end)..<line.end
    case .stroke:
      guard bytes.has("\u{2502}", at: line.start) else { return nil }
      var end = line.end
      while end > line.start + 3, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
      return line.start + 3..<(end >= line.start + 6 && bytes.has("\u{2502}", at: end - 3) ? end - 3 : line.end)
    case .plus: return bytes[line.start] == UInt8(ascii: "+") ? line.start + 1..<line.end : nil
    case .backticks:
      var end = line.end
      while end > line.start, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
      guard end - line.start >= 2, bytes[line.start] == UInt8(ascii: "`"), bytes[end - 1] == UInt8(ascii: "`"),
        bytes.place(of: UInt8(ascii: "`"), in: line.start + 1..<end - 1) == nil
      else { return nil }
      return line.start + 1..<end - 1
    }
  }

  /// Where a line goes on behind a time in the form of ISO 8601.
  private static func endOfTime(_ bytes: ByteView, _ line: DumpLine) -> Int? {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 40))
    for mark in "--T::".utf8 {
      guard cursor.eatDecimal() != nil, cursor.eat(mark) else { return nil }
    }
    _ = cursor.eat { $0 >= UInt8(ascii: "+") && $0 <= UInt8(ascii: ":") || $0 == UInt8(ascii: "Z") }
    return cursor.isAtEnd || cursor.eat(UInt8(ascii: " ")) ? cursor.at : nil
  }

  /// A name and an upright stroke: a word, blanks, `|`.
  private static func name(_ bytes: ByteView, _ line: DumpLine) -> Range<Int>? {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 60))
    guard let first = cursor.peek, first | 0x20 >= UInt8(ascii: "a"), first | 0x20 <= UInt8(ascii: "z"),
      cursor.eatWord() != nil,
      cursor.eatBlanks() > 0, cursor.eat(UInt8(ascii: "|"))
    else { return nil }
    return line.start..<cursor.at
  }
}

/// The members of an object on a line, and those of the objects in it.
///
/// Nothing is unescaped: what is looked for holds no backslash. Lists, and objects deeper inside, are passed over.
struct JSONLogMembers {
  /// A name and its value, without their quotation marks.
  struct Member {
    var key: Range<Int>
    var value: Range<Int>
    /// Whether it is a member of an object within the line's own.
    var isInner: Bool
    /// Whether the value is a text.
    var isText: Bool
  }

  private let bytes: ByteView
  private var at: Int
  private let end: Int
  private var depth = 0
  /// Whether the object ended where the line does, and everything in it was read.
  private(set) var isWhole = false

  init(_ bytes: ByteView, _ line: Range<Int>) {
    self.bytes = bytes
    at = line.lowerBound
    end = line.upperBound
    if eat(UInt8(ascii: "{")) { depth = 1 }
  }

  /// The next member with a value of its own; nil at the end, and where the text is no JSON.
  mutating func next() -> Member? {
    while depth > 0 {
      if eat(UInt8(ascii: "}")) {
        depth -= 1
        if depth == 0 { isWhole = isAtEnd }
        _ = eat(UInt8(ascii: ","))
        continue
      }
      guard eat(UInt8(ascii: "\"")), let key = eatText(), eat(UInt8(ascii: ":")) else { return nil }
      if eat(UInt8(ascii: "{")) {
        if depth == 1 {
          depth = 2
          continue
        }
        guard passOver() else { return nil }
        _ = eat(UInt8(ascii: ","))
        continue
      }
      if eat(UInt8(ascii: "[")) {
        guard passOver() else { return nil }
        _ = eat(UInt8(ascii: ","))
        continue
      }
      let isText = eat(UInt8(ascii: "\""))
      guard let value = isText ? eatText() : eatScalar() else { return nil }
      _ = eat(UInt8(ascii: ","))
      return Member(key: key, value: value, isInner: depth == 2, isText: isText)
    }
    return nil
  }

  private var isAtEnd: Bool { bytes.startOfWord(from: at, to: end) == end }

  private mutating func eat(_ byte: UInt8) -> Bool {
    while at < end, bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t") { at += 1 }
    guard at < end, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  /// What stands before the next quotation mark, which is taken, too.
  private mutating func eatText() -> Range<Int>? {
    let start = at
    while true {
      at = bytes.endOfText(from: at, to: end)
      guard at < end else { return nil }
      at += 1
      if bytes[at - 1] == UInt8(ascii: "\"") { return start..<at - 1 }
      at += 1
      guard at <= end else { return nil }
    }
  }

  private mutating func eatScalar() -> Range<Int>? {
    let start = at
    while at < end, bytes[at] != UInt8(ascii: ","), bytes[at] != UInt8(ascii: "}"), bytes[at] > 0x20 { at += 1 }
    return at > start ? start..<at : nil
  }

  /// Passes the rest of a list or object over.
  private mutating func passOver() -> Bool {
    var open = 1
    while at < end, open > 0 {
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): open -= 1
      case UInt8(ascii: "\""): if eatText() == nil { return false }
      default: break
      }
    }
    return open == 0
  }
}

/// Colours (ECMA-48 control sequences), HTML markup, look-alike blanks, and the dashes and quotation marks of word processors, which a copy from a terminal or a web
/// page leaves in a paste.
enum TerminalMarkup {
  /// Whether a paste holds any of it; most do not, and are left alone.
  static func isPresent(in bytes: ByteView) -> Bool {
    // Each piece is searched for all of it while it is near the processor.
    Parallel.map(Parallel.runs(of: bytes.count, atLeast: 1 << 18)) { run in
      [0x1b, 0xc2, 0xe2, 0xe3].contains { bytes.place(of: $0, in: run) != nil } || hasTag(bytes, in: run)
        || hasEntity(bytes, in: run)
    }.contains(true)
  }

  /// Whether a paste is a piece of a web page: only then do `&gt;` and `<span>` mean anything.
  static func isHTML(_ bytes: ByteView) -> Bool { hasTag(bytes, in: 0..<bytes.count) }

  /// Whether a tag begins in a range.
  private static func hasTag(_ bytes: ByteView, in range: Range<Int>) -> Bool {
    var at = range.lowerBound
    while let open = bytes.place(of: 0x3c, in: at..<range.upperBound) {
      at = open + 1
      // Tags begin with a letter, which a listing hardly ever has behind a `<`.
      guard open + 1 < bytes.count, bytes[open + 1] == 0x2f || bytes[open + 1] >= 0x61 else { continue }
      var cursor = ByteCursor(bytes, open + 1..<min(open + 12, bytes.count))
      _ = cursor.eat(0x2f)
      for tag in tags {
        var attempt = cursor
        if attempt.eat(tag), let next = attempt.peek, next == 0x3e || next == 0x20 || next == 0x2f { return true }
      }
    }
    return false
  }

  /// Whether characters are written as HTML does. An `&` alone is a sign of nft, and `&gt;` may stand in a comment; quotation marks are everywhere.
  private static func hasEntity(_ bytes: ByteView, in range: Range<Int>) -> Bool {
    var at = range.lowerBound
    while let mark = bytes.place(of: 0x26, in: at..<range.upperBound) {
      at = mark + 1
      if certainEntities.contains(where: { bytes.has($0, at: mark) }) { return true }
    }
    return false
  }

  private static let tags: [StaticString] = [
    "pre", "code", "span", "div", "br", "p", "html", "body", "td", "tr", "table", "b", "strong", "em", "font", "a",
  ]

  private static let certainEntities: [StaticString] = [
    "&quot;", "&nbsp;", "&#39;", "&#34;", "&#x27;", "&#160;", "&lt;BROADCAST", "&lt;LOOPBACK", "&lt;POINTOPOINT",
  ]

  private static let entities: [(name: StaticString, byte: UInt8)] = [
    ("&lt;", 0x3c), ("&gt;", 0x3e), ("&amp;", 0x26), ("&quot;", 0x22), ("&#39;", 0x27), ("&#34;", 0x22),
    ("&#x27;", 0x27), ("&apos;", 0x27), ("&nbsp;", 0x20), ("&#160;", 0x20), ("&#47;", 0x2f), ("&#45;", 0x2d),
  ]

  /// The paste without it; each line keeps its length.
  static func removed(from source: ByteView) -> [UInt8] {
    let isHTML = isHTML(source)
    let hasEntities = isHTML || hasEntity(source, in: 0..<source.count)
    var typing = Typing()
    var bytes = Array(source)
    var cursor = ByteCursor(source)
    var to = 0
    while let byte = cursor.peek {
      if byte == 0x0a {
        typing = Typing()
        while to < cursor.at {
          bytes[to] = 0x20
          to += 1
        }
      } else if skip(&cursor, isHTML: isHTML) {
        continue
      } else if let replacement = replace(&cursor, hasEntities: hasEntities) ?? typing.replace(&cursor) {
        bytes[to] = replacement
        to += 1
        if typing.owesDash {
          // The character had three bytes.
          bytes[to] = 0x2d
          to += 1
          typing.owesDash = false
        }
        continue
      }
      typing.pass(byte)
      bytes[to] = byte
      to += 1
      cursor.at += 1
    }
    while to < bytes.count {
      bytes[to] = 0x20
      to += 1
    }
    return bytes
  }

  /// Takes what leaves nothing behind: control sequences, tags, zero-width blanks.
  private static func skip(_ cursor: inout ByteCursor, isHTML: Bool) -> Bool {
    switch cursor.peek {
    case 0x1b:
      cursor.at += 1
      if cursor.eat(0x5b) {
        _ = cursor.eat { $0 >= 0x20 && $0 <= 0x3f }
        if let final = cursor.peek, final >= 0x40 { cursor.at += 1 }
      } else if cursor.eat(0x5d) {
        _ = cursor.eat { $0 != 0x07 && $0 != 0x1b && $0 != 0x0a }
        _ = cursor.eat(0x07)
      } else if cursor.eat(0x28) {
        cursor.at = min(cursor.at + 1, cursor.end)
      }
      return true
    case 0xe2:
      return cursor.eat("\u{200b}") || cursor.eat("\u{200e}")
    case 0x3c where isHTML:
      var attempt = cursor
      attempt.at += 1
      _ = attempt.eat(0x2f)
      for tag in tags {
        var tail = attempt
        guard tail.eat(tag), let next = tail.peek, next == 0x3e || next == 0x20 || next == 0x2f else { continue }
        _ = tail.eat { $0 != 0x3e && $0 != 0x0a }
        guard tail.eat(0x3e) else { return false }
        cursor = tail
        return true
      }
      return false
    default: return false
    }
  }

  private static func replace(_ cursor: inout ByteCursor, hasEntities: Bool) -> UInt8? {
    switch cursor.peek {
    case 0xc2 where cursor.eat("\u{a0}"): return 0x20
    case 0xe2:
      for blank: StaticString in ["\u{2002}", "\u{2003}", "\u{2007}", "\u{2009}", "\u{202f}"] where cursor.eat(blank) {
        return 0x20
      }
    case 0xe3 where cursor.eat("\u{3000}"): return 0x20
    case 0x26 where hasEntities:
      for entity in entities where cursor.eat(entity.name) { return entity.byte }
    default: break
    }
    return nil
  }
}

import RuleGraph

/// Colours (ECMA-48 control sequences), HTML markup, look-alike blanks, and the dashes and quotation marks of word
/// processors, which a copy from a terminal or a web page leaves in a paste.
enum TerminalMarkup {
  /// Whether a paste holds any of it; most do not, and are left alone.
  static func isPresent(in bytes: ByteView) -> Bool {
    // Each piece is searched for all of it while it is near the processor.
    Parallel.map(Parallel.runs(of: bytes.count, atLeast: 1 << 18)) { run in
      [UInt8(ascii: "\u{1b}"), 0xc2, 0xe2, 0xe3].contains { bytes.place(of: $0, in: run) != nil }
        || hasTag(bytes, in: run)
        || hasEntity(bytes, in: run)
    }.contains(true) || isFromPage(bytes) && (hasBBCode(bytes) || hasEscapes(bytes) || hasSpelledMarks(bytes))
  }

  /// Whether a paste is no script, and short enough to come from a forum or a log of a deployment: a dump of megabytes
  /// is not searched for their markup.
  private static func isFromPage(_ bytes: ByteView) -> Bool {
    bytes.count < 1 << 19 && !bytes.starts(with: "#!".utf8)
  }

  /// Whether a paste has tags of a forum: one of them is closed.
  private static func hasBBCode(_ bytes: ByteView) -> Bool {
    var at = 0
    while let open = bytes.place(of: UInt8(ascii: "["), from: at) {
      at = open + 1
      guard at < bytes.count,
        bytes[at] == UInt8(ascii: "/") || bytes[at] | 0x20 >= UInt8(ascii: "a") && bytes[at] | 0x20 <= UInt8(ascii: "z")
      else {
        continue
      }
      var cursor = ByteCursor(bytes, open..<min(open + 16, bytes.count))
      if bytes[at] == UInt8(ascii: "/"), eatBBCode(&cursor) { return true }
    }
    return false
  }

  /// Takes a tag of a forum: `[B]`, `[/url]`, `[SIZE=2]`, `[*]`. What is struck out stays, as nobody knows what that
  /// means.
  private static func eatBBCode(_ cursor: inout ByteCursor) -> Bool {
    let bytes = cursor.bytes
    var at = cursor.at + 1
    let limit = min(cursor.end, cursor.at + 200)
    if at + 1 < limit, bytes[at] == UInt8(ascii: "*"), bytes[at + 1] == UInt8(ascii: "]") {
      cursor.at = at + 2
      return true
    }
    if at < limit, bytes[at] == UInt8(ascii: "/") { at += 1 }
    let start = at
    while at < limit, bytes[at] | 0x20 >= UInt8(ascii: "a"), bytes[at] | 0x20 <= UInt8(ascii: "z") { at += 1 }
    guard at < limit, at > start, bytes[at] == UInt8(ascii: "]") || bytes[at] == UInt8(ascii: "="),
      bbCodes.contains(bytes.text(start..<at).lowercased())
    else { return false }
    while at < limit, bytes[at] != UInt8(ascii: "]"), bytes[at] != UInt8(ascii: "\n") { at += 1 }
    guard at < limit, bytes[at] == UInt8(ascii: "]") else { return false }
    cursor.at = at + 1
    return true
  }

  private static let bbCodes: Set<String> = [
    "b", "i", "u", "code", "icode", "quote", "color", "colour", "size", "font", "url", "highlight", "list", "pre",
    "php",
    "spoiler", "center", "left", "right", "indent", "tt", "bash", "noparse", "mono", "email", "mention",
  ]

  /// Whether a paste has colours whose escape character was lost or written out, or addresses that a page made links
  /// of.
  private static func hasSpelledMarks(_ bytes: ByteView) -> Bool {
    var at = 0
    while let open = bytes.place(of: UInt8(ascii: "["), from: at) {
      at = open + 1
      var cursor = ByteCursor(bytes, open..<bytes.count)
      if eatSpelledColour(&cursor) || linkedText(cursor) != nil { return true }
    }
    return false
  }

  /// Takes a colour whose escape character was lost or written out: `[32m`, `^[[0m`.
  private static func eatSpelledColour(_ cursor: inout ByteCursor) -> Bool {
    var attempt = cursor
    if attempt.eat(UInt8(ascii: "^")) { guard attempt.eat(UInt8(ascii: "[")) else { return false } }
    guard attempt.eat(UInt8(ascii: "[")) else { return false }
    let number = attempt.eat { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || $0 == UInt8(ascii: ";") }
    guard !number.isEmpty, number.count <= 12, attempt.eat(UInt8(ascii: "m")) else { return false }
    cursor = attempt
    return true
  }

  /// The text of a link that leads nowhere else, with the place behind it: `[10.0.0.0/8](http://10.0.0.0/8)`, of which
  /// a page made a link by itself.
  private static func linkedText(_ start: ByteCursor) -> (text: Range<Int>, end: Int)? {
    var cursor = start
    guard cursor.eat(UInt8(ascii: "[")) else { return nil }
    let text = cursor.eat { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: "]") && $0 != UInt8(ascii: "[") }
    guard !text.isEmpty, text.count <= 80, cursor.eat("](http") else { return nil }
    _ = cursor.eat(UInt8(ascii: "s"))
    guard cursor.eat("://") else { return nil }
    let target = cursor.eat { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: ")") }
    guard cursor.eat(UInt8(ascii: ")")), target.count >= text.count, target.count <= text.count + 1,
      cursor.bytes.areEqual(target.lowerBound..<target.lowerBound + text.count, text)
    else { return nil }
    return (text, cursor.at)
  }

  /// Whether a paste has signs that Markdown escapes, or an output as a text of JSON.
  private static func hasEscapes(_ bytes: ByteView) -> Bool {
    var at = 0
    while let mark = bytes.place(of: UInt8(ascii: "\\"), from: at) {
      at = mark + 1
      if isEscape(bytes, mark) || isEscapedLineEnd(bytes, mark) { return true }
    }
    return false
  }

  /// `\*` and `\_`
  private static func isEscape(_ bytes: ByteView, _ place: Int) -> Bool {
    place + 1 < bytes.count && (bytes[place + 1] == UInt8(ascii: "*") || bytes[place + 1] == UInt8(ascii: "_"))
  }

  /// Whether the end of a line is written as `\n` before a line of a dump.
  private static func isEscapedLineEnd(_ bytes: ByteView, _ place: Int) -> Bool {
    bytes.has("\\n", at: place) && beginsDump(bytes, at: place + 2)
  }

  private static func beginsDump(_ bytes: ByteView, at place: Int) -> Bool {
    ([
      "-A ", "-P ", "-N ", ":INPUT ", ":PREROUTING ", "*filter", "*nat", "*mangle", "*raw", "# Generated by ", "Chain ",
      " pkts bytes", "target ", "table ",
    ] as [StaticString]).contains { bytes.has($0, at: place) }
  }

  /// Whether a text of JSON that holds an output begins with the quotation mark at a place: what a command prints or
  /// writes (`printf "..."`) is none.
  private static func beginsEscapedDump(_ bytes: ByteView, _ place: Int) -> Bool {
    guard beginsDump(bytes, at: place + 1) else { return false }
    var before = place
    while before > 0, bytes[before - 1] == UInt8(ascii: " ") || bytes[before - 1] == UInt8(ascii: "\t") { before -= 1 }
    guard before == 0 || "\n:[,".utf8.contains(bytes[before - 1]) else { return false }
    var at = place + 1
    while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\n") {
      if bytes.has("\\n", at: at) { return true }
      at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return false
  }

  /// Whether a paste is a piece of a web page: only then do `&gt;` and `<span>` mean anything.
  static func isHTML(_ bytes: ByteView) -> Bool { hasTag(bytes, in: 0..<bytes.count) }

  /// Whether a tag begins in a range.
  private static func hasTag(_ bytes: ByteView, in range: Range<Int>) -> Bool {
    var at = range.lowerBound
    while let open = bytes.place(of: UInt8(ascii: "<"), in: at..<range.upperBound) {
      at = open + 1
      // Tags begin with a letter, which a listing hardly ever has behind a `<`.
      guard open + 1 < bytes.count, bytes[open + 1] == UInt8(ascii: "/") || bytes[open + 1] >= UInt8(ascii: "a") else {
        continue
      }
      var cursor = ByteCursor(bytes, open + 1..<min(open + 12, bytes.count))
      _ = cursor.eat(UInt8(ascii: "/"))
      for tag in tags {
        var attempt = cursor
        if attempt.eat(tag), let next = attempt.peek,
          next == UInt8(ascii: ">") || next == UInt8(ascii: " ") || next == UInt8(ascii: "/")
        {
          return true
        }
      }
    }
    return false
  }

  /// Whether characters are written as HTML does. An `&` alone is a sign of nft, and `&gt;` may stand in a comment;
  /// quotation marks are everywhere.
  private static func hasEntity(_ bytes: ByteView, in range: Range<Int>) -> Bool {
    var at = range.lowerBound
    while let mark = bytes.place(of: UInt8(ascii: "&"), in: at..<range.upperBound) {
      at = mark + 1
      if certainEntities.contains(where: { bytes.has($0, at: mark) }) { return true }
    }
    return false
  }

  private static let tags: [StaticString] = [
    "pre", "code", "span", "div", "br", "p", "html", "body", "td", "tr", "th", "tbody",
    "thead", "table", "b", "strong", "em", "font", "a",
  ]

  private static let certainEntities: [StaticString] = [
    "&quot;", "&nbsp;", "&#39;", "&#34;", "&#x27;", "&#160;", "&lt;BROADCAST", "&lt;LOOPBACK", "&lt;POINTOPOINT",
    "&#42;", "&ast;",
  ]

  private static let entities: [(name: StaticString, byte: UInt8)] = [
    ("&lt;", UInt8(ascii: "<")), ("&gt;", UInt8(ascii: ">")), ("&amp;", UInt8(ascii: "&")),
    ("&quot;", UInt8(ascii: "\"")), ("&#39;", UInt8(ascii: "'")), ("&#34;", UInt8(ascii: "\"")),
    ("&#x27;", UInt8(ascii: "'")), ("&apos;", UInt8(ascii: "'")), ("&nbsp;", UInt8(ascii: " ")),
    ("&#160;", UInt8(ascii: " ")), ("&#47;", UInt8(ascii: "/")), ("&#45;", UInt8(ascii: "-")),
    ("&#42;", UInt8(ascii: "*")), ("&ast;", UInt8(ascii: "*")),
  ]

  /// The paste without it; each line keeps its length.
  static func removed(from source: ByteView) -> [UInt8] {
    let isHTML = isHTML(source)
    let hasEntities = isHTML || hasEntity(source, in: 0..<source.count)
    let hasBBCode = isFromPage(source) && hasBBCode(source)
    let hasEscapes = isFromPage(source) && hasEscapes(source)
    let hasSpelledMarks = isFromPage(source) && hasSpelledMarks(source)
    // Whether the text of JSON is open that holds an output.
    var isInDump = false
    var lineStart = 0
    var typing = Typing()
    var bytes = Array(source)
    var cursor = ByteCursor(source)
    var to = 0
    while let byte = cursor.peek {
      if hasEscapes, byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") {
        if byte == UInt8(ascii: "\""), isInDump || beginsEscapedDump(source, cursor.at) {
          // What stands around the text is no part of the output.
          if !isInDump { to = lineStart }
          isInDump.toggle()
          typing = Typing()
          while to < cursor.at {
            bytes[to] = UInt8(ascii: " ")
            to += 1
          }
          bytes[to] = UInt8(ascii: "\n")
          to += 1
          cursor.at += 1
          lineStart = to
          continue
        }
        if byte == UInt8(ascii: "\\"), isInDump, let escaped = cursor.peek(ahead: 1) {
          cursor.at += 2
          if escaped == UInt8(ascii: "n") {
            typing = Typing()
            while to < cursor.at - 1 {
              bytes[to] = UInt8(ascii: " ")
              to += 1
            }
            lineStart = cursor.at
          }
          let plain: UInt8 =
            escaped == UInt8(ascii: "n")
            ? UInt8(ascii: "\n")
            : escaped == UInt8(ascii: "t")
              ? UInt8(ascii: "\t") : escaped == UInt8(ascii: "r") ? UInt8(ascii: " ") : escaped
          if escaped != UInt8(ascii: "n") { typing.pass(plain) }
          bytes[to] = plain
          to += 1
          continue
        }
        if byte == UInt8(ascii: "\\"), isEscape(source, cursor.at), !typing.isInText {
          cursor.at += 1
          continue
        }
      }
      if byte == UInt8(ascii: "\n") {
        lineStart = cursor.at + 1
        typing = Typing()
        // A blank could be one that the program printed: nft's before a target that it can't print.
        while to < cursor.at {
          bytes[to] = UInt8(ascii: "\r")
          to += 1
        }
      } else if hasBBCode, byte == UInt8(ascii: "["), eatBBCode(&cursor) {
        continue
      } else if hasSpelledMarks, byte == UInt8(ascii: "[") || byte == UInt8(ascii: "^"), eatSpelledColour(&cursor) {
        continue
      } else if hasSpelledMarks, byte == UInt8(ascii: "["), let link = linkedText(cursor) {
        for place in link.text {
          bytes[to] = source[place]
          to += 1
        }
        cursor.at = link.end
        continue
      } else if isHTML, cursor.eat("</td>") || cursor.eat("</th>") {
        // Cells stand apart.
        bytes[to] = UInt8(ascii: " ")
        to += 1
        continue
      } else if skip(&cursor, isHTML: isHTML) {
        continue
      } else if let replacement = replace(&cursor, hasEntities: hasEntities) ?? typing.replace(&cursor) {
        bytes[to] = replacement
        to += 1
        if typing.owesDash {
          // The character had three bytes.
          bytes[to] = UInt8(ascii: "-")
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
      bytes[to] = UInt8(ascii: " ")
      to += 1
    }
    return bytes
  }

  /// Takes what leaves nothing behind: control sequences, tags, zero-width blanks.
  private static func skip(_ cursor: inout ByteCursor, isHTML: Bool) -> Bool {
    switch cursor.peek {
    case UInt8(ascii: "\u{1b}"):
      cursor.at += 1
      // What bash ends a typed line with, and returns to the beginning of the next one.
      if cursor.eat("[?2004l\r") {
        if cursor.peek == UInt8(ascii: "\n") { cursor.at -= 1 }
        return true
      }
      if cursor.eat(UInt8(ascii: "[")) {
        _ = cursor.eat { $0 >= UInt8(ascii: " ") && $0 <= UInt8(ascii: "?") }
        if let final = cursor.peek, final >= UInt8(ascii: "@") { cursor.at += 1 }
      } else if cursor.eat(UInt8(ascii: "]")) {
        _ = cursor.eat { $0 != 0x07 && $0 != UInt8(ascii: "\u{1b}") && $0 != UInt8(ascii: "\n") }
        _ = cursor.eat(0x07)
      } else if cursor.eat(UInt8(ascii: "(")) {
        cursor.at = min(cursor.at + 1, cursor.end)
      }
      return true
    case 0xe2:
      return cursor.eat("\u{200b}") || cursor.eat("\u{200e}")
    case UInt8(ascii: "<") where isHTML:
      var attempt = cursor
      attempt.at += 1
      _ = attempt.eat(UInt8(ascii: "/"))
      for tag in tags {
        var tail = attempt
        guard tail.eat(tag), let next = tail.peek,
          next == UInt8(ascii: ">") || next == UInt8(ascii: " ") || next == UInt8(ascii: "/")
        else { continue }
        _ = tail.eat { $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "\n") }
        guard tail.eat(UInt8(ascii: ">")) else { return false }
        cursor = tail
        return true
      }
      return false
    default: return false
    }
  }

  private static func replace(_ cursor: inout ByteCursor, hasEntities: Bool) -> UInt8? {
    switch cursor.peek {
    case 0xc2 where cursor.eat("\u{a0}"): return UInt8(ascii: " ")
    case 0xe2:
      for blank: StaticString in ["\u{2002}", "\u{2003}", "\u{2007}", "\u{2009}", "\u{202f}"] where cursor.eat(blank) {
        return UInt8(ascii: " ")
      }
    case 0xe3 where cursor.eat("\u{3000}"): return UInt8(ascii: " ")
    case UInt8(ascii: "&") where hasEntities:
      for entity in entities where cursor.eat(entity.name) { return entity.byte }
    default: break
    }
    return nil
  }
}

import RuleGraph

/// A line of a paste, without what quoting and fences put around it.
struct PasteLine {
  /// The line's content: behind quotation marks, without the carriage return.
  var content: DumpLine
  /// The Markdown fence or `<pre>` that the line is in, counted from 1; 0 outside.
  var fence: Int32
  /// Whether the line opens or closes a fence, and so belongs to no output.
  var isFence: Bool
}

/// Cuts a paste into lines and takes off what people's tools put around terminal output: quotation marks of mails and Markdown, fences,
/// carriage returns, and, in place, HTML markup and colours.
///
/// Offsets never change: what is taken off inside a line is closed up within that line, and blanks fill its end.
struct PasteLines {
  /// The bytes that readers see; as long as the source's.
  private(set) var bytes: [UInt8]
  /// The lines.
  private(set) var lines: [PasteLine] = []

  init(_ source: [UInt8]) {
    bytes = source
    if TerminalMarkup.isPresent(in: source) { TerminalMarkup.remove(from: &bytes) }
    cut()
    takeOffLineNumbers()
  }

  // MARK: - Line numbers

  /// Takes off the line numbers that `cat -n`, editors and web pages put before each line: three or more in a row that count up, each
  /// followed by a tab or an upright stroke. (Numbers followed by anything else may be the output's own.)
  private mutating func takeOffLineNumbers() {
    var first = 0
    while first < lines.count {
      guard let start = gutter(lines[first].content) else {
        first += 1
        continue
      }
      var numbered = [start.end]
      while first + numbered.count < lines.count, let next = gutter(lines[first + numbered.count].content),
        next.number == start.number + UInt64(numbered.count)
      {
        numbered.append(next.end)
      }
      if numbered.count >= 3 {
        for (offset, end) in numbered.enumerated() { lines[first + offset].content.start = end }
      }
      first += numbered.count
    }
  }

  /// A line's number, and where the line itself begins behind it.
  private func gutter(_ line: DumpLine) -> (number: UInt64, end: Int)? {
    // Rows of a listing begin with numbers, too: what stands behind the number decides before it is read.
    var at = line.start
    let limit = min(line.end, line.start + 24)
    while at < limit, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    guard at < limit, bytes[at] >= 0x30, bytes[at] <= 0x39 else { return nil }
    while at < limit, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
    if at < limit, bytes[at] != 0x09 {
      while at < limit, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
      guard at < limit, bytes[at] == 0x7c || bytes[at] == 0xe2 else { return nil }
    }
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 24))
    cursor.eatBlanks()
    guard let number = cursor.eatDecimal(), number < 1 << 32 else { return nil }
    if cursor.eat(0x09) { return (number, cursor.at) }
    cursor.eatBlanks()
    guard cursor.eat(0x7c) || cursor.eat("\u{2502}") else { return nil }
    _ = cursor.eat(0x20)
    return (number, cursor.at)
  }

  private mutating func cut() {
    var number: Int32 = 0
    var fence = Fence()
    var at = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    while at < bytes.count {
      let end = bytes.place(of: 0x0a, from: at) ?? bytes.count
      number += 1
      var line = DumpLine(start: at, end: end, number: number)
      while line.end > line.start, bytes[line.end - 1] == 0x0d { line.end -= 1 }
      var isFence = false
      if mayBeMarked(line) {
        unquote(&line)
        isFence = fence.take(bytes, line)
      }
      lines.append(PasteLine(content: line, fence: fence.isOpen || isFence ? fence.count : 0, isFence: isFence))
      at = end + 1
    }
  }

  /// Whether a line can be quoted, or open or close a fence: few lines can, and the others are not looked at closely.
  private func mayBeMarked(_ line: DumpLine) -> Bool {
    guard line.start < line.end else { return false }
    var at = line.start
    while at < line.end, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    return at < line.end && (bytes[at] == 0x3e || bytes[at] == 0x60 || bytes[at] == 0x7e)
  }

  /// Takes off `>` marks (Markdown, mail), as many levels as there are.
  private func unquote(_ line: inout DumpLine) {
    while true {
      var at = line.start
      while at < line.end, at - line.start < 4, bytes[at] == 0x20 { at += 1 }
      guard at < line.end, bytes[at] == 0x3e, at - line.start < 4 else { return }
      at += 1
      guard at == line.end || bytes[at] == 0x20 || bytes[at] == 0x3e || bytes[at] == 0x09 else { return }
      if at < line.end, bytes[at] != 0x3e { at += 1 }
      line.start = at
    }
  }
}

/// Follows Markdown's fenced code blocks (CommonMark, "Fenced code blocks"; any indentation is allowed, for lists).
private struct Fence {
  private(set) var count: Int32 = 0
  private var mark: UInt8 = 0
  private var width = 0

  var isOpen: Bool { width > 0 }

  /// Whether a line opens or closes a fence.
  mutating func take(_ bytes: [UInt8], _ line: DumpLine) -> Bool {
    var at = line.start
    while at < line.end, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    guard at < line.end, bytes[at] == 0x60 || bytes[at] == 0x7e else { return false }
    let byte = bytes[at]
    let start = at
    while at < line.end, bytes[at] == byte { at += 1 }
    guard at - start >= 3 else { return false }
    let rest = bytes[at..<line.end]
    if isOpen {
      guard byte == mark, at - start >= width, rest.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return false }
      width = 0
      return true
    }
    // ```code``` in one line is no fence.
    guard !rest.contains(0x60) else { return false }
    count += 1
    mark = byte
    width = at - start
    return true
  }
}

import RuleGraph

/// A line of a paste, without what quoting and fences put around it.
struct PasteLine {
  /// The line's content: behind quotation marks, without the carriage return.
  var content: DumpLine
  /// The Markdown fence or `<pre>` that the line is in, counted from 1; 0 outside.
  var fence: Int32
  /// Whether the line opens or closes a fence, and so belongs to no output.
  var isFence: Bool
  /// What the line looks like.
  var form: PlainForm
}

/// Cuts a paste into lines and takes off what people's tools put around terminal output: quotation marks of mails and Markdown, fences,
/// carriage returns, and, in place, HTML markup and colours.
///
/// Offsets never change: what is taken off inside a line is closed up within that line, and blanks fill its end.
struct PasteLines {
  /// What keeps the bytes.
  let memory: SourceBytes
  /// The bytes that readers see; as long as the source's.
  let bytes: ByteView
  /// The lines.
  private(set) var lines: [PasteLine] = []

  init(_ source: SourceBytes) {
    let plain = ByteView(source)
    memory = TerminalMarkup.isPresent(in: plain) ? SourceBytes(TerminalMarkup.removed(from: plain)) : source
    bytes = ByteView(memory)
    takeOffLineNumbers(cut())
  }

  // MARK: - Line numbers

  /// Takes off the line numbers that `cat -n`, editors and web pages put before each line: three or more in a row that count up, each
  /// followed by a tab or an upright stroke. (Numbers followed by anything else may be the output's own.)
  private mutating func takeOffLineNumbers(_ numbered: [Int]) {
    var next = 0
    while next < numbered.count {
      let first = numbered[next]
      guard let start = gutter(lines[first].content) else {
        next += 1
        continue
      }
      var ends = [start.end]
      while first + ends.count < lines.count, let line = gutter(lines[first + ends.count].content),
        line.number == start.number + UInt64(ends.count)
      {
        ends.append(line.end)
      }
      if ends.count >= 3 {
        for (offset, end) in ends.enumerated() {
          lines[first + offset].content.start = end
          lines[first + offset].form = PlainForm(bytes, lines[first + offset].content)
        }
      }
      while next < numbered.count, numbered[next] < first + ends.count { next += 1 }
    }
  }

  /// A line's number, and where the line itself begins behind it.
  private func gutter(_ line: DumpLine) -> (number: UInt64, end: Int)? { Self.gutter(bytes, line) }

  private static func gutter(_ bytes: ByteView, _ line: DumpLine) -> (number: UInt64, end: Int)? {
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

  /// Lines of a part of the text, numbered from 1.
  private struct Part: Sendable {
    var lines: [PasteLine] = []
    /// The indexes of the lines that can be quoted, or open or close a fence.
    var marked: [Int] = []
    /// The indexes of the lines that begin with what can be their number.
    var numbered: [Int] = []
  }

  /// Cuts the text into lines, on all processors where it is long. Gives the lines that can have a number before them.
  private mutating func cut() -> [Int] {
    let first = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let view = bytes
    let parts = Parallel.map(Parallel.runs(of: view.count - first, atLeast: 1 << 18)) { run in
      // A part begins behind the line end that stands before its first byte.
      let start = run.lowerBound == 0 ? first : Self.behindLine(view, from: first + run.lowerBound - 1)
      let end =
        first + run.upperBound == view.count ? view.count : Self.behindLine(view, from: first + run.upperBound - 1)
      return Self.part(of: view, start..<max(start, end))
    }
    lines.reserveCapacity(parts.reduce(0) { $0 + $1.lines.count })
    var marked: [Int] = []
    var numbered: [Int] = []
    for part in parts {
      let before = lines.count
      marked += part.marked.map { $0 + before }
      numbered += part.numbered.map { $0 + before }
      if before == 0 {
        lines = part.lines
      } else {
        for var line in part.lines {
          line.content.number += Int32(truncatingIfNeeded: before)
          lines.append(line)
        }
      }
    }
    if marked.isEmpty { return numbered }
    return takeOffMarks(marked)
  }

  private static func behindLine(_ bytes: ByteView, from place: Int) -> Int {
    bytes.place(of: 0x0a, from: place).map { $0 + 1 } ?? bytes.count
  }

  private static func part(of bytes: ByteView, _ range: Range<Int>) -> Part {
    var part = Part()
    part.lines.reserveCapacity(range.count / 60)
    var number: Int32 = 0
    var at = range.lowerBound
    while at < range.upperBound {
      let end = bytes.place(of: 0x0a, from: at) ?? bytes.count
      number += 1
      var line = DumpLine(start: at, end: end, number: number)
      while line.end > line.start, bytes[line.end - 1] == 0x0d { line.end -= 1 }
      let form = PlainForm(bytes, line)
      if form == .other || form == .row {
        let index = part.lines.count
        if mayBeMarked(bytes, line) { part.marked.append(index) }
        if gutter(bytes, line) != nil { part.numbered.append(index) }
      }
      part.lines.append(PasteLine(content: line, fence: 0, isFence: false, form: form))
      at = end + 1
    }
    return part
  }

  /// Takes quotation marks and fences off; gives the lines that can have a number before them.
  private mutating func takeOffMarks(_ marked: [Int]) -> [Int] {
    var fence = Fence()
    var next = 0
    var numbered: [Int] = []
    for index in lines.indices {
      var isFence = false
      if next < marked.count, marked[next] == index {
        next += 1
        unquote(&lines[index].content)
        isFence = fence.take(bytes, lines[index].content)
        lines[index].form = PlainForm(bytes, lines[index].content)
      }
      lines[index].isFence = isFence
      lines[index].fence = fence.isOpen || isFence ? fence.count : 0
      if gutter(lines[index].content) != nil { numbered.append(index) }
    }
    return numbered
  }

  /// Whether a line can be quoted, or open or close a fence: few lines can, and the others are not looked at closely.
  private static func mayBeMarked(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    let at = bytes.startOfWord(from: line.start, to: line.end)
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
  mutating func take(_ bytes: ByteView, _ line: DumpLine) -> Bool {
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

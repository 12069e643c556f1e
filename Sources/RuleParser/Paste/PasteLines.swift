import RuleGraph

/// Cuts a paste into lines and takes off what people's tools put around terminal output: quotation marks of mails and
/// Markdown, fences, carriage returns, and, in place, HTML markup and colours.
///
/// Offsets never change: what is taken off inside a line is closed up within that line, and blanks fill its end.
struct PasteLines {
  /// What keeps the bytes.
  private(set) var memory: SourceBytes
  /// The bytes that readers see; as long as the source's.
  private(set) var bytes: ByteView
  /// The lines: behind quotation marks, without the carriage return.
  private(set) var lines: [DumpLine] = []
  /// The chains whose heads stand in lines of a listing.
  private(set) var chains = Chains()
  /// The fences around the lines; empty when there are none.
  private var fences: [FencedLine] = []

  /// The fence that nothing closes, if there is one.
  private(set) var openFence: Int32?

  /// What a line is to Markdown.
  private struct FencedLine {
    /// The fence or `<pre>` that the line is in, counted from 1; 0 outside.
    var fence: Int32 = 0
    /// Whether the line opens or closes a fence.
    var isFence = false
  }

  /// The heads of users' chains among the lines, in their order.
  struct Chains: Sendable {
    /// The indexes of the lines.
    var lines: [Int] = []
    var names: [PlacePool.HashedName] = []

    mutating func append(_ line: DumpLine, at index: Int, in bytes: ByteView) {
      lines.append(index)
      names.append(PlacePool.HashedName(PlainForm.chainName(bytes, line), in: bytes))
    }
  }

  init(_ source: SourceBytes) {
    let plain = ByteView(source)
    let hasMarkup = TerminalMarkup.isPresent(in: plain)
    memory = hasMarkup ? SourceBytes(TerminalMarkup.removed(from: plain)) : source
    bytes = ByteView(memory)
    let marks = cut()
    if hasMarkup { renumber(plain) }
    let marked = marks.flatMap(\.marked)
    if !marked.isEmpty { takeOffMarks(marked) }
    let numbered = marked.isEmpty ? marks.flatMap(\.numbered) : lines.indices.filter { gutter(lines[$0]) != nil }
    let softBreaks = marks.flatMap(\.softBreaks)
    if softBreaks.count > 1 { takeOffSoftBreaks(softBreaks) }
    let isChanged = takeOffLineNumbers(numbered) || takeOffPrefixes() || !marked.isEmpty
    if isChanged {
      for index in lines.indices where lines[index].form == .chainHead {
        chains.append(lines[index], at: index, in: bytes)
      }
    } else {
      for part in marks {
        chains.lines += part.chains.lines
        chains.names += part.chains.names
      }
    }
  }

  /// The Markdown fence or `<pre>` that a line is in, counted from 1; 0 outside.
  func fence(at index: Int) -> Int32 { fences.isEmpty ? 0 : fences[index].fence }

  /// Whether a line opens or closes a fence, and so belongs to no output.
  func isFence(at index: Int) -> Bool { !fences.isEmpty && fences[index].isFence }

  /// Some of the lines.
  func lines(of runs: LineRuns) -> [DumpLine] {
    // A dump alone in its file shares the lines.
    if runs.runs == [lines.indices] { return lines }
    var some: [DumpLine] = []
    some.reserveCapacity(runs.count)
    for run in runs.runs { some += lines[run] }
    return some
  }

  /// Gives the lines the numbers that they have in the source, where a text of JSON holds many in one.
  private mutating func renumber(_ source: ByteView) {
    let all = 0..<source.count
    guard source.count(of: UInt8(ascii: "\n"), in: all) != bytes.count(of: UInt8(ascii: "\n"), in: all) else { return }
    var number: Int32 = 1
    var at = 0
    for index in lines.indices {
      number += Int32(truncatingIfNeeded: source.count(of: UInt8(ascii: "\n"), in: at..<lines[index].start))
      at = lines[index].start
      lines[index].number = number
    }
  }

  // MARK: - Line numbers

  /// Takes off the line numbers that `cat -n`, editors and web pages put before each line: three or more in a row that
  /// count up, each followed by a tab or an upright stroke. (Numbers followed by anything else may be the output's
  /// own.) Of JSON, which nft prints in one line, and of a whole input in the columns of `cat -n`, fewer are enough.
  /// Gives whether there were any.
  private mutating func takeOffLineNumbers(_ numbered: [Int]) -> Bool {
    var next = 0
    var hasAny = false
    while next < numbered.count {
      let first = numbered[next]
      guard let start = gutter(lines[first]) else {
        next += 1
        continue
      }
      var ends = [start.end]
      while first + ends.count < lines.count, let line = gutter(lines[first + ends.count]),
        line.number == start.number + UInt64(ends.count)
      {
        ends.append(line.end)
      }
      if ends.count >= 3 || hasJSON(ends, from: first) || first == 0 && isNumbered(ends, by: start.number) {
        hasAny = true
        for (offset, end) in ends.enumerated() {
          lines[first + offset].start = end
          lines[first + offset].recognise(in: bytes)
        }
      }
      while next < numbered.count, numbered[next] < first + ends.count { next += 1 }
    }
    return hasAny
  }

  /// Whether one of some numbered lines is a text of JSON behind its number.
  private func hasJSON(_ ends: [Int], from first: Int) -> Bool {
    ends.enumerated().contains { offset, end in
      var cursor = ByteCursor(bytes, end..<lines[first + offset].end)
      return cursor.eat("{\"") || cursor.eat("{ \"")
    }
  }

  /// Whether all lines of the input are numbered in six columns and a tab, as `cat -n` does it.
  private func isNumbered(_ ends: [Int], by number: UInt64) -> Bool {
    guard number == 1, lines[ends.count...].allSatisfy({ $0.start == $0.end }) else { return false }
    return zip(lines, ends).allSatisfy { $0.start + 7 == $1 && bytes[$1 - 1] == UInt8(ascii: "\t") }
  }

  /// Takes off what a journal or an editor puts before each line of an output, where the input, or a fence, begins with
  /// such lines: `Nov 28 16:00:01 vps nft[812]: `, and numbers that count up from the first line. Numbers before rows
  /// may be the output's own, so one of the lines must begin an output of rules, or be a prompt, behind its number.
  /// Gives whether there were any.
  private mutating func takeOffPrefixes() -> Bool {
    var hasAny = false
    var marks = 0
    for place in prefixPlaces {
      let (first, count) = (place + marks, lines.count)
      defer { marks += lines.count - count }
      if takeOffNumbers(from: first) || takeOffJournal(from: first) || takeOffFrame(from: first) { hasAny = true }
    }
    return hasAny
  }

  /// The lines at which prefixed lines may begin: the first of the input and of each fence.
  private var prefixPlaces: [Int] {
    var places: [Int] = []
    if let first = lines.prefix(20).firstIndex(where: { $0.start < $0.end }) {
      places += first..<min(first + 3, lines.count)
    }
    if !fences.isEmpty {
      places += lines.indices.dropFirst().filter {
        fences[$0 - 1].isFence && !fences[$0].isFence && fences[$0].fence != 0
      }
    }
    return places
  }

  private mutating func takeOffNumbers(from first: Int) -> Bool {
    var found: [(line: Int, rest: Range<Int>)] = []
    var gaps: [Int] = []
    var number: UInt64?
    for index in first..<lines.count {
      if let last = found.last, let number, isRest(index, of: last, number) { continue }
      guard let prefix = Self.number(before: bytes, lines[index]) else { break }
      if let number, prefix.number != number + 1 {
        // What an editor or `grep -n` doesn't show.
        guard prefix.number > number, isLineOfRules(prefix.end..<lines[index].end) else { break }
        gaps.append(index)
      }
      number = prefix.number
      found.append((index, prefix.end..<lines[index].end))
    }
    let starts = gaps.map { lines[$0].start }
    guard takeOff(found) else { return false }
    if !gaps.isEmpty { putMarks(before: gaps, starts) }
    return true
  }

  /// Whether a line behind one with a number is the rest of it, since it was folded: it has no such number, and the
  /// next number stands a few lines below, in the same columns. Numbers in six columns are those of `cat -n`; `ip addr`
  /// numbers its interfaces with a colon, each with lines of its own below.
  private func isRest(_ index: Int, of last: (line: Int, rest: Range<Int>), _ number: UInt64) -> Bool {
    let width = last.rest.lowerBound - lines[last.line].start
    guard width >= 7, Self.number(before: bytes, lines[last.line])?.hasSign == false else { return false }
    func hasNext(_ line: DumpLine) -> Bool {
      guard let prefix = Self.number(before: bytes, line) else { return false }
      return prefix.number == number + 1 && prefix.end - line.start == width
    }
    guard !hasNext(lines[index]) else { return false }
    return lines[(index + 1)...].prefix(last.line + FoldedLine.mostPieces - index).contains(where: hasNext)
  }

  private func isLineOfRules(_ range: Range<Int>) -> Bool {
    var cursor = ByteCursor(bytes, range)
    cursor.eatBlanks()
    return OutputStart.isSaveLine(cursor) || OutputContinuation.isListingRow(cursor) || OutputStart.isChainHead(cursor)
  }

  /// Puts a mark for missing lines before some lines, in the place of the numbers that say so.
  private mutating func putMarks(before gaps: [Int], _ starts: [Int]) {
    var marked = Array(bytes)
    for (index, start) in zip(gaps, starts) {
      for place in start..<lines[index].start { marked[place] = UInt8(ascii: ".") }
    }
    memory = SourceBytes(marked)
    bytes = ByteView(memory)
    for (index, start) in zip(gaps, starts).reversed() {
      var mark = DumpLine(start: start, end: lines[index].start, number: lines[index].number)
      mark.recognise(in: bytes)
      lines.insert(mark, at: index)
      if !fences.isEmpty { fences.insert(fences[index], at: index) }
    }
  }

  /// `12 `, `12: `, `12) ` at the beginning of a line.
  private static func number(before bytes: ByteView, _ line: DumpLine) -> (number: UInt64, hasSign: Bool, end: Int)? {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 24))
    cursor.eatBlanks()
    guard let number = cursor.eatDecimal(), number < 1 << 32 else { return nil }
    let hasSign = cursor.eat(UInt8(ascii: ":")) || cursor.eat(UInt8(ascii: ")"))
    guard cursor.at == line.end || cursor.eat(UInt8(ascii: " ")) || cursor.eat(UInt8(ascii: "\t")) || hasSign else {
      return nil
    }
    return (number, hasSign, cursor.at)
  }

  private mutating func takeOffJournal(from first: Int) -> Bool {
    guard let writer = Self.journal(before: bytes, lines[first])?.writer else { return false }
    var found: [(line: Int, rest: Range<Int>)] = []
    for index in first..<lines.count {
      guard let prefix = Self.journal(before: bytes, lines[index]) else { break }
      if bytes.areEqual(prefix.writer, writer) { found.append((index, prefix.end..<lines[index].end)) }
    }
    return takeOff(found)
  }

  /// Takes off what a program puts around each line of what it shows, where all lines up to an empty one have it.
  private mutating func takeOffFrame(from first: Int) -> Bool {
    guard let frame = LineFrame(bytes, lines[first]) else { return false }
    var found: [(line: Int, rest: Range<Int>)] = []
    for index in first..<lines.count where lines[index].start < lines[index].end {
      guard let rest = frame.inside(bytes, lines[index]) else {
        // A diff that holds other lines, too, is no output.
        if case .plus = frame, fence(at: index) == fence(at: first) { return false }
        break
      }
      found.append((index, rest))
    }
    return takeOff(found)
  }

  /// `Nov 28 16:00:01 vps nft[812]: ` or `2026-11-28T16:00:01+0000 vps nft[812]: `: who wrote it, and where the line
  /// itself begins.
  private static func journal(before bytes: ByteView, _ line: DumpLine) -> (writer: Range<Int>, end: Int)? {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 200))
    guard let first = cursor.peek,
      first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9")
        || first >= UInt8(ascii: "A") && first <= UInt8(ascii: "S")
    else { return nil }
    if first >= UInt8(ascii: "A") {
      guard let month = cursor.eatWord(), month.count == 3 else { return nil }
      cursor.eatBlanks()
      guard let day = cursor.eatDecimal(), day <= 31, cursor.eatBlanks() > 0 else { return nil }
    }
    guard let time = cursor.eatWord(), bytes[time].contains(UInt8(ascii: ":")), cursor.eatBlanks() > 0 else {
      return nil
    }
    let start = cursor.at
    guard cursor.eatWord() != nil, cursor.eatBlanks() > 0, let program = cursor.eatWord(), program.count > 1,
      bytes[program.upperBound - 1] == UInt8(ascii: ":")
    else { return nil }
    let writer = start..<program.upperBound
    _ = cursor.eat(UInt8(ascii: " "))
    return (writer, cursor.at)
  }

  /// Takes off what stands before some lines, if an output of rules begins behind it.
  private mutating func takeOff(_ found: [(line: Int, rest: Range<Int>)]) -> Bool {
    guard found.count >= 3 else { return false }
    let isOutput = found.contains { index, rest in
      var line = lines[index]
      (line.start, line.end) = (rest.lowerBound, rest.upperBound)
      if let prompt = ShellPrompt(bytes, line), !prompt.command.isEmpty { return true }
      switch OutputStart.kind(bytes, line) {
      case .nftText, .nftJSON, .save, .listing: return true
      default: return false
      }
    }
    guard isOutput else { return false }
    for (index, rest) in found {
      (lines[index].start, lines[index].end) = (rest.lowerBound, rest.upperBound)
      lines[index].recognise(in: bytes)
    }
    return true
  }

  /// Takes off the `=` with which a mailer that writes quoted-printable (RFC 2045, 6.7) breaks long lines.
  private mutating func takeOffSoftBreaks(_ indexes: [Int]) {
    for index in indexes where lines[index].end > lines[index].start && bytes[lines[index].end - 1] == UInt8(ascii: "=")
    {
      lines[index].end -= 1
    }
  }

  /// A line's number, and where the line itself begins behind it.
  private func gutter(_ line: DumpLine) -> (number: UInt64, end: Int)? { Self.gutter(bytes, line) }

  private static func gutter(_ bytes: ByteView, _ line: DumpLine) -> (number: UInt64, end: Int)? {
    // Rows of a listing begin with numbers, too: what stands behind the number decides before it is read.
    var at = line.start
    let limit = min(line.end, line.start + 24)
    while at < limit, bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t") { at += 1 }
    guard at < limit, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9") else { return nil }
    while at < limit, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9") { at += 1 }
    if at < limit, bytes[at] != UInt8(ascii: "\t") {
      while at < limit, bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t") { at += 1 }
      guard at < limit, bytes[at] == UInt8(ascii: "|") || bytes[at] == 0xe2 else { return nil }
    }
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 24))
    cursor.eatBlanks()
    guard let number = cursor.eatDecimal(), number < 1 << 32 else { return nil }
    if cursor.eat(UInt8(ascii: "\t")) { return (number, cursor.at) }
    cursor.eatBlanks()
    guard cursor.eat(UInt8(ascii: "|")) || cursor.eat("\u{2502}") else { return nil }
    _ = cursor.eat(UInt8(ascii: " "))
    return (number, cursor.at)
  }

  /// Which lines of a piece of the text something else is to be done with.
  private struct Marks: Sendable {
    /// The indexes of the lines that can be quoted, or open or close a fence.
    var marked: [Int] = []
    /// The indexes of the lines that begin with what can be their number.
    var numbered: [Int] = []
    /// The indexes of the lines that a mailer may have broken.
    var softBreaks: [Int] = []
    var chains = Chains()
  }

  /// A piece of the text, which the lines that begin in it are cut from apart from the others.
  private struct Piece: Sendable {
    /// The bytes.
    var range: Range<Int>
    /// How many lines begin there.
    var count: Int
    /// The index of the first of them.
    var first = 0
    /// Where the line end stands that the last of them ends with, or before it.
    var end = 0
  }

  /// Cuts the text into lines, on all processors where it is long.
  private mutating func cut() -> [Marks] {
    let view = bytes
    let pieces = Self.pieces(of: view)
    return Parallel.append(pieces.map(\.count), to: &lines) { piece, lines in
      Self.cut(pieces[piece], of: view, into: &lines)
    }
  }

  /// The pieces that a text is cut in. A line belongs to the piece that it begins in, behind the line end of the one
  /// before.
  private static func pieces(of bytes: ByteView) -> [Piece] {
    let first = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let runs = Parallel.runs(of: bytes.count - first, atLeast: 1 << 18)
    var pieces = Parallel.map(runs) { run in
      // The first line begins behind nothing, and behind the last line end none does.
      let isFirst = run.lowerBound == 0
      let ends = first + run.lowerBound - (isFirst ? 0 : 1)..<max(first, first + run.upperBound - 1)
      let count = bytes.count(of: UInt8(ascii: "\n"), in: ends) + (isFirst && !run.isEmpty ? 1 : 0)
      return Piece(range: first + run.lowerBound..<first + run.upperBound, count: count)
    }
    for index in pieces.indices.dropFirst() { pieces[index].first = pieces[index - 1].first + pieces[index - 1].count }
    // Where no line begins none ends, so a line of megabytes is not searched for its end.
    var end = max(first, bytes.count - 1)
    for index in pieces.indices.reversed() {
      pieces[index].end = end
      if pieces[index].count > 0 { end = max(first, pieces[index].range.lowerBound - 1) }
    }
    return pieces
  }

  private static func cut(_ piece: Piece, of bytes: ByteView, into lines: inout Stretch<DumpLine>) -> Marks {
    var marks = Marks()
    guard piece.count > 0 else { return marks }
    var at = piece.range.lowerBound
    if piece.first > 0 { at = bytes.place(of: UInt8(ascii: "\n"), from: at - 1).map { $0 + 1 } ?? bytes.count }
    for index in piece.first..<piece.first + piece.count {
      let isLast = index == piece.first + piece.count - 1
      let end = bytes.place(of: UInt8(ascii: "\n"), from: isLast ? max(at, piece.end) : at) ?? bytes.count
      var line = DumpLine(start: at, end: end, number: Int32(truncatingIfNeeded: index + 1))
      while line.end > line.start, bytes[line.end - 1] == UInt8(ascii: "\r") { line.end -= 1 }
      line.recognise(in: bytes)
      if line.form == .other || line.form == .row {
        if mayBeMarked(bytes, line) { marks.marked.append(index) }
        if gutter(bytes, line) != nil { marks.numbered.append(index) }
        takeOffPasswordPrompt(bytes, &line)
      }
      if line.end - line.start >= 60, bytes[line.end - 1] == UInt8(ascii: "="), !endsInComparison(bytes, line) {
        marks.softBreaks.append(index)
      }
      if line.form == .chainHead { marks.chains.append(line, at: index, in: bytes) }
      lines.append(line)
      at = end + 1
    }
    return marks
  }

  /// Whether a line ends in `!=` or the like: a mailer would have written `!=3D`.
  private static func endsInComparison(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    "!=<>".utf8.contains(bytes[line.end - 2])
  }

  /// Takes off sudo's question, which the first line of an output stands behind where the answer ended no line: `[sudo]
  /// password for web: -P INPUT DROP`.
  private static func takeOffPasswordPrompt(_ bytes: ByteView, _ line: inout DumpLine) {
    guard line.start < line.end, bytes[line.start] == UInt8(ascii: "[") else { return }
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 200))
    guard cursor.eat("[sudo] ") else { return }
    _ = cursor.eat { $0 != UInt8(ascii: ":") }
    guard cursor.eat(": ") else { return }
    cursor.eatBlanks()
    guard cursor.at < line.end else { return }
    line.start = cursor.at
    line.recognise(in: bytes)
  }

  /// Takes quotation marks and fences off.
  private mutating func takeOffMarks(_ marked: [Int]) {
    var fence = Fence()
    var next = 0
    fences.reserveCapacity(lines.count)
    for index in lines.indices {
      var isFence = false
      if next < marked.count, marked[next] == index {
        next += 1
        unquote(&lines[index])
        isFence = fence.take(bytes, lines[index])
        lines[index].recognise(in: bytes)
      }
      fences.append(FencedLine(fence: fence.isOpen || isFence ? fence.count : 0, isFence: isFence))
    }
    if fence.isOpen { openFence = fence.count }
  }

  /// Whether a line can be quoted, or open or close a fence: few lines can, and the others are not looked at closely.
  private static func mayBeMarked(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    let at = bytes.startOfWord(from: line.start, to: line.end)
    guard at < line.end else { return false }
    switch bytes[at] {
    case UInt8(ascii: ">"), UInt8(ascii: "`"), UInt8(ascii: "~"), UInt8(ascii: "|"): return true
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "="): return unwrapped(bytes, at..<line.end) != nil
    case 0xe2, 0xc2: return bullet(bytes, at, line.end) != nil
    case UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "+"):
      guard at + 1 < line.end else { return false }
      if bytes[at + 1] == UInt8(ascii: " ") { return bullet(bytes, at, line.end) != nil }
      return (bytes[at + 1] == bytes[at] || bytes[at + 1] == UInt8(ascii: ">"))
        && unwrapped(bytes, at..<line.end) != nil
    default: return false
    }
  }

  /// Where a line goes on behind a bullet; nil when none stands at a place. Hyphens and stars are bullets only before
  /// what is a line of an output.
  private static func bullet(_ bytes: ByteView, _ at: Int, _ end: Int) -> Int? {
    var cursor = ByteCursor(bytes, at..<end)
    if cursor.eat("\u{2022}") || cursor.eat("\u{25e6}") || cursor.eat("\u{2023}") || cursor.eat("\u{25aa}")
      || cursor.eat("\u{b7}")
    {
      cursor.eatBlanks()
      return cursor.at
    }
    guard cursor.eat(UInt8(ascii: "-")) || cursor.eat(UInt8(ascii: "*")) || cursor.eat(UInt8(ascii: "+")),
      cursor.eat(UInt8(ascii: " "))
    else { return nil }
    cursor.eatBlanks()
    return OutputStart.isSaveLine(cursor) || unwrapped(bytes, cursor.at..<end) != nil ? cursor.at : nil
  }

  /// The line of a save that stands between quotation marks, backticks or stars, or behind an arrow: `"-A INPUT -j
  /// DROP",` or `--> -A INPUT -j DROP`. Nil of any other.
  private static func unwrapped(_ bytes: ByteView, _ range: Range<Int>) -> Range<Int>? {
    var cursor = ByteCursor(bytes, range)
    for arrow: StaticString in ["-->", "==>", "->", "=>"] where cursor.eat(arrow) {
      cursor.eatBlanks()
      return OutputStart.isSaveLine(cursor) ? cursor.at..<range.upperBound : nil
    }
    for mark: StaticString in ["\"", "'", "`", "**"] where cursor.eat(mark) {
      guard isLineOfSave(cursor) else { return nil }
      var end = range.upperBound
      while end > cursor.at, bytes[end - 1] <= UInt8(ascii: " ") || bytes[end - 1] == UInt8(ascii: ",") { end -= 1 }
      let width = mark.utf8CodeUnitCount
      guard end - width > cursor.at, bytes.has(mark, at: end - width) else { return nil }
      let inner = cursor.at..<end - width
      // A list in one line.
      var next = inner.lowerBound
      while let comma = bytes.place(of: UInt8(ascii: ","), in: next..<inner.upperBound) {
        if bytes[comma - 1] == bytes[range.lowerBound] { return nil }
        next = comma + 1
      }
      return inner
    }
    return nil
  }

  private static func isLineOfSave(_ cursor: ByteCursor) -> Bool {
    var attempt = cursor
    return OutputStart.isSaveLine(cursor) || attempt.eat("COMMIT")
      || (["*filter", "*nat", "*mangle", "*raw", "*security"] as [StaticString]).contains {
        cursor.bytes.has($0, at: cursor.at)
      }
  }

  /// Takes off `>` marks (Markdown, mail), as many levels as there are, and then a bullet or the upright strokes of a
  /// table.
  private func unquote(_ line: inout DumpLine) {
    takeOffQuotation(&line)
    let at = bytes.startOfWord(from: line.start, to: line.end)
    guard at < line.end else { return }
    if bytes[at] == UInt8(ascii: "|"), at + 1 == line.end || bytes[at + 1] <= UInt8(ascii: " ") {
      line.start = min(at + 2, line.end)
      while line.end > line.start, bytes[line.end - 1] == UInt8(ascii: " ") { line.end -= 1 }
      if line.end > line.start, bytes[line.end - 1] == UInt8(ascii: "|") { line.end -= 1 }
    } else if let end = Self.bullet(bytes, at, line.end) {
      line.start = end
    }
    let start = bytes.startOfWord(from: line.start, to: line.end)
    if start < line.end, let inner = Self.unwrapped(bytes, start..<line.end) {
      line.start = inner.lowerBound
      line.end = inner.upperBound
    }
  }

  private func takeOffQuotation(_ line: inout DumpLine) {
    while true {
      var at = line.start
      while at < line.end, at - line.start < 4, bytes[at] == UInt8(ascii: " ") { at += 1 }
      guard at < line.end, bytes[at] == UInt8(ascii: ">"), at - line.start < 4 else { return }
      at += 1
      guard
        at == line.end || bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: ">")
          || bytes[at] == UInt8(ascii: "\t")
      else { return }
      if at < line.end, bytes[at] != UInt8(ascii: ">") { at += 1 }
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
    while at < line.end, bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t") { at += 1 }
    guard at < line.end, bytes[at] == UInt8(ascii: "`") || bytes[at] == UInt8(ascii: "~") else { return false }
    let byte = bytes[at]
    let start = at
    while at < line.end, bytes[at] == byte { at += 1 }
    guard at - start >= 3 else { return false }
    let rest = bytes[at..<line.end]
    if isOpen {
      guard byte == mark, at - start >= width, rest.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
      else { return false }
      width = 0
      return true
    }
    // ```code``` in one line is no fence.
    guard !rest.contains(UInt8(ascii: "`")) else { return false }
    count += 1
    mark = byte
    width = at - start
    return true
  }
}

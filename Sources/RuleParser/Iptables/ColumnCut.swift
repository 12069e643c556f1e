import RuleGraph

/// The rules of a save that have no target.
///
/// iptables prints such a rule where it only counts. A rule that was cut before its `-j` looks the same, and what other
/// lines look like tells which of both it is.
struct BareRules: Sendable {
  /// Where the lines begin.
  private(set) var starts: [Int] = []
  /// Where those begin that end in the middle of something.
  private(set) var brokenStarts: [Int] = []

  mutating func append(_ line: DumpLine, breaksOff: Bool) {
    starts.append(line.start)
    if breaksOff { brokenStarts.append(line.start) }
  }

  mutating func append(_ others: BareRules) {
    starts += others.starts
    brokenStarts += others.brokenStarts
  }
}

/// A text all lines of which were cut at one column: by `cut -c`, an editor or a pager that does not fold, the edge of
/// a table in a report.
///
/// Nothing in a line says so where its end looks like the end of a word. The widths say it: no line is wider than the
/// column, and of those that are as wide some end in the middle of something.
enum ColumnCut {
  /// A text of more lines than this is a file, and was not cut by hand.
  private static let mostLines = 5000

  /// Nobody cuts at less than this.
  private static let leastWidth = 50

  /// The end of the words of a line that are whole, when the last one may go on behind the cut. A blank behind it says
  /// that it does not.
  static func endOfWholeWords(_ line: ByteCursor) -> Int {
    var end = line.end
    if end > line.at, line.bytes[end - 1] <= UInt8(ascii: " ") { return end }
    while end > line.at, line.bytes[end - 1] > UInt8(ascii: " ") { end -= 1 }
    return end
  }

  // MARK: - Saves

  /// A save with the lines marked that a cut made shorter; nil where none was, as far as one sees.
  ///
  /// - Parameters:
  ///   - bare: the rules without a target.
  ///   - fragment: what was read.
  static func marked(_ text: DumpText, bare: BareRules, _ fragment: RuleFragment) -> DumpText? {
    guard !bare.starts.isEmpty || text.lines.count <= mostLines else { return nil }
    if let screen = text.screenWidth {
      let names = ChainNames(fragment.tables)
      return text.marking { isRule(text, $0) && width($0) >= screen - 1 && !isWhole(text, $0, names) }
    }
    let widest = text.lines.reduce(0) { max($0, isOfSave(text, $1) ? width($1) : 0) }
    let atWidest = text.lines.filter { width($0) == widest && isRule(text, $0) }
    let isBare = Set(bare.starts)
    let bareAtWidest = atWidest.count { isBare.contains($0.start) }
    let names = ChainNames(fragment.tables)
    let isProved =
      bareAtWidest > 1 && widest >= leastWidth
      || atWidest.contains { line in
        endsUnread(text, line, fragment) || endsInHalfTarget(text, line, names) || endsInOption(text, line)
          || isBare.contains(line.start) && endsInBlank(text, line) && !text.lines.allSatisfy { endsInBlank(text, $0) }
      }
    guard isProved || !bare.brokenStarts.isEmpty else { return nil }
    // Where a rule without a target was cut, each of them may have been. Else a blank may have stood at the column.
    let leastOfBare = bareAtWidest > 0 || !bare.brokenStarts.isEmpty ? 0 : widest - 1
    return text.marking { line in
      let isCut =
        isBare.contains(line.start) && width(line) >= leastOfBare
        || isProved && width(line) == widest && isRule(text, line)
      return isCut && !isWhole(text, line, names)
    }
  }

  /// The column at which the marked lines of a save were cut; nil where they don't tell it.
  static func column(of marked: DumpText) -> Int? {
    let widths = marked.lines.filter { $0.form == .cutOff }.map(width)
    guard let column = widths.max(), column >= leastWidth, !isWider(marked, than: column) else { return nil }
    return column
  }

  /// Whether a rule of a save goes beyond a column, so that it was not cut there.
  static func isWider(_ text: DumpText, than column: Int) -> Bool {
    text.lines.contains { width($0) > column && ($0.form == .cutOff || isRule(text, $0)) }
  }

  private static func width(_ line: DumpLine) -> Int { line.end - line.start }

  /// Whether a blank stands at the end of a line that is a rule; older versions of iptables end all rules so.
  private static func endsInBlank(_ text: DumpText, _ line: DumpLine) -> Bool {
    !isRule(text, line) || text.bytes[line.end - 1] == UInt8(ascii: " ")
  }

  /// Whether a line ends in an option that has a value always: `-j`.
  private static func endsInOption(_ text: DumpText, _ line: DumpLine) -> Bool {
    let word = text.bytes.text(line.range).trimmedBlanks.utf8.suffix(3)
    return ["j", "g", "m", "p", "s", "d", "i", "o"].contains { word.elementsEqual(" -\($0)".utf8) }
  }

  /// Whether a line ends in something that could not be read.
  private static func endsUnread(_ text: DumpText, _ line: DumpLine, _ fragment: RuleFragment) -> Bool {
    guard fragment.diagnostics.contains(where: { $0.span?.offset == line.start }) else { return false }
    let words = text.bytes.text(line.range).trimmedBlanks
    return fragment.tables.contains { table in
      table.chains.contains { chain in
        chain.rules.contains { rule in
          rule.span.offset == line.start
            && rule.statements.contains { statement in
              switch statement {
              case .opaqueMatch(let part), .opaqueTarget(let part): words.hasSuffix(part.text.trimmedBlanks)
              default: false
              }
            }
        }
      }
    }
  }

  private static func isOfSave(_ text: DumpText, _ line: DumpLine) -> Bool {
    switch line.form {
    case .rule, .head: true
    case .other:
      OutputStart.isSaveLine(text.cursor(line)) || line.start < line.end && text.bytes[line.start] == UInt8(ascii: "#")
    default: false
    }
  }

  private static func isRule(_ text: DumpText, _ line: DumpLine) -> Bool {
    if line.form == .rule { return true }
    guard line.form == .other, line.start < line.end, text.bytes[line.start] == UInt8(ascii: "[") else { return false }
    let second = text.bytes.startOfWord(from: text.bytes.endOfWord(from: line.start, to: line.end), to: line.end)
    return second + 3 < line.end && text.bytes.has("-A ", at: second)
  }

  /// The names of the chains that were read.
  private struct ChainNames {
    private let tables: [Table]

    init(_ tables: [Table]) { self.tables = tables }

    func contains(where test: (String) -> Bool) -> Bool {
      tables.contains { $0.chains.contains { test($0.name) } }
    }
  }

  /// The name behind the `-j` or `-g` that a line ends with, or that of a target that rejects, whatever stands behind
  /// it.
  private static func lastTarget(_ text: DumpText, _ line: DumpLine) -> String? {
    var words = Words(text.bytes, line.range)
    var (before, last) = (0..<0, 0..<0)
    while let word = words.next() {
      (before, last) = (last, word)
      if isJump(text, before), text.bytes.text(last) == "REJECT" { break }
    }
    return isJump(text, before) ? text.bytes.text(last) : nil
  }

  private static func isJump(_ text: DumpText, _ word: Range<Int>) -> Bool {
    word.count == 2 && (text.bytes.has("-j", at: word.lowerBound) || text.bytes.has("-g", at: word.lowerBound))
  }

  /// Whether a line ends in the beginning of a target: there is none of that name, but one that begins so.
  private static func endsInHalfTarget(_ text: DumpText, _ line: DumpLine, _ chains: ChainNames) -> Bool {
    guard let name = lastTarget(text, line), !targets.contains(name), !chains.contains(where: { $0 == name }) else {
      return false
    }
    return targets.contains { $0.hasPrefix(name) } || chains.contains { $0.hasPrefix(name) }
  }

  /// Whether a line ends in a target that nothing can stand behind.
  private static func isWhole(_ text: DumpText, _ line: DumpLine, _ chains: ChainNames) -> Bool {
    guard let name = lastTarget(text, line), !chains.contains(where: { $0 != name && $0.hasPrefix(name) }) else {
      return false
    }
    return ["ACCEPT", "DROP", "RETURN", "MASQUERADE", "REJECT", "NOTRACK"].contains(name)
      || chains.contains { $0 == name }
  }

  private static let targets = Set(
    ExtensionRegistry.all.filter { $0.kind == .target }.flatMap { $0.names } + ["ACCEPT", "DROP", "RETURN", "QUEUE"])

  // MARK: - Listings

  /// A listing with the rows marked that a cut made shorter; nil where none was, as far as one sees.
  static func marked(_ text: DumpText, _ fragment: RuleFragment) -> DumpText? {
    guard text.lines.count <= mostLines else { return nil }
    if let screen = text.screenWidth {
      let behind = placeOfTests(text)
      return text.marking { isRow(text, $0) && max(width($0) + 1, behind) >= screen }
    }
    if cutsColumns(text) { return text.marking { isRow(text, $0) } }
    guard !fragment.diagnostics.isEmpty else { return nil }
    let rows = text.lines.filter { isRow(text, $0) }
    let widest = rows.reduce(0) { max($0, width($1)) }
    let atWidest = rows.filter { width($0) >= widest - 1 }
    guard atWidest.count > 1,
      atWidest.contains(where: { width($0) == widest && endsUnread(text, $0, fragment) })
    else { return nil }
    // Behind the column a blank may have stood that nobody copied.
    return text.marking { isRow(text, $0) && width($0) >= widest - 1 }
  }

  /// The column behind the addresses of a row, where its tests stand: iptables prints an address in 19 columns and a
  /// blank on both sides.
  private static func placeOfTests(_ text: DumpText) -> Int {
    for line in text.lines {
      guard line.form == .columnHead || line.form == .other && ListingHeader(text.cursor(line)) != nil else { continue }
      var words = Words(text.bytes, line.range)
      while let word = words.next() {
        if text.bytes.text(word) == "destination" { return word.lowerBound - line.start + 21 }
      }
    }
    return 0
  }

  /// Whether the heads of the columns say that the texts of all rows were cut off: iptables prints `destination` with
  /// nine blanks behind it (`print_header` in `iptables/xshared.c`). Copying loses all of them or none.
  private static func cutsColumns(_ text: DumpText) -> Bool {
    let heads = text.lines.filter {
      $0.form == .columnHead || $0.form == .other && ListingHeader(text.cursor($0)) != nil
    }
    guard let head = heads.first, heads.allSatisfy({ width($0) == width(head) }) else { return false }
    let rows = text.lines.filter { isRow(text, $0) }
    guard !rows.isEmpty, rows.allSatisfy({ width($0) <= width(head) }) else { return false }
    var words = Words(text.bytes, head.range)
    var last = 0..<0
    while let word = words.next() { last = word }
    let name = text.bytes.text(last)
    guard name == "destination" else { return "destination".hasPrefix(name) || "source".hasPrefix(name) }
    return (1..<9).contains(head.end - last.upperBound) && rows.contains { width($0) == width(head) }
  }

  private static func isRow(_ text: DumpText, _ line: DumpLine) -> Bool {
    line.form == .row || line.form == .other && OutputContinuation.isListingRow(text.cursor(line))
  }
}

extension DumpText {
  /// The text with some lines marked as cut off; nil where there are none of them.
  fileprivate func marking(_ isCut: (DumpLine) -> Bool) -> DumpText? {
    var marked = self
    var hasAny = false
    for index in lines.indices where lines[index].form != .unreadable && isCut(lines[index]) {
      marked.lines[index].form = .cutOff
      hasAny = true
    }
    return hasAny ? marked : nil
  }
}

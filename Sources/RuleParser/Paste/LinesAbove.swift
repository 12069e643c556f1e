import RuleGraph

/// What the lines above an output tell of it: people write there what it is, and what they left out.
struct LinesAbove {
  private let paste: PasteLines
  private let bytes: ByteView
  private let lines: [DumpLine]

  init(_ paste: PasteLines) {
    self.paste = paste
    bytes = paste.bytes
    lines = paste.lines
  }

  /// The nearest lines above a place that are of no output, at most three, the lowest first.
  private func words(above index: Int) -> [DumpLine] {
    var words: [DumpLine] = []
    for place in (max(0, index - 12)..<index).reversed() where !paste.isBlank(lines[place]) && !paste.isFence(at: place)
    {
      guard lines[place].form == .other, words.count < 3 else { break }
      words.append(lines[place])
    }
    return words
  }

  /// What stands above an output.
  enum Heading {
    case family(AddressFamily)
    /// Words that tell no family.
    case prose
  }

  /// What the nearest lines above a place tell of what stands there; nil where the lines of an output do.
  func heading(above index: Int) -> Heading? {
    var isProse = false
    for line in words(above: index) {
      if isDumped(line) { break }
      if let family = RulesHeading.family(bytes, line.range) { return .family(family) }
      if !RulesHeading.namesTable(bytes, line.range) { isProse = true }
    }
    return isProse ? .prose : nil
  }

  /// The table that the nearest lines above a place tell.
  func table(above index: Int) -> String? {
    for line in words(above: index) {
      if isDumped(line) { return nil }
      if let table = RulesHeading.table(bytes, line.range) { return table }
    }
    return nil
  }

  /// Whether the words above an output, which begins at a line, say that it was so once: `how it looked yesterday, when
  /// 3306 worked:`.
  func isOfThePast(_ index: Int) -> Bool {
    for line in words(above: index) {
      let words = bytes.text(line.range.prefix(400)).lowercased().split { !$0.isLetter }.map(String.init)
      if words.contains(where: Self.present.contains) { return false }
      if words.contains(where: Self.past.contains)
        || zip(words, words.dropFirst()).contains(where: { $0 == "used" && $1 == "to" })
      {
        return true
      }
    }
    return false
  }

  private static let present: Set<String> = ["now", "currently", "current", "today", "after", "afterwards", "new"]
  private static let past: Set<String> = [
    "yesterday", "before", "earlier", "previously", "formerly", "originally", "ago",
  ]

  /// Whether a line is of an output of rules, or a prompt.
  private func isDumped(_ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    return OutputStart.isSaveLine(cursor) || OutputContinuation.isListingRow(cursor) || OutputStart.isChainHead(cursor)
      || ListingHeader(cursor) != nil || ShellPrompt(bytes, line) != nil
  }

  // MARK: - What is missing

  /// Whether what stands above the first line of an output says that rules are missing in it: a sentence, or rows of a
  /// listing that was turned upside down.
  func losesRules(above index: Int, _ kind: OutputKind) -> Bool {
    if kind == .listing, index > 0, !paste.isBlank(lines[index - 1]) {
      var cursor = ByteCursor(bytes, lines[index - 1].range)
      cursor.eatBlanks()
      if ListingHeader(cursor) != nil || OutputContinuation.isListingRow(cursor) { return true }
    }
    return words(above: index).contains {
      OmissionSentence.isOne(bytes, $0.range) || OmissionMark.isHunk(bytes, $0.range)
    }
  }

  /// The lines before a table that close brackets which nothing there opens: the rest of tables whose beginning was cut
  /// off.
  func cutTables(before index: Int, behind end: Int) -> Range<Int>? {
    var first = index
    while first > 0, index - first < 400, lines[first - 1].start >= end,
      paste.fence(at: first - 1) == paste.fence(at: index),
      !paste.isFence(at: first - 1), ShellPrompt(bytes, lines[first - 1]) == nil
    {
      first -= 1
    }
    var depth = 0
    for place in first..<index {
      depth += BracketCount.depth(bytes, lines[place].range)
      guard depth < 0 else { continue }
      var top = place
      while top > first, !paste.isBlank(lines[top - 1]) { top -= 1 }
      return top..<index
    }
    return nil
  }

  /// The line before a place that says that lines were left out there.
  func omissionMark(before index: Int, behind last: Int?) -> Int? {
    guard let mark = (0..<index).last(where: { !paste.isBlank(lines[$0]) }),
      paste.fence(at: mark) == paste.fence(at: index),
      OmissionMark.evidence(bytes, lines[mark].range) == .elided,
      last != lines[mark].start
    else { return nil }
    return mark
  }
}

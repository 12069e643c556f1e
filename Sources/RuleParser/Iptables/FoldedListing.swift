import RuleGraph

/// Puts the folded lines of a listing together.
enum FoldedListing {
  /// What a line of a listing is when its beginning is looked at.
  private enum Beginning {
    case chain, columns, row, other
  }

  /// The text with whole lines; nil when no line goes on in the next one.
  static func unfolded(_ text: DumpText, family: AddressFamily) -> DumpText? {
    var groups: [(beginning: Beginning, fold: FoldedLine, header: ListingHeader?)] = []
    let firstOfTail = text.lines.count - text.tail
    let startOfTail = text.tail > 0 ? text.lines[firstOfTail].start : .max
    var header: ListingHeader?
    for (index, line) in text.lines.enumerated() {
      let beginning = beginning(text, line, header)
      if beginning == nil, let last = groups.last, last.beginning != .other,
        last.fold.pieces.count < FoldedLine.mostPieces
      {
        groups[groups.count - 1].fold.pieces.append(line)
        continue
      }
      if index >= firstOfTail { break }
      if beginning == .chain { header = nil }
      if beginning == .columns { header = ListingHeader(text.cursor(line)) }
      groups.append((beginning ?? .other, FoldedLine(pieces: [line]), header))
    }
    let folds = groups.filter { $0.fold.pieces.count > 1 }.map(\.fold)
    guard !folds.isEmpty else { return nil }
    let width = FoldWidth(text)
    let folder = width.folder(of: folds, in: text.bytes)
    var bytes = UnfoldedBytes(text.bytes)
    var lines: [DumpLine] = []
    for group in groups {
      let pieces = group.fold.pieces
      guard pieces.count > 1 else {
        lines.append(pieces[0])
        continue
      }
      if folder != .terminal, group.header?.hasNumbers == true, mayEndInNumber(text, pieces) {
        var line = pieces[0]
        line.form = .unreadable
        lines.append(line)
        continue
      }
      let unfolding = Unfolding(text: text, width: width, folder: folder) {
        read($0, group.beginning, group.header, family)
      }
      switch unfolding.result(group.fold, isWhole: { _ in true }) {
      case .joined(let way):
        lines.append(bytes.join(FoldedLine(pieces: Array(pieces.prefix(way.count + 1))), way))
        lines += pieces.dropFirst(way.count + 1).filter { $0.start < startOfTail }
      case .apart: lines += pieces.filter { $0.start < startOfTail }
      case .unknown:
        var line = pieces[0]
        // The head of the columns is known by its beginning.
        if group.beginning == .row { line.form = .unreadable }
        lines.append(line)
      }
    }
    return bytes.text(of: text, lines)
  }

  /// Whether the text may end in the number of the row that comes next, and not in the rest of the one before: `2`
  /// behind a row of number 1 that translates `to:172.18.0.5`.
  private static func mayEndInNumber(_ text: DumpText, _ pieces: [DumpLine]) -> Bool {
    guard let last = pieces.last, text.bytes[last.end...].allSatisfy({ $0 <= UInt8(ascii: " ") }) else { return false }
    var (row, rest) = (text.cursor(pieces[0]), text.cursor(last))
    row.eatBlanks()
    guard let number = row.eatDecimal(), number < .max, let word = rest.eatWord() else { return false }
    rest.eatBlanks()
    return rest.isAtEnd && String(number + 1).hasPrefix(text.bytes.text(word))
  }

  /// What a line begins; nil when it can only go on with the one before it.
  private static func beginning(_ text: DumpText, _ line: DumpLine, _ header: ListingHeader?) -> Beginning? {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    if cursor.isAtEnd || cursor.peek == UInt8(ascii: "#") || OmissionMark.evidence(text.bytes, line.range) != nil
      || OmissionMark.isMask(text.bytes, line.range)
    {
      return .other
    }
    if text.bytes.has("Chain ", at: cursor.at) { return .chain }
    if ListingHeader(text.cursor(line)) != nil { return .columns }
    return beginsRow(cursor, header) ? .row : nil
  }

  /// Whether a line begins as a row does: with numbers, where the head of the columns says so; else an option column or
  /// two addresses stand in it.
  private static func beginsRow(_ start: ByteCursor, _ header: ListingHeader?) -> Bool {
    var cursor = start
    if let header, header.hasNumbers || header.hasCounters {
      let numbers = (header.hasNumbers ? 1 : 0) + (header.hasCounters ? 2 : 0)
      for _ in 0..<numbers {
        guard cursor.eatScaledNumber() != nil, cursor.eatBlanks() > 0 else { return false }
      }
      return !cursor.isAtEnd
    }
    for place in 0..<5 {
      guard let word = cursor.eatWord() else { return false }
      if place > 0,
        cursor.range(word, equals: "--") || cursor.range(word, equals: "-f") || cursor.range(word, equals: "!f")
      {
        return true
      }
      cursor.eatBlanks()
    }
    return OutputContinuation.isListingRow(start)
  }

  /// What a line says when all of it can be read.
  private static func read(
    _ text: DumpText, _ beginning: Beginning, _ header: ListingHeader?, _ family: AddressFamily
  ) -> FoldedRule? {
    let line = text.lines[0]
    switch beginning {
    case .chain:
      return text.bytes[line.range].last == UInt8(ascii: ")") && OutputStart.isChainHead(text.cursor(line))
        ? FoldedRule() : nil
    case .columns:
      var cursor = text.cursor(line)
      var last = 0..<0
      while true {
        cursor.eatBlanks()
        guard let word = cursor.eatWord() else { break }
        last = word
      }
      return cursor.range(last, equals: "destination") ? FoldedRule() : nil
    case .row:
      var rules = ListingRuleReader(bytes: text.bytes, family: family)
      guard let rule = rules.read(text.cursor(line), header: header, span: text.span(line), line: line),
        rules.diagnostics.isEmpty, header?.hasCounters != true || rule.counter != nil
      else { return nil }
      return FoldedRule(rule)
    case .other: return nil
    }
  }
}

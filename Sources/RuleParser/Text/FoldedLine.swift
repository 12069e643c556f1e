import RuleGraph

/// A line of a dump that a terminal or mailer has folded: its pieces, and how they may have been one.
///
/// A terminal folds at its width, in the middle of a word; a mailer at a blank before it, which is gone then. Which of
/// both it was shows in what can be read: a rule of a number and half of the next word is none.
struct FoldedLine {
  /// Where the pieces stand.
  var pieces: [DumpLine]

  /// A line with more pieces than this is none.
  static let mostPieces = 8

  /// The ways to put the pieces together, each with one truth value for each place at which the line was folded:
  /// whether a blank stood there. Few lines are folded more than thrice; of those only both pure ways are tried.
  var ways: [[Bool]] {
    let seams = pieces.count - 1
    guard seams <= 4 else { return [Array(repeating: false, count: seams), Array(repeating: true, count: seams)] }
    return (0..<1 << seams).map { bits in (0..<seams).map { bits >> $0 & 1 == 1 } }
  }

  /// The text that the pieces make.
  func joined(_ way: [Bool], in bytes: ByteView) -> [UInt8] {
    var text: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
      if index > 0, way[index - 1] { text.append(UInt8(ascii: " ")) }
      text += bytes[piece.range]
    }
    return text
  }
}

/// How wide the lines of a text are, which tells how it was folded.
struct FoldWidth {
  /// The width of the widest line, in columns.
  let widest: Int

  init(_ text: DumpText) {
    widest = text.lines.reduce(0) { max($0, Self.columns(text.bytes, $1.range)) }
  }

  /// The number of columns that a line takes on a terminal: a tab goes on to the next eighth one.
  static func columns(_ bytes: ByteView, _ range: Range<Int>) -> Int {
    var columns = 0
    for byte in bytes[range] {
      switch byte {
      case UInt8(ascii: "\t"): columns += 8 - columns % 8
      case 0x80...0xbf, UInt8(ascii: "\r"): break
      default: columns += 1
      }
    }
    return columns
  }

  /// Whether the width can have folded a line here: what stands behind the place did not fit.
  func mayFold(_ bytes: ByteView, _ piece: DumpLine, before next: DumpLine) -> Bool {
    // Nobody folds at less than this.
    guard widest >= 50 else { return false }
    var cursor = ByteCursor(bytes, next.range)
    cursor.eatBlanks()
    let word = cursor.eatWord() ?? 0..<0
    return Self.columns(bytes, piece.range) + 1 + Self.columns(bytes, word) > widest
  }

  /// Who folded some lines, as far as widths tell; nil where they don't.
  ///
  /// A terminal folds at exactly its width, so that the pieces are as wide as the widest line, or lack the blanks at
  /// their ends. One line says nothing, since a mailer's can be so by chance.
  func folder(of folds: [FoldedLine], in bytes: ByteView) -> Folder? {
    let seams = folds.flatMap { fold in zip(fold.pieces, fold.pieces.dropFirst()).map { ($0, $1) } }
    let atWidest = seams.count { isFull(bytes, $0.0) }
    if atWidest > 1, atWidest * 2 >= seams.count { return .terminal }
    return atWidest < 2 && seams.count >= 2 + atWidest && seams.allSatisfy { mayFold(bytes, $0.0, before: $0.1) }
      ? .mailer : nil
  }

  /// Who folded a text.
  enum Folder {
    case terminal, mailer
  }

  /// How a line was put apart by one of them.
  func way(of fold: FoldedLine, by folder: Folder, in bytes: ByteView) -> [Bool] {
    fold.pieces.dropLast().map { folder == .mailer || !isFull(bytes, $0) }
  }

  /// Whether the first piece ends where one of them would have folded the line.
  func hasFolded(_ fold: FoldedLine, by folder: Folder, in bytes: ByteView) -> Bool {
    switch folder {
    case .terminal: isFull(bytes, fold.pieces[0])
    case .mailer: mayFold(bytes, fold.pieces[0], before: fold.pieces[1])
    }
  }

  private func isFull(_ bytes: ByteView, _ piece: DumpLine) -> Bool { Self.columns(bytes, piece.range) == widest }
}

/// The bytes of a dump whose folded lines are put together, each within the room that it had, so that offsets stay
/// those of the source.
struct UnfoldedBytes {
  private var bytes: [UInt8]
  private let original: ByteView

  init(_ original: ByteView) {
    self.original = original
    bytes = Array(original)
  }

  /// Puts a folded line together in one way; gives it as one line.
  mutating func join(_ fold: FoldedLine, _ way: [Bool]) -> DumpLine {
    var line = fold.pieces[0]
    let text = fold.joined(way, in: original)
    let end = fold.pieces[fold.pieces.count - 1].end
    for (offset, byte) in text.enumerated() { bytes[line.start + offset] = byte }
    // A blank at the end may be one that the program printed; a line that ends the input still does.
    let isLast = end == bytes.count
    for place in line.start + text.count..<end { bytes[place] = isLast ? UInt8(ascii: " ") : UInt8(ascii: "\r") }
    line.end = isLast ? end : line.start + text.count
    line.form = .other
    return line
  }

  /// The text with these lines.
  func text(of text: DumpText, _ lines: [DumpLine]) -> DumpText {
    var unfolded = DumpText(source: text.source, memory: SourceBytes(bytes), lines: lines)
    for index in unfolded.lines.indices where unfolded.lines[index].form != .unreadable {
      unfolded.lines[index].recognise(in: unfolded.bytes)
    }
    return unfolded
  }
}

/// Puts the folded lines of a dump together, of which a reader says what a whole line is.
struct Unfolding<Reading: Equatable> {
  let text: DumpText
  let width: FoldWidth
  /// Who folded the text, as far as one knows.
  let folder: FoldWidth.Folder?
  /// What a text of one line says when all of it can be read; nil of any other text.
  let read: (DumpText) -> Reading?

  private func reading(_ bytes: [UInt8]) -> Reading? {
    let memory = SourceBytes(bytes)
    return read(DumpText(source: 0, memory: memory, lines: [DumpLine(start: 0, end: bytes.count, number: 1)]))
  }

  /// What became of a folded line.
  enum Result {
    /// Its first pieces, one more than there are places, were put together so; the others are no part of it.
    case joined([Bool])
    /// The first piece is a line of its own, and the others are no part of it.
    case apart
    /// More than one way gives a line that can be read, or none does.
    case unknown
  }

  /// Decides how the pieces of a line belong together.
  ///
  /// A reading that is doubtful counts only where there is no other: a word of the next line makes the name of a chain
  /// that there is not.
  func result(_ fold: FoldedLine, isWhole: (Reading) -> Bool, isDoubtful: (Reading) -> Bool = { _ in false }) -> Result
  {
    // A part that nobody can read is unknown either way.
    result(fold) { isWhole($0) && !isDoubtful($0) } ?? result(fold, where: isWhole)
      ?? folder.map { .joined(width.way(of: fold, by: $0, in: text.bytes)) } ?? .unknown
  }

  private func result(_ fold: FoldedLine, where isWhole: (Reading) -> Bool) -> Result? {
    // Prose may stand behind the last piece.
    for count in (2...fold.pieces.count).reversed() {
      let part = FoldedLine(pieces: Array(fold.pieces.prefix(count)))
      var found: [(way: [Bool], reading: Reading)] = []
      for way in part.ways {
        guard let reading = reading(part.joined(way, in: text.bytes)), isWhole(reading) else { continue }
        if !found.contains(where: { $0.reading == reading }) { found.append((way, reading)) }
      }
      if found.count == 1 { return .joined(found[0].way) }
      if found.count > 1 {
        guard let folder else { return .unknown }
        let way = width.way(of: part, by: folder, in: text.bytes)
        let meant = reading(part.joined(way, in: text.bytes))
        return found.contains { $0.reading == meant } ? .joined(way) : .unknown
      }
    }
    // What stands behind a line that was folded there is the rest of it, though nobody can read it.
    if let folder, width.hasFolded(fold, by: folder, in: text.bytes) { return nil }
    if let alone = reading(Array(text.bytes[fold.pieces[0].range])), isWhole(alone) { return .apart }
    return nil
  }
}

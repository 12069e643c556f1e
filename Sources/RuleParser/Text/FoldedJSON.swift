import RuleGraph

/// Puts the folded lines of JSON together.
///
/// Line ends mean nothing in JSON but in texts and numbers, where only a fold can have put them: at the width of the
/// terminal without a blank, else in place of one.
enum FoldedJSON {
  /// The text with whole texts and numbers; nil when it has one line only.
  static func unfolded(_ text: DumpText) -> DumpText? {
    guard text.lines.count > 1 else { return nil }
    let width = FoldWidth(text)
    var bytes = UnfoldedBytes(text.bytes)
    var lines: [DumpLine] = []
    var fold = FoldedLine(pieces: [])
    var way: [Bool] = []
    var isInText = false
    for line in text.lines {
      fold.pieces.append(line)
      _ = BracketCount.depth(text.bytes, line.range, isInText: &isInText)
      let isFull = FoldWidth.columns(text.bytes, line.range) >= width.widest
      if isFull || isInText {
        way.append(!isFull)
        continue
      }
      lines.append(fold.pieces.count > 1 ? bytes.join(fold, way) : line)
      fold.pieces = []
      way = []
    }
    if fold.pieces.count > 1 {
      lines.append(bytes.join(fold, Array(way.prefix(fold.pieces.count - 1))))
    } else {
      lines += fold.pieces
    }
    guard lines.count < text.lines.count else { return nil }
    return bytes.text(of: text, lines)
  }
}

import RuleGraph

/// The text of a script or of typed commands as one run of bytes, whose places lead back to the input.
///
/// The lines of a paste stand behind prompts and list marks; a shell sees what is left of them, one behind the other.
struct ShellText {
  /// The bytes, with a line feed behind each line.
  private(set) var bytes: [UInt8] = []
  /// Where each line begins in ``bytes``.
  private var starts: [Int] = []
  private let lines: [DumpLine]
  private let source: Int32
  /// The place of all of it, for a text that was made of words (`sh -c '...'`).
  private let place: SourceSpan?

  /// The text of some lines.
  init(_ text: DumpText) {
    source = text.source
    lines = text.lines
    place = nil
    for line in text.lines {
      starts.append(bytes.count)
      bytes += text.bytes[line.range]
      bytes.append(UInt8(ascii: "\n"))
    }
  }

  /// A text that a command was given in words, which stand at a place.
  init(_ text: String, at place: SourceSpan) {
    self.place = place
    source = place.source
    lines = []
    bytes = Array(text.utf8) + [UInt8(ascii: "\n")]
  }

  /// The place of a range in the input, from its first byte to its last.
  func span(_ range: Range<Int>) -> SourceSpan {
    if let place { return place }
    guard !lines.isEmpty else { return SourceSpan(source: source, line: 1, offset: 0, length: 0) }
    let first = offset(of: range.lowerBound)
    let last = range.isEmpty ? first.offset : offset(of: range.upperBound - 1).offset + 1
    return SourceSpan(source: source, line: first.line, offset: first.offset, length: max(last - first.offset, 0))
  }

  private func offset(of position: Int) -> (offset: Int, line: Int32) {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle + 1 } else { high = middle }
    }
    let line = lines[max(low - 1, 0)]
    return (min(line.start + position - starts[max(low - 1, 0)], line.end), line.number)
  }

  /// The text of a range.
  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

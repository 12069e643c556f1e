import RuleGraph

/// One line of a source, without its line end and without what surrounds the dump (a quote mark before it, a carriage
/// return behind it).
struct DumpLine: Hashable, Sendable {
  /// The offset of the first byte in the source.
  var start: Int
  /// The offset behind the last byte.
  var end: Int
  /// The line's number in the source, counted from 1.
  var number: Int32
  /// What the line looks like.
  var form = PlainForm.other

  /// The line as a range of the source's bytes.
  var range: Range<Int> { start..<end }
}

/// A run of lines of one source that are the output of one command: what the readers get.
struct DumpText: Sendable {
  /// The index of the source in the ``SourceMap``.
  var source: Int32
  /// What keeps the bytes.
  let memory: SourceBytes
  /// The bytes of the whole source.
  let bytes: ByteView
  /// The lines of the output.
  var lines: [DumpLine]
  /// How many lines at the end may be prose as well as the rest of a folded line.
  var tail = 0
  /// Whether texts in JSON go on in the next line.
  var hasFoldedTexts = false
  /// How wide the screen was that cut the lines off, where that is known.
  var screenWidth: Int?

  /// Makes a text of some lines of a source.
  init(source: Int32, memory: SourceBytes, lines: [DumpLine]) {
    self.source = source
    self.memory = memory
    bytes = ByteView(memory)
    self.lines = lines
  }

  /// The text without the lines that may be prose.
  var withoutTail: DumpText {
    if tail == 0 { return self }
    var text = self
    text.lines.removeLast(min(tail, lines.count))
    text.tail = 0
    return text
  }

  /// A cursor over one line.
  func cursor(_ line: DumpLine) -> ByteCursor { ByteCursor(bytes, line.range) }

  /// The span of a line.
  func span(_ line: DumpLine) -> SourceSpan {
    SourceSpan(source: source, line: line.number, offset: line.start, length: line.end - line.start)
  }

  /// The span of a part of a line, or of a run of lines: the line is where the range begins.
  func span(_ range: Range<Int>) -> SourceSpan {
    SourceSpan(source: source, line: line(at: range.lowerBound), offset: range.lowerBound, length: range.count)
  }

  /// The number of the line that an offset in the source is in, or of the last one before it.
  func line(at offset: Int) -> Int32 {
    var low = 0
    var high = lines.count
    while low < high {
      let middle = (low + high) / 2
      if lines[middle].start <= offset { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? lines[low - 1].number : lines.first?.number ?? 1
  }
}

/// What a reader of rules got out of one ``DumpText``.
struct RuleFragment: Sendable {
  /// The tables, in the order of the dump.
  var tables: [Table] = []
  /// The ipsets.
  var ipsets: [NamedSet] = []
  /// What could not be read.
  var diagnostics: [Diagnostic] = []
  /// The tables that the program says it can't print, with the lines that say so.
  var unprinted: [String: SourceSpan] = [:]
  /// Whether some rule of a listing does not tell its interfaces.
  var hidesInterfaces = false
  /// Where the text ends before the output does, or leaves lines out between tables: what is not in it may exist all
  /// the same.
  var cut: SourceSpan?
  /// The column at which the lines of a save were cut, where they tell.
  var cutColumn: Int?

  /// Whether the output goes on behind the text, or had more tables than the text.
  var isCut: Bool { cut != nil }
}

import RuleGraph

/// Texts in the form that a reader of dumps reads, put together of commands; each of their lines knows the command that
/// it was made of.
///
/// A line's number leads to its command, so that what was read can be given its place in the input afterwards.
struct CommandTexts {
  private var places: [SourceSpan] = []

  /// The source that these texts are said to be of, so that their places can be told from those of the input.
  private static let source: Int32 = -1

  /// Whether a place is one in such a text.
  static func holds(_ span: SourceSpan) -> Bool { span.source == source && span.line > 0 }

  /// A text of some lines. It keeps its bytes.
  mutating func text(_ written: [(line: String, place: SourceSpan)]) -> DumpText {
    var bytes: [UInt8] = []
    var lines: [DumpLine] = []
    for (line, place) in written {
      let start = bytes.count
      bytes += line.utf8
      places.append(place)
      lines.append(DumpLine(start: start, end: bytes.count, number: Int32(clamping: places.count)))
      bytes.append(UInt8(ascii: "\n"))
    }
    return DumpText(source: Self.source, memory: SourceBytes(bytes), lines: lines)
  }

  /// The place in the input of what stands at a place in a text.
  func place(_ span: SourceSpan) -> SourceSpan {
    span.source == Self.source && places.indices.contains(Int(span.line) - 1) ? places[Int(span.line) - 1] : span
  }

  /// Diagnostics with their places in the input.
  func placed(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    diagnostics.map { diagnostic in
      var placed = diagnostic
      placed.span = diagnostic.span.map { place($0) }
      placed.column = nil
      return placed
    }
  }

  /// A table with its places in the input.
  func placed(_ table: Table) -> Table {
    var table = table
    table.span = table.span.map { place($0) }
    for chain in table.chains.indices {
      table.chains[chain].span = table.chains[chain].span.map { place($0) }
      for rule in table.chains[chain].rules.indices {
        table.chains[chain].rules[rule].span = place(table.chains[chain].rules[rule].span)
      }
    }
    for set in table.sets.indices { table.sets[set].span = table.sets[set].span.map { place($0) } }
    for object in table.objects.indices { table.objects[object].span = table.objects[object].span.map { place($0) } }
    return table
  }
}

extension CommandWord {
  /// The word as the readers of rules take it apart: in quotation marks where it needs them.
  var spelled: String {
    let needsMarks =
      text.isEmpty
      || text.utf8.contains {
        $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\\")
      }
    guard needsMarks else { return text }
    var marked = "\""
    for character in text.unicodeScalars {
      if character == "\"" || character == "\\" { marked += "\\" }
      marked.unicodeScalars.append(character == "\n" ? " " : character)
    }
    return marked + "\""
  }
}

/// What single lines look like.
extension PasteLines {
  /// Whether nothing but spaces and tabs stands in a line.
  func isBlank(_ line: DumpLine) -> Bool {
    bytes[line.range].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }

  /// Whether a line is the head of a listing's columns.
  func isColumnHead(_ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    return ListingHeader(cursor) != nil
  }

  /// Whether a line is a row of a listing though no head of columns says so; one with a number before the counters
  /// looks like nothing by its bytes alone.
  func isRow(_ line: DumpLine) -> Bool {
    line.form == .row
      || ByteCursor(bytes, line.range).text(line.range).contains(" -- ")
        && OutputContinuation.isListingRow(ByteCursor(bytes, line.range))
  }

  /// Whether nothing stands before a line.
  func isFirst(_ index: Int) -> Bool { lines[..<index].allSatisfy { isBlank($0) } }
}

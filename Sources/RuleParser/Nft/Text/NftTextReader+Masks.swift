import RuleGraph

/// What people put in the place of values before they post a dump.
extension NftTextReader {
  /// Tells of each masked value of a rule or set that stands between two places.
  mutating func report(masked values: [MaskedValue], in range: Range<Int>) {
    var from = range.lowerBound
    for value in values {
      let place = place(of: value.text, in: from..<range.upperBound) ?? place(of: value.text, in: range)
      let offset = place ?? range.lowerBound
      var start = offset
      while start > 0, text.bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
      let span = text.span(start..<min(offset + value.text.utf8.count, text.bytes.count))
      diagnostics.append(.masked(value.text, span: span, column: offset - start + 1))
      if let place { from = min(place + value.text.utf8.count, range.upperBound) }
    }
  }

  private func place(of word: String, in range: Range<Int>) -> Int? {
    let wanted = Array(word.utf8)
    guard let first = wanted.first, range.upperBound <= text.bytes.count else { return nil }
    var at = range.lowerBound
    while let found = text.bytes.place(of: first, in: at..<range.upperBound) {
      if found + wanted.count <= range.upperBound, text.bytes[found..<found + wanted.count].elementsEqual(wanted) {
        return found
      }
      at = found + 1
    }
    return nil
  }

  /// Whether the piece that is looked at stands for elements that were left out.
  var isElision: Bool { kind == .word && MaskedText.isElision(tokens.bytes[tokens.current.range]) }

  /// Takes `...`, and what is said about it up to the next comma, line or brace (`... and 20 more`).
  mutating func elision() -> NftElement {
    let element = NftElement(.word(word))
    tokens.advance()
    while kind != .comma, !isStatementEnd { tokens.advance() }
    return element
  }
}

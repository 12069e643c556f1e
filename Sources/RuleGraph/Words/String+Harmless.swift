extension Unicode.Scalar {
  /// Whether a character steers what shows it instead of being shown: control characters of both sets (ISO 6429),
  /// overrides of the writing direction and other format characters, separators of lines and paragraphs, and what is no
  /// character at all.
  ///
  /// Names, comments and file names are anybody's: shown as they are, they could move the cursor, colour a verdict, or
  /// turn the letters of an address around.
  package var steersDisplay: Bool {
    if value < 0x7f { return value < 0x20 }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return properties.isNoncharacterCodePoint
    }
  }
}

extension String {
  /// The text on one line: a tab is a blank, and every other character that steers what shows it is `?`.
  package var harmless: String {
    if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return self }
    guard unicodeScalars.contains(where: \.steersDisplay) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\t" ? " " : $0.steersDisplay ? "?" : $0 }))
  }

  /// The same for a text of several lines, whose lines stay.
  package var harmlessLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).harmless }.joined(separator: "\n")
  }
}

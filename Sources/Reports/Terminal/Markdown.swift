import RuleGraph

/// Texts from dumps, which may hold anything, in a page of Markdown.
enum Markdown {
  /// A text of which nothing is read as Markdown or HTML.
  static func escaped(_ text: String) -> String {
    text.onOneLine.unicodeScalars.reduce(into: "") { result, character in
      if "\\`*_{}[]<>#|~&".unicodeScalars.contains(character) { result += "\\" }
      result.unicodeScalars.append(character)
    }
  }

  /// A text as code in a cell of a table.
  static func code(_ text: String) -> String {
    "`" + text.onOneLine.replacing("`", with: "'").replacing("|", with: "\\|") + "`"
  }
}

extension String {
  /// The text on one line: its line ends are blanks, and what steers a display is `?`.
  var onOneLine: String { split(whereSeparator: \.isNewline).joined(separator: " ").harmless }
}

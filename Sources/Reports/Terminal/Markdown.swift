/// Texts from dumps, which may hold anything, in a page of Markdown.
enum Markdown {
  /// A text of which nothing is read as Markdown.
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\`*_{}[]<>#|~&".contains(character) { result.append("\\") }
      result.append(character.isNewline ? " " : character)
    }
  }

  /// A text as code in a cell of a table.
  static func code(_ text: String) -> String {
    let plain = text.map { $0 == "`" || $0.isNewline ? "'" : $0 }
    return "`" + String(plain).replacing("|", with: "\\|") + "`"
  }
}

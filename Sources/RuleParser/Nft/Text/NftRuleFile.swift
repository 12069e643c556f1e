import RuleGraph

/// Tells rule files that people write for `nft -f` from what commands print.
///
/// A listing is tables; a rule file begins with `#!/usr/sbin/nft -f`, with a definition, or with commands. Such a file is read from its first line to its
/// last, while of a paste only the tables are taken.
enum NftRuleFile {
  /// All of an input as one section, when it is a rule file; else nil.
  static func section(_ source: Int32, _ lines: PasteLines, strand: Int) -> DumpSection? {
    guard isRuleFile(lines) else { return nil }
    let output = CommandOutput(kind: .nftText)
    return DumpSection(
      kind: .nftText, output: output, command: nil, place: .host,
      text: DumpText(source: source, memory: lines.memory, lines: lines.lines), strand: strand,
      host: nil,
      isBounded: true)
  }

  private static func isRuleFile(_ lines: PasteLines) -> Bool {
    for line in lines.lines {
      var cursor = ByteCursor(lines.bytes, line.range)
      cursor.eatBlanks()
      guard let first = cursor.peek else { continue }
      if first == 0x23 {
        guard cursor.eat("#!") else { continue }
        return cursor.text(cursor.at..<cursor.end).split(whereSeparator: { $0 == "/" || $0 == " " }).contains("nft")
      }
      return beginsRuleFile(&cursor)
    }
    return false
  }

  /// Whether the first line that is no comment is one that only a rule file begins with.
  private static func beginsRuleFile(_ cursor: inout ByteCursor) -> Bool {
    guard let word = cursor.eatWord() else { return false }
    cursor.eatBlanks()
    let rest = cursor
    switch cursor.text(word) {
    case "define":
      guard cursor.eatWord() != nil else { return false }
      cursor.eatBlanks()
      return cursor.eat(0x3d)
    case "include": return cursor.eat(0x22)
    case "flush": return cursor.eat("ruleset") || (cursor.eat("table ") && names(&cursor))
    case "destroy", "delete": return cursor.eat("table ") && names(&cursor)
    case "add", "create", "insert":
      guard let object = cursor.eatWord() else { return false }
      cursor.eatBlanks()
      switch cursor.text(object) {
      case "table", "chain", "rule", "set", "map", "element": return names(&cursor)
      default: return false
      }
    case "table":
      // `table ip filter` alone on its line declares a table; with a brace it may be a listing.
      cursor = rest
      return names(&cursor) && cursor.isAtEnd
    default: return false
    }
  }

  /// A family and a table.
  private static func names(_ cursor: inout ByteCursor) -> Bool {
    guard let family = cursor.eatWord(), TableFamily(rawValue: cursor.text(family)) != nil else { return false }
    cursor.eatBlanks()
    guard cursor.eatWord() != nil else { return false }
    cursor.eatBlanks()
    return true
  }
}

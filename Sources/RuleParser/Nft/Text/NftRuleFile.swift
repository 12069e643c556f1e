import RuleGraph

/// Tells rule files that people write for `nft -f` from what commands print.
///
/// A listing is tables; a rule file begins with `#!/usr/sbin/nft -f`, with a definition, or with commands. Such a file
/// is read from its first line to its last, while of a paste only the tables are taken.
enum NftRuleFile {
  /// All of an input as one section, when it is a rule file; else nil.
  static func section(_ source: Int32, _ lines: PasteLines, strand: Int) -> DumpSection? {
    guard isRuleFile(lines) else { return nil }
    // Names of tables and nothing else are what `nft list tables` prints.
    var output = CommandOutput(kind: TableInventory.isNamesOnly(lines) ? .inventory : .nftText)
    output.isFile = output.kind == .nftText
    return DumpSection(
      kind: output.kind ?? .nftText, output: output, command: nil, place: .host,
      text: DumpText(source: source, memory: lines.memory, lines: lines.lines), strand: strand,
      host: nil,
      isBounded: true)
  }

  private static func isRuleFile(_ lines: PasteLines) -> Bool {
    for line in lines.lines {
      var cursor = ByteCursor(lines.bytes, line.range)
      cursor.eatBlanks()
      guard let first = cursor.peek else { continue }
      if first == UInt8(ascii: "#") {
        guard cursor.eat("#!") else { continue }
        return cursor.text(cursor.at..<cursor.end).split(whereSeparator: { $0 == "/" || $0 == " " }).contains("nft")
      }
      return beginsRuleFile(&cursor) || isFileOfTables(lines)
    }
    return false
  }

  /// Whether an input that begins with a table goes on as only a file does: with commands, or with more of a table that
  /// it has closed. Of two listings of one table, both tell the hooks of its chains.
  private static func isFileOfTables(_ lines: PasteLines) -> Bool {
    var tables: Set<String> = []
    var hasCommand = false
    var hasTwice = false
    for line in lines.lines where line.start < line.end && line.form == .other {
      let first = lines.bytes[line.start]
      switch first {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "#"), UInt8(ascii: "}"): continue
      default: break
      }
      var cursor = ByteCursor(lines.bytes, line.range)
      if cursor.eat("table ") {
        hasTwice = !tables.insert(cursor.text(cursor.at..<cursor.end)).inserted || hasTwice
      } else if beginsRuleFile(&cursor) {
        hasCommand = true
      } else {
        return false
      }
    }
    return hasCommand || hasTwice && !hasHookTwice(lines)
  }

  /// Whether a chain of a table has its hook printed twice.
  private static func hasHookTwice(_ lines: PasteLines) -> Bool {
    var places: Set<String> = []
    var (table, chain) = ("", "")
    for line in lines.lines {
      var cursor = ByteCursor(lines.bytes, line.range)
      cursor.eatBlanks()
      if cursor.eat("table ") {
        table = cursor.text(cursor.at..<cursor.end)
      } else if cursor.eat("chain ") {
        chain = cursor.text(cursor.at..<cursor.end)
      } else if cursor.eat("type "), !places.insert("\(table) \(chain)").inserted {
        return true
      }
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
      return cursor.eat(UInt8(ascii: "="))
    case "include": return cursor.eat(UInt8(ascii: "\""))
    case "flush" where cursor.eat("ruleset"): return true
    case "flush", "destroy", "delete", "replace", "rename", "add", "create", "insert":
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

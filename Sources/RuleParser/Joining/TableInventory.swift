import RuleGraph

/// Names of tables and chains that exist, without their rules: what `nft list tables`, `nft list hooks` and
/// `/proc/net/ip_tables_names` print.
struct TableInventory: Sendable {
  /// A table that exists.
  struct NamedTable: Sendable {
    var name: RuleCoverage.TableName
    /// Whether it is one of iptables-legacy.
    var isLegacy = false
    var span: SourceSpan
  }

  /// A base chain that exists.
  struct NamedChain: Sendable {
    var table: RuleCoverage.TableName
    var chain: String
    var hook: Hook
    var priority: Int32
    /// The device of a chain at ingress or egress.
    var device: String?
    var span: SourceSpan
  }

  private(set) var tables: [NamedTable] = []
  private(set) var chains: [NamedChain] = []

  /// Adds what an output names. Bare names are tables of iptables-legacy, of the family whose file was printed.
  mutating func add(_ text: DumpText, legacy family: AddressFamily?) {
    var (hook, device): (Hook?, String?) = (nil, nil)
    for line in text.lines {
      let span = text.span(line)
      let words = text.bytes.text(line.range).split { $0 == " " || $0 == "\t" }.map(String.init)
      // `family ip hook input {` stands in one line or in two.
      if let mark = words.firstIndex(of: "hook"), mark + 1 < words.count {
        hook = Hook(rawValue: words[mark + 1])
        device = words.firstIndex(of: "device").flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
      } else if let name = Self.tableName(words) {
        tables.append(NamedTable(name: name, span: span))
      } else if words.count == 1, OutputStart.isBuiltInTable(words[0]) {
        let name = RuleCoverage.TableName(family == .ipv6 ? .ip6 : .ip, words[0])
        tables.append(NamedTable(name: name, isLegacy: true, span: span))
      } else if let hook, let mark = words.firstIndex(of: "chain"), mark + 3 < words.count,
        let family = TableFamily(rawValue: words[mark + 1])
      {
        chains.append(
          NamedChain(
            table: RuleCoverage.TableName(family, words[mark + 2]), chain: words[mark + 3], hook: hook,
            priority: mark > 0 ? Int32(words[mark - 1]) ?? 0 : 0, device: device, span: span))
      }
    }
  }

  /// Adds a table that an output names.
  mutating func add(_ name: RuleCoverage.TableName, span: SourceSpan?) {
    tables.append(NamedTable(name: name, span: span ?? .nowhere))
  }

  /// `table inet filter` and nothing else.
  private static func tableName(_ words: [String]) -> RuleCoverage.TableName? {
    guard words.count == 3, words[0] == "table", let family = TableFamily(rawValue: words[1]) else { return nil }
    return RuleCoverage.TableName(family, words[2])
  }

  /// Whether a line is a table's name as the outputs without brackets have it.
  static func isName(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 300))
    cursor.eatBlanks()
    return isName(cursor)
  }

  private static func isName(_ start: ByteCursor) -> Bool {
    var cursor = start
    if cursor.eat("table ") {
      guard let family = cursor.eatWord(), TableFamily(rawValue: cursor.text(family)) != nil else { return false }
      cursor.eatBlanks()
      guard cursor.eatWord() != nil else { return false }
      cursor.eatBlanks()
      return cursor.isAtEnd
    }
    guard let word = cursor.eatWord(), word.count < 10 else { return false }
    let name = cursor.text(word)
    cursor.eatBlanks()
    return cursor.isAtEnd && OutputStart.isBuiltInTable(name)
  }

  /// Whether a line is the beginning of a table's head, without its brace.
  static func mayBeHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start < 300, bytes.has("table", at: line.start) else { return false }
    let words = bytes.text(line.range).split { $0 == " " || $0 == "\t" }
    guard words.first == "table", words.count <= 3 else { return false }
    switch words.count {
    case 1: return true
    case 2: return ["ip", "ip6", "inet", "arp", "bridge", "netdev"].contains { $0.hasPrefix(words[1]) }
    default: return TableFamily(rawValue: String(words[1])) != nil
    }
  }

  /// Whether an input holds names of tables and nothing else.
  static func isNamesOnly(_ lines: PasteLines) -> Bool {
    lines.lines.allSatisfy { line in
      lines.bytes[line.range].allSatisfy { $0 <= UInt8(ascii: " ") } || isName(lines.bytes, line)
    }
  }

  /// Whether `nft list hooks` begins here: `family ip {`, `family inet hook input {`.
  static func beginsHooks(_ start: ByteCursor) -> Bool {
    var cursor = start
    guard cursor.eat("family "), let family = cursor.eatWord(), TableFamily(rawValue: cursor.text(family)) != nil else {
      return false
    }
    cursor.eatBlanks()
    return cursor.peek == UInt8(ascii: "{") || cursor.eat("hook ")
  }

  /// Whether a line goes on with such an output.
  static func isRow(_ cursor: ByteCursor) -> Bool {
    if isName(cursor) || beginsHooks(cursor) { return true }
    var cursor = cursor
    if cursor.eat("hook ") || cursor.eat("}") { return true }
    _ = cursor.eat(UInt8(ascii: "+")) || cursor.eat(UInt8(ascii: "-"))
    return cursor.eatDecimal() != nil
  }
}

import RuleGraph

/// Headings that say of which family or table the rules below them are: `ip6tables:`, `=== IPv6 ===`, `And for v6:`,
/// `iptables, nat table:`.
enum RulesHeading {
  /// The family that a heading tells; nil of any other line, and of a heading of both.
  static func family(_ bytes: ByteView, _ range: Range<Int>) -> AddressFamily? {
    guard range.count >= 2, range.count <= 80 else { return nil }
    let text = bytes.text(range).trimmedBlanks.lowercased()
    let words = text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
    guard isHeading(text, words), words.allSatisfy({ !negations.contains($0) }) else { return nil }
    let all = Set(words)
    let isIPv6 = !all.isDisjoint(with: ["ip6tables", "ipv6", "v6", "inet6", "ip6"])
    let isIPv4 = !all.isDisjoint(with: ["ipv4", "v4", "ip4"])
    switch (isIPv4, isIPv6) {
    case (true, true): return nil
    case (true, false): return .ipv4
    // `iptables and ip6tables:` are both.
    case (false, true): return all.contains("iptables") && all.contains("ip6tables") ? nil : .ipv6
    case (false, false): return all.contains("iptables") ? .ipv4 : nil
    }
  }

  /// Whether a line tells nothing but a table, as the headings below that of a family do: `nat:`.
  static func namesTable(_ bytes: ByteView, _ range: Range<Int>) -> Bool {
    guard range.count <= 40 else { return false }
    let words = bytes.text(range).lowercased().split { !$0.isLetter }
    return !words.isEmpty && words.count <= 3
      && words.allSatisfy { ["table", "the", "chain", "t"].contains($0) || OutputStart.isBuiltInTable(String($0)) }
  }

  /// The table that a heading tells: `nat:`, `iptables, filter table, chain INPUT:`; nil of any other line.
  static func table(_ bytes: ByteView, _ range: Range<Int>) -> String? {
    guard range.count >= 3, range.count <= 80, !"-:".utf8.contains(bytes[range.lowerBound]) else { return nil }
    let text = bytes.text(range).trimmedBlanks.lowercased()
    let words = text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
    let tables = Set(words.filter { OutputStart.isBuiltInTable($0) })
    guard tables.count == 1, let table = tables.first, isHeading(text, words), !text.hasPrefix("*" + table) else {
      return nil
    }
    let isNamed = zip(words, words.dropFirst()).contains { [$0, $1].contains("table") && [$0, $1].contains(table) }
    return isNamed || namesTable(bytes, range) ? table : nil
  }

  /// A line that ends with a colon, has ornaments around it, or is no sentence.
  private static func isHeading(_ text: String, _ words: [String]) -> Bool {
    guard let first = text.first, let last = text.last, !words.isEmpty else { return false }
    return last == ":" || "#=*[<".contains(first) || words.count <= 4 && !".?!,;".contains(last)
  }

  private static let negations: Set<String> = [
    "no", "not", "without", "disabled", "off", "never", "don", "isn", "aren", "kein", "keine", "nicht", "ohne", "pas",
  ]
}

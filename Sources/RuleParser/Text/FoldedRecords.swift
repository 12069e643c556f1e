import HostModel
import RuleGraph

/// Puts the folded lines of an output together whose lines are records of their own: interfaces, routes, settings,
/// members of sets.
///
/// A record says by its beginning that it is one; a line that does not was folded off the one before it, where its
/// first word did not fit.
enum FoldedRecords {
  /// The text with whole lines; nil when no line goes on in the next one.
  static func unfolded(_ text: DumpText, begins: (DumpLine) -> Bool) -> DumpText? {
    let width = FoldWidth(text)
    var groups: [FoldedLine] = []
    for line in text.lines {
      if let last = groups.last?.pieces.last, groups[groups.count - 1].pieces.count < FoldedLine.mostPieces,
        width.mayFold(text.bytes, last, before: line), !begins(line) || awaitsValue(text, last)
      {
        groups[groups.count - 1].pieces.append(line)
      } else {
        groups.append(FoldedLine(pieces: [line]))
      }
    }
    let folds = groups.filter { $0.pieces.count > 1 }
    guard !folds.isEmpty else { return nil }
    let folder = width.folder(of: folds, in: text.bytes) ?? .terminal
    var bytes = UnfoldedBytes(text.bytes)
    let lines = groups.map { group in
      group.pieces.count == 1 ? group.pieces[0] : bytes.join(group, width.way(of: group, by: folder, in: text.bytes))
    }
    return bytes.text(of: text, lines)
  }

  /// Whether a line ends with a word whose value is in the next one, which then looks like the beginning of a record:
  /// `default via`.
  private static func awaitsValue(_ text: DumpText, _ line: DumpLine) -> Bool {
    LineWords(text, line).all.last.map { Self.keywords.contains($0) } ?? false
  }

  private static let keywords: Set<String> = [
    "via", "dev", "src", "from", "to", "table", "lookup", "proto", "scope", "metric", "inet", "inet6", "brd", "peer",
    "=",
  ]

  // MARK: - Where records begin

  /// Of `ip addr`, `ip link` and `bridge link`: the head of an interface (`2: eth0: <...>`, `2: eth0 inet ...`), or a
  /// line that is indented by several blanks more than the heads are. Nil of `ip -br addr`, which has no such heads.
  static func ofInterfaces(_ text: DumpText) -> ((DumpLine) -> Bool)? {
    guard let indentation = text.lines.compactMap({ headIndentation(text.cursor($0)) }).min() else { return nil }
    return { line in
      var cursor = text.cursor(line)
      return headIndentation(cursor) != nil || text.isRemark(line) || cursor.eatBlanks() > indentation + 1
    }
  }

  private static func headIndentation(_ start: ByteCursor) -> Int? {
    var cursor = start
    let indentation = cursor.eatBlanks()
    let beginning = cursor.at
    if cursor.eatDecimal() != nil, cursor.eat(": ") { return indentation }
    cursor.at = beginning
    let name = cursor.eat { $0 > UInt8(ascii: " ") && $0 < 0x7f && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "<") }
    return !name.isEmpty && cursor.eat(": <") ? indentation : nil
  }

  /// Of `ip route`: a destination with a word of a route after it, `nexthop`, or what `ip route get` adds.
  static func beginsRoute(_ text: DumpText, _ line: DumpLine) -> Bool {
    let words = LineWords(text, line)
    if text.isRemark(line) || ["nexthop", "cache"].contains(words[0]) { return true }
    let position = Route.Kind(rawValue: words[0]) == nil ? 0 : 1
    if position == 1, words[1] == "default" || Prefix(words[1]) != nil { return true }
    return ["via", "dev", "nhid", "proto", "from", "encap", "src", "scope", "table", "metric", "uid", "lookup"]
      .contains(words[position + 1]) && !Self.keywords.contains(words[0])
  }

  /// Of `sysctl`: a name and its value, or a complaint.
  static func beginsSetting(_ text: DumpText, _ line: DumpLine) -> Bool {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    if text.isRemark(line) || cursor.eat("sysctl: ") { return true }
    let name = cursor.eat {
      $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "\t")
    }
    guard cursor.text(name).contains(".") || cursor.text(name).contains("/") else { return false }
    cursor.eatBlanks()
    return cursor.peek == UInt8(ascii: "=") || cursor.peek == UInt8(ascii: ":")
  }

  /// Of `ip rule`: a priority with a colon.
  static func beginsRoutingRule(_ text: DumpText, _ line: DumpLine) -> Bool {
    let first = LineWords(text, line)[0]
    return text.isRemark(line) || first.hasSuffix(":") && Int(first.dropLast()) != nil
  }

  /// Of `ipset save`: a command.
  static func beginsSetCommand(_ text: DumpText, _ line: DumpLine) -> Bool {
    ["ipset", "create", "add", "-N", "-A", "del", "flush", "destroy", "swap", "rename", "COMMIT", "Name:"]
      .contains(LineWords(text, line)[0]) || text.isRemark(line)
  }
}

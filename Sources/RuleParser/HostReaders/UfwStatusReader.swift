import HostModel
import RuleGraph

/// Reads `ufw status`, with `verbose` and `numbered` (ufw(8)).
enum UfwStatusReader {
  /// Reads a section.
  static func read(_ text: DumpText) -> FactFragment {
    var result = FactFragment()
    var status = UfwStatus(isActive: false)
    status.span = text.lines.first.map { text.span($0) }
    for line in text.lines where !text.isBlank(line) {
      let words = LineWords(text, line)
      switch words[0] {
      case "Status:": status.isActive = words[1] == "active" || words[1] == "Aktiv"
      case "Default:": readDefaults(words.all.dropFirst(), &status)
      case "Logging:", "New", "To", "--", "Zu", "Protokollierung:", "Voreinstellung:", "Neue": break
      default: status.rules.append(text.string(line).trimmedBlanks)
      }
    }
    result.facts.ufw = status
    return result
  }

  /// `deny (incoming), allow (outgoing), disabled (routed)`
  private static func readDefaults(_ words: ArraySlice<String>, _ status: inout UfwStatus) {
    for (action, direction) in zip(words, words.dropFirst()) where direction.hasPrefix("(") {
      status.defaults[direction.filter { $0.isLetter }] = action
    }
  }

  /// Whether a line goes on with the status.
  static func isRow(_ cursor: ByteCursor) -> Bool {
    let line = cursor.text(cursor.at..<cursor.end)
    if ["Logging:", "Default:", "New profiles:", "To ", "-- ", "Zu ", "Protokollierung:", "Voreinstellung:", "Neue "]
      .contains(where: { line.hasPrefix($0) })
    {
      return true
    }
    return [" ALLOW", " DENY", " REJECT", " LIMIT"].contains { line.contains($0) }
  }
}

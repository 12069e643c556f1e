import HostModel
import RuleGraph

/// Reads `hostname -I`: the host's addresses, without their interfaces.
///
/// hostname(1): `-I` prints all of them but loopback and IPv6's link-local ones; `-i` prints those that the host's name
/// resolves to.
enum HostAddressReader {
  /// Reads a section.
  static func read(_ text: DumpText, output: CommandOutput) -> FactFragment {
    var result = FactFragment()
    for line in text.lines where !text.isRemark(line) {
      let words = LineWords(text, line)
      for (index, word) in words.all.enumerated() {
        guard let address = IPAddress(word) else {
          result.unreadable(text, line, at: words.ranges[index].lowerBound, expected: "an address")
          continue
        }
        result.facts.unplacedAddresses.append(address)
      }
    }
    if output.isWhole, !output.isFiltered, result.diagnostics.isEmpty, !result.facts.unplacedAddresses.isEmpty {
      result.facts.ownAddressesKnown = Set(AddressFamily.allCases)
    }
    return result
  }

  /// Whether a line holds nothing but addresses.
  static func isAddresses(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 2000))
    cursor.eatBlanks()
    guard !cursor.isAtEnd else { return false }
    while let word = cursor.eatWord() {
      guard word.count <= 45, IPAddress(cursor.text(word)) != nil else { return false }
      cursor.eatBlanks()
    }
    return true
  }
}

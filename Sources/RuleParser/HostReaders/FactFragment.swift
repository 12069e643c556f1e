import HostModel
import RuleGraph

/// What a reader of facts got out of one section.
struct FactFragment: Sendable {
  /// The facts, and nothing else.
  var facts = HostFacts()
  /// What could not be read.
  var diagnostics: [Diagnostic] = []
  /// The families of which an address or route is there that could not be read, mostly since it is masked: what is told
  /// of them is not all.
  var gaps: Set<AddressFamily> = []
  /// Whether the section was an object of the host's that none of the readers knows.
  var isUnknown = false

  /// Notes that a route has a destination which is masked.
  mutating func noteMaskedRoute(_ destination: String, _ family: AddressFamily?) {
    let family = family ?? (destination.utf8.contains(UInt8(ascii: ":")) ? .ipv6 : .ipv4)
    if MaskedText.read(destination, .address(family)) != nil { gaps.insert(family) }
  }

  /// Notes that a value is masked.
  mutating func noteMask(_ masked: String, _ text: DumpText, _ line: DumpLine, at offset: Int) {
    diagnostics.append(
      Diagnostic(
        "masked-value", .note, "\(masked) is masked in the dump: where it matters, the answer depends on it",
        span: text.span(line), column: max(offset - line.start, 0) + 1))
  }

  /// Notes a line that was not understood.
  mutating func unreadable(_ text: DumpText, _ line: DumpLine, at offset: Int? = nil, expected: String) {
    diagnostics.append(
      Diagnostic(
        "unreadable-line", .warning, "this line could not be read", span: text.span(line),
        column: offset.map { max($0 - line.start, 0) + 1 }, expected: expected))
  }
}

/// The words of a line, with their places.
struct LineWords {
  private let cursor: ByteCursor
  /// The words' ranges in the source.
  let ranges: [Range<Int>]

  init(_ text: DumpText, _ line: DumpLine) {
    var reader = text.cursor(line)
    var ranges: [Range<Int>] = []
    reader.eatBlanks()
    while let word = reader.eatWord() {
      ranges.append(word)
      reader.eatBlanks()
    }
    cursor = text.cursor(line)
    self.ranges = ranges
  }

  var count: Int { ranges.count }

  /// A word's text; empty behind the last.
  subscript(_ index: Int) -> String { ranges.indices.contains(index) ? cursor.text(ranges[index]) : "" }

  /// All words.
  var all: [String] { ranges.map { cursor.text($0) } }

  /// The word behind a keyword, or nil.
  func value(after keyword: String) -> String? {
    guard let index = all.firstIndex(of: keyword), index + 1 < count else { return nil }
    return self[index + 1]
  }
}

extension DumpText {
  /// Whether a line holds nothing but blanks.
  func isBlank(_ line: DumpLine) -> Bool {
    bytes[line.range].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }

  /// Whether a line is a comment, or the dots with which people leave something out.
  func isRemark(_ line: DumpLine) -> Bool {
    var cursor = cursor(line)
    cursor.eatBlanks()
    guard let first = cursor.peek else { return true }
    if first == UInt8(ascii: "#") { return true }
    if cursor.eat("...") || cursor.eat("·") || cursor.eat("…") || cursor.eat("---") { return true }
    return false
  }

  /// The whole text of a line.
  func string(_ line: DumpLine) -> String { cursor(line).text(line.range) }
}

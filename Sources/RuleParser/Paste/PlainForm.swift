import RuleGraph

/// What a line looks like by its bytes alone, where it is one of the few that a large dump is made of.
///
/// Nothing of it depends on other lines, so it is found out on all processors while the text is cut into lines; what
/// such a line means where it stands, the ``SectionFinder`` says.
enum PlainForm: UInt8, Sendable {
  /// Anything else.
  case other
  /// An empty line.
  case empty
  /// `-A CHAIN ...`, what most lines of `iptables-save` are.
  case rule
  /// `:KUBE-SVC-ERIFXISQEP7F7OF4 - [0:0]`, a chain's head in `iptables-save`.
  case head
  /// A row of `iptables -vL`: counters, aligned to the right, at its beginning.
  case row
  /// `Chain DOCKER (2 references)`
  case chainHead
  /// ` pkts bytes target     prot opt in     out     source               destination`
  case columnHead
  /// A line that was folded, and of which nobody knows how: some rule.
  case unreadable
  /// A rule whose end was cut off with a column of the output: its last word may be half of one.
  case cutOff

  /// The form of a line.
  init(_ bytes: ByteView, _ line: DumpLine) {
    guard line.start < line.end else {
      self = .empty
      return
    }
    switch bytes[line.start] {
    case UInt8(ascii: "-"): self = Self.isRule(bytes, line) ? .rule : .other
    case UInt8(ascii: ":"): self = Self.isHead(bytes, line) ? .head : .other
    case UInt8(ascii: "C"): self = Self.isChainHead(bytes, line) ? .chainHead : .other
    case UInt8(ascii: " "):
      self = Self.isColumnHead(bytes, line) ? .columnHead : Self.isRow(bytes, line) ? .row : .other
    default: self = .other
    }
  }

  /// The head of the columns of `iptables -vL`.
  static let columns: StaticString = " pkts bytes target     prot opt in     out     source               destination"

  /// Whether a line begins with the head of the columns of `iptables -vL`.
  static func isColumnHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    line.end - line.start >= columns.utf8CodeUnitCount && bytes.has(columns, at: line.start)
  }

  private static func isRule(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    line.end - line.start > 3 && bytes[line.start + 1] == UInt8(ascii: "A")
      && bytes[line.start + 2] == UInt8(ascii: " ")
      && bytes[line.start + 3] > UInt8(ascii: " ")
  }

  private static func isHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 8, line.end - line.start < 80, bytes[line.end - 1] == UInt8(ascii: "]") else {
      return false
    }
    var at = line.start + 1
    // Nothing that a prompt ends with may stand in the name.
    while at < line.end, bytes[at] > UInt8(ascii: "%"), bytes[at] < UInt8(ascii: "{"), bytes[at] != UInt8(ascii: ">") {
      at += 1
    }
    guard at + 4 < line.end, bytes[at] == UInt8(ascii: " "), bytes[at + 1] == UInt8(ascii: "-"),
      bytes[at + 2] == UInt8(ascii: " ")
    else { return false }
    return bytes[at + 3] == UInt8(ascii: "[")
  }

  /// A head with a name that nobody could take for a prompt.
  private static func isChainHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 8, bytes[line.end - 1] == UInt8(ascii: ")") else { return false }
    let letter = bytes[line.start + 6]
    guard letter >= UInt8(ascii: "A"), letter <= UInt8(ascii: "z"), bytes.has("Chain ", at: line.start) else {
      return false
    }
    var cursor = ByteCursor(bytes, chainName(bytes, line).upperBound..<line.end)
    return cursor.eat(" (") && cursor.eatDecimal() != nil && cursor.eat(" references")
  }

  /// The name in a chain's head of a listing.
  static func chainName(_ bytes: ByteView, _ line: DumpLine) -> Range<Int> {
    let start = line.start + 6
    return start..<bytes.endOfWord(from: start, to: line.end)
  }

  private static func isRow(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 20 else { return false }
    let end = min(line.end, line.start + 200)
    var words = Words(bytes, line.start..<end)
    guard let first = words.next(), bytes[first.lowerBound] >= UInt8(ascii: "0"),
      bytes[first.lowerBound] <= UInt8(ascii: "9")
    else {
      return false
    }
    for _ in 0..<6 {
      guard let word = words.next() else { break }
      guard word.count == 2, bytes[word.lowerBound] == UInt8(ascii: "-"),
        bytes[word.lowerBound + 1] == UInt8(ascii: "-")
      else { continue }
      // The option column; two addresses stand behind it, and interfaces.
      if words.next() != nil, words.next() != nil { return true }
      break
    }
    // Without that column an address tells a row.
    return bytes.contains(UInt8(ascii: "/"), in: first.lowerBound..<end)
      && OutputContinuation.isListingRow(ByteCursor(bytes, first.lowerBound..<end))
  }
}

extension DumpLine {
  /// Finds out what the line looks like.
  mutating func recognise(in bytes: ByteView) { form = PlainForm(bytes, self) }
}

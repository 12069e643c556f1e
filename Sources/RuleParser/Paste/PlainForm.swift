import RuleGraph

/// What a line looks like by its bytes alone, where it is one of the few that a large dump is made of.
///
/// Nothing of it depends on other lines, so it is found out on all processors while the text is cut into lines; what such a line means where it stands, the
/// ``SectionFinder`` says.
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
  /// `Chain DOCKER (2 references)`, or what looks like it.
  case chainHead
  /// ` pkts bytes target     prot opt in     out     source               destination`
  case columnHead

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
    case 0x20:
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
    line.end - line.start > 3 && bytes[line.start + 1] == 0x41 && bytes[line.start + 2] == 0x20
  }

  private static func isHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 8, line.end - line.start < 80, bytes[line.end - 1] == 0x5d else { return false }
    var at = line.start + 1
    // Nothing that a prompt ends with may stand in the name.
    while at < line.end, bytes[at] > 0x25, bytes[at] < 0x7b, bytes[at] != 0x3e { at += 1 }
    guard at + 4 < line.end, bytes[at] == 0x20, bytes[at + 1] == 0x2d, bytes[at + 2] == 0x20 else { return false }
    return bytes[at + 3] == 0x5b
  }

  /// A head with a name that nobody could take for a prompt.
  private static func isChainHead(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 8, bytes[line.end - 1] == UInt8(ascii: ")") else { return false }
    let letter = bytes[line.start + 6]
    return letter >= 0x41 && letter <= 0x7a && OutputStart.isChainHead(ByteCursor(bytes, line.range))
  }

  private static func isRow(_ bytes: ByteView, _ line: DumpLine) -> Bool {
    guard line.end - line.start > 20 else { return false }
    let end = min(line.end, line.start + 200)
    var at = bytes.startOfWord(from: line.start, to: end)
    guard at < end, bytes[at] >= 0x30, bytes[at] <= 0x39 else { return false }
    let first = at
    for _ in 0..<7 {
      let start = at
      at = bytes.endOfWord(from: at, to: end)
      let width = at - start
      // This may be an address, which the words alone tell.
      if bytes.contains(0x2f, in: start..<at) { return OutputContinuation.isListingRow(ByteCursor(bytes, first..<end)) }
      while at < end, bytes[at] == 0x20 { at += 1 }
      guard width > 0, at < end else { return false }
      guard width == 2, bytes[start] == 0x2d, bytes[start + 1] == 0x2d else { continue }
      at = bytes.endOfWord(from: at, to: end)
      while at < end, bytes[at] == 0x20 { at += 1 }
      return at < end && bytes[at] > 0x20
    }
    return false
  }
}

import RuleGraph

/// Counts the brackets of a line outside of texts in quotation marks: nft prints its JSON on one line, however long.
enum BracketCount {
  private struct Count: Sendable {
    /// How many more brackets were opened than closed.
    var depth = 0
    /// Whether the last byte stands in a text.
    var isInText = false
  }

  /// How many more brackets a line of nft's own text opens than it closes. What follows a `#` counts for nothing.
  static func depth(_ bytes: ByteView, _ line: Range<Int>) -> Int { count(bytes, line, isNft: true).depth }

  /// How many more brackets a line of JSON opens than it closes. `isInText` says whether the line begins in a text,
  /// where the one before was folded, and then whether it ends in one.
  static func depth(_ bytes: ByteView, _ line: Range<Int>, isInText: inout Bool) -> Int {
    let count = json(bytes, line, isInText: isInText)
    isInText = count.isInText
    return count.depth
  }

  private static func json(_ bytes: ByteView, _ line: Range<Int>, isInText: Bool) -> Count {
    if isInText { return count(bytes, line, isNft: false, isInText: true) }
    // A part may begin in a text. It is taken to begin outside of one, before an object, and when the part before it
    // ends outside, that is true.
    var starts = [line.lowerBound]
    for run in Parallel.runs(of: line.count, atLeast: 1 << 20).dropFirst() {
      if let brace = bytes.place(of: UInt8(ascii: "{"), in: line.lowerBound + run.lowerBound..<line.upperBound),
        brace > starts[starts.count - 1]
      {
        starts.append(brace)
      }
    }
    let ends = starts.dropFirst() + [line.upperBound]
    let parts = Parallel.map(zip(starts, ends).map { $0..<$1 }) { count(bytes, $0, isNft: false) }
    if parts.dropLast().contains(where: \.isInText) { return count(bytes, line, isNft: false) }
    return Count(depth: parts.reduce(0) { $0 + $1.depth }, isInText: parts.last?.isInText ?? false)
  }

  private static func count(_ bytes: ByteView, _ range: Range<Int>, isNft: Bool, isInText: Bool = false) -> Count {
    var count = Count()
    var at = range.lowerBound
    if isInText {
      at = behindText(bytes, from: at, to: range.upperBound, &count)
    }
    while true {
      // JSON has a mark every few bytes.
      if isNft { at = bytes.placeOfMark(from: at, to: range.upperBound) }
      guard at < range.upperBound else { return count }
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        at = behindText(bytes, from: at, to: range.upperBound, &count)
      case UInt8(ascii: "{"), UInt8(ascii: "["): count.depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): count.depth -= 1
      case UInt8(ascii: "#") where isNft: return count
      default: break
      }
    }
  }

  /// The place behind the quotation mark that ends a text, or the end.
  @inline(__always)
  private static func behindText(_ bytes: ByteView, from start: Int, to end: Int, _ count: inout Count) -> Int {
    count.isInText = true
    var at = start
    while at < end {
      at = bytes.endOfText(from: at, to: end)
      guard at < end else { break }
      if bytes[at] == UInt8(ascii: "\"") {
        count.isInText = false
        return at + 1
      }
      at = min(at + 2, end)
    }
    return at
  }
}

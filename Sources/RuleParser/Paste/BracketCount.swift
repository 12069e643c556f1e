/// Counts the brackets of a line outside of texts in quotation marks: nft prints its JSON on one line, however long.
enum BracketCount {
  private struct Count: Sendable {
    /// How many more brackets were opened than closed.
    var depth = 0
    /// Whether the last byte stands in a text.
    var isInText = false
  }

  /// How many more brackets a line opens than it closes. In nft's own text what follows a `#` counts for nothing.
  static func depth(_ bytes: ByteView, _ line: Range<Int>, isNft: Bool) -> Int {
    if isNft { return count(bytes, line, isNft: true).depth }
    // A part may begin in a text. It is taken to begin outside of one, before an object, and when the part before it ends outside, that is true.
    var starts = [line.lowerBound]
    for run in Parallel.runs(of: line.count, atLeast: 1 << 20).dropFirst() {
      if let brace = bytes.place(of: 0x7b, in: line.lowerBound + run.lowerBound..<line.upperBound),
        brace > starts[starts.count - 1]
      {
        starts.append(brace)
      }
    }
    let ends = starts.dropFirst() + [line.upperBound]
    let parts = Parallel.map(zip(starts, ends).map { $0..<$1 }) { count(bytes, $0, isNft: false) }
    if parts.dropLast().contains(where: \.isInText) { return count(bytes, line, isNft: false).depth }
    return parts.reduce(0) { $0 + $1.depth }
  }

  private static func count(_ bytes: ByteView, _ range: Range<Int>, isNft: Bool) -> Count {
    var count = Count()
    var at = range.lowerBound
    while true {
      // JSON has a mark every few bytes.
      if isNft { at = bytes.placeOfMark(from: at, to: range.upperBound) }
      guard at < range.upperBound else { return count }
      let byte = bytes[at]
      at += 1
      switch byte {
      case 0x22:
        count.isInText = true
        while at < range.upperBound {
          at = bytes.endOfText(from: at, to: range.upperBound)
          guard at < range.upperBound else { break }
          if bytes[at] == 0x22 {
            count.isInText = false
            at += 1
            break
          }
          at = min(at + 2, range.upperBound)
        }
      case 0x7b, 0x5b: count.depth += 1
      case 0x7d, 0x5d: count.depth -= 1
      case 0x23 where isNft: return count
      default: break
      }
    }
  }
}

/// What people write behind a rule when they show it to others: `<-- this one`, `<=== HERE`, `← why?`, `# default
/// drop`.
enum Remark {
  /// Whether a word begins a remark.
  static func begins(_ bytes: ByteView, at place: Int, to end: Int) -> Bool {
    guard place < end else { return false }
    switch bytes[place] {
    case UInt8(ascii: "#"):
      return place + 1 == end || bytes[place + 1] <= UInt8(ascii: " ") || bytes[place + 1] == UInt8(ascii: "#")
    case UInt8(ascii: "<"):
      return place + 1 < end && (bytes[place + 1] == UInt8(ascii: "-") || bytes[place + 1] == UInt8(ascii: "="))
    case 0xe2: return place + 2 < end && (bytes.has("\u{2190}", at: place) || bytes.has("\u{21d0}", at: place))
    default: return false
    }
  }

  /// Where a remark begins behind a blank, outside of quotation marks and of what a listing prints as a comment; nil
  /// where none does.
  static func start(_ bytes: ByteView, in range: Range<Int>) -> Int? {
    var at = range.lowerBound
    var isQuoted = false
    while at < range.upperBound {
      let byte = bytes[at]
      if isQuoted {
        if byte == UInt8(ascii: "\"") { isQuoted = false }
      } else if byte == UInt8(ascii: "\"") {
        isQuoted = true
      } else if byte == UInt8(ascii: "/"), at + 1 < range.upperBound, bytes[at + 1] == UInt8(ascii: "*") {
        guard let end = endOfComment(bytes, at + 2..<range.upperBound) else { return nil }
        at = end
        continue
      } else if at > range.lowerBound, bytes[at - 1] <= UInt8(ascii: " "), begins(bytes, at: at, to: range.upperBound) {
        return at
      }
      at += 1
    }
    return nil
  }

  private static func endOfComment(_ bytes: ByteView, _ range: Range<Int>) -> Int? {
    var at = range.lowerBound
    while let star = bytes.place(of: UInt8(ascii: "*"), in: at..<range.upperBound) {
      if star + 1 < range.upperBound, bytes[star + 1] == UInt8(ascii: "/") { return star + 2 }
      at = star + 1
    }
    return nil
  }
}

/// Pieces that stand in the place of a value that somebody masked: `203.0.x.x`, `<MY_IP>`, `[redacted]`, `***`, `...`.
extension NftTokens {
  /// Where a masked address that begins at a place ends; nil when none does.
  func maskedEnd(from start: Int) -> Int? {
    let limit = min(limitOfLine, start + 64)
    var end = start
    var colons = 0
    var dots = 0
    while end < limit {
      switch bytes[end] {
      case UInt8(ascii: "."): dots += 1
      case UInt8(ascii: ":"):
        // `x.x.x.x:80`: the address ends before the colon.
        if dots >= 3 { return isMaskedAddress(start..<end) ? end : nil }
        colons += 1
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "*"), UInt8(ascii: "?"):
        break
      default: return (dots >= 3 || colons >= 2) && isMaskedAddress(start..<end) ? end : nil
      }
      end += 1
    }
    return (dots >= 3 || colons >= 2) && isMaskedAddress(start..<end) ? end : nil
  }

  private func isMaskedAddress(_ range: Range<Int>) -> Bool { MaskedText.read(Array(bytes[range]), .anything) != nil }

  /// Where the piece ends that begins with a sign and stands in the place of a value; nil when it is only a sign.
  func maskEnd(_ byte: UInt8, from start: Int) -> Int? {
    let limit = min(limitOfLine, start + 64)
    let next = start + 1 < limit ? bytes[start + 1] : 0
    switch byte {
    case UInt8(ascii: "<"), UInt8(ascii: "["):
      // `<` and `[` with a word behind them and nothing between.
      guard MaskedText.isLetter(next) || next == UInt8(ascii: ".") || next == UInt8(ascii: "*"),
        let close = bytes.place(
          of: byte == UInt8(ascii: "<") ? UInt8(ascii: ">") : UInt8(ascii: "]"), in: start + 1..<limit)
      else { return nil }
      let text = Array(bytes[start...close])
      return MaskedText.placeholder(text) != nil || MaskedText.isElision(text) ? close + 1 : nil
    case UInt8(ascii: "*"), UInt8(ascii: "?"):
      if let end = maskedEnd(from: start) { return end }
      var end = start
      while end < limit, bytes[end] == byte { end += 1 }
      return end - start > 1 || byte == UInt8(ascii: "?") ? end : nil
    case UInt8(ascii: "."):
      var end = start
      while end < limit, bytes[end] == UInt8(ascii: ".") { end += 1 }
      return end - start > 2 ? end : nil
    case UInt8(ascii: "$"):
      guard next == UInt8(ascii: "{"), let close = bytes.place(of: UInt8(ascii: "}"), in: start + 1..<limit),
        MaskedText.placeholder(Array(bytes[start...close])) != nil
      else { return nil }
      return close + 1
    default: return nil
    }
  }
}

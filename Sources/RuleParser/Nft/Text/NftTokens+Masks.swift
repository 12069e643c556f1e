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
      case 0x2e: dots += 1
      case 0x3a:
        // `x.x.x.x:80`: the address ends before the colon.
        if dots >= 3 { return isMaskedAddress(start..<end) ? end : nil }
        colons += 1
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2a, 0x3f: break
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
    case 0x3c, 0x5b:
      // `<` and `[` with a word behind them and nothing between.
      guard MaskedText.isLetter(next) || next == 0x2e || next == 0x2a,
        let close = bytes.place(of: byte == 0x3c ? 0x3e : 0x5d, in: start + 1..<limit)
      else { return nil }
      let text = Array(bytes[start...close])
      return MaskedText.placeholder(text) != nil || MaskedText.isElision(text) ? close + 1 : nil
    case 0x2a, 0x3f:
      if let end = maskedEnd(from: start) { return end }
      var end = start
      while end < limit, bytes[end] == byte { end += 1 }
      return end - start > 1 || byte == 0x3f ? end : nil
    case 0x2e:
      var end = start
      while end < limit, bytes[end] == 0x2e { end += 1 }
      return end - start > 2 ? end : nil
    case 0x24:
      guard next == 0x7b, let close = bytes.place(of: 0x7d, in: start + 1..<limit),
        MaskedText.placeholder(Array(bytes[start...close])) != nil
      else { return nil }
      return close + 1
    default: return nil
    }
  }
}

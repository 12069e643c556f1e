import RuleGraph

/// Finds addresses in text that any tool printed.
enum AddressScan {
  /// An address in a text.
  enum Found {
    case address(IPAddress)
    /// Six bytes as a number.
    case hardware(UInt64)
    /// The twenty bytes of InfiniBand.
    case longHardware
  }

  /// Calls for each address with the range of its bytes, from left to right.
  static func each(_ text: [UInt8], _ body: (Range<Int>, Found) -> Void) {
    var at = 0
    while at < text.count {
      guard isPart(text[at]), at == 0 || !isWord(text[at - 1]) else {
        at += 1
        continue
      }
      var end = at
      while end < text.count, isPart(text[end]) { end += 1 }
      if let (range, found) = read(text, at..<end) {
        body(range, found)
        at = range.upperBound
      } else {
        // A word of hexadecimal digits may be followed by an address: `to:10.0.0.1`.
        while at < end, text[at] != UInt8(ascii: ":") { at += 1 }
        at += 1
      }
    }
  }

  private static func read(_ text: [UInt8], _ run: Range<Int>) -> (Range<Int>, Found)? {
    let isWordBehind = run.upperBound < text.count && isWord(text[run.upperBound])
    if !isWordBehind, let found = bridgeID(text, run) { return found }
    if run.count == 59, !isWordBehind, isBytes(text[run]) { return (run, .longHardware) }
    if run.count == 17, !isWordBehind, let number = hardware(text[run]) { return (run, .hardware(number)) }
    // What follows an address may look like a part of it: a port, the colon or full stop of a sentence.
    var end = run.upperBound
    while end > run.lowerBound {
      let candidate = run.lowerBound..<end
      if end < run.upperBound || !isWordBehind, let address = IPAddress(bytes: Array(text[candidate])) {
        return (candidate, .address(address))
      }
      guard let cut = text[candidate].lastIndex(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }) else {
        return nil
      }
      end = cut
    }
    return nil
  }

  /// `8000.2:42:ac:11:0:2`, a bridge's priority and hardware address as `ip -d` prints them: the range of the address.
  private static func bridgeID(_ text: [UInt8], _ run: Range<Int>) -> (Range<Int>, Found)? {
    guard run.count > 5, text[run.lowerBound + 4] == UInt8(ascii: "."),
      text[run.lowerBound..<(run.lowerBound + 4)].allSatisfy(\.isHexDigit)
    else { return nil }
    let address = (run.lowerBound + 5)..<run.upperBound
    let groups = text[address].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard groups.count == 6 else { return nil }
    var number: UInt64 = 0
    for group in groups {
      guard (1...2).contains(group.count), let byte = UInt64(String(decoding: group, as: UTF8.self), radix: 16) else {
        return nil
      }
      number = number << 8 | byte
    }
    return (address, .hardware(number))
  }

  /// Whether a text is pairs of hexadecimal digits with colons between them.
  private static func isBytes(_ text: ArraySlice<UInt8>) -> Bool {
    text.enumerated().allSatisfy { $0 % 3 == 2 ? $1 == UInt8(ascii: ":") : $1.isHexDigit }
  }

  private static func hardware(_ text: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for (offset, byte) in text.enumerated() {
      if offset % 3 == 2 {
        guard byte == UInt8(ascii: ":") else { return nil }
      } else {
        guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
        number = number << 4 | UInt64(digit)
      }
    }
    return number
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    byte.isHexDigit || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte.isLetter || byte.isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
  }
}

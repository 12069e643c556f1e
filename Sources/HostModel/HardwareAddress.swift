/// A hardware address as a number, as rules compare it.
public enum HardwareAddress {
  /// The number of 48 bits that `02:42:ac:11:00:02` is; nil for other texts.
  public static func number(_ text: String) -> UInt128? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var number: UInt128 = 0
    for part in parts {
      guard part.utf8.count == 2, let byte = UInt8(part, radix: 16) else { return nil }
      number = number << 8 | UInt128(byte)
    }
    return number
  }
}

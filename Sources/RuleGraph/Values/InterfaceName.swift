/// The name of a network interface as a number, so that names and name wildcards are values and intervals of a
/// ``ValueSet``.
///
/// Linux limits a name to 15 bytes (`IFNAMSIZ` in `include/uapi/linux/if.h`). The name fills sixteen bytes from the
/// left, the rest is zero; so all names that begin with `br-` are one interval, which is how iptables' `br-+` and nft's
/// `"br-*"` match. The value zero is "no interface": what `oifname` reads in a hook that has no output interface.
///
///     InterfaceName("docker0")?.value
///     InterfaceName.set(matching: "br-", wildcard: true)
public struct InterfaceName: Hashable, Sendable, CustomStringConvertible {
  /// The sixteen bytes of the name as a number.
  public let value: UInt128

  /// The absent interface.
  public static let none = InterfaceName(value: 0)

  /// Makes a name from its number.
  public init(value: UInt128) { self.value = value }

  /// Makes a name from text. Nil when it is longer than 15 bytes.
  public init?(_ name: some StringProtocol) {
    guard name.utf8.count <= 15 else { return nil }
    var number: UInt128 = 0
    for byte in name.utf8 { number = number << 8 | UInt128(byte) }
    value = number << (8 * UInt128(16 - name.utf8.count))
  }

  /// The values that a name or, with `wildcard`, a beginning of a name stands for. Nil when the text is too long for a
  /// name.
  ///
  /// An empty beginning (`+` in iptables) stands for every name, also for the absent one.
  public static func set(matching text: some StringProtocol, wildcard: Bool) -> ValueSet? {
    guard let name = InterfaceName(text) else { return nil }
    guard wildcard else { return ValueSet(name.value) }
    let free = 8 * UInt128(16 - text.utf8.count)
    let mask: UInt128 = free == 128 ? .max : (UInt128(1) << free) - 1
    return ValueSet(name.value...(name.value | mask))
  }

  /// All values that are names: everything but the absent interface.
  public static let anyName = ValueSet(1...UInt128.max)

  /// The interfaces that packets of other hosts can arrive on: every name but `lo`.
  public static let wires = anyName.subtracting(InterfaceName("lo").map { ValueSet($0.value) } ?? .empty)

  /// The name as text; empty for the absent interface.
  public var description: String {
    var bytes: [UInt8] = []
    for index in 0..<16 {
      let byte = UInt8(truncatingIfNeeded: value >> (120 - 8 * UInt128(index)))
      if byte == 0 { break }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The text of the pattern that an interval stands for (`docker0`, `br-*`), or nil when it is no name or wildcard.
  public static func pattern(of interval: ClosedRange<UInt128>) -> (text: String, wildcard: Bool)? {
    let low = InterfaceName(value: interval.lowerBound)
    if interval.lowerBound == interval.upperBound { return (low.description, false) }
    guard set(matching: low.description, wildcard: true) == ValueSet(interval) else { return nil }
    return (low.description, true)
  }
}

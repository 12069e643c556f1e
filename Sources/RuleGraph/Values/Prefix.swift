/// A block of addresses that share their first bits, such as `172.17.0.0/16`.
///
///     Prefix("172.17.0.0/16")?.contains(IPAddress(ipv4: 0xac110002))   // true
///
/// Source: RFC 4632 (IPv4), RFC 4291 2.3 (IPv6).
public struct Prefix: Hashable, Sendable {
  /// The first address of the block; bits behind the length are zero.
  public let address: IPAddress
  /// The number of leading bits that are fixed: 0...32 for IPv4, 0...128 for IPv6.
  public let length: Int

  /// Makes the block that contains `address`. Nil when the length does not fit the family.
  public init?(_ address: IPAddress, length: Int) {
    guard length >= 0, length <= address.family.addressBits else { return nil }
    self.address = IPAddress(bits: address.bits & Prefix.mask(length, address.family))
    self.length = length
  }

  /// The block that a set of addresses is: nil where it is none, or several.
  package init?(covering values: ValueSet) {
    guard values.intervals.count == 1, let interval = values.intervals.first else { return nil }
    let size = interval.upperBound - interval.lowerBound
    let address = IPAddress(bits: interval.lowerBound)
    guard size & (size &+ 1) == 0 else { return nil }
    self.init(address, length: address.family.addressBits - (128 - size.leadingZeroBitCount))
    guard self.address == address else { return nil }
  }

  /// Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `2001:db8::/32`, or an address alone (a block of one).
  ///
  /// Nil for any other text and for a dotted mask whose ones are not in one run from the left.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    guard parts.count == 2 else {
      self.init(address, length: address.family.addressBits)
      return
    }
    if let length = Int(parts[1]), parts[1].utf8.first != UInt8(ascii: "+") {
      self.init(address, length: length)
    } else if let mask = IPAddress(parts[1]), mask.family == address.family,
      let length = Prefix.length(ofMask: mask)
    {
      self.init(address, length: length)
    } else {
      return nil
    }
  }

  /// The number of leading ones of a mask, or nil when the ones are not in one run from the left.
  public static func length(ofMask mask: IPAddress) -> Int? {
    let bits = mask.isIPv4 ? UInt128(mask.ipv4Number) << 96 : mask.bits
    let ones = (~bits).leadingZeroBitCount
    guard bits << UInt128(ones) == 0 || ones == 128 else { return nil }
    return mask.isIPv4 ? min(ones, 32) : ones
  }

  static func mask(_ length: Int, _ family: AddressFamily) -> UInt128 {
    let bits = length + (128 - family.addressBits)
    return bits == 0 ? 0 : UInt128.max << UInt128(128 - bits)
  }

  /// The family of the block's addresses.
  public var family: AddressFamily { address.family }

  /// The last address of the block (the subnet's broadcast address in IPv4).
  public var last: IPAddress { IPAddress(bits: address.bits | ~Prefix.mask(length, address.family)) }

  /// Whether the block contains an address (of the same family).
  public func contains(_ other: IPAddress) -> Bool { other.bits >= address.bits && other.bits <= last.bits }

  /// The block as a set of values.
  public var values: ValueSet { ValueSet(address.bits...last.bits) }
}

extension Prefix: CustomStringConvertible {
  /// `172.17.0.0/16`; an address alone when the block holds just one.
  public var description: String {
    length == address.family.addressBits ? address.description : "\(address)/\(length)"
  }
}

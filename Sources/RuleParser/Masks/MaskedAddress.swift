import RuleGraph

/// Addresses of which a part is masked: `203.0.x.x`, `x.x.x.62/24`, `2001:db8:xxxx::1`, `aa:bb:xx:xx:xx:xx`.
enum MaskedAddress {
  /// The bits of an address that are shown.
  private struct Shape {
    var bits: UInt128
    /// Ones where a bit is shown.
    var shown: UInt128

    /// The shape with only its first bits left.
    func prefix(_ length: Int, of width: Int) -> Shape {
      let mask = length >= width ? .max : length <= 0 ? 0 : ~((UInt128(1) << UInt128(width - length)) - 1)
      return Shape(bits: bits & mask, shown: shown & mask)
    }
  }

  // MARK: - Networks

  /// An address or network in which something is masked; its length may be masked, too.
  static func network(_ text: [UInt8], _ family: AddressFamily) -> MaskedText.Reading? {
    let slash = text.lastIndex(of: UInt8(ascii: "/"))
    let name = Array(text[..<(slash ?? text.count)])
    let width = family.addressBits
    var length: Int? = width
    if let slash {
      let behind = Array(text[(slash + 1)...])
      length = self.length(behind, family)
      if length == nil, !isMaskedLength(behind) { return nil }
    }
    let original = MaskedText.string(text)
    if let isNamed = MaskedText.placeholder(name) {
      return .masked(MaskedValue(original, within: family.allAddresses, isNamed: isNamed))
    }
    if let address = IPAddress(bytes: name), address.family == family {
      // The network holds its address, how long its length may be.
      guard length == nil else { return nil }
      return .masked(MaskedValue(original, within: family.allAddresses, certain: ValueSet(address.bits)))
    }
    guard let shape = family == .ipv4 ? quad(name) : groups(name) else { return nil }
    // Of a network without a known length, any first bits may be left.
    guard let length else { return .masked(MaskedValue(original, within: family.allAddresses)) }
    let base = family == .ipv4 ? IPAddress.ipv4Base : 0
    let found = reading(original, shape.prefix(length, of: width), free: width - length, of: width, base: base)
    return family == .ipv6 ? without(ipv4: found) : found
  }

  /// What is left of an address whose last bits are free: all of it, or its first bits and the shown ones behind.
  private static func reading(
    _ text: String, _ shape: Shape, free: Int, of width: Int, base: UInt128
  ) -> MaskedText.Reading {
    let all = ValueSet.bits(width).last ?? .max
    let wanted = free >= width ? 0 : all & ~(free == 0 ? 0 : (UInt128(1) << UInt128(free)) - 1)
    if shape.shown & wanted == wanted {
      return .known(ValueSet((base | shape.bits & wanted)...(base | shape.bits & wanted | (all & ~wanted))))
    }
    // The first bits are an interval.
    let leading = (~shape.shown & all) << UInt128(128 - width)
    let known = min(leading.leadingZeroBitCount, width)
    let tail = known >= width ? 0 : all >> UInt128(known)
    let interval = ValueSet((base | shape.bits & ~tail)...(base | shape.bits & ~tail | tail))
    let rest = shape.shown & tail
    return .masked(MaskedValue(text, within: interval, shownBits: rest, bits: shape.bits & rest))
  }

  /// IPv6 addresses do not reach into the numbers that stand for IPv4 ones.
  private static func without(ipv4 reading: MaskedText.Reading) -> MaskedText.Reading {
    guard case .masked(var value) = reading else { return reading }
    value.possible = value.possible.intersection(AddressFamily.ipv6.allAddresses)
    return .masked(value)
  }

  /// `24`, or `255.255.255.0` as a length.
  private static func length(_ text: [UInt8], _ family: AddressFamily) -> Int? {
    if let number = Int(MaskedText.string(text)), text.first != UInt8(ascii: "+"), text.first != UInt8(ascii: "-") {
      return number <= family.addressBits ? number : nil
    }
    return IPAddress(bytes: text).flatMap { $0.family == family ? Prefix.length(ofMask: $0) : nil }
  }

  private static func isMaskedLength(_ text: [UInt8]) -> Bool {
    if MaskedText.placeholder(text) != nil || quad(text) != nil { return true }
    // A mask whose ones are in no run, or a length that is no number any more: `2x`.
    return IPAddress(bytes: text) != nil || text.count <= 3 && text.contains(where: MaskedText.isMask)
  }

  // MARK: - Shapes

  /// `203.0.x.x`: four octets, of which one at least is masked.
  private static func quad(_ text: [UInt8]) -> Shape? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var shape = Shape(bits: 0, shown: 0)
    for part in parts {
      shape.bits <<= 8
      shape.shown <<= 8
      if let number = octet(part) {
        shape.bits |= number
        shape.shown |= 0xff
      } else if !isMasked(part, digit: { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }, most: 5) {
        return nil
      }
    }
    return shape.shown == 0xffff_ffff ? nil : shape
  }

  private static func octet(_ text: ArraySlice<UInt8>) -> UInt128? {
    guard !text.isEmpty, text.count <= 3, text.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
      return nil
    }
    let number = text.reduce(UInt128(0)) { $0 * 10 + UInt128($1 - UInt8(ascii: "0")) }
    return number <= 255 ? number : nil
  }

  /// Whether a part is masked, in whole or in some digits: `xxx`, `*`, `1xx`, `<x>`, and `a` of `a.b.c.d`.
  private static func isMasked(_ text: ArraySlice<UInt8>, digit: (UInt8) -> Bool, most: Int) -> Bool {
    var text = text
    if text.count > 2, let first = text.first, let last = text.last,
      (first, last) == (UInt8(ascii: "<"), UInt8(ascii: ">")) || (first, last) == (UInt8(ascii: "["), UInt8(ascii: "]"))
    {
      text = text.dropFirst().dropLast()
      return text.allSatisfy { MaskedText.isLetter($0) || MaskedText.isMask($0) || digit($0) }
    }
    guard let first = text.first, text.count <= most else { return false }
    if text.contains(where: MaskedText.isMask) { return text.allSatisfy { MaskedText.isMask($0) || digit($0) } }
    return MaskedText.isLetter(first) && !digit(first) && text.allSatisfy { $0 == first }
  }

  /// `2001:db8:xxxx::1`: groups of which one at least is masked.
  ///
  /// Beside `::`, or where groups are missing, nobody knows for how many groups a mask stands: shown is what stands
  /// before the first mask and behind the last.
  private static func groups(_ text: [UInt8]) -> Shape? {
    guard text.count(where: { $0 == UInt8(ascii: ":") }) >= 2 else { return nil }
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count <= 9 else { return nil }
    var groups: [UInt128?] = []
    var isMasked = false
    var gap: Int?
    for (index, part) in parts.enumerated() {
      if part.isEmpty {
        // `::` at an end leaves two empty parts.
        if index == 0 || index == parts.count - 1 && parts[index - 1].isEmpty { continue }
        guard gap == nil, index < parts.count - 1 else { return nil }
        gap = groups.count
      } else if part.count <= 4, part.allSatisfy({ $0.hexDigitValue != nil }) {
        groups.append(part.reduce(UInt128(0)) { $0 << 4 | UInt128($1.hexDigitValue ?? 0) })
      } else if self.isMasked(part, digit: { $0.hexDigitValue != nil }, most: 4) {
        groups.append(nil)
        isMasked = true
      } else {
        return nil
      }
    }
    guard isMasked, groups.count <= 8, gap == nil || groups.count < 8 else { return nil }
    guard gap != nil || groups.count < 8 else {
      return groups.reduce(into: Shape(bits: 0, shown: 0)) { shape, group in
        shape = Shape(bits: shape.bits << 16 | (group ?? 0), shown: shape.shown << 16 | (group == nil ? 0 : 0xffff))
      }
    }
    let first = min(groups.firstIndex { $0 == nil } ?? 0, gap ?? groups.count)
    // Without `::` the groups behind the last one are missing.
    let last = gap == nil ? groups.count : max((groups.lastIndex { $0 == nil } ?? 0) + 1, gap ?? 0)
    var shape = Shape(bits: 0, shown: 0)
    for (index, group) in groups[..<first].enumerated() {
      shape.bits |= (group ?? 0) << UInt128(16 * (7 - index))
      shape.shown |= 0xffff << UInt128(16 * (7 - index))
    }
    for (index, group) in groups[last...].reversed().enumerated() {
      shape.bits |= (group ?? 0) << UInt128(16 * index)
      shape.shown |= 0xffff << UInt128(16 * index)
    }
    return shape
  }

  /// `aa:bb:xx:xx:xx:xx`: six bytes, of which one at least is masked.
  static func hardware(_ text: [UInt8]) -> MaskedText.Reading? {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") }
    guard parts.count == 6 else { return nil }
    var shape = Shape(bits: 0, shown: 0)
    for part in parts {
      shape.bits <<= 8
      shape.shown <<= 8
      if part.count <= 2, !part.isEmpty, part.allSatisfy({ $0.hexDigitValue != nil }) {
        shape.bits |= part.reduce(UInt128(0)) { $0 << 4 | UInt128($1.hexDigitValue ?? 0) }
        shape.shown |= 0xff
      } else if !isMasked(part, digit: { $0.hexDigitValue != nil }, most: 2) {
        return nil
      }
    }
    guard shape.shown != 0xffff_ffff_ffff else { return nil }
    return reading(MaskedText.string(text), shape, free: 0, of: 48, base: 0)
  }
}

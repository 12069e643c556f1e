import RuleGraph

/// Values of nft's types as nft prints them.
enum NftValueText {
  /// One value.
  static func text(_ value: UInt128, _ part: NftPart) -> String {
    switch part.type {
    case .ipv4Address, .ipv6Address: return IPAddress(bits: value).description
    case .ifname, .string: return quoted(name(value))
    case .interfaceIndex: return value <= 0xffff_ffff ? String(value) : quoted(name(value))
    case .etherAddress, .lladdr:
      return (0..<6).map { hexadecimal(value >> (40 - 8 * UInt128($0)) & 255, digits: 2) }.joined(separator: ":")
    case .mark: return "0x" + hexadecimal(value, digits: 8)
    case .classid:
      if let word = NftSymbols.word(for: value, in: .classid) { return word }
      return String(value >> 16 & 0xffff, radix: 16) + ":" + String(value & 0xffff, radix: 16)
    case .duration: return duration(value)
    case .ctLabel: return String(value.trailingZeroBitCount)
    case .hour:
      return quoted(
        "\(decimal(value / 3600 % 24)):\(decimal(value / 60 % 60))"
          + (value % 60 == 0 ? "" : ":\(decimal(value % 60))"))
    case .day: return NftSymbols.word(for: value, in: .day).map { quoted($0) } ?? String(value)
    case .time: return String(value)
    case .boolean: return value == 0 ? "missing" : "exists"
    case .tcpFlag, .ctStatus, .ctState, .ctEvent: return flags(value, part.type, separator: " | ")
    case .uid, .gid, .realm, .deviceGroup, .inetService, .integer: return String(value)
    case .invalid: return guess(value)
    default: return NftSymbols.word(for: value, in: part.type) ?? String(value)
    }
  }

  /// A run of values: one, a prefix, a wildcard or a range.
  static func text(_ interval: ClosedRange<UInt128>, _ part: NftPart) throws(NftUnprintable) -> String {
    let (low, high) = (interval.lowerBound, interval.upperBound)
    if low == high { return text(low, part) }
    switch part.type {
    case .ipv4Address, .ipv6Address:
      let free = (high - low).trailingZeroBitCount == 0 ? (~(high - low)).trailingZeroBitCount : 0
      if free > 0, free < 128, (high - low) == NftPart.mask(free), low & NftPart.mask(free) == 0 {
        let bits = part.type == .ipv4Address ? 32 : 128
        if free <= bits { return "\(IPAddress(bits: low))/\(bits - free)" }
      }
      if low == 0, high == .max { return "::/0" }
    case .ifname, .string, .interfaceIndex:
      guard let pattern = InterfaceName.pattern(of: interval), pattern.wildcard else {
        throw NftUnprintable("a range of names")
      }
      return quoted(pattern.text + "*")
    case .mark, .hour, .day, .time, .duration, .etherAddress, .classid: break
    default:
      // Of words, a range would read as one word.
      return "\(low)-\(high)"
    }
    return "\(text(low, part))-\(text(high, part))"
  }

  /// A run of values as the members of a set: a few values with names are named one by one.
  static func texts(_ interval: ClosedRange<UInt128>, _ part: NftPart) throws(NftUnprintable) -> [String] {
    let (low, high) = (interval.lowerBound, interval.upperBound)
    guard low < high, high - low < 16, NftSymbols.word(for: low, in: part.type) != nil else {
      return [try text(interval, part)]
    }
    return (low...high).map { text($0, part) }
  }

  /// `>= "10:00"`: times, whose ranges have no end, are written with one bound; nil of everything else.
  static func bound(_ values: ValueSet, _ part: NftPart) -> String? {
    guard values.intervals.count == 1, let interval = values.intervals.first,
      interval.lowerBound < interval.upperBound
    else { return nil }
    switch part.type {
    case .time, .duration, .hour: break
    default: return nil
    }
    if interval.lowerBound == 0 { return "<= \(text(interval.upperBound, part))" }
    return interval.upperBound == part.maximum ? ">= \(text(interval.lowerBound, part))" : nil
  }

  /// The flags of a mask by their names; what has no name is a number.
  static func flags(_ mask: UInt128, _ type: NftType, separator: String) -> String {
    var names: [String] = []
    var rest = mask
    for bit in 0..<32 where mask >> UInt128(bit) & 1 == 1 {
      guard let name = NftSymbols.word(for: UInt128(1) << UInt128(bit), in: type) else { continue }
      names.append(name)
      rest &= ~(UInt128(1) << UInt128(bit))
    }
    return rest == 0 && !names.isEmpty ? names.joined(separator: separator) : "0x" + String(mask, radix: 16)
  }

  /// A text in quotation marks; nft has no way to write one inside, nor a line end.
  static func quoted(_ text: String) -> String { "\"" + text.harmless.replacing("\"", with: "'") + "\"" }

  /// `1d2h3m4s5ms` of milliseconds.
  static func duration(_ milliseconds: UInt128) -> String {
    var rest = milliseconds
    var text = ""
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
      as [(String, UInt128)]
    {
      if rest >= length { text += "\(rest / length)\(unit)" }
      rest %= length
    }
    return text.isEmpty ? "0s" : text
  }

  private static func name(_ value: UInt128) -> String {
    let text = InterfaceName(value: value).description
    return text.hasSuffix("*") ? text.dropLast() + "\\*" : text
  }

  private static func guess(_ value: UInt128) -> String {
    if value >> 120 != 0 { return quoted(name(value)) }
    return IPAddress(bits: value).isIPv4 ? IPAddress(bits: value).description : String(value)
  }

  private static func hexadecimal(_ value: UInt128, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }

  private static func decimal(_ value: UInt128) -> String { value < 10 ? "0\(value)" : String(value) }
}

/// Why a part of a rule cannot be written in nft's language.
struct NftUnprintable: Error, Hashable, Sendable {
  var reason: String

  init(_ reason: String) { self.reason = reason }
}

import RuleGraph
import RuleText

/// Constants of nft's types as values of the rule graph.
///
/// An interface index that was printed as a name becomes the value of the name (see ``InterfaceName``), one that was
/// printed as a number stays a number; the two cannot be confused, because a name's first byte is the value's highest.
enum NftValue {
  /// The values that a constant expression stands for.
  static func values(of expression: NftExpression, _ type: NftType, bits: Int) throws(NftProblem) -> ValueSet {
    switch expression {
    case .word(let word): return try values(ofWord: word, type, bits: bits)
    case .number(let number): return ValueSet(try self.number(number, type, bits: bits))
    case .presence(let present): return ValueSet(present ? 1 : 0)
    case .range(let low, let high):
      let low = try values(of: low, type, bits: bits)
      let high = try values(of: high, type, bits: bits)
      guard let first = low.first, let last = high.intervals.last?.upperBound, first <= last else {
        throw NftProblem("a range whose end is before its beginning")
      }
      return ValueSet(first...last)
    case .prefix(let address, let length): return try prefix(address, length, type, bits: bits)
    case .list(let items):
      var mask: UInt128 = 0
      for item in items { mask |= try single(item, type, bits: bits) }
      return ValueSet(mask)
    case .binary(let operation, let left, let right):
      return ValueSet(
        apply(
          operation, try single(left, type, bits: bits), try single(right, type, bits: bits), bits: bits))
    case .set(let elements):
      var intervals: [ClosedRange<UInt128>] = []
      intervals.reserveCapacity(elements.count)
      for element in elements {
        intervals.append(contentsOf: try values(of: element.key, type, bits: bits).intervals)
      }
      return ValueSet(intervals)
    default: throw NftProblem("an expression where a constant is needed")
    }
  }

  /// The one value of a constant expression.
  static func single(_ expression: NftExpression, _ type: NftType, bits: Int) throws(NftProblem) -> UInt128 {
    guard let value = try values(of: expression, type, bits: bits).single else {
      throw NftProblem("several values where one is needed")
    }
    return value
  }

  /// The result of an operation on two numbers of a width.
  static func apply(_ operation: NftOperation, _ left: UInt128, _ right: UInt128, bits: Int) -> UInt128 {
    let all = NftPart.mask(bits)
    switch operation {
    case .and: return left & right
    case .or: return left | right
    case .xor: return left ^ right
    case .shiftLeft: return right < 128 ? (left << right) & all : 0
    case .shiftRight: return right < 128 ? left >> right : 0
    }
  }

  private static func number(_ number: UInt128, _ type: NftType, bits: Int) throws(NftProblem) -> UInt128 {
    switch type {
    case .duration, .ctLabel, .time, .hour, .invalid: break
    default:
      // nft's words: "Value exceeds valid range".
      guard number <= NftPart.mask(type == .ipv4Address ? 32 : bits) else {
        throw NftProblem("\(number), which is too large for \(type.rawValue)")
      }
    }
    return switch type {
    case .ipv4Address: number <= 0xffff_ffff ? IPAddress(ipv4: UInt32(truncatingIfNeeded: number)).bits : number
    case .duration: number < 1 << 100 ? number * 1000 : number
    case .ctLabel: number < 128 ? UInt128(1) << number : 0
    default: number
    }
  }

  private static func prefix(
    _ address: NftExpression, _ length: Int, _ type: NftType, bits: Int
  ) throws(NftProblem) -> ValueSet {
    let first = try single(address, type, bits: bits)
    guard length >= 0, length <= bits else { throw NftProblem("a prefix longer than its type") }
    let free = NftPart.mask(bits - length)
    return ValueSet((first & ~free)...(first | free))
  }

  private static func values(ofWord word: String, _ type: NftType, bits: Int) throws(NftProblem) -> ValueSet {
    switch type {
    case .ipv4Address, .ipv6Address:
      if let address = IPAddress(word) { return ValueSet(address.bits) }
    case .ifname, .string:
      if !NftMasks.isMaskedName(word), let values = names(word) { return values }
    case .interfaceIndex:
      if let index = integer(word) { return ValueSet(index) }
      if !NftMasks.isMaskedName(word), let name = InterfaceName(word) { return ValueSet(name.value) }
    case .etherAddress, .lladdr:
      if let address = hardwareAddress(word) { return ValueSet(address) }
    case .hour:
      if let seconds = NftDate.hour(word) { return ValueSet(seconds) }
    case .time:
      if let seconds = NftDate.seconds(word) { return ValueSet(seconds) }
    case .duration:
      if let milliseconds = NftDate.duration(word) { return ValueSet(milliseconds) }
      throw NftProblem("the time \(word)")
    case .classid:
      if let handle = trafficClass(word) { return ValueSet(handle) }
    case .day:
      if let day = NftSymbols.value(of: word.prefix(1).uppercased() + word.dropFirst().lowercased(), in: .day) {
        return ValueSet(day)
      }
    case .invalid:
      return try guess(word)
    default: break
    }
    if let value = NftSymbols.value(of: word, in: type) { return ValueSet(value) }
    if type == .inetService, let port = ServiceNames.ports[word] { return ValueSet(port) }
    if let number = integer(word) { return ValueSet(try self.number(number, type, bits: bits)) }
    throw NftProblem("\(word), which is no \(type.rawValue)")
  }

  /// The values of a constant whose type is not known: an address, a number, else a name.
  private static func guess(_ word: String) throws(NftProblem) -> ValueSet {
    if let address = IPAddress(word) { return ValueSet(address.bits) }
    if let number = integer(word) { return ValueSet(number) }
    if let address = hardwareAddress(word) { return ValueSet(address) }
    if let values = names(word) { return values }
    throw NftProblem("\(word), whose type is not known")
  }

  /// The names that a text stands for; `*` at its end is a wildcard unless a backslash stands before it.
  private static func names(_ word: String) -> ValueSet? {
    if word.hasSuffix("\\*") { return packed(String(word.dropLast(2)) + "*").map { ValueSet($0) } }
    if word.hasSuffix("*") { return InterfaceName.set(matching: word.dropLast(), wildcard: true) }
    return packed(word).map { ValueSet($0) }
  }

  /// A text of at most sixteen bytes, filled from the left.
  private static func packed(_ text: String) -> UInt128? {
    let count = text.utf8.count
    guard count <= 16 else { return nil }
    var number: UInt128 = 0
    for byte in text.utf8 { number = number << 8 | UInt128(byte) }
    return count == 0 ? 0 : number << UInt128(8 * (16 - count))
  }

  /// A number in decimal, or in hexadecimal with `0x`, of at most 128 bits.
  static func integer(_ word: String) -> UInt128? {
    var bytes = word.utf8[...]
    var radix: UInt128 = 10
    if bytes.count > 2, bytes.first == UInt8(ascii: "0"), let mark = bytes.dropFirst().first,
      mark | 0x20 == UInt8(ascii: "x")
    {
      radix = 16
      bytes = bytes.dropFirst(2)
    }
    guard let first = bytes.first, first.hexDigitValue != nil, bytes.count <= 39 else { return nil }
    if bytes.count <= 15 {
      var small: UInt64 = 0
      for byte in bytes {
        guard let digit = byte.hexDigitValue, radix == 16 || digit < 10 else { return nil }
        small = small &* UInt64(truncatingIfNeeded: radix) &+ UInt64(digit)
      }
      return UInt128(small)
    }
    var number: UInt128 = 0
    for byte in bytes {
      guard let digit = byte.hexDigitValue, radix == 16 || digit < 10 else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(UInt128(digit))
      guard !overflow, !carry else { return nil }
      number = sum
    }
    return number
  }

  /// `00:11:22:33:44:55` as a number.
  static func hardwareAddress(_ word: String) -> UInt128? {
    var number: UInt128 = 0
    var octet: UInt128?
    var count = 0
    for byte in word.utf8 {
      if byte == UInt8(ascii: ":") {
        guard let value = octet else { return nil }
        number = number << 8 | value
        octet = nil
        count += 1
      } else {
        guard let digit = byte.hexDigitValue, (octet ?? 0) < 16 else { return nil }
        octet = (octet ?? 0) << 4 | UInt128(digit)
      }
    }
    guard count == 5, let value = octet else { return nil }
    return number << 8 | value
  }

  /// A traffic control handle: `1:2`, two hexadecimal numbers of 16 bits.
  private static func trafficClass(_ word: String) -> UInt128? {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let numbers = parts.map { $0.isEmpty ? UInt16(0) : UInt16($0, radix: 16) }
    guard let major = numbers[0], let minor = numbers[1] else { return nil }
    return UInt128(major) << 16 | UInt128(minor)
  }
}

import RuleGraph

/// A rule while it is read: what is known of it so far, and how its values are understood.
///
/// It can't be copied: a copy for each option that is read of it would be counted as another owner of all that it
/// holds.
struct RuleDraft: ~Copyable {
  /// The bytes of the source that every range is of.
  let bytes: ByteView
  /// The family of the table.
  let family: AddressFamily
  /// The statements so far.
  var statements = ScratchList<Statement>()
  /// The comment.
  var comment: String?
  /// The transport protocol that the rule names, when it is not negated.
  var transport: UInt8?
  /// The names of chains, shared by all rules of the dump.
  var chainNames = TextPool()
  /// Names of chains that were known before, where there are any.
  var declaredNames: TextsView?
  /// Where the rule's masked values stand.
  var maskedRanges: [Range<Int>] = []
  private var comments = RecentTexts()

  /// Makes an empty rule.
  init(bytes: ByteView, family: AddressFamily) {
    self.bytes = bytes
    self.family = family
  }

  /// Forgets everything but where it is read from.
  mutating func reset() {
    statements.clear()
    comment = nil
    transport = nil
    if !maskedRanges.isEmpty { maskedRanges = [] }
  }

  /// The name of a chain.
  mutating func chainName(_ range: Range<Int>) -> String {
    if let declaredNames, let index = declaredNames.known(range, in: bytes) { return declaredNames[index] }
    let index = chainNames.index(of: range, in: bytes)
    return chainNames.texts[index]
  }

  /// Sets the comment.
  mutating func setComment(_ range: Range<Int>) { comment = comments.text(range, in: bytes) }

  /// The header of the network layer: `ip` or `ip6`.
  var network: Header { family == .ipv4 ? .ip : .ip6 }

  /// Adds a test of a field.
  mutating func match(_ field: Field, _ values: ValueSet, negated: Bool = false, whenAbsent: Bool = false) {
    statements.append(
      .match(Match(.field(field), .values(values), negated: negated, whenAbsent: whenAbsent)))
  }

  /// Adds a test of some bits of a field; all bits of its width are a plain test.
  mutating func match(
    _ field: Field, bits mask: UInt128, width: Int, equal value: UInt128, negated: Bool = false,
    whenAbsent: Bool = false
  ) {
    let subject: ValueExpression =
      mask == ValueSet.bits(width).intervals[0].upperBound ? .field(field) : .bitwise(.field(field), and: mask, xor: 0)
    statements.append(
      .match(Match(subject, .values(ValueSet(value)), negated: negated, whenAbsent: whenAbsent)))
  }
}

// MARK: - Values

extension RuleDraft {
  /// The text of a range.
  func text(_ range: Range<Int>) -> String { bytes.text(range) }

  /// The value of an option as text, without the backslashes of a quoted one.
  func text(of option: ExtensionOption) -> String {
    guard option.isEscaped else { return text(option.value) }
    var plain: [UInt8] = []
    var position = option.value.lowerBound
    while position < option.value.upperBound {
      if bytes[position] == UInt8(ascii: "\\"), position + 1 < option.value.upperBound { position += 1 }
      plain.append(bytes[position])
      position += 1
    }
    return String(decoding: plain, as: UTF8.self)
  }

  /// Whether a range is exactly this text, whatever the case of its letters.
  func text(_ range: Range<Int>, is expected: StaticString) -> Bool {
    guard range.count == expected.utf8CodeUnitCount else { return false }
    return expected.withUTF8Buffer { buffer in
      for index in 0..<buffer.count {
        let byte = bytes[range.lowerBound + index]
        let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
        let other = unsafe buffer[index]
        if lower != (other >= UInt8(ascii: "A") && other <= UInt8(ascii: "Z") ? other | 0x20 : other) { return false }
      }
      return true
    }
  }

  /// The place of a byte in a range, or nil.
  func position(of byte: UInt8, in range: Range<Int>) -> Int? {
    var position = range.lowerBound
    while position < range.upperBound {
      if bytes[position] == byte { return position }
      position += 1
    }
    return nil
  }

  /// A decimal or `0x` number that fills the range, or nil.
  func number(_ range: Range<Int>) -> UInt64? {
    if range.count < 19 {
      var value: UInt64 = 0
      var at = range.lowerBound
      while at < range.upperBound, bytes[at] >= UInt8(ascii: "0"), bytes[at] <= UInt8(ascii: "9") {
        value = value &* 10 &+ UInt64(bytes[at] - UInt8(ascii: "0"))
        at += 1
      }
      if at == range.upperBound { return range.isEmpty ? nil : value }
      // Only `0x10` goes on behind a digit with anything else.
      guard bytes[range.lowerBound] == UInt8(ascii: "0") else { return nil }
    }
    var cursor = ByteCursor(bytes, range)
    guard let value = cursor.eatNumber(), cursor.isAtEnd else { return nil }
    return value
  }

  /// The parts of a range between separators.
  func list(_ range: Range<Int>, separator: UInt8 = UInt8(ascii: ",")) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = range.lowerBound
    while let end = position(of: separator, in: start..<range.upperBound) {
      parts.append(start..<end)
      start = end + 1
    }
    parts.append(start..<range.upperBound)
    return parts
  }

  /// `7`, `7:9`, `7-9`, `7:` or `:9` as an interval; an open end is 0 or `limit`. Nil when it is something else,
  /// reversed or too large.
  func interval(_ range: Range<Int>, upTo limit: UInt64) -> ClosedRange<UInt128>? {
    guard !range.isEmpty else { return nil }
    if let sign = position(of: UInt8(ascii: ":"), in: range) ?? position(of: UInt8(ascii: "-"), in: range) {
      let low = sign == range.lowerBound ? 0 : number(range.lowerBound..<sign)
      let high = sign + 1 == range.upperBound ? limit : number(sign + 1..<range.upperBound)
      guard let low, let high, low <= high, high <= limit else { return nil }
      return UInt128(low)...UInt128(high)
    }
    guard let value = number(range), value <= limit else { return nil }
    return UInt128(value)...UInt128(value)
  }

  /// A port by number or name.
  func port(_ range: Range<Int>) -> UInt16? {
    if let value = number(range) { return UInt16(exactly: value) }
    return ServiceNames.ports[bytes, range]
  }

  /// A port or a range of ports, with `:` between two ports (or `-`, where names have none), as an interval.
  func ports(_ range: Range<Int>, separator: UInt8 = UInt8(ascii: ":")) -> ClosedRange<UInt128>? {
    if let sign = position(of: separator, in: range), port(range) == nil {
      let low = sign == range.lowerBound ? 0 : port(range.lowerBound..<sign)
      let high = sign + 1 == range.upperBound ? .max : port(sign + 1..<range.upperBound)
      guard let low, let high, low <= high else { return nil }
      return UInt128(low)...UInt128(high)
    }
    guard let value = port(range) else { return nil }
    return UInt128(value)...UInt128(value)
  }

  /// A transport protocol by number or name.
  func transport(_ range: Range<Int>) -> UInt8? {
    if let value = number(range) { return UInt8(exactly: value) }
    return ProtocolNames.numbers[bytes, range]
  }

  /// `0x1` or `0x1/0xff`: a value and its mask, 32 bits each unless another width is given.
  func masked(_ range: Range<Int>, width: Int = 32) -> (value: UInt128, mask: UInt128)? {
    let all = ValueSet.bits(width).intervals[0].upperBound
    guard let sign = position(of: UInt8(ascii: "/"), in: range) else {
      guard let value = number(range), value <= all else { return nil }
      return (UInt128(value), all)
    }
    guard let value = number(range.lowerBound..<sign), let mask = number(sign + 1..<range.upperBound), value <= all,
      mask <= all
    else { return nil }
    return (UInt128(value), UInt128(mask))
  }

  /// An address of either family by number, or one of the few names that need no look-up.
  func address(_ range: Range<Int>) -> IPAddress? {
    if let quad = quad(range) { return IPAddress(ipv4: quad) }
    guard let first = range.first.map({ bytes[$0] }) else { return nil }
    if first >= UInt8(ascii: "0"),
      first <= UInt8(ascii: "9") || position(of: UInt8(ascii: ":"), in: range) != nil || first == UInt8(ascii: ":"),
      let address = IPAddress(bytes: Array(bytes[range]))
    {
      return address
    }
    if position(of: UInt8(ascii: ":"), in: range) != nil { return IPAddress(bytes: Array(bytes[range])) }
    return HostNames.addresses(family)[bytes, range]
  }

  /// A dotted quad that fills a range.
  private func quad(_ range: Range<Int>) -> UInt32? {
    guard range.count >= 7, range.count <= 15, let (number, end) = beginningQuad(range), end == range.upperBound else {
      return nil
    }
    return number
  }

  /// A dotted quad at the beginning of a range and where it ends, read without a copy of its bytes: dumps are made of
  /// them.
  private func beginningQuad(_ range: Range<Int>) -> (number: UInt32, end: Int)? {
    var number: UInt32 = 0
    var octet: UInt32 = 0
    var digits = 0
    var dots = 0
    var at = range.lowerBound
    while at < range.upperBound {
      let byte = bytes[at]
      if byte == UInt8(ascii: ".") {
        guard digits > 0, dots < 3 else { return nil }
        number = number << 8 | octet
        octet = 0
        digits = 0
        dots += 1
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        guard digits < 3 else { return nil }
        octet = octet &* 10 &+ UInt32(byte &- UInt8(ascii: "0"))
        digits += 1
        guard octet <= 255 else { return nil }
      } else {
        break
      }
      at &+= 1
    }
    return dots == 3 && digits > 0 ? (number << 8 | octet, at) : nil
  }

  /// `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `anywhere` or an address alone, as an address and the mask of its fixed bits.
  func network(_ range: Range<Int>) -> (address: IPAddress, mask: UInt128)? {
    // The common forms first: a dotted quad, alone or with a length.
    if let (number, end) = beginningQuad(range) {
      if end == range.upperBound { return (IPAddress(ipv4: number), 0xffff_ffff) }
      if bytes[end] == UInt8(ascii: "/"), let length = self.number(end + 1..<range.upperBound) {
        guard length <= 32 else { return nil }
        return (IPAddress(ipv4: number), UInt128(truncatingIfNeeded: 0xffff_ffff << (32 - length) & 0xffff_ffff))
      }
    }
    let slash = position(of: UInt8(ascii: "/"), in: range)
    let name = range.lowerBound..<(slash ?? range.upperBound)
    guard let address = text(name, is: "anywhere") ? IPAddress.any(family) : address(name) else { return nil }
    let all: UInt128 = address.isIPv4 ? 0xffff_ffff : .max
    guard let slash else { return (address, text(name, is: "anywhere") ? 0 : all) }
    let behind = slash + 1..<range.upperBound
    if let length = number(behind) {
      guard length <= UInt64(address.family.addressBits) else { return nil }
      let free = UInt128(address.family.addressBits) - UInt128(length)
      return (address, free == 128 ? 0 : (all >> free) << free)
    }
    guard let mask = IPAddress(bytes: Array(bytes[behind])), mask.family == address.family else { return nil }
    return (address, mask.isIPv4 ? UInt128(mask.ipv4Number) : mask.bits)
  }

  /// Adds a test of an address field against a network, unless it holds every address. False when the network is no
  /// network.
  mutating func matchAddress(_ field: Field, _ range: Range<Int>, negated: Bool, whenAbsent: Bool = false) -> Bool {
    // What a listing prints in most places.
    if family == .ipv4, !negated, !whenAbsent, range.count == 9, bytes.has("0.0.0.0/0", at: range.lowerBound) {
      return true
    }
    guard let (address, mask) = network(range), address.family == family else {
      return match(field, masked: range, .address(family), negated: negated, whenAbsent: whenAbsent)
    }
    let all: UInt128 = family == .ipv4 ? 0xffff_ffff : .max
    if mask == 0, !negated, !whenAbsent { return true }
    let free = ~mask & all
    if free & (free &+ 1) == 0 {
      let low = address.bits & ~free
      match(field, ValueSet(low...(low | free)), negated: negated, whenAbsent: whenAbsent)
      return true
    }
    statements.append(
      .match(
        Match(
          .bitwise(.field(field), and: mask, xor: 0), .values(ValueSet(address.bits & mask)), negated: negated,
          whenAbsent: whenAbsent)))
    return true
  }

  /// `10.0.0.1-10.0.0.9` or one address as a set.
  func addressRange(_ range: Range<Int>) -> ClosedRange<UInt128>? {
    guard let sign = position(of: UInt8(ascii: "-"), in: range) else {
      guard let address = address(range) else { return nil }
      return address.bits...address.bits
    }
    guard let low = address(range.lowerBound..<sign), let high = address(sign + 1..<range.upperBound),
      low.bits <= high.bits
    else { return nil }
    return low.bits...high.bits
  }

  /// An interface name or, with a `+` at its end, the beginning of names.
  func interface(_ range: Range<Int>) -> ValueSet? {
    let wildcard = range.last.map { bytes[$0] == UInt8(ascii: "+") } ?? false
    return InterfaceName.set(matching: text(wildcard ? range.dropLast() : range), wildcard: wildcard)
  }
}

extension IPAddress {
  /// The unspecified address of a family.
  static func any(_ family: AddressFamily) -> IPAddress {
    family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(bits: 0)
  }
}

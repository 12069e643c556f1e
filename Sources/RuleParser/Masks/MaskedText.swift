import RuleGraph

/// What people put in the place of a value before they post a dump: `<MY_IP>`, `[redacted]`, `XXX`, `$WAN` without a
/// definition.
///
/// The one recogniser of all readers. It is asked only where a text is no value of its field, so a plain dump never
/// comes here; the one exception are names of interfaces, which nearly every text could be.
enum MaskedText {
  /// What a text with a mask in it tells.
  enum Reading: Hashable {
    /// All that matters is shown: `203.0.113.xxx/24`.
    case known(ValueSet)
    case masked(MaskedValue)
  }

  /// What a field's values are.
  enum Kind {
    case address(AddressFamily)
    case hardwareAddress
    case interface
    /// A number of so many bits.
    case number(bits: Int)
    case anything

    /// All values.
    var all: ValueSet {
      switch self {
      case .address(let family): family.allAddresses
      case .hardwareAddress: .bits(48)
      // Every name has a first letter, which is the highest byte.
      case .interface: ValueSet((UInt128(1) << 120)...UInt128.max)
      case .number(let bits): .bits(bits)
      case .anything: .all
      }
    }
  }

  /// Reads a text in the place of a value; nil where nothing says that something is masked.
  static func read(_ text: [UInt8], _ kind: Kind) -> Reading? {
    guard !text.isEmpty, text.count <= 128 else { return nil }
    if text.contains(where: { $0 >= 0x80 }) {
      let plain = withoutBlocks(text)
      guard plain != text else { return readPlain(text, kind) }
      guard case .masked(var value)? = readPlain(plain, kind) else { return readPlain(plain, kind) }
      value.text = string(text)
      return .masked(value)
    }
    return readPlain(text, kind)
  }

  private static func readPlain(_ text: [UInt8], _ kind: Kind) -> Reading? {
    if case .interface = kind { return MaskedName.read(text, kind.all) }
    if let isNamed = placeholder(text) {
      return .masked(MaskedValue(string(text), within: kind.all, isNamed: isNamed))
    }
    if let range = range(text, kind) { return range }
    switch kind {
    case .address(let family): return MaskedAddress.network(text, family)
    case .hardwareAddress: return MaskedAddress.hardware(text)
    case .number: return isMaskedNumber(text) ? .masked(MaskedValue(string(text), within: kind.all)) : nil
    case .anything:
      return MaskedAddress.network(text, .ipv4) ?? MaskedAddress.network(text, .ipv6) ?? MaskedAddress.hardware(text)
    case .interface: return nil
    }
  }

  static func read(_ text: String, _ kind: Kind) -> Reading? { read(Array(text.utf8), kind) }

  /// The addresses that a masked one may be.
  static func addresses(_ text: String, _ family: AddressFamily) -> MaskedValue? {
    switch read(text, .address(family)) {
    case .masked(let value): value
    case .known(let values): MaskedValue(text, within: values)
    case nil: nil
    }
  }

  static func string(_ text: some Collection<UInt8>) -> String { String(decoding: text, as: UTF8.self) }

  // MARK: - A whole value

  /// Whether a text stands for a whole value that it names (true) or just hides (false); nil where it is no such text.
  static func placeholder(_ text: [UInt8]) -> Bool? {
    guard let first = text.first, let last = text.last else { return nil }
    if first == UInt8(ascii: "$") { return isVariable(text) ? true : nil }
    if text.count > 2 {
      switch (first, last) {
      case (UInt8(ascii: "<"), UInt8(ascii: ">")), (UInt8(ascii: "%"), UInt8(ascii: "%")):
        return inBrackets(text.dropFirst().dropLast())
      case (UInt8(ascii: "["), UInt8(ascii: "]")):
        // `[2001:db8::1]` is an address.
        return text.contains(UInt8(ascii: ":")) ? nil : inBrackets(text.dropFirst().dropLast())
      default: break
      }
    }
    if isRun(text) { return false }
    let words = words(text[...])
    if words.contains(where: hidingWords.contains) { return false }
    return namesValue(text, words) ? isNaming(words) : nil
  }

  private static func inBrackets(_ inner: ArraySlice<UInt8>) -> Bool? {
    let isWords = inner.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "*"), UInt8(ascii: "'"):
        true
      default: byte >= 0x80
      }
    }
    guard isWords, inner.contains(where: { isLetter($0) || $0 == UInt8(ascii: "*") }) else { return nil }
    return isNaming(words(inner))
  }

  /// `$name`, `${name}`, `$1`.
  private static func isVariable(_ text: [UInt8]) -> Bool {
    var name = text.dropFirst()
    if name.first == UInt8(ascii: "{"), name.last == UInt8(ascii: "}") { name = name.dropFirst().dropLast() }
    return !name.isEmpty
      && name.allSatisfy {
        isLetter($0) || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: "_")
      }
  }

  /// `x`, `XXX`, `***`, `??`: signs that are no value of anything.
  static func isRun(_ text: [UInt8]) -> Bool {
    guard let first = text.first, text.allSatisfy({ $0 == first }) else { return false }
    switch first {
    case UInt8(ascii: "x"), UInt8(ascii: "X"): return true
    case UInt8(ascii: "*"), UInt8(ascii: "?"): return text.count > 1
    default: return false
    }
  }

  /// The words of a text in small letters: `my`, `ip` of `MY_IP`.
  private static func words(_ text: ArraySlice<UInt8>) -> [String] {
    text.split { !isLetter($0) && !($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) }.map {
      string($0).lowercased()
    }
  }

  /// Words that say that something is hidden.
  private static let hidingWords: Set<String> = [
    "redacted", "masked", "hidden", "removed", "censored", "anonymized", "anonymised", "obfuscated", "sanitized",
    "sanitised", "scrubbed", "computed", "omitted", "snip", "snipped",
  ]

  /// Words that say what is hidden, or that there is more than one of them, and so give it no name of its own.
  private static let commonWords: Set<String> = [
    "ip", "ipv4", "ipv6", "ip4", "ip6", "addr", "address", "host", "hostname", "port", "ports", "net", "network",
    "subnet", "cidr", "mac", "interface", "iface", "if", "dev", "nic", "name", "value", "some", "a", "an", "the",
    "other",
    "another", "public", "private", "internal", "external", "remote", "x", "xx", "xxx", "xxxx", "secret", "any",
  ]

  /// Whether words give what they hide a name, so that it is the same everywhere.
  private static func isNaming(_ words: [String]) -> Bool {
    words.contains { !commonWords.contains($0) && !hidingWords.contains($0) }
      && !words.contains(where: hidingWords.contains)
  }

  /// `MY_IP`, `WAN-ADDRESS`, `your.public.ip`: a text that names a value instead of being one.
  private static func namesValue(_ text: [UInt8], _ words: [String]) -> Bool {
    let isUpper = !text.contains { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
    let kinds: Set<String> = ["ip", "ipv4", "ipv6", "addr", "address", "host", "subnet", "network", "port", "mac"]
    if isUpper {
      return words.contains { kinds.contains($0) || $0.count > 2 && $0.hasSuffix("ip") } && isLetter(text[0])
    }
    let owners: Set<String> = ["my", "your", "public", "external", "server", "client", "wan", "remote", "private"]
    return words.contains("ip") && words.contains(where: owners.contains)
  }

  /// `80xx`, `0xXX`: digits of which some are masked.
  private static func isMaskedNumber(_ text: [UInt8]) -> Bool {
    let digits = text.starts(with: "0x".utf8) && text.count > 2 ? text.dropFirst(2) : text[...]
    let isHexadecimal = digits.count < text.count
    guard digits.count <= 16 else { return false }
    var isMasked = false
    for byte in digits {
      if isMask(byte) {
        isMasked = true
      } else if !(byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")), !(isHexadecimal && byte.hexDigitValue != nil)
      {
        return false
      }
    }
    return isMasked
  }

  // MARK: - Ranges

  /// `203.0.113.10-203.0.113.xxx`, `1024:XXXX`: one end or both are masked.
  private static func range(_ text: [UInt8], _ kind: Kind) -> Reading? {
    let signs: [UInt8]
    switch kind {
    case .number: signs = [UInt8(ascii: "-"), UInt8(ascii: ":")]
    case .address: signs = [UInt8(ascii: "-")]
    case .hardwareAddress, .interface, .anything: return nil
    }
    guard !text.contains(UInt8(ascii: "<")), !text.contains(UInt8(ascii: "[")),
      let sign = text.firstIndex(where: signs.contains),
      sign > 0, sign + 1 < text.count
    else { return nil }
    let ends = [Array(text[..<sign]), Array(text[(sign + 1)...])].map { end -> Reading? in
      value(end, kind).map { .known(ValueSet($0)) } ?? read(end, kind)
    }
    guard let low = ends[0], let high = ends[1] else { return nil }
    return range(low, high, text: string(text))
  }

  /// The values from one that may be masked to another: certain are the ends that are shown.
  static func range(_ low: Reading, _ high: Reading, text: String) -> Reading? {
    func ends(_ reading: Reading) -> (possible: ValueSet, certain: ValueSet) {
      switch reading {
      case .known(let values): (values, values)
      case .masked(let value): (value.possible, value.certain)
      }
    }
    let (a, b) = (ends(low), ends(high))
    guard let first = a.possible.first, let last = b.possible.last, first <= last else { return nil }
    // Whatever the ends are, all between the highest first and the lowest last one is in the range.
    var certain = a.certain.union(b.certain)
    if let highest = a.possible.last, let lowest = b.possible.first, highest <= lowest {
      certain = certain.union(ValueSet(highest...lowest))
    }
    return .masked(MaskedValue(text, within: ValueSet(first...last), certain: certain))
  }

  /// A value that is shown.
  private static func value(_ text: [UInt8], _ kind: Kind) -> UInt128? {
    switch kind {
    case .address(let family):
      guard let address = IPAddress(bytes: text), address.family == family else { return nil }
      return address.bits
    case .number(let bits):
      guard let number = UInt64(string(text)), text[0] != UInt8(ascii: "+"),
        ValueSet.bits(bits).contains(UInt128(number))
      else {
        return nil
      }
      return UInt128(number)
    case .hardwareAddress, .interface, .anything: return nil
    }
  }

  // MARK: - Elements that are left out

  /// Whether a text stands for elements that are left out: `...`, `[snip]`, `<...>`.
  static func isElision(_ text: some Collection<UInt8>) -> Bool {
    // All of them begin with a sign, as no plain element does: most end here.
    guard let first = text.first, !isLetter(first), first < UInt8(ascii: "0") || first > UInt8(ascii: ":"),
      text.count <= 32
    else { return false }
    let plain = Array(string(text).lowercased().utf8)
    let inner = plain.drop { !isLetter($0) && $0 != UInt8(ascii: ".") && $0 < 0x80 }
      .prefix { isLetter($0) || $0 == UInt8(ascii: ".") || $0 >= 0x80 }
    switch string(inner) {
    case "...", "....", ".....", "\u{2026}": return true
    case "snip", "snipped", "truncated", "cut", "omitted", "shortened":
      return plain.first != inner.first
    default: return false
    }
  }

  // MARK: - Signs

  /// Whether a sign masks a digit.
  static func isMask(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "x") || byte == UInt8(ascii: "X") || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?")
  }

  static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") }

  /// Black blocks and bullets as stars.
  private static func withoutBlocks(_ text: [UInt8]) -> [UInt8] {
    let blocks: Set<Unicode.Scalar> = ["\u{2588}", "\u{2593}", "\u{2592}", "\u{25a0}", "\u{2022}", "\u{00d7}"]
    var plain: [UInt8] = []
    for scalar in string(text).unicodeScalars {
      if blocks.contains(scalar) { plain.append(UInt8(ascii: "*")) } else { plain += Array(String(scalar).utf8) }
    }
    return plain
  }
}

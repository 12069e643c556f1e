import RuleGraph

/// Takes what tells a host's identity out of a capture, so that it can be shown in public and still answers the same.
///
/// Public addresses, hardware addresses, the host's name, the names of containers and their networks, and the comments
/// of rules are replaced, each always by the same. Private addresses, interfaces, chains and ports stay: the answers
/// are made of them.
///
///     let redactor = Redactor(for: text)
///     let shown = redactor.redact(text)
public struct Redactor: Sendable {
  private var addresses = AddressMapping()
  private var hardware: [UInt64: UInt64] = [:]
  private var names: [[UInt8]: String] = [:]
  private var comments: [[UInt8]: String] = [:]
  private var hostName: [UInt8] = []

  /// Learns what a capture holds.
  public init(for text: [UInt8]) {
    learnHostName(text)
    learnAddresses(text)
    for digits in Self.hardwareNames(in: text) {
      UInt64(String(decoding: text[digits], as: UTF8.self), radix: 16).map { learn($0) }
    }
    for name in QuotedText.names(in: text) where names[name] == nil { names[name] = "name\(names.count + 1)" }
    for range in QuotedText.comments(in: text) where comments[Array(text[range])] == nil {
      comments[Array(text[range])] = "comment\(comments.count + 1)"
    }
  }

  /// The same text with the replacements; also for what fwtrace answers about the capture.
  public func redact(_ text: [UInt8]) -> [UInt8] {
    redactAddresses(redactNames(redactComments(redactHardwareNames(text))))
  }

  /// Interfaces that are called after their hardware address: `enx00e04c680123`
  /// (systemd.net-naming-scheme(7)). The new name is as long.
  private func redactHardwareNames(_ text: [UInt8]) -> [UInt8] {
    replace(in: text, Self.hardwareNames(in: text)) { digits in
      UInt64(String(decoding: digits, as: UTF8.self), radix: 16).flatMap { hardware[$0] }.map {
        Self.text($0).replacing(":", with: "")
      }
    }
  }

  /// The digits in names that are made of hardware addresses.
  private static func hardwareNames(in text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var at = 2
    while at + 13 <= text.count {
      defer { at += 1 }
      guard text[at] == UInt8(ascii: "x") else { continue }
      let kind = text[(at - 2)..<at]
      guard kind.elementsEqual("en".utf8) || kind.elementsEqual("wl".utf8) || kind.elementsEqual("ww".utf8) else {
        continue
      }
      let digits = (at + 1)..<(at + 13)
      guard text[digits].allSatisfy(\.isHexDigit), at == 2 || !text[at - 3].isLetter && !text[at - 3].isDigit,
        digits.upperBound == text.count || !text[digits.upperBound].isLetter && !text[digits.upperBound].isDigit
      else { continue }
      ranges.append(digits)
    }
    return ranges
  }

  // MARK: - Learning

  private mutating func learnHostName(_ text: [UInt8]) {
    let line = text.prefix { $0 != UInt8(ascii: "\n") }
    for word in line.split(separator: UInt8(ascii: " ")) where word.starts(with: "host=".utf8) {
      hostName = Array(word.dropFirst(5))
    }
  }

  private mutating func learnAddresses(_ text: [UInt8]) {
    var last: (range: Range<Int>, address: IPAddress)?
    AddressScan.each(text) { range, found in
      switch found {
      case .hardware(let number): learn(number)
      case .longHardware: break
      case .address(let address):
        if let number = Self.hardware(in: address) { learn(number) }
        if let inner = EmbeddedAddress(in: address),
          let length = Self.prefixLength(text, behind: range.upperBound),
          let prefix = Prefix(inner.address, length: min(max(length - inner.offset, 0), 32))
        {
          addresses.keep(prefix.address, prefix.last)
        }
        if let length = Self.prefixLength(text, behind: range.upperBound), let prefix = Prefix(address, length: length)
        {
          addresses.keep(prefix.address, prefix.last)
        }
        if let before = last {
          let between = String(decoding: text[before.range.upperBound..<range.lowerBound].prefix(8), as: UTF8.self)
          if between == "-" || between == "\", \"" || between == "\",\"" { addresses.keep(before.address, address) }
        }
        last = (range, address)
      }
    }
  }

  private mutating func learn(_ number: UInt64) {
    // Nobody's, everybody's, and groups stay.
    guard number != 0, number >> 40 & 1 == 0, hardware[number] == nil else { return }
    hardware[number] = 0x0200_0000_0000 + UInt64(hardware.count + 1)
  }

  /// The length behind an address: `/24`, `/255.255.255.0`, or libnftables' `", "len": 24`.
  private static func prefixLength(_ text: [UInt8], behind at: Int) -> Int? {
    let rest = text[at..<min(at + 20, text.count)]
    if rest.first == UInt8(ascii: "/") {
      let word = rest.dropFirst().prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
      if let length = Int(String(decoding: word, as: UTF8.self)) { return length }
      return IPAddress(bytes: Array(word)).flatMap { Prefix.length(ofMask: $0) }
    }
    guard rest.starts(with: "\", \"len\": ".utf8) else { return nil }
    return Int(String(decoding: rest.dropFirst(10).prefix(while: \.isDigit), as: UTF8.self))
  }

  /// The hardware address that an interface made its address of (RFC 4291, appendix A).
  private static func hardware(in address: IPAddress) -> UInt64? {
    guard !address.isIPv4, address.bits >> 24 & 0xffff == 0xfffe else { return nil }
    let identifier = UInt64(truncatingIfNeeded: address.bits)
    return ((identifier >> 40) << 24 | identifier & 0xff_ffff) ^ (2 << 40)
  }

  // MARK: - Replacing

  private func redactAddresses(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var done = 0
    AddressScan.each(text) { range, found in
      let replacement: String?
      switch found {
      case .hardware(let number): replacement = hardware[number].map(Self.text)
      case .longHardware: replacement = Array(repeating: "00", count: 20).joined(separator: ":")
      case .address(let address):
        let mapped = replace(address)
        replacement = mapped == address ? nil : mapped.description
      }
      guard let replacement else { return }
      result += text[done..<range.lowerBound]
      result += replacement.utf8
      done = range.upperBound
    }
    return result + text[done...]
  }

  /// An address that stays may still tell the hardware address that it was made of.
  private func replace(_ address: IPAddress) -> IPAddress {
    guard AddressMapping.isSpecial(address) else { return addresses(address) }
    if let inner = EmbeddedAddress(in: address) { return inner.replaced(by: addresses(inner.address), in: address) }
    guard let number = Self.hardware(in: address), let other = hardware[number] else { return address }
    let identifier = UInt128(other ^ (2 << 40))
    let network = (address.bits >> 64) << 64
    return IPAddress(bits: network | (identifier >> 24) << 40 | 0xfffe << 24 | identifier & 0xff_ffff)
  }

  private static func text(_ hardware: UInt64) -> String {
    (0..<6).map { index in
      let byte = String(hardware >> UInt64(40 - 8 * index) & 0xff, radix: 16)
      return byte.utf8.count == 1 ? "0" + byte : byte
    }.joined(separator: ":")
  }

  private func redactComments(_ text: [UInt8]) -> [UInt8] {
    replace(in: text, QuotedText.comments(in: text)) { comments[$0] }
  }

  private func redactNames(_ text: [UInt8]) -> [UInt8] {
    var result = replace(in: text, QuotedText.mentions(in: text)) { names[$0] }
    let mark = Array(" host=".utf8) + hostName
    let end = result.firstIndex(of: UInt8(ascii: "\n")) ?? result.endIndex
    if !hostName.isEmpty, end >= mark.count,
      let at = result[..<end].indices.dropLast(mark.count - 1).first(where: {
        result[$0..<($0 + mark.count)].elementsEqual(mark)
      })
    {
      result.replaceSubrange((at + 6)..<(at + mark.count), with: "host1".utf8)
    }
    return result
  }

  private func replace(in text: [UInt8], _ ranges: [Range<Int>], by replacement: ([UInt8]) -> String?) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var done = 0
    for range in ranges {
      guard range.lowerBound >= done, let word = replacement(Array(text[range])) else { continue }
      result += text[done..<range.lowerBound]
      result += word.utf8
      done = range.upperBound
    }
    return result + text[done...]
  }
}

import RuleGraph

/// Names of interfaces that are masked: `<WAN>`, `$ext_interface`, `br-xxxxxxxxxxxx`, `ethX`.
///
/// An interface may be called nearly anything, `xe0` and `wan` too, so that little is taken for a mask here.
enum MaskedName {
  /// Reads a name; nil of one that may be an interface's own.
  static func read(_ text: [UInt8], _ all: ValueSet) -> MaskedText.Reading? {
    guard let first = text.first else { return nil }
    let original = MaskedText.string(text)
    switch first {
    case UInt8(ascii: "$"), UInt8(ascii: "<"), UInt8(ascii: "["), UInt8(ascii: "%"), UInt8(ascii: "*"),
      UInt8(ascii: "?"):
      guard let isNamed = MaskedText.placeholder(text) else { break }
      return .masked(MaskedValue(original, within: all, isNamed: isNamed))
    default: break
    }
    if let shown = beforeRun(text) {
      // What stands before the run is the name's beginning, if it is not too long for a name.
      let names = InterfaceName.set(matching: MaskedText.string(text[..<shown]), wildcard: true)
      return .masked(MaskedValue(original, within: (names ?? all).intersection(all)))
    }
    let isUpper = text.count > 3 && !text.contains { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
    let words = text.split { !MaskedText.isLetter($0) }.map { MaskedText.string($0).lowercased() }
    if isUpper && words.contains(where: ["iface", "interface", "nic", "redacted", "masked"].contains)
      || words.contains("redacted")
    {
      return .masked(MaskedValue(original, within: all, isNamed: !words.contains("redacted") && words.count > 1))
    }
    return nil
  }

  /// Where a run of masking signs begins: three `x`, two `X` or `*`, or one `X` behind a name that the kernel gives.
  private static func beforeRun(_ text: [UInt8]) -> Int? {
    for start in text.indices {
      let sign = text[start]
      guard sign == UInt8(ascii: "x") || sign == UInt8(ascii: "X") || sign == UInt8(ascii: "*"),
        start == 0 || text[start - 1] != sign
      else { continue }
      let length = text[start...].prefix { $0 == sign }.count
      if length >= (sign == UInt8(ascii: "x") ? 3 : 2) { return start }
      if sign == UInt8(ascii: "X"), kernelNames.contains(MaskedText.string(text[..<start])) { return start }
    }
    return nil
  }

  private static let kernelNames: Set<String> = [
    "eth", "ens", "eno", "enp", "enx", "wlan", "wlp", "tun", "tap", "ppp", "br", "br-", "veth", "vlan", "bond", "wg",
    "docker", "virbr", "vnet", "em", "tap-", "enp0s",
  ]

  /// Whether a text could be a masked name at all: a quick look at the bytes that every mask holds one of.
  static func mayBeMasked(_ text: some Collection<UInt8>) -> Bool {
    // `redacted` itself.
    if text.count >= 8, text.first == UInt8(ascii: "r") { return true }
    var run = 0
    for byte in text {
      switch byte {
      // `<`, `$`, `[`, `?`, `%`, `X`, and `E`, which all words in capitals for it have.
      case UInt8(ascii: "<"), UInt8(ascii: "$"), UInt8(ascii: "["), UInt8(ascii: "?"), UInt8(ascii: "%"),
        UInt8(ascii: "X"), UInt8(ascii: "E"):
        return true
      case UInt8(ascii: "x"), UInt8(ascii: "*"): run += 1
      default:
        if byte >= 0x80 { return true }
        if run < 2 { run = 0 }
      }
      if run >= 2 { return true }
    }
    return false
  }
}

import RuleGraph

/// What keeps a name or a value of a dump from being read as more than it is once it stands in a command: the kernel
/// takes nearly any byte in a name, and JSON any text as a value.
package enum NftSafety {
  /// Whether nft reads a text as one name: letters, digits, and the few signs that its scanner and those of the shells
  /// take as a part of a word (`scanner.l` of nftables; iptables-nft makes names that begin with a digit).
  package static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return false }
    return text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "_-./:+~^%@,".utf8.contains($0) }
  }

  /// The name, for a place where only a name may stand.
  static func name(_ text: String) throws(NftUnprintable) -> String {
    guard isName(text) else { throw NftUnprintable("the name \"\(text.harmless)\"") }
    return text
  }

  /// Whether a text is a part of one line: outside of quotation marks it ends no statement, no block and no line, and
  /// begins no comment.
  static func staysInside(_ text: String) -> Bool {
    var depth = 0
    var isQuoted = false
    for scalar in text.unicodeScalars {
      if scalar.steersDisplay { return false }
      if scalar == "\"" { isQuoted.toggle() }
      if isQuoted { continue }
      switch scalar {
      case "{": depth += 1
      case "}":
        depth -= 1
        if depth < 0 { return false }
      case ";", "#", "\\": return false
      default: break
      }
    }
    return depth == 0 && !isQuoted
  }
}

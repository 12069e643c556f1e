import RuleGraph

/// Finds names of chains that look like another one and are not: `INРUT` with a Cyrillic letter is no built-in chain.
enum LookAlikes {
  /// Letters of other scripts with the Latin ones that they look like (Unicode Technical Standard 39, "confusables").
  private static let letters: [Unicode.Scalar: Unicode.Scalar] = [
    "А": "A", "В": "B", "Е": "E", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C", "Т": "T", "У": "Y",
    "Х": "X", "І": "I", "Ѕ": "S", "Ј": "J", "а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x",
    "і": "i", "ѕ": "s", "ј": "j", "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M",
    "Ν": "N", "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X", "ο": "o", "ν": "v", "Ԝ": "W", "ԝ": "w",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
  ]

  /// Tells of each chain of a table whose name looks like that of another one or of a built-in chain.
  static func report(_ chains: [Chain], _ diagnostics: inout [Diagnostic]) {
    for chain in chains where chain.name.utf8.contains(where: { $0 >= 0x80 }) {
      let plain = latin(chain.name)
      guard plain != chain.name, BuiltinTables.hook(plain) != nil || chains.contains(where: { $0.name == plain }) else {
        continue
      }
      diagnostics.append(
        Diagnostic(
          "looks-alike", .warning,
          "chain \(chain.name) looks like \(plain) and is another chain: its name holds letters of another script",
          span: chain.span))
    }
  }

  private static func latin(_ name: String) -> String {
    var plain = String.UnicodeScalarView()
    // Letters of full width stand for those of ASCII in their order.
    for letter in name.unicodeScalars {
      let isWide = (0xff01...0xff5e).contains(letter.value)
      plain.append(letters[letter] ?? (isWide ? Unicode.Scalar(letter.value - 0xfee0) ?? letter : letter))
    }
    return String(plain)
  }
}

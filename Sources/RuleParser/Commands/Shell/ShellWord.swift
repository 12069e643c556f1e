import RuleGraph

/// A word of a script as written: texts, and what the shell puts in their place before it runs the command (POSIX XCU
/// 2.6, "Word Expansions").
struct ShellWord {
  /// The pieces.
  var parts: [Part] = []
  /// The place in the text.
  var range: Range<Int>
  /// For `NAME=(one two)`: the words in the parentheses.
  var list: [ShellWord]?

  /// A piece of a word.
  enum Part {
    /// What stands for itself.
    case text(String, isQuoted: Bool)
    /// `$NAME`, `${NAME}`, `${NAME:-default}`.
    case variable(Variable, isQuoted: Bool)
    /// `$(command)`, `` `command` ``, `$((1 + 2))`: what a program prints or the shell computes.
    case output(command: String, written: String, isQuoted: Bool)
  }

  /// A variable as a word names it.
  struct Variable {
    /// The name; digits, `@`, `*` and the like for what the script was called with.
    var name: String
    /// The piece as written.
    var written: String
    /// What stands for a variable that isn't set: `${NAME:-default}`.
    var fallback: String?
    /// Whether all elements of a list are meant: `${NAME[@]}`.
    var isList = false
    /// Whether the value is cut or changed: `${NAME%/*}`, `${#NAME}`.
    var isComputed = false
  }

  /// The text of a word that holds nothing but text without quotation marks; nil of any other.
  var plain: String? {
    guard parts.count == 1, case .text(let text, isQuoted: false) = parts[0] else { return nil }
    return text
  }

  /// The name and the value of `NAME=value`; nil of any other word.
  var assignment: (name: String, value: ShellWord)? {
    guard case .text(let text, isQuoted: false)? = parts.first, let equals = text.firstIndex(of: "=") else {
      return nil
    }
    var name = text[..<equals]
    if name.last == "+" { name.removeLast() }
    guard Self.isName(name) else { return nil }
    var value = self
    let rest = String(text[text.index(after: equals)...])
    value.parts[0] = .text(rest, isQuoted: false)
    if rest.isEmpty { value.parts.removeFirst() }
    return (String(name), value)
  }

  /// Whether a text is the name of a variable.
  static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, first < UInt8(ascii: "0") || first > UInt8(ascii: "9") else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }
}

/// A word as a command gets it.
struct CommandWord: Hashable {
  /// The text. What the script computes stands in it as written: `$WAN`.
  var text: String
  /// Whether a part of it is unknown.
  var isUnknown = false
  /// Whether any of it stood in quotation marks.
  var isQuoted = false
  /// Whether it may stand for any number of words, none included: `$OPTIONS` without quotation marks.
  var isAnyNumber = false
}

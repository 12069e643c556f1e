import RuleGraph

/// Cuts a script into words and operators (POSIX XCU 2.3, "Token Recognition").
///
/// Pastes are damaged: a quotation mark that nothing closes stands for itself, and brackets of nft's that someone
/// forgot to quote belong to its words.
struct ShellLexer {
  /// What stands between words.
  enum Operator: String {
    case semicolon = ";"
    case background = "&"
    case and = "&&"
    case or = "||"
    case pipe = "|"
    case open = "("
    case close = ")"
    case endOfChoice = ";;"
    case less = "<"
    case greater = ">"
    case document = "<<"
    case indentedDocument = "<<-"
    case text = "<<<"
    case duplicate = ">&"
  }

  enum Token {
    case word(ShellWord)
    case sign(Operator)
    case newline
    case end
  }

  /// What the text ends in the middle of.
  enum Opening: Equatable {
    case quote(UInt8)
    case document(delimiter: String)
    case continuation
  }

  let text: ShellText
  private(set) var at = 0
  /// The here-documents that were read so far.
  private(set) var documents: [ShellDocument] = []
  /// What the text ends in the middle of.
  private(set) var opening: Opening?
  private var awaited: [(number: Int, delimiter: String, isExpanded: Bool, isIndented: Bool)] = []
  private var bytes: [UInt8] { text.bytes }
  private let end: Int

  init(_ text: ShellText) {
    self.text = text
    end = text.bytes.count
  }

  private func byte(_ place: Int) -> UInt8 { place < end ? text.bytes[place] : 0 }

  // MARK: - Tokens

  /// The next word or operator, and where it stands.
  mutating func next() -> (token: Token, range: Range<Int>) {
    skipBlanks()
    let start = at
    guard at < end else { return (.end, end..<end) }
    if byte(at) == UInt8(ascii: "\n") {
      at += 1
      readDocuments()
      return (.newline, start..<start + 1)
    }
    if let sign = sign() { return (.sign(sign), start..<at) }
    let word = word()
    if at == start { at += 1 }
    return (.word(word), start..<at)
  }

  /// Passes blanks, joined line ends and comments.
  private mutating func skipBlanks() {
    while at < end {
      switch byte(at) {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): at += 1
      case UInt8(ascii: "\\") where isLineEnd(at + 1): skipLineEnd()
      case UInt8(ascii: "#"): while at < end, byte(at) != UInt8(ascii: "\n") { at += 1 }
      default: return
      }
    }
  }

  /// Whether nothing but the line's end stands at a place. What a copy leaves behind a backslash is passed over.
  private func isLineEnd(_ place: Int) -> Bool {
    var place = place
    while byte(place) == UInt8(ascii: "\r") || (byte(place) == UInt8(ascii: " ") && place - at < 4) { place += 1 }
    return place < end && byte(place) == UInt8(ascii: "\n")
  }

  private mutating func skipLineEnd() {
    while at < end, byte(at) != UInt8(ascii: "\n") { at += 1 }
    at += 1
    if at >= end { opening = opening ?? .continuation }
  }

  private mutating func sign() -> Operator? {
    let next = byte(at + 1)
    let found: Operator
    switch byte(at) {
    case UInt8(ascii: ";"): found = next == UInt8(ascii: ";") ? .endOfChoice : .semicolon
    case UInt8(ascii: "&"):
      if next == UInt8(ascii: ">") {
        // `&> file`
        at += byte(at + 2) == UInt8(ascii: ">") ? 3 : 2
        return .greater
      }
      found = next == UInt8(ascii: "&") ? .and : .background
    case UInt8(ascii: "|"):
      found = next == UInt8(ascii: "|") ? .or : .pipe
      if next == UInt8(ascii: "&") { at += 1 }
    case UInt8(ascii: "("): found = .open
    case UInt8(ascii: ")"): found = .close
    case UInt8(ascii: "<") where next == UInt8(ascii: "("): return nil
    case UInt8(ascii: "<"):
      if next == UInt8(ascii: "<") {
        let third = byte(at + 2)
        found = third == UInt8(ascii: "<") ? .text : third == UInt8(ascii: "-") ? .indentedDocument : .document
      } else {
        found = .less
        if next == UInt8(ascii: "&") || next == UInt8(ascii: ">") { at += 1 }
      }
    case UInt8(ascii: ">"):
      found = next == UInt8(ascii: "&") ? .duplicate : .greater
      if next == UInt8(ascii: ">") || next == UInt8(ascii: "|") { at += 1 }
    default: return nil
    }
    at += found.rawValue.utf8.count
    return found
  }

  // MARK: - Words

  private mutating func word() -> ShellWord {
    var word = ShellWord(range: at..<at)
    let start = at
    var plain: [UInt8] = []
    func flush() {
      if !plain.isEmpty { word.parts.append(.text(String(decoding: plain, as: UTF8.self), isQuoted: false)) }
      plain = []
    }
    scan: while at < end {
      let next = byte(at)
      switch next {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: ";"),
        UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: ")"):
        break scan
      case UInt8(ascii: "("):
        // `NAME=(one two)`
        guard let last = plain.last, last == UInt8(ascii: "="), word.parts.isEmpty else { break scan }
        at += 1
        word.list = list()
        break scan
      case UInt8(ascii: "<"), UInt8(ascii: ">"):
        guard byte(at + 1) == UInt8(ascii: "("), plain.isEmpty, word.parts.isEmpty, next == UInt8(ascii: "<") else {
          break scan
        }
        at += 1
        let command = parentheses()
        word.parts.append(.output(command: command, written: "<(\(command))", isQuoted: true))
      case UInt8(ascii: "\\"):
        if isLineEnd(at + 1) {
          skipLineEnd()
        } else {
          flush()
          word.parts.append(
            .text(String(decoding: bytes[min(at + 1, end)..<min(at + 2, end)], as: UTF8.self), isQuoted: true))
          at = min(at + 2, end)
        }
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        let quoted = quoted(next)
        guard let quoted else {
          plain.append(next)
          at += 1
          continue
        }
        flush()
        word.parts += quoted
      case UInt8(ascii: "$"), UInt8(ascii: "`"):
        if let part = expansion(isQuoted: false) {
          flush()
          word.parts.append(part)
        } else {
          plain.append(next)
          at += 1
        }
      default:
        plain.append(next)
        at += 1
      }
    }
    flush()
    word.range = start..<at
    return word
  }

  /// The words of `(one two)`, behind the bracket.
  private mutating func list() -> [ShellWord] {
    var words: [ShellWord] = []
    while at < end {
      skipBlanks()
      let before = at
      if byte(at) == UInt8(ascii: "\n") {
        at += 1
      } else if byte(at) == UInt8(ascii: ")") {
        at += 1
        return words
      } else {
        let word = word()
        if at == before { at += 1 } else { words.append(word) }
      }
    }
    return words
  }

  /// What stands in quotation marks, from the first mark on; nil when nothing closes them.
  private mutating func quoted(_ mark: UInt8) -> [ShellWord.Part]? {
    let start = at
    at += 1
    if mark == UInt8(ascii: "'") {
      guard let close = bytes[at...].firstIndex(of: UInt8(ascii: "'")) else {
        opening = opening ?? .quote(mark)
        at = start
        return nil
      }
      let text = text.text(at..<close)
      at = close + 1
      return [.text(text, isQuoted: true)]
    }
    var parts: [ShellWord.Part] = []
    var plain: [UInt8] = []
    func flush() {
      if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self), isQuoted: true)) }
      plain = []
    }
    while at < end {
      let next = byte(at)
      switch next {
      case UInt8(ascii: "\""):
        at += 1
        flush()
        return parts.isEmpty ? [.text("", isQuoted: true)] : parts
      case UInt8(ascii: "\\"):
        let following = byte(at + 1)
        switch following {
        case UInt8(ascii: "\n"): at += 2
        case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "\\"):
          plain.append(following)
          at += 2
        default:
          plain.append(next)
          at += 1
        }
      case UInt8(ascii: "$"), UInt8(ascii: "`"):
        if let part = expansion(isQuoted: true) {
          flush()
          parts.append(part)
        } else {
          plain.append(next)
          at += 1
        }
      default:
        plain.append(next)
        at += 1
      }
    }
    opening = opening ?? .quote(mark)
    at = start
    return nil
  }

  // MARK: - Expansions

  /// A variable or the output of a command; nil when the sign stands for itself.
  private mutating func expansion(isQuoted: Bool) -> ShellWord.Part? {
    let start = at
    if byte(at) == UInt8(ascii: "`") {
      guard let close = bytes[(at + 1)...].firstIndex(of: UInt8(ascii: "`")) else { return nil }
      let command = text.text(at + 1..<close)
      at = close + 1
      return .output(command: command, written: text.text(start..<at), isQuoted: isQuoted)
    }
    let next = byte(at + 1)
    switch next {
    case UInt8(ascii: "("):
      at += 1
      let command = parentheses()
      return .output(command: command, written: text.text(start..<at), isQuoted: isQuoted)
    case UInt8(ascii: "{"):
      guard let close = closingBrace(at + 2) else { return nil }
      let inside = text.text(at + 2..<close)
      at = close + 1
      return .variable(Self.variable(inside, written: text.text(start..<at)), isQuoted: isQuoted)
    case UInt8(ascii: "'") where !isQuoted:
      // $'text'
      at += 1
      guard let parts = quoted(UInt8(ascii: "'")), case .text(let text, _)? = parts.first else {
        at = start
        return nil
      }
      return .text(text, isQuoted: true)
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "#"), UInt8(ascii: "@"), UInt8(ascii: "*"),
      UInt8(ascii: "?"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "-"):
      at += 2
      return .variable(
        ShellWord.Variable(name: text.text(start + 1..<at), written: text.text(start..<at)), isQuoted: isQuoted)
    default:
      var stop = at + 1
      while stop < end, Self.isNameByte(byte(stop)) { stop += 1 }
      guard stop > at + 1 else { return nil }
      at = stop
      return .variable(
        ShellWord.Variable(name: text.text(start + 1..<at), written: text.text(start..<at)), isQuoted: isQuoted)
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// What stands in parentheses, from the opening one on, without the outer ones.
  private mutating func parentheses() -> String {
    let start = at + 1
    var depth = 0
    var quote: UInt8 = 0
    while at < end {
      let next = byte(at)
      at += 1
      if next == UInt8(ascii: "\\") {
        at += 1
      } else if quote != 0 {
        if next == quote { quote = 0 }
      } else if next == UInt8(ascii: "'") || next == UInt8(ascii: "\"") {
        quote = next
      } else if next == UInt8(ascii: "(") {
        depth += 1
      } else if next == UInt8(ascii: ")") {
        depth -= 1
        if depth == 0 { return text.text(start..<at - 1) }
      }
    }
    at = min(at, end)
    opening = opening ?? .quote(UInt8(ascii: ")"))
    return text.text(min(start, end)..<end)
  }

  private func closingBrace(_ place: Int) -> Int? {
    var depth = 1
    var place = place
    while place < end, byte(place) != UInt8(ascii: "\n") {
      if byte(place) == UInt8(ascii: "{") { depth += 1 }
      if byte(place) == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return place }
      }
      place += 1
    }
    return nil
  }

  /// What stands in `${...}` (POSIX XCU 2.6.2, "Parameter Expansion").
  private static func variable(_ inside: String, written: String) -> ShellWord.Variable {
    let name = inside.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    var variable = ShellWord.Variable(name: String(name), written: written)
    let rest = inside.dropFirst(name.count)
    switch rest {
    case "": break
    case "[@]", "[*]": variable.isList = true
    case _ where rest.hasPrefix(":-") || rest.hasPrefix(":="): variable.fallback = String(rest.dropFirst(2))
    case _ where rest.hasPrefix("-") || rest.hasPrefix("="): variable.fallback = String(rest.dropFirst())
    case _ where rest.hasPrefix(":?") || rest.hasPrefix("?"): break
    default: variable.isComputed = true
    }
    if name.isEmpty {
      variable.name = inside
      variable.isComputed = inside != "@" && inside != "*"
    }
    return variable
  }

  // MARK: - Here-documents

  /// Notes a here-document whose lines come behind this one; gives its number.
  mutating func await(_ delimiter: ShellWord, isIndented: Bool) -> Int {
    var name = ""
    var isExpanded = true
    for part in delimiter.parts {
      switch part {
      case .text(let text, let isQuoted):
        name += text
        if isQuoted { isExpanded = false }
      case .variable(let variable, _): name += variable.written
      case .output(_, let written, _): name += written
      }
    }
    documents.append(ShellDocument())
    awaited.append((documents.count - 1, name, isExpanded, isIndented))
    return documents.count - 1
  }

  private mutating func readDocuments() {
    for document in awaited { read(document.number, document.delimiter, document.isExpanded, document.isIndented) }
    awaited = []
  }

  private mutating func read(_ number: Int, _ delimiter: String, _ isExpanded: Bool, _ isIndented: Bool) {
    while at < end {
      var start = at
      let stop = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) ?? end
      at = min(stop + 1, end)
      if isIndented { while start < stop, byte(start) == UInt8(ascii: "\t") { start += 1 } }
      var close = stop
      while close > start, byte(close - 1) == UInt8(ascii: "\r") || byte(close - 1) == UInt8(ascii: " ") { close -= 1 }
      if text.text(start..<close) == delimiter { return }
      let span = text.span(start..<max(stop, start))
      let parts = isExpanded ? expanded(start..<stop) : [.text(text.text(start..<stop), isQuoted: true)]
      documents[number].lines.append((parts, span))
    }
    opening = opening ?? .document(delimiter: delimiter)
  }

  /// The pieces of a line of a here-document, in which variables are put.
  private mutating func expanded(_ range: Range<Int>) -> [ShellWord.Part] {
    let after = at
    defer { at = after }
    at = range.lowerBound
    var parts: [ShellWord.Part] = []
    var plain: [UInt8] = []
    while at < range.upperBound {
      let next = byte(at)
      if next == UInt8(ascii: "\\"), "$`\\".utf8.contains(byte(at + 1)) {
        plain.append(byte(at + 1))
        at += 2
      } else if next == UInt8(ascii: "$") || next == UInt8(ascii: "`"), let part = expansion(isQuoted: true) {
        if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self), isQuoted: true)) }
        plain = []
        parts.append(part)
      } else {
        plain.append(next)
        at += 1
      }
    }
    if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self), isQuoted: true)) }
    return parts
  }
}

import RuleGraph

/// Takes the text that `iptables-restore` reads apart, table by table.
struct IptablesRestoring {
  /// A line of a table.
  struct Line {
    enum Content {
      case chain(String, policy: String)
      case command([CommandWord])
    }

    var content: Content
    var span: SourceSpan
  }

  /// A whole table, or why the rest is refused.
  enum Part {
    case table(String, [Line])
    case refused(String, SourceSpan)
  }

  let program: IptablesHost.Program
  let keepsRules: Bool
  private let place: CommandPlace
  private var parts: [Part] = []
  private var table: String?
  private var lines: [Line] = []
  private var last: SourceSpan

  init(program: IptablesHost.Program, keepsRules: Bool, place: CommandPlace) {
    self.program = program
    self.keepsRules = keepsRules
    self.place = place
    last = place.span
  }

  mutating func take(_ line: CommandInput.Line) {
    let span = line.span ?? place.span
    last = span
    let text = line.text.text.trimmedBlanks
    guard let first = text.first, first != "#" else { return }
    if first == "*" {
      table = String(text.dropFirst()).trimmedBlanks
      lines = []
    } else if text.hasPrefix("COMMIT") {
      if let table { parts.append(.table(table, lines)) }
      table = nil
    } else if first == ":" {
      let words = text.dropFirst().split(separator: " ")
      guard words.count > 1 else { return }
      lines.append(Line(content: .chain(String(words[0]), policy: String(words[1])), span: span))
    } else {
      var words = Self.words(text, isUnknown: line.text.isUnknown)
      // Counters: `[12:345] -A INPUT ...`
      if let counter = words.first, counter.text.hasPrefix("["), counter.text.hasSuffix("]") { words.removeFirst() }
      if !words.isEmpty { lines.append(Line(content: .command(words), span: span)) }
    }
  }

  /// The tables; one without its `COMMIT` is refused.
  func finish() -> [Part] { table == nil ? parts : parts + [.refused("COMMIT expected", last)] }

  /// The words of a line, which are quoted as a shell's are but hold no variables.
  private static func words(_ line: String, isUnknown: Bool) -> [CommandWord] {
    var words: [CommandWord] = []
    var word: CommandWord?
    var quote: Character?
    var rest = line[...]
    while let character = rest.popFirst() {
      if let open = quote {
        if character == open {
          quote = nil
        } else if character == "\\", let next = rest.popFirst() {
          word?.text.append(next)
        } else {
          word?.text.append(character)
        }
      } else if character == "\"" || character == "'" {
        quote = character
        word = word ?? CommandWord(text: "", isQuoted: true)
      } else if character == " " || character == "\t" || character == "\r" {
        if let word { words.append(word) }
        word = nil
      } else {
        if word == nil { word = CommandWord(text: "") }
        word?.text.append(character)
      }
    }
    if let word { words.append(word) }
    guard isUnknown else { return words }
    return words.map { word in
      var word = word
      word.isUnknown = word.text.contains("$") || word.text.contains("`")
      return word
    }
  }
}

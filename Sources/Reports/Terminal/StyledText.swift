import RuleGraph

/// How a piece of text looks on a terminal that has colours.
enum Style: Sendable {
  case plain, strong, faint, good, bad, doubtful, named

  /// The parameters of the escape sequence that begins the style (ECMA-48, 8.3.117).
  fileprivate var code: String? {
    switch self {
    case .plain: nil
    case .strong: "1"
    case .faint: "2"
    case .good: "1;32"
    case .bad: "1;31"
    case .doubtful: "1;33"
    case .named: "36"
    }
  }
}

/// Text with styles, measured in terminal columns.
struct StyledText: Sendable, ExpressibleByStringLiteral {
  /// The pieces in order. Control characters never reach a terminal from here: see ``init(_:_:)``.
  private(set) var pieces: [(text: String, style: Style)] = []

  /// Makes a text of one style. What would steer the terminal is shown as `?`.
  init(_ text: String, _ style: Style = .plain) {
    let shown = text.harmless
    if !shown.isEmpty { pieces = [(shown, style)] }
  }

  init(stringLiteral text: String) { self.init(text) }

  /// The columns that the text takes.
  var width: Int { pieces.reduce(0) { $0 + DisplayWidth.of($1.text) } }

  /// Whether there is nothing.
  var isEmpty: Bool { pieces.isEmpty }

  static func + (a: StyledText, b: StyledText) -> StyledText {
    var result = a
    result += b
    return result
  }

  /// Adds text; what has the style of the end becomes one piece with it.
  static func += (a: inout StyledText, b: StyledText) {
    for piece in b.pieces {
      if let last = a.pieces.indices.last, a.pieces[last].style == piece.style {
        a.pieces[last].text += piece.text
      } else {
        a.pieces.append(piece)
      }
    }
  }

  /// The text with blanks behind it up to a width.
  func padded(to width: Int) -> StyledText {
    let missing = width - self.width
    return missing > 0 ? self + StyledText(String(repeating: " ", count: missing)) : self
  }

  /// The text without blanks at its end, whatever their style.
  var trimmed: StyledText {
    var result = self
    while let last = result.pieces.popLast() {
      let kept = last.text.dropLast(last.text.reversed().prefix { $0 == " " }.count)
      if kept.isEmpty { continue }
      result.pieces.append((String(kept), last.style))
      break
    }
    return result
  }

  /// The text in at most so many columns: what is longer ends in three dots.
  func cut(to width: Int) -> StyledText {
    if self.width <= width { return self }
    var result = StyledText("")
    var room = max(width - 3, 0)
    for piece in pieces {
      var fitting = ""
      for character in piece.text {
        let columns = DisplayWidth.of(String(character))
        guard columns <= room else { return result + StyledText(fitting + "...", piece.style) }
        fitting.append(character)
        room -= columns
      }
      result += StyledText(fitting, piece.style)
    }
    return result
  }

  /// The text for a terminal with or without colours.
  func rendered(inColor: Bool) -> String {
    pieces.reduce(into: "") { result, piece in
      if inColor, let code = piece.style.code {
        result += "\u{1b}[\(code)m\(piece.text)\u{1b}[0m"
      } else {
        result += piece.text
      }
    }
  }

  /// The text in lines of at most a width, broken between words; a word that is longer has a line of its own.
  ///
  /// - Parameters:
  ///   - width: The columns of the second and further lines.
  ///   - first: The columns of the first line, when it has another number.
  func wrapped(to width: Int, first: Int? = nil) -> [StyledText] {
    if self.width <= first ?? width { return [self] }
    var lines: [StyledText] = []
    var line = StyledText("")
    var used = 0
    for (text, style) in pieces {
      for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
        let size = DisplayWidth.of(String(word))
        let room = lines.isEmpty ? first ?? width : width
        // A piece that begins after a blank begins a word, too.
        let isApart = index > 0 || line.pieces.last?.text.last == " "
        if isApart, used > 0, size > 0, used + (index > 0 ? 1 : 0) + size > room {
          lines.append(line.trimmed)
          line = StyledText("")
          used = 0
        } else if index > 0, used > 0 || lines.isEmpty {
          line += StyledText(" ", style)
          used += 1
        }
        line += StyledText(String(word), style)
        used += size
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}

/// What the terminal can show.
public struct TerminalSettings: Sendable {
  /// The number of columns.
  public var width: Int
  /// Whether it shows colours.
  public var inColor: Bool

  /// Makes settings; a width below 40 columns is taken as 40.
  public init(width: Int = 100, inColor: Bool = false) {
    self.width = max(width, 40)
    self.inColor = inColor
  }
}

/// Lines of styled text, put together to a page.
struct Page {
  /// What it is shown on.
  let terminal: TerminalSettings
  /// The lines so far.
  private(set) var lines: [StyledText] = []

  init(_ terminal: TerminalSettings) { self.terminal = terminal }

  /// Adds text, wrapped; further lines are indented by `hanging` columns.
  mutating func add(_ text: StyledText, indent: Int = 0, hanging: Int = 0) {
    let first = max(terminal.width - indent, 20)
    for (index, line) in text.wrapped(to: max(first - hanging, 20), first: first).enumerated() {
      let before = indent + (index > 0 ? hanging : 0)
      lines.append(before > 0 ? StyledText(String(repeating: " ", count: before)) + line : line)
    }
  }

  /// Adds one line as it is, however long: a command is copied from it.
  mutating func addUnbroken(_ text: StyledText) { lines.append(text) }

  /// Adds an empty line, unless there is one already.
  mutating func addGap() {
    if let last = lines.last, !last.isEmpty { lines.append("") }
  }

  /// The page as text, without blanks at the ends of its lines.
  var text: String {
    lines.reduce(into: "") { $0 += $1.trimmed.rendered(inColor: terminal.inColor) + "\n" }
  }
}

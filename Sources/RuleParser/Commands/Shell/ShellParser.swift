import RuleGraph

/// Puts the words of a script together to commands, loops and conditions (POSIX XCU 2.10, "Shell Grammar").
///
/// Nothing is refused: what fits nowhere is passed over, and what nothing closes ends with the text.
struct ShellParser {
  private var lexer: ShellLexer
  private var token: ShellLexer.Token
  private var range: Range<Int>
  /// Where the piece before the one that is looked at ends.
  private var previousEnd = 0
  private var depth = 0
  /// Whether the text ends in the middle of a loop, a condition or brackets.
  private(set) var isUnfinished = false

  private static let maximumDepth = 40

  /// Reads a whole text.
  init(_ text: ShellText) {
    lexer = ShellLexer(text)
    (token, range) = lexer.next()
  }

  /// The here-documents of the text.
  var documents: [ShellDocument] { lexer.documents }

  /// What the text ends in the middle of.
  var opening: ShellLexer.Opening? { lexer.opening }

  /// The script.
  mutating func script() -> ShellNode {
    var nodes: [ShellNode] = []
    while !isEnd {
      nodes.append(sequence(until: []))
      // A word or sign that closes what nothing opened.
      if !isEnd { advance() }
    }
    return .sequence(nodes)
  }

  // MARK: - Pieces

  private var isEnd: Bool { if case .end = token { true } else { false } }

  private var keyword: String? { if case .word(let word) = token { word.plain } else { nil } }

  private func isSign(_ sign: ShellLexer.Operator) -> Bool { if case .sign(sign) = token { true } else { false } }

  private var isNewline: Bool { if case .newline = token { true } else { false } }

  private mutating func advance() {
    previousEnd = range.upperBound
    (token, range) = lexer.next()
  }

  private mutating func eat(_ word: String) -> Bool {
    guard keyword == word else { return false }
    advance()
    return true
  }

  private mutating func expect(_ word: String) { if !eat(word) { isUnfinished = true } }

  private mutating func skipNewlines() { while isNewline || isSign(.semicolon) { advance() } }

  // MARK: - Lists

  private mutating func sequence(until words: Set<String>) -> ShellNode {
    depth += 1
    defer { depth -= 1 }
    var nodes: [ShellNode] = []
    while true {
      while isNewline || isSign(.semicolon) || isSign(.background) { advance() }
      if isEnd || isSign(.close) || isSign(.endOfChoice) { break }
      if let keyword, words.contains(keyword) { break }
      if words.isEmpty, let keyword, Self.closing.contains(keyword) { break }
      let before = range
      nodes.append(list())
      if range == before { advance() }
    }
    return .sequence(nodes)
  }

  private static let closing: Set<String> = ["then", "else", "elif", "fi", "do", "done", "esac", "}"]

  private mutating func list() -> ShellNode {
    var left = pipeline()
    while true {
      if isSign(.and) {
        advance()
        skipNewlines()
        left = .and(left, pipeline())
      } else if isSign(.or) {
        advance()
        skipNewlines()
        left = .or(left, pipeline())
      } else {
        return left
      }
    }
  }

  private mutating func pipeline() -> ShellNode {
    var isNegated = false
    while eat("!") { isNegated.toggle() }
    var commands = [command()]
    while isSign(.pipe) {
      advance()
      skipNewlines()
      commands.append(command())
    }
    return commands.count == 1 && !isNegated ? commands[0] : .pipeline(commands, isNegated: isNegated)
  }

  // MARK: - Commands

  private mutating func command() -> ShellNode {
    guard depth < Self.maximumDepth else { return simple() }
    if isSign(.open) {
      advance()
      let body = sequence(until: [])
      if isSign(.close) { advance() } else { isUnfinished = true }
      return .group(body, redirections: redirections())
    }
    switch keyword {
    case "if": return branch()
    case "for", "select": return loop()
    case "while", "until": return repetition()
    case "case": return choice()
    case "{":
      advance()
      let body = sequence(until: ["}"])
      expect("}")
      return .group(body, redirections: redirections())
    case "function":
      advance()
      let name = keyword ?? ""
      advance()
      if isSign(.open) {
        advance()
        if isSign(.close) { advance() }
      }
      return function(name)
    case "[[": return test()
    default: return simple()
    }
  }

  private mutating func function(_ name: String) -> ShellNode {
    depth += 1
    defer { depth -= 1 }
    skipNewlines()
    return .function(name: name, body: command())
  }

  private mutating func branch() -> ShellNode {
    var branches: [ShellBranch] = []
    var otherwise: ShellNode?
    advance()
    while true {
      let start = range.lowerBound
      let condition = sequence(until: ["then"])
      var stop = max(previousEnd, start)
      while stop > start, " \n;\r".utf8.contains(lexer.text.bytes[stop - 1]) { stop -= 1 }
      let written = lexer.text.text(start..<stop)
      expect("then")
      let body = sequence(until: ["elif", "else", "fi"])
      branches.append(ShellBranch(condition: condition, written: written, body: body))
      if eat("elif") { continue }
      if eat("else") { otherwise = sequence(until: ["fi"]) }
      expect("fi")
      return withRedirections(.branch(branches, otherwise: otherwise))
    }
  }

  private mutating func withRedirections(_ node: ShellNode) -> ShellNode {
    let found = redirections()
    return found.isEmpty ? node : .group(node, redirections: found)
  }

  private mutating func loop() -> ShellNode {
    advance()
    if isSign(.open) {
      let start = range.lowerBound
      while !isEnd, keyword != "do", keyword != "{" { advance() }
      let count = ShellCount(lexer.text.text(start..<max(start, previousEnd)))
      return repetition(.sequence([]), isUntil: false, count: count)
    }
    let name = keyword ?? ""
    advance()
    skipNewlines()
    var words: [ShellWord]?
    if eat("in") {
      words = []
      while case .word(let word) = token {
        words?.append(word)
        advance()
      }
    }
    skipNewlines()
    let close = keyword == "{" ? "}" : "done"
    if !eat("{") { expect("do") }
    let body = sequence(until: [close])
    expect(close)
    return withRedirections(.loop(name: name, words: words, body: body))
  }

  private mutating func repetition() -> ShellNode {
    let isUntil = keyword == "until"
    advance()
    return repetition(sequence(until: ["do"]), isUntil: isUntil)
  }

  private mutating func repetition(_ condition: ShellNode, isUntil: Bool, count: ShellCount? = nil) -> ShellNode {
    let close = keyword == "{" ? "}" : "done"
    if !eat("{") { expect("do") }
    var loop = ShellRepetition(condition: condition, body: sequence(until: [close]), isUntil: isUntil)
    loop.count = count
    expect(close)
    loop.redirections = redirections()
    return .repetition(loop)
  }

  private mutating func choice() -> ShellNode {
    advance()
    let start = range.lowerBound
    guard case .word(let subject) = token else {
      isUnfinished = true
      return .sequence([])
    }
    advance()
    let written = lexer.text.text(start..<max(previousEnd, start))
    skipNewlines()
    expect("in")
    var choices: [(patterns: [ShellWord], body: ShellNode)] = []
    while true {
      skipNewlines()
      if isEnd {
        isUnfinished = true
        break
      }
      if eat("esac") { break }
      if isSign(.open) { advance() }
      var patterns: [ShellWord] = []
      while case .word(let word) = token {
        patterns.append(word)
        advance()
        if isSign(.pipe) { advance() }
      }
      if isSign(.close) { advance() } else if patterns.isEmpty { advance() }
      choices.append((patterns, sequence(until: ["esac"])))
      if isSign(.endOfChoice) { advance() }
    }
    return withRedirections(.choice(subject, choices, written: written))
  }

  /// `[[ a && b ]]` as one command.
  private mutating func test() -> ShellNode {
    let start = range.lowerBound
    var words: [ShellWord] = []
    while !isEnd, !isNewline {
      switch token {
      case .word(let word):
        words.append(word)
        if word.plain == "]]" {
          advance()
          return .command(ShellSimpleCommand(words: words, redirections: redirections(), span: span(from: start)))
        }
      case .sign(let sign): words.append(ShellWord(parts: [.text(sign.rawValue, isQuoted: false)], range: range))
      case .newline, .end: break
      }
      advance()
    }
    return .command(ShellSimpleCommand(words: words, span: span(from: start)))
  }

  private func span(from start: Int) -> SourceSpan {
    lexer.text.span(min(start, previousEnd)..<max(previousEnd, start))
  }

  private mutating func simple() -> ShellNode {
    let start = range.lowerBound
    var command = ShellSimpleCommand(span: lexer.text.span(start..<start))
    var braces = 0
    scan: while true {
      switch token {
      case .word(let word):
        if command.words.isEmpty, word.assignment != nil || word.list != nil {
          command.assignments.append(word)
        } else {
          if Self.isNft(command) { braces += Self.braces(word) }
          command.words.append(word)
        }
        advance()
        if depth < Self.maximumDepth, command.words.count == 1, command.assignments.isEmpty, isSign(.open),
          let name = command.words[0].plain
        {
          advance()
          if isSign(.close) {
            advance()
            return function(name)
          }
        }
      case .sign(.semicolon) where braces > 0:
        // Many a page takes the backslash off that stood before it.
        command.words.append(ShellWord(parts: [.text(";", isQuoted: true)], range: range))
        advance()
      case .sign(.less), .sign(.greater), .sign(.document), .sign(.indentedDocument), .sign(.text), .sign(.duplicate):
        dropDescriptor(&command)
        if let redirection = redirection() { command.redirections.append(redirection) }
      default: break scan
      }
    }
    command.span = span(from: start)
    return .command(command)
  }

  /// Takes the number off that stands right before a sign: `2>`.
  private func dropDescriptor(_ command: inout ShellSimpleCommand) {
    guard let last = command.words.last, last.range.upperBound == range.lowerBound, let digits = last.plain,
      digits.utf8.count == 1, digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
    else { return }
    command.words.removeLast()
  }

  private static func isNft(_ command: ShellSimpleCommand) -> Bool {
    if let verb = command.words.first?.plain,
      FirewallCommand.isNftCommand(verb, command.words.dropFirst().prefix(3).compactMap(\.plain))
    {
      return true
    }
    return command.words.prefix(3).contains { $0.plain == "nft" || $0.plain?.hasSuffix("/nft") == true }
  }

  private static func braces(_ word: ShellWord) -> Int {
    var count = 0
    for part in word.parts {
      guard case .text(let text, _) = part else { continue }
      for byte in text.utf8 { count += byte == UInt8(ascii: "{") ? 1 : byte == UInt8(ascii: "}") ? -1 : 0 }
    }
    return count
  }

  private mutating func redirections() -> [ShellRedirection] {
    var found: [ShellRedirection] = []
    while true {
      if case .word(let word) = token, let digits = word.plain, digits.utf8.count == 1,
        digits.utf8.first.map({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) == true
      {
        advance()
        continue
      }
      guard case .sign(let sign) = token,
        [.less, .greater, .document, .indentedDocument, .text, .duplicate].contains(sign)
      else { return found }
      if let redirection = redirection() { found.append(redirection) }
    }
  }

  private mutating func redirection() -> ShellRedirection? {
    guard case .sign(let sign) = token else { return nil }
    advance()
    guard case .word(let word) = token else { return nil }
    defer { advance() }
    switch sign {
    case .less: return .input(word)
    case .greater: return .output(word)
    case .document: return .document(lexer.await(word, isIndented: false))
    case .indentedDocument: return .document(lexer.await(word, isIndented: true))
    case .text: return .text(word)
    default: return nil
    }
  }
}

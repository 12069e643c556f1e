/// The variables of a script that is carried out, and what words become with them (POSIX XCU 2.6).
struct ShellVariables {
  /// What is known of a variable.
  enum Value: Hashable {
    case text(String)
    case list([String])
    /// A program, a file or whoever called the script decides it.
    case unknown
  }

  private var values: [String: Value] = [:]
  /// The arguments of the function that runs; nil outside of functions, where nobody knows them.
  var arguments: [CommandWord]?

  subscript(name: String) -> Value? {
    get { values[name] }
    set {
      // Variables that hold one another several times double with each.
      if case .text(let text)? = newValue, text.utf8.count > Self.longest { return values[name] = .unknown }
      values[name] = newValue
    }
  }

  /// No program takes a longer argument (`MAX_ARG_STRLEN` of Linux).
  private static let longest = 131_072

  /// Whether a script that nobody shows may have set variables of which this one says nothing.
  private var mayHoldOthers = false

  /// Takes in that any variable may have another value, and one that isn't set may be.
  mutating func forgetAll() {
    for name in values.keys { values[name] = .unknown }
    mayHoldOthers = true
  }

  /// Forgets what two ways through the script set differently.
  mutating func merge(_ other: ShellVariables) {
    mayHoldOthers = mayHoldOthers || other.mayHoldOthers
    for name in Set(values.keys).union(other.values.keys) where values[name] != other.values[name] {
      values[name] = .unknown
    }
  }

  // MARK: - Words

  /// The words that a command gets.
  func words(_ written: [ShellWord]) -> [CommandWord] { written.flatMap { words($0) } }

  /// The words that one written word becomes: one, or several where a variable without quotation marks holds blanks.
  func words(_ written: ShellWord) -> [CommandWord] {
    if let several = several(written) { return several }
    var builder = WordBuilder()
    for part in written.parts {
      switch part {
      case .text(let text, let isQuoted): builder.add(text, isQuoted: isQuoted)
      case .variable(let variable, let isQuoted):
        switch value(variable) {
        case .text(let text)?: if isQuoted { builder.add(text, isQuoted: true) } else { builder.addFields(text) }
        case .list(let texts)?:
          let text = variable.isList ? texts.joined(separator: " ") : texts.first ?? ""
          if isQuoted { builder.add(text, isQuoted: true) } else { builder.addFields(text) }
        case .unknown?, nil: builder.addUnknown(variable.written, isQuoted: isQuoted)
        }
      case .output(let command, let written, let isQuoted):
        if let text = Self.output(of: command) {
          builder.add(text, isQuoted: true)
        } else {
          builder.addUnknown(written, isQuoted: isQuoted)
        }
      }
    }
    return builder.finish()
  }

  /// One text, as it stands in an assignment: nothing is cut at blanks.
  func text(_ parts: [ShellWord.Part]) -> CommandWord {
    var whole = CommandWord(text: "")
    for part in parts {
      switch part {
      case .text(let text, let isQuoted):
        whole.text += text
        whole.isQuoted = whole.isQuoted || isQuoted
      case .variable(let variable, _):
        switch value(variable) {
        case .text(let text)?: whole.text += text
        case .list(let texts)?: whole.text += texts.joined(separator: " ")
        case .unknown?, nil:
          whole.text += variable.written
          whole.isUnknown = true
        }
      case .output(let command, let written, _):
        if let text = Self.output(of: command) {
          whole.text += text
        } else {
          whole.text += written
          whole.isUnknown = true
        }
      }
    }
    return whole
  }

  /// `"$@"` and `"${LIST[@]}"`: a word for each element.
  private func several(_ written: ShellWord) -> [CommandWord]? {
    guard written.parts.count == 1, case .variable(let variable, isQuoted: true) = written.parts[0] else { return nil }
    if variable.name == "@", let arguments { return arguments }
    guard variable.isList, case .list(let texts)? = values[variable.name] else { return nil }
    return texts.map { CommandWord(text: $0, isQuoted: true) }
  }

  private func value(_ variable: ShellWord.Variable) -> Value? {
    if variable.isComputed { return .unknown }
    if let arguments, let found = argument(variable, arguments) { return found }
    if let value = values[variable.name] { return value }
    if mayHoldOthers, ShellWord.isName(variable.name) { return .unknown }
    // A fallback that is put together itself is left alone.
    guard let fallback = variable.fallback, !fallback.contains(where: { $0 == "$" || $0 == "`" }) else { return nil }
    return .text(fallback.filter { $0 != "\"" && $0 != "'" })
  }

  private func argument(_ variable: ShellWord.Variable, _ arguments: [CommandWord]) -> Value? {
    switch variable.name {
    case "@", "*":
      return arguments.contains(where: \.isUnknown) ? .unknown : .text(arguments.map(\.text).joined(separator: " "))
    case "#": return .text(String(arguments.count))
    default:
      guard let number = Int(variable.name), number > 0 else { return nil }
      guard number <= arguments.count else { return variable.fallback == nil ? .text("") : nil }
      let word = arguments[number - 1]
      return word.isUnknown ? .unknown : .text(word.text)
    }
  }

  /// What a command prints that only says where a program is: `$(which iptables)`.
  private static func output(of command: String) -> String? {
    let words = command.split { $0 == " " || $0 == "\t" }
    guard let first = words.first, let last = words.last, words.count > 1,
      first == "which" || first == "type" || (first == "command" && words[1] == "-v"),
      !last.contains("$"), last.contains("tables") || last.hasSuffix("nft") || last.hasSuffix("ipset")
    else { return nil }
    return String(last)
  }
}

/// Puts a word together of its pieces.
private struct WordBuilder {
  private var done: [CommandWord] = []
  private var current: CommandWord?

  mutating func add(_ text: String, isQuoted: Bool) {
    var word = current ?? CommandWord(text: "")
    word.text += text
    word.isQuoted = word.isQuoted || isQuoted
    current = word
  }

  /// Adds a text that is cut at its blanks.
  mutating func addFields(_ text: String) {
    let fields = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    if text.first.map(Self.isBlank) == true, current != nil { endWord() }
    for (index, field) in fields.enumerated() {
      if index > 0 { endWord() }
      add(String(field), isQuoted: false)
    }
    if !fields.isEmpty, text.last.map(Self.isBlank) == true { endWord() }
  }

  private static func isBlank(_ character: Character) -> Bool {
    character == " " || character == "\t" || character == "\n"
  }

  mutating func addUnknown(_ written: String, isQuoted: Bool) {
    let isAlone = current == nil
    add(written, isQuoted: isQuoted)
    current?.isUnknown = true
    if !isQuoted, isAlone { current?.isAnyNumber = true }
  }

  private mutating func endWord() {
    if let current { done.append(current) }
    current = nil
  }

  mutating func finish() -> [CommandWord] {
    endWord()
    return done
  }
}

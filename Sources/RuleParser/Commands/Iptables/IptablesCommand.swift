import RuleGraph

/// A command line of iptables or ip6tables, taken apart (iptables(8), "OPTIONS").
struct IptablesCommand {
  /// What is done.
  enum Operation: Equatable {
    case append, insert, delete, replace, check
    case newChain, deleteChain, renameChain, flush, zero, policy, list
  }

  var operation: Operation
  var table = CommandWord(text: "filter")
  /// The chain; nil where none was named, which means all of them.
  var chain: CommandWord?
  /// The number of a rule; a new chain's name (`-E`); a policy.
  var argument: CommandWord?
  /// The options of the rule, each word for itself.
  var rule: [CommandWord] = []

  /// Why the program refuses a command line.
  struct Refusal: Error {
    var message: String
    /// Why nobody knows what the program says, or does; nil where it says ``message``.
    var obstacle: CommandFailure.Problem?

    init(_ message: String) { self.message = message }

    init(obstacle: CommandFailure.Problem) {
      message = ""
      self.obstacle = obstacle
    }
  }

  private static let long: [(name: String, letter: Character)] = [
    ("append", "A"), ("check", "C"), ("delete", "D"), ("insert", "I"), ("replace", "R"), ("list", "L"),
    ("list-rules", "S"), ("flush", "F"), ("zero", "Z"), ("new-chain", "N"), ("new", "N"), ("delete-chain", "X"),
    ("rename-chain", "E"), ("policy", "P"), ("table", "t"), ("wait", "w"), ("wait-interval", "W"), ("verbose", "v"),
    ("exact", "x"), ("numeric", "n"), ("line-numbers", "0"), ("modprobe", "M"), ("help", "h"), ("version", "V"),
    ("protocol", "p"), ("proto", "p"), ("source", "s"), ("src", "s"), ("destination", "d"), ("dst", "d"),
    ("in-interface", "i"), ("out-interface", "o"), ("jump", "j"), ("goto", "g"), ("match", "m"), ("fragments", "f"),
    ("set-counters", "c"), ("ipv4", "4"), ("ipv6", "6"),
  ]

  private static let operations: [Character: Operation] = [
    "A": .append, "C": .check, "D": .delete, "I": .insert, "R": .replace, "L": .list, "S": .list, "F": .flush,
    "Z": .zero, "N": .newChain, "X": .deleteChain, "E": .renameChain, "P": .policy,
  ]

  /// Takes the words behind the program's name apart.
  init(_ words: [CommandWord]) throws(Refusal) {
    var reader = Reader(words: words)
    var found: Operation?
    operation = .list
    while let word = reader.next() {
      guard word.text.hasPrefix("-"), word.text.utf8.count > 1, !(word.isQuoted && word.text.contains(" ")) else {
        rule.append(word)
        continue
      }
      guard !isOfModule(word), let letter = reader.option(word) else {
        takeOther(word, &reader)
        continue
      }
      if let wanted = Self.operations[letter] {
        if let found, found != .zero, wanted != .zero {
          throw Refusal("Cannot use -\(letter) with -\(Self.letter(of: found))")
        }
        found = found == nil || found == .zero ? wanted : found
        try take(wanted, letter, &reader)
        continue
      }
      switch letter {
      case "t":
        guard let name = reader.value() else { throw Refusal("option requires an argument -- 't'") }
        table = name
      case "w": _ = reader.optionalNumber()
      case "W", "M": _ = reader.value()
      case "v", "x", "n", "0", "h", "V", "4", "6": break
      default: takeRuleOption(letter, word, &reader)
      }
    }
    guard let found else { throw Refusal("no command specified") }
    operation = found
  }

  /// Whether an option is one of the module that was named last: `policy` has a `--proto` of its own.
  private func isOfModule(_ word: CommandWord) -> Bool {
    guard word.text == "--proto", let module = rule.lastIndex(where: { $0.text == "-m" }) else { return false }
    return module + 1 < rule.count && rule[module + 1].text == "policy"
  }

  private static func letter(of operation: Operation) -> Character {
    operations.first { $0.value == operation && $0.key != "S" }?.key ?? "A"
  }

  private mutating func take(
    _ operation: Operation, _ letter: Character, _ reader: inout Reader
  ) throws(Refusal) {
    switch operation {
    case .append, .check, .newChain:
      guard let name = reader.value() else { throw Refusal("option requires an argument -- '\(letter)'") }
      chain = name
    case .insert, .delete:
      guard let name = reader.value() else { throw Refusal("option requires an argument -- '\(letter)'") }
      chain = name
      argument = reader.operand()
    case .replace, .renameChain, .policy:
      guard let name = reader.value() else { throw Refusal("option requires an argument -- '\(letter)'") }
      chain = name
      guard let second = reader.operand() else {
        throw Refusal(
          "-\(letter) requires \(letter == "R" ? "a rule number" : "a chain and a \(letter == "P" ? "policy" : "new name")")"
        )
      }
      argument = second
    case .deleteChain, .flush, .list, .zero:
      if let name = reader.attached ?? reader.operand() { chain = name }
      reader.attached = nil
      if operation == .list || operation == .zero, let number = reader.operand() { argument = number }
    }
  }

  /// An option that every rule has; its value becomes a word of its own.
  private mutating func takeRuleOption(_ letter: Character, _ word: CommandWord, _ reader: inout Reader) {
    rule.append(CommandWord(text: "-\(letter)"))
    guard letter != "f" else { return }
    if reader.attached == nil, reader.peek?.text == "!", let sign = reader.next() { rule.append(sign) }
    guard var value = reader.value() else { return }
    // Names of protocols are read in any case.
    if letter == "p" { value.text = value.isUnknown ? value.text : value.text.lowercased() }
    rule.append(value)
    if letter == "c", let bytes = reader.operand() { rule.append(bytes) }
  }

  /// An option of a match or target: `--name=value` becomes two words.
  private mutating func takeOther(_ word: CommandWord, _ reader: inout Reader) {
    guard word.text.hasPrefix("--"), let equals = word.text.firstIndex(of: "="),
      !word.isQuoted || !word.text.contains(" ")
    else {
      rule.append(word)
      return
    }
    rule.append(CommandWord(text: String(word.text[..<equals])))
    var value = word
    value.text = String(word.text[word.text.index(after: equals)...])
    rule.append(value)
  }

  /// Goes through the words as getopt_long(3) does.
  private struct Reader {
    private let words: [CommandWord]
    private var at = 0
    /// What stands right behind an option's letter or `=`.
    var attached: CommandWord?
    /// Further letters of a word like `-nvL`.
    private var letters: [Character] = []

    init(words: [CommandWord]) { self.words = words }

    var peek: CommandWord? { at < words.count ? words[at] : nil }

    mutating func next() -> CommandWord? {
      attached = nil
      if !letters.isEmpty { return CommandWord(text: "-" + String(letters)) }
      guard at < words.count else { return nil }
      at += 1
      return words[at - 1]
    }

    /// The letter of an option that iptables itself has; nil of one of an extension.
    mutating func option(_ word: CommandWord) -> Character? {
      if word.text.hasPrefix("--") {
        letters = []
        let (name, value) = Self.split(word)
        guard let letter = Self.letter(of: name) else { return nil }
        attached = value
        return letter
      }
      let all = Array(word.text.dropFirst())
      letters = []
      guard let first = all.first, IptablesCommand.isLetter(first) else { return nil }
      let rest = Array(all.dropFirst())
      if rest.isEmpty { return first }
      if IptablesCommand.isFlag(first) {
        letters = rest
      } else {
        var value = word
        value.text = String(rest)
        attached = value
      }
      return first
    }

    private static func split(_ word: CommandWord) -> (name: Substring, value: CommandWord?) {
      let text = word.text.dropFirst(2)
      guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
      var value = word
      value.text = String(text[text.index(after: equals)...])
      return (text[..<equals], value)
    }

    /// The letter of a long option, which may be cut short as long as it is the only one (`--dest`).
    private static func letter(of name: Substring) -> Character? {
      if let exact = IptablesCommand.long.first(where: { $0.name == name }) { return exact.letter }
      // `--set` is an option of `recent`.
      guard name.utf8.count > 2, name != "set" else { return nil }
      let found = Set(IptablesCommand.long.filter { $0.name.hasPrefix(name) }.map(\.letter))
      return found.count == 1 ? found.first : nil
    }

    /// The value of an option that must have one.
    mutating func value() -> CommandWord? {
      if let value = attached {
        attached = nil
        return value
      }
      guard letters.isEmpty, at < words.count else { return nil }
      at += 1
      return words[at - 1]
    }

    /// A further word that is neither an option nor `!`.
    mutating func operand() -> CommandWord? {
      guard letters.isEmpty, let word = peek, !word.text.hasPrefix("-"), !word.text.hasPrefix("!") else { return nil }
      at += 1
      return word
    }

    /// The seconds that may stand behind `-w`.
    mutating func optionalNumber() -> CommandWord? {
      if attached != nil { return value() }
      guard let word = peek, let first = word.text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9")
      else { return nil }
      return operand()
    }
  }

  private static func isLetter(_ letter: Character) -> Bool {
    operations[letter] != nil || "twWvxnMhVpsdiojgmfc46".contains(letter)
  }

  /// Whether a letter stands for an option without a value, so that others may stand behind it.
  private static func isFlag(_ letter: Character) -> Bool { "vxnhV46f".contains(letter) }
}

import RuleGraph

/// A part of a script (POSIX XCU 2.9, "Shell Commands").
indirect enum ShellNode {
  /// A command with its words.
  case command(ShellSimpleCommand)
  /// `a | b`, `! a`.
  case pipeline([ShellNode], isNegated: Bool)
  /// `a && b`
  case and(ShellNode, ShellNode)
  /// `a || b`
  case or(ShellNode, ShellNode)
  /// One behind the other.
  case sequence([ShellNode])
  /// `for NAME in WORDS; do ...; done`; without words over what the script was called with.
  case loop(name: String, words: [ShellWord]?, body: ShellNode)
  /// `while`, `until`, and a `for` that counts.
  case repetition(ShellRepetition)
  /// `if`, with the conditions as written.
  case branch([ShellBranch], otherwise: ShellNode?)
  /// `case WORD in PATTERNS) ...;; esac`
  case choice(ShellWord, [(patterns: [ShellWord], body: ShellNode)], written: String)
  /// `NAME() { ...; }`
  case function(name: String, body: ShellNode)
  /// `{ ...; }` or `( ... )`.
  case group(ShellNode, redirections: [ShellRedirection])
}

extension SourceSpan {
  /// The beginning of the first text, for what has no place of its own.
  static let beginning = SourceSpan(source: 0, line: 1, offset: 0, length: 0)
}

extension ShellNode {
  /// The place of its first command.
  var span: SourceSpan? {
    switch self {
    case .command(let command): command.span
    case .pipeline(let nodes, _), .sequence(let nodes): nodes.lazy.compactMap(\.span).first
    case .and(let left, let right), .or(let left, let right): left.span ?? right.span
    case .loop(_, _, let body), .function(_, let body), .group(let body, _): body.span
    case .repetition(let loop): loop.condition.span ?? loop.body.span
    case .branch(let branches, let otherwise):
      branches.lazy.compactMap { $0.condition.span ?? $0.body.span }.first ?? otherwise?.span
    case .choice(_, let choices, _): choices.lazy.compactMap(\.body.span).first
    }
  }
}

/// A loop that a condition ends.
struct ShellRepetition {
  var condition: ShellNode
  var body: ShellNode
  var isUntil = false
  var redirections: [ShellRedirection] = []
  /// How it counts; nil of any other loop, and of one that counts in a way that is not read here.
  var count: ShellCount?

  /// Whether only a `break` ends it.
  var isEndless: Bool {
    guard case .sequence(let nodes) = condition else { return false }
    guard nodes.count == 1, case .command(let command) = nodes[0] else { return nodes.isEmpty }
    return ["true", ":", "false"].contains(command.words.first?.plain ?? "")
  }
}

/// One `if` or `elif`.
struct ShellBranch {
  var condition: ShellNode
  /// The condition as written.
  var written: String
  var body: ShellNode
}

/// A command: variables that are set, words, and where it reads from and writes to.
struct ShellSimpleCommand {
  var assignments: [ShellWord] = []
  var words: [ShellWord] = []
  var redirections: [ShellRedirection] = []
  /// Its place in the input.
  var span: SourceSpan
}

/// Where a command reads from or writes to.
enum ShellRedirection {
  /// `< file`, and `<(command)`.
  case input(ShellWord)
  /// `> file`, `>> file`.
  case output(ShellWord)
  /// `<< EOF`: the number of the here-document in ``ShellLexer/documents``.
  case document(Int)
  /// `<<< word`
  case text(ShellWord)
}

/// A here-document (POSIX XCU 2.7.4).
struct ShellDocument {
  /// The lines: their pieces, and where they stand.
  var lines: [(parts: [ShellWord.Part], span: SourceSpan)] = []
}

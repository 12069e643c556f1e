import RuleGraph

/// How a command ended, as far as one can know.
enum CommandOutcome {
  case success, failure, unknown

  var negated: CommandOutcome {
    switch self {
    case .success: .failure
    case .failure: .success
    case .unknown: .unknown
    }
  }
}

/// Why nobody knows whether, or how often, a command ran.
struct CommandDoubt {
  /// What decides it, in the words of the script; nil when it surely ran.
  private(set) var condition: String?
  /// Whether it may have run many times, each time with other values.
  private(set) var isRepeated = false

  static let none = CommandDoubt()

  /// The command that shows whether what is in doubt is there.
  static let mark = "iptables-save"

  var isNone: Bool { condition == nil }

  /// The doubt within a further condition.
  func with(_ condition: String) -> CommandDoubt {
    var doubt = self
    doubt.condition = self.condition ?? condition
    return doubt
  }

  /// The doubt within a loop that runs an unknown number of times.
  func repeated(_ condition: String) -> CommandDoubt {
    var doubt = with(condition)
    doubt.isRepeated = true
    return doubt
  }
}

/// Where a command stands, and whether it surely ran.
struct CommandPlace {
  var span: SourceSpan
  var doubt: CommandDoubt
}

/// What a command reads from its standard input.
enum CommandInput {
  /// Nothing was redirected.
  case none
  /// A file or another program's output, which nobody shows.
  case unknown
  /// A text that the script holds.
  case text([Line])

  struct Line {
    var text: CommandWord
    /// Where it stands; nil where the command does.
    var span: SourceSpan?
  }

  var lines: [Line]? { if case .text(let lines) = self { lines } else { nil } }
}

import Glibc
import RuleGraph
import Synchronization

/// The line on a terminal that says what takes long. It is on standard error, and gone when the work is done.
struct ProgressLine {
  private let isShown: Bool
  private var isWritten = false
  /// What ends within a second needs no words; what takes longer gets new ones once a second.
  private var next = ContinuousClock.now + .seconds(1)

  /// - Parameter isBesideAnswers: Whether answers are written to standard output meanwhile, where they would get mixed
  ///   up with the line on one terminal.
  init(isBesideAnswers: Bool = false) {
    isShown = isatty(STDERR_FILENO) == 1 && !(isBesideAnswers && Output.isTerminal)
  }

  /// Writes the words in place of those before.
  mutating func show(_ words: @autoclosure () -> String) {
    guard isShown, ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + .seconds(1)
    isWritten = true
    Output.steer("\rfwtrace: \(words().harmless) ...\(Self.erase)")
  }

  /// Takes the line away.
  mutating func clear() {
    if isWritten { Output.steer("\r\(Self.erase)") }
    isWritten = false
  }

  /// Does the work; where it takes more than a second, the words are shown until it is done.
  static func during<Value>(_ words: String, _ work: () throws -> Value) rethrows -> Value {
    let line = SlowLine(words)
    guard line.isShown else { return try work() }
    let clock = Task.detached {
      try? await Task.sleep(for: .seconds(1))
      line.show()
    }
    defer {
      clock.cancel()
      line.end()
    }
    return try work()
  }

  /// Nothing is left in the line from here on (ECMA-48, EL).
  private static let erase = "\u{1b}[K"
}

extension ProgressLine {
  /// The line while some work is done elsewhere: nil when the work has ended.
  private final class SlowLine: Sendable {
    private let line: Mutex<ProgressLine?>
    private let words: String

    init(_ words: String) {
      self.words = words
      line = Mutex(ProgressLine())
    }

    var isShown: Bool { line.withLock { $0?.isShown ?? false } }

    func show() { line.withLock { $0?.show(words) } }

    func end() {
      line.withLock {
        $0?.clear()
        $0 = nil
      }
    }
  }
}

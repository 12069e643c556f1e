import Glibc

/// Says on a terminal how far a long batch is. Nothing is said where the answers themselves go to the terminal.
struct BatchProgress {
  private let isShown = isatty(STDERR_FILENO) == 1 && !Output.isTerminal
  private var next = ContinuousClock.now + .seconds(1)
  private var hasSaid = false

  /// Tells the number of lines that were handed out, once a second.
  mutating func tell(_ lines: Int) {
    guard isShown, ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + .seconds(1)
    hasSaid = true
    Output.error("\rfwtrace: \(lines) questions ...")
  }

  /// Takes the words away: back to the beginning of the line, and nothing is left in it (ECMA-48, EL).
  func end() {
    if hasSaid { Output.error("\r\u{1b}[K") }
  }
}

import Glibc
import Synchronization

/// Says on a terminal what takes long, and takes the words away when that is done.
final class WorkNotice: Sendable {
  private enum State {
    case waiting, told, done
  }

  private let state = Mutex(State.waiting)
  private let words: String

  private init(_ words: String) { self.words = words }

  /// Does the work; what takes more than a second is named on standard error meanwhile, when that is a terminal.
  static func during<Value>(_ words: String, _ work: () throws -> Value) rethrows -> Value {
    guard isatty(STDERR_FILENO) == 1 else { return try work() }
    let notice = WorkNotice(words)
    let clock = Task.detached {
      try? await Task.sleep(for: .seconds(1))
      notice.tell()
    }
    defer {
      clock.cancel()
      notice.end()
    }
    return try work()
  }

  private func tell() {
    state.withLock {
      guard case .waiting = $0 else { return }
      $0 = .told
      Output.error("fwtrace: \(words) ...")
    }
  }

  private func end() {
    state.withLock {
      // Back to the beginning of the line, and nothing is left in it (ECMA-48, EL).
      if case .told = $0 { Output.error("\r\u{1b}[K") }
      $0 = .done
    }
  }
}

import Synchronization

/// The answers of a batch: blocks become ready in any order and are written in the order of the questions.
final class BatchOutput: Sendable {
  private struct State {
    /// The blocks that wait for an earlier one.
    var ready: [Int: [UInt8]] = [:]
    /// The number of the next block to write.
    var next = 0
    /// Whether somebody is writing.
    var isWriting = false
  }

  private let state = Mutex(State())

  /// The number of blocks that wait to be written.
  var waiting: Int { state.withLock { $0.ready.count } }

  /// Takes the answers of a block, and writes what can be written, unless somebody else does so already.
  func add(_ bytes: [UInt8], ofBlock number: Int) {
    state.withLock { $0.ready[number] = bytes }
    while let bytes = state.withLock({ Self.takeNext(&$0) }) {
      Output.write(bytes)
      state.withLock { $0.isWriting = false }
    }
  }

  private static func takeNext(_ state: inout State) -> [UInt8]? {
    guard !state.isWriting, let bytes = state.ready.removeValue(forKey: state.next) else { return nil }
    state.isWriting = true
    state.next += 1
    return bytes
  }
}

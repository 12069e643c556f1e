import Synchronization
import Traffic

/// The answers of a batch: blocks become ready in any order and are written in the order of the questions.
final class BatchOutput: Sendable {
  private struct State {
    /// The blocks that wait for an earlier one.
    var ready: [Int: AnswerBytes] = [:]
    /// The number of the next block to write.
    var next = 0
    /// Whether somebody is writing.
    var isWriting = false
    /// Room that was written out of, for the next blocks.
    var free: [AnswerBytes] = []
  }

  private let state = Mutex(State())

  /// The number of blocks that wait to be written.
  var waiting: Int { state.withLock { $0.ready.count } }

  /// Room for the answers to a block.
  func takeRoom() -> AnswerBytes {
    var room = state.withLock { $0.free.popLast() } ?? AnswerBytes(room: 1 << 18)
    room.removeAll()
    return room
  }

  /// Takes the answers of a block, and writes what can be written, unless somebody else does so already.
  func add(_ bytes: AnswerBytes, ofBlock number: Int) {
    state.withLock { $0.ready[number] = bytes }
    while let bytes = state.withLock({ Self.takeNext(&$0) }) {
      Output.write(bytes.bytes)
      state.withLock {
        $0.isWriting = false
        $0.free.append(bytes)
      }
    }
  }

  private static func takeNext(_ state: inout State) -> AnswerBytes? {
    guard !state.isWriting, let bytes = state.ready.removeValue(forKey: state.next) else { return nil }
    state.isWriting = true
    state.next += 1
    return bytes
  }
}

import Glibc

/// Answers one behind another in memory that is used again for the next ones: memory that is new costs more than
/// writing into it.
package struct AnswerBytes: Sendable {
  /// The answers in the beginning, and room behind them.
  package private(set) var memory: [UInt8]
  /// How many bytes the answers take.
  package private(set) var count = 0

  /// Makes room for answers of a size; it grows where they are larger.
  package init(room: Int) { memory = [UInt8](repeating: 0, count: max(room, 1 << 12)) }

  /// The answers.
  package var bytes: ArraySlice<UInt8> { memory[..<count] }

  /// Forgets the answers and keeps the room.
  package mutating func removeAll() { count = 0 }

  /// Adds an answer.
  mutating func append(_ answer: [UInt8]) {
    unsafe answer.withUnsafeBufferPointer { answer in
      append(atMost: answer.count) { unsafe $0.append(answer) }
    }
  }

  /// Adds what a writer puts together, at most as many bytes as are said before.
  mutating func append(atMost size: Int, _ write: (inout Pen) -> Void) {
    if memory.count - count < size {
      memory.append(contentsOf: repeatElement(0, count: max(memory.count, size)))
    }
    let start = count
    count += unsafe memory.withUnsafeMutableBufferPointer { memory in
      guard let base = memory.baseAddress else { return 0 }
      var pen = unsafe Pen(base + start, room: size)
      write(&pen)
      return pen.count
    }
  }

  /// Writes one piece behind another, no more than was said before.
  @safe struct Pen {
    private let start: UnsafeMutablePointer<UInt8>
    private let room: Int
    fileprivate(set) var count = 0

    fileprivate init(_ start: UnsafeMutablePointer<UInt8>, room: Int) {
      unsafe self.start = unsafe start
      self.room = room
    }

    mutating func append(_ piece: UnsafeBufferPointer<UInt8>) {
      guard let source = piece.baseAddress else { return }
      precondition(piece.count <= room - count, "a writer says before how much it writes")
      unsafe memcpy(start + count, source, piece.count)
      count += piece.count
    }
  }
}

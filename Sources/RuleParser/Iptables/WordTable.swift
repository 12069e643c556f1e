/// A dictionary from words to values that is asked with a range of bytes, without making a string of them.
///
/// A class, because tables of tables are asked for every word of a dump: a reference is handed around in one step.
final class WordTable<Value: Sendable>: Sendable {
  private let slots: [Int32]
  /// The words, one behind the other.
  private let text: [UInt8]
  /// Where each word begins, and behind the last one the end.
  private let starts: [Int32]
  private let values: [Value]

  /// Makes a table; of a word that is there twice the first value counts.
  init(_ entries: [(word: String, value: Value)]) {
    var size = 16
    while size < entries.count * 3 { size *= 2 }
    var slots = Array(repeating: Int32(-1), count: size)
    var text: [UInt8] = []
    var starts: [Int32] = [0]
    var values: [Value] = []
    for entry in entries {
      let word = Array(entry.word.utf8)
      var slot = Self.hash(word, 0..<word.count) & (size - 1)
      var isNew = true
      while isNew, slots[slot] >= 0 {
        let index = Int(slots[slot])
        isNew = !text.isEqual(Int(starts[index])..<Int(starts[index + 1]), to: word, 0..<word.count)
        slot = (slot + 1) & (size - 1)
      }
      guard isNew else { continue }
      slots[slot] = Int32(values.count)
      text += word
      starts.append(Int32(text.count))
      values.append(entry.value)
    }
    self.slots = slots
    self.text = text
    self.starts = starts
    self.values = values
  }

  /// The value of the word that stands in a range of bytes, or nil.
  subscript(bytes: [UInt8], range: Range<Int>) -> Value? {
    var slot = Self.hash(bytes, range) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if isWord(index, bytes, range) { return values[index] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The value of a word, or nil.
  subscript(word: String) -> Value? {
    let bytes = Array(word.utf8)
    return self[bytes, 0..<bytes.count]
  }

  private func isWord(_ index: Int, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    text.isEqual(Int(starts[index])..<Int(starts[index + 1]), to: bytes, range)
  }

  /// The words are those of the program, so that nobody can choose them to collide.
  private static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> Int { bytes.hash(of: range, seed: 0) }
}

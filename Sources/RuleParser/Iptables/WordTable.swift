/// A dictionary from words to values that is asked with a range of bytes, without making a string of them.
struct WordTable<Value: Sendable>: Sendable {
  private var slots: [Int32]
  private var words: [[UInt8]] = []
  private var values: [Value] = []

  /// Makes a table; of a word that is there twice the first value counts.
  init(_ entries: [(word: String, value: Value)]) {
    var size = 16
    while size < entries.count * 3 { size *= 2 }
    slots = Array(repeating: -1, count: size)
    for entry in entries {
      let word = Array(entry.word.utf8)
      if self[word, 0..<word.count] != nil { continue }
      var slot = Self.hash(word, 0..<word.count) & (size - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = Int32(words.count)
      words.append(word)
      values.append(entry.value)
    }
  }

  /// The value of the word that stands in a range of bytes, or nil.
  subscript(bytes: [UInt8], range: Range<Int>) -> Value? {
    var slot = Self.hash(bytes, range) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if words[index].count == range.count, words[index].elementsEqual(bytes[range]) { return values[index] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The value of a word, or nil.
  subscript(word: String) -> Value? {
    let bytes = Array(word.utf8)
    return self[bytes, 0..<bytes.count]
  }

  /// FNV-1a over the first 24 bytes: enough to tell the words of a ruleset apart.
  private static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes[range].prefix(24) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7fff_ffff)
  }
}

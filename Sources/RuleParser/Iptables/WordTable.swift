import RuleGraph

/// A dictionary from words to values that is asked with a range of bytes, without making a string of them.
///
/// A word is compared as numbers: its first and its last eight bytes, which are all of nearly every word that tools
/// print.
///
/// Tables are made once and stay as long as the program.
struct WordTable<Value: Sendable>: Sendable {
  private struct Slot: Sendable {
    /// The index of the value; -1 of an empty slot.
    var index: Int32 = -1
    var length: Int32 = 0
    var first: UInt64 = 0
    var last: UInt64 = 0
  }

  private let slots: PermanentList<Slot>
  /// The words, one behind the other.
  private let text: ByteView
  /// Where each word stands.
  private let places: PermanentList<Range<Int>>
  private let values: PermanentList<Value>

  /// Makes a table; of a word that is there twice the first value counts.
  init(_ entries: [(word: String, value: Value)]) {
    var size = 16
    while size < entries.count * 3 { size *= 2 }
    var slots = Array(repeating: Slot(), count: size)
    let text = ByteView(PermanentList(entries.flatMap { Array($0.word.utf8) }))
    var place = 0
    var places: [Range<Int>] = []
    var values: [Value] = []
    for entry in entries {
      let word = place..<place + entry.word.utf8.count
      place = word.upperBound
      var new = Self.slot(text, word)
      var slot = Self.hash(new) & (size - 1)
      var isNew = true
      while isNew, slots[slot].index >= 0 {
        isNew = !text.areEqual(places[Int(slots[slot].index)], word)
        slot = (slot + 1) & (size - 1)
      }
      guard isNew else { continue }
      new.index = Int32(values.count)
      slots[slot] = new
      places.append(word)
      values.append(entry.value)
    }
    self.slots = PermanentList(slots)
    self.text = text
    self.places = PermanentList(places)
    self.values = PermanentList(values)
  }

  /// The value of the word that stands in a range of bytes, or nil.
  subscript(bytes: ByteView, range: Range<Int>) -> Value? {
    let wanted = Self.slot(bytes, range)
    var slot = Self.hash(wanted) & (slots.count - 1)
    while slots[slot].index >= 0 {
      let found = slots[slot]
      if found.first == wanted.first, found.last == wanted.last, found.length == wanted.length,
        found.length <= 16 || text.isEqual(places[Int(found.index)], to: bytes, range)
      {
        return values[Int(found.index)]
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// The value of a word, or nil.
  subscript(word: String) -> Value? {
    let memory = SourceBytes(Array(word.utf8))
    return withExtendedLifetime(memory) { self[ByteView(memory), 0..<memory.count] }
  }

  /// A slot without a value for a word.
  private static func slot(_ bytes: ByteView, _ range: Range<Int>) -> Slot {
    let first = bytes.word(at: range.lowerBound, count: min(range.count, 8))
    let last = range.count > 8 ? bytes.word(at: range.upperBound - 8, count: 8) : 0
    return Slot(length: Int32(truncatingIfNeeded: range.count), first: first, last: last)
  }

  /// The words are those of the program, so that nobody can choose them to collide.
  private static func hash(_ slot: Slot) -> Int {
    let mixed = (slot.first ^ slot.last &* 31 &+ UInt64(truncatingIfNeeded: slot.length)) &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: mixed >> 32)
  }
}

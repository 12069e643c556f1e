import Glibc

/// Answers by the keys of their questions, in one piece of memory that begins anew when it is full.
///
/// Looking at an answer counts no users of anything, which all processors would do for each question.
struct AnswerShelf: Sendable {
  /// An answer with gaps, or the note that there is none for a whole class.
  struct Entry: Sendable {
    var hash: UInt64
    /// Places in the memory.
    var key: Range<Int>
    var text: Range<Int>
    /// Places in the list of gaps.
    var gaps: Range<Int>
    /// The values of the question that it was the answer to.
    var values: InlineArray<5, UInt32>
    var isNote: Bool
  }

  private let size: Int
  private var memory: [UInt8] = []
  private var gaps: [AnswerTemplate.Gap] = []
  private(set) var entries: [Entry] = []
  /// For each hash, from its place on, one more than the numbers of the entries with such hashes; zero ends them.
  private var slots: [UInt16] = []

  private static let slotCount = 1 << 12
  private static let mostEntries = slotCount / 2

  /// Makes an empty shelf.
  ///
  /// - Parameter size: How many bytes it holds before it begins anew.
  init(size: Int) { self.size = size }

  /// The number of the entry for a key; nil where there is none.
  func find(_ key: borrowing QuestionKey) -> Int? {
    if slots.isEmpty { return nil }
    var slot = Int(truncatingIfNeeded: key.hash) & (Self.slotCount - 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot]) - 1
      if entries[number].hash == key.hash, holds(key, entries[number].key) { return number }
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    return nil
  }

  private func holds(_ key: borrowing QuestionKey, _ place: Range<Int>) -> Bool {
    guard key.count == place.count else { return false }
    return unsafe memory.withUnsafeBytes { mine in
      unsafe key.withBytes { its in
        guard let mine = mine.baseAddress, let its = its.baseAddress else { return false }
        return unsafe memcmp(mine + place.lowerBound, its, place.count) == 0
      }
    }
  }

  /// Keeps an entry, in the place of an earlier one for the key.
  mutating func keep(_ template: AnswerTemplate?, _ values: InlineArray<5, UInt32>, for key: borrowing QuestionKey) {
    let known = find(key)
    if known == nil, entries.count == Self.mostEntries || memory.count > size || slots.isEmpty {
      memory.removeAll(keepingCapacity: true)
      gaps.removeAll(keepingCapacity: true)
      entries.removeAll(keepingCapacity: true)
      slots = [UInt16](repeating: 0, count: Self.slotCount)
    }
    let keyPlace = known.map { entries[$0].key } ?? put(key.bytes)
    let entry = Entry(
      hash: key.hash, key: keyPlace, text: put(template?.text[...] ?? []),
      gaps: gaps.count..<gaps.count + (template?.gaps.count ?? 0), values: values, isNote: template == nil)
    gaps += template?.gaps ?? []
    if let known {
      entries[known] = entry
      return
    }
    entries.append(entry)
    var slot = Int(truncatingIfNeeded: key.hash) & (Self.slotCount - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (Self.slotCount - 1) }
    slots[slot] = UInt16(truncatingIfNeeded: entries.count)
  }

  private mutating func put(_ bytes: ArraySlice<UInt8>) -> Range<Int> {
    memory += bytes
    return memory.count - bytes.count..<memory.count
  }

  /// The text of an entry without what stands in its gaps, and the place of its last gap.
  func rest(of number: Int) -> [UInt8] {
    let entry = entries[number]
    let start = entry.gaps.isEmpty ? 0 : gaps[entry.gaps.upperBound - 1].place
    return Array(memory[(entry.text.lowerBound + start)..<entry.text.upperBound])
  }

  /// Writes an answer with what its own question has in the gaps.
  func write(_ number: Int, _ question: QuestionLine, of text: Span<UInt8>, to answers: inout AnswerBytes) {
    let (place, gaps) = (entries[number].text, entries[number].gaps)
    // No value is longer than an address.
    let longest = max(15, question.place(ofKind: QuestionLine.name).count)
    unsafe text.withUnsafeBufferPointer { line in
      unsafe memory.withUnsafeBufferPointer { memory in
        answers.append(atMost: place.count + gaps.count * longest) { pen in
          var from = place.lowerBound
          for index in gaps {
            let gap = self.gaps[index]
            let end = place.lowerBound + gap.place
            unsafe pen.append(UnsafeBufferPointer(rebasing: memory[from..<end]))
            unsafe pen.append(UnsafeBufferPointer(rebasing: line[question.place(ofKind: gap.kind)]))
            from = end
          }
          unsafe pen.append(UnsafeBufferPointer(rebasing: memory[from..<place.upperBound]))
        }
      }
    }
  }
}

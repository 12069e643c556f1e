import RuleGraph

/// The names that a dump repeats, each made into a string once: a chain is named where it is declared, by each of its rules and by each jump.
///
/// A name is found by the bytes that it stands in; the pool keeps only where it was seen first.
struct TextPool {
  /// The names, in the order in which they were first seen.
  private(set) var texts: [String] = []
  private var places: [Range<Int>] = []
  private var slots: [Int32] = Array(repeating: -1, count: 64)
  private let seed = UInt64.random(in: .min ... .max)

  /// The index of a name in ``texts``, where it is put when it is new.
  mutating func index(of range: Range<Int>, in bytes: [UInt8]) -> Int {
    let slot = slot(of: range, in: bytes)
    if slots[slot] >= 0 { return Int(slots[slot]) }
    slots[slot] = Int32(texts.count)
    texts.append(String(decoding: bytes[range], as: UTF8.self))
    places.append(range)
    if texts.count * 2 > slots.count { grow(bytes) }
    return texts.count - 1
  }

  /// Whether a name was seen before.
  func contains(_ range: Range<Int>, in bytes: [UInt8]) -> Bool { slots[slot(of: range, in: bytes)] >= 0 }

  /// The slot that a name stands in, or a new one belongs in.
  private func slot(of range: Range<Int>, in bytes: [UInt8]) -> Int {
    var slot = bytes.hash(of: range, seed: seed) & (slots.count - 1)
    while slots[slot] >= 0, !bytes.areEqual(places[Int(slots[slot])], range) { slot = (slot + 1) & (slots.count - 1) }
    return slot
  }

  private mutating func grow(_ bytes: [UInt8]) {
    slots = Array(repeating: -1, count: slots.count * 4)
    for (index, range) in places.enumerated() {
      var slot = bytes.hash(of: range, seed: seed) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(index)
    }
  }
}

/// The last texts that were made of pieces of a dump: rules that stand near each other repeat their comments.
struct RecentTexts {
  private var slots: [(range: Range<Int>, text: String)?] = Array(repeating: nil, count: 256)

  /// The text of a range of bytes.
  mutating func text(_ range: Range<Int>, in bytes: [UInt8]) -> String {
    // What fits a string itself needs no memory of its own.
    if range.count < 16 { return String(decoding: bytes[range], as: UTF8.self) }
    let slot = bytes.hash(of: range, seed: 0) & (slots.count - 1)
    if let known = slots[slot], bytes.areEqual(known.range, range) { return known.text }
    let text = String(decoding: bytes[range], as: UTF8.self)
    slots[slot] = (range, text)
    return text
  }
}

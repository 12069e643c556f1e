import RuleGraph

/// The names that a dump repeats, each made into a string once: a chain is named where it is declared, by each of its rules and by each jump.
struct TextPool {
  /// The names, in the order in which they were first seen.
  private(set) var texts: [String] = []
  private var places = PlacePool()

  /// The index of a name in ``texts``, where it is put when it is new.
  ///
  /// - Parameter text: The name as text, where somebody has made that already.
  mutating func index(of range: Range<Int>, in bytes: ByteView, text: String? = nil) -> Int {
    let index = places.index(of: range, in: bytes)
    if index == texts.count { texts.append(text ?? bytes.text(range)) }
    return index
  }
}

/// The names that a dump repeats, numbered. A name is found by the bytes that it stands in; the pool keeps only where it was seen first.
struct PlacePool {
  /// A slot of the hash table: a part of a name's hash, which tells nearly all others from it without a look at them, and its index; -1 of an empty slot.
  private struct Slot {
    var hash: UInt32 = 0
    var index: Int32 = -1
  }

  private var places: [Range<Int>] = []
  private var slots = Array(repeating: Slot(), count: 64)
  private let seed = UInt64.random(in: .min ... .max)

  /// The number of a name, which is the next one when the name is new.
  mutating func index(of range: Range<Int>, in bytes: ByteView) -> Int {
    let hash = bytes.hash(of: range, seed: seed)
    let slot = slot(of: range, hash, in: bytes)
    if slots[slot].index >= 0 { return Int(slots[slot].index) }
    slots[slot] = Slot(hash: Self.kept(hash), index: Int32(places.count))
    places.append(range)
    if places.count * 2 > slots.count { grow(bytes) }
    return places.count - 1
  }

  /// Whether a name was seen before.
  func contains(_ range: Range<Int>, in bytes: ByteView) -> Bool {
    slots[slot(of: range, bytes.hash(of: range, seed: seed), in: bytes)].index >= 0
  }

  /// The part of a hash that a slot keeps: other bits than those that choose the slot.
  private static func kept(_ hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 24) }

  /// The slot that a name stands in, or a new one belongs in.
  private func slot(of range: Range<Int>, _ hash: Int, in bytes: ByteView) -> Int {
    var slot = hash & (slots.count - 1)
    while slots[slot].index >= 0,
      slots[slot].hash != Self.kept(hash) || !bytes.areEqual(places[Int(slots[slot].index)], range)
    {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private mutating func grow(_ bytes: ByteView) {
    slots = Array(repeating: Slot(), count: slots.count * 4)
    for (index, range) in places.enumerated() {
      let hash = bytes.hash(of: range, seed: seed)
      var slot = hash & (slots.count - 1)
      while slots[slot].index >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Slot(hash: Self.kept(hash), index: Int32(index))
    }
  }
}

/// The last texts that were made of pieces of a dump: rules that stand near each other repeat their comments.
struct RecentTexts {
  private var slots: [(range: Range<Int>, text: String)?] = Array(repeating: nil, count: 256)

  /// The text of a range of bytes.
  mutating func text(_ range: Range<Int>, in bytes: ByteView) -> String {
    // What fits a string itself needs no memory of its own.
    if range.count < 16 { return bytes.text(range) }
    let slot = bytes.hash(of: range, seed: 0) & (slots.count - 1)
    if let known = slots[slot], bytes.areEqual(known.range, range) { return known.text }
    let text = bytes.text(range)
    slots[slot] = (range, text)
    return text
  }
}

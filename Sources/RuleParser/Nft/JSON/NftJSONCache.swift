import RuleGraph

/// Remembers what pieces of JSON were read as, by their bytes.
///
/// A listing repeats itself: nearly every rule holds `{"accept": null}`, the same interface tests and the same left sides. A piece that was seen
/// a moment ago costs one comparison of bytes.
struct NftJSONCache<Value> {
  private struct Entry {
    var range: Range<Int>
    var context: Int
    var value: Value
  }

  private var slots: [Entry?]

  /// Makes a cache of a number of places, a power of two.
  init(count: Int) { slots = Array(repeating: nil, count: count) }

  /// The place of a piece: from its length and some of its bytes, mostly from its end, where pieces differ.
  func slot(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
    var hash = UInt64(range.count)
    var at = range.lowerBound
    while at < range.upperBound {
      hash = (hash ^ UInt64(bytes[at])) &* 0x100_0000_01b3
      at += 1
    }
    return Int(truncatingIfNeeded: hash ^ (hash >> 29)) & (slots.count - 1)
  }

  /// What the piece was read as in a context (the index of its table), or nil.
  func value(at slot: Int, _ bytes: [UInt8], _ range: Range<Int>, context: Int) -> Value? {
    guard let entry = slots[slot], entry.context == context, entry.range.count == range.count else { return nil }
    var (a, b) = (entry.range.lowerBound, range.lowerBound)
    while b < range.upperBound {
      if bytes[a] != bytes[b] { return nil }
      a += 1
      b += 1
    }
    return entry.value
  }

  /// Remembers what a piece was read as.
  mutating func store(_ value: Value, at slot: Int, _ range: Range<Int>, context: Int) {
    slots[slot] = Entry(range: range, context: context, value: value)
  }
}

import RuleGraph

/// Remembers what pieces of JSON were read as, by their bytes.
///
/// A listing repeats itself: nearly every rule holds `{"accept": null}`, the same interface tests and the same left
/// sides. A piece that was seen a moment ago costs one comparison of bytes.
struct NftJSONCache<Value: Sendable>: Sendable {
  private struct Entry {
    var range: Range<Int>
    var context: Int
    var value: Value
  }

  private var slots: [Entry?]

  /// Makes a cache of a number of places, a power of two.
  init(count: Int) { slots = Array(repeating: nil, count: count) }

  /// The place of a piece.
  func slot(_ bytes: ByteView, _ range: Range<Int>) -> Int { bytes.hash(of: range, seed: 0) & (slots.count - 1) }

  /// What the piece was read as in a context (the index of its table), or nil.
  func value(at slot: Int, _ bytes: ByteView, _ range: Range<Int>, context: Int) -> Value? {
    guard let entry = slots[slot], entry.context == context, bytes.areEqual(entry.range, range) else { return nil }
    return entry.value
  }

  /// Remembers what a piece was read as.
  mutating func store(_ value: Value, at slot: Int, _ range: Range<Int>, context: Int) {
    slots[slot] = Entry(range: range, context: context, value: value)
  }
}

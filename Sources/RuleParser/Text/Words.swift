/// The words of a piece of a text, one after the other: what stands between bytes up to 0x20.
///
/// Sixty-four bytes are looked at in one step, which gives a bit for each; where words begin and end is then counted in
/// bits.
struct Words {
  private let bytes: ByteView
  private let end: Int
  /// The place that the lowest bit stands for.
  private var base: Int
  /// A bit for each byte from there on: set where the byte belongs to a word that was not given yet.
  private var letters: UInt64

  /// The words of a range; one that the range cuts is one, too.
  init(_ bytes: ByteView, _ range: Range<Int>) {
    self.bytes = bytes
    end = range.upperBound
    base = range.lowerBound
    letters = bytes.letters(from: base, to: end)
  }

  /// The next word, or nil when there is none left.
  mutating func next() -> Range<Int>? {
    while letters == 0 {
      guard base &+ 64 < end else { return nil }
      base &+= 64
      letters = bytes.letters(from: base, to: end)
    }
    let first = letters.trailingZeroBitCount
    let start = base &+ first
    var behind = first &+ (~(letters &>> UInt64(first))).trailingZeroBitCount
    while behind >= 64 {
      base &+= 64
      guard base < end else {
        letters = 0
        return start..<end
      }
      letters = bytes.letters(from: base, to: end)
      behind = (~letters).trailingZeroBitCount
    }
    letters &= .max << UInt64(behind)
    return start..<base &+ behind
  }

  /// Goes on at a place.
  mutating func skip(to place: Int) {
    base = min(place, end)
    letters = bytes.letters(from: base, to: end)
  }
}

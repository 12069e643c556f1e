import Glibc
import RuleGraph

/// The bytes of a text that somebody else keeps.
///
/// Readers hand the text on to every cursor, and each of them would count itself in and out as a user of an array, on
/// all processors at once: a fifth of the time of reading went into that. A view counts nothing. It must not outlive
/// its ``SourceBytes``: whoever begins to read (``DumpReader``, a ``JSONTape``) keeps those until all is read, and
/// nothing in the graph holds a view.
@safe struct ByteView: RandomAccessCollection, @unchecked Sendable {
  private let start: UnsafePointer<UInt8>
  /// The number of bytes.
  let count: Int

  /// A look at bytes, which must be kept for as long.
  init(_ bytes: SourceBytes) { unsafe self.init(bytes.buffer) }

  /// A look at bytes that stay as long as the program.
  init(_ bytes: PermanentList<UInt8>) { unsafe self.init(bytes.buffer) }

  /// A look at a literal, which stays as long as the program, too.
  init(_ literal: StaticString) {
    unsafe self.init(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// A look at memory that somebody keeps for as long.
  @unsafe init(_ buffer: UnsafeBufferPointer<UInt8>) {
    // Without a byte there may be no memory either; then nothing is looked at there.
    unsafe start = buffer.baseAddress ?? Self.nowhere
    count = buffer.count
  }

  private static var nowhere: UnsafePointer<UInt8> { let nothing: StaticString = ""; return unsafe nothing.utf8Start }

  var startIndex: Int { 0 }
  var endIndex: Int { count }

  subscript(place: Int) -> UInt8 {
    precondition(UInt(bitPattern: place) < UInt(bitPattern: count), "there is no such byte")
    return unsafe start[place]
  }

  func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) rethrows -> Result? {
    try unsafe body(UnsafeBufferPointer(start: start, count: count))
  }

  /// The text of a range; what is no UTF-8 becomes U+FFFD.
  func text(_ range: Range<Int>) -> String {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no such bytes")
    return unsafe String(
      decoding: UnsafeBufferPointer(start: start + range.lowerBound, count: range.count), as: UTF8.self)
  }

  /// Whether a text stands at a place.
  func has(_ text: StaticString, at place: Int) -> Bool {
    let length = text.utf8CodeUnitCount
    guard place >= 0, place <= count - length else { return false }
    // Most texts differ in their first byte.
    if length > 0, unsafe start[place] != text.utf8Start.pointee { return false }
    return unsafe memcmp(start + place, text.utf8Start, length) == 0
  }

  /// Up to eight bytes as one number, the first byte the lowest; zeros stand for what is missing.
  func word(at place: Int, count length: Int) -> UInt64 {
    precondition(place >= 0 && place <= count - length, "there are no such bytes")
    if length >= 8 { return unsafe Self.word(start + place) }
    // Eight bytes are read where they are there, and those too many are taken off.
    if place <= count - 8 { return unsafe Self.word(start + place) & ((1 << (UInt64(length) * 8)) - 1) }
    var word: UInt64 = 0
    for offset in (0..<length).reversed() { word = word << 8 | UInt64(unsafe start[place + offset]) }
    return word
  }

  private static func word(_ start: UnsafePointer<UInt8>) -> UInt64 {
    unsafe UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
  }
}

// MARK: - Searching

extension ByteView {
  /// The place of the first such byte from an offset on, or nil.
  ///
  /// The C library looks at many bytes at a time, which a loop here does not: what is looked for all over megabytes is
  /// looked for with this.
  func place(of byte: UInt8, from start: Int = 0) -> Int? {
    guard start >= 0, start < count else { return nil }
    return place(of: byte, in: start..<count)
  }

  /// The place of the first such byte in a range, or nil.
  func place(of byte: UInt8, in range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no such bytes")
    guard let found = unsafe memchr(start + range.lowerBound, Int32(byte), range.count) else { return nil }
    return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(start)
  }

  /// How many such bytes stand in a range.
  func count(of byte: UInt8, in range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no such bytes")
    var total = 0
    // Counted in bytes as long as they can't overflow, which the compiler does for many at a time.
    var at = range.lowerBound
    while at < range.upperBound {
      let end = Swift.min(at &+ 255, range.upperBound)
      var some: UInt8 = 0
      while at < end {
        some &+= unsafe start[at] == byte ? 1 : 0
        at &+= 1
      }
      total &+= Int(some)
    }
    return total
  }

  /// The place of the first byte up to 0x20 in a range: a blank, or another byte that no word has; the range's end
  /// where there is none.
  func endOfWord(from place: Int, to end: Int) -> Int {
    first(from: place, to: end) { ~Self.letters($0) & 0x8080_8080_8080_8080 }
  }

  /// The place of the first byte above 0x20 in a range; the range's end where there is none.
  func startOfWord(from place: Int, to end: Int) -> Int { first(from: place, to: end) { Self.letters($0) } }

  /// The place of the first `"` or `\\` in a range; the range's end where there is none.
  @inline(__always) func endOfText(from place: Int, to end: Int) -> Int {
    first(from: place, to: end) { Self.zeros($0 ^ 0x2222_2222_2222_2222) | Self.zeros($0 ^ 0x5c5c_5c5c_5c5c_5c5c) }
  }

  /// The place of the first byte in a range that may be a bracket, a quotation mark or a `#`; the range's end where
  /// there is none.
  ///
  /// Other bytes may be taken for one of these, but none of these for another one.
  func placeOfMark(from place: Int, to end: Int) -> Int { first(from: place, to: end) { Self.marks($0) } }

  /// The place of the first byte in a range that a statement of nft may begin to be no plain line with: one of
  /// `"#$;\\{}`, or in rare cases another one.
  func placeOfStatementMark(from place: Int, to end: Int) -> Int {
    first(from: place, to: end) { word in
      Self.marks(word) | Self.zeros(word ^ 0x2424_2424_2424_2424) | Self.zeros(word ^ 0x3b3b_3b3b_3b3b_3b3b)
        | Self.zeros(word ^ 0x5c5c_5c5c_5c5c_5c5c)
    }
  }

  /// Whether a byte below 0x20 stands in a range: a tab, or what no text has ("Bit Twiddling Hacks", `hasless`).
  func hasControl(in range: Range<Int>) -> Bool {
    first(from: range.lowerBound, to: range.upperBound) {
      ($0 &- 0x2020_2020_2020_2020) & ~$0 & 0x8080_8080_8080_8080
    } < range.upperBound
  }

  /// The place of the first byte of a range that a look at eight bytes finds, by the highest bit of its byte; the
  /// range's end where there is none.
  @inline(__always)
  private func first(from place: Int, to end: Int, _ look: (UInt64) -> UInt64) -> Int {
    precondition(place >= 0 && end <= count, "there are no such bytes")
    var at = place
    while at &+ 8 <= end {
      let found = look(unsafe Self.word(start + at))
      if found != 0 { return at &+ found.trailingZeroBitCount >> 3 }
      at &+= 8
    }
    guard at < end else { return end }
    // Behind the end nothing is found.
    let left = end &- at
    let found = look(word(at: at, count: left)) & ((1 &<< UInt64(left &* 8)) &- 1)
    return found != 0 ? at &+ found.trailingZeroBitCount >> 3 : end
  }

  /// The highest bit of each byte that may be a bracket, a quotation mark or a `#`: all of `[]{}` have the bits 0x59,
  /// and but for 0x26 no others.
  private static func marks(_ word: UInt64) -> UInt64 {
    zeros((word | 0x2626_2626_2626_2626) ^ 0x7f7f_7f7f_7f7f_7f7f)
      | zeros((word | 0x0101_0101_0101_0101) ^ 0x2323_2323_2323_2323)
  }

  /// The highest bit of each byte that is zero, of which the lowest is told rightly ("Bit Twiddling Hacks", `haszero`).
  private static func zeros(_ word: UInt64) -> UInt64 {
    (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
  }

  /// A bit for each of up to 64 bytes of a range, the lowest for the first: set where the byte is above 0x20.
  func letters(from place: Int, to end: Int) -> UInt64 {
    precondition(place >= 0 && place <= end && end <= count, "there are no such bytes")
    let length = end &- place
    var bits: UInt64 = 0
    if place &+ 64 <= count {
      for offset in 0..<8 {
        bits |= Self.gathered(Self.letters(unsafe Self.word(start + place + offset * 8))) &<< UInt64(offset * 8)
      }
    } else {
      var offset = 0
      while offset < length {
        let word = word(at: place + offset, count: Swift.min(8, length - offset))
        bits |= Self.gathered(Self.letters(word)) &<< UInt64(offset)
        offset &+= 8
      }
    }
    return length < 64 ? bits & ((1 &<< UInt64(length)) &- 1) : bits
  }

  /// The highest bits of eight bytes side by side, that of the first byte the lowest: the product moves each of them to
  /// another place of its highest byte.
  private static func gathered(_ highest: UInt64) -> UInt64 { (highest &>> 7 &* 0x0102_0408_1020_4080) &>> 56 }

  /// For each of eight bytes its highest bit: set where the byte is above 0x20. No sum carries over into the next byte.
  private static func letters(_ word: UInt64) -> UInt64 {
    ((word & 0x7f7f_7f7f_7f7f_7f7f) &+ 0x5f5f_5f5f_5f5f_5f5f | word) & 0x8080_8080_8080_8080
  }

  /// Whether a byte stands in a range.
  func contains(_ byte: UInt8, in range: Range<Int>) -> Bool {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no such bytes")
    var at = range.lowerBound
    while at < range.upperBound {
      if unsafe start[at] == byte { return true }
      at &+= 1
    }
    return false
  }

  /// Whether the same bytes stand in two ranges; false where a range does not exist.
  func areEqual(_ first: Range<Int>, _ second: Range<Int>) -> Bool { isEqual(first, to: self, second) }

  /// Whether the same bytes stand in a range of this text and in one of another; false where a range does not exist.
  func isEqual(_ first: Range<Int>, to other: ByteView, _ second: Range<Int>) -> Bool {
    guard first.count == second.count, first.lowerBound >= 0, second.lowerBound >= 0, first.upperBound <= count,
      second.upperBound <= other.count
    else { return false }
    return unsafe memcmp(start + first.lowerBound, other.start + second.lowerBound, first.count) == 0
  }

  /// A hash of a range of bytes, eight at a time. With a seed that nobody knows, nobody can choose texts that collide.
  func hash(of range: Range<Int>, seed: UInt64) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "there are no such bytes")
    var hash = seed ^ UInt64(truncatingIfNeeded: range.count)
    func mix(_ word: UInt64) {
      let (high, low) = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
      hash = high ^ low
    }
    if range.count < 8 {
      mix(word(at: range.lowerBound, count: range.count))
    } else {
      var at = range.lowerBound
      let last = range.upperBound &- 8
      while at < last {
        mix(unsafe Self.word(start + at))
        at &+= 8
      }
      // The last eight, of which some may have been mixed in already.
      mix(unsafe Self.word(start + last))
    }
    return Int(truncatingIfNeeded: hash >> 1)
  }
}

import Glibc

extension [UInt8] {
  /// The place of the first such byte from an offset on, or nil.
  ///
  /// The C library looks at many bytes at a time, which a loop here does not: what is looked for all over megabytes is looked for with this.
  func place(of byte: UInt8, from start: Int = 0) -> Int? {
    guard start >= 0, start < count else { return nil }
    return unsafe withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress,
        let found = unsafe memchr(base + start, Int32(byte), buffer.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }
}

extension [UInt8] {
  /// Whether the same bytes stand in two ranges.
  func areEqual(_ first: Range<Int>, _ second: Range<Int>) -> Bool { isEqual(first, to: self, second) }

  /// Whether the same bytes stand in a range of this text and in one of another; false where a range does not exist.
  func isEqual(_ first: Range<Int>, to other: [UInt8], _ second: Range<Int>) -> Bool {
    guard first.count == second.count, first.upperBound <= count, second.upperBound <= other.count else { return false }
    if first.isEmpty { return true }
    return unsafe withUnsafeBytes { mine in
      unsafe other.withUnsafeBytes { its in
        guard let a = mine.baseAddress, let b = its.baseAddress else { return true }
        return unsafe memcmp(a + first.lowerBound, b + second.lowerBound, first.count) == 0
      }
    }
  }

  /// A hash of a range of bytes, eight at a time. With a seed that nobody knows, nobody can choose texts that collide.
  func hash(of range: Range<Int>, seed: UInt64) -> Int {
    var hash = seed ^ UInt64(range.count)
    func mix(_ word: UInt64) {
      let (high, low) = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
      hash = high ^ low
    }
    unsafe withUnsafeBytes { buffer in
      var at = range.lowerBound
      while at + 8 <= range.upperBound {
        mix(unsafe buffer.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        at += 8
      }
      var tail: UInt64 = 0
      while at < range.upperBound {
        tail = tail << 8 | UInt64(unsafe buffer[at])
        at += 1
      }
      mix(tail)
    }
    return Int(truncatingIfNeeded: hash >> 1)
  }
}

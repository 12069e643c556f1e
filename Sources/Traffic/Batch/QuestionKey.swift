import Glibc

/// What a question has in common with all others of its class: its line without its name, and with the numbers of
/// classes in place of values.
///
/// One key is used for question after question, so that none needs memory of its own.
package struct QuestionKey: Sendable {
  private var memory = [UInt8](repeating: 0, count: QuestionLine.longestLine + 64)
  /// How many bytes of the memory are the key.
  private(set) var count = 0
  /// A number that equal keys share.
  private(set) var hash: UInt64 = 0
  /// The fields in whose place a class stands: a bit for the number of each.
  private(set) var fields: UInt8 = 0

  package init() {}

  /// The bytes of the key.
  var bytes: ArraySlice<UInt8> { memory[..<count] }

  /// Whether two keys are the same.
  func isSame(as other: borrowing QuestionKey) -> Bool {
    hash == other.hash && count == other.count && bytes.elementsEqual(other.bytes)
  }

  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe memory.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  /// Becomes the key of a question.
  ///
  /// - Parameters:
  ///   - question: The question.
  ///   - text: The text in which its line stands.
  ///   - fields: The fields to put classes for: a bit for the number of each.
  ///   - hasClasses: Whether the classes matter, too, not only for which fields they stand.
  mutating func take(
    _ question: QuestionLine, of text: Span<UInt8>, _ fields: UInt8, hasClasses: Bool = true
  ) {
    self.fields = fields
    count = unsafe memory.withUnsafeMutableBufferPointer { memory in
      unsafe text.withUnsafeBufferPointer { text in
        guard let to = memory.baseAddress, let line = text.baseAddress else { return 0 }
        var count = 0
        var from = question.place.lowerBound
        func take(upTo end: Int) {
          unsafe memcpy(to + count, line + from, end - from)
          count += end - from
        }
        for index in 0..<question.gapCount {
          let gap = question.gaps[index]
          let isName = gap.kind == QuestionLine.name
          guard isName || fields & 1 << gap.kind != 0 else { continue }
          take(upTo: Int(gap.start))
          from = Int(gap.start) + Int(gap.count)
          // No plain line holds such a byte.
          unsafe to[count] = gap.kind + 1
          count += 1
          if isName || !hasClasses { continue }
          var number = question.classes[Int(gap.kind)]
          unsafe memcpy(to + count, &number, 4)
          count += 4
        }
        take(upTo: question.place.upperBound)
        return count
      }
    }
    hash = Self.hash(memory.span.extracting(first: count))
  }

  /// Drawn anew in each run, so that nobody can write a file whose questions all share a number.
  private static let seed = UInt64.random(in: .min ... .max)

  private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    unsafe bytes.withUnsafeBytes { bytes in
      var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count)
      func mix(_ word: UInt64) {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        hash = product.high ^ product.low
      }
      var place = 0
      while place + 8 <= bytes.count {
        unsafe mix(bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        place += 8
      }
      var last: UInt64 = 0
      while place < bytes.count {
        last = unsafe last << 8 | UInt64(bytes[place])
        place += 1
      }
      mix(last)
      return hash
    }
  }
}

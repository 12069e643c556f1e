import Glibc

/// An answer of a batch with gaps where it gives back the name of its question and the source port.
struct AnswerTemplate {
  /// A gap: the place in the text that it stands before, and whether the name (else the source port) stands in it.
  struct Gap: Hashable {
    var place: Int
    var isID: Bool
  }

  /// The answer without what stands in the gaps.
  private(set) var text: [UInt8] = []
  /// The gaps in their order.
  private(set) var gaps: [Gap] = []

  /// Makes a template of an answer. Every number that is the source port becomes a gap, whether it was copied from there or is the same by chance:
  /// only two answers to questions that differ in their source port tell which.
  ///
  /// Gives nil for an answer that does not begin as the form says.
  init?(_ answer: ArraySlice<UInt8>, to question: QuestionLine) {
    var rest = answer
    if let id = question.id {
      guard answer.starts(with: Self.beginning + id) else { return nil }
      text = Self.beginning
      gaps.append(Gap(place: text.count, isID: true))
      rest = answer.dropFirst(text.count + id.count)
    }
    guard let port = question.sourcePort else {
      text += rest
      return
    }
    unsafe rest.withUnsafeBufferPointer { answer in
      unsafe port.withUnsafeBufferPointer { digits in
        var copied = 0
        var from = 0
        while let place = unsafe Self.place(of: digits, in: answer, from: from) {
          from = place + digits.count
          let isInWord =
            unsafe place > 0 && Self.isOfWord(answer[place - 1]) || from < answer.count && Self.isOfWord(answer[from])
          if isInWord { continue }
          unsafe text.append(contentsOf: UnsafeBufferPointer(rebasing: answer[copied..<place]))
          gaps.append(Gap(place: text.count, isID: false))
          copied = from
        }
        unsafe text.append(contentsOf: UnsafeBufferPointer(rebasing: answer[copied...]))
      }
    }
  }

  /// The first place from one on where some bytes stand; nil where there is none.
  private static func place(
    of digits: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    guard let base = text.baseAddress, let wanted = digits.baseAddress else { return nil }
    var from = start
    while from + digits.count <= text.count,
      let found = unsafe memchr(base + from, Int32(wanted[0]), text.count - from - digits.count + 1)
    {
      let place = unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
      if unsafe memcmp(found, wanted, digits.count) == 0 { return place }
      from = place + 1
    }
    return nil
  }

  private static let beginning = Array(#"{"schema": "fwtrace.trace/1", "id": ""#.utf8)

  /// Letters, digits, and the marks within addresses, prefixes and names.
  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d...0x2f, 0x5f: true
    default: false
    }
  }
}

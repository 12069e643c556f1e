import FlowTrace

/// An answer of a batch with gaps where it gives back what only its own question has: the name, and the values of the fields whose classes it is for.
struct AnswerTemplate {
  /// A gap: the place in the text that it stands before, and what stands in it, as in ``QuestionLine/Gap/kind``.
  struct Gap: Hashable {
    var place: Int
    var kind: UInt8
  }

  /// The answer without what stands in the gaps.
  private(set) var text: [UInt8] = []
  /// The gaps in their order.
  private(set) var gaps: [Gap] = []

  /// An answer and what its question had as values of the fields, as text.
  struct Sample {
    /// The answer, from behind the name of its question on.
    var rest: ArraySlice<UInt8>
    /// The text of each field that is open.
    var texts: [(field: PacketClasses.Field, text: [UInt8])]
  }

  /// Makes a template of one answer, for questions that differ in their name alone.
  init(_ rest: ArraySlice<UInt8>, hasName: Bool) {
    begin(hasName)
    text += rest
  }

  /// Makes a template of the answers to several questions of one class.
  ///
  /// A word is a gap where it is the value of one and the same field in all answers, and the answers differ there. Everything else must be the same in all of
  /// them; nil where it is not, since then something is worked out of a value.
  init?(_ samples: [Sample], hasName: Bool) {
    begin(hasName)
    guard let first = samples.first else { return nil }
    // What is the same in all answers is most of them.
    var places = samples.map(\.rest.startIndex)
    var ends = places
    var literal = places[0]
    while places[0] < first.rest.endIndex {
      let start = places[0]
      let word = Self.wordEnd(first.rest, start)
      var isSame = true
      for index in samples.indices.dropFirst() {
        let rest = samples[index].rest
        let end = places[index] < rest.endIndex ? Self.wordEnd(rest, places[index]) : places[index]
        isSame = isSame && Self.isEqual(rest, places[index]..<end, first.rest, start..<word)
        ends[index] = end
      }
      ends[0] = word
      if !isSame {
        text += first.rest[literal..<start]
        guard let kind = Self.field(samples, places, ends) else { return nil }
        gaps.append(Gap(place: text.count, kind: kind))
        literal = word
      }
      swap(&places, &ends)
    }
    text += first.rest[literal...]
    for (place, sample) in zip(places, samples) where place < sample.rest.endIndex { return nil }
  }

  /// The number of the one field whose value is the word in every answer; nil where there is none, or more than one.
  private static func field(_ samples: [Sample], _ starts: [Int], _ ends: [Int]) -> UInt8? {
    var found: UInt8?
    for (number, value) in samples[0].texts.enumerated() {
      let isHere = samples.indices.allSatisfy { index in
        samples[index].texts[number].text.elementsEqual(samples[index].rest[starts[index]..<ends[index]])
      }
      guard isHere else { continue }
      if found != nil { return nil }
      found = UInt8(value.field.rawValue)
    }
    return found
  }

  private static func isEqual(
    _ one: ArraySlice<UInt8>, _ mine: Range<Int>, _ other: ArraySlice<UInt8>, _ its: Range<Int>
  ) -> Bool {
    guard mine.count == its.count else { return false }
    for offset in 0..<mine.count where one[mine.lowerBound + offset] != other[its.lowerBound + offset] { return false }
    return true
  }

  private mutating func begin(_ hasName: Bool) {
    guard hasName else { return }
    text = Self.beginning
    gaps = [Gap(place: text.count, kind: QuestionLine.name)]
  }

  /// What stands behind the name in an answer, or the whole answer where the question has no name; nil of an answer that does not begin as the form says.
  static func rest(of answer: ArraySlice<UInt8>, name: ArraySlice<UInt8>?) -> ArraySlice<UInt8>? {
    guard let name else { return answer }
    guard answer.starts(with: beginning) else { return nil }
    let behind = answer.dropFirst(beginning.count)
    return behind.starts(with: name) ? behind.dropFirst(name.count) : nil
  }

  private static let beginning = Array(#"{"schema": "fwtrace.trace/1", "id": ""#.utf8)

  /// The end of the word that begins at a place, or of what stands there up to the next word.
  private static func wordEnd(_ text: ArraySlice<UInt8>, _ start: Int) -> Int {
    let isWord = isOfWord(text[start])
    var end = start + 1
    while end < text.endIndex, isOfWord(text[end]) == isWord { end += 1 }
    return end
  }

  /// Letters, digits, and the marks within addresses, prefixes and names.
  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d...0x2f, 0x5f, 0x80...0xff: true
    default: false
    }
  }
}

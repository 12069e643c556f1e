import FlowTrace

/// An answer of a batch with gaps where it gives back what only its own question has: the name, and the values of the
/// fields whose classes it is for.
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
  ///
  /// - Parameter beginning: what stands before the name; nil where the question has none.
  init(_ rest: ArraySlice<UInt8>, beginning: [UInt8]?) {
    begin(beginning)
    text += rest
  }

  /// Makes a template of the answers to several questions of one class.
  ///
  /// A word is a gap where it is the value of one and the same field in all answers, and the answers differ there.
  /// Everything else must be the same in all of them; nil where it is not, since then something is worked out of a
  /// value.
  init?(_ samples: [Sample], beginning: [UInt8]?) {
    begin(beginning)
    guard let first = samples.first?.rest else { return nil }
    var places = samples.map(\.rest.startIndex)
    while true {
      // What is the same in all answers is most of them.
      var same = first.endIndex - places[0]
      for (place, sample) in zip(places, samples).dropFirst() {
        same = min(same, Self.common(first[places[0]...], sample.rest[place...]))
      }
      let isEnd = zip(places, samples).allSatisfy { $0 + same == $1.rest.endIndex }
      // The word that differs begins with what is still the same of it.
      var start = places[0] + same
      while !isEnd, start > places[0], Self.isOfWord(first[start - 1]) { start -= 1 }
      same = start - places[0]
      text += first[places[0]..<start]
      if isEnd { return }
      let starts = places.map { $0 + same }
      let ends = zip(starts, samples).map { Self.wordEnd($1.rest, $0) }
      guard let kind = Self.field(samples, starts, ends) else { return nil }
      gaps.append(Gap(place: text.count, kind: kind))
      places = ends
    }
  }

  /// How many bytes two texts have in common from their beginnings on.
  private static func common(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Int {
    unsafe one.withUnsafeBufferPointer { one in
      unsafe other.withUnsafeBufferPointer { other in
        let count = min(one.count, other.count)
        var place = 0
        while place < count, unsafe one[place] == other[place] { place += 1 }
        return place
      }
    }
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

  private mutating func begin(_ beginning: [UInt8]?) {
    guard let beginning else { return }
    text = beginning
    gaps = [Gap(place: text.count, kind: QuestionLine.name)]
  }

  /// What stands behind the name in an answer, or the whole answer where the question has no name; nil of an answer
  /// that does not begin as the form says.
  static func rest(
    of answer: ArraySlice<UInt8>, behind beginning: [UInt8]?, _ name: ArraySlice<UInt8>
  ) -> ArraySlice<UInt8>? {
    guard let beginning else { return answer }
    guard answer.starts(with: beginning) else { return nil }
    let behind = answer.dropFirst(beginning.count)
    return behind.starts(with: name) ? behind.dropFirst(name.count) : nil
  }

  /// The end of the word that begins at a place.
  private static func wordEnd(_ text: ArraySlice<UInt8>, _ start: Int) -> Int {
    var end = start
    while end < text.endIndex, isOfWord(text[end]) { end += 1 }
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

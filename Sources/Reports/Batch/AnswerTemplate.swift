/// An answer of a batch with gaps where it gives back the name of its question and the source port.
package struct AnswerTemplate: Hashable, Sendable {
  private enum Gap: Hashable { case id, sourcePort }

  /// The answer without what stands in the gaps.
  private var text: [UInt8] = []
  /// The gaps and the places in the text that they stand before.
  private var gaps: [(place: Int, gap: Gap)] = []

  /// The number of bytes that the template takes up, about.
  package var size: Int { text.count + 16 * gaps.count }

  /// Makes a template of an answer. Every number that is the source port becomes a gap, whether it was copied from there or is the same by chance:
  /// only two answers to questions that differ in their source port tell which.
  ///
  /// Gives nil for an answer that does not begin as the form says.
  package init?(_ answer: ArraySlice<UInt8>, to question: QuestionLine) {
    var rest = answer
    if let id = question.id {
      let beginning = Self.beginning
      guard answer.count > beginning.count + id.count, answer.starts(with: beginning),
        answer.dropFirst(beginning.count).starts(with: id)
      else { return nil }
      text = beginning
      gaps.append((text.count, .id))
      rest = answer.dropFirst(beginning.count + id.count)
    }
    guard let port = question.sourcePort else {
      text += rest
      return
    }
    var from = rest.startIndex
    while from < rest.endIndex {
      let isWord = Self.isOfWord(rest[from])
      let end = rest[from...].firstIndex { Self.isOfWord($0) != isWord } ?? rest.endIndex
      if isWord, end - from == port.count, rest[from..<end].elementsEqual(port) {
        gaps.append((text.count, .sourcePort))
      } else {
        text += rest[from..<end]
      }
      from = end
    }
  }

  private static let beginning = Array(#"{"schema": "fwtrace.trace/1", "id": ""#.utf8)

  /// Letters, digits, and the marks within addresses, prefixes and names.
  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d...0x2f, 0x5f: true
    default: false
    }
  }

  /// Writes the answer to another question of the same pattern.
  package func write(for question: QuestionLine, to answers: inout [UInt8]) {
    var from = 0
    // The template is shared by all processors: a slice of it would count its users for every piece.
    unsafe text.withUnsafeBufferPointer { text in
      for (place, gap) in gaps {
        unsafe answers.append(contentsOf: UnsafeBufferPointer(rebasing: text[from..<place]))
        from = place
        if let given = gap == .id ? question.id : question.sourcePort { answers.append(contentsOf: given) }
      }
      unsafe answers.append(contentsOf: UnsafeBufferPointer(rebasing: text[from...]))
    }
  }

  package static func == (a: AnswerTemplate, b: AnswerTemplate) -> Bool {
    a.text == b.text && a.gaps.elementsEqual(b.gaps, by: ==)
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(text.count) }
}

import Synchronization

/// The answers that a batch gave, for later questions of the same class. Only a bounded number is kept.
final class KnownAnswers: Sendable {
  /// What is known of a class.
  enum Finding {
    /// The question is answered.
    case answered
    /// Nothing.
    case nothing
    /// The answer to one question with other values, from behind the question's name on.
    case first(rest: [UInt8], values: InlineArray<5, UInt32>)
    /// That its questions do not all get the same answer.
    case divided
  }

  /// Answers for whole classes, and answers to single questions, which come and go more often.
  private struct Part {
    var shared = AnswerShelf(size: 1 << 20)
    var single = AnswerShelf(size: 1 << 19)
  }

  // In parts, so that processors rarely wait for each other.
  private let parts = InlineArray<64, Mutex<Part>> { _ in Mutex(Part()) }
  /// A longer answer is not kept.
  private static let longestAnswer = 1 << 16

  /// Looks a question up, and writes its answer where that is known.
  ///
  /// - Parameters:
  ///   - key: The key of the question.
  ///   - question: The question.
  ///   - text: The text in which its line stands.
  ///   - answers: Where the answer is added.
  func find(
    _ key: borrowing QuestionKey, _ question: QuestionLine, of text: Span<UInt8>, to answers: inout AnswerBytes
  ) -> Finding {
    parts[part(of: key)].withLock { part in
      if let number = part.shared.find(key) {
        if part.shared.entries[number].isNote { return .divided }
        part.shared.write(number, question, of: text, to: &answers)
        return .answered
      }
      guard let number = part.single.find(key) else { return .nothing }
      let values = part.single.entries[number].values
      for field in 0..<5 where key.fields & 1 << UInt8(field) != 0 && values[field] != question.values[field] {
        return .first(rest: part.single.rest(of: number), values: values)
      }
      part.single.write(number, question, of: text, to: &answers)
      return .answered
    }
  }

  /// Keeps the answer to one question.
  func keep(first template: AnswerTemplate, to question: QuestionLine, for key: borrowing QuestionKey) {
    guard template.text.count <= Self.longestAnswer else { return }
    parts[part(of: key)].withLock { $0.single.keep(template, question.values, for: key) }
  }

  /// Keeps the answer to all questions of a class; nil notes that there is none.
  func keep(shared template: AnswerTemplate?, to question: QuestionLine, for key: borrowing QuestionKey) {
    parts[part(of: key)].withLock { $0.shared.keep(template, question.values, for: key) }
  }

  /// The number of classes with an answer for all their questions.
  var sharedAnswers: Int {
    var count = 0
    for index in 0..<64 { count += parts[index].withLock { $0.shared.entries.count { !$0.isNote } } }
    return count
  }

  // The upper bits: the lower ones find the place within the part.
  private func part(of key: borrowing QuestionKey) -> Int { Int(truncatingIfNeeded: key.hash >> 58) }
}

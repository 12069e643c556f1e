import Synchronization

/// The answers that a batch gave, for the questions that differ from an earlier one only in what makes no difference.
///
/// Logs of connections ask the same again and again: the same client and service, another source port. An answer is given again when the
/// question is the same but for its name; or, where no rule looks at source ports, when two answers for different source ports were the same but
/// for that number. Only a bounded number of answers is kept.
package final class KnownAnswers: Sendable {
  /// An answer, shared by those who give it again; what it is never changes.
  private final class Answer: Sendable {
    let pattern: [UInt8]
    let template: AnswerTemplate
    /// The source port of the question that it was the answer to.
    let sourcePort: [UInt8]?
    /// Whether another source port got the same answer.
    let isConfirmed: Bool

    init(_ template: AnswerTemplate, to question: QuestionLine, after old: Answer?) {
      pattern = question.pattern
      self.template = template
      sourcePort = question.sourcePort.map { Array($0) }
      isConfirmed =
        old.map { old in
          old.pattern == question.pattern && old.template == template
            && (old.isConfirmed || !old.isOfPort(question))
        } ?? false
    }

    /// Whether a question has the same source port.
    private func isOfPort(_ question: QuestionLine) -> Bool {
      switch (sourcePort, question.sourcePort) {
      case (let mine?, let other?): mine.elementsEqual(other)
      case (nil, nil): true
      default: false
      }
    }

    /// Whether it is the answer to a question.
    func answers(_ question: QuestionLine) -> Bool {
      pattern == question.pattern && (isConfirmed || isOfPort(question))
    }
  }

  /// A part of the answers, so that processors rarely wait for each other.
  private final class Part: Sendable {
    struct State {
      var answers: [Int: Answer] = [:]
      var size = 0
    }
    let state = Mutex(State())
  }

  private let parts = (0..<64).map { _ in Part() }
  /// Whether the source port makes a difference.
  private let keepsSourcePort: Bool

  /// How many bytes a part holds before it begins anew.
  private static let partSize = 1 << 20
  /// A longer answer is not kept.
  private static let longestAnswer = 1 << 16

  /// Begins without answers.
  ///
  /// - Parameter keepsSourcePort: Whether some rule may look at source ports, so that they make a difference.
  package init(keepsSourcePort: Bool) { self.keepsSourcePort = keepsSourcePort }

  /// The line as a question that may be known; nil of a line that is not plain.
  package func question(_ bytes: [UInt8], _ line: Range<Int>) -> QuestionLine? {
    QuestionLine(bytes, line, keepsSourcePort: keepsSourcePort)
  }

  /// Writes the answer to a question if it is known; false if not.
  package func answer(_ question: QuestionLine, to answers: inout [UInt8]) -> Bool {
    let (part, hash) = place(of: question)
    guard let known = part.state.withLock({ $0.answers[hash] }), known.answers(question) else { return false }
    known.template.write(for: question, to: &answers)
    return true
  }

  /// Keeps an answer that was found out.
  package func keep(_ answer: ArraySlice<UInt8>, to question: QuestionLine) {
    guard answer.count <= Self.longestAnswer, let template = AnswerTemplate(answer, to: question) else { return }
    let (part, hash) = place(of: question)
    part.state.withLock { state in
      let old = state.answers[hash]
      if let old {
        state.size -= old.pattern.count + old.template.size
      } else if state.size > Self.partSize {
        state = Part.State()
      }
      state.size += question.pattern.count + template.size
      state.answers[hash] = Answer(template, to: question, after: old)
    }
  }

  private func place(of question: QuestionLine) -> (Part, hash: Int) {
    var hasher = Hasher()
    unsafe question.pattern.withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
    let hash = hasher.finalize()
    return (parts[hash & (parts.count - 1)], hash)
  }
}

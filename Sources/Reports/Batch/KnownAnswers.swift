import Glibc
import Synchronization

/// The answers that a batch gave, for the questions that differ from an earlier one only in what makes no difference.
///
/// Logs of connections ask the same again and again: the same client and service, another source port. An answer is given again when the
/// question is the same but for its name; or, where no rule looks at source ports, when two answers for different source ports were the same but
/// for that number. Only a bounded number of answers is kept.
package final class KnownAnswers: Sendable {
  // In parts, so that processors rarely wait for each other.
  private let parts = InlineArray<64, Mutex<AnswerShelf>> { _ in Mutex(AnswerShelf()) }
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
  ///
  /// - Parameters:
  ///   - bytes: A text.
  ///   - line: The place of the line in it, without its end.
  package func question(_ bytes: [UInt8], _ line: Range<Int>) -> QuestionLine? {
    QuestionLine(bytes, line, keepsSourcePort: keepsSourcePort)
  }

  /// Writes the answer to a question if it is known; false if not.
  package func answer(_ question: QuestionLine, to answers: inout [UInt8]) -> Bool {
    parts[part(of: question)].withLock { $0.write(question, to: &answers) }
  }

  /// Keeps an answer that was found out.
  package func keep(_ answer: ArraySlice<UInt8>, to question: QuestionLine) {
    guard answer.count <= Self.longestAnswer, let template = AnswerTemplate(answer, to: question) else { return }
    parts[part(of: question)].withLock { shelf in
      if shelf.size > Self.partSize { shelf = AnswerShelf() }
      shelf.keep(template, question)
    }
  }

  private func part(of question: QuestionLine) -> Int { question.hash & (parts.count - 1) }
}

/// Answers in one piece of memory: looking at one counts no users, which all processors would do for each question.
private struct AnswerShelf {
  private struct Answer {
    /// Places in the memory.
    var pattern: Range<Int>
    var text: Range<Int>
    /// The source port of the question that it was the answer to.
    var port: Range<Int>?
    /// Places in the list of gaps.
    var gaps: Range<Int>
    /// Whether another source port got the same answer.
    var isConfirmed: Bool
  }

  private var memory: [UInt8] = []
  private var gaps: [AnswerTemplate.Gap] = []
  private var answers: [Int: Answer] = [:]

  /// The number of bytes in use, about.
  var size: Int { memory.count + 32 * gaps.count }

  /// Writes the answer to a question, where there is one; false if not.
  func write(_ question: QuestionLine, to answers: inout [UInt8]) -> Bool {
    guard let answer = self.answers[question.hash], holds(question.pattern, answer.pattern),
      answer.isConfirmed || isOfPort(answer, question)
    else { return false }
    var from = answer.text.lowerBound
    unsafe memory.withUnsafeBufferPointer { memory in
      for index in answer.gaps {
        let place = answer.text.lowerBound + gaps[index].place
        unsafe answers.append(contentsOf: UnsafeBufferPointer(rebasing: memory[from..<place]))
        from = place
        question.write(gaps[index], to: &answers)
      }
      unsafe answers.append(contentsOf: UnsafeBufferPointer(rebasing: memory[from..<answer.text.upperBound]))
    }
    return true
  }

  /// Keeps the answer to a question, in the place of an earlier one.
  mutating func keep(_ template: AnswerTemplate, _ question: QuestionLine) {
    var answer = Answer(pattern: 0..<0, text: 0..<0, port: nil, gaps: gaps.count..<gaps.count, isConfirmed: false)
    if let old = answers[question.hash], holds(question.pattern, old.pattern), holds(template.text, old.text),
      gaps[old.gaps].elementsEqual(template.gaps)
    {
      if isOfPort(old, question) { return }
      answer = old
      answer.isConfirmed = true
    } else {
      answer.pattern = put(question.pattern[...])
      answer.text = put(template.text[...])
      answer.port = question.sourcePort.map { put($0) }
      gaps += template.gaps
      answer.gaps = answer.gaps.lowerBound..<gaps.count
    }
    answers[question.hash] = answer
  }

  private mutating func put(_ bytes: ArraySlice<UInt8>) -> Range<Int> {
    memory += bytes
    return memory.count - bytes.count..<memory.count
  }

  /// Whether the same bytes stand in a place of the memory.
  private func holds(_ bytes: [UInt8], _ place: Range<Int>) -> Bool {
    guard bytes.count == place.count else { return false }
    return unsafe memory.withUnsafeBufferPointer { memory in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        guard let mine = memory.baseAddress, let its = bytes.baseAddress else { return true }
        return unsafe memcmp(mine + place.lowerBound, its, place.count) == 0
      }
    }
  }

  /// Whether an answer is to a question with the same source port.
  private func isOfPort(_ answer: Answer, _ question: QuestionLine) -> Bool {
    switch (answer.port, question.sourcePort) {
    case (let mine?, let other?): memory[mine].elementsEqual(other)
    case (nil, nil): true
    default: false
    }
  }
}

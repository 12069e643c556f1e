import Synchronization
import Traffic

/// How often a batch gave each answer, whatever its question was called.
final class AnswerCounts: Sendable {
  private struct State {
    /// Answers without the names of their questions.
    var counts: [[UInt8]: Int] = [:]
    /// Lines that are no questions, and the first of their errors by block.
    var errors = 0
    var firstErrors: [(block: Int, answer: [UInt8])] = []
  }

  private let state = Mutex(State())
  private let isTable: Bool

  /// How many errors are shown.
  private static let shownErrors = 5

  /// Counts answers that are rows of a table, or objects.
  init(isTable: Bool) { self.isTable = isTable }

  /// Counts the answers to a block.
  func add(_ answers: AnswerBytes, ofBlock number: Int) {
    var counts: [ArraySlice<UInt8>: Int] = [:]
    var errors: [ArraySlice<UInt8>] = []
    let bytes = answers.bytes
    var at = bytes.startIndex
    while at < bytes.endIndex {
      let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
      let answer = withoutName(bytes[at..<end])
      if isError(answer) { errors.append(answer) } else { counts[answer, default: 0] += 1 }
      at = end + 1
    }
    state.withLock { state in
      for (answer, count) in counts { state.counts[Array(answer), default: 0] += count }
      state.errors += errors.count
      for answer in errors.prefix(Self.shownErrors) { state.firstErrors.append((number, Array(answer))) }
      if state.firstErrors.count > 64 * Self.shownErrors { state.firstErrors = Self.first(of: state.firstErrors) }
    }
  }

  private static func first(of errors: [(block: Int, answer: [UInt8])]) -> [(block: Int, answer: [UInt8])] {
    // The sort is stable: errors of one block are in the order of their lines.
    Array(errors.sorted { $0.block < $1.block }.prefix(shownErrors))
  }

  private static let beginning = Array(#"{"id": ""#.utf8)
  private static let errorMember = Array(#""error": "#.utf8)
  private static let errorCell = Array("error\t".utf8)

  private func isError(_ answer: ArraySlice<UInt8>) -> Bool {
    answer.starts(with: isTable ? Self.errorCell : Self.errorMember)
  }

  /// What stands behind the name of the question, of an object without its brace.
  private func withoutName(_ answer: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    if isTable { return answer.drop { $0 != UInt8(ascii: "\t") }.dropFirst() }
    guard answer.starts(with: Self.beginning) else { return answer.dropFirst() }
    var at = answer.startIndex + Self.beginning.count
    while at < answer.endIndex, answer[at] != UInt8(ascii: "\"") {
      at += answer[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    // The quotation mark, a comma and a blank.
    return answer[min(at + 3, answer.endIndex)...]
  }

  /// Writes each answer with its count, the most frequent first, and the first errors to standard error.
  func write() {
    let (counts, errors, first) = state.withLock { ($0.counts, $0.errors, Self.first(of: $0.firstErrors)) }
    var bytes: [UInt8] = []
    for (answer, count) in counts.sorted(by: { ($1.value, $0.key.text) < ($0.value, $1.key.text) }) {
      bytes += (isTable ? "\(count)\t" : "{\"count\": \(count), ").utf8
      bytes += answer
      bytes.append(UInt8(ascii: "\n"))
    }
    Output.write(bytes)
    guard errors > 0 else { return }
    Output.error("fwtrace: \(errors) line\(errors == 1 ? " is" : "s are") no question\n")
    for error in first { Output.error("  \(error.answer.text.replacing("\t", with: ": "))\n") }
  }
}

extension [UInt8] {
  fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}

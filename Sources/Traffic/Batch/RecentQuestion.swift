import FlowTrace
import RuleGraph

/// What the last question asked, so that one that differs in its name and in plain values alone need not be read again.
struct RecentQuestion {
  private var lastKey = QuestionKey()
  private var key = QuestionKey()
  private var query: Query?

  /// What a question asks.
  ///
  /// - Parameters:
  ///   - question: The question.
  ///   - text: The text in which its line stands.
  ///   - read: Reads the line.
  mutating func query(
    _ question: QuestionLine, of text: Span<UInt8>, _ read: () throws(BatchProblem) -> Query
  ) throws(BatchProblem) -> Query {
    key.take(question, of: text, question.open, hasClasses: false)
    guard var query, key.isSame(as: lastKey) else {
      let query = try read()
      self.query = query
      swap(&key, &lastKey)
      return query
    }
    if question.hasName {
      let name = question.place(ofKind: QuestionLine.name)
      query.id = unsafe text.withUnsafeBufferPointer { unsafe String(decoding: $0[name], as: UTF8.self) }
    }
    for field in PacketClasses.Field.allCases where question.open & 1 << UInt8(field.rawValue) != 0 {
      let value = question.values[field.rawValue]
      query[field] = ValueSet(field.isAddress ? IPAddress(ipv4: value).bits : UInt128(value))
    }
    return query
  }
}

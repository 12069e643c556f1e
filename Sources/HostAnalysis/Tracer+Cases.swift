import FlowTrace

extension Tracer {
  /// What becomes of the packets of a question, without what explains it.
  ///
  /// - Parameters:
  ///   - query: The question.
  ///   - tracesReplies: Whether the answers are traced, too.
  func cases(of query: Query, tracesReplies: Bool = false) -> [Case] {
    var options = Tracer.Options()
    options.findsNearMisses = false
    options.tracesReply = tracesReplies
    return trace(query, options: options).cases
  }
}

/// Something to tell about the input: what could not be read, what was assumed about it, what contradicts itself.
///
/// The ``id`` is stable and separate from the wording, so that tools and tests can rely on it.
public struct Diagnostic: Hashable, Sendable {
  /// How much a diagnostic matters for the answer.
  public enum Severity: String, Hashable, Sendable {
    /// The input can't be used at all.
    case error
    /// Something was not understood or contradicts itself: the answer may be incomplete.
    case warning
    /// Worth knowing; the answer is complete.
    case note
  }

  /// The stable name of the kind of diagnostic, in kebab case: `unreadable-line`, `table-printed-twice`.
  public var id: String
  /// How much it matters.
  public var severity: Severity
  /// One sentence for the user.
  public var message: String
  /// Where in the input, when it has a place.
  public var span: SourceSpan?
  /// The column in the line, counted from 1 in bytes, for a caret; nil when the whole line is meant.
  public var column: Int?
  /// What would have been right here, for an error of form.
  public var expected: String?

  /// Makes a diagnostic.
  public init(
    _ id: String, _ severity: Severity, _ message: String, span: SourceSpan? = nil, column: Int? = nil,
    expected: String? = nil
  ) {
    self.id = id
    self.severity = severity
    self.message = message
    self.span = span
    self.column = column
    self.expected = expected
  }
}

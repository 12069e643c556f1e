/// Why this host can't be read, in words for the user.
public struct LiveFailure: Error, Hashable, Sendable {
  /// The kinds of reason.
  public enum Code: Hashable, Sendable {
    /// Neither root nor `CAP_NET_ADMIN`: the kernel shows its rules to nobody else.
    case notPermitted
    /// No network namespace of this name, process or container.
    case noSuchNamespace
    /// The kernel refused to enter the namespace.
    case namespaceClosed
  }

  /// The kind of reason.
  public var code: Code
  /// What is wrong and what would be right.
  public var message: String

  /// Makes a failure.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

public import RuleGraph

/// A tracked connection (`conntrack -L`).
public struct TrackedConnection: Hashable, Sendable {
  /// The transport protocol number.
  public var transport: UInt8
  /// The tuple of the first packet: source and destination.
  public var original: (source: Endpoint, destination: Endpoint) { (originalSource, originalDestination) }
  /// The tuple of the answers: source and destination.
  public var reply: (source: Endpoint, destination: Endpoint) { (replySource, replyDestination) }
  /// `ESTABLISHED`, `SYN_SENT`, ...; nil for protocols without states.
  public var state: String?
  /// The connection's mark.
  public var mark: UInt32
  /// Flags: `ASSURED`, `UNREPLIED`.
  public var flags: [String]
  /// Where it stands.
  public var span: SourceSpan?

  private var originalSource: Endpoint
  private var originalDestination: Endpoint
  private var replySource: Endpoint
  private var replyDestination: Endpoint

  /// Makes a connection.
  public init(
    transport: UInt8, original: (source: Endpoint, destination: Endpoint),
    reply: (source: Endpoint, destination: Endpoint),
    state: String? = nil, mark: UInt32 = 0, flags: [String] = [], span: SourceSpan? = nil
  ) {
    self.transport = transport
    originalSource = original.source
    originalDestination = original.destination
    replySource = reply.source
    replyDestination = reply.destination
    self.state = state
    self.mark = mark
    self.flags = flags
    self.span = span
  }
}

public import RuleGraph

/// A question about a packet. What it does not fix is open: the trace answers for every value of it.
///
///     var query = Query(.tcp, from: "203.0.113.0/24", to: "172.17.0.2", port: 8080)
///     query.input = .interface("eth0")
///
/// Each field is a `ValueSet` of `RuleGraph`, whatever it holds: addresses (`"172.17.0.0/16"`), ports (`[80, 443]`),
/// protocols (`.tcp`) and interfaces (`.interface("docker0")`). ``QueryBuilder`` makes a query from text, such as the
/// options of the command line.
public struct Query: Hashable, Sendable {
  /// Who sends the packet.
  public enum Origin: Hashable, Sendable {
    /// Not said: it may arrive on an interface or be sent by the host itself.
    case open
    /// It arrives on an interface.
    case wire
    /// A process of the host sends it.
    case host
  }

  /// Which packet of a connection is meant.
  public enum Phase: Hashable, Sendable {
    /// A packet without a connection so far: what conntrack says of it depends on its protocol and flags.
    case first
    /// A later packet of the original direction, translated as the first one was.
    case established
    /// The answer to the connection that the query describes: its fields are those of the original direction.
    case reply
    /// A packet that is related to a connection (an ICMP error); it is not translated by rules.
    case related
    /// A packet that conntrack calls invalid, whatever it is.
    case invalid
    /// A packet that is not tracked.
    case untracked
  }

  /// A name for the question, given back in the answer of a batch.
  public var id: String?
  /// Who sends the packet.
  public var origin: Origin = .open
  /// Which packet of a connection.
  public var phase: Phase = .first
  /// The family; nil is decided by the addresses, else both are traced.
  public var family: AddressFamily?
  /// The source addresses; nil is open.
  public var source: ValueSet?
  /// The destination addresses; nil is open.
  public var destination: ValueSet?
  /// The transport protocol numbers; nil is open.
  public var transport: ValueSet?
  /// The source ports; nil is open.
  public var sourcePort: ValueSet?
  /// The destination ports; nil is open.
  public var destinationPort: ValueSet?
  /// The names of the interface it arrives on; nil is open. Ignored for a packet of the host.
  public var input: ValueSet?
  /// The names of the interface it leaves through; cases that leave otherwise are not shown. Nil is open.
  public var output: ValueSet?
  /// The bridge port it arrives through; nil is open.
  public var physicalInput: ValueSet?
  /// Any other field with its values: mark, TCP flags, ICMP type, TTL, DSCP, length, user id.
  public var fields: [Field: ValueSet] = [:]
  /// The name of the container without a network (`--network none`) that sends or is to receive; nil where each of the
  /// two has one.
  public var withoutNetwork: String?
  /// The name of the container that sends, where the question names one.
  public var sender: String?
  /// What the words of the question were taken to mean (which leg of a container sends).
  public var assumptions: [Assumption] = []
  /// What there is to say of the question's words (a name that the sender does not know).
  public var remarks: [Remark] = []
  /// Addresses to take as the host's own although no dump says so.
  public var hostAddresses: ValueSet = .empty

  /// Makes a question about the first packet of a connection. What is left out stays open.
  ///
  /// - Parameters:
  ///   - transport: The protocol: `.tcp`; TCP where a port is given without one.
  ///   - source: The source addresses: `"203.0.113.0/24"`.
  ///   - destination: The destination addresses.
  ///   - port: The destination ports: `8080`, `[80, 443]`, `ValueSet(8000...8999)`.
  ///   - input: The interface that the packet comes in on: `.interface("eth0")`; without it, the host itself may be the
  ///     sender, too.
  public init(
    _ transport: ValueSet? = nil, from source: ValueSet? = nil, to destination: ValueSet? = nil, port: ValueSet? = nil,
    input: ValueSet? = nil
  ) {
    self.transport = transport ?? (port == nil ? nil : .tcp)
    self.source = source
    self.destination = destination
    destinationPort = port
    self.input = input
    if input != nil { origin = .wire }
  }
}

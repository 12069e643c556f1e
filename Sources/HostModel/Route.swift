public import RuleGraph

/// A route (ip-route(8)).
public struct Route: Hashable, Sendable {
  /// The kinds of route that decide a packet's fate differently.
  public enum Kind: String, Hashable, Sendable {
    case unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit
    case `throw`
  }

  /// A way out: gateway and interface.
  public struct NextHop: Hashable, Sendable {
    /// The gateway; nil for a directly connected subnet.
    public var gateway: IPAddress?
    /// The interface; nil when not told.
    public var interface: String?
    /// The weight among several next hops.
    public var weight: Int

    /// Makes a next hop.
    public init(gateway: IPAddress?, interface: String?, weight: Int = 1) {
      self.gateway = gateway
      self.interface = interface
      self.weight = weight
    }
  }

  /// The kind.
  public var kind: Kind
  /// The destinations; the family's `/0` is the default route.
  public var destination: Prefix
  /// The ways out; several for a multipath route.
  public var nextHops: [NextHop]
  /// The routing table's name or number as printed: `main`, `local`, `default`, `100`.
  public var table: String
  /// The preferred source address.
  public var source: IPAddress?
  /// The metric; lower is preferred. IPv6 routes without one have 1024.
  public var metric: Int
  /// `link`, `global`, `host`; nil when not told.
  public var scope: String?
  /// The type of service that it is limited to.
  public var tos: UInt8?
  /// Whether the route can't be used at the moment (`dead`). One that is only `linkdown` is used all the same: its
  /// interface lacks carrier, and ip-route(8) prints `dead linkdown` where the host ignores such routes
  /// (`ignore_routes_with_linkdown`).
  public var isDead: Bool
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a route.
  public init(
    _ kind: Kind = .unicast, to destination: Prefix, nextHops: [NextHop], table: String = "main",
    source: IPAddress? = nil,
    metric: Int = 0, scope: String? = nil, tos: UInt8? = nil, isDead: Bool = false, span: SourceSpan? = nil
  ) {
    self.kind = kind
    self.destination = destination
    self.nextHops = nextHops
    self.table = table
    self.source = source
    self.metric = metric
    self.scope = scope
    self.tos = tos
    self.isDead = isDead
    self.span = span
  }
}

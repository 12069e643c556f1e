import RuleGraph

/// The way that was chosen for a packet.
struct RouteChoice {
  /// The gateway, when the destination is not on the link itself.
  var gateway: IPAddress?
  /// The source address that the route prefers.
  var source: IPAddress?
}

/// What the answer of the routing tables may depend on although no dump tells it.
enum RouteQuestion: Hashable {
  /// Whether a policy rule applies, by its place in order.
  case selector(Int)
  /// Whether a table that no dump shows has a route for the destination.
  case table(String)
  /// Whether that route leads to the host itself.
  case tableLeadsHere(String)
  /// Whether a route whose destination is masked is the one of a network, by its place among those of the host.
  case maskedRoute(Int, Prefix)
  /// Whether the destination is on the link of a bridge whose network no dump tells.
  case link(of: String)
}

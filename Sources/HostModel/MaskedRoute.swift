package import RuleGraph

/// A route whose destination the dump masks: `x.x.x.x/16 dev docker0`, `blackhole x.x.x.x/24`.
package struct MaskedRoute: Hashable, Sendable {
  /// The addresses whose network may be the destination.
  package var destination: MaskedValue
  /// The length of the destination's prefix, in bits.
  package var length: Int
  /// The family of its addresses.
  package var family: AddressFamily
  /// Whether it leads out, or in which way it refuses.
  package var kind: Route.Kind
  /// The ways to the next host, none for a route that leads nowhere.
  package var nextHops: [Route.NextHop]
  /// The routing table that holds it.
  package var table: String
  /// Whether it comes with an address of an interface (`inet x.x.x.x/16`), and no routing table shows it.
  package var isConnected: Bool

  /// Makes a route to a masked network of a length.
  package init(
    to destination: MaskedValue, length: Int, _ family: AddressFamily,
    kind: Route.Kind = .unicast, nextHops: [Route.NextHop], table: String = "main", isConnected: Bool = false
  ) {
    self.destination = destination
    self.length = length
    self.family = family
    self.kind = kind
    self.nextHops = nextHops
    self.table = table
    self.isConnected = isConnected
  }

  /// The network of its length that an address is in; nil where it can't be the destination, whatever is hidden.
  package func network(of address: IPAddress) -> Prefix? {
    guard address.family == family, let network = Prefix(address, length: length),
      !destination.possible.isDisjoint(with: network.values)
    else { return nil }
    return network
  }
}

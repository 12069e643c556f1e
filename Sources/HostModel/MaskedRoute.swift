package import RuleGraph

/// A route whose destination the dump masks: `x.x.x.x/16 dev docker0`.
package struct MaskedRoute: Hashable, Sendable {
  /// Where it leads.
  package var route: Route
  /// The addresses whose network may be the destination.
  package var destination: MaskedValue
  /// Whether it comes with an address of an interface (`inet x.x.x.x/16`), and no routing table shows it.
  package var isConnected: Bool

  /// Makes a route whose destination is masked; that of the route only tells the family and the length.
  package init(_ route: Route, destination: MaskedValue, isConnected: Bool = false) {
    self.route = route
    self.destination = destination
    self.isConnected = isConnected
  }

  /// The family of its addresses.
  package var family: AddressFamily { route.destination.family }

  /// The network of its length that an address is in; nil where it can't be the destination, whatever is hidden.
  package func network(of address: IPAddress) -> Prefix? {
    guard address.family == family, let network = Prefix(address, length: route.destination.length),
      !destination.possible.isDisjoint(with: network.values)
    else { return nil }
    return network
  }
}

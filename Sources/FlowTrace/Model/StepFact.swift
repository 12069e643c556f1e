public import RuleGraph

extension Step {
  /// What there is to say of an event without a rule. Addresses that are nil are too many for a sentence.
  public enum Fact: Hashable, Sendable {
    // Routing.
    /// Addresses are on the link of interfaces, one of them, or behind a gateway there.
    case onLink(ValueSet, interfaces: [String], gateway: IPAddress?)
    /// Addresses are reached through an interface that is not known: none of these.
    case unknownRoute(ValueSet, notThrough: [String])
    /// The packet goes back through the interface that the first one came in on.
    case backThroughArrival
    /// The destination is this host.
    case thisHost(ValueSet?)
    /// The destination is a broadcast address.
    case broadcast(ValueSet?)
    /// The destination is the group of all hosts on the link.
    case allHosts
    /// The packet comes back in on loopback.
    case backOnLoopback

    // Conntrack.
    /// Conntrack puts the source or the destination of a reply back.
    case putBack(isSource: Bool)
    /// Conntrack translates a later packet as the first one.
    case repeatedTranslation

    // Bridges.
    /// A bridge carries the packet from port to port.
    case bridged(by: String?)
    /// The same, past all rules, since bridge-nf-call-iptables is 0.
    case bridgedPastRules(by: String)

    // Packets that no rule of this host sees.
    /// A container speaks to itself.
    case ownNamespace(String)
    /// Containers share one network namespace.
    case sharedNamespace([String])
    /// An overlay network carries the packet to a container.
    case overlay(network: String, to: String)
    /// The containers of a network of this driver are on the wire themselves, through a parent where that is known.
    case onTheWire(network: String, driver: String, parent: String?)
  }
}

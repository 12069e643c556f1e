public import RuleGraph

/// A place that packets come from: the hosts beyond an interface, the containers of a network, or the host itself.
public struct Zone: Hashable, Sendable {
  /// What is there.
  public enum Kind: Hashable, Sendable {
    /// Other hosts; the far end of a VPN is such a place, too. Nil stands for the interfaces that neither dumps nor
    /// rules name.
    case outside(interface: String?)
    /// Containers or virtual machines behind a bridge.
    case network(bridge: String)
    /// The host's own programs.
    case host
  }

  /// What is there.
  public var kind: Kind
  /// The name of the container network, where it is told.
  public var networkName: String?
  /// The subnets that are there, as far as they are known.
  public var prefixes: [Prefix]
  /// The host's own addresses on its side of the zone.
  public var gateways: [IPAddress]
  /// The interfaces that its packets arrive on; empty for the host itself.
  package var input: ValueSet
  /// The addresses that its packets come from when nobody forges them; nil where that is for the tracer to know.
  package var sources: [AddressFamily: ValueSet]

  /// Whether it is a place of other hosts.
  public var isOutside: Bool { if case .outside = kind { true } else { false } }

  /// The interface or bridge, where it is one.
  public var interface: String? {
    switch kind {
    case .outside(let interface): interface
    case .network(let bridge): bridge
    case .host: nil
    }
  }
}

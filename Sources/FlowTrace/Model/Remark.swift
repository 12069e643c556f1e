public import HostModel
public import RuleGraph

/// A fact about a case beside its verdict, for the explanation. Its rules and chains are those of the ruleset that was
/// traced.
public enum Remark: Hashable, Sendable {
  // Whose packets these are.
  /// The container that the question is about has no network.
  case noNetwork(container: String)
  /// The sender joined the network of another container.
  case sharedNetwork(sender: String?, owner: String)
  /// Inside the sender the receiver's name means nothing: they share no network, or only the default one.
  case unknownName(of: String, inside: String, sharesNetwork: Bool)
  /// So many rules in the sender's own network namespace, and none stops or changes the packets.
  case senderNamespace(of: String, rules: Int)
  /// The connection's first packet does not get through.
  case noConnection

  // What rules do beside the verdict.
  /// A copy of the packet goes to an address or through a device, or, of a device's own chains, out of one.
  case copy(to: String?, device: String?, isOut: Bool)
  /// A reject that sends nothing to such a packet.
  case silentReject
  /// A rule accepted the packet, and a later base chain of the hook decided otherwise.
  case acceptNotFinal(RuleID, overruledBy: ChainID)
  /// The rule that decides has counted no packet, and another one of the chain the most.
  case uncounted(busiest: RuleID)
  /// The rule that decides has counted no packet, and the policy of the chain has.
  case uncountedBesidePolicy(of: ChainID)
  /// Rules that no dump shows may have translated the source.
  case unknownSource

  // Docker's rules.
  /// Docker's policy of FORWARD met a packet between interfaces that no rule names.
  case dockerForwardPolicy(of: ChainID, interfaces: [String])
  /// Docker keeps the containers of a bridge apart (`--icc=false`).
  case dockerNeighboursApart(bridge: String)
  /// A port that was published on loopback is reached over the wire, since this rule translates it.
  case loopbackPortReached(translatedBy: RuleID)
  /// A port that was published on one address is closed to other hosts.
  case loopbackPortClosed(IPAddress?)
  /// A container's own address is closed to what does not come through its bridge.
  case directAccess(bridge: String)

  // Who gets a packet that is delivered to the host.
  /// A program listens on the port.
  case listener(program: String?, transport: UInt128, port: UInt128)
  /// Nothing listens on the port.
  case closedPort(transport: UInt128, port: UInt128)
  /// Nothing listens on the port at the packet's address, and a program does at another.
  case closedPortHere(transport: UInt128, port: UInt128, of: ValueSet, program: String?, listensOn: Endpoint)
  /// docker-proxy has the port, and connects on to the container, to an endpoint where that is known.
  case dockerProxy(port: Int, to: Endpoint?)
  /// The container sees this client.
  case sourceSeen(IPAddress)

  /// The stable name of the kind, for tools: `docker-proxy`, `closed-port`, `source-seen`.
  public var id: String {
    switch self {
    case .noNetwork: "no-network"
    case .sharedNetwork: "shared-network"
    case .unknownName: "unknown-name"
    case .senderNamespace: "sender-namespace"
    case .noConnection: "no-connection"
    case .copy: "copy"
    case .silentReject: "reject-silent"
    case .acceptNotFinal: "accept-not-final"
    case .uncounted, .uncountedBesidePolicy: "counter"
    case .unknownSource: "source-unknown"
    case .dockerForwardPolicy: "docker-forward-policy"
    case .dockerNeighboursApart: "docker-icc"
    case .loopbackPortReached, .loopbackPortClosed: "docker-loopback-port"
    case .directAccess: "docker-direct-access"
    case .listener: "listener"
    case .closedPort, .closedPortHere: "closed-port"
    case .dockerProxy: "docker-proxy"
    case .sourceSeen: "source-seen"
    }
  }

  /// Whether it says that nothing listens on the port.
  package var isClosedPort: Bool {
    switch self {
    case .closedPort, .closedPortHere: true
    default: false
    }
  }
}

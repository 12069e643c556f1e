public import RuleGraph

/// Something taken for granted that no dump told, with what would settle it.
public struct Assumption: Hashable, Sendable {
  /// What is taken for granted.
  public var fact: Fact
  /// What it was inferred from: a rule, where one tells.
  public var evidence: RuleID?
  /// The command whose output would settle it.
  public var settledBy: String?

  /// Makes an assumption.
  public init(_ fact: Fact, evidence: RuleID? = nil, settledBy: String? = nil) {
    self.fact = fact
    self.evidence = evidence
    self.settledBy = settledBy
  }

  /// The stable name of the kind of fact, for tools: `local-address`, `subnet-of-interface`, `ip-forward`.
  public var id: String { fact.id }
}

extension Assumption {
  /// What can be taken for granted, with its values.
  public enum Fact: Hashable, Sendable {
    // Addresses.
    /// An address is the host's, on an interface where that is known.
    case gatewayAddress(IPAddress, interface: String?)
    /// An address is the host's, since a rule translates the port that is asked about.
    case localAddress(IPAddress)
    /// An address is not the host's.
    case foreignAddress(IPAddress)
    /// An address, or where it is nil the destination, is not the host's: the question has the packet leave again.
    case leavesAgain(IPAddress?)
    /// The same, since the host's routes lead there through another interface.
    case routedThrough(IPAddress?)
    /// The same of a source: its packets come in from outside.
    case comesFromOutside(IPAddress)
    /// An interface is on a subnet.
    case subnetOfInterface(String, Prefix)
    /// The destination is on the link of an interface, since the question has the packet leave through it.
    case neighbour(interface: String)
    /// The interface whose name no dump shows is this one.
    case unnamedInterface(String)

    // Who sends.
    /// The host sends, since the source is its own.
    case sentByHost(source: ValueSet)
    /// The packets come in where the subnet of their source is.
    case comesFromSubnet(source: ValueSet, interface: String)
    /// The packets come in where the route back leads to.
    case comesFromRoute(source: ValueSet, interface: String)
    /// The default route of a container is on one of its networks.
    case defaultLeg(container: String?, network: String)

    // The host's routes and settings.
    /// The route to addresses leaves through an interface whose subnet is not known: none of these.
    case route(to: ValueSet, notThrough: [String])
    /// The host forwards packets of a family.
    case ipForward(AddressFamily)
    /// Reverse path filtering lets packets of a source in, although the route back leads elsewhere.
    case rpFilter(source: IPAddress, interface: String)
    /// Whether packets with a loopback source may leave, through an interface where that is known.
    case routeLocalnet(isOn: Bool, interface: String?)
    /// Bridged packets pass the rules.
    case bridgeNetfilter
    /// A bridge may send frames back through the port that they came from.
    case hairpin
    /// docker-proxy listens on a port of a transport protocol.
    case dockerProxy(transport: UInt128, port: UInt128)

    // Rules that no dump shows.
    /// Tables of iptables hold no rules.
    case untoldTables([String], AddressFamily)
    /// Chains of a table of iptables hold no rules.
    case untoldChains([String], table: String, AddressFamily)
    /// nftables has no tables but those that were listed.
    case untoldNftTables
    /// A table holds what dumps say of published ports and no more.
    case inferredTable(String)
  }
}

extension Assumption.Fact {
  /// The stable name of the kind, for tools.
  public var id: String {
    switch self {
    case .gatewayAddress: "gateway-address"
    case .localAddress: "local-address"
    case .foreignAddress, .leavesAgain, .routedThrough, .comesFromOutside: "foreign-address"
    case .subnetOfInterface: "subnet-of-interface"
    case .neighbour: "neighbour"
    case .unnamedInterface: "unnamed-interface"
    case .sentByHost, .comesFromSubnet, .comesFromRoute: "sender"
    case .defaultLeg: "default-leg"
    case .route: "route"
    case .ipForward: "ip-forward"
    case .rpFilter: "rp-filter"
    case .routeLocalnet: "route-localnet"
    case .bridgeNetfilter: "bridge-nf-call"
    case .hairpin: "hairpin"
    case .dockerProxy: "docker-proxy"
    case .untoldTables: "untold-tables"
    case .untoldChains: "untold-chains"
    case .untoldNftTables: "untold-nft-tables"
    case .inferredTable: "inferred-table"
    }
  }
}

public import RuleGraph

/// What the dumps say about the host around the rules. What they do not say is not guessed here: an empty list whose
/// `…Known` flag is false means "not told", and the tracer infers or leaves it open, and says so.
public struct HostFacts: Hashable, Sendable {
  /// The interfaces, with their addresses.
  public var interfaces: [Interface] = [] { didSet { interfacePlaces = InterfacePlaces() } }
  /// Where each interface is among them.
  private var interfacePlaces = InterfacePlaces()
  /// Whether the addresses of all interfaces are told (`ip addr`, `ifconfig`), for each family.
  public var addressesKnown: Set<AddressFamily> = []
  /// Addresses of the host whose interface was not told (`hostname -I`, an `inet6` line that grep cut out).
  public var unplacedAddresses: [IPAddress] = []
  /// Whether the host's own addresses are all told, with or without their interfaces, for each family.
  public var ownAddressesKnown: Set<AddressFamily> = []
  /// The routes of every table that was printed.
  public var routes: [Route] = []
  /// Whether the main routing table is told, for each family.
  public var routesKnown: Set<AddressFamily> = []
  /// The routing tables besides main that are told, each by the name or number that it was asked for or printed with.
  public var routeTablesKnown: [AddressFamily: Set<String>] = [:]
  /// Whether every routing table is told (`ip route show table all`), for each family.
  public var allRouteTablesKnown: Set<AddressFamily> = []
  /// The rules that choose a routing table; empty with ``routingRulesKnown`` false means the usual three.
  public var routingRules: [RoutingRule] = []
  /// Whether `ip rule` was printed, for each family.
  public var routingRulesKnown: Set<AddressFamily> = []
  /// Kernel settings by their dotted name: `net.ipv4.ip_forward`.
  public var sysctls: [String: Sysctl] = [:]
  /// The sockets that listen, or are bound to a UDP port.
  public var sockets: [ListeningSocket] = []
  /// Whether all listening sockets are told (`ss -tulnp`, `netstat -tulnp`).
  public var socketsKnown = false
  /// The container networks.
  public var networks: [ContainerNetwork] = []
  /// The containers.
  public var containers: [Container] = []
  /// The settings of the container daemon, by their key in `daemon.json` (`icc`, `userland-proxy`), values as JSON
  /// text.
  public var daemonSettings: [String: String] = [:]
  /// Connections that were tracked when the dump was taken.
  public var connections: [TrackedConnection] = []
  /// Neighbours (ARP, NDP).
  public var neighbours: [Neighbour] = []
  /// Versions that were printed: `docker`, `iptables`, `nft`, `kernel`.
  public var versions: [String: String] = [:]
  /// The host's addresses that are masked, where all others of the family are told.
  public var maskedAddresses: [AddressFamily: [MaskedValue]] = [:]
  /// The settings of an interface whose name is masked, without it: `net.ipv4.conf.route_localnet`.
  package var maskedSettings: Set<String> = []
  /// The routes whose destinations are masked.
  package var maskedRoutes: [MaskedRoute] = []
  /// What `ufw status` says, where it was printed.
  public var ufw: UfwStatus?
  /// The other firewalls of which an output tells whether they run.
  public var firewalls: [FirewallStatus] = []
  /// Ports that a file or a cluster says to be published, of containers that are not told.
  public var announcedPorts: [AnnouncedPort] = []
  /// The host's name, where a prompt or a command told it.
  public var hostName: String?
  /// When and where the dump was taken, as a bundle says.
  public var captured: String?

  /// Makes facts that say nothing.
  public init() {}

  /// The interface of a name, or nil.
  public func interface(_ name: String) -> Interface? {
    interfacePlaces.place(of: name, in: interfaces).map { interfaces[$0] }
  }

  /// Whether some interface is a port of this one.
  package func hasPorts(_ name: String) -> Bool { interfacePlaces.isMaster(name, in: interfaces) }

  /// The interface whose subnet an address is in, as the interfaces' own addresses tell; nil where none is told.
  package func interface(onSubnetOf address: IPAddress) -> Interface? {
    interfaces.first { $0.isOnSubnet(address) }
  }

  /// The container of a name, a short or full id, or a network alias; nil when none or several fit.
  public func container(_ name: String) -> Container? {
    if let exact = containers.first(where: { $0.name == name }) { return exact }
    let fitting = containers.filter {
      (name.utf8.count >= 4 && $0.id.hasPrefix(name)) || $0.endpoints.contains { $0.aliases.contains(name) }
    }
    return fitting.count == 1 ? fitting.first : nil
  }
}

/// A kernel setting as it was printed.
public struct Sysctl: Hashable, Sendable {
  /// The value's text.
  public var value: String
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a setting.
  public init(_ value: String, span: SourceSpan? = nil) {
    self.value = value
    self.span = span
  }
}

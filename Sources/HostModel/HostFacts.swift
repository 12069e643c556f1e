public import RuleGraph

/// What the dumps say about the host around the rules. What they do not say is not guessed here: an empty list whose `…Known` flag is
/// false means "not told", and the tracer infers or leaves it open, and says so.
public struct HostFacts: Hashable, Sendable {
  /// The interfaces, with their addresses.
  public var interfaces: [Interface] = []
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
  /// The settings of the container daemon, by their key in `daemon.json` (`icc`, `userland-proxy`), values as JSON text.
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
  public func interface(_ name: String) -> Interface? { interfaces.first { $0.name == name } }

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

/// What ufw says of itself (ufw(8)): what someone wants, which is not yet what the rules do.
public struct UfwStatus: Hashable, Sendable {
  /// Whether it is switched on.
  public var isActive: Bool
  /// What happens to packets that no rule is for, by `incoming`, `outgoing` and `routed`: `deny`, `allow`, `reject`, `disabled`.
  public var defaults: [String: String] = [:]
  /// The rules as printed, one a line.
  public var rules: [String] = []
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a status.
  public init(isActive: Bool) { self.isActive = isActive }
}

/// Whether firewalld or another firewall runs; what its rules are stands in the ruleset alone.
public struct FirewallStatus: Hashable, Sendable {
  /// A firewall, by the name of its program.
  public enum Firewall: Hashable, Sendable {
    case firewalld
    /// Proxmox VE's `pve-firewall`.
    case proxmox
    /// OpenWrt's `fw4`, and `fw3` before it.
    case openWrt

    /// The beginnings of the names that its tables and chains have.
    public var marks: [String] {
      switch self {
      case .firewalld: ["firewalld", "INPUT_ZONES", "INPUT_direct", "IN_"]
      case .proxmox: ["PVEFW-", "proxmox-firewall"]
      case .openWrt: ["fw4", "zone_"]
      }
    }
  }

  /// Which firewall it is.
  public var firewall: Firewall
  /// Whether it has loaded its rules.
  public var isActive: Bool
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a status.
  public init(_ firewall: Firewall, isActive: Bool) {
    self.firewall = firewall
    self.isActive = isActive
  }
}

/// A port that is published, as a compose file or a cluster says: somewhere the nat table leads it to a container.
public struct AnnouncedPort: Hashable, Sendable {
  /// The port and its address.
  public var port: Container.PublishedPort
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a port.
  public init(_ port: Container.PublishedPort, span: SourceSpan?) {
    self.port = port
    self.span = span
  }
}

/// A network interface of the host.
public struct Interface: Hashable, Sendable {
  /// The name, at most 15 bytes.
  public var name: String
  /// The index, where it was printed.
  public var index: Int?
  /// The addresses.
  public var addresses: [InterfaceAddress] = []
  /// Whether it is administratively up; nil when not told.
  public var isUp: Bool?
  /// Whether it has carrier; nil when not told.
  public var hasCarrier: Bool?
  /// The bridge (or bond, VRF) that it is a port of.
  public var master: String?
  /// The kind where it was told: `bridge`, `veth`, `macvlan`, `ipvlan`, `vlan`, `dummy`, `vxlan`, `loopback`.
  public var kind: String?
  /// The interface below a VLAN, macvlan or the other end of a veth, as printed behind `@`.
  public var parent: String?
  /// The hardware address in lower case with colons.
  public var hardwareAddress: String?
  /// The maximum transmission unit in bytes.
  public var mtu: Int?
  /// Whether the bridge port has hairpin mode on; nil when not told.
  public var hairpin: Bool?
  /// Whether the bridge port is isolated: it passes nothing to other isolated ports; nil when not told.
  public var isIsolated: Bool?
  /// The interface group.
  public var group: String?
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes an interface.
  public init(_ name: String) { self.name = name }

  /// Whether an address is in a subnet of its addresses.
  package func isOnSubnet(_ address: IPAddress) -> Bool {
    addresses.contains { $0.subnet?.contains(address) ?? false }
  }
}

/// An address of an interface with its subnet.
public struct InterfaceAddress: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The length of the subnet's prefix.
  public var prefixLength: Int
  /// `global`, `link`, `host`, `site`; nil when not told.
  public var scope: String?
  /// The broadcast address, where one is set.
  public var broadcast: IPAddress?
  /// The other end of a point-to-point address.
  public var peer: IPAddress?
  /// Whether it is a secondary address of its subnet.
  public var isSecondary: Bool
  /// Whether it is deprecated, tentative or otherwise not chosen as a source.
  public var isDeprecated: Bool
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes an address.
  public init(
    _ address: IPAddress, prefixLength: Int, scope: String? = nil, broadcast: IPAddress? = nil, peer: IPAddress? = nil,
    isSecondary: Bool = false, isDeprecated: Bool = false, span: SourceSpan? = nil
  ) {
    self.address = address
    self.prefixLength = prefixLength
    self.scope = scope
    self.broadcast = broadcast
    self.peer = peer
    self.isSecondary = isSecondary
    self.isDeprecated = isDeprecated
    self.span = span
  }

  /// The subnet that the address is in.
  public var subnet: Prefix? { Prefix(peer ?? address, length: prefixLength) }
}

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
  /// Whether the route can't be used at the moment (`dead`). One that is only `linkdown` is used all the same: its interface lacks carrier, and
  /// ip-route(8) prints `dead linkdown` where the host ignores such routes (`ignore_routes_with_linkdown`).
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

/// A rule that chooses a routing table (ip-rule(8)).
public struct RoutingRule: Hashable, Sendable {
  /// The priority; lower is asked first.
  public var priority: Int
  /// The family.
  public var family: AddressFamily
  /// Whether the selector is inverted.
  public var negated: Bool
  /// The sources; nil is all.
  public var source: Prefix?
  /// The destinations; nil is all.
  public var destination: Prefix?
  /// The input interface.
  public var inputInterface: String?
  /// The output interface (of a socket bound to it).
  public var outputInterface: String?
  /// The mark, and the mask of its compared bits.
  public var mark: (value: UInt32, mask: UInt32)? {
    get { markValue.map { ($0, markMask ?? .max) } }
    set {
      markValue = newValue?.value
      markMask = newValue?.mask
    }
  }
  /// The type of service.
  public var tos: UInt8?
  /// The transport protocol number.
  public var transport: UInt8?
  /// The source ports.
  public var sourcePorts: ClosedRange<UInt16>?
  /// The destination ports.
  public var destinationPorts: ClosedRange<UInt16>?
  /// The user ids of the sender.
  public var users: ClosedRange<UInt32>?
  /// `lookup` names a table; the others decide by themselves.
  public enum Action: Hashable, Sendable {
    case lookup(String)
    case blackhole, unreachable, prohibit
    case goto(Int)
    case nop
  }
  /// What the rule does.
  public var action: Action
  /// Routes with a prefix of at most this length are not used (`suppress_prefixlength`).
  public var suppressPrefixLength: Int?
  /// Parts of the selector that could not be understood; the rule then may or may not apply.
  public var unknownSelector: String?
  /// Where it stands.
  public var span: SourceSpan?

  private var markValue: UInt32?
  private var markMask: UInt32?

  /// Makes a rule that applies to every packet of a family.
  public init(priority: Int, family: AddressFamily, action: Action) {
    self.priority = priority
    self.family = family
    self.action = action
    self.negated = false
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

/// A socket that accepts connections or datagrams.
public struct ListeningSocket: Hashable, Sendable {
  /// The transport protocol number: 6, 17, ...
  public var transport: UInt8
  /// The address; nil is every address of the families below (`0.0.0.0`, `::`, `*`).
  public var address: IPAddress?
  /// The families that it listens for: `*` and a dual-stack `::` mean both.
  public var families: Set<AddressFamily>
  /// The port.
  public var port: UInt16
  /// The interface that it is bound to (`%lo`).
  public var interface: String?
  /// The program's name, where printed (`docker-proxy`, `sshd`).
  public var program: String?
  /// The process id, where printed.
  public var pid: Int?
  /// For docker-proxy, where it connects to, as its command line tells.
  public var forwardsTo: Endpoint?
  /// Where it stands.
  public var span: SourceSpan?

  /// The one address that it is bound to; nil for every one.
  package var boundAddress: IPAddress? {
    address.flatMap { $0.bits == 0 || $0.bits == IPAddress.ipv4Base ? nil : $0 }
  }

  /// Whether it has a port of the host, whatever the address and the interface.
  package func has(_ port: UInt16, _ transport: UInt8, _ family: AddressFamily) -> Bool {
    self.port == port && self.transport == transport && families.contains(family)
  }

  /// Whether packets to some of these addresses are for it.
  package func isBound(toOneOf addresses: ValueSet) -> Bool {
    boundAddress.map { addresses.contains($0.bits) } ?? true
  }

  /// Makes a socket.
  public init(
    transport: UInt8, address: IPAddress?, families: Set<AddressFamily>, port: UInt16, interface: String? = nil,
    program: String? = nil, pid: Int? = nil, forwardsTo: Endpoint? = nil, span: SourceSpan? = nil
  ) {
    self.transport = transport
    self.address = address
    self.families = families
    self.port = port
    self.interface = interface
    self.program = program
    self.pid = pid
    self.forwardsTo = forwardsTo
    self.span = span
  }
}

/// An address and a port.
public struct Endpoint: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The port.
  public var port: UInt16

  /// Makes an endpoint.
  public init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// A network of containers (`docker network inspect`).
public struct ContainerNetwork: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The full id where printed, else the short one.
  public var id: String
  /// The driver: `bridge`, `host`, `null`, `macvlan`, `ipvlan`, `overlay`.
  public var driver: String
  /// The subnets.
  public var subnets: [Prefix]
  /// The gateways.
  public var gateways: [IPAddress]
  /// Whether the network has no way out (`--internal`); nil when not told.
  public var isInternal: Bool?
  /// The host's bridge of the network: the option `com.docker.network.bridge.name`, `docker0` for the default one, else `br-` and the first
  /// twelve characters of the id.
  public var bridge: String?
  /// For macvlan and ipvlan: the host's interface below.
  public var parent: String?
  /// The options as printed (`com.docker.network.bridge.enable_icc`).
  public var options: [String: String]
  /// Where it stands.
  public var span: SourceSpan?

  /// The IPv4 addresses that networks of containers are made of (RFC 1918, RFC 6598); in IPv6 any prefix may be one.
  package static let possibleAddresses4 = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
    .compactMap { Prefix($0)?.values }.reduce(ValueSet.empty) { $0.union($1) }

  /// Makes a network.
  public init(
    name: String, id: String, driver: String, subnets: [Prefix] = [], gateways: [IPAddress] = [],
    isInternal: Bool? = nil,
    bridge: String? = nil, parent: String? = nil, options: [String: String] = [:], span: SourceSpan? = nil
  ) {
    self.name = name
    self.id = id
    self.driver = driver
    self.subnets = subnets
    self.gateways = gateways
    self.isInternal = isInternal
    self.bridge = bridge
    self.parent = parent
    self.options = options
    self.span = span
  }
}

/// A container.
public struct Container: Hashable, Sendable {
  /// A leg of a container in a network.
  public struct NetworkLeg: Hashable, Sendable {
    /// The network's name, or its id where only that was told.
    public var network: String
    /// The addresses.
    public var addresses: [IPAddress]
    /// The hardware address.
    public var hardwareAddress: String?
    /// Further names by which other containers reach it.
    public var aliases: [String]
    /// The host's end of the pair, where both ends were printed (`eth0@if7` in the container, `7: veth3f@if6` on the host).
    public var hostInterface: String?

    /// Makes a leg.
    public init(network: String, addresses: [IPAddress], hardwareAddress: String? = nil, aliases: [String] = []) {
      self.network = network
      self.addresses = addresses
      self.hardwareAddress = hardwareAddress
      self.aliases = aliases
    }
  }

  /// A port that the daemon publishes on the host.
  public struct PublishedPort: Hashable, Sendable {
    /// The transport protocol number.
    public var transport: UInt8
    /// The host's address; nil is every address.
    public var hostAddress: IPAddress?
    /// The host's port.
    public var hostPort: UInt16
    /// The container's port.
    public var containerPort: UInt16

    /// Makes a published port.
    public init(transport: UInt8, hostAddress: IPAddress?, hostPort: UInt16, containerPort: UInt16) {
      self.transport = transport
      self.hostAddress = hostAddress
      self.hostPort = hostPort
      self.containerPort = containerPort
    }
  }

  /// The name, without the slash before it.
  public var name: String
  /// The id, full or short as printed.
  public var id: String
  /// Its legs.
  public var endpoints: [NetworkLeg]
  /// `bridge`, `host`, `none`, `container:ID`, or a network's name; nil when not told.
  public var networkMode: String?
  /// The ports that the daemon publishes.
  public var ports: [PublishedPort]
  /// Whether it runs; nil when not told.
  public var isRunning: Bool?
  /// The process id of its first process, for its network namespace.
  public var pid: Int?
  /// Containers that it is linked to (`--link`).
  public var links: [String]
  /// Where it stands.
  public var span: SourceSpan?

  /// Makes a container.
  public init(
    name: String, id: String, endpoints: [NetworkLeg] = [], networkMode: String? = nil, ports: [PublishedPort] = [],
    isRunning: Bool? = nil, pid: Int? = nil, links: [String] = [], span: SourceSpan? = nil
  ) {
    self.name = name
    self.id = id
    self.endpoints = endpoints
    self.networkMode = networkMode
    self.ports = ports
    self.isRunning = isRunning
    self.pid = pid
    self.links = links
    self.span = span
  }
}

extension HostFacts {
  /// The network that a leg of a container is in; nil where none was told.
  public func network(of leg: Container.NetworkLeg) -> ContainerNetwork? {
    networks.first { $0.name == leg.network || $0.id == leg.network }
  }
}

/// A tracked connection (`conntrack -L`).
public struct TrackedConnection: Hashable, Sendable {
  /// The transport protocol number.
  public var transport: UInt8
  /// The tuple of the first packet: source and destination.
  public var original: (source: Endpoint, destination: Endpoint) { (originalSource, originalDestination) }
  /// The tuple of the answers: source and destination.
  public var reply: (source: Endpoint, destination: Endpoint) { (replySource, replyDestination) }
  /// `ESTABLISHED`, `SYN_SENT`, ...; nil for protocols without states.
  public var state: String?
  /// The connection's mark.
  public var mark: UInt32
  /// Flags: `ASSURED`, `UNREPLIED`.
  public var flags: [String]
  /// Where it stands.
  public var span: SourceSpan?

  private var originalSource: Endpoint
  private var originalDestination: Endpoint
  private var replySource: Endpoint
  private var replyDestination: Endpoint

  /// Makes a connection.
  public init(
    transport: UInt8, original: (source: Endpoint, destination: Endpoint),
    reply: (source: Endpoint, destination: Endpoint),
    state: String? = nil, mark: UInt32 = 0, flags: [String] = [], span: SourceSpan? = nil
  ) {
    self.transport = transport
    originalSource = original.source
    originalDestination = original.destination
    replySource = reply.source
    replyDestination = reply.destination
    self.state = state
    self.mark = mark
    self.flags = flags
    self.span = span
  }
}

/// A neighbour on a link.
public struct Neighbour: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The interface of the link.
  public var interface: String
  /// The hardware address; nil when it was not resolved.
  public var hardwareAddress: String?
  /// The state as printed: `REACHABLE`, `STALE`, `FAILED`.
  public var state: String

  /// Makes a neighbour.
  public init(address: IPAddress, interface: String, hardwareAddress: String?, state: String) {
    self.address = address
    self.interface = interface
    self.hardwareAddress = hardwareAddress
    self.state = state
  }
}

public import RuleGraph

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
  /// The host's bridge of the network: the option `com.docker.network.bridge.name`, `docker0` for the default one, else
  /// `br-` and the first twelve characters of the id.
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
    /// The host's end of the pair, where both ends were printed (`eth0@if7` in the container, `7: veth3f@if6` on the
    /// host).
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

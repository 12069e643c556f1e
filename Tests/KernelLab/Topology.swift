public import RuleGraph

/// The host under test and what surrounds it, as lines of text.
///
/// Each interface of the router is one end of a veth pair or a bridge whose ports are such ends; the far ends lie together in a second
/// namespace, the *wire*, which answers nothing and only records. So a host outside and a container are just addresses on a far end.
///
///     veth eth0 192.168.0.140/24 2001:db8:1::140/64
///     bridge docker0 172.17.0.1/16
///     port vethA docker0 172.17.0.2 172.17.0.3
///     route default via 192.168.0.1 dev eth0
///     rule fwmark 1 lookup 100
///     sysctl net.ipv4.ip_forward=1
///
/// A veth interface has no address resolution (NOARP), so that any neighbour can be sent to. On a bridge, the addresses of a `port` line
/// are permanent neighbours with the port's address in the forwarding table; `hairpin` after the bridge's name turns hairpin mode on, `isolated`
/// isolation.
public struct Topology: Hashable, Sendable {
  /// An interface of the router with addresses.
  public struct Interface: Hashable, Sendable {
    /// The name in the router.
    public var name: String
    /// Whether it is a bridge; otherwise it is one end of a veth pair.
    public var isBridge: Bool
    /// Addresses with prefix lengths, as `ip addr add` takes them (`10.0.0.1/24`); words such as `scope link` may follow after commas.
    public var addresses: [String]

    /// Makes an interface.
    public init(_ name: String, isBridge: Bool = false, addresses: [String]) {
      self.name = name
      self.isBridge = isBridge
      self.addresses = addresses
    }
  }

  /// A port of a bridge and the addresses of the containers behind it.
  public struct Port: Hashable, Sendable {
    /// The name in the router.
    public var name: String
    /// The bridge that it belongs to.
    public var bridge: String
    /// Addresses behind the port.
    public var addresses: [IPAddress]
    /// Whether the bridge may send a frame back through the port that it came from.
    public var hairpin: Bool
    /// Whether the port passes nothing to other isolated ones.
    public var isIsolated = false

    /// Makes a port.
    public init(_ name: String, bridge: String, addresses: [IPAddress], hairpin: Bool = false) {
      self.name = name
      self.bridge = bridge
      self.addresses = addresses
      self.hairpin = hairpin
    }
  }

  /// The interfaces, in order of creation.
  public var interfaces: [Interface] = []
  /// The bridge ports.
  public var ports: [Port] = []
  /// The words after `ip route add` (or `ip -6 route add` when they hold a colon), in order.
  public var routes: [String] = []
  /// The words after `ip rule add`.
  public var rules: [String] = []
  /// `name=value` as sysctl(8) writes it, applied in order after the interfaces exist.
  public var sysctls: [String] = []

  /// A router without interfaces.
  public init() {}
}

// MARK: - Text

extension Topology: CustomStringConvertible {
  /// Reads the lines that ``description`` prints. Nil when a line is of another kind.
  public init?(_ text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 2 else { return nil }
      let rest = words.dropFirst().joined(separator: " ")
      switch words[0] {
      case "veth": interfaces.append(Interface(words[1], addresses: Array(words[2...])))
      case "bridge": interfaces.append(Interface(words[1], isBridge: true, addresses: Array(words[2...])))
      case "port":
        guard words.count >= 3 else { return nil }
        let hairpin = words.contains("hairpin")
        let addresses = words.dropFirst(3).compactMap { IPAddress($0) }
        ports.append(Port(words[1], bridge: words[2], addresses: addresses, hairpin: hairpin))
        ports[ports.count - 1].isIsolated = words.contains("isolated")
      case "route": routes.append(rest)
      case "rule": rules.append(rest)
      case "sysctl": sysctls.append(rest)
      default: return nil
      }
    }
  }

  /// The lines of the topology.
  public var description: String {
    var lines: [String] = []
    for interface in interfaces {
      lines.append(
        ([interface.isBridge ? "bridge" : "veth", interface.name] + interface.addresses).joined(separator: " "))
    }
    for port in ports {
      let words =
        ["port", port.name, port.bridge] + (port.hairpin ? ["hairpin"] : [])
        + (port.isIsolated ? ["isolated"] : [])
      lines.append((words + port.addresses.map(\.description)).joined(separator: " "))
    }
    lines += routes.map { "route \($0)" } + rules.map { "rule \($0)" } + sysctls.map { "sysctl \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }
}

// MARK: - What the frames need

extension Topology {
  /// The names of the veth ends in the router: plain interfaces and ports, in the order of their hardware addresses.
  var endpoints: [String] { interfaces.filter { !$0.isBridge }.map(\.name) + ports.map(\.name) }

  /// The name that the far end of a veth interface or port has in the wire namespace.
  static func farEnd(of name: String) -> String { "w\(name)" }

  /// The hardware address of an interface, bridge or port of the router.
  func hardwareAddress(of name: String) -> [UInt8] {
    let all = interfaces.map(\.name) + ports.map(\.name)
    return [2, 0, 0, 0, 1, UInt8(truncatingIfNeeded: all.firstIndex(of: name) ?? 255)]
  }

  /// The hardware address of everything behind the far end of an interface or port.
  func farHardwareAddress(of name: String) -> [UInt8] {
    [2, 0, 0, 0, 2, UInt8(truncatingIfNeeded: endpoints.firstIndex(of: name) ?? 255)]
  }

  /// The hardware address of frames for all, or for a group, that a packet to an address is sent in on an interface's link; nil for other addresses
  /// (RFC 1112, 6.4; RFC 2464, 7).
  func addressForAll(_ address: IPAddress, on name: String) -> [UInt8]? {
    let bytes = address.bytes
    if address.isIPv4 {
      if bytes[0] >> 4 == 0xe { return [0x01, 0x00, 0x5e, bytes[1] & 0x7f, bytes[2], bytes[3]] }
      let isBroadcast = interfaces.contains { interface in
        interface.name == name
          && subnets(of: interface).contains { $0.length < 31 && $0.address.isIPv4 && $0.last == address }
      }
      return isBroadcast || address.ipv4Number == .max ? [UInt8](repeating: 0xff, count: 6) : nil
    }
    return bytes[0] == 0xff ? [0x33, 0x33] + bytes[12...] : nil
  }

  /// The bridge that a port belongs to, or the interface itself.
  public func interface(ofEndpoint name: String) -> String { ports.first { $0.name == name }?.bridge ?? name }

  /// Whether an address is one of the router's own.
  public func isLocal(_ address: IPAddress) -> Bool {
    if address.isIPv4 ? address.ipv4Number >> 24 == 127 : address.bits == 1 { return true }
    return interfaces.contains { $0.addresses.contains { IPAddress($0.split(separator: "/")[0]) == address } }
  }

  /// The prefixes that the interface's addresses make reachable.
  public func subnets(of interface: Interface) -> [Prefix] {
    interface.addresses.compactMap { Prefix($0.split(separator: ",")[0]) }
  }
}

// MARK: - Commands

extension Topology {
  /// Lines for `ip -batch` in the router; `wire` is the path of the wire's namespace file.
  func routerCommands(wire: String) -> [String] {
    var lines: [String] = ["link set lo up"]
    func pair(_ name: String) {
      let mac = Self.text(hardwareAddress(of: name))
      let far = Self.farEnd(of: name)
      lines.append(
        "link add \(name) address \(mac) type veth peer name \(far) address \(Self.text(farHardwareAddress(of: name)))")
      lines.append("link set \(far) netns \(wire)")
    }
    for interface in interfaces {
      if interface.isBridge {
        let mac = Self.text(hardwareAddress(of: interface.name))
        lines.append(
          "link add \(interface.name) address \(mac) type bridge forward_delay 0 stp_state 0 mcast_snooping 0 ageing_time 0"
        )
      } else {
        pair(interface.name)
        lines.append("link set \(interface.name) arp off")
      }
      for address in interface.addresses {
        let words = address.split(separator: ",").joined(separator: " ")
        let options = address.contains(":") ? " nodad" : address.contains("/32") ? "" : " brd +"
        lines.append("addr add \(words) dev \(interface.name)\(options)")
      }
    }
    for port in ports {
      pair(port.name)
      lines.append("link set \(port.name) master \(port.bridge)")
    }
    for name in ports.map(\.name) + interfaces.map(\.name) { lines.append("link set \(name) up") }
    for port in ports {
      let mac = Self.text(farHardwareAddress(of: port.name))
      for address in port.addresses {
        lines.append("neigh replace \(address) lladdr \(mac) dev \(port.bridge) nud permanent")
      }
    }
    return lines + routingCommands { !$0.contains(":") }
  }

  /// Lines for `ip -6 -batch` in the router.
  var routerCommandsIPv6: [String] { routingCommands { $0.contains(":") } }

  private func routingCommands(_ isOfFamily: (String) -> Bool) -> [String] {
    routes.filter(isOfFamily).map { "route add \($0)" } + rules.filter(isOfFamily).map { "rule add \($0)" }
  }

  /// Lines for `bridge -batch` in the router.
  var bridgeCommands: [String] {
    ports.map { "fdb replace \(Self.text(farHardwareAddress(of: $0.name))) dev \($0.name) master static" }
      + ports.filter(\.hairpin).map { "link set dev \($0.name) hairpin on" }
      + ports.filter(\.isIsolated).map { "link set dev \($0.name) isolated on" }
  }

  static func text(_ hardwareAddress: [UInt8]) -> String {
    hardwareAddress.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}

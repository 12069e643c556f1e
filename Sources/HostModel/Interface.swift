public import RuleGraph

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

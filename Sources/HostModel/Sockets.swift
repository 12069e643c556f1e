public import RuleGraph

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

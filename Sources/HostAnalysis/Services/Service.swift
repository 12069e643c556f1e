public import RuleGraph

/// Something that may be reached: a port of the host, a port of a container, or all their other ports together.
public struct Service: Hashable, Sendable {
  /// Whose ports they are.
  public enum Subject: Hashable, Sendable {
    /// A port of the host that a program listens on, or that is published for a container.
    case hostPort
    /// A port of a container, at the container's own address.
    case containerPort
    /// The ports of the host that nobody is known to listen on.
    case otherHostPorts
    /// The ports of the containers behind a bridge that nobody is known to listen on; nil where the bridge isn't told.
    case otherContainerPorts(bridge: String?)

    /// Whether they are the host's.
    public var isOfHost: Bool { self == .hostPort || self == .otherHostPorts }
  }

  /// Whose ports they are.
  public var subject: Subject
  /// The family of the addresses.
  public var family: AddressFamily
  /// The protocol.
  public var transport: IPProtocol
  /// The addresses that they are at.
  public var addresses: ValueSet
  /// The ports: one, or some that nothing sets apart.
  public var ports: ValueSet
}

public import RuleGraph

/// What ufw says of itself (ufw(8)): what someone wants, which is not yet what the rules do.
public struct UfwStatus: Hashable, Sendable {
  /// Whether it is switched on.
  public var isActive: Bool
  /// What happens to packets that no rule is for, by `incoming`, `outgoing` and `routed`: `deny`, `allow`, `reject`,
  /// `disabled`.
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

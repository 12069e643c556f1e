/// The places in the kernel at which base chains see packets (`enum nf_inet_hooks` in `include/uapi/linux/netfilter.h`;
/// nft(8), "ADDRESS FAMILIES").
public enum Hook: String, Hashable, Sendable, CaseIterable {
  case ingress, prerouting, input, forward, output, postrouting, egress
}

/// The family of a table (nft(8), "ADDRESS FAMILIES"). iptables' tables are `ip`, ip6tables' are `ip6`.
public enum TableFamily: String, Hashable, Sendable, CaseIterable {
  case ip, ip6, inet, arp, bridge, netdev

  /// Whether a table of this family sees packets of an address family at the IP hooks.
  public func sees(_ family: AddressFamily) -> Bool {
    switch self {
    case .ip: family == .ipv4
    case .ip6: family == .ipv6
    case .inet: true
    case .arp, .bridge, .netdev: false
    }
  }
}

extension TableFamily {
  /// The family of the tables of iptables (IPv4) or ip6tables.
  package init(_ family: AddressFamily) { self = family == .ipv4 ? .ip : .ip6 }
}

/// The type of a base chain (nft(8), "CHAINS").
public enum ChainType: String, Hashable, Sendable, CaseIterable {
  /// Filters packets.
  case filter
  /// Translates the first packet of a connection.
  case nat
  /// Reroutes a packet that it changed (output hook).
  case route
}

/// The names of common priorities (`enum nf_ip_hook_priorities` in `include/uapi/linux/netfilter_ipv4.h`).
public enum HookPriority {
  /// Fragments are put together.
  public static let defragment: Int32 = -400
  /// The raw tables, before connection tracking.
  public static let raw: Int32 = -300
  /// Connection tracking.
  public static let conntrack: Int32 = -200
  /// The mangle tables.
  public static let mangle: Int32 = -150
  /// Translation of destinations.
  public static let dstnat: Int32 = -100
  /// The filter tables.
  public static let filter: Int32 = 0
  /// The security tables.
  public static let security: Int32 = 50
  /// Translation of sources.
  public static let srcnat: Int32 = 100
}

/// A program that writes rules, known by the names of its chains and tables.
///
/// No verdict depends on it: explanations and audits tell a program's rules from those that a person wrote.
package enum RuleAuthor: Hashable, Sendable, CaseIterable {
  case docker, ufw, fail2ban, libvirt, kubernetes, calico, cni, podman, firewalld, cilium, flannel, tailscale, lxd,
    incus

  /// The author of a chain of a table; nil where neither name is a program's.
  package init?(chain: some StringProtocol, table: some StringProtocol) {
    let author = Self.allCases.first { author in
      author.tables.contains { table.hasPrefix($0) } || author.chains.contains { chain.hasPrefix($0) }
    }
    guard let author else { return nil }
    self = author
  }

  /// Whether a program made the chain for rules of one's own.
  package static func isForOwnRules(_ chain: String) -> Bool {
    ["DOCKER-USER", "ufw-user-", "ufw6-user-"].contains { chain.hasPrefix($0) }
  }

  /// The beginnings of the names of its chains.
  package var chains: [String] {
    switch self {
    case .docker: ["DOCKER", "filter-forward-"]
    case .ufw: ["ufw-", "ufw6-"]
    case .fail2ban: ["f2b-", "fail2ban-"]
    case .libvirt: ["LIBVIRT_"]
    case .kubernetes: ["KUBE-"]
    case .calico: ["cali-"]
    case .cni: ["CNI-"]
    case .podman: ["NETAVARK"]
    case .firewalld: Self.zoneChains
    case .cilium: ["CILIUM_"]
    case .flannel: ["FLANNEL"]
    case .tailscale: ["ts-"]
    case .lxd, .incus: []
    }
  }

  /// firewalld's chains in iptables: those of its usual zones (`firewalld.zones(5)`), and those that lead to them.
  private static let zoneChains =
    ["public", "trusted", "internal", "external", "home", "work", "dmz", "block", "drop"].flatMap { zone in
      ["IN_", "PRE_", "POST_"].map { $0 + zone }
    }
    + [
      "FWD_", "FWDI_", "FWDO_", "INPUT_ZONES", "INPUT_direct", "FORWARD_IN_ZONES", "FORWARD_OUT_ZONES",
      "FORWARD_direct", "OUTPUT_direct", "PREROUTING_ZONES", "PREROUTING_direct", "POSTROUTING_ZONES",
      "POSTROUTING_direct",
    ]

  /// The beginnings of the names of tables that belong to it as a whole.
  package var tables: [String] {
    switch self {
    case .docker: ["docker-bridges"]
    case .libvirt: ["libvirt_network"]
    case .kubernetes: ["kube-proxy"]
    case .podman: ["netavark"]
    case .firewalld: ["firewalld"]
    case .lxd: ["lxd"]
    case .incus: ["incus"]
    case .ufw, .fail2ban, .calico, .cni, .cilium, .flannel, .tailscale: []
    }
  }
}

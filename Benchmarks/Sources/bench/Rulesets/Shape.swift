/// A kind of ruleset, made in any size.
enum Shape: String, CaseIterable {
  /// kube-proxy's: a chain for each service and each of its two endpoints, most of them never visited.
  case kube
  /// One flat chain of addresses and ports.
  case flat
  /// Docker with published ports.
  case docker
  /// nft: chains by network with plain rules.
  case nft
  /// nft: few rules that look up large sets and maps.
  case sets

  /// Whether iptables reads it; else nft.
  var isIptables: Bool {
    switch self {
    case .kube, .flat, .docker: true
    case .nft, .sets: false
    }
  }

  /// The table that `iptables -t` lists: the one with the most rules.
  var table: String { self == .flat ? "filter" : "nat" }

  /// The rules as `iptables-restore` or `nft -f` reads them, and as `iptables-save` and `nft list ruleset` print them but for the order of
  /// chains, counters and header lines. For sets, a rule is an element.
  func text(rules: Int) -> String {
    switch self {
    case .kube: Kube.text(rules: rules)
    case .flat: Flat.text(rules: rules)
    case .docker: Docker.text(rules: rules)
    case .nft: NftRules.text(rules: rules)
    case .sets: NftSets.text(elements: rules)
    }
  }
}

/// The host around every ruleset, so that no answer rests on an assumption.
enum Surroundings {
  static let text = """
    $ ip addr
    1: lo: <LOOPBACK,UP> mtu 65536
        inet 127.0.0.1/8 scope host lo
    2: eth0: <BROADCAST,UP> mtu 1500
        inet 192.0.2.1/24 scope global eth0
    3: docker0: <BROADCAST,UP> mtu 1500
        inet 172.17.0.1/16 scope global docker0
    4: cni0: <BROADCAST,UP> mtu 1500
        inet 10.244.0.1/16 scope global cni0
    $ ip route
    default via 192.0.2.254 dev eth0
    172.17.0.0/16 dev docker0 scope link
    10.244.0.0/16 dev cni0 scope link
    192.0.2.0/24 dev eth0 scope link
    $ sysctl net.ipv4.ip_forward
    net.ipv4.ip_forward = 1

    """
}

extension String {
  /// The digits of a number behind zeros, as wide as asked for.
  static func digits(_ number: Int, width: Int, radix: Int = 10) -> String {
    let digits = String(number, radix: radix, uppercase: true)
    return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
  }
}

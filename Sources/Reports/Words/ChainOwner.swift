/// What is known of a chain by its name: who wrote it and what it is for. Only explanations know these names; no
/// verdict depends on them.
enum ChainOwner {
  /// One sentence on a chain, or nil for a chain whose name says nothing.
  static func sentence(_ chain: String) -> String? {
    if let known = exact[chain] { return "\(chain) \(known)" }
    for (beginning, words) in beginnings where chain.hasPrefix(beginning) { return "\(chain) \(words)" }
    return nil
  }

  private static let exact: [String: String] = [
    "DOCKER-USER":
      "is Docker's chain for your own rules: it sees ports and addresses after DNAT, and only forwarded packets",
    "DOCKER": "is written by Docker: one rule for each published port; changes made by hand are lost",
    "DOCKER-FORWARD": "is where Docker (28 and later) attaches its chains to FORWARD",
    "DOCKER-CT": "is Docker's accept of answers to the connections of its networks",
    "DOCKER-BRIDGE": "is Docker's dispatch by the network that a packet leaves to",
    "DOCKER-INTERNAL": "is Docker's fence around networks made with --internal",
    "DOCKER-INGRESS": "is Docker's chain for ports that a swarm publishes",
    "DOCKER-ISOLATION": "is Docker's fence between its networks",
    "DOCKER-ISOLATION-STAGE-1": "is Docker's fence between its networks: what leaves one of them goes on to stage 2",
    "DOCKER-ISOLATION-STAGE-2": "is Docker's fence between its networks: it drops what would enter another one of them",
    "KUBE-FORWARD": "is written by Kubernetes' kube-proxy",
    "KUBE-SERVICES": "is written by Kubernetes' kube-proxy: one rule for each service address",
    "KUBE-POSTROUTING": "is written by Kubernetes' kube-proxy: it masquerades what it marked",
    "LIBVIRT_FWI": "is written by libvirt: traffic into its virtual networks",
    "LIBVIRT_FWO": "is written by libvirt: traffic out of its virtual networks",
    "LIBVIRT_FWX": "is written by libvirt: traffic within a virtual network",
  ]

  private static let beginnings: [(String, String)] = [
    ("ufw-user-", "holds the rules that you gave to ufw"), ("ufw6-user-", "holds the rules that you gave to ufw"),
    ("ufw-", "is written by ufw"), ("ufw6-", "is written by ufw"),
    ("f2b-", "holds the addresses that fail2ban has banned"),
    ("fail2ban-", "holds the addresses that fail2ban has banned"),
    ("DOCKER", "is written by Docker"), ("KUBE-", "is written by Kubernetes"), ("cali-", "is written by Calico"),
    ("CNI-", "is written by a CNI plugin"), ("LIBVIRT_", "is written by libvirt"), ("NETAVARK", "is written by Podman"),
    ("filter-forward-in__", "is Docker's accept of what enters a network"),
    ("filter-forward-out__", "is Docker's accept of what leaves a network"),
  ]
}

import RuleGraph

/// Who wrote a chain, by its name: a person, or a program that writes it anew and leaves rules in it that do nothing here.
enum RuleWriter {
  case person, program

  init(_ table: Table, _ chain: Chain) {
    let name = chain.name
    let isProgram =
      !Self.ofPersons.contains { name.hasPrefix($0) }
      && (Self.programs.contains { name.hasPrefix($0) } || Self.tables.contains { table.name.hasPrefix($0) })
    self = isProgram ? .program : .person
  }

  /// Chains that programs make for the rules of persons.
  private static let ofPersons = ["DOCKER-USER", "ufw-user-", "ufw6-user-"]

  private static let programs = [
    "DOCKER", "KUBE-", "cali-", "CNI-", "LIBVIRT_", "NETAVARK", "CILIUM_", "FLANNEL", "ufw-", "ufw6-", "ts-", "IN_",
    "FWD", "filter_",
    "nat_", "mangle_", "raw_", "filter-forward-",
  ]

  /// Tables that programs of nftables own.
  private static let tables = [
    "docker-bridges", "libvirt_network", "firewalld", "netavark", "kube-proxy", "lxd", "incus",
  ]
}

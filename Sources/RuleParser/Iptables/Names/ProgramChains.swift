/// The beginnings of the names of chains that other programs make: container engines, clusters, firewalls' front ends.
enum ProgramChains {
  /// Those of programs that call each chain they make: where nothing does, the rules that do were not shown.
  static let alwaysCalled = ["DOCKER", "LIBVIRT_", "ufw-", "ufw6-", "KUBE-", "CNI-"]
  /// All of them: where a command names such a chain and nobody made it, its program was there before.
  static let all = alwaysCalled + ["f2b-", "fail2ban-", "cali-"]
}

/// Commands that have other programs make or take away rules: services that start and stop, containers with published
/// ports, scripts that nobody shows.
enum ServiceCommand {
  /// What stands in each of them.
  static let needles: [StaticString] = [
    "systemctl ", "service ", "init.d/", "rc.d/", "persistent ", "docker", "podman ", "csf ", "shorewall",
    "pve-firewall ",
    "fw3 ", "fw4 ", "fail2ban-client ", "wg-quick ", "reboot", "ifup ", "ifdown ", ".sh", "sh /", "fw", "firewall",
    "virsh net-",
  ]

  /// Services that load rules when they start, and take them away when they stop.
  private static let services: Set<String> = [
    "iptables", "ip6tables", "nftables", "netfilter-persistent", "iptables-persistent", "firewalld", "ufw", "firewall",
    "shorewall", "shorewall6", "ferm", "apf", "csf", "lfd", "fail2ban", "crowdsec-firewall-bouncer", "docker", "podman",
    "k3s", "kubelet", "kube-proxy", "libvirtd", "virtnetworkd", "pve-firewall", "network", "networking",
    "NetworkManager", "lxc-net", "lxd", "tailscaled", "SuSEfirewall2", "miniupnpd", "sshguard",
  ]

  private static let verbs: Set<String> = [
    "start", "stop", "restart", "reload", "flush", "clear", "condrestart", "try-restart", "force-reload", "panic",
    "reload-or-restart", "force-restart", "refresh", "up", "down",
  ]

  /// Whether a command is one of them.
  static func isOne(_ name: String, _ first: String, _ words: ArraySlice<String>) -> Bool {
    let verb = words.first { !$0.hasPrefix("-") } ?? ""
    if isInitScript(first) { return services.contains(name) && verbs.contains(verb) }
    switch name {
    case "systemctl":
      let acts = verbs.contains(verb) || words.contains("--now")
      return acts && words.contains { isService($0) }
    case "service", "rc-service", "invoke-rc.d":
      return words.contains { isService($0) } && words.contains { verbs.contains($0) }
    case "netfilter-persistent", "pve-firewall", "fw3", "fw4", "shorewall", "shorewall6", "wg-quick", "ferm", "apf":
      return verbs.contains(verb)
    case "csf": return words.contains { $0.hasPrefix("-") && !["-l", "-v", "-h", "-g", "-t", "--status"].contains($0) }
    case "fail2ban-client": return verbs.contains(verb) || verb == "set" || verb == "unban"
    case "iptables-apply", "ip6tables-apply", "SuSEfirewall2", "rcSuSEfirewall2": return true
    case "reboot": return words.isEmpty || words.first == "-f"
    case "ifup", "ifdown": return !words.isEmpty
    case "virsh": return verb == "net-start" || verb == "net-destroy"
    case "docker", "podman", "nerdctl": return isContainers(verb, words)
    case "docker-compose", "podman-compose": return changesContainers(words)
    case "sh", "bash", "dash", "ash", "ksh", ".", "source": return runsScript(words)
    default: return first.contains("/") && words.count < 4 && isScript(first)
    }
  }

  /// Whether a word is the script of a service, as `/etc/init.d` holds them.
  static func isInitScript(_ word: String) -> Bool { word.contains("/init.d/") || word.contains("/rc.d/") }

  private static func isService(_ word: String) -> Bool {
    services.contains(word.hasSuffix(".service") ? String(word.dropLast(8)) : word)
  }

  private static func isContainers(_ verb: String, _ words: ArraySlice<String>) -> Bool {
    switch verb {
    case "run", "create":
      return words.contains { $0 == "-P" || $0 == "--publish-all" || $0.hasPrefix("-p") || $0.hasPrefix("--publish") }
    case "start", "stop", "restart", "kill", "rm", "unpause": return true
    case "compose": return changesContainers(words)
    case "network": return !words.contains { ["ls", "list", "inspect"].contains($0) }
    case "service", "stack", "swarm":
      return words.contains { ["create", "update", "rm", "scale", "deploy", "init", "join", "leave"].contains($0) }
    case "container":
      let rest = words.drop { $0 != verb }.dropFirst()
      return rest.first.map { $0 != verb && isContainers($0, rest) } ?? false
    default: return false
    }
  }

  private static func changesContainers(_ words: ArraySlice<String>) -> Bool {
    let verbs = ["up", "down", "start", "stop", "restart", "create", "rm", "kill"]
    return words.contains { verbs.contains($0) } && !words.contains("exec") && !words.contains("logs")
  }

  /// Whether a shell is given a file with commands.
  private static func runsScript(_ words: ArraySlice<String>) -> Bool {
    guard let file = words.first(where: { !$0.hasPrefix("-") }), !words.contains("-c") else { return false }
    return isScript(file) || file.hasPrefix("/etc/rc")
  }

  private static func isScript(_ file: String) -> Bool {
    let name = ShellCommand.baseName(file)
    if name.hasSuffix(".sh") { return true }
    return (name.contains("firewall") || name.hasPrefix("fw")) && !ShellCommand.isKnownProgram(name)
  }
}

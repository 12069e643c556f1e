import Randomness
import RuleGraph

/// The layouts that Docker's versions write.
private enum DockerEra: String, CaseIterable {
  case before1_10 = "docker to 1.9"
  case before17_06 = "docker 1.10 to 17.05"
  case before18_05 = "docker 17.06 to 18.04"
  case before28 = "docker 18.05 to 27"
  case v28_0_0 = "docker 28.0.0"
  case v28 = "docker 28.0.1 to 28.5"
  case v29 = "docker 29, iptables"
  case v29nft = "docker 29, nftables"
}

/// A network of containers: its bridge and how it is published.
private struct DockerNetwork {
  var bridge: String
  var subnet: String
  var subnet6: String
  var containers: [IPAddress]
  var hasICC: Bool
  var isInternal: Bool
}

private struct Publication {
  var proto: String
  var hostAddress: IPAddress?
  var hostPort: UInt16
  var container: IPAddress
  var containerPort: UInt16
  var bridge: String
}

extension Draft {
  func makeDockerRules() {
    let era = random.pick(DockerEra.allCases)
    uses(era.rawValue)
    let hasProxy = random.happens(60)
    uses(hasProxy ? "userland-proxy" : "no userland-proxy")
    if !hasProxy {
      topology.sysctls += bridgeNames.map { "net.ipv4.conf.\($0).route_localnet=1" }
      for index in topology.ports.indices { topology.ports[index].hairpin = true }
    }
    if era != .v29nft { ruleset.backend = random.happens(30) ? .legacy : .nft }
    uses("backend \(ruleset.backend.rawValue)")
    let networks = dockerNetworks()
    write(era, networks, publications(networks, isIPv4: true), hasProxy: hasProxy, isIPv4: true)
    if usesIPv6 { write(era, networks, publications(networks, isIPv4: false), hasProxy: hasProxy, isIPv4: false) }
  }

  private func dockerNetworks() -> [DockerNetwork] {
    bridgeNames.enumerated().compactMap { index, name in
      guard let known = Self.bridges.first(where: { $0.name == name }) else { return nil }
      let isInternal = index > 0 && random.happens(20)
      let hasICC = !random.happens(25)
      if isInternal { uses("internal network") }
      if !hasICC { uses("icc=false") }
      let containers = topology.ports.filter { $0.bridge == name }.flatMap(\.addresses)
      return DockerNetwork(
        bridge: name, subnet: "\(known.ipv4).0/16", subnet6: "\(known.ipv6):/64",
        containers: containers, hasICC: hasICC, isInternal: isInternal)
    }
  }

  private func publications(_ networks: [DockerNetwork], isIPv4: Bool) -> [Publication] {
    var found: [Publication] = []
    for network in networks where !network.isInternal {
      for _ in 0..<random.number(0...3) {
        let containers = network.containers.filter { $0.isIPv4 == isIPv4 }
        guard !containers.isEmpty else { continue }
        var publication = Publication(
          proto: random.happens(75) ? "tcp" : "udp", hostAddress: nil, hostPort: anyPort(),
          container: random.pick(containers), containerPort: anyPort(), bridge: network.bridge)
        if random.happens(25) {
          let loopback = IPAddress(isIPv4 ? "127.0.0.1" : "::1")
          publication.hostAddress = random.happens(30) ? loopback : random.pick(ownAddresses(isIPv4))
          uses("published on one address")
        }
        mentionedAddresses += [publication.container, publication.hostAddress].compactMap { $0 }
        if random.happens(60) { mentionedAddresses += ownAddresses(isIPv4) }
        found.append(publication)
      }
    }
    return found
  }

  private func write(
    _ era: DockerEra, _ networks: [DockerNetwork], _ publications: [Publication], hasProxy: Bool, isIPv4: Bool
  ) {
    if era == .v29nft {
      ruleset.nft += dockerTable(networks, publications, hasProxy: hasProxy, isIPv4: isIPv4)
      return
    }
    var lines = natLines(era, networks, publications, hasProxy: hasProxy, isIPv4: isIPv4)
    lines += filterLines(era, networks, publications, isIPv4: isIPv4)
    lines += rawLines(era, networks, publications)
    if isIPv4 { ruleset.ipv4 = lines } else { ruleset.ipv6 = lines }
    if era == .v28_0_0 {
      let family = isIPv4 ? "v4" : "v6"
      ruleset.ipset.append("create docker-ext-bridges-\(family) hash:net family \(isIPv4 ? "inet" : "inet6")")
      for network in networks {
        ruleset.ipset.append("add docker-ext-bridges-\(family) \(isIPv4 ? network.subnet : network.subnet6)")
      }
    }
  }

  // MARK: nat

  private func natLines(
    _ era: DockerEra, _ networks: [DockerNetwork], _ publications: [Publication], hasProxy: Bool, isIPv4: Bool
  ) -> [String] {
    var lines = ["*nat", ":DOCKER - [0:0]", "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"]
    let loopback = isIPv4 ? "127.0.0.0/8" : "::1/128"
    lines.append("-A OUTPUT \(hasProxy ? "! -d \(loopback) " : "")-m addrtype --dst-type LOCAL -j DOCKER")
    for network in networks where !network.isInternal {
      if !hasProxy { lines.append("-A POSTROUTING -o \(network.bridge) -m addrtype --src-type LOCAL -j MASQUERADE") }
      lines.append(
        "-A POSTROUTING -s \(isIPv4 ? network.subnet : network.subnet6) ! -o \(network.bridge) -j MASQUERADE")
    }
    for published in publications where era != .v29 && era != .v28 {
      lines.append(
        "-A POSTROUTING -s \(published.container) -d \(published.container) -p \(published.proto) --dport \(published.containerPort) -j MASQUERADE"
      )
    }
    let returns = hasProxy && era != .before1_10 && era != .v29
    for network in networks where returns && !network.isInternal {
      lines.append("-A DOCKER -i \(network.bridge) -j RETURN")
    }
    for published in publications {
      let address = published.hostAddress.map { "-d \($0) " } ?? ""
      let place = isIPv4 ? "\(published.container)" : "[\(published.container)]"
      lines.append(
        "-A DOCKER \(address)\(hasProxy ? "! -i \(published.bridge) " : "")-p \(published.proto) --dport \(published.hostPort) -j DNAT --to-destination \(place):\(published.containerPort)"
      )
    }
    return lines + ["COMMIT"]
  }

  // MARK: filter

  private func filterLines(
    _ era: DockerEra, _ networks: [DockerNetwork], _ publications: [Publication], isIPv4: Bool
  ) -> [String] {
    var lines = ["*filter", ":FORWARD \(random.happens(70) ? "DROP" : "ACCEPT") [0:0]", ":DOCKER - [0:0]"]
    if random.happens(25) {
      lines.insert(":INPUT DROP [0:0]", at: 1)
      lines.append("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
      lines.append("-A INPUT -p tcp --dport \(anyPort()) -j ACCEPT")
      uses("INPUT policy DROP")
    }
    let accepted = publications.map { published in
      "-A DOCKER -d \(published.container) ! -i \(published.bridge) -o \(published.bridge) -p \(published.proto) --dport \(published.containerPort) -j ACCEPT"
    }
    switch era {
    case .before1_10, .before17_06, .before18_05, .before28:
      lines += oldForward(era, networks, isIPv4) + accepted
    case .v28_0_0:
      lines += [":DOCKER-USER - [0:0]", ":DOCKER-ISOLATION-STAGE-1 - [0:0]", ":DOCKER-ISOLATION-STAGE-2 - [0:0]"]
      lines += ["-A FORWARD -j DOCKER-USER"] + userRules(isIPv4)
      let set = "docker-ext-bridges-\(isIPv4 ? "v4" : "v6")"
      lines.append("-A FORWARD -m set --match-set \(set) dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
      lines.append("-A FORWARD -j DOCKER-ISOLATION-STAGE-1")
      lines.append("-A FORWARD -m set --match-set \(set) dst -j DOCKER")
      lines += networks.filter { !$0.isInternal }.map { "-A FORWARD -i \($0.bridge) -j ACCEPT" }
      lines += accepted + networks.map { "-A DOCKER ! -i \($0.bridge) -o \($0.bridge) -j DROP" }
      lines += stages(networks, isIPv4)
    case .v28, .v29, .v29nft:
      lines += newForward(era, networks, accepted, isIPv4)
    }
    return lines + ["COMMIT"]
  }

  private func oldForward(_ era: DockerEra, _ networks: [DockerNetwork], _ isIPv4: Bool) -> [String] {
    var lines: [String] = []
    if era == .before18_05 || era == .before28 {
      lines += [":DOCKER-USER - [0:0]", "-A FORWARD -j DOCKER-USER"] + userRules(isIPv4)
    }
    if era == .before17_06 || era == .before18_05 {
      lines += [":DOCKER-ISOLATION - [0:0]", "-A FORWARD -j DOCKER-ISOLATION"]
      for one in networks {
        for other in networks where one.bridge != other.bridge {
          lines.append("-A DOCKER-ISOLATION -i \(one.bridge) -o \(other.bridge) -j DROP")
        }
      }
      lines.append("-A DOCKER-ISOLATION -j RETURN")
    }
    if era == .before28 {
      lines += [":DOCKER-ISOLATION-STAGE-1 - [0:0]", ":DOCKER-ISOLATION-STAGE-2 - [0:0]"]
      lines += ["-A FORWARD -j DOCKER-ISOLATION-STAGE-1"] + stages(networks, isIPv4)
    }
    for network in networks {
      let bridge = network.bridge
      if !network.isInternal {
        if era == .before1_10 {
          lines.append("-A FORWARD -o \(bridge) -j DOCKER")
          lines.append("-A FORWARD -o \(bridge) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        } else {
          lines.append("-A FORWARD -o \(bridge) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
          lines.append("-A FORWARD -o \(bridge) -j DOCKER")
        }
        lines.append("-A FORWARD -i \(bridge) ! -o \(bridge) -j ACCEPT")
      }
      lines.append("-A FORWARD -i \(bridge) -o \(bridge) -j \(network.hasICC ? "ACCEPT" : "DROP")")
    }
    return lines
  }

  private func stages(_ networks: [DockerNetwork], _ isIPv4: Bool) -> [String] {
    var lines: [String] = []
    for network in networks {
      if network.isInternal {
        let subnet = isIPv4 ? network.subnet : network.subnet6
        lines.append("-A DOCKER-ISOLATION-STAGE-1 ! -s \(subnet) -o \(network.bridge) -j DROP")
        lines.append("-A DOCKER-ISOLATION-STAGE-1 ! -d \(subnet) -i \(network.bridge) -j DROP")
      } else {
        lines.append(
          "-A DOCKER-ISOLATION-STAGE-1 -i \(network.bridge) ! -o \(network.bridge) -j DOCKER-ISOLATION-STAGE-2")
      }
    }
    lines.append("-A DOCKER-ISOLATION-STAGE-1 -j RETURN")
    lines += networks.filter { !$0.isInternal }.map { "-A DOCKER-ISOLATION-STAGE-2 -o \($0.bridge) -j DROP" }
    return lines + ["-A DOCKER-ISOLATION-STAGE-2 -j RETURN"]
  }

  private func newForward(_ era: DockerEra, _ networks: [DockerNetwork], _ accepted: [String], _ isIPv4: Bool)
    -> [String]
  {
    var lines = [":DOCKER-USER - [0:0]", ":DOCKER-FORWARD - [0:0]", ":DOCKER-CT - [0:0]", ":DOCKER-BRIDGE - [0:0]"]
    lines += ["-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-FORWARD"] + userRules(isIPv4)
    lines += networks.map { "-A DOCKER-CT -o \($0.bridge) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT" }
    lines.append("-A DOCKER-FORWARD -j DOCKER-CT")
    if era == .v29 {
      lines += [":DOCKER-INTERNAL - [0:0]", "-A DOCKER-FORWARD -j DOCKER-INTERNAL"]
      for network in networks where network.isInternal {
        let subnet = isIPv4 ? network.subnet : network.subnet6
        lines.append("-A DOCKER-INTERNAL ! -s \(subnet) -o \(network.bridge) -j DROP")
        lines.append("-A DOCKER-INTERNAL ! -d \(subnet) -i \(network.bridge) -j DROP")
      }
    } else {
      lines += [":DOCKER-ISOLATION-STAGE-1 - [0:0]", ":DOCKER-ISOLATION-STAGE-2 - [0:0]"]
      lines.append("-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1")
      lines += stages(networks, isIPv4)
    }
    lines.append("-A DOCKER-FORWARD -j DOCKER-BRIDGE")
    for network in networks {
      lines.append("-A DOCKER-BRIDGE -o \(network.bridge) -j DOCKER")
      let drop = network.hasICC ? "" : "-A DOCKER-FORWARD -i \(network.bridge) -o \(network.bridge) -j DROP"
      lines += drop.isEmpty ? [] : [drop]
      lines.append("-A DOCKER-FORWARD -i \(network.bridge) -j ACCEPT")
    }
    return lines + accepted + networks.map { "-A DOCKER ! -i \($0.bridge) -o \($0.bridge) -j DROP" }
  }

  /// What people write into DOCKER-USER.
  private func userRules(_ isIPv4: Bool) -> [String] {
    guard random.happens(45) else { return ["-A DOCKER-USER -j RETURN"] }
    uses("DOCKER-USER rules")
    let port = anyPort()
    let rule = random.pick([
      "-i eth0 ! -s \(anyPrefix(isIPv4)) -j DROP",
      "-i eth0 -p tcp --dport \(port) -j DROP", "-i eth0 -p tcp -m conntrack --ctorigdstport \(port) -j DROP",
      "-p tcp --dport \(port) -j REJECT", "-i eth0 -m conntrack --ctstate NEW -p tcp --dport \(port) -j ACCEPT",
      "-o eth0 -p udp -j DROP",
    ])
    return ["-A DOCKER-USER \(rule)", "-A DOCKER-USER -j RETURN"]
  }

  // MARK: raw

  private func rawLines(_ era: DockerEra, _ networks: [DockerNetwork], _ publications: [Publication]) -> [String] {
    guard era == .v28_0_0 || era == .v28 || era == .v29 else { return [] }
    var lines = ["*raw"]
    var protected: [IPAddress] = []
    for published in publications {
      if published.hostAddress == IPAddress("127.0.0.1") {
        lines.append(
          "-A PREROUTING -p \(published.proto) -d 127.0.0.1 ! -i lo --dport \(published.hostPort) -j DROP")
      }
      if era == .v28_0_0 {
        lines.append(
          "-A PREROUTING -p \(published.proto) -d \(published.container) ! -i \(published.bridge) --dport \(published.containerPort) -j DROP"
        )
      } else if !protected.contains(published.container) {
        protected.append(published.container)
        lines.append("-A PREROUTING -d \(published.container) ! -i \(published.bridge) -j DROP")
      }
    }
    return lines + ["COMMIT"]
  }

  // MARK: nftables

  private func dockerTable(
    _ networks: [DockerNetwork], _ publications: [Publication], hasProxy: Bool, isIPv4: Bool
  ) -> [String] {
    let family = isIPv4 ? "ip" : "ip6"
    let loopback = isIPv4 ? "127.0.0.0/8" : "::1"
    func map(_ name: String, _ prefix: String) -> [String] {
      let elements = networks.map { "\"\($0.bridge)\" : jump \(prefix)__\($0.bridge)" }.joined(separator: ", ")
      return ["\tmap \(name) {", "\t\ttype ifname : verdict", "\t\telements = { \(elements) }", "\t}"]
    }
    var chains: [String] = []
    for network in networks {
      let name = network.bridge
      let subnet = isIPv4 ? network.subnet : network.subnet6
      chains += ["\tchain filter-forward-in__\(name) {", "\t\tct state established,related counter accept"]
      chains.append("\t\tiifname \"\(name)\" counter \(network.hasICC ? "accept" : "drop") comment \"ICC\"")
      for published in publications where published.bridge == name {
        chains.append(
          "\t\t\(family) daddr \(published.container) \(published.proto) dport \(published.containerPort) counter accept"
        )
      }
      chains += ["\t\tcounter drop comment \"UNPUBLISHED PORT DROP\"", "\t}"]
      chains += ["\tchain filter-forward-out__\(name) {", "\t\tct state established,related counter accept"]
      if network.isInternal { chains.append("\t\t\(family) daddr != \(subnet) counter drop comment \"INTERNAL\"") }
      chains += ["\t\tcounter accept comment \"OUTGOING\"", "\t}", "\tchain nat-postrouting-in__\(name) {"]
      if !hasProxy { chains.append("\t\tfib saddr type local counter masquerade comment \"MASQUERADE FROM HOST\"") }
      chains += ["\t}", "\tchain nat-postrouting-out__\(name) {"]
      if !network.isInternal {
        chains.append("\t\toifname != \"\(name)\" \(family) saddr \(subnet) counter masquerade")
      }
      chains.append("\t}")
    }
    var lines = ["table \(family) docker-bridges {"]
    lines += map("filter-forward-in-jumps", "filter-forward-in") + map("filter-forward-out-jumps", "filter-forward-out")
    lines +=
      map("nat-postrouting-in-jumps", "nat-postrouting-in") + map("nat-postrouting-out-jumps", "nat-postrouting-out")
    lines += chains + ["\tchain nat-prerouting-and-output {"]
    for published in publications {
      let address = published.hostAddress.map { "\(family) daddr \($0) " } ?? ""
      let place = isIPv4 ? "\(published.container)" : "[\(published.container)]"
      lines.append(
        "\t\t\(address)\(hasProxy ? "iifname != \"\(published.bridge)\" " : "")\(published.proto) dport \(published.hostPort) counter dnat to \(place):\(published.containerPort) comment \"DNAT\""
      )
    }
    lines += ["\t}", "\tchain filter-FORWARD {", "\t\ttype filter hook forward priority filter; policy accept;"]
    lines += ["\t\toifname vmap @filter-forward-in-jumps", "\t\tiifname vmap @filter-forward-out-jumps", "\t}"]
    lines += ["\tchain nat-OUTPUT {", "\t\ttype nat hook output priority -100; policy accept;"]
    let beside = hasProxy ? "\(family) daddr != \(loopback) " : ""
    lines += ["\t\t\(beside)fib daddr type local counter jump nat-prerouting-and-output", "\t}"]
    lines += ["\tchain nat-POSTROUTING {", "\t\ttype nat hook postrouting priority srcnat; policy accept;"]
    lines += ["\t\tiifname vmap @nat-postrouting-out-jumps", "\t\toifname vmap @nat-postrouting-in-jumps", "\t}"]
    lines += ["\tchain nat-PREROUTING {", "\t\ttype nat hook prerouting priority dstnat; policy accept;"]
    lines += ["\t\tfib daddr type local counter jump nat-prerouting-and-output", "\t}"]
    lines += ["\tchain raw-PREROUTING {", "\t\ttype filter hook prerouting priority raw; policy accept;"]
    for published in publications {
      lines.append(
        "\t\t\(family) daddr \(published.container) iifname != \"\(published.bridge)\" counter drop comment \"DROP DIRECT ACCESS\""
      )
    }
    return lines + ["\t}", "}"]
  }
}

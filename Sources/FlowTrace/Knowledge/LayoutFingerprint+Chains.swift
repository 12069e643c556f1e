import HostModel
import RuleGraph

extension LayoutFingerprint {
  /// Reads the layout off a ruleset.
  init(_ ruleset: Ruleset, _ index: RulesetIndex) {
    self.init()
    let (names, programs) = Self.names(in: ruleset)
    docker = Self.dockerLayout(ruleset, names)
    for (beginning, program) in Self.programs where programs.contains(beginning) && !others.contains(program) {
      others.append(program)
    }
    if ruleset.tables.contains(where: { $0.name == "firewalld" }), !others.contains("firewalld") {
      others.append("firewalld")
    }
    findDetached(ruleset, index)
    findLateUserChain(ruleset)
  }

  /// The beginnings of names that the chains of programs other than Docker have, with what the programs are called.
  private static let programs: [(String, String)] =
    [
      (RuleAuthor.ufw, "ufw"), (.fail2ban, "fail2ban"), (.libvirt, "libvirt"), (.kubernetes, "Kubernetes"),
      (.calico, "Calico"), (.cni, "a CNI plugin"), (.podman, "Podman"), (.firewalld, "firewalld"),
    ].flatMap { author, name in author.chains.map { ($0, name) } }

  /// The names of Docker's chains, and the beginnings of names that other programs' chains have. A cluster's rules have
  /// tens of thousands of chains.
  private static func names(in ruleset: Ruleset) -> (docker: Set<String>, programs: Set<String>) {
    var docker: Set<String> = []
    var found: Set<String> = []
    var open = programs.map(\.0)
    for chain in ruleset.tables.lazy.flatMap(\.chains) {
      let name = chain.name.utf8
      if name.starts(with: "DOCKER".utf8) {
        docker.insert(chain.name)
      } else if let first = name.first,
        let index = open.firstIndex(where: { $0.utf8.first == first && name.starts(with: $0.utf8) })
      {
        found.insert(open.remove(at: index))
      }
    }
    return (docker, found)
  }

  private static func dockerLayout(_ ruleset: Ruleset, _ names: Set<String>) -> String? {
    if ruleset.tables.contains(where: { RuleAuthor.docker.tables.contains($0.name) }) {
      return "Docker 29 or later, nftables"
    }
    if names.contains("DOCKER-FORWARD") {
      return names.contains("DOCKER-INTERNAL") ? "Docker 29 or later, iptables" : "Docker 28.0.1 to 28.5, iptables"
    }
    if names.isEmpty { return nil }
    let asksBridgeSet = ruleset.tables.contains { table in
      table.chains.contains { chain in
        chain.rules.contains { rule in
          rule.statements.contains { statement in
            guard case .match(let match) = statement, case .ipset(let name) = match.values else { return false }
            return name.hasPrefix("docker-ext-bridges")
          }
        }
      }
    }
    if asksBridgeSet { return "Docker 28.0.0, iptables" }
    if names.contains("DOCKER-ISOLATION-STAGE-1") { return "Docker 18.05 to 27, iptables" }
    if names.contains("DOCKER-ISOLATION") {
      return names.contains("DOCKER-USER") ? "Docker 17.06 to 18.04, iptables" : "Docker 1.10 to 17.05, iptables"
    }
    if names.contains("DOCKER") {
      // The nat table alone looks the same from 1.0 to 27.
      let hasFilter = ruleset.table(.ip, "filter")?.chainIndex("DOCKER") != nil
      return hasFilter ? "Docker up to 1.9, iptables" : "Docker, iptables"
    }
    return nil
  }

  /// Chains that nothing jumps to: Docker's ones stop working when a firewall reload took the jumps away.
  private mutating func findDetached(_ ruleset: Ruleset, _ index: RulesetIndex) {
    for (number, table) in ruleset.tables.enumerated() where table.origin != .nftables {
      let name = RuleCoverage.TableName(table.family, table.name)
      if ruleset.coverage.partial.contains(name) { continue }
      let places = index.chains(ofTable: number)
      var isTarget = [Bool](repeating: false, count: table.chains.count)
      for chain in table.chains {
        for rule in chain.rules {
          for case .verdict(let verdict) in rule.statements {
            if case .chain(let target)? = verdict.target, let place = places[target] { isTarget[place] = true }
          }
        }
      }
      for chain in table.chains where chain.base == nil && !chain.rules.isEmpty {
        if let place = places[chain.name], isTarget[place] { continue }
        let isDocker = chain.name.hasPrefix("DOCKER")
        findings.append(
          Diagnostic(
            "chain-without-references", isDocker ? .warning : .note,
            "nothing jumps to \(table.name) \(chain.name), so its rules have no effect"
              + (isDocker
                ? ": a firewall reload may have removed Docker's jumps, a restart of Docker brings them back" : ""),
            span: chain.span))
      }
    }
  }

  private mutating func findLateUserChain(_ ruleset: Ruleset) {
    guard let table = ruleset.table(.ip, "filter"), table.chainIndex("DOCKER-USER") != nil,
      let forward = table.chains.first(where: { $0.name == "FORWARD" })
    else { return }
    let jump = forward.rules.firstIndex { $0.statements.contains(.verdict(.jump("DOCKER-USER"))) }
    guard let jump, jump > 0 else { return }
    let deciding = forward.rules[..<jump].contains { rule in
      rule.statements.contains { statement in
        switch statement {
        case .verdict(.accept), .verdict(.drop), .verdict(.reject), .verdict(.jump): return true
        default: return false
        }
      }
    }
    guard deciding else { return }
    findings.append(
      Diagnostic(
        "docker-user-not-first", .note,
        "the jump to DOCKER-USER is rule \(jump + 1) of FORWARD: the rules before it decide first",
        span: forward.rules[jump].span))
  }
}

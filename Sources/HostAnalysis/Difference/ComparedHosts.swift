package import FlowTrace
package import HostModel
package import RuleGraph

/// Two rulesets made ready to be asked the same questions: with one host around both, and with what both of them show.
package struct ComparedHosts {
  /// The rules before, without the tables that were left out.
  package let old: Ruleset
  /// The rules after.
  package let new: Ruleset
  /// What is not compared.
  package private(set) var gaps: [Gap] = []
  private(set) var hostTakenFor: Difference.Side?
  /// Whether the hosts around the rules are the same.
  let sharesHost: Bool
  /// Traces under the rules before.
  package let oldTracer: Tracer
  /// Traces under the rules after.
  package let newTracer: Tracer
  /// What is known of the host.
  package let facts: HostFacts
  /// The families of packets that are asked about.
  let families: [AddressFamily]

  /// Makes two rulesets with their hosts ready.
  package init(old: (ruleset: Ruleset, facts: HostFacts), new: (ruleset: Ruleset, facts: HostFacts)) {
    var (before, after) = (old.ruleset, new.ruleset)
    var (mine, its) = (old.facts, new.facts)
    if !mine.tellsOfHost, its.tellsOfHost {
      mine = its
      hostTakenFor = .old
    } else if mine.tellsOfHost, !its.tellsOfHost {
      its = mine
      hostTakenFor = .new
    }
    let families = Self.families(before, after, &gaps)
    for family in families { Self.leaveOutUnshown(&before, &after, family, &gaps) }
    self.families = families
    (self.old, self.new) = (before, after)
    facts = mine
    sharesHost = mine.isSameHost(as: its)
    // What either ruleset lets one infer of the host is true of the host.
    var both = before
    both.tables += after.tables
    let inferred = InferredHost(ruleset: both, facts: mine)
    oldTracer = Tracer(before, facts: mine, inferred: inferred)
    newTracer = Tracer(
      after, facts: its, inferred: sharesHost ? inferred : InferredHost(ruleset: both, facts: its))
  }

  /// The families that both sides show rules for.
  private static func families(_ old: Ruleset, _ new: Ruleset, _ gaps: inout [Gap]) -> [AddressFamily] {
    AddressFamily.allCases.filter { family in
      switch (old.showsFilter(family), new.showsFilter(family)) {
      case (true, true): return true
      case (false, false):
        let hasRules = old.hasRules(family) || new.hasRules(family)
        if !hasRules { gaps.append(.familyOfNeither(family)) }
        return hasRules
      case (let isOldShown, _):
        let (shown, other) = isOldShown ? (old, new) : (new, old)
        let side: Difference.Side = isOldShown ? .new : .old
        if other.hasRules(family) { return true }
        gaps.append(
          shown.hasRules(family) ? .family(family, notShownBy: side) : .familyOfNeither(family))
        return false
      }
    }
  }

  /// Leaves the tables of iptables out that one side does not show: what the other has there is like nothing that is
  /// known.
  private static func leaveOutUnshown(
    _ old: inout Ruleset, _ new: inout Ruleset, _ family: AddressFamily, _ gaps: inout [Gap]
  ) {
    for name in RuleCoverage.tablesInOrder {
      let (isOld, isNew) = (old.shows(name, family), new.shows(name, family))
      if isOld && isNew { continue }
      let (hadOld, hadNew) = (old.leaveOut(name, family), new.leaveOut(name, family))
      if isOld != isNew {
        if isOld ? hadOld : hadNew { gaps.append(.table(name, family, notShownBy: isOld ? .new : .old)) }
      } else if hadOld || hadNew {
        gaps.append(.tableOfNeither(name, family))
      }
    }
  }
}

extension Table {
  /// Whether anything that was shown of the table can do something to a packet.
  fileprivate var hasRules: Bool {
    shown != .nothing && chains.contains { !$0.rules.isEmpty || $0.base?.policy == .drop }
  }
}

extension Ruleset {
  /// Whether it is told which rules filter packets of a family.
  fileprivate func showsFilter(_ family: AddressFamily) -> Bool {
    coverage == RuleCoverage() || !coverage.untoldTables(family).contains("filter")
      || tables.contains { table in
        table.family.sees(family) && table.shown != .nothing
          && table.chains.contains { $0.base?.hook == .input || $0.base?.hook == .forward }
      }
  }

  /// Whether it is told what a table of iptables holds, or that there is none.
  fileprivate func shows(_ name: String, _ family: AddressFamily) -> Bool {
    let tables = tables.filter { $0.family == (family == .ipv4 ? .ip : .ip6) && $0.name == name }
    if tables.contains(where: { $0.shown != .nothing }) { return true }
    return tables.isEmpty && (coverage == RuleCoverage() || !coverage.untoldTables(family).contains(name))
  }

  /// Takes the hooks of a table away, so that no packet meets it; identifiers of rules stay what they are. Whether it
  /// could have done something.
  fileprivate mutating func leaveOut(_ name: String, _ family: AddressFamily) -> Bool {
    var isAny = false
    for index in tables.indices where tables[index].family == (family == .ipv4 ? .ip : .ip6) {
      guard tables[index].name == name, tables[index].origin != .nftables else { continue }
      isAny = isAny || tables[index].chains.contains { !$0.rules.isEmpty || $0.base?.policy == .drop }
      for chain in tables[index].chains.indices { tables[index].chains[chain].base = nil }
    }
    return isAny
  }

  /// Whether anything is shown that can do something to packets of a family.
  fileprivate func hasRules(_ family: AddressFamily) -> Bool {
    tables.contains { ($0.family.sees(family) || $0.family == .bridge || $0.family == .netdev) && $0.hasRules }
  }
}

extension HostFacts {
  /// Whether anything is told of the host around its rules.
  fileprivate var tellsOfHost: Bool {
    !interfaces.isEmpty || !routes.isEmpty || !containers.isEmpty || !networks.isEmpty || !sysctls.isEmpty
      || !unplacedAddresses.isEmpty
  }

  /// Whether everything that decides where packets go is the same, wherever it was printed.
  fileprivate func isSameHost(as other: HostFacts) -> Bool { decisive == other.decisive }

  /// What decides where packets go, without the lines that it stands in.
  private var decisive: HostFacts {
    var facts = self
    for index in facts.interfaces.indices {
      facts.interfaces[index].span = nil
      for address in facts.interfaces[index].addresses.indices { facts.interfaces[index].addresses[address].span = nil }
    }
    for index in facts.routes.indices { facts.routes[index].span = nil }
    for index in facts.routingRules.indices { facts.routingRules[index].span = nil }
    for index in facts.networks.indices { facts.networks[index].span = nil }
    for index in facts.containers.indices {
      facts.containers[index].span = nil
      facts.containers[index].pid = nil
    }
    facts.sysctls = facts.sysctls.mapValues { Sysctl($0.value) }
    facts.sockets = []
    facts.socketsKnown = false
    facts.connections = []
    facts.versions = [:]
    facts.ufw = nil
    facts.firewalls = []
    facts.announcedPorts = []
    facts.hostName = nil
    facts.captured = nil
    return facts
  }
}

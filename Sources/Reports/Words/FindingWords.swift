import FlowTrace
import HostAnalysis
import RuleGraph

/// What an audit found, as a network engineer would note it down.
struct FindingWords {
  private let ruleset: Ruleset
  private let deciders: DeciderWords

  init(_ ruleset: Ruleset) {
    self.ruleset = ruleset
    deciders = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
  }

  static func name(_ severity: Finding.Severity) -> String {
    switch severity {
    case .note: "note"
    case .warning: "warning"
    case .high: "high"
    }
  }

  /// What a kind of finding means, for tools that list the kinds.
  static func meaning(_ id: Finding.ID) -> String {
    switch id {
    case .neverReached: "No packet gets to the rule or chain."
    case .contradiction: "No packet meets all matches of the rule."
    case .shadowed: "Earlier rules take every packet that the rule matches."
    case .redundant: "Without the rule the same becomes of every packet."
    case .correlated: "Earlier rules decide otherwise about some of the rule's packets, so their order matters."
    case .missesPurpose: "The rule does not do what it seems to be meant for."
    case .overruled: "Another base chain drops what the rule accepts."
    case .missingSet: "The rule looks something up in a set without elements."
    case .missingInterface: "The rule names an interface that the host does not have."
    case .missingContainer: "The rule names an address that no container has."
    case .dangerousForward: "Packets from outside are forwarded to ports of containers that nobody published."
    case .dangerousContainers: "Containers reach ports of the host that are closed to others."
    case .dangerousIPv6: "A port is open over IPv6 that is closed over IPv4."
    case .dangerousService: "A service that is not made for strangers is open to everybody."
    case .dangerousLoopback: "Neighbours reach a port that is published for the host alone."
    case .dangerousNeighbours: "The messages that IPv6 needs on a link are dropped."
    case .dangerousFragmentation: "The messages that path MTU discovery needs are dropped."
    case .costlyEstablished: "Packets of known connections pass many rules before one accepts them."
    case .costlyList: "Many rules in a row differ in one value, and a set would hold it."
    }
  }

  /// `filter DOCKER-USER 5`, `filter f2b-sshd`; nil of a finding about the host.
  func place(_ finding: Finding) -> String? {
    if let rule = finding.rule { return ruleset.place(of: rule) }
    return finding.chain.map { ruleset.place(of: $0) }
  }

  /// `DROP tcp dport 6379`; nil where it is not about a rule.
  func rule(_ finding: Finding) -> String? {
    finding.rule.map { id in
      let words = RuleWords(ruleset[id])
      return words.conditions.isEmpty
        ? "\(words.actionText) everything" : "\(words.actionText) \(words.conditions.joined(separator: ", "))"
    }
  }

  /// Where it stands in the dumps.
  func source(_ finding: Finding) -> String? {
    if let rule = finding.rule { return deciders.source(.rule(rule)) }
    return finding.chain.flatMap { deciders.source(.policy($0)) }
  }

  // MARK: Sentences

  /// What was found, as one sentence without a full stop.
  func sentence(_ finding: Finding) -> String {
    switch finding.fact {
    case .nothingJumps:
      let count = finding.chain.map { ruleset[$0].rules.count } ?? 0
      return "nothing jumps to \(chain(finding)): its \(count == 1 ? "rule does" : "\(count) rules do") nothing"
    case .othersArrive:
      return
        "never matches: \(names(finding.because, from: finding)) \(finding.because.count == 1 ? "lets" : "let") only other packets into \(chain(finding))"
    case .notAtHook(let hook, let absence): return "never matches: \(Self.text(absence, at: hook))"
    case .contradiction: return "never matches: no packet meets all of its matches"
    case .shadowed: return shadowed(finding)
    case .redundant(let byPolicy): return redundant(finding, byPolicy)
    case .correlated:
      return
        "order matters: \(names(finding.because, from: finding)) \(finding.because.count == 1 ? "decides" : "decide") otherwise about some of its packets"
    case .portIsTranslated(let port, let target):
      return "does not match what comes to port \(port): after DNAT it is \(target)"
    case .deniesPublishedPort(let port):
      let decider = finding.because.first.map { "; \(ruleset.place(of: $0)) accepts them" } ?? ""
      return
        "does not stop port \(port): it is published, so its packets are translated, forwarded and never get here\(decider)"
    case .banLeavesContainers:
      return
        "bans from the host only: published ports of containers still answer, since their packets are forwarded and never reach \(chain(finding))"
    case .repliesDropped(let bridge, let decider):
      return
        "containers on \(bridge) get no answers: their packets leave, and \(deciders.place(decider)) drops what comes back"
    case .overruled(let decider):
      return
        "has no effect: an accept ends its own base chain only, and \(deciders.place(decider)) drops the same packets later"
    case .emptySet(let set): return "never matches: set \(set) is empty"
    case .unknownInterface(let name): return "never matches: the host has no interface \(name)"
    case .unknownContainer(let address, let network): return "no container has \(address) on network \(network)"
    case .forwardsAll(let from, let to):
      return
        "hosts beyond \(from ?? "any outside interface") reach every port of the containers on \(to), published or not"
    case .containersReachHost(let bridge):
      return "containers on \(bridge) reach every port of the host, also those that are closed to others"
    case .onlyOverIPv6(let port): return "port \(port) is open to everybody over IPv6 and closed over IPv4"
    case .sensitiveService(let service, let port): return "\(Self.text(service)) on port \(port) is open to everybody"
    case .sensitivePort(let service, let port):
      let use = service == .database ? "usually a database's" : "which usually gives control over the host"
      return "port \(port), \(use), is open to everybody; `ss -tulnp` shows whether anything listens"
    case .loopbackReached(let port):
      return
        "port \(port) is published on loopback only, and hosts on the same link reach it: DNAT comes before the check for loopback addresses"
    case .neighboursDropped: return "neighbour solicitations are dropped: nobody on the link finds the host over IPv6"
    case .fragmentationDropped(let family):
      return
        "ICMP\(family == .ipv4 ? " \"fragmentation needed\"" : "v6 \"packet too big\"") is dropped: connections over a narrower link hang (path MTU discovery)"
    case .establishedLate(let rules):
      return "packets of known connections pass \(rules) rules before this one accepts them"
    case .couldBeSet(let count):
      let last = finding.because.last.map { name($0, from: finding) } ?? "the last"
      return "\(count) rules in a row, to \(last), differ in one value: one rule with a set would do"
    }
  }

  /// What mends it; nil where nothing was found.
  func mend(_ finding: Finding) -> String? {
    switch finding.mend {
    case .move(let other): return "move it above \(name(other, from: finding))"
    case .remove: return "it can go"
    case .originalPort(let port): return "match the original port: -m conntrack --ctorigdstport \(port)"
    case nil: return nil
    }
  }

  private func chain(_ finding: Finding) -> String {
    (finding.rule?.chainID ?? finding.chain).map { ruleset[$0].name } ?? "?"
  }

  private func shadowed(_ finding: Finding) -> String {
    guard let only = finding.because.first, finding.because.count == 1 else {
      return "never reached: \(names(finding.because, from: finding)) together take all its packets first"
    }
    let what = RuleWords(ruleset[only]).conditions.isEmpty ? "every packet" : "all its packets"
    return "never reached: \(name(only, from: finding)) (\(RuleWords(ruleset[only]).actionText)) takes \(what) first"
  }

  private func redundant(_ finding: Finding, _ byPolicy: Bool) -> String {
    let policy = "the policy of \(chain(finding))"
    if finding.because.isEmpty { return "not needed: \(policy) does the same" }
    let rules = names(finding.because, from: finding)
    if byPolicy { return "not needed: \(rules) and \(policy) do the same with its packets" }
    return "not needed: \(rules) \(finding.because.count == 1 ? "does" : "do") the same with its packets"
  }

  /// `rule 4`, `filter DOCKER 1` of another chain.
  private func name(_ rule: RuleID, from finding: Finding) -> String {
    isInChain(of: finding, rule) ? "rule \(ruleset.number(of: rule))" : ruleset.place(of: rule)
  }

  private func isInChain(of finding: Finding, _ rule: RuleID) -> Bool {
    rule.chainID == (finding.rule?.chainID ?? finding.chain)
  }

  /// `rules 2 and 5`, `rules 2, 7, 9, 12, 13, 20 and 3 more`.
  private func names(_ rules: [RuleID], from finding: Finding) -> String {
    if rules.count == 1 { return name(rules[0], from: finding) }
    let shown = 6
    let own = rules.allSatisfy { isInChain(of: finding, $0) }
    var words = rules.prefix(shown).map { own ? String(ruleset.number(of: $0)) : ruleset.place(of: $0) }
    if rules.count > shown { words.append("\(rules.count - shown) more") }
    return (own ? "rules " : "") + words.enumerated
  }

  private static func text(_ absence: Finding.Absence, at hook: Hook) -> String {
    switch absence {
    case .output: "packets at \(hook.rawValue) have no output interface"
    case .input: "packets at \(hook.rawValue) have no input interface"
    case .laterState: "nat chains see only the packet that begins a connection"
    case .other: "no packet at \(hook.rawValue) is like that"
    }
  }

  private static func text(_ service: SensitiveService) -> String {
    switch service {
    case .database: "a database"
    case .control: "control over the host"
    }
  }
}

import FlowTrace
import Foundation
import HostAnalysis
import KernelLab
import Randomness
import RuleGraph
import RuleParser
import RuleText
import Testing

/// A rule that an audit says gets no packets: the kernel is sent packets of the rule's own set, and all others, and must never match it.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct AuditTests {
  struct Outcome: Sendable {
    var rulesets = 0
    var packets = 0
    /// Rules that are said to get no packets.
    var unreached = 0
    /// Rules of which the audit says no such thing, and those of them that a packet met.
    var others = 0
    var met = 0
    var reports: [String] = []
  }

  /// How many rulesets of each profile are tried; more with FWTRACE_AUDITS.
  private static let rulesets = ProcessInfo.processInfo.environment["FWTRACE_AUDITS"].flatMap { Int($0) } ?? 8

  @Test(arguments: Scenario.Profile.allCases)
  func theKernelNeverMatchesARuleThatIsSaidToBeUnreached(_ profile: Scenario.Profile) {
    var outcome = Outcome()
    var seed: UInt64 = 900_000
    while outcome.rulesets < Self.rulesets, outcome.reports.count < 5, seed < 900_000 + UInt64(Self.rulesets) * 3 {
      let number = seed
      if let one = try? Lab.inOwnThread({ try Self.outcome(profile, seed: number) }) {
        outcome.rulesets += 1
        outcome.packets += one.packets
        outcome.unreached += one.unreached
        outcome.others += one.others
        outcome.met += one.met
        outcome.reports += one.reports
      }
      seed += 1
    }
    print(
      "\(profile.rawValue), audit: \(outcome.rulesets) rulesets, \(outcome.packets) packets, \(outcome.unreached) rules unreached,",
      "\(outcome.reports.count) of them matched; \(outcome.met) of \(outcome.others) others matched")
    for report in outcome.reports { Issue.record(Comment(rawValue: report)) }
    #expect(outcome.rulesets == Self.rulesets && outcome.met > 0)
  }

  /// A ruleset with fewer rules is one that the programs load.
  @Test(arguments: Scenario.Profile.allCases)
  func theProgramsTakeARulesetWithFewerRules(_ profile: Scenario.Profile) {
    var seen = 0
    var seed: UInt64 = 950_000
    while seen < 6, seed < 950_060 {
      let number = seed
      seed += 1
      guard let one = try? Lab.inOwnThread({ try Self.smaller(profile, seed: number) }) else { continue }
      if let report = one.report { Issue.record(Comment(rawValue: report)) }
      if one.isSmaller { seen += 1 }
    }
    #expect(seen == 6)
  }

  private static func smaller(_ profile: Scenario.Profile, seed: UInt64) throws -> (report: String?, isSmaller: Bool) {
    let scenario = Scenario(profile, seed: seed, probes: 1)
    let trial = try Trial(scenario.topology, scenario.ruleset, form: scenario.form)
    let old = trial.reading.ruleset
    let new = SmallerRuleset(of: old) { rule, table in
      table.origin == .nftables
        || IptablesSavePrinter.ruleText(rule, family: table.family == .ip6 ? .ipv6 : .ipv4) != nil
    }.ruleset
    var texts: [(command: [String], text: String)] = []
    for (family, tool) in [(TableFamily.ip, "iptables"), (.ip6, "ip6tables")] {
      var own = new
      own.tables.removeAll { $0.origin == .nftables || $0.family != family }
      let text = IptablesSavePrinter.print(own)
      // What iptables has no words for was not printed by it.
      guard !own.tables.isEmpty, !text.contains("\n# chain ") else { continue }
      texts.append((["\(tool)-\(scenario.ruleset.backend.rawValue)-restore", "--test"], text))
    }
    var own = new
    own.tables.removeAll { $0.origin != .nftables }
    own.ipsets = []
    if !own.tables.isEmpty { texts.append((["nft", "-c", "-f", "-"], NftPrinter.print(own))) }
    for (command, text) in texts {
      let result = try runCommand(command, input: text)
      if result.status != 0 { return ("\(profile.rawValue)-\(seed): \(command): \(result.errors)\n\(text)", true) }
    }
    return (nil, new.ruleCount < old.ruleCount)
  }

  private static func outcome(_ profile: Scenario.Profile, seed: UInt64) throws -> Outcome? {
    let scenario = Scenario(profile, seed: seed, probes: Campaign.probesPerRuleset)
    // Only what nft's trace shows can be looked at rule by rule.
    guard scenario.ruleset.backend == .nft else { return nil }
    let trial = try Trial(scenario.topology, scenario.ruleset, form: scenario.form)
    let ruleset = trial.reading.ruleset
    var unreached: [String: RuleID] = [:]
    for finding in AnalysedHost(ruleset, facts: trial.reading.facts).audit().findings {
      switch finding.id {
      case .neverReached, .contradiction, .shadowed: break
      default: continue
      }
      if let rule = finding.rule {
        unreached[place(rule, ruleset)] = rule
      } else if let chain = finding.chain {
        for rule in ruleset[chain].rules.indices {
          let id = RuleID(table: chain.table, chain: chain.chain, rule: rule)
          unreached[place(id, ruleset)] = id
        }
      }
    }
    var all: [RuleID] = []
    for (t, table) in ruleset.tables.enumerated() {
      for (c, chain) in table.chains.enumerated() {
        all += chain.rules.indices.map { RuleID(table: t, chain: c, rule: $0) }
      }
    }
    var random = RandomNumbers(seed: seed)
    var probes = scenario.probes
    for id in unreached.values.sorted() + all.shuffled(using: &random).prefix(30) {
      for _ in 0..<2 {
        if let probe = Self.probe(of: ruleset[id], like: scenario.probes, by: &random) { probes.append(probe) }
      }
    }
    var outcome = Outcome(rulesets: 1, unreached: unreached.count, others: all.count - unreached.count)
    var met = Set<String>()
    for probe in probes {
      guard let observation = trial.lab.observe(probe) else { continue }
      outcome.packets += 1
      for step in observation.path where step.index > 0 {
        let name = "\(step.family) \(step.table) \(step.chain) \(step.index)"
        guard met.insert(name).inserted, unreached[name] != nil else { continue }
        outcome.reports.append(
          "\(profile.rawValue)-\(seed): \(name) is met by \(probe)\n\(observation)\(trial.ruleset)")
      }
    }
    outcome.met = met.count
    return outcome
  }

  private static func place(_ id: RuleID, _ ruleset: Ruleset) -> String {
    let table = ruleset.tables[id.table]
    return "\(table.family.rawValue) \(table.name) \(table.chains[id.chain].name) \(id.rule + 1)"
  }

  /// A packet that a rule asks for, as far as the laboratory can send one.
  private static func probe(of rule: Rule, like others: [Probe], by random: inout RandomNumbers) -> Probe? {
    guard var probe = random.oneOf(others) else { return nil }
    for case .match(let match) in rule.statements {
      guard case .field(let field) = match.subject, case .values(let values) = match.values else { continue }
      let wanted = match.negated ? values.complement : values
      func fits(_ value: UInt128) -> Bool { wanted.contains(value) }
      switch field {
      case .meta(.l4proto):
        if let number = [6, 17, 1, 58].first(where: { fits(UInt128($0)) }) { probe.proto = UInt8(number) }
      case .meta(.iifname):
        let from = others.filter { $0.from.flatMap { InterfaceName($0) }.map { fits($0.value) } ?? false }
        if let one = random.oneOf(from) { probe.from = one.from }
      case .header(let header):
        switch header.name {
        case .saddr:
          if let one = random.oneOf(others.filter { fits($0.source.bits) }) {
            probe.source = one.source
            probe.from = one.from
          }
        case .daddr:
          if let one = random.oneOf(others.filter { fits($0.destination.bits) }) { probe.destination = one.destination }
        case .dport:
          if let port = wanted.first.flatMap({ UInt16(exactly: $0) }), port > 0 { probe.destinationPort = port }
        case .sport: if let port = wanted.first.flatMap({ UInt16(exactly: $0) }), port > 0 { probe.sourcePort = port }
        default: continue
        }
      default: continue
      }
    }
    guard probe.source.family == probe.destination.family else { return nil }
    if probe.source.isIPv4 ? probe.proto == 58 : probe.proto == 1 { return nil }
    return probe
  }
}

extension RandomNumbers {
  /// One of some things, where there are any.
  fileprivate mutating func oneOf<Element>(_ all: [Element]) -> Element? {
    all.isEmpty ? nil : pick(all)
  }
}

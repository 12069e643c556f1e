import FlowTrace
import HostModel
public import RuleGraph

/// What is wrong with the rules of a host, or worth a look: rules that get no packets, that do nothing, that miss what
/// they are meant for, and what is open that should not be; each with its proof.
///
///     let audit = AnalysedHost(reading.ruleset, facts: reading.facts).audit()
///     for finding in audit.findings where finding.severity == .high { print(finding.id, finding.rule, finding.because) }
public struct Audit: Sendable {
  /// The findings, those that matter most first, and those of one weight in the order of the dumps.
  public var findings: [Finding]
  /// The chains whose rules are not all shown: what gets to the rules that are is judged, whether something leads to
  /// them is not.
  public var partial: [ChainID]
  /// What makes the answers about the host incomplete.
  public var warnings: [Diagnostic]
}

extension AnalysedHost {
  /// What is wrong with the rules of the host, or worth a look.
  ///
  /// - Parameter kinds: The kinds of findings that are wanted, and looked for; where the rules alone tell of all of
  ///   them, nothing is asked about the host.
  public func audit(for kinds: Set<Finding.ID> = Set(Finding.ID.allCases)) -> Audit {
    let isOfRules = kinds.isSubset(of: Finding.ID.ofRules)
    return AuditSearch(self, isOfRules ? nil : outsideExposure()).audit(for: kinds)
  }

  /// The same, where it is known already what other hosts reach.
  public func audit(with exposure: Exposure) -> Audit {
    AuditSearch(self, exposure).audit(for: Set(Finding.ID.allCases))
  }
}

/// Gathers the findings of every kind.
struct AuditSearch {
  private let host: AnalysedHost
  /// What can be reached; nil where nothing is asked about the host.
  private let exposure: Exposure?

  init(_ host: AnalysedHost, _ outside: Exposure?) {
    self.host = host
    guard var exposure = outside else {
      self.exposure = nil
      return
    }
    // Of containers it is asked beside that which ports of the host they reach that others don't.
    let search = ExposureSearch(host)
    let networks = search.zones.filter { if case .network = $0.kind { true } else { false } }
    let inside = search.exposure(from: networks) { $0.filter { $0.subject == .otherHostPorts } }
    exposure.accesses += inside.accesses
    self.exposure = exposure
  }

  func audit(for kinds: Set<Finding.ID>) -> Audit {
    let ruleset = host.ruleset
    let updated = ruleset.updatedSets
    let tables = ruleset.tables.indices.filter { ruleset.tables[$0].shown != .nothing }.map {
      TableReach(AuditedTable(ruleset, table: $0, updated: updated))
    }
    let bridges = Set((host.inferred.bridges + host.inferred.ruledBridges).compactMap { InterfaceName($0)?.value })
    var findings: [Finding] = []
    for table in tables { findings += RuleSearch(ruleset, table, bridges: bridges).findings(of: kinds) }
    findings += AbsenceSearch(host).findings()
    if let exposure {
      findings += PurposeSearch(host, exposure, tables).findings()
      findings += DangerSearch(host, exposure).findings()
    }
    // Whoever mends what is wrong with a rule does not ask whether it is needed.
    let wrong = Set(findings.filter { $0.id != .redundant && $0.severity >= .warning }.compactMap(\.rule))
    findings.removeAll { $0.id == .redundant && $0.rule.map(wrong.contains) ?? false }
    findings.removeAll { !kinds.contains($0.id) }
    for index in findings.indices { findings[index].counterAgrees = counterAgrees(findings[index]) }
    findings.sort { ($1.severity, $0.place, $0.id.rawValue) < ($0.severity, $1.place, $1.id.rawValue) }
    var partial: [ChainID] = []
    for (t, table) in ruleset.tables.enumerated() {
      for (c, chain) in table.chains.enumerated() where chain.shown == .part {
        partial.append(ChainID(table: t, chain: c))
      }
    }
    // What is found here is not said a second time.
    let warnings = exposure?.warnings.filter { $0.id != "chain-without-references" } ?? []
    return Audit(findings: findings, partial: partial, warnings: warnings)
  }

  /// What the counter of a rule says that is found to get no packets, or to get some.
  private func counterAgrees(_ finding: Finding) -> Bool? {
    guard let rule = finding.rule, let counter = host.ruleset[rule].counter else { return nil }
    switch finding.id {
    case .neverReached, .contradiction, .shadowed: return counter.packets == 0
    default: return nil
    }
  }
}

extension Finding {
  /// Where it is in the dumps.
  fileprivate var place: Place { rule.map { .rule($0) } ?? chain.map { .chain($0) } ?? .host }

  /// Findings of a chain come before those of its rules, and those of the host last.
  fileprivate enum Place: Comparable {
    case chain(ChainID)
    case rule(RuleID)
    case host

    static func < (a: Place, b: Place) -> Bool { a.numbers.lexicographicallyPrecedes(b.numbers) }

    private var numbers: [Int] {
      switch self {
      case .chain(let id): [id.table, id.chain]
      case .rule(let id): [id.table, id.chain, id.rule]
      case .host: [.max]
      }
    }
  }
}

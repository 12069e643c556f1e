public import RuleGraph

/// Which rules of a host the tests of a policy met: decided by, passed, or never.
public struct PolicyCoverage: Sendable {
  /// What the tests did with a rule.
  public enum Use: String, Hashable, Sendable {
    /// It decided packets of some test.
    case decided
    /// It matched packets of some test on their way.
    case visited
    /// It matched no packet of any test.
    case never
  }

  /// A rule and what the tests did with it.
  public struct RuleUse: Hashable, Sendable {
    /// The rule.
    public var rule: RuleID
    /// What the tests did with it.
    public var use: Use
    /// The number of tests that met it.
    public var tests: Int
  }

  /// A chain with its rules.
  public struct ChainUse: Hashable, Sendable {
    /// The chain.
    public var chain: ChainID
    /// Its rules in order.
    public var rules: [RuleUse]
    /// Whether the chain has a policy, and the number of tests that met it.
    public var policyTests: Int?

    /// The number of rules that some test met.
    public var covered: Int { rules.count { $0.use != .never } }
  }

  /// The host.
  public let host: PolicyHost
  /// The chains that hold rules or have a policy, in the order of the dumps.
  public let chains: [ChainUse]

  /// Gathers what the checks of a host met.
  public init(_ result: HostResult) {
    host = result.host
    var decided = RuleMarks()
    var met: [RuleID: Int] = [:]
    var policies: [ChainID: Int] = [:]
    for check in result.results {
      decided.formUnion(check.exercised.decided)
      var mine = check.exercised.visited
      mine.formUnion(check.exercised.decided)
      for rule in mine.rules { met[rule, default: 0] += 1 }
      for chain in check.exercised.policies { policies[chain, default: 0] += 1 }
    }
    var chains: [ChainUse] = []
    for (tableIndex, table) in host.ruleset.tables.enumerated() {
      for (chainIndex, chain) in table.chains.enumerated() {
        if chain.shown == .nothing { continue }
        let id = ChainID(table: tableIndex, chain: chainIndex)
        let rules = chain.rules.indices.filter { chain.rules[$0].missing == nil }.map { index -> RuleUse in
          let rule = RuleID(table: tableIndex, chain: chainIndex, rule: index)
          let use: Use = decided.contains(rule) ? .decided : met[rule] == nil ? .never : .visited
          return RuleUse(rule: rule, use: use, tests: met[rule, default: 0])
        }
        if rules.isEmpty, chain.base?.policy == nil { continue }
        chains.append(
          ChainUse(chain: id, rules: rules, policyTests: chain.base?.policy == nil ? nil : policies[id, default: 0]))
      }
    }
    self.chains = chains
  }

  /// The number of rules.
  public var rules: Int { chains.reduce(0) { $0 + $1.rules.count } }

  /// The number of rules that some test met.
  public var covered: Int { chains.reduce(0) { $0 + $1.covered } }

  /// The rules that some test met, in percent of all; 100 where there are none.
  public var percent: Double { rules == 0 ? 100 : Double(covered) * 100 / Double(rules) }
}

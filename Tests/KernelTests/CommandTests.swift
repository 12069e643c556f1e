import KernelLab
import RuleGraph
import RuleParser
import Testing

/// Scripts of commands run by a shell and the real programs, and read by fwtrace: both make the same rules.
@Suite(.serialized, .enabled(if: Lab.obstacle == nil, "needs network namespaces"))
struct CommandTests {
  @Test(arguments: CommandScript.Profile.allCases)
  func aScriptMakesTheRulesThatItMakesWhenItIsRun(_ profile: CommandScript.Profile) throws {
    var rules = 0
    for seed in 1...60 as ClosedRange<UInt64> {
      let script = CommandScript(profile, seed: seed)
      let printed = try Lab.inOwnThread { () throws in
        try runCommand(["unshare", "-n", "sh", "-c", "sh >/dev/null 2>&1; \(script.dump)"], input: script.text).output
      }
      let made = DumpReader().read([DumpInput(name: "script.sh", text: script.text)])
      let name = profile == .nft ? "nft-j-list-ruleset.json" : profile == .ip6tables ? "ip6tables-save.txt" : "dump.txt"
      let real = DumpReader().read([DumpInput(name: name, text: printed)])
      for difference in differences(made.ruleset.canonical, real.ruleset.canonical) {
        Issue.record(Comment(rawValue: "\(profile.rawValue) \(seed): \(difference)\n\(script.text)\n\(printed)"))
      }
      rules += real.ruleset.tables.reduce(0) { $0 + $1.chains.reduce(0) { $0 + $1.rules.count } }
      rules += real.ruleset.ipsets.reduce(0) { $0 + $1.elements.count }
    }
    print("\(profile.rawValue): \(rules) rules and elements compared")
    #expect(rules > 100)
  }

  private func differences(_ made: Ruleset, _ real: Ruleset) -> [String] {
    var found: [String] = []
    for name in Set((made.tables + real.tables).map { "\($0.family.rawValue) \($0.name)" }).sorted() {
      let (one, other) = (chains(name, made), chains(name, real))
      for chain in Set(one.keys).union(other.keys).sorted() {
        if let text = difference(one[chain], other[chain]) { found.append("\(name) \(chain): \(text)") }
      }
      let sets = [made, real].map { ruleset in
        ruleset.tables.filter { "\($0.family.rawValue) \($0.name)" == name }.flatMap(\.sets).map { set in
          "\(set.name) \(set.elementsKnown) \(set.elements.map(\.key))"
        }
      }
      if sets[0] != sets[1] { found.append("\(name): \(sets[0]) and \(sets[1])") }
    }
    // A member that is added again is there once.
    let sets = [made, real].map { ruleset in
      ruleset.ipsets.map { "\($0.name) \(Set($0.elements.map { "\($0.key) \($0.nomatch)" }).sorted())" }
    }
    if sets[0] != sets[1] { found.append("ipsets \(sets[0]) and \(sets[1])") }
    return found
  }

  private func chains(_ table: String, _ ruleset: Ruleset) -> [String: Chain] {
    let chains = ruleset.tables.filter { "\($0.family.rawValue) \($0.name)" == table }.flatMap(\.chains)
    return Dictionary(chains.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private func difference(_ one: Chain?, _ other: Chain?) -> String? {
    guard let one, let other else {
      // A built-in chain that nobody touched is printed or not.
      guard let single = one ?? other, !single.rules.isEmpty || single.base == nil || single.base?.policy == .drop
      else {
        return nil
      }
      return one == nil ? "not made" : "not there"
    }
    if one.base != other.base { return "\(one.base as Any) and \(other.base as Any)" }
    // Where a rule can't be told from its handle, all are in doubt.
    if one.rules.contains(where: isOpen) { return nil }
    if one.rules.count != other.rules.count { return "\(one.rules.count) rules and \(other.rules.count)" }
    for (number, (made, real)) in zip(one.rules, other.rules).enumerated()
    where (made.statements != real.statements || made.comment != real.comment) && !(real.isUnseen && isBare(made)) {
      return "rule \(number + 1)\n\(made.statements)\n\(real.statements)"
    }
    return nil
  }

  /// Whether a rule only counts. Where several of them are the widest lines of a dump, they may as well have been cut before their targets.
  private func isBare(_ rule: Rule) -> Bool {
    rule.statements.allSatisfy { if case .match = $0 { true } else { false } }
  }

  private func isOpen(_ rule: Rule) -> Bool {
    rule.missing != nil || rule.statements.contains { if case .opaqueMatch = $0 { true } else { false } }
  }
}

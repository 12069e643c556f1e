import HostModel
import RuleGraph
import RuleText

/// A place in a chain for a rule that changes a case's fate.
struct RemedyPlace: Hashable {
  /// Whose command writes there.
  enum Tool: Hashable {
    case iptables, nft
    /// ufw, in front of its own rules or behind them, of what is delivered or of what is forwarded.
    case ufw(isFirst: Bool, isRouted: Bool)
  }

  var chain: ChainID
  /// The index that the rule gets.
  var index: Int
  var hook: Hook
  var tool: Tool

  /// The command that puts a rule there; nil where a name would be more than one word in a shell or to the program:
  /// such a command could be another one.
  func command(_ rule: PlainRule, in ruleset: Ruleset) -> String? {
    let table = ruleset.tables[chain.table]
    let chain = table.chains[chain.chain]
    let names = [table.name, chain.name] + (rule.input.map { ["\($0)"] } ?? [])
    guard names.allSatisfy(NftSafety.isName) else { return nil }
    switch tool {
    case .ufw(let isFirst, let isRouted):
      return rule.ufwArguments.map { "ufw \(isRouted ? "route " : "")\(isFirst ? "insert 1 " : "")\($0)" }
    case .iptables:
      var program = table.family == .ip6 ? "ip6tables" : "iptables"
      if table.origin == .iptablesLegacy { program += "-legacy" }
      let option = table.name == "filter" ? "" : " -t \(table.name)"
      let isLast = index == chain.rules.count
      let place = isLast ? "-A \(chain.name)" : "-I \(chain.name) \(index + 1)"
      return "\(program)\(option) \(place) \(rule.iptablesArguments)"
    case .nft:
      let name = "\(table.family.rawValue) \(table.name) \(chain.name)"
      if index == chain.rules.count { return "nft add rule \(name) \(rule.nftText(in: table))" }
      if index == 0 { return "nft insert rule \(name) \(rule.nftText(in: table))" }
      let place = chain.rules[index].handle.map { "handle \($0)" } ?? "index \(index)"
      return "nft insert rule \(name) \(place) \(rule.nftText(in: table))"
    }
  }

  /// The program that owns the chain, and does not mean it for rules of one's own.
  func owner(in ruleset: Ruleset) -> RuleRemedy.Owner? {
    let table = ruleset.tables[chain.table]
    let name = table.chains[chain.chain].name
    if case .ufw = tool { return .ufw }
    if RuleAuthor.isForOwnRules(name) { return nil }
    switch RuleAuthor(chain: name, table: table.name) {
    case .firewalld: return .firewalld
    case .docker: return .docker
    case .libvirt: return .libvirt
    default: break
    }
    let hasUfw = table.chains.contains { chain in RuleAuthor.ufw.chains.contains { chain.name.hasPrefix($0) } }
    return hasUfw ? .ufwTable : nil
  }
}

/// Finds the places in which a rule could change a case's fate, the most fitting first.
struct RemedyPlaces {
  let ruleset: Ruleset

  /// The places before the rule or policy that decided a case.
  func before(_ one: Case) -> [RemedyPlace] {
    guard let table = table(of: one.decidedBy),
      let decision = one.path.lastIndex(where: { decides($0, one.decidedBy) }), let hook = one.path[decision].hook
    else { return [] }
    for step in one.path[...decision].reversed() {
      switch step.event {
      case .rule(let id) where id.table == table && ruleset[id.chainID].base != nil:
        return places(id.chainID, index: id.rule, hook)
      case .policy(let chain) where chain.table == table:
        return places(chain, index: ruleset[chain].rules.count, hook)
      default: continue
      }
    }
    return []
  }

  /// The places at the front of the chains that could stop a packet which gets through.
  func front(_ one: Case) -> [RemedyPlace] {
    let hook: Hook =
      switch one.fate {
      case .local: .input
      case .sent: .output
      default: .forward
      }
    var bases: [ChainID] = []
    for step in one.path where step.hook == hook {
      switch step.event {
      case .rule(let id) where isFiltering(id.chainID): bases.append(id.chainID)
      case .policy(let chain) where isFiltering(chain): bases.append(chain)
      default: continue
      }
    }
    var seen = Set<ChainID>()
    let once = bases.filter { seen.insert($0).inserted }
    // The table whose rules let the packet pass is the one to change.
    let first = table(of: one.decidedBy)
    return (once.filter { $0.table == first } + once.filter { $0.table != first }).flatMap {
      places($0, index: 0, hook)
    }
  }

  private func table(of decider: Decider) -> Int? {
    switch decider {
    case .rule(let id): id.table
    case .policy(let id): id.table
    case .nothing, .outside: nil
    }
  }

  private func decides(_ step: Step, _ decider: Decider) -> Bool {
    switch (decider, step.event) {
    case (.rule(let id), .rule(let other)): id == other && step.matched
    case (.policy(let id), .policy(let other)): id == other
    default: false
    }
  }

  private func isFiltering(_ id: ChainID) -> Bool {
    guard let base = ruleset[id].base else { return false }
    let table = ruleset.tables[id.table]
    return base.type == .filter && (table.origin == .nftables || table.name == "filter")
  }

  /// The base chain itself, and before it the chains that are meant for rules of one's own.
  private func places(_ base: ChainID, index: Int, _ hook: Hook) -> [RemedyPlace] {
    let table = ruleset.tables[base.table]
    let tool: RemedyPlace.Tool = table.origin == .nftables ? .nft : .iptables
    let plain = RemedyPlace(chain: base, index: index, hook: hook, tool: tool)
    guard table.name == "filter", tool == .iptables else { return [plain] }
    var places: [RemedyPlace] = []
    if hook == .forward, let user = table.chainIndex("DOCKER-USER"), isJumpedTo("DOCKER-USER", base, before: index) {
      places.append(
        RemedyPlace(chain: ChainID(table: base.table, chain: user), index: 0, hook: hook, tool: .iptables))
    }
    let prefix = table.family == .ip6 ? "ufw6-user-" : "ufw-user-"
    if let ufw = table.chainIndex(prefix + (hook == .input ? "input" : hook == .forward ? "forward" : "output")) {
      let chain = ChainID(table: base.table, chain: ufw)
      let last = table.chains[ufw].rules.count
      for (index, isFirst) in last == 0 ? [(0, false)] : [(last, false), (0, true)] {
        places.append(
          RemedyPlace(
            chain: chain, index: index, hook: hook, tool: .ufw(isFirst: isFirst, isRouted: hook == .forward)))
      }
    }
    return places + [plain]
  }

  private func isJumpedTo(_ name: String, _ base: ChainID, before index: Int) -> Bool {
    let rules = ruleset[base].rules
    // A rule at the front stands before the jump, too; what counts is that the jump comes before the decision.
    return rules.prefix(index == 0 ? rules.count : index).contains { $0.statements.contains(.verdict(.jump(name))) }
  }
}

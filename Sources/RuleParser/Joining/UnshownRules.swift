import HostModel
import RuleGraph

/// Puts what no dump shows, but what exists or may exist, into the graph: unknown things at known places.
///
/// A table that was shown in part has its other built-in chains, unknown. A table that nobody printed is empty, as on a
/// freshly started host, unless something speaks against it: an output that was cut or failed, chains of a container
/// engine that come in several tables, chains that have counted packets and that nothing jumps to.
struct UnshownRules {
  /// The tables, with what was added.
  private(set) var tables: [Table]
  private(set) var coverage: RuleCoverage
  /// What is worth telling.
  private(set) var diagnostics: [Diagnostic] = []
  /// Where programs said that they can't print a table which another form shows.
  private(set) var settled: Set<SourceSpan> = []
  private let facts: HostFacts
  private let sections: RuleSections

  init(_ tables: [Table], _ coverage: RuleCoverage, sections: RuleSections, facts: HostFacts) {
    self.tables = tables
    self.coverage = coverage
    self.sections = sections
    self.facts = facts
    findUnseenJumps()
    addHeadlessChains()
    addMisplacedChains()
    addChainsOfParts()
    addCutOutputs()
    addUnprinted()
    addNamedTables()
    // Before the engines' tables: what ufw or firewalld loads is unknown, whatever an engine adds to it.
    addServices()
    addEngineTables()
  }

  // MARK: - Chains

  /// A built-in chain of an iptables table of which nothing is known.
  private func unshown(
    _ name: String, of table: String, _ missing: MissingRules, matching statements: [Statement] = [],
    policy: BaseChain.Policy? = nil, span: SourceSpan?
  ) -> Chain {
    // nat refuses to drop by its policy (iptables(8)).
    Chain(
      name, base: BuiltinTables.base(table: table, chain: name, policy: table == "nat" ? .accept : policy),
      rules: [Rule(statements + [.missingRules(missing)], span: span ?? .nowhere)], span: span, shown: .nothing)
  }

  private static func command(_ table: String, _ family: TableFamily) -> String {
    let program = family == .ip6 ? "ip6tables" : "iptables"
    return table == "filter" ? "\(program) -vnL" : "\(program) -t \(table) -vnL"
  }

  /// The tables of iptables that hosts have rules in.
  private static let usualTables = ["raw", "mangle", "nat", "filter"]

  /// The command that prints all tables of a family.
  private static func saveCommand(_ family: TableFamily) -> String {
    family == .ip6 ? "ip6tables-save" : "iptables-save"
  }

  /// The other chains of tables that were shown in part.
  private mutating func addChainsOfParts() {
    for index in tables.indices where tables[index].shown == .part {
      let table = tables[index]
      if table.origin == .nftables {
        addHooks(to: index)
        continue
      }
      let missing = MissingRules(.notShown, settledBy: Self.command(table.name, table.family))
      for name in BuiltinTables.chains(of: table.name) where table.chainIndex(name) == nil {
        tables[index].chains.append(unshown(name, of: table.name, missing, span: nil))
      }
    }
  }

  /// Base chains at the hooks at which a part of one of nft's tables shows none: filtering ones beside filtering ones,
  /// nat beside nat.
  private mutating func addHooks(to index: Int) {
    let table = tables[index]
    guard table.family.sees(.ipv4) || table.family.sees(.ipv6) else { return }
    let bases = table.chains.compactMap(\.base)
    let command = "nft list \(table.name.isEmpty ? "ruleset" : "table \(table.family.rawValue) \(table.name)")"
    if bases.contains(where: { $0.type != .nat }) || bases.isEmpty {
      for hook in [Hook.input, .forward, .output] where !bases.contains(where: { $0.hook == hook && $0.type != .nat }) {
        addHook(hook, .filter, HookPriority.filter, to: index, MissingRules(.notShown, settledBy: command))
      }
    }
    if bases.contains(where: { $0.type == .nat }) {
      for (hook, priority) in [
        (Hook.prerouting, HookPriority.dstnat), (.output, HookPriority.dstnat), (.postrouting, HookPriority.srcnat),
      ] where !bases.contains(where: { $0.hook == hook && $0.type == .nat }) {
        addHook(hook, .nat, priority, to: index, MissingRules(.notShown, settledBy: command))
      }
    }
  }

  /// A chain of nft whose first line was left out, and that nothing jumps to, may be a base chain: that line tells the
  /// hook.
  private mutating func addHeadlessChains() {
    for index in tables.indices where [.nftables, .iptablesNFT].contains(tables[index].origin) {
      let table = tables[index]
      for chain in table.chains where chain.base == nil && chain.shown != .whole {
        guard let first = chain.rules.first, let evidence = first.missing?.evidence,
          evidence == .elided || evidence == .filtered || evidence == .cut || evidence == .unreadable,
          !table.chains.contains(where: { $0.rules.contains { $0.leads(to: chain.name) } })
        else { continue }
        let place = BaseChainPlace(
          chain: chain.name, hook: BaseChainPlace.hook(inName: chain.name), span: first.span, evidence: evidence)
        let known = Set(table.chains.map(\.name))
        tables[index].chains += place.chains(in: table.family).filter { !known.contains($0.name) }
      }
    }
  }

  /// Chains that translate in a table of iptables that can't: what was left out before them held the end of that table
  /// and the beginning of nat.
  private mutating func addMisplacedChains() {
    for index in tables.indices
    where tables[index].origin == .iptablesNFT && tables[index].name != "nat" && tables[index].lacksLines {
      let family = tables[index].family
      for chain in tables[index].chains.indices {
        let rules = tables[index].chains[chain].rules
        guard let first = rules.first(where: { $0.statements.contains(where: \.isOfNatAlone) }) else { continue }
        tables[index].chains[chain].rules = [Rule(missing: MissingRules(.elided), span: first.span)]
        tables[index].chains[chain].shown = .part
        for name in Self.usualTables where !tells(name, family) {
          addTable(name, family, MissingRules(.elided, settledBy: "nft list ruleset"), span: first.span)
        }
      }
    }
  }

  private mutating func addHook(
    _ hook: Hook, _ type: ChainType, _ priority: Int32, to index: Int, _ missing: MissingRules
  ) {
    var name = hook.rawValue
    while tables[index].chainIndex(name) != nil { name += "_" }
    tables[index].chains.append(
      Chain(
        name, base: BaseChain(type: type, hook: hook, priority: priority, policy: type == .nat ? .accept : nil),
        rules: [Rule(missing: missing, span: .nowhere)], shown: .nothing))
  }

  // MARK: - Outputs that end too early

  private mutating func addCutOutputs() {
    for cut in sections.cuts {
      guard let family = cut.family else {
        addUnknownRuleset(MissingRules(.cut, settledBy: "nft list ruleset"), span: cut.span)
        continue
      }
      for name in Self.usualTables where !tells(name, family) {
        addTable(name, family, MissingRules(.cut, settledBy: Self.saveCommand(family)), span: cut.span)
      }
    }
  }

  /// What programs said that they can't print.
  private mutating func addUnprinted() {
    for output in sections.unprinted {
      if let name = output.table {
        let isShown = tables.contains { $0.name == name && $0.family == output.family && $0.shown != .nothing }
        if isShown || coverage.allOfNftables {
          if let span = output.span { settled.insert(span) }
          continue
        }
        addTable(name, output.family, MissingRules(.notPrinted, settledBy: "nft list ruleset"), span: output.span)
      } else if !tables.contains(where: { $0.family == output.family }) {
        addTable("filter", output.family, MissingRules(.notPrinted, settledBy: "iptables-save"), span: output.span)
        addTable("nat", output.family, MissingRules(.notPrinted, settledBy: "iptables-save"), span: output.span)
      }
    }
    for output in sections.failed { addFailed(output) }
    for family in sections.legacyFamilies { addLegacyTables(family == .ipv6 ? .ip6 : .ip, span: nil) }
    for output in sections.unread { addUnread(output) }
  }

  /// What a program failed to print, unless another output shows it.
  private mutating func addFailed(_ output: FailedOutput) {
    switch output.program {
    case .iptables(let version)?:
      for family: TableFamily in version.map({ [$0 == .ipv4 ? .ip : .ip6] }) ?? [.ip, .ip6] {
        for name in output.table.map({ [$0] }) ?? Self.usualTables where !tells(name, family) {
          let command = output.isOfNft ? "nft list ruleset" : Self.saveCommand(family)
          addTable(name, family, MissingRules(output.evidence, settledBy: command), span: output.span)
        }
      }
    case .nft?:
      let isShown =
        sections.printings.contains { $0.form.isNft }
        || output.isNotFound && tables.contains { $0.origin == .iptablesNFT }
      if !coverage.allOfNftables, !isShown {
        addUnknownRuleset(MissingRules(output.evidence, settledBy: "nft list ruleset"), span: output.span)
      }
    case .ipset?, nil: break
    }
  }

  /// An output that a capture bundle says it lacks. A program that is not installed has made no rules.
  private mutating func addUnread(_ output: (sentence: String, span: SourceSpan)) {
    guard !output.sentence.contains("not installed"), !output.sentence.contains("not found"),
      let colon = output.sentence.firstIndex(of: ":"),
      let command = ShellCommand.read(String(output.sentence[..<colon])).first
    else { return }
    switch command.output.kind {
    case .nftText, .nftJSON:
      if !coverage.allOfNftables {
        addUnknownRuleset(MissingRules(.notPrinted, settledBy: "nft list ruleset"), span: output.span)
      }
    case .save:
      let family: TableFamily = command.output.family == .ipv6 ? .ip6 : .ip
      if command.output.origin == .iptablesLegacy {
        addLegacyTables(family, span: output.span)
      } else if !coverage.allOfNftables {
        for name in Self.usualTables where !tells(name, family) {
          addTable(name, family, MissingRules(.notPrinted, settledBy: command.text), span: output.span)
        }
      }
    default: break
    }
  }

  /// The tables of iptables-legacy, which are there beside those of nf_tables and which nothing shows.
  private mutating func addLegacyTables(
    _ family: TableFamily, _ names: [String] = ["mangle", "nat", "filter"], span: SourceSpan?
  ) {
    guard !sections.allOfLegacy.contains(family == .ip6 ? .ipv6 : .ipv4) else { return }
    let missing = MissingRules(
      .notPrinted, settledBy: family == .ip ? "iptables-legacy-save" : "ip6tables-legacy-save")
    for name in names
    where !tables.contains(where: { $0.origin == .iptablesLegacy && $0.family == family && $0.name == name }) {
      let chains = BuiltinTables.chains(of: name).map { unshown($0, of: name, missing, span: span) }
      add(Table(family, name, origin: .iptablesLegacy, chains: chains, span: span, shown: .nothing))
    }
  }

  // MARK: - Names without rules

  /// The tables and chains that were named and that no dump shows.
  private mutating func addNamedTables() {
    let command = "nft list ruleset"
    for named in sections.inventory.tables {
      let (family, name) = (named.name.family, named.name.name)
      if named.isLegacy {
        let isShown = tables.contains { $0.origin == .iptables && $0.family == family && $0.name == name }
        if !isShown { addLegacyTables(family, [name], span: named.span) }
      } else if !coverage.allOfNftables, !tables.contains(where: { $0.family == family && $0.name == name }) {
        add(Table(family, name, origin: .nftables, span: named.span, shown: .nothing))
        addEveryHook(to: tables.count - 1, MissingRules(.notShown, settledBy: command))
      }
    }
    for named in sections.inventory.chains where !coverage.allOfNftables {
      var index = tables.firstIndex { $0.family == named.table.family && $0.name == named.table.name }
      if let index, tables[index].shown == .whole || tables[index].chainIndex(named.chain) != nil { continue }
      if index == nil {
        add(Table(named.table.family, named.table.name, origin: .nftables, span: named.span, shown: .nothing))
        index = tables.count - 1
      }
      guard let index else { continue }
      var effects: MissingRules.Effects = [.accept, .drop, .reject]
      if named.hook == .prerouting || named.hook == .output { effects.formUnion([.translateDestination, .change]) }
      if named.hook == .postrouting || named.hook == .input { effects.insert(.translateSource) }
      let missing = MissingRules(.notShown, effects: effects, settledBy: command)
      tables[index].chains.append(
        Chain(
          named.chain,
          base: BaseChain(
            type: .filter, hook: named.hook, priority: named.priority, policy: nil,
            devices: named.device.map { [$0] } ?? []),
          rules: [Rule(missing: missing, span: named.span)], span: named.span, shown: .nothing))
    }
  }

  private func tells(_ table: String, _ family: TableFamily) -> Bool {
    tables.contains { $0.name == table && $0.family == family }
      || coverage.tells(table, family == .ip ? .ipv4 : .ipv6)
  }

  /// Adds a table of iptables of which nothing was shown.
  private mutating func addTable(_ name: String, _ family: TableFamily, _ missing: MissingRules, span: SourceSpan?) {
    guard !tables.contains(where: { $0.name == name && $0.family == family && $0.origin != .nftables }) else { return }
    let chains = BuiltinTables.chains(of: name).map { unshown($0, of: name, missing, span: span) }
    add(Table(family, name, origin: origin, chains: chains, span: span, shown: .nothing))
  }

  private mutating func add(_ table: Table) {
    coverage.partial.insert(RuleCoverage.TableName(table.family, table.name))
    tables.append(table)
  }

  /// The variant of iptables that the tables that were shown are of.
  private var origin: TableOrigin {
    tables.first { $0.origin == .iptablesNFT || $0.origin == .iptablesLegacy }?.origin ?? .iptables
  }

  /// Tables of nft that may follow where its listing was cut: chains at every hook.
  private mutating func addUnknownRuleset(_ missing: MissingRules, span: SourceSpan?) {
    guard !tables.contains(where: { $0.name.isEmpty && $0.shown == .nothing }) else { return }
    add(Table(.inet, "", origin: .nftables, span: span, shown: .nothing))
    addEveryHook(to: tables.count - 1, missing)
  }

  /// Unknown chains at every hook that a table of nft can have them at.
  private mutating func addEveryHook(to index: Int, _ missing: MissingRules) {
    switch tables[index].family {
    case .ip, .ip6, .inet: break
    case .netdev:
      for hook in [Hook.ingress, .egress] { addHook(hook, .filter, HookPriority.filter, to: index, missing) }
      return
    case .bridge:
      for hook in [Hook.prerouting, .input, .forward, .output, .postrouting] {
        addHook(hook, .filter, HookPriority.filter, to: index, missing)
      }
      return
    case .arp: return
    }
    addHook(.prerouting, .nat, HookPriority.dstnat, to: index, missing)
    addHook(.output, .nat, HookPriority.dstnat, to: index, missing)
    for hook in [Hook.prerouting, .input, .forward, .output, .postrouting] {
      addHook(hook, .filter, HookPriority.filter, to: index, missing)
    }
    addHook(.postrouting, .nat, HookPriority.srcnat, to: index, missing)
  }

  // MARK: - Jumps

  /// Chains to which more rules jump than were shown, and those that have counted packets though nothing jumps to them.
  private mutating func findUnseenJumps() {
    for index in tables.indices {
      if tables[index].origin == .nftables {
        findCountedChains(index)
      } else {
        findUncountedJumps(index)
        findUncalledChains(index)
      }
    }
  }

  /// How many rules of a table jump to each chain. A cluster's rules have tens of thousands of chains, so this is
  /// worked out where it may matter alone.
  private static func jumps(in table: Table) -> [String: Int] {
    var jumps: [String: Int] = [:]
    for rule in table.chains.lazy.flatMap(\.rules) {
      for case .verdict(let verdict) in rule.statements {
        switch verdict {
        case .jump(let name), .goto(let name): jumps[name, default: 0] += 1
        default: break
        }
      }
    }
    return jumps
  }

  /// A table of nft that shows no base chain, but a chain whose rules have counted packets, is a part of one.
  private mutating func findCountedChains(_ index: Int) {
    let table = tables[index]
    guard !table.chains.isEmpty, !table.chains.contains(where: { $0.base != nil }) else { return }
    let jumps = Self.jumps(in: table)
    let isCounted = table.chains.contains { chain in
      jumps[chain.name] == nil && chain.rules.contains { ($0.counter?.packets ?? 0) > 0 }
    }
    if isCounted, !coverage.allOfNftables { tables[index].shown = .part }
  }

  /// A table that has rules of a firewall's own chains which nothing jumps to, and lacks a built-in chain, is a part of
  /// one: the firewall calls each of its chains. (A chain of a user may be called by none, and iptables-nft makes only
  /// those built-in chains that it needs.)
  private mutating func findUncalledChains(_ index: Int) {
    let table = tables[index]
    guard table.shown == .whole else { return }
    let lacks = BuiltinTables.chains(of: table.name).contains { name in
      !(table.name == "nat" && name == "INPUT") && table.chainIndex(name) == nil
    }
    guard lacks else { return }
    let jumps = Self.jumps(in: table)
    let isUncalled = table.chains.contains { chain in
      chain.base == nil && !chain.rules.isEmpty && jumps[chain.name] == nil
        && ProgramChains.alwaysCalled.contains { chain.name.hasPrefix($0) }
    }
    if isUncalled { tables[index].shown = .part }
  }

  /// The listing counts the rules that jump to a chain. Where it counts more than were shown and all chains were that
  /// packets get to, rules are missing in some of them.
  private mutating func findUncountedJumps(_ index: Int) {
    let table = tables[index]
    guard table.chains.contains(where: { $0.references != nil }) else { return }
    let jumps = Self.jumps(in: table)
    let unseen = table.chains.first { chain in chain.references.map { $0 > jumps[chain.name] ?? 0 } ?? false }
    guard let first = unseen, !table.chains.contains(where: { $0.shown != .whole }) else { return }
    let names = Set(table.chains.map(\.name))
    let hasAllReached =
      table.origin != .nftables && (BuiltinTables.chains(of: table.name) + jumps.keys).allSatisfy(names.contains)
    guard table.shown == .whole || hasAllReached else { return }
    tables[index].shown = .part
    let missing = MissingRules(.unseenJump, settledBy: Self.command(tables[index].name, tables[index].family))
    for chain in tables[index].chains.indices where tables[index].chains[chain].base != nil {
      let span = tables[index].chains[chain].span ?? .nowhere
      tables[index].chains[chain].shown = .part
      tables[index].chains[chain].rules.insert(Rule(missing: missing, span: span), at: 0)
    }
    diagnostics.append(
      Diagnostic(
        "unseen-jump", .warning,
        "\(first.references ?? 0) rules jump to \(first.name), and \(jumps[first.name] ?? 0) of them were shown: rules of table \(tables[index].name) are missing",
        span: first.span))
  }

  // MARK: - Engines

  /// The tables that a container engine or a cluster fills beside those that were shown.
  private mutating func addEngineTables() {
    let engine = EngineChains(tables)
    let ports = PublishedPorts(facts, tables)
    // Where Docker lets anything through to a container, nat is there: a save that lacks it is a part of one, and so is
    // a listing of nft without filter.
    let isListedByNft =
      coverage.allOfNftables
      && sections.printings.contains { $0.form.isNft && $0.table.family == .ip && $0.table.name == "filter" }
    let lacksNat =
      engine?.isInFilter == true && engine?.isDocker == true && !isListedByNft && acceptsContainers
      && !coverage.tables.contains(RuleCoverage.TableName(.ip, "nat"))
      && !tables.contains { $0.name == "nat" && $0.family == .ip }
    if !tells("nat", .ip) || lacksNat {
      if ports.areAny || !ports.announced.isEmpty {
        addNat(engine, ports)
      } else if let engine, engine.isInFilter, engine.isCluster || mayAcceptContainers(engine) {
        addNat(engine, ports)
      }
    }
    // Docker never has its chains in nat alone, whatever a save without filter says.
    let lacksFilter =
      engine?.isDocker == true && engine?.isInNat == true
      && !coverage.tables.contains(RuleCoverage.TableName(.ip, "filter"))
      && !tables.contains { $0.name == "filter" && $0.family == .ip }
    if engine.map({ $0.isDocker && $0.isInNat }) ?? ports.areAny, lacksFilter || !tells("filter", .ip) { addFilter() }
    if let engine, engine.dropsInRaw, !tells("raw", .ip) {
      addRaw(InferredHost(ruleset: Ruleset(tables: tables), facts: facts))
    }
  }

  /// Whether filter lets anything through to a container, or may do so in chains that were not shown.
  private func mayAcceptContainers(_ engine: EngineChains) -> Bool { engine.hasUnshownPorts || acceptsContainers }

  /// Whether filter lets anything through to a container. Docker accepts each published port there: where it accepts
  /// none, it translates none.
  private var acceptsContainers: Bool {
    if !InferredHost(ruleset: Ruleset(tables: tables), facts: facts).containerAddresses.isEmpty { return true }
    // A listing without interfaces shows the address alone.
    return tables.contains { table in
      table.family == .ip && table.name == "filter"
        && table.chains.contains { chain in
          chain.name.hasPrefix("DOCKER") && chain.name != "DOCKER-USER"
            && chain.rules.contains { rule in
              let shape = RuleShape(rule, in: table)
              return shape.isAccept && shape.destination?.length == 32
            }
        }
    }
  }

  /// Docker's nat table translates what is for the host's own addresses; Kubernetes' whatever is for a service.
  private mutating func addNat(_ engine: EngineChains?, _ ports: PublishedPorts) {
    let command = Self.command("nat", .ip)
    let isCluster = engine?.isCluster ?? false
    let isLocal: [Statement] =
      isCluster
      ? []
      : [.match(Match(.fib(FibField(.type, ofDestination: true)), in: ValueSet(UInt128(AddressType.local.rawValue))))]
    let missing = MissingRules(.engine, effects: .translateDestination, settledBy: command)
    let span = engine?.span ?? ports.span
    // A filter table that shows all its chains and none of Docker's speaks against Docker's rules: they were flushed,
    // or Docker makes none.
    let isCertain = engine?.isInFilter ?? !showsAllOfFilter
    var chains: [Chain] = []
    for (name, hook) in [("PREROUTING", Hook.prerouting), ("OUTPUT", .output)] {
      var chain = Chain(
        name, base: BuiltinTables.base(table: "nat", chain: name, policy: .accept), span: span, shown: .nothing)
      chain.rules = ports.rules(at: hook, missing: missing, isCertain: isCertain)
      if isCluster || !ports.areAny && engine.map({ $0.isInFilter && mayAcceptContainers($0) }) ?? false {
        chain.rules.append(Rule(isLocal + [.missingRules(missing)], span: span ?? .nowhere))
      }
      chains.append(chain)
    }
    chains.append(
      unshown(
        "POSTROUTING", of: "nat", MissingRules(.engine, effects: .translateSource, settledBy: command), policy: .accept,
        span: span))
    add(Table(.ip, "nat", origin: origin, chains: chains, span: span, shown: .nothing))
  }

  // MARK: - Services

  /// The rules that ufw and firewalld load, where they run and no dump shows any of it.
  private mutating func addServices() {
    let ufw = facts.ufw
    if ufw?.isActive ?? hasChains(of: .ip, beginning: ["ufw-"]) {
      for (family, program) in [(TableFamily.ip, "iptables-save"), (.ip6, "ip6tables-save")]
      where !hasChains(of: family, beginning: ["ufw-", "ufw6-"]) {
        let missing = MissingRules(.ufw, settledBy: program)
        if !tells("filter", family) {
          addTable("filter", family, missing, span: ufw?.span)
        } else if family == .ip, showsAllOfFilter {
          // The table that was shown is that of the other variant of iptables.
          addUnknownRuleset(MissingRules(.ufw, settledBy: "iptables-save"), span: ufw?.span)
        }
      }
    }
    for status in facts.firewalls where status.isActive && !hasRules(of: status.firewall) {
      let evidence: MissingRules.Evidence = status.firewall == .firewalld ? .firewalld : .notShown
      if !coverage.allOfNftables {
        addUnknownRuleset(MissingRules(evidence, settledBy: "nft list ruleset"), span: status.span)
      } else if !tells("filter", .ip) {
        addTable("filter", .ip, MissingRules(evidence, settledBy: "iptables-save"), span: status.span)
      }
    }
  }

  private var showsAllOfFilter: Bool {
    tables.contains { $0.family == .ip && $0.name == "filter" && $0.shown == .whole }
  }

  /// Whether tables of iptables hold such chains, or jump to them.
  private func hasChains(of family: TableFamily, beginning: [String]) -> Bool {
    func fits(_ name: String) -> Bool { beginning.contains { name.hasPrefix($0) } }
    return tables.contains { table in
      table.family == family && table.origin != .nftables && table.shown != .nothing
        && table.chains.contains { chain in
          fits(chain.name)
            || chain.rules.contains { rule in
              if case .verdict(.jump(let name))? = rule.statements.last { fits(name) } else { false }
            }
        }
    }
  }

  /// Whether tables or chains of a firewall were shown.
  private func hasRules(of firewall: FirewallStatus.Firewall) -> Bool {
    func fits(_ name: String) -> Bool { firewall.marks.contains { name.hasPrefix($0) } }
    return tables.contains { table in
      table.shown != .nothing && (fits(table.name) || table.chains.contains { fits($0.name) })
    }
  }

  /// Docker fences its networks in FORWARD.
  private mutating func addFilter() {
    let missing = MissingRules(.engine, settledBy: Self.command("filter", .ip))
    add(
      Table(
        .ip, "filter", origin: origin, chains: [unshown("FORWARD", of: "filter", missing, span: nil)], shown: .nothing))
  }

  /// From 28 on Docker drops in raw what is sent straight to a container from elsewhere than its bridge.
  private mutating func addRaw(_ inferred: InferredHost) {
    let missing = MissingRules(.engine, effects: .drop, settledBy: Self.command("raw", .ip))
    // Each container has a rule of its own: an address that translations or accepts lead to.
    var addresses: Set<IPAddress> = Set(inferred.containerAddresses.map(\.address).filter(\.isIPv4))
    addresses.formUnion(facts.containers.flatMap(\.endpoints).flatMap(\.addresses).filter(\.isIPv4))
    let interfaces = addresses.map { address in
      (address, inferred.interface(of: address) ?? facts.interface(onSubnetOf: address)?.name)
    }
    let rules = interfaces.sorted { $0.0 < $1.0 }.map { address, interface in
      var statements: [Statement] = [.match(Match(.header(HeaderField(.ip, .daddr)), in: ValueSet(address.bits)))]
      if let interface, let name = InterfaceName(interface)?.value {
        statements.append(.match(Match(.meta(.iifname), in: ValueSet(name), negated: true)))
      }
      return Rule(statements + [.missingRules(missing)], span: .nowhere)
    }
    guard !rules.isEmpty else { return }
    add(
      Table(
        .ip, "raw", origin: origin,
        chains: [
          Chain(
            "PREROUTING", base: BuiltinTables.base(table: "raw", chain: "PREROUTING", policy: .accept), rules: rules,
            shown: .nothing)
        ], shown: .nothing))
  }
}

extension Table {
  /// Whether lines were left out in it.
  fileprivate var lacksLines: Bool {
    shown == .part || chains.contains { $0.rules.contains { $0.missing?.evidence == .elided } }
  }
}

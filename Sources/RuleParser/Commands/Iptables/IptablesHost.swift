import RuleGraph

/// The tables of iptables on a host, which commands change as the real program would (iptables(8)).
struct IptablesHost {
  /// The program that a command names.
  struct Program: Hashable {
    var family: AddressFamily
    var origin: TableOrigin

    /// Reads the name of a program; nil of any other.
    init?(_ name: String) {
      guard name.hasPrefix("iptables") || name.hasPrefix("ip6tables") else { return nil }
      family = name.hasPrefix("ip6") ? .ipv6 : .ipv4
      origin = name.contains("-legacy") ? .iptablesLegacy : name.contains("-nft") ? .iptablesNFT : .iptables
    }

    init(_ family: AddressFamily) {
      self.family = family
      origin = .iptables
    }

    var name: String { family == .ipv4 ? "iptables" : "ip6tables" }

    /// The names under which the program is installed.
    static let names: Set<String> = {
      var names: Set<String> = []
      for name in ["iptables", "ip6tables"] {
        for variant in ["", "-nft", "-legacy"] {
          for action in ["", "-save", "-restore"] { names.insert(name + variant + action) }
        }
      }
      return names
    }()

    /// Whether it may be the program whose tables have an origin.
    func mayBe(_ other: TableOrigin) -> Bool { origin == .iptables || other == .iptables || origin == other }
  }

  struct Key: Hashable {
    var program: Program
    var table: String
  }

  private(set) var tables: [Key: IptablesTable] = [:]
  private(set) var order: [Key] = []
  var diagnostics: [Diagnostic] = []
  /// How the commands stand to the dumps that show the tables; nil on a host of which commands alone tell.
  private var standing: CommandStanding?
  /// The first commands that changed tables which dumps show.
  private var changes: [Key: SourceSpan] = [:]
  /// What dumps show of a host on which commands are carried out exactly; nil on any other.
  private var exact: ExactTables?
  /// Why the last command was refused.
  private var lastRefusal: IptablesCommand.Refusal?

  static let tableNames = ["filter", "nat", "mangle", "raw"]

  /// The tables as the graph has them, in the order in which commands touched them.
  var result: [Table] { order.compactMap { key in tables[key]?.table(key.program.origin) } }

  init() {}

  /// A host with the tables that dumps show.
  init(showing shown: [Table], _ standing: CommandStanding) {
    self.standing = standing
    for table in shown where table.origin != .nftables && (table.family == .ip || table.family == .ip6) {
      let key = Key(program: Program(table.family == .ip ? .ipv4 : .ipv6), table: table.name)
      // Of the two variants of iptables nobody knows which one a command is for.
      let isOnly = tables[key] == nil && shown.count { $0.family == table.family && $0.name == table.name } == 1
      tables[key] = IptablesTable(shown: table, isCertain: isOnly)
    }
  }

  /// A host on which each command does what it does there, or is refused.
  init(of ruleset: Ruleset) {
    let exact = ExactTables(ruleset)
    self.exact = exact
    for (key, index) in exact.places {
      var table = IptablesTable(shown: ruleset.tables[index], isCertain: true)
      table.addBuiltInChains()
      tables[key] = table
    }
  }

  /// Puts what commands changed into the graph.
  func apply(to ruleset: inout Ruleset) {
    guard let exact else { return }
    for key in exact.touched {
      guard let index = exact.places[key], let table = tables[key] else { continue }
      ruleset.tables[index] = table.table(asChangeOf: ruleset.tables[index])
    }
    ruleset.tables += result
  }

  /// Why the last command was refused; it is told once.
  mutating func takeRefusal() -> IptablesCommand.Refusal? {
    defer { lastRefusal = nil }
    return lastRefusal
  }

  /// A table as it is after the commands; nil where they left it alone.
  func changed(_ table: Table) -> Table? {
    guard table.origin != .nftables, table.family == .ip || table.family == .ip6 else { return nil }
    let key = Key(program: Program(table.family == .ip ? .ipv4 : .ipv6), table: table.name)
    guard changes[key] != nil, let after = tables[key] else { return nil }
    return after.table(asChangeOf: table, from: changes[key])
  }

  /// The first command that changed a table.
  func firstChange(of table: Table) -> SourceSpan? {
    changes[Key(program: Program(table.family == .ip ? .ipv4 : .ipv6), table: table.name)]
  }

  // MARK: - Commands

  /// Carries out a command on a table that a dump shows. It printed no error, so it did what it says: where it can't
  /// have, the table is not as it was taken to be.
  private mutating func change(
    _ command: IptablesCommand, _ program: Program, _ place: CommandPlace, _ standing: CommandStanding
  ) -> CommandOutcome {
    if command.operation.onlyLooks { return .unknown }
    let family: TableFamily = program.family == .ipv4 ? .ip : .ip6
    for name in command.table.isUnknown ? Self.tableNames : [command.table.text] {
      let key = Key(program: Program(program.family), table: name)
      guard var table = tables[key] else { continue }
      let chain = command.chain.flatMap { $0.isUnknown ? nil : $0.text }
      var there = place
      switch standing.place(of: chain, in: RuleCoverage.TableName(family, name)) {
      case .before: continue
      case .perhaps: there.doubt = place.doubt.with("what is typed below the dump ran after it")
      case .after: break
      }
      if changes[key] == nil { changes[key] = place.span }
      var isSure = table.isCertain && !command.table.isUnknown && command.chain?.isUnknown != true
      do throws(IptablesCommand.Refusal) {
        var unused: [Diagnostic] = []
        _ = try IptablesChange(command: command, program: key.program, place: there).apply(to: &table, &unused)
      } catch {
        isSure = false
      }
      if !isSure {
        table.isPart = true
        for index in table.chains.indices where chain == nil || !table.isCertain || table.chains[index].name == chain {
          table.change(index) { $0.surroundWithMissing(from: place.span) }
        }
      }
      tables[key] = table
    }
    return place.doubt.isNone ? .success : .unknown
  }

  /// Carries a command out.
  mutating func run(_ words: [CommandWord], _ program: Program, _ place: CommandPlace) -> CommandOutcome {
    do throws(IptablesCommand.Refusal) {
      if let standing { return try change(IptablesCommand(words), program, place, standing) }
      return try carryOut(IptablesCommand(words), program, place)
    } catch {
      return refuse(error, words, program, place)
    }
  }

  private mutating func refuse(
    _ refusal: IptablesCommand.Refusal, _ words: [CommandWord], _ program: Program, _ place: CommandPlace
  ) -> CommandOutcome {
    lastRefusal = refusal
    if exact != nil { return .failure }
    // What a computed word would have been decides whether the program takes it.
    let isKnown = place.doubt.isNone && !words.contains(where: \.isUnknown)
    let isCleaning = words.contains { ["-D", "-X", "-F", "-C", "-L", "-S", "--delete", "--flush"].contains($0.text) }
    diagnostics.append(
      Diagnostic(
        "command-failed", isCleaning ? .note : .warning,
        "\(program.name) refuses this command (\(refusal.message)): it changes nothing", span: place.span))
    return isKnown ? .failure : .unknown
  }

  /// Carries a command out, or says why the program would not.
  mutating func carryOut(
    _ command: IptablesCommand, _ program: Program, _ place: CommandPlace
  ) throws(IptablesCommand.Refusal) -> CommandOutcome {
    if command.table.isUnknown {
      for name in Self.tableNames { forgetPlace(of: command, Key(program: program, table: name), place) }
      return .unknown
    }
    let key = try exact?.key(program, command.table.text) ?? Key(program: program, table: command.table.text)
    guard !IptablesTable.builtIn(key.table).isEmpty else {
      throw IptablesCommand.Refusal(
        exact != nil && key.program.origin == .iptablesLegacy
          ? "can't initialize \(program.name) table `\(key.table)': Table does not exist (do you need to insmod?)"
          : "table '\(key.table)' does not exist")
    }
    exact?.touched.insert(key)
    if command.chain?.isUnknown == true {
      forgetPlace(of: command, key, place)
      return .unknown
    }
    if exact == nil { addForeignChain(of: command, key, place) }
    let isNew = tables[key] == nil
    // Nobody else may own the table while it is changed.
    var table = tables.removeValue(forKey: key) ?? IptablesTable(key.table, program.family, span: place.span)
    if isNew, exact != nil { table.assumeChains(IptablesTable.builtIn(key.table)) }
    let outcome: CommandOutcome
    do throws(IptablesCommand.Refusal) {
      var change = IptablesChange(command: command, program: key.program, place: place)
      change.ipsets = exact?.ipsets
      change.isExact = exact != nil
      outcome = try change.apply(to: &table, &diagnostics)
    } catch {
      if !isNew { tables[key] = table }
      throw error
    }
    if !isNew || !command.operation.onlyLooks { tables[key] = table }
    if isNew, !command.operation.onlyLooks { order.append(key) }
    return place.doubt.isNone || outcome == .failure ? outcome : .unknown
  }

  /// Adds a chain that another program made, with all that this program may have put into the table.
  private mutating func addForeignChain(of command: IptablesCommand, _ key: Key, _ place: CommandPlace) {
    guard let name = command.chain?.text, ProgramChains.all.contains(where: { name.hasPrefix($0) }),
      command.operation != .newChain, command.operation != .list, tables[key]?.index(name) == nil
    else { return }
    change(key, place) { table in
      table.isPart = true
      for index in table.chains.indices { table.change(index) { $0.surroundWithMissing(from: place.span) } }
      let new = table.add(name, span: place.span)
      table.change(new) { $0.rules.append(Rule(missing: MissingRules(.notShown), span: place.span)) }
    }
    diagnostics.append(
      Diagnostic(
        "chain-of-another-program", .warning,
        "nothing here makes chain \(name), so another program did: what else it made is not in the input; `\(key.program.name)-save` prints it",
        span: place.span))
  }

  /// A command whose chain a script computes: any chain may hold what it makes.
  private mutating func forgetPlace(of command: IptablesCommand, _ key: Key, _ place: CommandPlace) {
    guard !command.operation.onlyLooks else { return }
    change(key, place) { table in
      let effects = IptablesChange.rules(command.rule, key.program.family, place.span).rules.first?.effects
      for index in table.chains.indices {
        table.change(index) { chain in
          switch command.operation {
          case .append, .newChain: chain.addMissing(command.operation == .append ? effects : [], from: place.span)
          case .policy: chain.base?.policy = nil
          case .zero, .list, .check: break
          default: chain.forgetRules(from: place.span)
          }
        }
      }
      table.isPart = true
    }
  }

  private mutating func change(_ key: Key, _ place: CommandPlace, _ body: (inout IptablesTable) -> Void) {
    if tables[key] == nil { order.append(key) }
    var table = tables.removeValue(forKey: key) ?? IptablesTable(key.table, key.program.family, span: place.span)
    body(&table)
    tables[key] = table
  }

  // MARK: - Restoring

  /// Carries `iptables-restore` out (iptables-restore(8)): table by table, each wholly or not at all.
  mutating func restore(
    _ words: [CommandWord], _ program: Program, _ input: CommandInput, _ place: CommandPlace
  ) -> CommandOutcome {
    let texts = words.map(\.text)
    if texts.contains("-t") || texts.contains("--test") { return .success }
    let keepsRules = texts.contains("-n") || texts.contains("--noflush")
    guard let lines = input.lines, !lines.isEmpty else {
      restoreUnseen(program, keepsRules: keepsRules, place)
      return .unknown
    }
    var restoring = IptablesRestoring(program: program, keepsRules: keepsRules, place: place)
    for line in lines { restoring.take(line) }
    var outcome = CommandOutcome.success
    for part in restoring.finish() {
      switch part {
      case .refused(let message, let span):
        lastRefusal = IptablesCommand.Refusal(message)
        diagnostics.append(
          Diagnostic(
            "command-failed", .warning, "\(program.name)-restore refuses this (\(message)): the table stays as it was",
            span: span))
        return .failure
      case .table(let name, let commands):
        do throws(IptablesCommand.Refusal) {
          let key = try exact?.key(program, name) ?? Key(program: program, table: name)
          exact?.touched.insert(key)
          if !restore(key, commands, restoring, place) { outcome = .failure }
        } catch {
          lastRefusal = error
          outcome = .failure
        }
      }
      if outcome == .failure { return place.doubt.isNone ? .failure : .unknown }
    }
    return place.doubt.isNone ? .success : .unknown
  }

  /// Restores one table; false when it stays as it was.
  private mutating func restore(
    _ key: Key, _ commands: [IptablesRestoring.Line], _ restoring: IptablesRestoring, _ place: CommandPlace
  ) -> Bool {
    let before = (tables, order)
    if place.doubt.isNone {
      change(key, place) { table in
        if !restoring.keepsRules {
          table.empty(keepsPolicies: key.program.origin == .iptablesLegacy, key.program.origin)
        }
      }
    } else if !restoring.keepsRules {
      change(key, place) { table in
        for index in table.chains.indices { table.change(index) { $0.forget(from: place.span) } }
      }
    }
    for line in commands {
      let there = CommandPlace(span: line.span, doubt: place.doubt)
      switch line.content {
      case .chain(let name, let policy): change(key, there) { $0.declare(name, policy, from: line.span) }
      case .command(let words):
        do throws(IptablesCommand.Refusal) {
          var command = try IptablesCommand(words)
          command.table = CommandWord(text: key.table)
          _ = try carryOut(command, key.program, there)
        } catch {
          (tables, order) = before
          lastRefusal = error
          diagnostics.append(
            Diagnostic(
              "command-failed", .warning,
              "\(key.program.name)-restore refuses this line (\(error.message)): the table stays as it was",
              span: line.span))
          return false
        }
      }
    }
    return true
  }

  /// A file that nobody shows was restored: any rules may stand in any table.
  private mutating func restoreUnseen(_ program: Program, keepsRules: Bool, _ place: CommandPlace) {
    diagnostics.append(
      Diagnostic(
        "commands-from-a-file", .warning,
        "the rules that \(program.name)-restore loads here are not in the input; `\(program.name)-save` prints them",
        span: place.span))
    for name in Self.tableNames {
      change(Key(program: program, table: name), place) { table in
        table.isPart = true
        for index in table.chains.indices {
          table.change(index) { chain in
            if keepsRules {
              chain.surroundWithMissing(from: place.span)
            } else {
              chain.forget(from: place.span)
            }
          }
        }
      }
    }
  }
}

extension IptablesCommand.Operation {
  /// Whether nothing is changed.
  var onlyLooks: Bool { self == .list || self == .check || self == .zero }
}

extension IptablesTable {
  /// Empties the table before it is restored: iptables on nf_tables makes it anew, the older one leaves the policies
  /// alone.
  mutating func empty(keepsPolicies: Bool, _ origin: TableOrigin) {
    remove { $0.base == nil }
    for index in chains.indices {
      change(index) { chain in
        chain.rules.removeAll()
        if keepsPolicies { return }
        if origin == .iptables, chain.base?.policy != .accept {
          chain.base?.policy = nil
        } else {
          chain.base?.policy = .accept
        }
      }
    }
  }

  /// `:CHAIN POLICY [0:0]`: a user's chain is made, or emptied where it is there already.
  mutating func declare(_ name: String, _ policy: String, from span: SourceSpan) {
    guard let index = index(name) else {
      if policy == "-" { _ = add(name, span: span) }
      return
    }
    change(index) { chain in
      if chain.base == nil { chain.rules.removeAll() }
      if let policy = BaseChain.Policy(rawValue: policy.lowercased()) { chain.base?.policy = policy }
    }
  }
}

extension IptablesChain {
  /// Takes in that rules which nobody shows may stand before and behind those that are known.
  mutating func surroundWithMissing(from span: SourceSpan) {
    let missing = Rule(missing: MissingRules(.notShown), span: span)
    rules.insert(missing, at: 0)
    rules.append(missing)
    if base?.policy == .accept { base?.policy = nil }
  }
}

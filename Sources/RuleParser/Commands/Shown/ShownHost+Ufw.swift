import RuleGraph

/// Commands of ufw, carried out as the commands of iptables that change its user's chains.
extension ShownHost {
  mutating func runUfw(_ words: [CommandWord], _ place: CommandPlace) -> CommandOutcome {
    let texts = words.map(\.text)
    if ["status", "show", "version", "--version", "help", "--help"].contains(texts.first ?? "help") { return .success }
    if ["enable", "disable", "reset", "reload", "default", "logging", "app", "--dry-run"].contains(texts[0]) {
      return stop(.unsupported("ufw \(texts[0])"), place)
    }
    let command: UfwCommand
    do throws(UfwCommand.Refusal) {
      command = try UfwCommand(texts)
    } catch {
      guard let message = error.message else { return stop(.unsupported(error.part), place) }
      return refuse("ufw: ERROR: \(message)", place)
    }
    settle()
    let families = command.families.filter { ufwChain(command.chain($0), $0) != nil }
    guard let first = command.families.first,
      families.contains(first) || families.contains(command.families.last ?? first)
    else { return stop(.notShown(.chainsOf("ufw")), place) }
    for family in command.families where !families.contains(family) {
      notes.append(
        Diagnostic(
          "command-in-part", .warning,
          "the dumps do not show ufw's chains for \(family == .ipv4 ? "IPv4" : "IPv6"): what the command changes there is unknown",
          span: place.span))
    }
    if case .deleteNumber(let number) = command.operation { return deleteUfwRule(number, place) }
    var isDone = false
    for family in families {
      let outcome = change(command, family, place)
      if failure != nil { return .unknown }
      if outcome == .success { isDone = true }
    }
    guard isDone else {
      return refusal == nil ? refuse("ufw: ERROR: Could not delete non-existent rule", place) : .failure
    }
    refusal = nil
    return .success
  }

  /// One of ufw's chains in the graph.
  private func ufwChain(_ name: String, _ family: AddressFamily) -> Chain? {
    let table = ruleset.tables.first { $0.family == TableFamily(family) && $0.name == "filter" }
    return table?.chains.first { $0.name == name && $0.shown != .nothing }
  }

  private func words(_ texts: [String]) -> [CommandWord] { texts.map { CommandWord(text: $0) } }

  /// Whether all rules of a command stand in its chain, and where the first of them does.
  private func index(of command: UfwCommand, _ family: AddressFamily, _ place: CommandPlace) -> Int? {
    guard let chain = ufwChain(command.chain(family), family) else { return nil }
    let graphFamily = TableFamily(family)
    let wanted = command.rules(family).flatMap { rule in
      IptablesChange.rules(words(rule), family, place.span).rules.map { $0.canonicalStatements(in: graphFamily) }
    }
    let there = chain.rules.map { $0.canonicalStatements(in: graphFamily) }
    guard wanted.count <= there.count else { return nil }
    return (0...(there.count - wanted.count)).first { Array(there[$0..<($0 + wanted.count)]) == wanted }
  }

  private mutating func change(
    _ command: UfwCommand, _ family: AddressFamily, _ place: CommandPlace
  ) -> CommandOutcome {
    if command.action == .limit, ufwChain("\(UfwCommand.prefix(family))-user-limit", family) == nil {
      // Without its chain ufw passes such a rule over, too.
      return .success
    }
    let chain = command.chain(family)
    var same: (index: Int, count: Int, action: UfwCommand.Action)?
    for other in command.withEveryAction where same == nil {
      same = index(of: other, family, place).map { ($0, other.rules(family).count, other.action) }
    }
    if case .delete = command.operation {
      guard let at = index(of: command, family, place) else { return .failure }
      return deleteRules(at, command.rules(family).count, chain, family, place)
    }
    if let same, case .add = command.operation {
      if same.action == command.action { return .success }
      // The rule keeps its place.
      let deleted = deleteRules(same.index, same.count, chain, family, place)
      return deleted == .success ? insert(command, family, at: same.index, place) : deleted
    }
    if let same {
      let deleted = deleteRules(same.index, same.count, chain, family, place)
      guard deleted == .success else { return deleted }
    }
    switch command.operation {
    case .prepend: return insert(command, family, at: 0, place)
    case .insert(let number):
      guard number > 1 else { return insert(command, family, at: 0, place) }
      guard family == .ipv4, let at = ruleIndex(ofNumber: number, chain, family) else {
        return stop(.notShown(.rules(TableFamily(family), "filter", chain)), place)
      }
      return insert(command, family, at: at, place)
    default: return run(command.rules(family).map { ["-A", chain] + $0 }, family, place)
    }
  }

  private mutating func insert(
    _ command: UfwCommand, _ family: AddressFamily, at index: Int, _ place: CommandPlace
  ) -> CommandOutcome {
    let chain = command.chain(family)
    let rules = command.rules(family).enumerated().map { ["-I", chain, String(index + $0 + 1)] + $1 }
    return run(rules, family, place)
  }

  private mutating func deleteRules(
    _ index: Int, _ count: Int, _ chain: String, _ family: AddressFamily, _ place: CommandPlace
  ) -> CommandOutcome {
    run((0..<count).map { _ in ["-D", chain, String(index + 1)] }, family, place)
  }

  private mutating func run(
    _ commands: [[String]], _ family: AddressFamily, _ place: CommandPlace
  ) -> CommandOutcome {
    for command in commands {
      let outcome = run(words(command), IptablesHost.Program(family), isRestoring: false, .none, place)
      guard outcome == .success else { return outcome }
    }
    settle()
    return .success
  }

  /// `ufw delete 2`
  private mutating func deleteUfwRule(_ number: Int, _ place: CommandPlace) -> CommandOutcome {
    let chain = "ufw-user-input"
    guard let at = ruleIndex(ofNumber: number, chain, .ipv4), let shown = ufwChain(chain, .ipv4) else {
      return stop(.notShown(.rules(.ip, "filter", chain)), place)
    }
    guard at < shown.rules.count else { return refuse("ufw: ERROR: Could not find rule '\(number)'", place) }
    return deleteRules(at, 1, chain, .ipv4, place)
  }

  /// The index in ufw's chain for what arrives of the rule that ufw counts under a number. Nil where that is not
  /// certain: other chains hold rules that ufw counts with these, or rules up to there may be one rule of ufw's
  /// together (for TCP and for UDP, or with a limit).
  private func ruleIndex(ofNumber number: Int, _ chain: String, _ family: AddressFamily) -> Int? {
    let others = ["output", "forward"].compactMap { ufwChain("\(UfwCommand.prefix(family))-user-\($0)", family) }
    guard number > 0, others.allSatisfy({ $0.rules.isEmpty }), let shown = ufwChain(chain, family),
      shown.shown == .whole
    else { return nil }
    let rules = shown.rules.prefix(number + 1)
    let isPlain =
      zip(rules, rules.dropFirst()).allSatisfy { $0.ports != $1.ports || $0.ports == nil }
      && rules.allSatisfy { !$0.statements.contains { if case .environment = $0 { true } else { false } } }
    return isPlain ? number - 1 : nil
  }
}

extension Rule {
  /// The ports that the rule asks for, of whichever protocol; nil where it asks for none.
  fileprivate var ports: [ValueSet]? {
    let found = statements.compactMap { statement -> ValueSet? in
      guard case .match(let match) = statement, case .field(.header(let field)) = match.subject,
        field.name == .dport || field.name == .sport, case .values(let values) = match.values
      else { return nil }
      return values
    }
    return found.isEmpty ? nil : found
  }
}

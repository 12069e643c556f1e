import RuleGraph

/// One command of iptables on one table.
struct IptablesChange {
  let command: IptablesCommand
  let program: IptablesHost.Program
  let place: CommandPlace
  /// Whether the command does exactly what it does on the host, or is refused: what nobody knows is said instead of
  /// being taken in.
  var isExact = false
  /// The names of the host's ipsets; nil where nobody knows them.
  var ipsets: Set<String>?

  private typealias Refusal = IptablesCommand.Refusal

  /// Changes a table, or says why the program would not.
  func apply(
    to table: inout IptablesTable, _ diagnostics: inout [Diagnostic]
  ) throws(IptablesCommand.Refusal) -> CommandOutcome {
    switch command.operation {
    case .append, .insert, .replace, .delete, .check: return try changeRules(of: &table, &diagnostics)
    case .newChain: try newChain(in: &table)
    case .deleteChain: try deleteChain(of: &table)
    case .renameChain: try renameChain(of: &table)
    case .flush: try flush(&table)
    case .policy: try setPolicy(in: &table)
    case .zero, .list:
      if let chain = command.chain, table.index(chain.text) == nil {
        if isExact { throw missing(chain.text, in: table) }
        if table.isPart { return .unknown }
        throw Refusal("No chain/target/match by that name.")
      }
    }
    return .success
  }

  /// The index of the chain that the command names.
  private func chain(of table: IptablesTable) throws(IptablesCommand.Refusal) -> Int {
    guard let index = table.index(command.chain?.text ?? "") else {
      if isExact { throw missing(command.chain?.text ?? "", in: table) }
      throw Refusal("No chain/target/match by that name.")
    }
    return index
  }

  // MARK: - Chains

  private func newChain(in table: inout IptablesTable) throws(IptablesCommand.Refusal) {
    let name = command.chain?.text ?? ""
    if let message = IptablesRefusals.refusal(ofChain: name) { throw Refusal(message) }
    guard table.index(name) == nil else { throw Refusal("Chain already exists.") }
    if isExact, table.isPart { throw Refusal(obstacle: .notShown(.chain(table.graphFamily, table.name, name))) }
    _ = table.add(name, span: place.span)
  }

  private func deleteChain(of table: inout IptablesTable) throws(IptablesCommand.Refusal) {
    let targets = table.targets
    let name = command.chain?.text
    if name != nil {
      let index = try chain(of: table)
      if table.chains[index].base != nil { return }
    }
    // The older tables hold their chains in the order of the names, and the last that stays is told of.
    let chains = isExact && isLegacy ? table.chains.sorted { $0.name > $1.name } : table.chains
    for chain in chains where chain.base == nil && (name == nil || chain.name == name) {
      if isExact { try refuseDeleting(chain, of: table, targets) }
      // Rules that are perhaps there perhaps keep the chain.
      if !chain.rules.isEmpty { throw Refusal("Directory not empty.") }
      if targets.contains(chain.name) { throw Refusal("Too many links.") }
    }
    guard place.doubt.isNone else { return }
    table.remove { $0.base == nil && (name == nil || $0.name == name) }
  }

  private func renameChain(of table: inout IptablesTable) throws(IptablesCommand.Refusal) {
    guard let name = command.argument, !name.isUnknown else {
      table.isPart = true
      return
    }
    guard table.index(name.text) == nil else { throw Refusal("File exists.") }
    let index = try chain(of: table)
    guard table.chains[index].base == nil else { throw Refusal("Invalid argument") }
    if isExact, table.isPart { throw Refusal(obstacle: .notShown(.chain(table.graphFamily, table.name, name.text))) }
    // iptables on nf_tables looks at no new name.
    if !isExact || isLegacy, let message = IptablesRefusals.refusal(ofChain: name.text) {
      throw Refusal(isExact ? "File exists." : message)
    }
    if place.doubt.isNone {
      table.rename(index, to: name.text)
    } else {
      let new = table.add(name.text, span: place.span)
      table.change(new) { $0.forget(from: place.span) }
    }
  }

  private func flush(_ table: inout IptablesTable) throws(IptablesCommand.Refusal) {
    let chains = command.chain == nil ? Array(table.chains.indices) : [try chain(of: table)]
    for index in chains {
      table.change(index) { chain in
        if let condition = place.doubt.condition { chain.doubt(condition) } else { chain.rules.removeAll() }
      }
    }
  }

  private func setPolicy(in table: inout IptablesTable) throws(IptablesCommand.Refusal) {
    if isExact, !isLegacy, let word = command.argument, word.text != "ACCEPT", word.text != "DROP" {
      throw Refusal("Bad policy name.")
    }
    if isExact, table.index(command.chain?.text ?? "") == nil {
      if table.isPart { _ = try chain(of: table) }
      throw Refusal("Bad built-in chain name.")
    }
    let index = try chain(of: table)
    guard table.chains[index].base != nil else { throw Refusal("Bad built-in chain name.") }
    guard let word = command.argument, !word.isUnknown else {
      table.change(index) { $0.base?.policy = nil }
      return
    }
    guard word.text == "ACCEPT" || word.text == "DROP" else { throw Refusal("Bad policy name.") }
    if table.name == "nat", word.text == "DROP" {
      throw Refusal("The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.")
    }
    let policy = BaseChain.Policy(rawValue: word.text.lowercased())
    table.change(index) { chain in
      let isSure = place.doubt.isNone || chain.base?.policy == policy
      chain.base?.policy = isSure ? policy : nil
    }
  }

  // MARK: - Rules

  private func changeRules(
    of table: inout IptablesTable, _ diagnostics: inout [Diagnostic]
  ) throws(IptablesCommand.Refusal) -> CommandOutcome {
    // The number is looked at while the options are read, whatever else is wrong.
    if isExact, let number = command.argument, !number.isUnknown { _ = try Self.value(of: number) }
    if command.operation == .delete, let number = command.argument {
      let index = try chain(of: table)
      try deleteRule(number, of: &table, index)
      return .success
    }
    let read = Self.rules(command.rule, program.family, place.span)
    if let message = read.refusal { throw Refusal(message) }
    if isExact {
      try refuseExactly(read, in: table)
      try refuseMissingTarget(read.target, in: table)
    }
    if command.operation == .replace, read.rules.count != 1 {
      throw Refusal("Replacement rule does not specify a unique address")
    }
    guard let index = table.index(command.chain?.text ?? "") else {
      if isExact {
        let isSearching = command.operation == .delete || command.operation == .check
        throw missing(command.chain?.text ?? "", in: table, isDeleting: isSearching)
      }
      if table.isPart { return .unknown }
      throw Refusal("No chain/target/match by that name.")
    }
    if let message = IptablesRefusals.refusal(
      command.rule, chain: table.chains[index].name, hook: table.chains[index].base?.hook, table: table.name)
    {
      throw isExact ? kernelRefusal(message, in: table.chains[index].name) : Refusal(message)
    }
    if !isExact, !table.isPart, let target = read.target, !target.isUnknown, table.index(target.text) == nil {
      throw Refusal(
        program.origin == .iptablesLegacy
          ? "Couldn't load target `\(target.text)'" : "Chain '\(target.text)' does not exist")
    }
    let isComputed = place.doubt.isRepeated && command.rule.contains(where: \.isUnknown)
    switch command.operation {
    case .append:
      try refuseLeadingBack(
        read.target, from: table.chains[index], at: table.chains[index].rules.count, in: table)
      diagnostics += isComputed ? [computed] : read.diagnostics
      table.change(index) { chain in for rule in read.rules { add(rule, to: &chain, at: chain.rules.count) } }
    case .insert:
      let at = try place(of: command.argument, in: table.chains[index], "insertion", behind: 1)
      try refuseLeadingBack(read.target, from: table.chains[index], at: at, in: table)
      diagnostics += isComputed ? [computed] : read.diagnostics
      table.change(index) { chain in
        guard let at else { return chain.forgetRules(from: place.span) }
        for rule in read.rules { add(rule, to: &chain, at: at) }
      }
    case .replace:
      let at = try place(of: command.argument, in: table.chains[index], "replacement", behind: 0)
      try refuseLeadingBack(read.target, from: table.chains[index], at: at, in: table)
      diagnostics += read.diagnostics
      table.change(index) { chain in replace(at, of: &chain, with: read.rules[0]) }
    case .check:
      let outcome = check(read.rules, table.chains[index])
      if isExact, outcome != .success { throw notThere(in: table.chains[index], of: table) }
      return outcome
    default: return try deleteRules(read.rules, of: &table, index)
    }
    return .success
  }

  private var computed: Diagnostic {
    Diagnostic(
      "computed-rules", .warning, "the script computes which rules it makes here: what they do is unknown",
      span: place.span)
  }

  private func add(_ rule: Rule, to chain: inout IptablesChain, at index: Int) {
    guard let condition = place.doubt.condition else { return chain.rules.insert(rule, at: index) }
    if place.doubt.isRepeated, command.rule.contains(where: \.isUnknown) {
      let effects = rule.effects
      if effects == [] { return }
      chain.rules.insert(Rule(missing: MissingRules(.computed, effects: effects), span: place.span), at: index)
    } else {
      chain.rules.insert(rule.inDoubt(condition), at: index)
    }
  }

  private static func value(of number: CommandWord) throws(IptablesCommand.Refusal) -> Int {
    guard let value = Int(number.text), value > 0 else { throw Refusal("Invalid rule number `\(number.text)'") }
    return value
  }

  /// The index that a rule's number stands for; nil where nobody knows because rules before it are perhaps not there.
  private func place(
    of number: CommandWord?, in chain: IptablesChain, _ what: String, behind: Int
  ) throws(IptablesCommand.Refusal) -> Int? {
    guard let number else { return 0 }
    if number.isUnknown { return nil }
    let value = try Self.value(of: number)
    if value == 1, behind == 1 { return 0 }
    if isExact { try refuseUnlessKnown(before: value - behind, in: chain) }
    if place.doubt.isRepeated || chain.isUncertain(before: value) { return nil }
    guard value <= chain.rules.count + behind else {
      throw Refusal(
        isExact && !isLegacy && behind == 0 && chain.isAssumed
          ? "No chain/target/match by that name." : "Index of \(what) too big.")
    }
    return value - 1
  }

  private func deleteRule(
    _ number: CommandWord, of table: inout IptablesTable, _ index: Int
  ) throws(IptablesCommand.Refusal) {
    let at = try place(of: number, in: table.chains[index], "deletion", behind: 0)
    table.change(index) { chain in
      guard let at else { return chain.forgetRules(from: place.span) }
      if let condition = place.doubt.condition {
        chain.rules[at] = chain.rules[at].inDoubt(condition)
      } else {
        chain.rules.remove(at: at)
      }
    }
  }

  private func replace(_ index: Int?, of chain: inout IptablesChain, with rule: Rule) {
    guard let index else { return chain.forgetRules(from: place.span) }
    guard let condition = place.doubt.condition else {
      chain.rules[index] = rule
      return
    }
    chain.rules[index] = chain.rules[index].inDoubt(condition)
    chain.rules.insert(rule.inDoubt(condition), at: index)
  }

  private func check(_ rules: [Rule], _ chain: IptablesChain) -> CommandOutcome {
    let isThere = rules.allSatisfy { rule in
      isExact ? place(of: rule, in: chain) != nil : chain.rules.firstIndex { Self.isSame($0, rule) } != nil
    }
    if isThere { return .success }
    return chain.isUncertain || command.rule.contains(where: \.isUnknown) ? .unknown : .failure
  }

  private func deleteRules(
    _ rules: [Rule], of table: inout IptablesTable, _ index: Int
  ) throws(IptablesCommand.Refusal) -> CommandOutcome {
    for rule in rules {
      let isShown = table.chains[index].isShown
      guard let at = place(of: rule, in: table.chains[index]) else {
        if isExact { throw notThere(in: table.chains[index], of: table) }
        if isShown {
          // It was there, in other words.
          table.change(index) { $0.doubt("a rule was deleted after the dump") }
          return .success
        }
        if table.chains[index].isUncertain || command.rule.contains(where: \.isUnknown) {
          table.change(index) { $0.doubt("the script deletes a rule") }
          return .unknown
        }
        throw Refusal("Bad rule (does a matching rule exist in that chain?).")
      }
      table.change(index) { chain in
        // A rule that nobody shows may be the same, and the first one was deleted.
        let isFirst = !isShown || !chain.rules.all[..<at].contains { $0.missing != nil }
        if let condition = place.doubt.condition ?? (isFirst ? nil : "a rule was deleted after the dump") {
          chain.rules[at] = chain.rules[at].inDoubt(condition)
        } else {
          chain.rules.remove(at: at)
        }
      }
    }
    return .success
  }

  /// The index of the first rule that is the same as another one. Where a dump shows the rules it may have other words,
  /// and then only one may mean the same.
  private func place(of rule: Rule, in chain: IptablesChain) -> Int? {
    if let exact = chain.rules.firstIndex(where: { Self.isSame($0, rule) }) { return exact }
    guard chain.isShown else { return nil }
    let alike = (0..<chain.rules.count).filter { Self.isAlike(chain.rules[$0], rule, program.family) }
    // Which of several the same program finds is no question: it takes the first.
    return alike.count == 1 || isExact ? alike.first : nil
  }

  /// Whether two rules are the same one in different words, as a listing and a command have.
  private static func isAlike(_ a: Rule, _ b: Rule, _ family: AddressFamily) -> Bool {
    let family: TableFamily = family == .ipv4 ? .ip : .ip6
    return !a.hasUnknownPart && a.comment == b.comment
      && a.canonicalStatements(in: family) == b.canonicalStatements(in: family)
  }

  /// Whether two rules are the same one to iptables: the order of their matches counts, their counters don't.
  private static func isSame(_ a: Rule, _ b: Rule) -> Bool { a.statements == b.statements && a.comment == b.comment }

  // MARK: - Reading

  /// What the options of a command make.
  struct ReadRules {
    /// A rule for each pair of addresses that the command lists.
    var rules: [Rule] = []
    var diagnostics: [Diagnostic] = []
    /// The chain that the rules jump to.
    var target: CommandWord?
    var refusal: String?
  }

  /// Reads the options of a rule; several addresses (`-s 10.0.0.1,10.0.0.2`) give several rules.
  static func rules(_ words: [CommandWord], _ family: AddressFamily, _ span: SourceSpan) -> ReadRules {
    var read = ReadRules()
    if words.contains(where: \.isAnyNumber), !words.contains(where: { $0.text == "-j" || $0.text == "-g" }) {
      // What the variable holds may be all of the rule.
      read.rules = [Rule(missing: MissingRules(.computed), span: span)]
      return read
    }
    let words = OptionAbbreviations.writtenOut(words)
    let lists = ["-s", "-d"].map { option in addresses(option, words) }
    if lists.contains(where: \.isNegated), lists.contains(where: { $0.count > 1 }) {
      read.refusal = "! not allowed with multiple source or destination IP addresses"
      return read
    }
    for source in lists[0].texts {
      for destination in lists[1].texts {
        var single = words
        if let at = lists[0].at { single[at].text = source }
        if let at = lists[1].at { single[at].text = destination }
        read.rules.append(rule(single, family, span, &read))
      }
    }
    return read
  }

  private struct AddressList {
    var at: Int?
    var texts: [String] = [""]
    var isNegated = false
    var count: Int { texts.count }
  }

  private static func addresses(_ option: String, _ words: [CommandWord]) -> AddressList {
    guard let found = words.firstIndex(where: { $0.text == option && !$0.isQuoted }) else { return AddressList() }
    var list = AddressList()
    var at = found + 1
    list.isNegated = found > 0 && words[found - 1].text == "!"
    if at < words.count, words[at].text == "!" {
      at += 1
      list.isNegated = true
    }
    guard at < words.count else { return list }
    list.at = at
    list.texts = words[at].text.split(separator: ",").map(String.init)
    if list.texts.isEmpty { list.texts = [words[at].text] }
    return list
  }

  private static func rule(
    _ words: [CommandWord], _ family: AddressFamily, _ span: SourceSpan, _ read: inout ReadRules
  ) -> Rule {
    let text = words.map(\.spelled).joined(separator: " ")
    let memory = SourceBytes(Array(text.utf8))
    return withExtendedLifetime(memory) {
      let bytes = ByteView(memory)
      var reader = SaveRuleReader(bytes: bytes, family: family)
      var rule = reader.read(
        ByteCursor(bytes), counter: nil, span: span, line: DumpLine(start: 0, end: bytes.count, number: span.line))
      read.diagnostics += reader.diagnostics.map { diagnostic in
        var diagnostic = diagnostic
        diagnostic.column = nil
        return diagnostic
      }
      hideUnknown(words, in: &rule, &read)
      return rule
    }
  }

  /// Makes unknown what a script computes and what would be read as it stands: the name of a chain, of an interface.
  private static func hideUnknown(_ words: [CommandWord], in rule: inout Rule, _ read: inout ReadRules) {
    for index in rule.statements.indices {
      switch rule.statements[index] {
      case .verdict(.jump(let name)), .verdict(.goto(let name)):
        guard let word = words.first(where: { $0.text == name }) else { continue }
        read.target = word
        if word.isUnknown { rule.statements[index] = .opaqueTarget(Opaque(name: name, text: "-j \(name)")) }
      case .match(let match):
        guard case .field(.meta(let key)) = match.subject, key == .iifname || key == .oifname,
          case .values(let values) = match.values,
          let word = words.first(where: { $0.isUnknown && isInterface($0.text, values) })
        else { continue }
        let option = key == .iifname ? "-i" : "-o"
        rule.statements[index] = .opaqueMatch(Opaque(name: option, text: "\(option) \(word.text)"))
      default: break
      }
    }
  }

  private static func isInterface(_ text: String, _ values: ValueSet) -> Bool {
    let isWildcard = text.hasSuffix("+")
    return InterfaceName.set(matching: isWildcard ? String(text.dropLast()) : text, wildcard: isWildcard) == values
  }
}

extension IptablesChain {
  /// Whether nobody knows how many rules it holds.
  var isUncertain: Bool { isUncertain(before: rules.count) }

  /// Whether some of the first rules are perhaps not there: what was not understood the program may have refused.
  func isUncertain(before number: Int) -> Bool {
    (0..<min(number, rules.count)).contains { index in
      let rule = rules[index]
      if let missing = rule.missing { return isShown ? missing.count != 1 : missing.count == nil }
      if isShown { return rule.isInDoubt }
      return rule.statements.contains { statement in
        switch statement {
        case .opaqueMatch, .opaqueTarget: true
        default: false
        }
      }
    }
  }
}

extension Rule {
  /// Whether it is perhaps not there: see ``inDoubt(_:)``.
  var isInDoubt: Bool {
    statements.contains { statement in
      if case .opaqueMatch(let part) = statement {
        part.name == part.text && part.settledBy == CommandDoubt.mark
      } else {
        false
      }
    }
  }
}

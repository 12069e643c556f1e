import RuleGraph
import RuleText

/// Commands of nft carried out on a host: what they name must be there, or nothing is done (nft(8); refusals measured
/// with nftables 1.0.6).
extension NftTextReader {
  private static let missing = "No such file or directory"

  /// Notes that nft refuses the command; gives the error that ends its reading.
  private mutating func refuse(_ message: String) -> SyntaxError {
    carrying?.refusal = message
    return fail(message)
  }

  /// Notes that nobody knows what the command does, since dumps do not show something; gives the error that ends its
  /// reading.
  private mutating func stop(_ gap: CommandFailure.Gap) -> SyntaxError {
    if carrying?.gap == nil { carrying?.gap = gap }
    return refuse(Self.missing)
  }

  /// The error where something of a table is not there, or was not shown.
  private mutating func refuseMissing(_ name: String, in table: Int) -> SyntaxError {
    let table = builder.tables[table]
    if carrying?.isExact == true, table.shown != .whole { return stop(.chain(table.family, table.name, name)) }
    return refuse(Self.missing)
  }

  /// The index of a table that must be there.
  mutating func carriedTable(_ family: TableFamily, _ name: String) throws(SyntaxError) -> Int {
    if let index = builder.tableIndex(family, name) { return index }
    if carrying?.isExact == true, carrying?.hasAllTables == false { throw stop(.table(family, name)) }
    guard carrying?.hasUnseen == true else { throw refuse(Self.missing) }
    let index = builder.table(family, name)
    builder.tables[index].shown = .part
    return index
  }

  /// A chain that must be there.
  private mutating func carriedChain(_ name: String, _ table: Int) throws(SyntaxError) -> ChainID {
    if let chain = builder.chainID(name, in: table) { return chain }
    guard builder.tables[table].shown == .part, carrying?.isExact != true else {
      throw refuseMissing(name, in: table)
    }
    builder.add(Chain(name, shown: .part), to: table)
    let chain = builder.chain(name, of: table)
    builder[chain].addMissing(MissingRules(.notShown), span: text.span(tokens.current.range))
    return chain
  }

  /// `create table` of one that is there.
  mutating func refuseKnownTable() throws(SyntaxError) {
    let mark = tokens.mark
    let (family, name) = try tableName()
    tokens.back(to: mark)
    if carrying != nil, builder.tableIndex(family, name) != nil { throw refuse("File exists") }
  }

  /// What stands in the braces of a table takes handles that nobody can count.
  mutating func carryOutBlock(_ table: Int) {
    carrying?.forgetHandles(of: table)
    if let condition = carrying?.doubt.condition { doubt(table, condition) }
  }

  // MARK: - Chains

  /// `add chain`, behind the table.
  mutating func carryOutChain(_ table: Int, isNew: Bool) throws(SyntaxError) {
    let old = builder.chainID(word, in: table).map { builder[$0] }
    if isNew, old != nil { throw refuse("File exists") }
    if carrying?.isExact == true, old == nil, builder.tables[table].shown != .whole {
      throw refuseMissing(word, in: table)
    }
    let start = tokens.current.start
    try readChain(table, start: start)
    if let old, let new = builder.chainID(old.name, in: table) {
      let base = builder[new].base
      if base?.hook != old.base?.hook || base?.type != old.base?.type || base?.priority != old.base?.priority {
        throw refuse("Operation not supported")
      }
    }
    guard let chain = builder.chainID(old?.name ?? builder.tables[table].chains.last?.name ?? "", in: table) else {
      return
    }
    guard let old else {
      carrying?.takeHandle(of: table)
      return
    }
    let written = text.bytes.text(start..<max(start, min(tokens.previousEnd, text.bytes.count)))
    builder[chain].handle = old.handle
    if let policy = old.base?.policy, !written.contains("policy") { builder[chain].base?.policy = policy }
    if carrying?.isCertain == false, builder[chain].base?.policy != old.base?.policy {
      builder[chain].base?.policy = nil
    }
  }

  // MARK: - Rules

  /// `add rule`, `insert rule` and `replace rule`, behind the chain.
  mutating func carryOutRule(
    in name: String, _ table: Int, atFront: Bool, isReplacing: Bool = false
  ) throws(SyntaxError) {
    let chain = try carriedChain(name, table)
    var position: Int? = atFront ? 0 : nil
    var isUnknownPlace = false
    if tokens.isWord("index") || tokens.isWord("handle") || tokens.isWord("position") {
      let byHandle = !tokens.isWord("index")
      tokens.advance()
      let number = try number()
      let place = try place(number, byHandle: byHandle, in: chain)
      isUnknownPlace = place == nil
      position = place.map { atFront || isReplacing ? $0 : $0 + 1 }
    }
    let start = tokens.current.start
    var rule = readRule(table)
    if let target = missingTarget(of: rule, table) {
      carrying?.forgetHandles(of: table)
      throw refuse(carrying?.isExact == true ? Self.missing : "\(Self.missing): \(target)")
    }
    // A set without a name takes a handle, too.
    if text.bytes[start..<max(start, min(tokens.previousEnd, text.bytes.count))].contains(UInt8(ascii: "{")) {
      carrying?.forgetHandles(of: table)
    }
    rule.handle = carrying?.takeHandle(of: table)
    if carrying?.isExact == true { try refuseExactly(rule, in: chain) }
    if isUnknownPlace, carrying?.isExact == true {
      throw stop(.rules(builder.tables[table].family, builder.tables[table].name, name))
    } else if isUnknownPlace {
      forget(chain, rule.span)
    } else {
      put(rule, at: position, in: chain, isReplacing: isReplacing)
    }
  }

  private mutating func put(_ rule: Rule, at position: Int?, in chain: ChainID, isReplacing: Bool) {
    var rule = rule
    if let doubt = carrying?.doubt, let condition = doubt.condition {
      if doubt.isRepeated, carrying?.isComputed == true {
        if rule.effects == [] { return }
        rule = Rule(missing: MissingRules(.computed, effects: rule.effects), span: rule.span)
      } else {
        rule = rule.inDoubt(condition)
      }
      if rule.missing != nil { builder[chain].shown = .part }
      if isReplacing, let position {
        let old = builder[chain].rules[position]
        builder[chain].rules[position] = old.inDoubt(condition)
      }
    } else if isReplacing, let position {
      builder[chain].rules[position] = rule
      return
    }
    let end = builder[chain].rules.count
    builder[chain].rules.insert(rule, at: min(position ?? end, end))
  }

  /// The index of the rule that a number or handle names; nil where nobody can say which that is.
  private mutating func place(
    _ number: UInt64, byHandle: Bool, in chain: ChainID
  ) throws(SyntaxError) -> Int? {
    let table = builder.tables[chain.table]
    let rules = builder[chain].rules
    if byHandle {
      if let index = rules.firstIndex(where: { $0.handle == number }) { return index }
      // Handles grow: one below a known one that nothing has is gone.
      let highest = carrying?.isExact == true ? table.highestHandle : nil
      if let highest, number <= highest, rules.allSatisfy({ $0.handle != nil || $0.isNew }) {
        throw refuse(Self.missing)
      }
      if carrying?.isExact == true, rules.contains(where: { $0.handle == nil }) {
        throw stop(.handles(table.family, table.name))
      }
      if rules.contains(where: { $0.handle == nil }) { return nil }
      throw refuse(Self.missing)
    }
    if rules.contains(where: { $0.missing != nil || $0.isInDoubt }) { return nil }
    guard let index = Int(exactly: number), index < rules.count else { throw refuse(Self.missing) }
    return index
  }

  /// The chain that a rule jumps to, or the set that it asks, which is not there.
  private func missingTarget(of rule: Rule, _ table: Int) -> String? {
    guard builder.tables[table].shown != .part else { return nil }
    for statement in rule.statements {
      switch statement {
      case .verdict(.jump(let name)), .verdict(.goto(let name)):
        if builder.chainID(name, in: table) == nil { return name }
      case .match(let match):
        if case .named(let name) = match.values, !hasSet(name, table) { return name }
      case .verdictMap(_, .named(let name)): if !hasSet(name, table) { return name }
      case .updateSet(let update): if !hasSet(update.set, table) { return update.set }
      default: break
      }
    }
    return nil
  }

  private func hasSet(_ name: String, _ table: Int) -> Bool {
    builder.tables[table].sets.contains { $0.name == name }
  }

  /// Takes in that nobody knows what a chain holds.
  private mutating func forget(_ chain: ChainID, _ span: SourceSpan) {
    builder[chain].rules = []
    builder[chain].addMissing(MissingRules(.computed), span: span)
  }

  /// Takes in that anything of a table is perhaps gone or another.
  private mutating func doubt(_ table: Int, _ condition: String) {
    for chain in builder.tables[table].chains.indices {
      builder.tables[table].chains[chain].rules = builder.tables[table].chains[chain].rules.map {
        $0.inDoubt(condition)
      }
    }
    for set in builder.tables[table].sets.indices { forgetElements(of: set, table) }
  }

  /// Takes in that a command may have done anything to any table.
  mutating func doubtEverything(_ span: SourceSpan) {
    for table in builder.tables.indices {
      doubt(table, "a command that the script computes")
      builder.tables[table].addMissing(from: span)
    }
    carrying?.forgetAllHandles(tables: builder.tables.count)
  }

  private mutating func forgetElements(of set: Int, _ table: Int) {
    builder.tables[table].sets[set].elements = []
    builder.tables[table].sets[set].elementsKnown = false
  }

  // MARK: - Elements

  /// `add element` and `delete element`, behind the name of the set.
  mutating func carryOutElements(of name: String, _ table: Int, isDeleted: Bool) throws(SyntaxError) {
    guard let set = builder.tables[table].sets.firstIndex(where: { $0.name == name }) else {
      throw refuseMissing(name, in: table)
    }
    let types = builder.lowerings[table].sets[name]
    let known = diagnostics.count
    let elements: [SetElement]
    do throws(SyntaxError) {
      elements = try readElements(table, key: types?.key ?? [NftPart(.invalid)], data: isDeleted ? nil : types?.data)
    } catch {
      // Elements that nobody can read are some, whatever they are.
      if isDeleted { forgetElements(of: set, table) } else { builder.tables[table].sets[set].elementsKnown = false }
      report(error)
      while !isStatementEnd || kind == .closeBrace { tokens.advance() }
      return
    }
    if carrying?.isCertain == false || diagnostics.count > known {
      if isDeleted { return forgetElements(of: set, table) }
      builder.tables[table].sets[set].elementsKnown = false
      if carrying?.isCertain == false { return }
    }
    for element in elements {
      if carrying?.isExact == true { try refuseOverlapping(element, set, table, isDeleted: isDeleted) }
      let same = builder.tables[table].sets[set].elements.firstIndex { $0.key == element.key }
      if !isDeleted {
        if same == nil { builder.tables[table].sets[set].elements.append(element) }
      } else if let same {
        builder.tables[table].sets[set].elements.remove(at: same)
      } else if builder.tables[table].sets[set].isShownWhole {
        let isInterval = builder.tables[table].sets[set].flags.contains("interval")
        throw refuse(isInterval || carrying?.isExact != true ? "element does not exist" : Self.missing)
      }
    }
  }

  // MARK: - Deleting and emptying

  /// `delete`, `destroy`, `flush`, `rename` and `replace`.
  mutating func carryOutChange() throws(SyntaxError) {
    let verb = word
    tokens.advance()
    let object = try name("what to \(verb)")
    if verb == "flush", object == "ruleset" { return flushRuleset() }
    let (family, name) = try tableName()
    guard let table = builder.tableIndex(family, name) else {
      if verb == "destroy" || carrying?.hasUnseen == true { return skipStatement() }
      if carrying?.isExact == true, carrying?.hasAllTables == false { throw stop(.table(family, name)) }
      throw refuse(Self.missing)
    }
    if let condition = carrying?.doubt.condition, verb != "replace" {
      doubt(table, condition)
      return skipStatement()
    }
    switch (verb, object) {
    case ("flush", "table"):
      for chain in builder.tables[table].chains.indices { empty(ChainID(table: table, chain: chain)) }
    case ("flush", "chain"): empty(try carriedChain(try self.name("the name of a chain"), table))
    case ("flush", "set"), ("flush", "map"):
      let set = try self.name("the name of a set")
      if carrying?.isExact == true, !hasSet(set, table) { throw refuseMissing(set, in: table) }
      for index in builder.tables[table].sets.indices where builder.tables[table].sets[index].name == set {
        builder.tables[table].sets[index].elements = []
        builder.tables[table].sets[index].elementsKnown = true
      }
    case ("replace", "rule"):
      try carryOutRule(in: try self.name("the name of a chain"), table, atFront: false, isReplacing: true)
    case ("rename", "chain"): try carryOutRenaming(table)
    case (_, "table"):
      builder.remove(table)
      carrying?.forgetAllHandles(tables: builder.tables.count)
    case (_, "chain"): try deleteChain(table, isForgiving: verb == "destroy")
    case (_, "rule"): try deleteRule(table)
    case (_, "element"): try carryOutElements(of: try self.name("the name of a set"), table, isDeleted: true)
    case (_, "set"), (_, "map"): try deleteSet(table)
    default:
      let object = try self.name("a name")
      builder.tables[table].objects.removeAll { $0.name == object }
    }
    skipStatement()
  }

  private mutating func skipStatement() { while !isStatementEnd { tokens.advance() } }

  private mutating func empty(_ chain: ChainID) {
    builder[chain].rules = []
    builder[chain].shown = .whole
  }

  private mutating func flushRuleset() {
    let family = kind == .word ? TableFamily(rawValue: word) : nil
    if family != nil { tokens.advance() }
    for index in builder.tables.indices.reversed() where family == nil || builder.tables[index].family == family {
      if let condition = carrying?.doubt.condition { doubt(index, condition) } else { builder.remove(index) }
    }
    carrying?.forgetAllHandles(tables: builder.tables.count)
    if family == nil, carrying?.isCertain == true { carrying?.hasUnseen = false }
  }

  private mutating func deleteChain(_ table: Int, isForgiving: Bool) throws(SyntaxError) {
    let name = try name("the name of a chain")
    guard let chain = builder.chainID(name, in: table) else {
      if isForgiving { return }
      throw refuseMissing(name, in: table)
    }
    if carrying?.isExact == true, builder.tables[table].shown != .whole {
      throw stop(.table(builder.tables[table].family, builder.tables[table].name))
    }
    if refers(table, to: name) { throw refuse("Device or resource busy") }
    builder.remove(chain)
  }

  /// Whether a rule of another chain, or an element of a map, leads to a chain.
  private func refers(_ table: Int, to name: String) -> Bool {
    func leads(_ verdict: Verdict) -> Bool { verdict == .jump(name) || verdict == .goto(name) }
    for chain in builder.tables[table].chains where chain.name != name {
      for rule in chain.rules {
        for statement in rule.statements { if case .verdict(let verdict) = statement, leads(verdict) { return true } }
      }
    }
    return builder.tables[table].sets.contains { set in
      set.elements.contains { element in
        if case .verdict(let verdict)? = element.data { leads(verdict) } else { false }
      }
    }
  }

  private mutating func deleteRule(_ table: Int) throws(SyntaxError) {
    let chain = try carriedChain(try name("the name of a chain"), table)
    let byHandle = tokens.isWord("handle")
    guard eat("handle") || eat("index") else { throw fail("handle") }
    guard let index = try place(try number(), byHandle: byHandle, in: chain) else {
      if carrying?.isExact == true {
        throw stop(.rules(builder.tables[table].family, builder.tables[table].name, builder[chain].name))
      }
      let rules = builder[chain].rules
      builder[chain].rules = rules.map { $0.inDoubt("a rule is deleted by its handle") }
      return
    }
    builder[chain].rules.remove(at: index)
  }

  private mutating func deleteSet(_ table: Int) throws(SyntaxError) {
    let name = try name("the name of a set")
    guard hasSet(name, table) else { throw refuseMissing(name, in: table) }
    if carrying?.isExact == true, asks(table, for: name) { throw refuse("Device or resource busy") }
    builder.tables[table].sets.removeAll { $0.name == name }
  }

  private mutating func carryOutRenaming(_ table: Int) throws(SyntaxError) {
    let chain = try carriedChain(try name("the name of a chain"), table)
    let new = try name("the new name")
    guard builder.chainID(new, in: table) == nil else { throw refuse("File exists") }
    builder.rename(chain, to: new)
  }

  // MARK: - Exactly

  /// What the kernel refuses of a rule: a jump to a base chain, one that leads back, and a translation for packets of
  /// which none may be translated.
  private mutating func refuseExactly(_ rule: Rule, in chain: ChainID) throws(SyntaxError) {
    let shown = builder.tables[chain.table]
    let start = builder[chain].name
    let targets = shown.targets(of: rule)
    for name in targets {
      guard let target = builder.chainID(name, in: chain.table) else { continue }
      if builder[target].base != nil { throw refuse("Operation not supported") }
    }
    var jumps = shown.jumps
    let bases = shown.chains.filter { $0.base != nil && jumps.reaches(start, from: $0.name) }
    guard !bases.isEmpty else { return }
    for name in targets { jumps.add(name, to: start) }
    if !targets.isEmpty, jumps.leadsBack(from: start) { throw refuse("Too many links") }
    guard bases.contains(where: { $0.base?.type != .nat }) else { return }
    let reached = targets.reduce(into: Set<String>()) { $0.formUnion(jumps.chains(from: $1)) }
    let translates =
      rule.translates || shown.chains.contains { reached.contains($0.name) && $0.rules.contains(where: \.translates) }
    if translates { throw refuse("Operation not supported") }
  }

  /// Intervals of a set do not overlap; the same element may be added again.
  private mutating func refuseOverlapping(
    _ element: SetElement, _ index: Int, _ table: Int, isDeleted: Bool
  ) throws(SyntaxError) {
    let set = builder.tables[table].sets[index]
    guard set.isShownWhole || set.elements.contains(where: { $0.key == element.key }) else {
      throw stop(.table(builder.tables[table].family, builder.tables[table].name))
    }
    guard !isDeleted, set.flags.contains("interval") else { return }
    for other in set.elements where other.key != element.key && other.key.count == element.key.count {
      let overlaps = zip(other.key, element.key).allSatisfy { !$0.intersection($1).isEmpty }
      guard overlaps else { continue }
      if set.arguments.contains(where: { $0.name == "auto-merge" }) {
        throw stop(.table(builder.tables[table].family, builder.tables[table].name))
      }
      throw refuse("interval overlaps with an existing one")
    }
  }

  /// Whether a rule or an element asks a set.
  private func asks(_ table: Int, for name: String) -> Bool {
    builder.tables[table].chains.contains { chain in
      chain.rules.contains { rule in
        rule.statements.contains { statement in
          switch statement {
          case .match(let match): match.values == .named(name)
          case .verdictMap(_, .named(name)): true
          case .updateSet(let update): update.set == name && !update.isIPSet
          default: false
          }
        }
      }
    }
  }
}

extension Verdict {
  /// A jump or goto as a jump.
  fileprivate var asJump: Verdict {
    if case .goto(let name) = self { .jump(name) } else { self }
  }
}

extension Rule {
  /// Whether a command made it: its place is one of the commands' texts.
  fileprivate var isNew: Bool { CommandTexts.holds(span) }

  fileprivate var translates: Bool {
    statements.contains { if case .translate(let translation) = $0 { translation.kind != .tproxy } else { false } }
  }
}

extension Table {
  /// The highest handle that was shown; nil where a rule was shown without one.
  fileprivate var highestHandle: UInt64? {
    let shown = chains.flatMap(\.rules).filter { !$0.isNew && $0.missing == nil }
    guard shown.allSatisfy({ $0.handle != nil }) else { return nil }
    return (shown.compactMap(\.handle) + chains.compactMap(\.handle) + sets.compactMap(\.handle)).max()
  }

  /// The chains that a rule leads to, also by a map.
  fileprivate func targets(of rule: Rule) -> Set<String> {
    var found: Set<String> = []
    for statement in rule.statements {
      switch statement {
      case .verdict(let verdict): if case .jump(let name) = verdict.asJump { found.insert(name) }
      case .verdictMap(_, .anonymous(let elements)): found.formUnion(elements.compactMap(\.target))
      case .verdictMap(_, .named(let name)):
        found.formUnion(sets.first { $0.name == name }?.elements.compactMap(\.target) ?? [])
      default: continue
      }
    }
    return found
  }

  /// Which of its chains lead to which.
  fileprivate var jumps: JumpGraph {
    var jumps = JumpGraph()
    for chain in chains {
      for rule in chain.rules { for name in targets(of: rule) { jumps.add(name, to: chain.name) } }
    }
    return jumps
  }
}

extension SetElement {
  /// The chain that an element of a verdict map leads to.
  fileprivate var target: String? {
    guard case .verdict(let verdict)? = data, case .jump(let name) = verdict.asJump else { return nil }
    return name
  }
}

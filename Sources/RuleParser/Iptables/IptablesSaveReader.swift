import RuleGraph

/// Reads what `iptables-save`, `ip6tables-save` and `iptables -S` print (iptables-save(8), iptables(8)).
enum IptablesSaveReader {
  /// Reads one output.
  ///
  /// `table` names the table of an `iptables -S`, which does not print it; without it and without a `*table` line the table is inferred
  /// from the chains; an excerpt that does not tell it is taken as filter. `family` is the one of the command; a head line that names `ip6tables-save` overrides it.
  ///
  /// Lines that don't fit are those of a text that was folded, as it seems: then it is unfolded and read again.
  static func read(_ text: DumpText, family: AddressFamily, table: String?) -> RuleFragment {
    let reading = readLines(text.withoutTail, family: family, table: table)
    guard reading.hasStrangers || text.tail > 0, let unfolded = FoldedSave.unfolded(text, family: reading.family) else {
      return reading.fragment
    }
    return withExtendedLifetime(unfolded) { readLines(unfolded, family: family, table: table).fragment }
  }

  /// The rule that a line of its own holds, when nothing of it is unknown.
  static func rule(in text: DumpText, family: AddressFamily) -> Rule? {
    let fragment = readLines(text, family: family, table: "filter").fragment
    guard fragment.diagnostics.isEmpty, let rules = fragment.tables.first?.chains.first?.rules, rules.count == 1,
      rules[0].missing == nil
    else { return nil }
    return rules[0]
  }

  private static func readLines(
    _ text: DumpText, family: AddressFamily, table: String?
  ) -> (fragment: RuleFragment, hasStrangers: Bool, family: AddressFamily) {
    var reading = SaveReading(text: text, family: family, table: table)
    var index = 0
    while index < text.lines.count {
      let behind = max(reading.readRules(from: index), reading.readHeads(from: index))
      if behind == index { reading.read(text.lines[index]) }
      index = max(behind, index + 1)
    }
    reading.end()
    return (reading.fragment, reading.hasStrangers, reading.family)
  }
}

/// The state between the lines of a save.
private struct SaveReading: ~Copyable {
  let text: DumpText
  var family: AddressFamily
  let namedTable: String?
  var origin = TableOrigin.iptables
  var fragment = RuleFragment()
  /// The table that is open, without its chains.
  var table: Table?
  var hasTable = false
  var tableIsInferred = false
  /// The chains of the open table.
  var chains: [Chain] = []
  /// For each name of the rule reader's pool the place of the chain in the open table, or -1.
  var chainOfName: [Int32] = []
  var lastChain: (name: Range<Int>, index: Int)?
  var line: SaveRuleReader
  /// Whether the open table began with a line of its own, and so ends with `COMMIT`.
  var hasHead = false
  /// The chain of the last rule of the open table.
  var lastRule: Int?
  /// What is missing behind the last rule, and where.
  var lost: (missing: MissingRules, span: SourceSpan)?
  /// Whether lines are missing before the first rule, so that chains may have heads that nobody sees.
  var hasLostHeads = false
  /// Whether lines stood there that are no part of a save.
  var hasStrangers = false
  /// Up to these lines no run of rules or of chains' heads is long enough to be worth more than one processor.
  private var shortUntil = 0
  private var shortHeadsUntil = 0

  init(text: DumpText, family: AddressFamily, table: String?) {
    self.text = text
    self.family = family
    namedTable = table
    line = SaveRuleReader(bytes: text.bytes, family: family)
  }

  /// Where a rule stands.
  private struct RulePlace: Sendable {
    /// The name of its chain.
    var chain: Range<Int>
    /// The number of that name; nil when no head has it.
    var number: Int?
    /// The index of its line.
    var line: Int
  }

  /// The rules of some lines of a run, read apart from the others.
  private struct RulesOfLines: Sendable {
    var rules = RuleRuns<RulePlace>()
    var diagnostics: [Diagnostic] = []
  }

  /// Reads a long run of plain rules on all processors; gives the index of the line behind it. Of a short run nothing is read.
  mutating func readRules(from first: Int) -> Int {
    guard hasTable, first >= shortUntil else { return first }
    let end = end(ofRunOf: .rule, from: first)
    guard end - first >= 500 else {
      shortUntil = end
      return first
    }
    let family = family
    let text = text
    // The names of chains that were declared are shared by all parts.
    var parts = line.chainNames.withView { names in
      Parallel.map(Parallel.runs(of: end - first, atLeast: 2000)) { run in
        Self.rules(of: text, first + run.lowerBound..<first + run.upperBound, family, names)
      }
    }
    for part in parts.indices {
      for run in parts[part].rules.runs.indices {
        let index = chainIndex(parts[part].rules.runs[run].place)
        follow(index)
        chains[index].rules.takeOver(parts[part].rules.take(run))
      }
      fragment.diagnostics += parts[part].diagnostics
    }
    return end
  }

  /// The index of the first line from one on that does not look so.
  private func end(ofRunOf form: PlainForm, from first: Int) -> Int {
    text.lines[first...].firstIndex { $0.form != form } ?? text.lines.count
  }

  private static func rules(
    of text: DumpText, _ lines: Range<Int>, _ family: AddressFamily, _ names: TextsView
  ) -> RulesOfLines {
    var reader = SaveRuleReader(bytes: text.bytes, family: family, declared: names)
    var part = RulesOfLines()
    for index in lines {
      let line = text.lines[index]
      var cursor = text.cursor(line)
      cursor.at += 3
      let chain = cursor.eatWord() ?? 0..<0
      let rule = reader.read(cursor, counter: nil, span: text.span(line), line: line)
      part.rules.append(
        rule, at: RulePlace(chain: chain, number: names.known(chain, in: text.bytes), line: index),
        follows: { place, _ in text.bytes.areEqual(place.chain, chain) })
    }
    part.diagnostics = reader.diagnostics
    return part
  }

  private mutating func chainIndex(_ place: RulePlace) -> Int {
    if let number = place.number, number < chainOfName.count, chainOfName[number] >= 0 {
      return Int(chainOfName[number])
    }
    return chainIndex(place.chain, text.lines[place.line])
  }

  /// Reads a long run of heads of users' chains on all processors; gives the index of the line behind it. Of a short run nothing is read.
  mutating func readHeads(from first: Int) -> Int {
    guard hasTable, first >= shortHeadsUntil else { return first }
    let end = end(ofRunOf: .head, from: first)
    guard end - first >= 2000 else {
      shortHeadsUntil = end
      return first
    }
    let text = text
    let runs = Parallel.runs(of: end - first, atLeast: 1000)
    var found: [Range<Int>] = []
    Parallel.append(runs.map(\.count), to: &found) { run, names in
      for index in runs[run] { names.append(Self.userChainName(text, text.lines[first + index])) }
    }
    let names = found
    let before = line.chainNames.texts.count
    guard line.add(newChainNames: names) else {
      // A chain that was met before, or a built-in one.
      for index in first..<end { read(text.lines[index]) }
      return end
    }
    let texts = line.chainNames.texts
    let places = chains.count..<chains.count + names.count
    Parallel.append(runs.map(\.count), to: &chains) { run, chains in
      for index in runs[run] {
        let line = text.lines[first + index]
        var counter = ByteCursor(text.bytes, names[index].upperBound + 3..<line.end)
        chains.append(
          Chain(texts[before + index], policyCounter: Self.eatCounter(&counter), span: text.span(line)))
      }
    }
    chainOfName += repeatElement(-1, count: before - chainOfName.count)
    chainOfName += places.map { Int32($0) }
    return end
  }

  /// The name of `:KUBE-SVC-ERIFXISQEP7F7OF4 - [0:0]`; an empty range of the head of another chain.
  private static func userChainName(_ text: DumpText, _ line: DumpLine) -> Range<Int> {
    var cursor = text.cursor(line)
    cursor.at += 1
    guard let name = cursor.eatWord(), !BuiltinTables.mayHave(text.bytes, name), cursor.eat(" - ") else { return 0..<0 }
    return name
  }

  mutating func read(_ dumpLine: DumpLine) {
    if dumpLine.form == .unreadable { return unreadable(dumpLine, at: dumpLine.start, expected: "a whole line") }
    var cursor = text.cursor(dumpLine)
    cursor.eatBlanks()
    switch cursor.peek {
    case nil: return
    case 0x23:
      if let evidence = OmissionMark.evidence(text.bytes, cursor.at..<cursor.end) {
        lose(MissingRules(evidence), text.span(dumpLine))
      } else {
        readComment(cursor, dumpLine)
      }
    case 0x2a:
      cursor.at += 1
      endTable(cutAt: hasHead ? text.span(dumpLine) : nil)
      beginTable(cursor.text(cursor.eatWord() ?? 0..<0), span: text.span(dumpLine))
      hasHead = true
    case 0x3a:
      cursor.at += 1
      readChainHead(&cursor, dumpLine)
    default:
      if cursor.eat("COMMIT") {
        endTable()
        return
      }
      readCommand(&cursor, dumpLine)
    }
  }

  mutating func beginTable(_ name: String, span: SourceSpan) {
    endTable()
    table = Table(family == .ipv4 ? .ip : .ip6, name, origin: origin, span: span)
    hasTable = true
    tableIsInferred = false
  }

  /// Begins the table of an `iptables -S`, which has no line of its own.
  mutating func ensureTable(_ dumpLine: DumpLine) {
    guard !hasTable else { return }
    beginTable(namedTable ?? "filter", span: text.span(dumpLine))
    tableIsInferred = namedTable == nil
  }

  /// Ends the open table; with a span it was cut there.
  mutating func endTable(cutAt cutSpan: SourceSpan? = nil) {
    guard var done = table else { return }
    table = nil
    hasTable = false
    settle(before: nil)
    if let span = cutSpan {
      done.chains = chains
      done.addMissing(MissingRules(.cut), behindLastRuleOf: true, span: span)
      chains = done.chains
      fragment.cut = fragment.cut ?? span
    }
    if hasLostHeads { done.shown = .part }
    done.chains = chains
    chains = []
    chainOfName = []
    lastChain = nil
    hasHead = false
    hasLostHeads = false
    lastRule = nil
    if tableIsInferred {
      let inferred = TableInference(done.chains)
      done.name = inferred?.table ?? "filter"
      for index in done.chains.indices {
        done.chains[index].base = BuiltinTables.base(
          table: done.name, chain: done.chains[index].name, policy: done.chains[index].base?.policy)
      }
      if let inferred { fragment.diagnostics.append(inferred.diagnostic(done.span)) }
    }
    fragment.tables.append(done)
  }

  /// `# Generated by iptables-save v1.8.9 (nf_tables) on ...` tells the family and the variant; warnings are passed on.
  mutating func readComment(_ cursor: ByteCursor, _ dumpLine: DumpLine) {
    var cursor = cursor
    if cursor.eat("# Completed on ") {
      endTable()
      return
    }
    if cursor.eat("# Generated by ") {
      endTable(cutAt: hasHead ? text.span(dumpLine) : nil)
      if cursor.eat("xtables-save") || cursor.eat("iptables-nft-save") || cursor.eat("iptables-save") {
        family = .ipv4
      } else if cursor.eat("iptables-legacy-save") {
        family = .ipv4
      } else if cursor.eat("ip6tables-") {
        family = .ipv6
      }
      line = SaveRuleReader(bytes: text.bytes, family: family)
      let rest = cursor.text(cursor.at..<cursor.end)
      if rest.contains("(nf_tables)") {
        origin = .iptablesNFT
      } else if rest.contains(" v1.") {
        origin = .iptablesLegacy
      }
      return
    }
    if cursor.eat("# Warning: ") {
      let message = cursor.text(cursor.at..<cursor.end)
      fragment.diagnostics.append(
        Diagnostic("iptables-warning", .warning, "iptables warned: \(message)", span: text.span(dumpLine)))
    } else if cursor.eat("# Table `") {
      let message = cursor.text(dumpLine.start..<dumpLine.end)
      fragment.diagnostics.append(
        Diagnostic(
          "table-not-printed", .warning, "iptables could not print a table: \(message)", span: text.span(dumpLine)))
    }
  }

  /// `:INPUT ACCEPT [0:0]`
  mutating func readChainHead(_ cursor: inout ByteCursor, _ dumpLine: DumpLine) {
    ensureTable(dumpLine)
    guard let name = cursor.eatWord() else { return unreadable(dumpLine, at: cursor.at, expected: "a chain's name") }
    cursor.eatBlanks()
    // Most chains have none: `-`.
    let word = cursor.eatWord() ?? 0..<0
    let policy = word.count > 1 ? BaseChain.Policy(rawValue: cursor.text(word).lowercased()) : nil
    cursor.eatBlanks()
    let index = chainIndex(name, dumpLine)
    let span = text.span(dumpLine)
    let counter = Self.eatCounter(&cursor)
    chains[index].span = span
    chains[index].policyCounter = counter
    if chains[index].base != nil { chains[index].base?.policy = policy }
  }

  /// `[12:3456]`
  static func eatCounter(_ cursor: inout ByteCursor) -> Counter? {
    let start = cursor.at
    guard cursor.eat(0x5b), let packets = cursor.eatDecimal(), cursor.eat(0x3a), let bytes = cursor.eatDecimal(),
      cursor.eat(0x5d)
    else {
      cursor.at = start
      return nil
    }
    return Counter(packets: packets, bytes: bytes)
  }

  /// The index of a chain of the current table, which is made when it is not there yet.
  mutating func chainIndex(_ name: Range<Int>, _ dumpLine: DumpLine) -> Int {
    if let lastChain, text.bytes.areEqual(lastChain.name, name) { return lastChain.index }
    let number = line.chainName(name)
    while chainOfName.count <= number { chainOfName.append(-1) }
    if chainOfName[number] < 0 {
      let label = line.chainNames.texts[number]
      let base =
        BuiltinTables.mayHave(text.bytes, name)
        ? BuiltinTables.base(table: table?.name ?? "filter", chain: label, policy: nil) : nil
      chainOfName[number] = Int32(chains.count)
      chains.append(Chain(label, base: base, span: text.span(dumpLine)))
    }
    let index = Int(chainOfName[number])
    lastChain = (name, index)
    return index
  }

  /// `-A CHAIN ...` with or without a counter before it, `-P CHAIN POLICY`, `-N CHAIN`; an `iptables` before it is passed over.
  mutating func readCommand(_ cursor: inout ByteCursor, _ dumpLine: DumpLine) {
    let counter = Self.eatCounter(&cursor)
    cursor.eatBlanks()
    var named: Range<Int>?
    if cursor.eat("iptables ") || cursor.eat("ip6tables ") {
      cursor.eatBlanks()
      if cursor.eat("-t ") {
        cursor.eatBlanks()
        named = cursor.eatWord()
        cursor.eatBlanks()
      }
    }
    if let named, cursor.text(named) != table?.name { beginTable(cursor.text(named), span: text.span(dumpLine)) }
    if cursor.eat("-A ") || cursor.eat("--append ") {
      ensureTable(dumpLine)
      cursor.eatBlanks()
      guard let name = cursor.eatWord() else { return unreadable(dumpLine, at: cursor.at, expected: "a chain's name") }
      let index = chainIndex(name, dumpLine)
      follow(index)
      let read = line.read(cursor, counter: counter, span: text.span(dumpLine), line: dumpLine)
      chains[index].rules.append(read)
      if !line.diagnostics.isEmpty {
        fragment.diagnostics += line.diagnostics
        line.diagnostics = []
      }
    } else if cursor.eat("-P ") || cursor.eat("--policy ") {
      ensureTable(dumpLine)
      cursor.eatBlanks()
      guard let name = cursor.eatWord() else { return unreadable(dumpLine, at: cursor.at, expected: "a chain's name") }
      cursor.eatBlanks()
      let policy = cursor.eatWord().flatMap { BaseChain.Policy(rawValue: cursor.text($0).lowercased()) }
      let index = chainIndex(name, dumpLine)
      if chains[index].base == nil {
        return unreadable(dumpLine, at: name.lowerBound, expected: "a built-in chain")
      }
      chains[index].base?.policy = policy
      cursor.eatBlanks()
      if cursor.eat("-c ") {
        cursor.eatBlanks()
        if let packets = cursor.eatDecimal(), cursor.eatBlanks() > 0, let bytes = cursor.eatDecimal() {
          chains[index].policyCounter = Counter(packets: packets, bytes: bytes)
        }
      }
    } else if cursor.eat("-N ") || cursor.eat("--new-chain ") {
      ensureTable(dumpLine)
      cursor.eatBlanks()
      guard let name = cursor.eatWord() else { return unreadable(dumpLine, at: cursor.at, expected: "a chain's name") }
      _ = chainIndex(name, dumpLine)
    } else if let evidence = OmissionMark.evidence(text.bytes, dumpLine.range) {
      lose(MissingRules(evidence), text.span(dumpLine))
    } else {
      unreadable(dumpLine, at: cursor.at, expected: "a line of iptables-save")
    }
  }

  mutating func unreadable(_ dumpLine: DumpLine, at offset: Int, expected: String) {
    hasStrangers = true
    if hasTable {
      if let chain = chain(of: dumpLine) {
        follow(chain)
        chains[chain].addMissing(MissingRules(.unreadable, count: 1), span: text.span(dumpLine))
      } else {
        lose(MissingRules(.unreadable), text.span(dumpLine))
      }
    }
    fragment.diagnostics.append(
      Diagnostic(
        "unreadable-line", .warning, "this line is no part of an iptables dump; it may have been a rule",
        span: text.span(dumpLine), column: offset - dumpLine.start + 1, expected: expected))
  }
}

// MARK: - Missing rules

extension SaveReading {
  /// Goes on with a rule of a chain.
  mutating func follow(_ chain: Int) {
    if lost != nil { settle(before: chain) }
    lastRule = chain
  }

  /// Notes that lines are missing behind the last rule: of its chain, and, as nobody knows how many, of the chains that come next.
  mutating func lose(_ missing: MissingRules, _ span: SourceSpan) {
    guard hasTable else {
      // Between two tables there may have been others.
      if !fragment.tables.isEmpty || missing.evidence != .unreadable { fragment.cut = fragment.cut ?? span }
      return
    }
    if let lastRule {
      if chains[lastRule].rules.last?.missing?.count != nil || chains[lastRule].rules.last?.missing == nil {
        chains[lastRule].addMissing(missing, span: span)
      }
    } else {
      hasLostHeads = true
    }
    lost = lost ?? (missing, span)
  }

  /// Puts what is missing into the chains that the lost lines can have been of: those between the last rule and the next one, in the order of their heads,
  /// in which iptables-save prints the rules too.
  mutating func settle(before next: Int?) {
    guard let (missing, span) = lost else { return }
    lost = nil
    if next != nil, next == lastRule { return }
    let first = lastRule.map { $0 + 1 } ?? 0
    let end = next.map { $0 + 1 } ?? chains.count
    // Where the rules don't stand in that order, any chain may have lost some.
    for index in first < end ? first..<end : 0..<chains.count
    where index == next || index != lastRule && chains[index].rules.isEmpty {
      chains[index].addMissing(missing, span: span)
    }
  }

  /// Ends the text: a table that began with its name ends with `COMMIT`, or it was cut.
  mutating func end() {
    guard hasTable, let last = text.lines.last(where: { !text.bytes[$0.range].allSatisfy { $0 <= 0x20 } }) else {
      return endTable()
    }
    let span = text.span(last)
    let isLastOfSource = text.bytes[last.end...].allSatisfy { $0 <= 0x20 }
    let isCut = hasHead || (isLastOfSource && !hasTarget(last))
    if isCut, let lastRule, let rule = chains[lastRule].rules.last, rule.span.line == last.number,
      !isSurelyWhole(last)
    {
      // Half a rule would say something else than the whole.
      chains[lastRule].rules.removeLast()
      chains[lastRule].addMissing(MissingRules(.cut), span: span)
    }
    endTable(cutAt: isCut ? span : nil)
  }

  private func hasTarget(_ line: DumpLine) -> Bool {
    var words = Words(text.bytes, line.range)
    var isRule = false
    while let word = words.next() {
      if word.count == 2, text.bytes[word.lowerBound] == 0x2d {
        switch text.bytes[word.lowerBound + 1] {
        case UInt8(ascii: "A"): isRule = true
        case UInt8(ascii: "j"), UInt8(ascii: "g"): return true
        default: break
        }
      }
    }
    return !isRule
  }

  /// Whether nothing can have stood behind a line that ends a cut text: a verdict takes no options, and a chain's name has an end where no other one goes on.
  private func isSurelyWhole(_ line: DumpLine) -> Bool {
    var words = Words(text.bytes, line.range)
    var (before, last) = (0..<0, 0..<0)
    while let word = words.next() { (before, last) = (last, word) }
    guard before.count == 2, text.bytes.has("-j", at: before.lowerBound) || text.bytes.has("-g", at: before.lowerBound)
    else {
      return false
    }
    let name = text.bytes.text(last)
    if chains.contains(where: { $0.name != name && $0.name.hasPrefix(name) }) { return false }
    return ["ACCEPT", "DROP", "RETURN", "MASQUERADE", "REJECT", "NOTRACK"].contains(name)
      || chains.contains { $0.name == name }
  }

  /// The chain of a line that can't be read, where its beginning tells it.
  private mutating func chain(of dumpLine: DumpLine) -> Int? {
    var cursor = text.cursor(dumpLine)
    cursor.eatBlanks()
    _ = Self.eatCounter(&cursor)
    cursor.eatBlanks()
    guard cursor.eat("-A ") || cursor.eat("--append ") else { return nil }
    cursor.eatBlanks()
    guard let name = cursor.eatWord(), !cursor.isAtEnd else { return nil }
    return chainIndex(name, dumpLine)
  }
}

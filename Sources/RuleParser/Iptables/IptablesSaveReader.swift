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
      return reread(text.withoutTail, reading, family: family, table: table)
    }
    return withExtendedLifetime(unfolded) {
      reread(unfolded, readLines(unfolded, family: family, table: table), family: family, table: table)
    }
  }

  /// What was read of a text, or, where its lines were cut at a column, what can be read of it then.
  private static func reread(
    _ text: DumpText, _ reading: LinesRead, family: AddressFamily, table: String?
  ) -> RuleFragment {
    guard let marked = ColumnCut.marked(text, bare: reading.bare, reading.fragment) else {
      return reading.fragment
    }
    var fragment = readLines(marked, family: family, table: table).fragment
    fragment.cutColumn = ColumnCut.column(of: marked)
    return fragment
  }

  /// What the lines of a text say.
  private struct LinesRead {
    var fragment: RuleFragment
    /// Whether lines stood there that are no part of a save.
    var hasStrangers: Bool
    var family: AddressFamily
    /// The rules without a target.
    var bare: BareRules
  }

  /// The rule that a line of its own holds, when nothing of it is unknown.
  static func rule(in text: DumpText, family: AddressFamily) -> Rule? {
    let fragment = readLines(text, family: family, table: "filter").fragment
    guard fragment.diagnostics.isEmpty, let rules = fragment.tables.first?.chains.first?.rules, rules.count == 1,
      rules[0].missing == nil
    else { return nil }
    return rules[0]
  }

  private static func readLines(_ text: DumpText, family: AddressFamily, table: String?) -> LinesRead {
    var reading = SaveReading(text: text, family: family, table: table)
    var index = 0
    while index < text.lines.count {
      let behind = max(reading.readRules(from: index), reading.readHeads(from: index))
      index = behind == index ? reading.read(at: index) : behind
    }
    reading.end()
    reading.takeBareRules()
    return LinesRead(
      fragment: reading.fragment, hasStrangers: reading.hasStrangers, family: reading.family, bare: reading.bare)
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
  /// The rules without a target.
  var bare = BareRules()
  /// Up to these lines no run of rules or of chains' heads is long enough to be worth more than one processor.
  private var shortUntil = 0
  private var shortHeadsUntil = 0
  /// Whether a `*table` began the open table, so that every chain of it has a head.
  private var hasTableLine = false
  private var hasHeads = false
  /// Whether the head of a built-in chain was read.
  private var hasBuiltInHead = false
  /// The lines of the open table that no chain is known of.
  private var strays = StrayLines()
  /// Whether some rule of the open table could not be read.
  private var hasUnreadRules = false
  /// The tables of the output that is read begin here in the fragment.
  private var firstOfOutput = 0

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
    var bare = BareRules()
    /// The line at which reading ended: its quotation mark may go on behind it.
    var openLine: Int?
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
        let place = parts[part].rules.runs[run].place
        let index = chainIndex(place)
        if strays.areOpen || place.number == nil { noteRule(of: index, text.span(text.lines[place.line])) }
        strays.lastChain = index
        follow(index)
        chains[index].rules.takeOver(parts[part].rules.take(run))
      }
      if !parts[part].diagnostics.isEmpty { hasUnreadRules = true }
      fragment.diagnostics += parts[part].diagnostics
      bare.append(parts[part].bare)
      if let line = parts[part].openLine {
        // The rest of the run one after the other: what is read twice must not grow with the number of such lines.
        shortUntil = end
        return line == first ? first : line
      }
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
      let known = reader.diagnostics.count
      let rule = reader.read(cursor, counter: nil, span: text.span(line), line: line)
      if reader.endsInQuote {
        reader.diagnostics.removeLast(reader.diagnostics.count - known)
        part.openLine = index
        break
      }
      part.rules.append(
        rule, at: RulePlace(chain: chain, number: names.known(chain, in: text.bytes), line: index),
        follows: { place, _ in text.bytes.areEqual(place.chain, chain) })
    }
    part.diagnostics = reader.diagnostics
    part.bare = reader.bare
    return part
  }

  /// Takes over what the reader of rules knows of those without a target.
  mutating func takeBareRules() { bare.append(line.takeBare()) }

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
      for index in first..<end { _ = read(at: index) }
      return end
    }
    hasHeads = true
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

  /// Reads the line of an index, and those that a quotation mark makes a part of it; gives the index behind them.
  mutating func read(at index: Int) -> Int {
    let dumpLine = text.lines[index]
    if dumpLine.form == .unreadable {
      unreadable(dumpLine, at: dumpLine.start, expected: "a whole line")
      return index + 1
    }
    var cursor = text.cursor(dumpLine)
    cursor.eatBlanks()
    switch cursor.peek {
    case nil: break
    case 0x23:
      // Comments stand in files only; `iptables -S` prints none.
      let isPrinted = hasTable && !hasTableLine
      if let evidence = OmissionMark.evidence(text.bytes, cursor.at..<cursor.end)
        ?? (isPrinted ? OmissionMark.evidence(ofComment: cursor) : nil)
      {
        lose(MissingRules(evidence), text.span(dumpLine))
      } else if hasTable, isMask(at: index) {
        lose(MissingRules(.elided), text.span(dumpLine))
      } else {
        readComment(cursor, dumpLine)
      }
    case 0x2a where cursor.peek(ahead: 1).map { $0 != 0x2a && $0 > 0x20 } == true:
      cursor.at += 1
      endTable(cutAt: hasHead ? text.span(dumpLine) : nil)
      beginTable(cursor.text(cursor.eatWord() ?? 0..<0), span: text.span(dumpLine))
      hasTableLine = true
      hasHead = true
    case 0x3a where Self.isEndOfTime(cursor): break
    case 0x3a where OutputStart.isEndOfPort(cursor):
      unreadable(dumpLine, at: cursor.at, expected: "a rule or the head of a chain", standsForRules: true)
    case 0x3a where cursor.end - cursor.at == 1 && hasTable:
      // A colon alone stands for more of the same.
      if hasRule(behind: index) { lose(MissingRules(.elided), text.span(dumpLine)) }
    case 0x3a:
      cursor.at += 1
      readChainHead(&cursor, dumpLine)
    default:
      if cursor.eat("COMMIT") {
        noteCutBeginning(text.span(dumpLine))
        endTable()
      } else {
        return readCommand(&cursor, dumpLine, at: index)
      }
    }
    return index + 1
  }

  /// Whether a line of the same table, a rule or a chain's head, stands behind a place.
  private func hasRule(behind index: Int) -> Bool {
    for line in text.lines[(index + 1)...] {
      var cursor = text.cursor(line)
      cursor.eatBlanks()
      if cursor.peek == 0x2a || cursor.eat("COMMIT") { return false }
      if OutputStart.isSaveLine(cursor) { return true }
    }
    return false
  }

  /// Whether a line of comment signs stands in the place of rules: right between two. In rule files such lines frame a comment.
  private func isMask(at index: Int) -> Bool {
    guard OmissionMark.isMask(text.bytes, text.lines[index].range), index > 0, index + 1 < text.lines.count else {
      return false
    }
    return [index - 1, index + 1].allSatisfy { OutputStart.isSaveLine(text.cursor(text.lines[$0])) }
  }

  mutating func beginTable(_ name: String, span: SourceSpan) {
    endTable()
    table = Table(family == .ipv4 ? .ip : .ip6, name, origin: origin, span: span)
    hasTable = true
    tableIsInferred = false
    hasTableLine = false
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
    strays.place(in: &chains, mayBeUndeclared: hasHeads, &fragment.diagnostics)
    if hasUnreadRules { chains.markPartsWithMissingRules() }
    if hasTableLine, hasHeads, !hasBuiltInHead, OutputStart.isBuiltInTable(done.name) {
      markAdded(done.span)
      done.shown = .part
    }
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
    hasHeads = false
    hasBuiltInHead = false
    hasUnreadRules = false
    strays = StrayLines()
    hasHead = false
    hasLostHeads = false
    lastRule = nil
    if tableIsInferred {
      name(&done, TableInference(done.chains)?.table ?? "filter")
      if let inferred = TableInference(done.chains) { fragment.diagnostics.append(inferred.diagnostic(done.span)) }
    } else if hasTableLine, !OutputStart.isBuiltInTable(done.name) {
      takeUnknownTable(&done)
    }
    LookAlikes.report(done.chains, &fragment.diagnostics)
    let (family, name) = (done.family, done.name)
    if let earlier = fragment.tables[firstOfOutput...].firstIndex(where: { $0.family == family && $0.name == name }) {
      takeTwice(earlier, done)
    } else {
      fragment.tables.append(done)
    }
  }

  /// Takes in, at a `COMMIT` of a table whose `*table` is not there, that the text begins in the middle: the rules before its first one are missing, and perhaps
  /// other tables.
  private mutating func noteCutBeginning(_ span: SourceSpan) {
    guard hasTable, !hasHead, let first = chains.firstIndex(where: { !$0.rules.isEmpty }) else { return }
    chains[first].addMissing(MissingRules(.cut), atFrontBefore: chains[first].rules[0].span)
    hasLostHeads = true
    fragment.cut = fragment.cut ?? span
  }

  /// Takes in that a table declares chains, but none of the built-in ones, of which `iptables-save` prints all: it is loaded into one that is there (`iptables-restore
  /// --noflush`), as ufw's files are. A chain that it does declare is emptied first; the others may hold rules before these.
  private mutating func markAdded(_ span: SourceSpan?) {
    for index in chains.indices where chains[index].base != nil {
      let place = span ?? chains[index].rules.first?.span
      if let place { chains[index].addMissing(MissingRules(.notShown), atFrontBefore: place) }
    }
  }

  private mutating func name(_ table: inout Table, _ name: String) {
    table.name = name
    for index in table.chains.indices {
      table.chains[index].base = BuiltinTables.base(
        table: name, chain: table.chains[index].name, policy: table.chains[index].base?.policy)
    }
  }

  /// A table that iptables does not have: its name is damaged, and its chains and targets tell which it is.
  private mutating func takeUnknownTable(_ table: inout Table) {
    guard let inferred = TableInference(table.chains) else { return }
    fragment.diagnostics.append(
      Diagnostic(
        "unknown-table", .warning,
        "iptables has no table \(table.name); by its chains and targets it is \(inferred.table)", span: table.span))
    name(&table, inferred.table)
  }

  /// One output holds a table once. Of two, nobody knows which is in force: what they have in common holds.
  private mutating func takeTwice(_ earlier: Int, _ other: Table) {
    fragment.diagnostics.append(
      Diagnostic(
        "table-twice-in-one-output", .warning,
        "table \(other.name) stands twice in one output of iptables-save; where the two differ, the rules are unknown",
        span: other.span))
    for chain in other.chains {
      guard let index = fragment.tables[earlier].chainIndex(chain.name) else {
        fragment.tables[earlier].chains.append(chain)
        continue
      }
      fragment.tables[earlier].chains[index].keepCommon(with: chain)
    }
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
      firstOfOutput = fragment.tables.count
      let writer = SaveWriter(cursor.text(cursor.at..<cursor.end))
      if let known = writer.family { family = known }
      takeBareRules()
      line = SaveRuleReader(bytes: text.bytes, family: family)
      if let known = writer.origin { origin = known }
      return
    }
    if cursor.eat("# Warning: ") {
      let message = cursor.text(cursor.at..<cursor.end)
      fragment.diagnostics.append(
        Diagnostic("iptables-warning", .warning, "iptables warned: \(message)", span: text.span(dumpLine)))
    } else if cursor.eat("# Table `") {
      let name = cursor.eat { $0 != 0x27 && $0 != 0x22 }
      fragment.unprinted[cursor.text(name)] = text.span(dumpLine)
      let message = cursor.text(dumpLine.start..<dumpLine.end)
      fragment.diagnostics.append(
        Diagnostic(
          "table-not-printed", .warning, "iptables could not print a table: \(message)", span: text.span(dumpLine)))
    }
  }

  /// `:39 2026`, the end of the time that a save begins with, folded away from its comment.
  private static func isEndOfTime(_ start: ByteCursor) -> Bool {
    var cursor = start
    guard cursor.end - cursor.at <= 11, cursor.eat(0x3a) else { return false }
    while let byte = cursor.peek, byte >= 0x30 && byte <= 0x3a { cursor.at += 1 }
    guard cursor.eat(0x20), let year = cursor.eatWord(), year.count == 4, cursor.isAtEnd else { return false }
    return cursor.bytes[year].allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }

  /// `:INPUT ACCEPT [0:0]`
  mutating func readChainHead(_ cursor: inout ByteCursor, _ dumpLine: DumpLine) {
    ensureTable(dumpLine)
    hasHeads = true
    guard let name = cursor.eatWord() else { return unreadable(dumpLine, at: cursor.at, expected: "a chain's name") }
    cursor.eatBlanks()
    // Most chains have none: `-`.
    let word = cursor.eatWord() ?? 0..<0
    let policy = word.count > 1 ? BaseChain.Policy(rawValue: cursor.text(word).lowercased()) : nil
    cursor.eatBlanks()
    let known = chains.count
    let index = chainIndex(name, dumpLine)
    let span = text.span(dumpLine)
    let counter = Self.eatCounter(&cursor)
    if counter == nil, !cursor.isAtEnd, cursor.peek != 0x0d {
      fragment.diagnostics.append(.unreadableCounter(span, column: cursor.at - dumpLine.start + 1))
    }
    chains[index].span = span
    chains[index].policyCounter = counter
    if chains[index].base != nil {
      hasBuiltInHead = true
      setPolicy(policy, of: index, isFirst: index >= known, dumpLine, at: word.lowerBound)
    }
  }

  /// Sets the policy of a built-in chain, which is unknown where its word is none, and where it is told in two ways.
  private mutating func setPolicy(
    _ policy: BaseChain.Policy?, of index: Int, isFirst: Bool, _ dumpLine: DumpLine, at place: Int
  ) {
    let isAmbiguous = !isFirst && chains[index].base?.policy.map { $0 != policy } ?? false
    chains[index].base?.policy = isAmbiguous ? nil : policy
    guard policy == nil || isAmbiguous else { return }
    fragment.diagnostics.append(
      Diagnostic(
        "unknown-policy", .warning,
        isAmbiguous
          ? "chain \(chains[index].name) has two policies, so its policy is unknown"
          : "not a policy that iptables prints, so the policy of chain \(chains[index].name) is unknown",
        span: text.span(dumpLine), column: max(place - dumpLine.start, 0) + 1, expected: "ACCEPT or DROP"))
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

  /// `-A CHAIN ...` with or without a counter before it, `-P CHAIN POLICY`, `-N CHAIN`; an `iptables` before it is passed over. Gives the index behind it.
  mutating func readCommand(_ cursor: inout ByteCursor, _ dumpLine: DumpLine, at index: Int) -> Int {
    var counter = Self.eatCounter(&cursor)
    if counter == nil, cursor.peek == 0x5b, let end = text.bytes.place(of: 0x5d, in: cursor.at..<cursor.end) {
      fragment.diagnostics.append(
        .unreadableCounter(text.span(dumpLine), column: cursor.at - dumpLine.start + 1))
      cursor.at = end + 1
      counter = nil
    }
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
      return readRule(&cursor, counter, dumpLine, at: index)
    } else if cursor.eat("-P ") || cursor.eat("--policy ") {
      readPolicy(&cursor, dumpLine)
    } else if cursor.eat("-N ") || cursor.eat("--new-chain ") {
      ensureTable(dumpLine)
      hasHeads = true
      cursor.eatBlanks()
      if let name = cursor.eatWord() {
        _ = chainIndex(name, dumpLine)
      } else {
        unreadable(dumpLine, at: cursor.at, expected: "a chain's name")
      }
    } else if let evidence = OmissionMark.evidence(text.bytes, dumpLine.range) {
      // What a mailer puts before a signature looks like the mark that grep prints between rules.
      if evidence != .filtered || hasRule(behind: index) { lose(MissingRules(evidence), text.span(dumpLine)) }
    } else if hasTable, OmissionMark.isMask(text.bytes, dumpLine.range) {
      if hasRule(behind: index) { lose(MissingRules(.elided), text.span(dumpLine)) }
    } else {
      unreadable(
        dumpLine, at: cursor.at, expected: "a line of iptables-save", standsForRules: isAmongRules(index))
    }
    return index + 1
  }

  /// Whether a line that is no heading stands right behind a rule or a chain's head, with others behind it: what it says is in the place of rules.
  private func isAmongRules(_ index: Int) -> Bool {
    guard index > 0, hasTable, hasRule(behind: index) else { return false }
    let line = text.lines[index]
    return OutputStart.isSaveLine(text.cursor(text.lines[index - 1])) && text.bytes[line.end - 1] != 0x3a
  }

  /// Reads a rule behind its `-A`; gives the index behind its last line.
  private mutating func readRule(
    _ cursor: inout ByteCursor, _ counter: Counter?, _ dumpLine: DumpLine, at lineIndex: Int
  ) -> Int {
    ensureTable(dumpLine)
    cursor.eatBlanks()
    guard let name = cursor.eatWord() else {
      unreadable(dumpLine, at: cursor.at, expected: "a chain's name")
      return lineIndex + 1
    }
    if isGlued(name) || beginsWithQuote(name) {
      unreadable(dumpLine, at: name.lowerBound, expected: "a chain's name")
      return lineIndex + 1
    }
    if lost != nil, hasTableLine, isOfOtherTable(name, cursor) {
      // What was left out had the end of this table and the head of another.
      endTable(cutAt: text.span(dumpLine))
      ensureTable(dumpLine)
      hasLostHeads = true
    }
    let index = chainIndex(name, dumpLine)
    let span = text.span(dumpLine)
    noteRule(of: index, span)
    strays.lastChain = index
    follow(index)
    var read = line.read(cursor, counter: counter, span: span, line: dumpLine)
    var end = lineIndex
    if line.endsInQuote, let last = lineThatEndsQuote(from: lineIndex) {
      // iptables prints a line feed of a comment or prefix as it is.
      end = last
      let whole = text.span(dumpLine.start..<text.lines[last].end)
      if text.lines[lineIndex + 1...last].contains(where: { $0.form == .rule || $0.form == .head }) {
        read = Rule(missing: MissingRules(.unreadable, count: 1), span: whole)
      } else {
        line.diagnostics = []
        read = line.read(
          ByteCursor(text.bytes, cursor.at..<text.lines[last].end), counter: counter, span: whole, line: dumpLine)
      }
    }
    chains[index].rules.append(read)
    if !line.diagnostics.isEmpty {
      hasUnreadRules = true
      fragment.diagnostics += line.diagnostics
      line.diagnostics = []
    }
    return end + 1
  }

  /// Whether the name of a chain that there is lost the blank before an option: `PREROUTING-m`.
  private func isGlued(_ name: Range<Int>) -> Bool {
    guard name.count > 2, text.bytes[name.upperBound - 2] == 0x2d else { return false }
    let label = text.bytes.text(name)
    return chains.contains { $0.name == label.dropLast(2) } && !chains.contains { $0.name == label }
  }

  /// Whether the open table has no such built-in chain, or can't translate as the rule does (iptables-extensions(8): only nat's chains can).
  private func isOfOtherTable(_ name: Range<Int>, _ cursor: ByteCursor) -> Bool {
    guard let table else { return false }
    let label = text.bytes.text(name)
    if BuiltinTables.hook(label) != nil, !BuiltinTables.chains(of: table.name).contains(label) { return true }
    guard table.name != "nat" else { return false }
    var words = Words(text.bytes, cursor.at..<cursor.end)
    while let word = words.next() {
      guard text.bytes.text(word) == "-j", let target = words.next() else { continue }
      return ["SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP"].contains(text.bytes.text(target))
    }
    return false
  }

  /// Whether the name of a chain begins with a quotation mark that it has not, so that the rule may be of the chain with the rest of the name.
  private func beginsWithQuote(_ name: Range<Int>) -> Bool {
    let first = text.bytes[name.lowerBound]
    guard name.count > 1, first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") else { return false }
    let label = text.bytes.text(name)
    return !chains.contains { $0.name == label }
  }

  /// The index of the line that ends the quotation mark that a line leaves open; nil when none does, or one that seems to begin a rule.
  private func lineThatEndsQuote(from index: Int) -> Int? {
    for next in text.lines.indices[(index + 1)...].prefix(20) {
      let line = text.lines[next]
      var marks = 0
      var at = line.start
      while at < line.end {
        if text.bytes[at] == 0x5c { at += 1 } else if text.bytes[at] == 0x22 { marks += 1 }
        at += 1
      }
      if marks == 0 { continue }
      return marks % 2 == 1 && line.form == .other ? next : nil
    }
    return nil
  }

  /// `INPUT DROP` behind `-P`, perhaps with `-c 12 3456`.
  private mutating func readPolicy(_ cursor: inout ByteCursor, _ dumpLine: DumpLine) {
    ensureTable(dumpLine)
    hasHeads = true
    cursor.eatBlanks()
    guard let name = cursor.eatWord() else { return unreadable(dumpLine, at: cursor.at, expected: "a chain's name") }
    cursor.eatBlanks()
    let place = cursor.at
    var policy = cursor.eatWord().flatMap { BaseChain.Policy(rawValue: cursor.text($0).lowercased()) }
    let known = chains.count
    let index = chainIndex(name, dumpLine)
    if chains[index].base == nil {
      return unreadable(dumpLine, at: name.lowerBound, expected: "a built-in chain")
    }
    cursor.eatBlanks()
    if cursor.eat("-c ") {
      cursor.eatBlanks()
      if let packets = cursor.eatDecimal(), cursor.eatBlanks() > 0, let bytes = cursor.eatDecimal() {
        chains[index].policyCounter = Counter(packets: packets, bytes: bytes)
      }
    } else if !cursor.isAtEnd, cursor.peek != 0x0d, !Remark.begins(text.bytes, at: cursor.at, to: cursor.end) {
      policy = nil
    }
    setPolicy(policy, of: index, isFirst: index >= known, dumpLine, at: place)
  }

  /// Notes that a rule of a chain comes next: what could not be placed before it belongs to that chain or to one before.
  private mutating func noteRule(of index: Int, _ span: SourceSpan) {
    // A chain that has neither a head nor a rule before this one.
    let isUndeclared =
      (hasTableLine || hasHeads) && chains[index].rules.isEmpty && chains[index].span == span
      && chains[index].base == nil
    if isUndeclared {
      strays.note(undeclared: index, span, chains)
    } else {
      strays.close(at: index)
    }
  }

  mutating func unreadable(
    _ dumpLine: DumpLine, at offset: Int, expected: String, standsForRules: Bool = false
  ) {
    hasStrangers = true
    let span = text.span(dumpLine)
    if hasTable, standsForRules || hasTableLine || Self.looksLikeRule(text.cursor(dumpLine)) {
      hasUnreadRules = true
      var cursor = text.cursor(dumpLine)
      cursor.eatBlanks()
      let first = cursor.eatWord() ?? 0..<0
      cursor.eatBlanks()
      // The head of a built-in chain without its colon: the chain is there.
      if BuiltinTables.hook(text.bytes.text(first)) != nil { _ = chainIndex(first, dumpLine) }
      // `-a INPUT`, `A INPUT`, `-AINPUT`: the chain is told.
      let named = [first, cursor.eatWord() ?? 0..<0, first.dropFirst(2)]
        .first { name in !name.isEmpty && chains.contains { text.bytes.text(name) == $0.name } }
      let isJump = cursor.range(first, equals: "-j") || cursor.range(first, equals: "-g")
      if let named, !isJump, let chain = chains.firstIndex(where: { $0.name == text.bytes.text(named) }) {
        let isFront = cursor.range(first, equals: "-I") || cursor.range(first, equals: "--insert")
        let rule = Rule(missing: MissingRules(.unreadable, count: 1), span: span)
        chains[chain].rules.insert(rule, at: isFront ? 0 : chains[chain].rules.count)
      } else {
        strays.note(span, chains)
      }
    }
    fragment.diagnostics.append(
      Diagnostic(
        "unreadable-line", .warning, "this line is not part of an iptables dump: there may be an unknown rule here",
        span: span, column: offset - dumpLine.start + 1, expected: expected))
  }

  /// Whether a line that can't be read may have been a rule.
  private static func looksLikeRule(_ line: ByteCursor) -> Bool {
    var cursor = line
    cursor.eatBlanks()
    if cursor.peek == 0x2d || cursor.peek == 0x5b { return true }
    while let word = cursor.eatWord() {
      if cursor.range(word, equals: "-j") || cursor.range(word, equals: "-g") { return true }
      cursor.eatBlanks()
    }
    return false
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
    // A rule need not have a target: where a line feed follows, the program ended it.
    let isLastOfSource = last.end >= text.bytes.count
    let isCut = hasHead || (isLastOfSource && !hasTarget(last)) || breaksOff(last) || endsUnread(last)
    if isCut, let lastRule, let rule = chains[lastRule].rules.last, rule.span.line == last.number,
      !isSurelyWhole(last)
    {
      // Half a rule would say something else than the whole.
      chains[lastRule].rules.removeLast()
      chains[lastRule].addMissing(MissingRules(.cut), span: span)
    }
    endTable(cutAt: isCut ? span : nil)
  }

  /// Whether the input ends with a line that is a rule with words that mean nothing, as half an option is none.
  private func endsUnread(_ line: DumpLine) -> Bool {
    guard let lastRule, let rule = chains[lastRule].rules.last, rule.span.line == line.number else { return false }
    let words = text.bytes.text(line.range).trimmedBlanks.utf8
    guard rule.hasUnreadWords, let last = words.lastIndex(of: 0x20) else { return false }
    return words[words.index(after: last)...].starts(with: "--".utf8)
      && text.bytes[line.end...].allSatisfy { $0 <= 0x20 }
  }

  /// Whether a line, the last one, is a rule without its end: something of it is lost, or its target is half a verdict's name.
  private func breaksOff(_ line: DumpLine) -> Bool {
    guard let lastRule, let rule = chains[lastRule].rules.last, rule.span.line == line.number else { return false }
    switch rule.statements.last {
    case .opaqueTarget(let opaque)?: return opaque.lost == .rest
    case .verdict(.jump(let name))?, .verdict(.goto(let name))?:
      if chains.contains(where: { $0.name == name }) { return false }
      // A chain is declared before rules lead to it.
      if line.end >= text.bytes.count, chains.contains(where: { $0.name.hasPrefix(name) }) { return true }
      return ["ACCEPT", "DROP", "RETURN", "REJECT", "MASQUERADE"].contains { $0.hasPrefix(name) }
    default: return false
    }
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
}

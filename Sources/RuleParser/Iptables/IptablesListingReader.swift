import RuleGraph

/// Reads what `iptables -L` and `ip6tables -L` print, with any of `-v`, `-n`, `-x` and `--line-numbers` (iptables(8),
/// "--list").
enum IptablesListingReader {
  /// Reads one output.
  ///
  /// `table` is the one of the command (`-t nat`); without it the table is inferred from chains and targets, and one
  /// text may show several; an excerpt of which nothing tells the table gets none, an empty name. `family` nil is
  /// inferred from the addresses.
  ///
  /// With `isWhole` a command printed all of the table, so that a chain that is missing was cut off. Lines that don't
  /// fit are those of a text that was folded, as it seems: then it is unfolded and read again.
  static func read(
    _ text: DumpText, family: AddressFamily?, table: String?, isWhole: Bool = false
  ) -> RuleFragment {
    let known = family ?? FamilyInference.family(of: text) ?? .ipv4
    let reading = readLines(text.withoutTail, family: family, table: table, isWhole: isWhole)
    func reread(_ text: DumpText, _ fragment: RuleFragment) -> RuleFragment {
      guard let marked = ColumnCut.marked(text, fragment) else { return fragment }
      return readLines(marked, family: family, table: table, isWhole: isWhole).fragment
    }
    guard reading.hasStrangers || text.tail > 0, let unfolded = FoldedListing.unfolded(text, family: known) else {
      return reread(text.withoutTail, reading.fragment)
    }
    return withExtendedLifetime(unfolded) {
      reread(unfolded, readLines(unfolded, family: family, table: table, isWhole: isWhole).fragment)
    }
  }

  private static func readLines(
    _ text: DumpText, family: AddressFamily?, table: String?, isWhole: Bool
  ) -> (fragment: RuleFragment, hasStrangers: Bool) {
    var diagnostics: [Diagnostic] = []
    let known = family ?? FamilyInference.family(of: text)
    if known == nil, let first = text.lines.first {
      diagnostics.append(
        Diagnostic(
          "family-inferred", .note, "this listing was taken for IPv4, since it shows no address", span: text.span(first)
        ))
    }
    var reading = ListingReading(text: text, family: known ?? .ipv4, table: table)
    reading.isWhole = isWhole
    reading.fragment.diagnostics = diagnostics
    if let rows = ListingRows(text, family: known ?? .ipv4) {
      reading.fragment.hidesInterfaces = rows.hidesInterfaces
      // Mostly all chains are one table's.
      reading.chains.reserveCapacity(rows.chainCount + 8)
      reading.names.reserve(rows.chainCount + 8)
      reading.rows = rows
    }
    var index = 0
    while index < text.lines.count { index = reading.read(from: index) }
    reading.endInHead()
    reading.endTable()
    return (reading.fragment, reading.hasStrangers)
  }
}

/// The state between the lines of a listing.
private struct ListingReading: ~Copyable {
  let text: DumpText
  let family: AddressFamily
  let namedTable: String?
  var fragment = RuleFragment()
  var chains: [Chain] = []
  /// The names of the chains.
  var names = PlacePool()
  /// The policies of the chains that have one, by index.
  var policies: [Int: BaseChain.Policy] = [:]
  var start: SourceSpan?
  var lastRank: Int?
  var hasUserChain = false
  var header: ListingHeader?
  var rules: ListingRuleReader
  var rows: ListingRows?
  /// Whether a command printed all of the table.
  var isWhole = false
  /// The number of the rule before the next one in its chain; of a chain whose head was lost, nil.
  var lastNumber: UInt64? = 0
  /// Whether rules of the open table are of chains whose heads nobody sees, or whole chains may be missing.
  var hasLostChains = false
  /// Whether rows stood before any chain's head.
  var hasHeadlessRows = false
  /// Whether the rows that come are those of a chain whose head is not there.
  var isBelowLostHead = false
  /// Whether lines stood there that are no part of a listing.
  var hasStrangers = false
  /// Whether the names of the columns stand before the rows of some chain.
  var hasColumns = false
  /// Whether some rule of the open table has prose that nobody understood.
  var hasUnreadProse = false
  /// Whether some row of the open table could not be read.
  var hasUnreadRows = false
  /// Whether an empty line stands behind the last row of the open chain.
  var isBehindRows = false

  init(text: DumpText, family: AddressFamily, table: String?) {
    self.text = text
    self.family = family
    namedTable = table
    rules = ListingRuleReader(bytes: text.bytes, family: family)
  }

  /// Reads a line, or a chain or run of rows that were read already, as most are; gives the index behind them.
  mutating func read(from index: Int) -> Int {
    if let (name, chain, end) = rows?.takeChain(at: index, of: text) {
      if !names.add(name, in: text.bytes) {
        endTable()
        _ = names.add(name, in: text.bytes)
      }
      if chains.isEmpty { start = chain.span }
      chains.append(chain)
      hasUserChain = true
      header = .usual
      hasColumns = true
      isBehindRows = false
      lastNumber = 0
      return end
    }
    if !chains.isEmpty, !isBelowLostHead, let run = rows?.takeRules(from: index, header: header) {
      let end = index + run.rules.count
      if let number = run.number {
        guard follow(number, text.lines[index]) else { return end }
        lastNumber = number + UInt64(run.rules.count) - 1
      }
      chains[chains.count - 1].rules.takeOver(run.rules)
      isBehindRows = false
      return end
    }
    read(text.lines[index], at: index)
    return index + 1
  }

  /// Whether a row or a chain's head stands behind a line.
  private func hasRow(behind index: Int) -> Bool {
    text.lines[(index + 1)...].contains { line in
      var cursor = text.cursor(line)
      cursor.eatBlanks()
      return text.bytes.has("Chain ", at: line.start) || OutputContinuation.isListingRow(cursor)
    }
  }

  private mutating func read(_ line: DumpLine, at index: Int) {
    // Every chain has the same two lines before its rows.
    if line.start == line.end {
      isBehindRows = true
      return
    }
    if line.form == .unreadable { return unreadable(line, expected: "a whole line", mayBeRule: true) }
    if let usual = ListingHeader.usual, line.form == .columnHead { return take(columns: usual) }
    let cursor = text.cursor(line)
    if text.bytes.has("Chain ", at: line.start) {
      guard let head = ListingChainHead(cursor) else { return unreadable(line, expected: "a chain's name") }
      isBehindRows = false
      begin(head, line)
      if Self.hasRows(behind: head, cursor) {
        unreadable(line, expected: "a line that ends behind the chain's head", mayBeRule: true)
        chains[chains.count - 1].addMissing(MissingRules(.unreadable), span: text.span(line))
        hasLostChains = true
      }
      return
    }
    var first = cursor
    first.eatBlanks()
    if first.isAtEnd || first.peek == UInt8(ascii: "\r") {
      isBehindRows = true
      return
    }
    if first.eat("# Warning: ") {
      let message = first.text(first.at..<first.end)
      fragment.diagnostics.append(
        Diagnostic("iptables-warning", .warning, "iptables warned: \(message)", span: text.span(line)))
      return
    }
    if let evidence = OmissionMark.evidence(text.bytes, line.range) {
      // What a mailer puts before a signature looks like the mark that grep prints between rows.
      if evidence != .filtered || hasRow(behind: index) { lose(MissingRules(evidence), line) }
      return
    }
    if OmissionMark.isMask(text.bytes, line.range) {
      // Behind an empty line it only frames what comes next.
      if !isBehindRows, hasRow(behind: index) { lose(MissingRules(.elided), line) }
      return
    }
    if first.peek == UInt8(ascii: "#") {
      if let evidence = OmissionMark.evidence(ofComment: first) { lose(MissingRules(evidence), line) }
      return
    }
    // Rows mostly begin with a number, and head lines never do.
    if first.peek.map({ $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }) ?? false, let head = ListingHeader(cursor)
    {
      return take(columns: head)
    }
    guard !chains.isEmpty, !isBelowLostHead else {
      // The head of its chain is not there: a rule of the table, of which nobody knows where it stands.
      hasHeadlessRows = hasHeadlessRows || OutputContinuation.isListingRow(first)
      return unreadable(line, expected: "a line that begins with Chain")
    }
    guard let rule = rules.read(cursor, header: header, span: text.span(line), line: line),
      rule.counter != nil || Self.looksLikeRow(first) || OutputContinuation.isListingRow(first)
    else {
      rules.diagnostics = []
      hasStrangers = true
      // Prose behind the rows hides nothing.
      if isBehindRows, !Self.looksLikeRow(first) { return }
      dropDamagedRow(before: line)
      return unreadable(line, expected: "a rule", mayBeRule: true)
    }
    if header?.hasCounters == true, rule.counter == nil { hasStrangers = true }
    if let number = rules.number {
      guard follow(number, line) else { return }
      lastNumber = number
    }
    chains[chains.count - 1].rules.append(rule)
    isBehindRows = false
    if rules.hidesInterfaces { fragment.hidesInterfaces = true }
    if !rules.diagnostics.isEmpty {
      hasUnreadProse = true
      fragment.diagnostics += rules.diagnostics
      rules.diagnostics = []
    }
  }

  /// Takes back a row that lacks its counters, where a line that is no row stands behind it: that may be its end.
  private mutating func dropDamagedRow(before line: DumpLine) {
    let last = chains.count - 1
    guard header?.hasCounters == true, let rule = chains[last].rules.last, rule.counter == nil, rule.missing == nil,
      rule.span.line == line.number - 1
    else { return }
    chains[last].rules.removeLast()
    chains[last].addMissing(MissingRules(.unreadable, count: 1), span: rule.span)
  }

  /// Takes in the names of the columns. Each chain has them once: where they stand again the head of another chain is
  /// not there.
  private mutating func take(columns head: ListingHeader) {
    if header != nil, !chains.isEmpty { isBelowLostHead = true }
    header = head
    hasColumns = hasColumns || !chains.isEmpty
  }

  /// Whether the columns of a listing stand behind a chain's head, in its line.
  private static func hasRows(behind head: ListingChainHead, _ line: ByteCursor) -> Bool {
    var cursor = ByteCursor(line.bytes, head.name.upperBound..<line.end)
    cursor.eatBlanks()
    while let word = cursor.eatWord() {
      if cursor.range(word, equals: "target") || cursor.range(word, equals: "--") { return true }
      cursor.eatBlanks()
    }
    return false
  }

  private mutating func begin(_ head: ListingChainHead, _ line: DumpLine) {
    let name = PlacePool.HashedName(head.name, in: text.bytes)
    let isNew = names.add(name, in: text.bytes)
    let label = text.bytes.text(head.name)
    let rank = BuiltinTables.mayHave(text.bytes, head.name) ? BuiltinTables.rank(label) : nil
    let isOutOfOrder =
      namedTable == nil && rank.map { rank in hasUserChain || lastRank.map { rank <= $0 } ?? false } ?? false
    if !isNew || isOutOfOrder {
      endTable()
      _ = names.add(name, in: text.bytes)
    }
    if chains.isEmpty { start = text.span(line) }
    policies[chains.count] = head.policy
    if head.policy == nil, head.references == nil, rank != nil {
      fragment.diagnostics.append(
        Diagnostic(
          "unknown-policy", .warning,
          "not a policy that iptables prints, so the policy of chain \(label) is unknown", span: text.span(line),
          column: head.name.upperBound - line.start + 1, expected: "(policy ACCEPT"))
    }
    chains.append(
      Chain(label, policyCounter: head.counter, references: head.references, span: text.span(line)))
    if let rank { lastRank = rank } else { hasUserChain = true }
    header = nil
    isBelowLostHead = false
    lastNumber = 0
  }

  /// Notes a text that ends with the head of a chain, behind which iptables prints the names of the columns, as it did
  /// for the chains before.
  mutating func endInHead() {
    noteCutRow()
    guard header == nil, !hasHeadlessRows, let last = chains.indices.last, let span = chains[last].span,
      let end = text.lines.last(where: { $0.start < $0.end }), span.line == end.number,
      hasColumns
        || text.lines.count(where: { $0.start < $0.end }) == 1 && text.bytes[end.range].contains(UInt8(ascii: ","))
    else { return }
    chains[last].addMissing(MissingRules(.cut), span: span)
    hasLostChains = true
    fragment.cut = fragment.cut ?? span
  }

  /// Notes an input that ends within a row: in one that can't be read, or without a line feed in words that mean
  /// nothing.
  private mutating func noteCutRow() {
    guard let last = chains.indices.last, let rule = chains[last].rules.last,
      let end = text.lines.last(where: { $0.start < $0.end }),
      text.bytes[min(end.end, text.bytes.count)...].allSatisfy({ $0 <= UInt8(ascii: " ") }),
      rule.span.line == end.number,
      rule.missing.map({ $0.evidence == .unreadable }) ?? (rule.hasUnreadWords && end.end >= text.bytes.count)
    else { return }
    chains[last].addMissing(MissingRules(.cut), span: rule.span)
    hasLostChains = true
    fragment.cut = fragment.cut ?? rule.span
  }

  mutating func endTable() {
    defer {
      chains = []
      names = PlacePool()
      policies = [:]
      lastRank = nil
      hasUserChain = false
      hasUnreadProse = false
      hasUnreadRows = false
      hasLostChains = false
      hasHeadlessRows = false
      isBelowLostHead = false
    }
    let shown: Shown = hasLostChains || hasHeadlessRows ? .part : .whole
    guard !chains.isEmpty else {
      if hasHeadlessRows {
        fragment.tables.append(
          Table(
            family == .ipv4 ? .ip : .ip6, namedTable ?? "", origin: .iptables,
            span: text.lines.first.map { text.span($0) },
            shown: .part))
      }
      return
    }
    markUnknownTargets()
    LookAlikes.report(chains, &fragment.diagnostics)
    guard namedTable == nil, let groups = TableInference.groups(of: chains) else {
      end(chains, policies, shown)
      return
    }
    for group in groups {
      var policies: [Int: BaseChain.Policy] = [:]
      for (place, index) in group.enumerated() { policies[place] = self.policies[index] }
      end(group.map { chains[$0] }, policies, shown)
    }
  }

  /// Ends a table of some chains.
  private mutating func end(_ some: [Chain], _ policies: [Int: BaseChain.Policy], _ shown: Shown) {
    var chains = some
    let inferred = namedTable == nil ? TableInference(chains) : nil
    let name = namedTable ?? inferred?.table ?? ""
    for index in chains.indices {
      guard chains[index].name.utf8.count <= 11 else { continue }
      chains[index].base = BuiltinTables.base(table: name, chain: chains[index].name, policy: policies[index])
    }
    if let inferred, chains.contains(where: { $0.base != nil }) {
      fragment.diagnostics.append(inferred.diagnostic(start))
    }
    let tableFamily: TableFamily = family == .ipv4 ? .ip : .ip6
    // Chains listed one by one are one table as long as none is shown twice.
    var table = Table(tableFamily, name, origin: .iptables, chains: chains, span: start, shown: shown)
    if let cut = ListingEnd.cut(of: table, isWhole: isWhole), let span = table.chains.last?.rules.last?.span ?? start {
      table.addMissing(cut, behindLastRuleOf: false, span: span)
      fragment.cut = fragment.cut ?? span
    }
    if let last = fragment.tables.lastIndex(where: { $0.name == name }),
      Set(fragment.tables[last].chains.map(\.name)).isDisjoint(with: chains.map(\.name))
    {
      fragment.tables[last].chains += table.chains
      if table.shown == .part { fragment.tables[last].shown = .part }
    } else {
      fragment.tables.append(table)
    }
  }

  /// A rule whose target is no chain of the listing and that has text nobody understood has an unknown target with
  /// unknown text.
  mutating func markUnknownTargets() {
    guard hasUnreadProse, chains.contains(where: { $0.base != nil || BuiltinTables.rank($0.name) != nil }) else {
      return
    }
    var names: Set<String>?
    for chain in chains.indices {
      for rule in chains[chain].rules.indices {
        let statements = chains[chain].rules[rule].statements
        guard statements.count > 1, case .verdict(.jump(let name)) = statements[statements.count - 1],
          case .opaqueMatch(let part) = statements[statements.count - 2]
        else { continue }
        let known = names ?? Set(chains.map(\.name))
        names = known
        if known.contains(name) { continue }
        chains[chain].rules[rule].statements.removeLast(2)
        chains[chain].rules[rule].statements.append(.opaqueTarget(Opaque(name: name, text: part.text)))
      }
    }
  }

  /// Whether a line that can't be read is a row all the same: it begins with numbers or has an address or an option
  /// column.
  private static func looksLikeRow(_ first: ByteCursor) -> Bool {
    var cursor = first
    if cursor.eatScaledNumber() != nil, cursor.eatBlanks() > 0 { return true }
    cursor = first
    while let word = cursor.eatWord() {
      if cursor.range(word, equals: "--") || cursor.range(word, equals: "anywhere")
        || cursor.range(word, equals: "0.0.0.0/0") || cursor.range(word, equals: "::/0")
      {
        return true
      }
      cursor.eatBlanks()
    }
    return false
  }

  /// Notes that lines are missing where a line stands: rules of the open chain, and chains below it.
  private mutating func lose(_ missing: MissingRules, _ line: DumpLine) {
    hasLostChains = true
    guard !chains.isEmpty else { return }
    chains[chains.count - 1].addMissing(missing, span: text.span(line))
  }

  /// Notes which rules are missing before one with a number. False for a rule of another chain, whose head is missing.
  private mutating func follow(_ number: UInt64, _ line: DumpLine) -> Bool {
    let last = chains.count - 1
    let standsAtMark = chains[last].rules.last?.missing.map { $0.count == nil } ?? false
    // A mark that hides no rule of this chain hides the head of the chain whose rule this is.
    guard let before = lastNumber, number > before, !(standsAtMark && number == before + 1) else {
      if lastNumber != nil, !standsAtMark { chains[last].addMissing(MissingRules(.elided), span: text.span(line)) }
      lastNumber = nil
      hasLostChains = true
      return false
    }
    let skipped = Int(number - before - 1)
    if standsAtMark, let missing = chains[last].rules.last?.missing {
      // A mark stands there, and the numbers say for how many rules.
      chains[last].rules.removeLast()
      var missing = missing
      missing.count = skipped
      chains[last].addMissing(missing, span: text.span(line))
    } else if skipped > 0 {
      chains[last].addMissing(MissingRules(.numberGap, count: skipped), span: text.span(line))
    }
    return true
  }

  mutating func unreadable(_ line: DumpLine, expected: String, mayBeRule: Bool = false) {
    hasStrangers = true
    if mayBeRule, !chains.isEmpty, lastNumber != nil {
      hasUnreadRows = true
      chains[chains.count - 1].addMissing(MissingRules(.unreadable, count: 1), span: text.span(line))
      lastNumber = lastNumber.map { $0 + 1 }
    }
    fragment.diagnostics.append(
      Diagnostic(
        "unreadable-line", .warning,
        mayBeRule && !chains.isEmpty
          ? "this line can't be read as a rule: there may be an unknown rule here"
          : "this line is not part of a listing and was skipped", span: text.span(line),
        column: 1,
        expected: expected))
  }
}

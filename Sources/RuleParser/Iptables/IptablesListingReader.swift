import RuleGraph

/// Reads what `iptables -L` and `ip6tables -L` print, with any of `-v`, `-n`, `-x` and `--line-numbers` (iptables(8), "--list").
enum IptablesListingReader {
  /// Reads one output.
  ///
  /// `table` is the one of the command (`-t nat`); without it the table is inferred from chains and targets, and one text may show
  /// several; an excerpt of which nothing tells the table gets none, an empty name. `family` nil is inferred from the addresses.
  static func read(_ text: DumpText, family: AddressFamily?, table: String?) -> RuleFragment {
    var diagnostics: [Diagnostic] = []
    let known = family ?? FamilyInference.family(of: text)
    if known == nil, let first = text.lines.first {
      diagnostics.append(
        Diagnostic(
          "family-inferred", .note, "this listing was taken for IPv4, since it shows no address", span: text.span(first)
        ))
    }
    var reading = ListingReading(text: text, family: known ?? .ipv4, table: table)
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
    reading.endTable()
    return reading.fragment
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
  var lastRank = -1
  var hasUserChain = false
  var header: ListingHeader?
  var rules: ListingRuleReader
  var rows: ListingRows?
  /// Whether some rule of the open table has prose that nobody understood.
  var hasUnreadProse = false
  /// Whether some row of the open table could not be read.
  var hasUnreadRows = false
  /// Whether an empty line has ended the rows of the open chain.
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
      isBehindRows = false
      return end
    }
    if !chains.isEmpty, let run = rows?.takeRules(from: index, header: header) {
      let end = index + run.count
      chains[chains.count - 1].rules.takeOver(run)
      return end
    }
    read(text.lines[index])
    return index + 1
  }

  private mutating func read(_ line: DumpLine) {
    // Every chain has the same two lines before its rows.
    if line.start == line.end {
      isBehindRows = true
      return
    }
    if let usual = ListingHeader.usual, line.form == .columnHead {
      header = usual
      return
    }
    let cursor = text.cursor(line)
    if text.bytes.has("Chain ", at: line.start) {
      guard let head = ListingChainHead(cursor) else { return unreadable(line, expected: "a chain's name") }
      isBehindRows = false
      begin(head, line)
      return
    }
    var first = cursor
    first.eatBlanks()
    if first.isAtEnd || first.peek == 0x0d {
      isBehindRows = true
      return
    }
    if first.eat("# Warning: ") {
      let message = first.text(first.at..<first.end)
      fragment.diagnostics.append(
        Diagnostic("iptables-warning", .warning, "iptables warned: \(message)", span: text.span(line)))
      return
    }
    // Rows mostly begin with a number, and head lines never do.
    if first.peek.map({ $0 >= 0x61 && $0 <= 0x7a }) ?? false, let head = ListingHeader(cursor) {
      header = head
      return
    }
    guard !chains.isEmpty else { return unreadable(line, expected: "a line that begins with Chain") }
    guard let rule = rules.read(cursor, header: header, span: text.span(line), line: line) else {
      if !isBehindRows || Self.looksLikeRow(first) {
        hasUnreadRows = true
        chains[chains.count - 1].addMissing(MissingRules(.unreadable, count: 1), span: text.span(line))
      }
      return unreadable(line, expected: "a rule")
    }
    chains[chains.count - 1].rules.append(rule)
    if rules.hidesInterfaces { fragment.hidesInterfaces = true }
    if !rules.diagnostics.isEmpty {
      hasUnreadProse = true
      fragment.diagnostics += rules.diagnostics
      rules.diagnostics = []
    }
  }

  private mutating func begin(_ head: ListingChainHead, _ line: DumpLine) {
    let name = PlacePool.HashedName(head.name, in: text.bytes)
    let isNew = names.add(name, in: text.bytes)
    let label = text.bytes.text(head.name)
    let rank = BuiltinTables.mayHave(text.bytes, head.name) ? BuiltinTables.rank(label) : nil
    let isOutOfOrder = namedTable == nil && rank.map { $0 <= lastRank || hasUserChain } ?? false
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
          "this is no policy that iptables prints, so the policy of chain \(label) is unknown", span: text.span(line),
          column: head.name.upperBound - line.start + 1, expected: "(policy ACCEPT"))
    }
    chains.append(
      Chain(label, policyCounter: head.counter, references: head.references, span: text.span(line)))
    if let rank { lastRank = rank } else { hasUserChain = true }
    header = nil
  }

  mutating func endTable() {
    defer {
      chains = []
      names = PlacePool()
      policies = [:]
      lastRank = -1
      hasUserChain = false
      hasUnreadProse = false
      hasUnreadRows = false
    }
    guard !chains.isEmpty else { return }
    markUnknownTargets()
    LookAlikes.report(chains, &fragment.diagnostics)
    guard namedTable == nil, let groups = TableInference.groups(of: chains) else {
      end(chains, policies)
      return
    }
    for group in groups {
      var policies: [Int: BaseChain.Policy] = [:]
      for (place, index) in group.enumerated() { policies[place] = self.policies[index] }
      end(group.map { chains[$0] }, policies)
    }
  }

  /// Ends a table of some chains.
  private mutating func end(_ some: [Chain], _ policies: [Int: BaseChain.Policy]) {
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
    if let last = fragment.tables.lastIndex(where: { $0.name == name }),
      Set(fragment.tables[last].chains.map(\.name)).isDisjoint(with: chains.map(\.name))
    {
      fragment.tables[last].chains += chains
    } else {
      fragment.tables.append(Table(tableFamily, name, origin: .iptables, chains: chains, span: start))
    }
  }

  /// A rule whose target is no chain of the listing and that has text nobody understood has an unknown target with unknown text.
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

  /// Whether a line that can't be read is a row all the same: it begins with numbers or has an address or an option column.
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

  mutating func unreadable(_ line: DumpLine, expected: String) {
    fragment.diagnostics.append(
      Diagnostic(
        "unreadable-line", .warning,
        hasUnreadRows && !chains.isEmpty
          ? "this line is no rule that can be read: an unknown rule may stand here"
          : "this line is no part of a listing and was left out", span: text.span(line),
        column: 1,
        expected: expected))
  }
}

import RuleGraph

/// Reads nft's own text: what `nft list ruleset` prints and the rule files that people write (nft(8), "INPUT FILE FORMATS").
///
/// A statement that can't be read is kept as opaque text with a diagnostic that names line, column and what was expected; reading goes on at the next
/// one. `include` is answered by the caller, who alone knows which files may be read.
struct NftTextReader {
  var text: DumpText {
    didSet { knownWidth = nil }
  }
  var tokens: NftTokens
  var builder = NftTableBuilder()
  var diagnostics: [Diagnostic] = []
  /// The values of `define`.
  var variables: [String: NftExpression] = [:]
  /// The family of the table whose rule is read.
  var family = TableFamily.ip
  /// Whether a constant may be a traffic class, which holds a colon.
  var expectsTrafficClass = false
  /// Whether the elements that are read are a declared set's, which may be cut off.
  var keepsCutElements = false
  /// The table whose rule is read.
  var openTable = 0
  /// Whether the statement that is read decides about the packet or changes it, so that no rule may be read without it.
  var decides = false
  /// How many chains without a name are open.
  var anonymousDepth = 0
  /// The policy of the chain that is read, where one was printed: it may stand before the hook.
  var writtenPolicy: WrittenPolicy?
  /// The chains that the table block that is read has declared.
  var declaredInBlock: Set<String> = []
  /// The rules of the command that is read (`table …`, `add chain …`) which are read at its end.
  var putOff: [PutOffRule] = []
  /// How many of them are of each chain.
  var putOffCounts: [Int] = []
  /// The state of a host on which commands are carried out; nil for a listing or a rule file, of which parts may be missing.
  var carrying: NftCarrying?
  /// Where the text ends inside of a block, or leaves tables out.
  var cut: SourceSpan?
  /// Whether lines stand there as in a text that was folded.
  var mayBeFolded = false
  /// How far the first statement of the open chain stands from the beginning of its line.
  var chainIndentation: Int?
  /// Whether statements stood in the open table that are in no chain: the head of theirs was lost, and the next brace is its end.
  var isInLostChain = false
  /// Whether the policy of the open chain was read.
  var hasPolicy = false
  let includes: (String) -> [DumpText]?
  private var knownWidth: FoldWidth?
  private var includeDepth = 0
  private var includeCount = 0
  /// The first file that could not be included, and the chains that were there before.
  private var unreadInclude: (span: SourceSpan, chains: [NftTableBuilder.TableKey: Set<String>])?

  /// Where and why the text does not fit.
  struct SyntaxError: Error {
    var offset: Int
    var expected: String
  }

  /// Files may include files this deep (`MAX_INCLUDE_DEPTH` of nft), and not more of them than this.
  static let maximumIncludeDepth = 16
  static let maximumIncludes = 1000

  /// Reads the tables of a dump or file.
  ///
  /// `includes` gives the texts for the argument of an `include`, in order, or nil when it may not or can't be followed.
  static func read(_ text: DumpText, includes: (String) -> [DumpText]? = { _ in nil }) -> RuleFragment {
    withoutActuallyEscaping(includes) { includes in
      let reader = readCommands(text, includes)
      // What is no statement may be a half of one.
      if reader.mayBeFolded
        || reader.diagnostics.contains(where: { $0.id == "nft-syntax" || $0.id == "unknown-statement" }),
        reader.variables.isEmpty, let unfolded = FoldedNft.unfolded(text, builder: reader.builder)
      {
        return withExtendedLifetime(unfolded) { readCommands(unfolded, includes).fragment }
      }
      return reader.fragment
    }
  }

  private static func readCommands(
    _ text: DumpText, _ includes: @escaping (String) -> [DumpText]?
  ) -> NftTextReader {
    var reader = NftTextReader(text: text, tokens: NftTokens(text), includes: includes)
    reader.readManagedTables(text)
    reader.readCommands()
    reader.markChainsBehindUnreadInclude()
    return reader
  }

  private var fragment: RuleFragment {
    var (builder, diagnostics) = (builder, diagnostics)
    var tables = builder.finish(&diagnostics)
    for index in tables.indices { IptablesTranslation.hideLosses(in: &tables[index]) }
    var fragment = RuleFragment(tables: tables, diagnostics: diagnostics)
    fragment.cut = cut
    return fragment
  }

  init(text: DumpText, tokens: NftTokens, includes: @escaping (String) -> [DumpText]?) {
    self.text = text
    self.tokens = tokens
    self.includes = includes
  }

  /// The columns of the widest line of the text.
  mutating func widestLine() -> Int {
    let width = knownWidth ?? FoldWidth(text)
    knownWidth = width
    return width.widest
  }

  /// `# Warning: table ip nat is managed by iptables-nft, do not touch!`
  private mutating func readManagedTables(_ text: DumpText) {
    for line in text.lines {
      var cursor = text.cursor(line)
      guard cursor.eat("# Warning: table "), let family = cursor.eatWord(), cursor.eatBlanks() > 0,
        let name = cursor.eatWord(), let family = TableFamily(rawValue: text_(family, text))
      else { continue }
      builder.managedTables.insert(NftTableBuilder.TableKey(family: family, name: text_(name, text)))
    }
  }

  private func text_(_ range: Range<Int>, _ text: DumpText) -> String {
    String(decoding: text.bytes[range], as: UTF8.self)
  }
}

// MARK: - Pieces

extension NftTextReader {
  var kind: NftToken.Kind { tokens.current.kind }

  /// The text of the piece that is looked at.
  var word: String { tokens.text(tokens.current) }

  func fail(_ expected: String) -> SyntaxError { SyntaxError(offset: tokens.current.start, expected: expected) }

  /// Takes a piece of a kind.
  mutating func eat(_ kind: NftToken.Kind) -> Bool {
    guard tokens.current.kind == kind else { return false }
    tokens.advance()
    return true
  }

  /// Takes a word.
  mutating func eat(_ word: StaticString) -> Bool {
    guard tokens.isWord(word) else { return false }
    tokens.advance()
    return true
  }

  mutating func expect(_ kind: NftToken.Kind, _ name: String) throws(SyntaxError) {
    guard eat(kind) else { throw fail(name) }
  }

  mutating func skipNewlines() {
    while kind == .newline { tokens.advance() }
  }

  /// Takes a word or string, whatever it is.
  mutating func name(_ expected: String) throws(SyntaxError) -> String {
    if kind == .dollar {
      if case .word(let text) = try variable() { return text }
      throw fail(expected)
    }
    guard kind == .word || kind == .string else { throw fail(expected) }
    let result = word
    tokens.advance()
    return result
  }

  /// Takes a number.
  mutating func number(_ expected: String = "a number") throws(SyntaxError) -> UInt64 {
    if kind == .dollar {
      if case .number(let value) = try variable(), let small = UInt64(exactly: value) { return small }
      throw fail(expected)
    }
    if let number = tokens.plainNumber {
      tokens.advance()
      return number
    }
    guard kind == .word, let value = NftValue.integer(word), let small = UInt64(exactly: value) else {
      throw fail(expected)
    }
    tokens.advance()
    return small
  }

  /// Takes `$name` and gives what it was defined as.
  mutating func variable() throws(SyntaxError) -> NftExpression {
    try expect(.dollar, "$")
    guard kind == .word else { throw fail("the name of a variable") }
    guard let value = variables[word] else { throw fail("a variable that is defined") }
    tokens.advance()
    return value
  }

  /// Takes `$name` in the place of a value; one that nothing defines is a masked value of this name.
  mutating func variableOrMask() throws(SyntaxError) -> NftExpression {
    let start = tokens.mark
    try expect(.dollar, "$")
    guard kind == .word, variables[word] == nil else {
      tokens.back(to: start)
      return try variable()
    }
    let name = word
    tokens.advance()
    return .word("$" + name)
  }

  /// Whether a statement ends here.
  var isStatementEnd: Bool {
    switch kind {
    case .end, .newline, .semicolon, .closeBrace: true
    default: false
    }
  }

  /// Tells of an error and goes on behind the statement that it is in, with its braces, which begins at a mark.
  mutating func recover(_ error: SyntaxError, from start: NftTokens.Mark) {
    report(error)
    if carrying?.isComputed == true { carrying?.hasLostCommand = true }
    tokens.back(to: start)
    var depth = 0
    while kind != .end {
      switch kind {
      case .openBrace: depth += 1
      case .closeBrace:
        if depth == 0 { return }
        depth -= 1
      case .newline, .semicolon:
        if depth == 0 {
          tokens.advance()
          return
        }
      default: break
      }
      tokens.advance()
    }
  }

  /// As ``recover(_:from:)`` in a table: what is passed there may have been a base chain, or a rule of the chain before it.
  mutating func recover(_ error: SyntaxError, from start: NftTokens.Mark, inTable index: Int) {
    var ahead = tokens
    ahead.back(to: start)
    let offset = ahead.current.start
    var depth = 0
    var hasBlock = false
    var spansLines = false
    var isBase = false
    scan: while ahead.current.kind != .end {
      switch ahead.current.kind {
      case .openBrace:
        depth += 1
        hasBlock = true
      case .closeBrace:
        if depth == 0 { break scan }
        depth -= 1
      case .newline, .semicolon:
        if depth == 0 { break scan }
        spansLines = true
      case .word: isBase = isBase || ahead.isWord("hook") || ahead.isWord("policy")
      default: break
      }
      ahead.advance()
    }
    let span = text.span(offset..<max(offset, min(ahead.previousEnd, text.bytes.count)))
    isInLostChain = isInLostChain || !spansLines
    if isBase || (!hasBlock && builder.tables[index].chains.isEmpty) {
      builder.noteUnknownPlace(BaseChainPlace(chain: "unreadable chain", span: span), of: index)
    } else if !hasBlock {
      let last = builder.tables[index].chains.count - 1
      readPutOffRules(diagnosticsFrom: diagnostics.count)
      builder.tables[index].chains[last].addMissing(MissingRules(.unreadable, count: 1), span: span)
    }
    recover(error, from: start)
  }

  mutating func report(_ error: SyntaxError) {
    // A command that was refused is told of as a whole.
    if carrying?.refusal != nil { return }
    let offset = min(error.offset, text.bytes.count)
    let line = text.line(at: offset)
    var start = offset
    while start > 0, text.bytes[start - 1] != 0x0a { start -= 1 }
    diagnostics.append(
      Diagnostic(
        "nft-syntax", .warning, "this nft statement could not be read",
        span: SourceSpan(source: text.source, line: line, offset: offset, length: max(tokens.current.end - offset, 0)),
        column: offset - start + 1, expected: error.expected))
  }

  mutating func warn(_ id: String, _ message: String, _ range: Range<Int>) {
    diagnostics.append(Diagnostic(id, .warning, message, span: text.span(range)))
  }
}

// MARK: - Commands

extension NftTextReader {
  /// Reads commands and blocks up to the end of the text.
  mutating func readCommands() {
    while kind != .end, carrying?.refusal == nil {
      if let mark = tokens.takeMark(), !builder.tables.isEmpty { cut = cut ?? text.span(mark) }
      if kind != .word || isElision, tokens.isFirstInLine, let line = tokens.currentLine,
        OmissionMark.evidence(text.bytes, line.range) != nil
      {
        // There may have been other tables.
        cut = cut ?? text.span(line)
        tokens.skipLine()
        continue
      }
      let before = tokens.current.start
      let (diagnosed, mark) = (diagnostics.count, tokens.mark)
      do {
        try readCommand()
      } catch {
        recover(error, from: mark)
      }
      readPutOffRules(diagnosticsFrom: diagnosed)
      // A closing brace that nothing opened: what stood before it was cut off, and tables with it, of which one has lost its head.
      if kind == .closeBrace, carrying == nil {
        cut = cut ?? text.span(tokens.current.range)
        if let headless = builder.tableIndex(.inet, "") {
          builder.tables[headless].doubtfulFamilies = Set(AddressFamily.allCases)
        }
      }
      if kind == .closeBrace || (tokens.current.start == before && kind != .end && !isStatementEnd) { tokens.advance() }
    }
  }

  private mutating func readCommand() throws(SyntaxError) {
    guard kind == .word else {
      if isStatementEnd || kind == .handle {
        tokens.advance()
        return
      }
      throw fail("a command or a table")
    }
    if eat("sudo") || eat("nft") { return }
    switch word {
    case "table":
      tokens.advance()
      try readTable()
    case "add", "create": try readAdd(atFront: false)
    case "insert": try readAdd(atFront: true)
    case _ where carrying != nil && Self.changes.contains(word): try carryOutChange()
    case "delete", "destroy":
      tokens.advance()
      try readDelete()
    case "flush":
      tokens.advance()
      try readFlush()
    case "define", "redefine": try readDefine()
    case "undefine":
      tokens.advance()
      variables[try name("the name of a variable")] = nil
    case "include":
      tokens.advance()
      try readInclude()
    case "rename":
      tokens.advance()
      try readRename()
    case "replace":
      tokens.advance()
      try readReplace()
    case "list", "reset", "describe", "monitor", "get":
      while !isStatementEnd { tokens.advance() }
    case "rule", "chain", "set", "map", "element", "counter", "quota", "limit", "ct", "flowtable", "secmark",
      "synproxy":
      try readAdd(atFront: false, withVerb: false)
    default: throw fail("a command or a table")
    }
  }

  /// The commands that take away or replace what is there.
  private static let changes: Set<String> = ["delete", "destroy", "flush", "rename", "replace"]

  /// `define NAME = VALUE`
  mutating func readDefine() throws(SyntaxError) {
    tokens.advance()
    let name = try name("the name of a variable")
    try expect(.assign, "=")
    skipNewlines()
    variables[name] = try rightSide(allowList: false)
  }

  private mutating func readInclude() throws(SyntaxError) {
    let start = tokens.current
    guard kind == .string else { throw fail("a file name in quotation marks") }
    let path = word
    tokens.advance()
    guard includeDepth < Self.maximumIncludeDepth else {
      warn("include-too-deep", "includes are nested more than \(Self.maximumIncludeDepth) deep", start.range)
      return
    }
    guard let texts = includes(path) else {
      warn(
        "include-not-read", "the included file \(path) is not read: it may add tables, chains and rules", start.range)
      noteUnreadInclude(text.span(start.range))
      return
    }
    let outer = (text, tokens)
    includeDepth += 1
    for included in texts where includeCount < Self.maximumIncludes {
      includeCount += 1
      text = included
      tokens = NftTokens(included)
      readCommands()
    }
    includeDepth -= 1
    (text, tokens) = outer
  }

  /// Notes that a file is not read: it may have added rules to the chains that are there, and others.
  private mutating func noteUnreadInclude(_ span: SourceSpan) {
    cut = cut ?? span
    for table in builder.tables.indices {
      for chain in builder.tables[table].chains.indices {
        builder.tables[table].chains[chain].addMissing(MissingRules(.notShown), span: span)
      }
    }
    guard unreadInclude == nil else { return }
    let known = builder.tables.map { table in
      (NftTableBuilder.TableKey(family: table.family, name: table.name), Set(table.chains.map(\.name)))
    }
    unreadInclude = (span, Dictionary(known, uniquingKeysWith: { first, _ in first }))
  }

  /// The chains that stand behind a file that is not read: it may have begun them.
  private mutating func markChainsBehindUnreadInclude() {
    guard let (span, known) = unreadInclude else { return }
    for table in builder.tables.indices {
      let key = NftTableBuilder.TableKey(family: builder.tables[table].family, name: builder.tables[table].name)
      for chain in builder.tables[table].chains.indices
      where known[key]?.contains(builder.tables[table].chains[chain].name) != true {
        builder.tables[table].chains[chain].addMissing(MissingRules(.notShown), atFrontBefore: span)
      }
    }
  }

  /// The family and name of a table; without a family, ip is meant.
  mutating func tableName() throws(SyntaxError) -> (TableFamily, String) {
    if kind == .word, let family = TableFamily(rawValue: word) {
      tokens.advance()
      return (family, try name("the name of a table"))
    }
    return (.ip, try name("the name of a table"))
  }

  /// The index of the table that a command names. A file may leave the table out that it is loaded into; on a host the table must be there.
  mutating func tableForCommand() throws(SyntaxError) -> Int {
    let (family, table) = try tableName()
    if carrying != nil { return try carriedTable(family, table) }
    return builder.table(family, table)
  }

  private mutating func readAdd(atFront: Bool, withVerb: Bool = true) throws(SyntaxError) {
    let isNew = tokens.isWord("create")
    if withVerb { tokens.advance() }
    switch word {
    case "table":
      tokens.advance()
      if isNew { try refuseKnownTable() }
      try readTable()
    case "chain":
      tokens.advance()
      if !withVerb, isFollowedByBrace {
        // A chain that was copied without its table.
        let index = builder.table(.inet, "")
        builder.tables[index].shown = .part
        builder.tables[index].span = builder.tables[index].span ?? text.span(tokens.current.range)
        try readChain(index, start: tokens.current.start)
        return
      }
      let index = try tableForCommand()
      if carrying != nil { return try carryOutChain(index, isNew: isNew) }
      try readChain(index, start: tokens.current.start)
    case "set", "map":
      let isMap = tokens.isWord("map")
      tokens.advance()
      let index = try tableForCommand()
      try readSet(index, isMap: isMap, start: tokens.current.start)
      carrying?.takeHandle(of: index)
    case "element":
      tokens.advance()
      try readElementCommand()
    case "rule":
      tokens.advance()
      try readRuleCommand(atFront: atFront)
    case "counter", "quota", "limit", "secmark", "synproxy", "flowtable":
      let kind = word
      tokens.advance()
      try readObject(kind, try tableForCommand())
    case "ct":
      tokens.advance()
      let kind = "ct " + (try name("helper, timeout or expectation"))
      try readObject(kind, try tableForCommand())
    default:
      // `add ip filter input tcp dport 22 accept`: a rule, as the command's shortest form.
      try readRuleCommand(atFront: atFront)
    }
  }

  /// Whether a brace stands behind the piece that is looked at.
  private var isFollowedByBrace: Bool {
    var ahead = tokens
    ahead.advance()
    return ahead.current.kind == .openBrace
  }

  private mutating func readElementCommand() throws(SyntaxError) {
    let index = try tableForCommand()
    let name = try name("the name of a set")
    if carrying != nil { return try carryOutElements(of: name, index, isDeleted: false) }
    let types = builder.lowerings[index].sets[name]
    let place = builder.tables[index].sets.firstIndex { $0.name == name }
    // Until they are read, the set's elements are not known.
    let wasKnown = place.map { builder.tables[index].sets[$0].elementsKnown } ?? true
    if let place { builder.tables[index].sets[place].elementsKnown = false }
    let elements = try readElements(index, key: types?.key ?? [NftPart(.invalid)], data: types?.data)
    guard let set = place else {
      warn("unknown-set", "the set \(name) is not declared", tokens.current.range)
      return
    }
    builder.tables[index].sets[set].elements.append(contentsOf: elements)
    builder.tables[index].sets[set].elementsKnown = wasKnown
  }

  private mutating func readRuleCommand(atFront: Bool) throws(SyntaxError) {
    let index = try tableForCommand()
    let chain = try name("the name of a chain")
    if carrying != nil { return try carryOutRule(in: chain, index, atFront: atFront) }
    var position: Int?
    if tokens.isWord("index") || tokens.isWord("handle") || tokens.isWord("position") {
      let byHandle = !tokens.isWord("index")
      tokens.advance()
      let number = try number()
      let rules = builder.chainIndex(chain, in: index).map { builder.tables[index].chains[$0].rules } ?? []
      let found = byHandle ? rules.firstIndex { $0.handle == number } : Int(exactly: number)
      position = found.map { atFront ? $0 : $0 + 1 }
    } else if atFront {
      position = 0
    }
    let rule = readRule(index)
    builder.add(rule, to: chain, of: index, at: position)
  }

  /// `rename chain FAMILY TABLE CHAIN NEW`
  private mutating func readRename() throws(SyntaxError) {
    guard eat("chain") else { throw fail("chain") }
    let (family, table) = try tableName()
    let chain = try name("the name of a chain")
    let new = try name("the new name of the chain")
    guard let index = builder.tableIndex(family, table) else { return }
    builder.renameChain(chain, to: new, of: index)
  }

  /// `replace rule FAMILY TABLE CHAIN handle N RULE`
  private mutating func readReplace() throws(SyntaxError) {
    guard eat("rule") else { throw fail("rule") }
    let (family, table) = try tableName()
    let index = builder.table(family, table)
    let chain = try name("the name of a chain")
    guard eat("handle") else { throw fail("handle") }
    let handle = try number()
    let start = tokens.current.start
    var rule = readRule(index)
    let place = builder.chain(chain, of: index)
    if let old = builder.tables[index].chains[place].rules.firstIndex(where: { $0.handle == handle }) {
      rule.handle = handle
      builder.tables[index].chains[place].rules[old] = rule
    } else {
      let span = text.span(start..<max(start, tokens.previousEnd))
      warn(
        "unknown-handle", "no rule has handle \(handle) here: which one this replaces is unknown",
        start..<start)
      builder.tables[index].chains[place].rules.insert(Rule(missing: MissingRules(.unreadable), span: span), at: 0)
      builder.tables[index].chains[place].shown = .part
    }
  }

  private mutating func readDelete() throws(SyntaxError) {
    let kind = try name("what to delete")
    let (family, table) = try tableName()
    defer { while !isStatementEnd { tokens.advance() } }
    guard let index = builder.tableIndex(family, table) else { return }
    switch kind {
    case "table": builder.remove(index)
    case "chain":
      let chain = try name("the name of a chain")
      if let chain = builder.chainIndex(chain, in: index) { builder.removeChain(chain, of: index) }
    case "set", "map":
      let set = try name("the name of a set")
      builder.tables[index].sets.removeAll { $0.name == set }
    case "rule":
      let chain = try name("the name of a chain")
      guard eat("handle") else { throw fail("handle") }
      let handle = try number()
      if let chain = builder.chainIndex(chain, in: index) {
        builder.tables[index].chains[chain].rules.removeAll { $0.handle == handle }
      }
    case "element":
      // What is left of the set is not worked out.
      let set = try name("the name of a set")
      for at in builder.tables[index].sets.indices where builder.tables[index].sets[at].name == set {
        builder.tables[index].sets[at].elements = []
        builder.tables[index].sets[at].elementsKnown = false
      }
    default: warn("nft-command-ignored", "this command is not applied", tokens.current.range)
    }
  }

  private mutating func readFlush() throws(SyntaxError) {
    let kind = try name("what to flush")
    if kind == "ruleset" {
      let family = self.kind == .word ? TableFamily(rawValue: word) : nil
      if family != nil { tokens.advance() }
      for index in builder.tables.indices.reversed() where family == nil || builder.tables[index].family == family {
        builder.remove(index)
      }
      return
    }
    let (family, table) = try tableName()
    guard let index = builder.tableIndex(family, table) else {
      while !isStatementEnd { tokens.advance() }
      return
    }
    switch kind {
    case "table":
      for chain in builder.tables[index].chains.indices { builder.tables[index].chains[chain].rules = [] }
    case "chain":
      let chain = try name("the name of a chain")
      if let chain = builder.chainIndex(chain, in: index) { builder.tables[index].chains[chain].rules = [] }
    case "set", "map":
      let set = try name("the name of a set")
      for at in builder.tables[index].sets.indices where builder.tables[index].sets[at].name == set {
        builder.tables[index].sets[at].elements = []
      }
    default: while !isStatementEnd { tokens.advance() }
    }
  }
}

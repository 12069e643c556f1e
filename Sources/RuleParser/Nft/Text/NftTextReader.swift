import RuleGraph

/// Reads nft's own text: what `nft list ruleset` prints and the rule files that people write (nft(8), "INPUT FILE
/// FORMATS").
///
/// A statement that can't be read is kept as opaque text with a diagnostic that names line, column and what was
/// expected; reading goes on at the next one. `include` is answered by the caller, who alone knows which files may be
/// read.
struct NftTextReader {
  var text: DumpText {
    didSet { knownWidth = nil }
  }
  var tokens: NftTokens
  var builder = NftTableBuilder()
  var diagnostics: [Diagnostic] = []
  /// The values of `define`, and how large each is with those that it is made of.
  var variables: [String: NftExpression] = [:]
  var variableSizes: [String: Int] = [:]
  /// How much has been put in the place of variables: those that hold one another twice double with each.
  var expansion = 0
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
  /// The state of a host on which commands are carried out; nil for a listing or a rule file, of which parts may be
  /// missing.
  var carrying: NftCarrying?
  /// Where the text ends inside of a block, or leaves tables out.
  var cut: SourceSpan?
  /// Whether lines stand there as in a text that was folded.
  var mayBeFolded = false
  /// How far the first statement of the open chain stands from the beginning of its line.
  var chainIndentation: Int?
  /// Whether statements stood in the open table that are in no chain: the head of theirs was lost, and the next brace
  /// is its end.
  var isInLostChain = false
  /// Whether the policy of the open chain was read.
  var hasPolicy = false
  let includes: (String) -> [DumpText]?
  var knownWidth: FoldWidth?
  var includeDepth = 0
  var includeCount = 0
  /// The first file that could not be included, and the chains that were there before.
  var unreadInclude: (span: SourceSpan, chains: [NftTableBuilder.TableKey: Set<String>])?

  /// Where and why the text does not fit.
  struct SyntaxError: Error {
    var offset: Int
    var expected: String
  }

  /// Files may include files this deep (`MAX_INCLUDE_DEPTH` of nft), and not more of them than this.
  static let maximumIncludeDepth = 16
  static let maximumIncludes = 1000

  /// How many values may stand in the places of variables, all together.
  static let maximumExpansion = 1_000_000

  /// Reads the tables of a dump or file.
  ///
  /// `includes` gives the texts for the argument of an `include`, in order, or nil when it may not or can't be
  /// followed.
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

  static func readCommands(
    _ text: DumpText, _ includes: @escaping (String) -> [DumpText]?
  ) -> NftTextReader {
    var reader = NftTextReader(text: text, tokens: NftTokens(text), includes: includes)
    reader.readManagedTables(text)
    reader.readCommands()
    reader.markChainsBehindUnreadInclude()
    return reader
  }

  var fragment: RuleFragment {
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
  mutating func readManagedTables(_ text: DumpText) {
    for line in text.lines {
      var cursor = text.cursor(line)
      guard cursor.eat("# Warning: table "), let family = cursor.eatWord(), cursor.eatBlanks() > 0,
        let name = cursor.eatWord(), let family = TableFamily(rawValue: text_(family, text))
      else { continue }
      builder.managedTables.insert(NftTableBuilder.TableKey(family: family, name: text_(name, text)))
    }
  }

  func text_(_ range: Range<Int>, _ text: DumpText) -> String {
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
    let size = variableSizes[word] ?? 1
    guard expansion + size <= Self.maximumExpansion else { throw fail("fewer values in variables") }
    expansion += size
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

  /// As ``recover(_:from:)`` in a table: what is passed there may have been a base chain, or a rule of the chain before
  /// it.
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
    while start > 0, text.bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
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

import RuleGraph
import RuleText

/// Tables, chains, sets and objects of nft's text (nft(8), "TABLES" to "STATEFUL OBJECTS").
extension NftTextReader {
  /// Reads a table behind the word `table`.
  mutating func readTable() throws(SyntaxError) {
    let start = tokens.current.start
    guard !endsTextInTableHead(from: start) else { return }
    let (family, name) = try tableName()
    let index = builder.table(family, name)
    guard kind == .openBrace else { return }
    builder.noteShown(index)
    if builder.tables[index].span == nil {
      builder.tables[index].span = text.span(start..<tokens.previousEnd)
    }
    declaredInBlock = []
    isInLostChain = false
    let isClosed = try readBlock(.table(index)) { reader throws(SyntaxError) in
      let mark = reader.tokens.mark
      do throws(SyntaxError) {
        try reader.readTableItem(index)
      } catch {
        reader.recover(error, from: mark, inTable: index)
      }
    }
    // Where another table begins people left the braces out; where the text ends, chains may be missing.
    if !isClosed, kind == .end { builder.tables[index].shown = .part }
    if carrying != nil { carryOutBlock(index) }
  }

  /// Whether the text ends behind the name of the table that stands here, or in it: its chains, and other tables, are
  /// missing.
  mutating func endsTextInTableHead(from start: Int) -> Bool {
    guard carrying == nil else { return false }
    var ahead = tokens
    while ahead.current.kind == .word || ahead.current.kind == .string { ahead.advance() }
    let end = ahead.previousEnd
    while ahead.current.kind == .newline { ahead.advance() }
    guard ahead.current.kind == .end else { return false }
    tokens = ahead
    cut = cut ?? text.span(start..<max(start, end))
    report(fail("{"))
    return true
  }

  /// Whether a line is one of nft's words, and not of signs that stand for lines that were left out.
  func beginsWithLetter(_ line: DumpLine) -> Bool {
    let place = tokens.current.start
    return kind == .word && place < line.end && text.bytes[place] | 0x20 >= UInt8(ascii: "a")
      && text.bytes[place] | 0x20 <= UInt8(ascii: "z")
  }

  /// What a block is of.
  enum Block {
    case table(Int)
    case chain(Int, String)
    case other
  }

  /// Reads `{ … }`: one item after the other, each with its own recovery. False where nothing closes the block: the
  /// text ends in it, or goes on with another table or chain.
  @discardableResult
  mutating func readBlock(
    _ block: Block, _ item: (inout NftTextReader) throws(SyntaxError) -> Void
  ) throws(SyntaxError) -> Bool {
    try expect(.openBrace, "{")
    // The lines that were left out right before what is looked at.
    var gap: SourceSpan?
    while true {
      if let mark = tokens.takeMark() {
        gap = text.span(mark)
        leaveOut(.elided, text.span(mark), block)
      }
      switch kind {
      case .newline, .semicolon: tokens.advance()
      case .closeBrace:
        tokens.advance()
        if case .table = block, isInLostChain, isBeforeItem {
          isInLostChain = false
          continue
        }
        return true
      case .end:
        if cut == nil { report(fail("}")) }
        cut = cut ?? text.span(tokens.previousEnd..<tokens.previousEnd)
        return false
      case .word where tokens.isFirstInLine && beginsOtherBlock(block):
        if let gap { leaveOutBlocks(at: gap, block) } else { report(fail("}")) }
        return false
      case .dot, .openBracket, .openParenthesis, .less, .dash, .star, .assign, .unknown, .slash, .word, .dollar,
        .hidden:
        if tokens.isFirstInLine, let line = tokens.currentLine {
          if line.form == .unreadable {
            leaveOut(.unreadable, text.span(line), block)
            tokens.skipLine()
            continue
          }
          if !beginsWithLetter(line), let evidence = OmissionMark.evidence(text.bytes, line.range) {
            leaveOut(evidence, text.span(line), block)
            gap = text.span(line)
            tokens.skipLine()
            continue
          }
        }
        fallthrough
      default:
        gap = nil
        let (before, mark) = (tokens.current.start, tokens.mark)
        do {
          try item(&self)
        } catch {
          recover(error, from: mark)
        }
        if tokens.current.start == before, kind != .closeBrace, kind != .end { tokens.advance() }
      }
    }
  }

  /// Whether another item of a table, or the end of one, comes next, and no other table.
  var isBeforeItem: Bool {
    var ahead = tokens
    while ahead.current.kind == .newline || ahead.current.kind == .semicolon { ahead.advance() }
    return ahead.current.kind == .closeBrace
      || ahead.current.kind == .word
        && ["chain", "set", "map", "flowtable", "counter"].contains(ahead.text(ahead.current))
  }

  /// Whether the head of another table, or in a chain of another chain or a set, stands here, so that nothing has
  /// closed the block.
  func beginsOtherBlock(_ block: Block) -> Bool {
    if tokens.isWord("table") {
      var ahead = tokens
      ahead.advance()
      guard ahead.current.kind == .word, TableFamily(rawValue: ahead.text(ahead.current)) != nil else { return false }
      ahead.advance()
      ahead.advance()
      return ahead.current.kind == .openBrace
    }
    guard tokens.isWord("chain") || tokens.isWord("set") || tokens.isWord("map") else { return false }
    if case .table = block { return false }
    var ahead = tokens
    ahead.advance()
    ahead.advance()
    return ahead.current.kind == .openBrace
  }

  /// Notes that lines are missing here.
  mutating func leaveOut(_ evidence: MissingRules.Evidence, _ span: SourceSpan, _ block: Block) {
    switch block {
    case .table(let index):
      builder.tables[index].shown = .part
      builder.noteUnknownPlace(BaseChainPlace(chain: "chain left out", span: span, evidence: evidence), of: index)
    case .chain(let index, let name):
      addMissing(MissingRules(evidence, count: evidence == .unreadable ? 1 : nil), span, to: name, of: index)
      // Nothing tells that the lines were of this chain alone.
      if evidence == .elided { leaveOutBlocks(at: span, block) }
    case .other: cut = cut ?? span
    }
  }

  /// Notes that the brace that closes a chain is among the lines that were left out, and with it other chains of its
  /// table, and maybe other tables.
  mutating func leaveOutBlocks(at gap: SourceSpan, _ block: Block) {
    if case .chain(let index, _) = block { leaveOut(.elided, gap, .table(index)) }
    cut = cut ?? gap
  }

  mutating func addMissing(_ missing: MissingRules, _ span: SourceSpan, to name: String, of index: Int) {
    builder.add(Rule(missing: missing, span: span), to: name, of: index)
    guard let chain = builder.chainID(name, in: index) else { return }
    if builder[chain].shown == .whole { builder[chain].shown = .part }
  }

  /// Takes the `# handle` that stands behind a brace.
  mutating func eatHandle() -> UInt64? {
    guard kind == .handle else { return nil }
    let handle = UInt64(word)
    tokens.advance()
    return handle
  }

  mutating func readTableItem(_ index: Int) throws(SyntaxError) {
    if let handle = eatHandle() {
      builder.tables[index].handle = handle
      return
    }
    guard kind == .word else { throw fail("a chain, a set or an object") }
    switch word {
    case "chain":
      isInLostChain = false
      tokens.advance()
      try readChain(index, start: tokens.previousEnd)
    case "set", "map":
      let isMap = tokens.isWord("map")
      tokens.advance()
      try readSet(index, isMap: isMap, start: tokens.previousEnd)
    case "flags":
      tokens.advance()
      builder.tables[index].flags = try nameList()
    case "comment":
      tokens.advance()
      builder.tables[index].comment = try name("a comment")
    case "counter", "quota", "limit", "secmark", "synproxy", "flowtable", "tunnel":
      let kind = word
      tokens.advance()
      try readObject(kind, index)
    case "ct":
      tokens.advance()
      try readObject("ct " + (try name("helper, timeout or expectation")), index)
    case "define", "redefine": try readDefine()
    case "add", "create", "insert", "delete": throw fail("a chain, a set or an object")
    default: throw fail("a chain, a set or an object")
    }
  }

  /// `a, b` or `a,b`.
  mutating func nameList() throws(SyntaxError) -> [String] {
    var names = [try name("a word")]
    while eat(.comma) {
      skipNewlines()
      names.append(try name("a word"))
    }
    return names
  }

  // MARK: - Chains

  /// Reads a chain behind the word `chain`, or behind the table of an `add chain`.
  mutating func readChain(_ index: Int, start: Int) throws(SyntaxError) {
    let nameStart = tokens.current.start
    var chain = Chain(try name("the name of a chain"))
    chain.span = text.span(nameStart..<tokens.previousEnd)
    let chainName = chain.name
    let isSecond = !declaredInBlock.insert(chainName).inserted
    let before = builder.chainID(chainName, in: index).flatMap { builder[$0].base?.policy }
    builder.add(chain, to: index)
    builder.noteDeclared(chainName, of: index)
    guard kind == .openBrace else { return }
    let outer = writtenPolicy
    writtenPolicy = nil
    defer { writtenPolicy = outer }
    chainIndentation = nil
    hasPolicy = false
    let isClosed = try readBlock(.chain(index, chainName)) { reader throws(SyntaxError) in
      try reader.readChainItem(index, chainName)
    }
    settlePolicy(of: chainName, index, before: isSecond ? before : nil)
    guard !isClosed else { return }
    // The policy stands in the line of the hook.
    if !hasPolicy { forgetPolicy(of: chainName, in: index) }
    addMissing(MissingRules(.cut), text.span(tokens.previousEnd..<tokens.previousEnd), to: chainName, of: index)
    if kind == .end { builder.tables[index].shown = .part }
  }

  mutating func forgetPolicy(of name: String, in index: Int) {
    guard let chain = builder.chainID(name, in: index) else { return }
    builder[chain].base?.policy = nil
  }

  mutating func readChainItem(_ index: Int, _ name: String) throws(SyntaxError) {
    guard let chain = builder.chainID(name, in: index) else { throw fail("}") }
    if let handle = eatHandle() {
      builder[chain].handle = handle
      return
    }
    let isFirst = tokens.isFirstInLine
    if isFirst { passNumber() }
    if isFirst {
      let indentation = tokens.indentation
      if indentation < chainIndentation ?? 1 { mayBeFolded = true }
      chainIndentation = chainIndentation ?? indentation
    }
    if tokens.isWord("type") || tokens.isWord("hook") || tokens.isWord("priority") {
      readHook(index, name)
    } else if tokens.isWord("policy") {
      readPolicy(index, name)
      hasPolicy = true
    } else if tokens.isWord("flags") {
      tokens.advance()
      _ = try nameList()
    } else if tokens.isWord("devices") || tokens.isWord("device") {
      let devices = try self.devices()
      builder[chain].base?.devices = devices
    } else if tokens.isWord("comment") {
      tokens.advance()
      builder[chain].comment = try self.name("a comment")
    } else if tokens.isWord("define") || tokens.isWord("redefine") {
      try readDefine()
    } else if !putOffRule(of: chain) {
      let rule = readRule(index)
      builder.add(rule, to: name, of: index)
    }
  }

  /// Passes the number that someone put before a rule: `2.`, `2)`, `2:`. Nothing in a chain begins with one.
  mutating func passNumber() {
    guard tokens.plainNumber != nil else { return }
    let number = tokens.mark
    let end = tokens.current.end
    tokens.advance()
    switch kind {
    case .dot, .closeParenthesis, .colon: if tokens.current.start == end { return tokens.advance() }
    default: break
    }
    tokens.back(to: number)
  }

  mutating func priority(_ hook: Hook, _ family: TableFamily) throws(SyntaxError) -> Int32 {
    var total: Int64 = 0
    if kind == .dollar {
      switch try variable() {
      case .number(let number): total = Int64(clamping: number)
      case .word(let word):
        guard let value = NftPriority.value(word, hook: hook, family: family) ?? Int32(word) else {
          throw fail("a priority")
        }
        total = Int64(value)
      default: throw fail("a priority")
      }
    } else if kind == .word, let value = NftPriority.value(word, hook: hook, family: family) {
      tokens.advance()
      total = Int64(value)
    } else if kind == .word, NftValue.integer(word) == nil {
      throw fail("a priority")
    } else if kind == .word {
      total = Int64(clamping: try number())
    }
    while kind == .plus || kind == .dash {
      let negative = kind == .dash
      tokens.advance()
      let step = Int64(clamping: try number())
      total = negative ? total.subtractingReportingOverflow(step).0 : total.addingReportingOverflow(step).0
    }
    return Int32(clamping: total)
  }

  /// `device "lo"`, `devices = { eth0, eth1 }`, `devices = $name`. None where one of them is masked: then the chain may
  /// be for any.
  mutating func devices() throws(SyntaxError) -> [String] {
    let start = tokens.current.start
    let names = try deviceNames()
    guard names.contains(where: { NftMasks.isMaskedName($0) }) else { return names }
    let masked = names.filter { NftMasks.isMaskedName($0) }.map {
      MaskedValue($0, within: MaskedText.Kind.interface.all)
    }
    report(masked: masked, in: start..<max(start, tokens.previousEnd))
    return []
  }

  mutating func deviceNames() throws(SyntaxError) -> [String] {
    tokens.advance()
    _ = eat(.assign)
    if kind == .dollar { return Self.words(try variable()) }
    guard eat(.openBrace) else { return [try name("a device")] }
    var names: [String] = []
    while true {
      skipNewlines()
      if eat(.closeBrace) { return names }
      if kind == .dollar {
        names.append(contentsOf: Self.words(try variable()))
      } else {
        names.append(try name("a device"))
      }
      skipNewlines()
      if !eat(.comma), kind != .closeBrace { throw fail(", or }") }
    }
  }

  static func words(_ expression: NftExpression) -> [String] {
    switch expression {
    case .word(let word): [word]
    case .set(let elements): elements.flatMap { words($0.key) }
    default: []
    }
  }
}

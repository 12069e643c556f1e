import RuleGraph
import RuleText

extension NftTextReader {
  /// Reads commands and blocks up to the end of the text.
  mutating func readCommands() {
    while kind != .end, carrying?.refusal == nil {
      if let mark = tokens.takeMark(), !builder.tables.isEmpty { cut = cut ?? text.span(mark) }
      if tokens.isFirstInLine, let line = tokens.currentLine, isElision || !beginsWithLetter(line),
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
      // A closing brace that nothing opened: what stood before it was cut off, and tables with it, of which one has
      // lost its head.
      if kind == .closeBrace, carrying == nil {
        cut = cut ?? text.span(tokens.current.range)
        if let headless = builder.tableIndex(.inet, "") {
          builder.tables[headless].doubtfulFamilies = Set(AddressFamily.allCases)
        }
      }
      if kind == .closeBrace || (tokens.current.start == before && kind != .end && !isStatementEnd) { tokens.advance() }
    }
  }

  mutating func readCommand() throws(SyntaxError) {
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
  static let changes: Set<String> = ["delete", "destroy", "flush", "rename", "replace"]

  /// `define NAME = VALUE`
  mutating func readDefine() throws(SyntaxError) {
    tokens.advance()
    let name = try name("the name of a variable")
    try expect(.assign, "=")
    skipNewlines()
    let (start, before) = (tokens.current.start, expansion)
    variables[name] = try rightSide(allowList: false)
    // No value is shorter than two bytes with what parts it from the next.
    variableSizes[name] = (tokens.previousEnd - start) / 2 + 1 + expansion - before
  }

  mutating func readInclude() throws(SyntaxError) {
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
  mutating func noteUnreadInclude(_ span: SourceSpan) {
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
  mutating func markChainsBehindUnreadInclude() {
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

  /// The index of the table that a command names. A file may leave the table out that it is loaded into; on a host the
  /// table must be there.
  mutating func tableForCommand() throws(SyntaxError) -> Int {
    let (family, table) = try tableName()
    if carrying != nil { return try carriedTable(family, table) }
    return builder.table(family, table)
  }

  mutating func readAdd(atFront: Bool, withVerb: Bool = true) throws(SyntaxError) {
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
  var isFollowedByBrace: Bool {
    var ahead = tokens
    ahead.advance()
    return ahead.current.kind == .openBrace
  }

  mutating func readElementCommand() throws(SyntaxError) {
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

  mutating func readRuleCommand(atFront: Bool) throws(SyntaxError) {
    let index = try tableForCommand()
    let chain = try name("the name of a chain")
    if carrying != nil { return try carryOutRule(in: chain, index, atFront: atFront) }
    var position: Int?
    if tokens.isWord("index") || tokens.isWord("handle") || tokens.isWord("position") {
      let byHandle = !tokens.isWord("index")
      tokens.advance()
      let number = try number()
      let rules = builder.chainID(chain, in: index).map { builder[$0].rules } ?? []
      let found = byHandle ? rules.firstIndex { $0.handle == number } : Int(exactly: number)
      position = found.map { atFront ? $0 : $0 + 1 }
    } else if atFront {
      position = 0
    }
    let rule = readRule(index)
    builder.add(rule, to: chain, of: index, at: position)
  }

  /// `rename chain FAMILY TABLE CHAIN NEW`
  mutating func readRename() throws(SyntaxError) {
    guard eat("chain") else { throw fail("chain") }
    let (family, table) = try tableName()
    let chain = try name("the name of a chain")
    let new = try name("the new name of the chain")
    guard let index = builder.tableIndex(family, table) else { return }
    builder.renameChain(chain, to: new, of: index)
  }

  /// `replace rule FAMILY TABLE CHAIN handle N RULE`
  mutating func readReplace() throws(SyntaxError) {
    guard eat("rule") else { throw fail("rule") }
    let (family, table) = try tableName()
    let index = builder.table(family, table)
    let chain = try name("the name of a chain")
    guard eat("handle") else { throw fail("handle") }
    let handle = try number()
    let start = tokens.current.start
    var rule = readRule(index)
    let place = builder.chain(chain, of: index)
    if let old = builder[place].rules.firstIndex(where: { $0.handle == handle }) {
      rule.handle = handle
      builder[place].rules[old] = rule
    } else {
      let span = text.span(start..<max(start, tokens.previousEnd))
      warn(
        "unknown-handle", "no rule has handle \(handle) here: which one this replaces is unknown",
        start..<start)
      builder[place].rules.insert(Rule(missing: MissingRules(.unreadable), span: span), at: 0)
      builder[place].shown = .part
    }
  }

  mutating func readDelete() throws(SyntaxError) {
    let kind = try name("what to delete")
    let (family, table) = try tableName()
    defer { while !isStatementEnd { tokens.advance() } }
    guard let index = builder.tableIndex(family, table) else { return }
    switch kind {
    case "table": builder.remove(index)
    case "chain":
      let chain = try name("the name of a chain")
      if let chain = builder.chainID(chain, in: index) { builder.remove(chain) }
    case "set", "map":
      let set = try name("the name of a set")
      builder.tables[index].sets.removeAll { $0.name == set }
    case "rule":
      let chain = try name("the name of a chain")
      guard eat("handle") else { throw fail("handle") }
      let handle = try number()
      if let chain = builder.chainID(chain, in: index) {
        builder[chain].rules.removeAll { $0.handle == handle }
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

  mutating func readFlush() throws(SyntaxError) {
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
      if let chain = builder.chainID(chain, in: index) { builder[chain].rules = [] }
    case "set", "map":
      let set = try name("the name of a set")
      for at in builder.tables[index].sets.indices where builder.tables[index].sets[at].name == set {
        builder.tables[index].sets[at].elements = []
      }
    default: while !isStatementEnd { tokens.advance() }
    }
  }
}

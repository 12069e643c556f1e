import RuleGraph

extension SaveReading {
  /// `-A CHAIN ...` with or without a counter before it, `-P CHAIN POLICY`, `-N CHAIN`; an `iptables` before it is
  /// passed over. Gives the index behind it.
  mutating func readCommand(_ cursor: inout ByteCursor, _ dumpLine: DumpLine, at index: Int) -> Int {
    var counter = Self.eatCounter(&cursor)
    if counter == nil, cursor.peek == UInt8(ascii: "["),
      let end = text.bytes.place(of: UInt8(ascii: "]"), in: cursor.at..<cursor.end)
    {
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

  /// Whether a line that is no heading stands right behind a rule or a chain's head, with others behind it: what it
  /// says is in the place of rules.
  func isAmongRules(_ index: Int) -> Bool {
    guard index > 0, hasTable, hasRule(behind: index) else { return false }
    let line = text.lines[index]
    return OutputStart.isSaveLine(text.cursor(text.lines[index - 1])) && text.bytes[line.end - 1] != UInt8(ascii: ":")
  }

  /// Reads a rule behind its `-A`; gives the index behind its last line.
  mutating func readRule(
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
  func isGlued(_ name: Range<Int>) -> Bool {
    guard name.count > 2, text.bytes[name.upperBound - 2] == UInt8(ascii: "-") else { return false }
    let label = text.bytes.text(name)
    return chains.contains { $0.name == label.dropLast(2) } && !chains.contains { $0.name == label }
  }

  /// Whether the open table has no such built-in chain, or can't translate as the rule does (iptables-extensions(8):
  /// only nat's chains can).
  func isOfOtherTable(_ name: Range<Int>, _ cursor: ByteCursor) -> Bool {
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

  /// Whether the name of a chain begins with a quotation mark that it has not, so that the rule may be of the chain
  /// with the rest of the name.
  func beginsWithQuote(_ name: Range<Int>) -> Bool {
    let first = text.bytes[name.lowerBound]
    guard name.count > 1, first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") else { return false }
    let label = text.bytes.text(name)
    return !chains.contains { $0.name == label }
  }

  /// The index of the line that ends the quotation mark that a line leaves open; nil when none does, or one that seems
  /// to begin a rule.
  func lineThatEndsQuote(from index: Int) -> Int? {
    for next in text.lines.indices[(index + 1)...].prefix(20) {
      let line = text.lines[next]
      var marks = 0
      var at = line.start
      while at < line.end {
        if text.bytes[at] == UInt8(ascii: "\\") { at += 1 } else if text.bytes[at] == UInt8(ascii: "\"") { marks += 1 }
        at += 1
      }
      if marks == 0 { continue }
      return marks % 2 == 1 && line.form == .other ? next : nil
    }
    return nil
  }

  /// `INPUT DROP` behind `-P`, perhaps with `-c 12 3456`.
  mutating func readPolicy(_ cursor: inout ByteCursor, _ dumpLine: DumpLine) {
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
    } else if !cursor.isAtEnd, cursor.peek != UInt8(ascii: "\r"),
      !Remark.begins(text.bytes, at: cursor.at, to: cursor.end)
    {
      policy = nil
    }
    setPolicy(policy, of: index, isFirst: index >= known, dumpLine, at: place)
  }

  /// Notes that a rule of a chain comes next: what could not be placed before it belongs to that chain or to one
  /// before.
  mutating func noteRule(of index: Int, _ span: SourceSpan) {
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
  static func looksLikeRule(_ line: ByteCursor) -> Bool {
    var cursor = line
    cursor.eatBlanks()
    if cursor.peek == UInt8(ascii: "-") || cursor.peek == UInt8(ascii: "[") { return true }
    while let word = cursor.eatWord() {
      if cursor.range(word, equals: "-j") || cursor.range(word, equals: "-g") { return true }
      cursor.eatBlanks()
    }
    return false
  }
}

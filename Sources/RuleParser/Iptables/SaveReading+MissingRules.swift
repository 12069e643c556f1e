import RuleGraph

extension SaveReading {
  /// Goes on with a rule of a chain.
  mutating func follow(_ chain: Int) {
    if lost != nil { settle(before: chain) }
    lastRule = chain
  }

  /// Notes that lines are missing behind the last rule: of its chain, and, as nobody knows how many, of the chains that
  /// come next.
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

  /// Puts what is missing into the chains that the lost lines can have been of: those between the last rule and the
  /// next one, in the order of their heads, in which iptables-save prints the rules too.
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
    guard hasTable, let last = text.lines.last(where: { !text.bytes[$0.range].allSatisfy { $0 <= UInt8(ascii: " ") } })
    else {
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
  func endsUnread(_ line: DumpLine) -> Bool {
    guard let lastRule, let rule = chains[lastRule].rules.last, rule.span.line == line.number else { return false }
    let words = text.bytes.text(line.range).trimmedBlanks.utf8
    guard rule.hasUnreadWords, let last = words.lastIndex(of: UInt8(ascii: " ")) else { return false }
    return words[words.index(after: last)...].starts(with: "--".utf8)
      && text.bytes[line.end...].allSatisfy { $0 <= UInt8(ascii: " ") }
  }

  /// Whether a line, the last one, is a rule without its end: something of it is lost, or its target is half a
  /// verdict's name.
  func breaksOff(_ line: DumpLine) -> Bool {
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

  func hasTarget(_ line: DumpLine) -> Bool {
    var words = Words(text.bytes, line.range)
    var isRule = false
    while let word = words.next() {
      if word.count == 2, text.bytes[word.lowerBound] == UInt8(ascii: "-") {
        switch text.bytes[word.lowerBound + 1] {
        case UInt8(ascii: "A"): isRule = true
        case UInt8(ascii: "j"), UInt8(ascii: "g"): return true
        default: break
        }
      }
    }
    return !isRule
  }

  /// Whether nothing can have stood behind a line that ends a cut text: a verdict takes no options, and a chain's name
  /// has an end where no other one goes on.
  func isSurelyWhole(_ line: DumpLine) -> Bool {
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

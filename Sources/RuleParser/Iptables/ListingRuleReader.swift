import RuleGraph

/// Reads the rules of a listing: the columns, then the prose of each extension up to the end of the line.
struct ListingRuleReader: ~Copyable {
  /// What was not understood; the caller takes it.
  var diagnostics: [Diagnostic] = []

  /// The number that was printed before the last rule.
  private(set) var number: UInt64?

  /// Whether a rule did not tell its interfaces.
  var hidesInterfaces = false

  private let registry = ExtensionRegistry.shared
  private var rule: RuleDraft
  private var words = ScratchList<ListingRow.Word>()
  private var options: [ExtensionOption] = []

  /// Makes a reader for rules of one source.
  init(bytes: ByteView, family: AddressFamily) {
    rule = RuleDraft(bytes: bytes, family: family)
  }

  /// Reads the rule of a line, of one that was cut up to its last word, and without what people wrote behind it; nil
  /// when the line is no rule.
  mutating func read(_ cursor: ByteCursor, header: ListingHeader?, span: SourceSpan, line: DumpLine) -> Rule? {
    let known = diagnostics.count
    guard let rule = readRow(cursor, header: header, span: span, line: line) else { return nil }
    guard diagnostics.count > known, let remark = Remark.start(cursor.bytes, in: cursor.at..<cursor.end) else {
      return rule
    }
    let before = diagnostics
    diagnostics.removeLast(diagnostics.count - known)
    let row = ByteCursor(cursor.bytes, cursor.at..<remark)
    if let rule = readRow(row, header: header, span: span, line: line) { return rule }
    diagnostics = before
    return rule
  }

  private mutating func readRow(
    _ cursor: ByteCursor, header: ListingHeader?, span: SourceSpan, line: DumpLine
  ) -> Rule? {
    guard let row = ListingRow(cursor, header: header, words: &words) else { return nil }
    number = row.number
    rule.reset()
    var end = line.form == .cutOff ? ColumnCut.endOfWholeWords(cursor) : cursor.end
    readColumns(row, isCut: end < row.prose, span, line)
    if line.form == .cutOff {
      let rest = Opaque(lost: .rest, text: rule.text(min(end, line.end)..<line.end))
      rule.statements.append(.opaqueMatch(rest))
      diagnostics.append(
        Diagnostic(
          "unreadable-rule", .warning, "this row was cut off: what else it wants is unknown", span: span,
          column: line.end - line.start + 1))
      end = max(end, row.prose)
    }
    while end > row.prose, cursor.bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    var text = ListingText(cursor: ByteCursor(cursor.bytes, row.prose..<end))
    let isGoto = text.eat(word: "[goto]")
    readProse(&text, target: row.target, isGoto: isGoto, span, line)
    for range in rule.maskedRanges {
      diagnostics.append(.masked(rule.text(range), span: span, column: range.lowerBound - line.start + 1))
    }
    return Rule(
      rule.statements.takeAll(), counter: row.counter.map { Counter(packets: $0.packets, bytes: $0.bytes) },
      comment: rule.comment,
      span: span)
  }

  /// Reads the columns; the destination only where the row was not cut in it.
  private mutating func readColumns(_ row: ListingRow, isCut: Bool, _ span: SourceSpan, _ line: DumpLine) {
    if let (input, output) = row.interfaces {
      readInterface(input, .iifname, span, line)
      readInterface(output, .oifname, span, line)
    } else {
      rule.statements.append(.hiddenInterfaces)
      hidesInterfaces = true
    }
    readAddress(row.source, .saddr, span, line)
    if !isCut { readAddress(row.destination, .daddr, span, line) }
    if let number = rule.transport(row.transport.range) {
      if number != 0 || row.transport.isNegated {
        rule.match(.meta(.l4proto), ValueSet(number), negated: row.transport.isNegated)
      }
      if !row.transport.isNegated { rule.transport = number }
    } else {
      opaque("protocol", row.transport.range, span, line)
    }
    if let fragments = row.fragments { rule.statements.append(FragmentMatch.statement(negated: !fragments)) }
  }

  private mutating func readInterface(_ word: ListingRow.Word, _ key: MetaKey, _ span: SourceSpan, _ line: DumpLine) {
    let isAny =
      word.range.count == 1 ? rule.bytes[word.range.lowerBound] == UInt8(ascii: "*") : rule.text(word.range, is: "any")
    if isAny {
      // `! -i +` never matches; a plain `*` says nothing.
      if word.isNegated { rule.match(.meta(key), .all, negated: true) }
      return
    }
    if !rule.matchInterface(key, word.range, negated: word.isNegated) {
      opaque("interface", word.range, span, line)
    }
  }

  private mutating func readAddress(
    _ word: ListingRow.Word, _ name: HeaderFieldName, _ span: SourceSpan, _ line: DumpLine
  ) {
    let field = Field.header(HeaderField(rule.network, name))
    if !rule.matchAddress(field, word.range, negated: word.isNegated) {
      opaque(name == .saddr ? "source" : "destination", word.range, span, line)
    }
  }

  /// Reads the prose of matches, one after the other, and what is left as the target's.
  private mutating func readProse(
    _ text: inout ListingText, target: Range<Int>?, isGoto: Bool, _ span: SourceSpan, _ line: DumpLine
  ) {
    let standard = target.flatMap { StandardTarget.verdict(rule.bytes, $0) }
    let known = standard == nil ? target.flatMap { registry.targets[rule.bytes, $0] } : nil
    var unread: Range<Int>?
    while true {
      if let known, readTarget(known, text, &unread, span, line) { return }
      text.cursor.eatBlanks()
      if text.cursor.isAtEnd { break }
      if readComment(&text, span, line) || readMatch(&text, &unread, span, line) { continue }
      let start = text.cursor.at
      _ = text.cursor.eatWord()
      // A byte that is no part of a word must not stop the reading.
      if text.cursor.at == start { text.cursor.at += 1 }
      unread = (unread?.lowerBound ?? start)..<text.cursor.at
    }
    if let known, unread != nil, let target {
      let name = registry.extensions[known].name
      let prose = unread.map { rule.text($0) } ?? ""
      rule.statements.append(.opaqueTarget(Opaque(name: name, text: prose)))
      report("the text of target '\(name)' was not understood", .target, unread ?? target, span, line)
      return
    }
    flush(&unread, span, line)
    guard let target else { return }
    if let standard {
      rule.statements.append(.verdict(standard))
    } else if let known {
      let name = registry.extensions[known].name
      rule.statements.append(.opaqueTarget(Opaque(name: name, text: "")))
      report("the text of target '\(name)' is missing", .target, target, span, line)
    } else {
      let name = rule.chainName(target)
      rule.statements.append(.verdict(isGoto ? .goto(name) : .jump(name)))
    }
  }

  /// Reads the rest of the line, if it is the target's prose. The target's statements stand behind what could not be
  /// read before it.
  private mutating func readTarget(
    _ known: Int, _ text: ListingText, _ unread: inout Range<Int>?, _ span: SourceSpan, _ line: DumpLine
  ) -> Bool {
    var text = text
    text.cursor.eatBlanks()
    if let word = Self.key(text.cursor), registry.words[known][rule.bytes, word] == nil { return false }
    options.removeAll(keepingCapacity: true)
    guard registry.extensions[known].readListing(&text, &options), text.isAtEnd else { return false }
    let before = rule.statements.count
    let understood = lower(known)
    if understood, unread == nil { return true }
    rule.statements.removeLast(rule.statements.count - before)
    guard understood else { return false }
    flush(&unread, span, line)
    return lower(known)
  }

  /// Adds what the options of an extension mean to the rule. False when a value is not understood.
  private mutating func lower(_ known: Int) -> Bool {
    unsafe options.withUnsafeBufferPointer {
      unsafe registry.extensions[known].lower(ExtensionOptions($0), into: &rule)
    }
  }

  /// Reads one match's prose.
  private mutating func readMatch(
    _ text: inout ListingText, _ unread: inout Range<Int>?, _ span: SourceSpan, _ line: DumpLine
  ) -> Bool {
    let start = text.cursor.at
    var word = text.cursor
    if word.peek == UInt8(ascii: "!") {
      word.at += 1
      word.eatBlanks()
    }
    guard let key = Self.key(word), let candidates = registry.prose[rule.bytes, key] else {
      return false
    }
    var next = word
    _ = next.eatWord()
    next.eatBlanks()
    if next.eat("[unsupported revision]") { return false }
    let before = rule.statements.count
    for place in 0..<candidates.count {
      let candidate = candidates[place]
      var attempt = text
      options.removeAll(keepingCapacity: true)
      // What could not be read before this match stands before it.
      if registry.extensions[candidate].readListing(&attempt, &options), attempt.cursor.at > start {
        flush(&unread, span, line)
        if lower(candidate) {
          text = attempt
        } else {
          rule.statements.removeLast(rule.statements.count - before)
          opaque(registry.extensions[candidate].name, start..<attempt.cursor.at, span, line)
          text = attempt
        }
        return true
      }
    }
    return false
  }

  /// The word that prose is recognized by: up to a blank, or up to and with its first colon.
  private static func key(_ cursor: ByteCursor) -> Range<Int>? {
    var position = cursor.at
    while position < cursor.end, cursor.bytes[position] > UInt8(ascii: " ") {
      position += 1
      if cursor.bytes[position - 1] == UInt8(ascii: ":") { break }
      // `#conn/32` of older versions.
      if position < cursor.end, cursor.bytes[position] == UInt8(ascii: "/"),
        cursor.bytes[cursor.at] == UInt8(ascii: "#")
      {
        break
      }
    }
    return position > cursor.at ? cursor.at..<position : nil
  }

  /// Reads `/* anything */`.
  private mutating func readComment(_ text: inout ListingText, _ span: SourceSpan, _ line: DumpLine) -> Bool {
    guard text.cursor.eat("/*") else { return false }
    let start = text.cursor.at
    var position = start
    let bytes = text.cursor.bytes
    while position + 1 < text.cursor.end {
      guard let star = bytes.place(of: UInt8(ascii: "*"), in: position..<text.cursor.end - 1) else {
        position = text.cursor.end
        break
      }
      position = star
      if bytes[star + 1] == UInt8(ascii: "/") { break }
      position += 1
    }
    // A comment that was cut off ends with the line; of one that has an end in it, the next end may be its own.
    let end = position + 1 < text.cursor.end ? position : text.cursor.end
    text.cursor.at = min(end + 2, text.cursor.end)
    if end == text.cursor.end || Self.hasAnotherEnd(text.cursor) {
      text.cursor.at = text.cursor.end
      opaque("comment", start - 2..<text.cursor.end, span, line)
    }
    var inner = start..<end
    if let first = inner.first, bytes[first] == UInt8(ascii: " ") { inner = inner.dropFirst() }
    if let last = inner.last, bytes[last] == UInt8(ascii: " ") { inner = inner.dropLast() }
    rule.setComment(inner)
    return true
  }

  /// Whether `*/` stands behind a comment without a `/*` before it.
  private static func hasAnotherEnd(_ rest: ByteCursor) -> Bool {
    var at = rest.at
    let bytes = rest.bytes
    while let star = bytes.place(of: UInt8(ascii: "*"), in: at..<rest.end) {
      if star > rest.at, bytes[star - 1] == UInt8(ascii: "/") { return false }
      if star + 1 < rest.end, bytes[star + 1] == UInt8(ascii: "/") { return true }
      at = star + 1
    }
    return false
  }

  private mutating func flush(_ unread: inout Range<Int>?, _ span: SourceSpan, _ line: DumpLine) {
    guard let range = unread else { return }
    unread = nil
    let name = rule.text(range).split(separator: " ").first.map { String($0) } ?? ""
    opaque(name, range, span, line)
  }

  private mutating func opaque(_ name: String, _ range: Range<Int>, _ span: SourceSpan, _ line: DumpLine) {
    rule.statements.append(.opaqueMatch(Opaque(name: name, text: rule.text(range))))
    report("'\(rule.text(range))' was not understood", .match, range, span, line)
  }

  private mutating func report(
    _ message: String, _ kind: ExtensionKind, _ range: Range<Int>, _ span: SourceSpan, _ line: DumpLine
  ) {
    diagnostics.append(.notUnderstood(message, kind, span: span, column: range.lowerBound - line.start + 1))
  }
}

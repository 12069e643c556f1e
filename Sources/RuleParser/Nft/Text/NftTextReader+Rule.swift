import RuleGraph
import RuleText

/// Rules of nft's text: one statement behind the other (nft(8), "RULES" and "STATEMENTS").
extension NftTextReader {
  /// Whether a target stands at a rule's end for which nft printed nothing: it writes a blank before each statement,
  /// and the one before this target ends the line (`xt_stmt_print` in nftables' `src/xt.c`, where xtables can't
  /// translate).
  private mutating func hasUnprintedTarget(_ rule: Rule) -> Bool {
    let end = tokens.previousEnd
    guard kind == .newline, end < text.bytes.count, text.bytes[end] == UInt8(ascii: " "),
      end + 1 >= text.bytes.count || text.bytes[end + 1] == UInt8(ascii: "\n")
        || text.bytes[end + 1] == UInt8(ascii: "\r")
    else { return false }
    switch rule.statements.last {
    case .match: break
    case .effect(let effect): if effect.kind != .counter { return false }
    case nil: if rule.counter == nil { return false }
    default: return false
    }
    // A terminal folds at its width, and the blank before the next word may be the last column.
    guard let line = tokens.enclosingLine else { return false }
    // What was folded goes on in the next line: no closing brace stands there, nor anything as far from the margin.
    if !isOneLine, let next = tokens.nextLine {
      let rest = text.bytes[next.start..<next.end].drop { $0 <= UInt8(ascii: " ") }
      let margin = text.bytes[line.range].prefix { $0 <= UInt8(ascii: " ") }.count
      if rest.first == UInt8(ascii: "}") || margin > 0 && rest.startIndex - next.start == margin { return true }
    }
    return FoldWidth.columns(text.bytes, line.range) < widestLine()
  }

  /// Whether the text is a single line in a chain's braces, as pieces of a folded line are tried: these braces tell
  /// nothing of what was behind it.
  private var isOneLine: Bool { text.lines.count <= 3 }

  /// Reads a rule up to its end. What can't be read of it becomes opaque, and the reader stands behind the rule.
  mutating func readRule(_ index: Int) -> Rule {
    family = builder.tables[index].family
    openTable = index
    var ending = RuleEnding()
    let start = tokens.current.start
    let line = tokens.lineNumber
    var endsInMatch = false
    var rule = Rule([], span: SourceSpan(source: text.source, line: line, offset: start, length: 0))
    while !isStatementEnd {
      let statementStart = tokens.current.start
      let (count, mark) = (rule.statements.count, tokens.mark)
      decides = false
      do {
        try readStatement(&rule, builder.lowerings[index])
      } catch let error as SyntaxError {
        readOpaqueRest(&rule, from: mark, error)
      } catch let problem as NftProblem {
        readOpaqueStatement(&rule, from: statementStart, problem)
      } catch {
        readOpaqueRest(&rule, from: mark, fail("a statement"))
      }
      if tokens.current.start == statementStart, !isStatementEnd { tokens.advance() }
      endsInMatch = rule.statements.count > count
      if endsInMatch { ending.take(&rule, from: count) }
    }
    rule.span.length = max(tokens.previousEnd - start, 0)
    if hasUnprintedTarget(rule) { rule.statements.append(.opaqueTarget(Opaque(lost: .target))) }
    if ending.isBroken {
      builder.hasUnreadRules = true
      rule.statements = [.missingRules(MissingRules(.unreadable, count: 1))]
      warn(
        "unreadable-rule",
        "statements follow the verdict of this rule, which nft never prints: what it does is unknown",
        start..<max(tokens.previousEnd, start))
    }
    let masked = rule.maskedValues
    if !masked.isEmpty { report(masked: masked, in: start..<max(tokens.previousEnd, start)) }
    // `ip saddr 198.51.100.` and nothing more: the line was cut there.
    if endsInMatch, let last = rule.statements.last, last.isTest {
      let isOpaque = if case .opaqueMatch = last { true } else { false }
      if isOpaque || !masked.isEmpty {
        rule.statements.append(.opaqueTarget(Opaque(lost: .rest)))
      }
    }
    return rule
  }

  /// A part of a rule that has no meaning in the graph: kept by its text, and the rule goes on behind it.
  private mutating func readOpaqueStatement(_ rule: inout Rule, from start: Int, _ problem: NftProblem) {
    let end = max(tokens.previousEnd, start)
    let written = String(decoding: text.bytes[start..<min(end, text.bytes.count)], as: UTF8.self)
    let part = Opaque(name: problem.message, text: written)
    rule.statements.append(decides ? .opaqueTarget(part) : .opaqueMatch(part))
    diagnostics.append(
      Diagnostic(
        "unknown-statement", .warning, "this part of the rule is not understood: \(problem.message)",
        span: text.span(start..<end)))
  }

  /// A rule that breaks off: its rest is opaque, also what it does in the end.
  private mutating func readOpaqueRest(_ rule: inout Rule, from mark: NftTokens.Mark, _ error: SyntaxError) {
    tokens.back(to: mark)
    let start = tokens.current.start
    // What stands right behind a value (`tcp dport 60$`), or begins no statement (`tcp dport 33 06`), has the place of
    // the rest of it.
    if start == tokens.previousEnd || error.offset == start, rule.statements.last.map(\.isTest) ?? false {
      rule.statements.removeLast()
    }
    var depth = 0
    scan: while kind != .end {
      switch kind {
      case .openBrace: depth += 1
      case .closeBrace:
        if depth == 0 { break scan }
        depth -= 1
      case .newline, .semicolon:
        if depth == 0 { break scan }
      default: break
      }
      tokens.advance()
    }
    report(error)
    let end = max(min(tokens.previousEnd, text.bytes.count), start)
    let written = String(decoding: text.bytes[start..<end], as: UTF8.self)
    rule.statements.append(.opaqueTarget(Opaque(name: "unreadable", text: written)))
  }

  /// The words that begin statements which are no comparison.
  enum StatementWord: String, CaseIterable {
    case accept, drop, `continue`, `return`, jump, goto, counter, comment, limit, quota, log, reject, dnat, snat
    case masquerade, redirect, tproxy, queue, notrack, add, update, delete, set, meter, flow, dup, fwd, synproxy, last
    case reset, xt, secmark, meta, ct
  }

  static let statementWords = WordTable<StatementWord>(StatementWord.allCases.map { ($0.rawValue, $0) })

  /// Reads one statement and adds it to a rule.
  private mutating func readStatement(_ rule: inout Rule, _ lowering: NftLowering) throws {
    switch kind {
    case .handle:
      rule.handle = UInt64(word)
      tokens.advance()
      return
    case .hidden:
      let name = word
      let token = tokens.current
      tokens.advance()
      // Older versions print targets in capitals and matches in small letters, as iptables names them.
      let isTarget = name.utf8.allSatisfy { $0 < UInt8(ascii: "a") }
      appendHidden(&rule, isTarget: isTarget, name, token.start..<token.end)
      return
    case .listed:
      let token = tokens.current
      let name = word.prefix { $0 != " " }
      tokens.advance()
      // A match stands before the counter, a target behind it.
      appendHidden(&rule, isTarget: !tokens.isWord("counter") && kind != .listed, String(name), token.start..<token.end)
      return
    case .word: break
    default:
      try readMatch(&rule, lowering)
      return
    }
    // Most statements are comparisons.
    guard let word = Self.statementWords[tokens.bytes, tokens.current.range] else {
      try readMatch(&rule, lowering)
      return
    }
    switch word {
    case .jump, .goto:
      decides = true
      rule.statements.append(.verdict(isBlockNext ? try anonymousJump() : try verdict()))
    case .accept, .drop, .continue, .return: rule.statements.append(.verdict(try verdict()))
    case .counter: try readCounter(&rule, lowering)
    case .comment:
      tokens.advance()
      rule.comment = try name("a comment")
    case .limit, .quota: rule.statements.append(contentsOf: try rate(lowering))
    case .log: rule.statements.append(.effect(try log()))
    case .reject:
      decides = true
      rule.statements.append(try reject(lowering))
    case .dnat, .snat, .masquerade, .redirect, .tproxy:
      decides = true
      rule.statements.append(try lowering.translation(try translation()))
    case .queue:
      decides = true
      rule.statements.append(try queue(lowering))
    case .notrack:
      tokens.advance()
      rule.statements.append(.notrack)
    case .add, .update, .delete: rule.statements.append(try setUpdate(lowering))
    case .set: rule.statements.append(try oldSetUpdate(lowering))
    case .meter, .flow: rule.statements.append(try meterOrFlow(lowering))
    case .dup, .fwd:
      decides = true
      rule.statements.append(try copy(lowering))
    case .synproxy:
      tokens.advance()
      let arguments = eat("name") ? [Argument("name", try name("the name of a synproxy"))] : try synproxyArguments()
      rule.statements.append(.verdict(.synproxy(arguments)))
    case .last:
      tokens.advance()
      if eat("used") { _ = try name("a time") }
      rule.statements.append(.effect(Effect(.lastUsed)))
    case .reset: rule.statements.append(try reset())
    case .xt: try readHidden(&rule)
    case .secmark where isFollowed(by: "name"):
      tokens.advance()
      tokens.advance()
      rule.statements.append(.effect(Effect(.secmark, [Argument("name", try name("the name of a secmark"))])))
    case .meta, .ct:
      if let statement = try conntrackOrMetaStatement() {
        rule.statements.append(statement)
      } else {
        try readMatch(&rule, lowering)
      }
    case .secmark: try readMatch(&rule, lowering)
    }
  }

  /// Whether the next piece is this word.
  private func isFollowed(by word: StaticString) -> Bool {
    var ahead = tokens
    ahead.advance()
    return ahead.isWord(word)
  }

  /// Takes a verdict.
  mutating func verdict() throws(SyntaxError) -> Verdict {
    let verdict = word
    tokens.advance()
    switch verdict {
    case "accept": return .accept
    case "drop": return .drop
    case "continue": return .continue
    case "return": return .return
    case "jump": return .jump(try name("the name of a chain"))
    default: return .goto(try name("the name of a chain"))
    }
  }

  /// Whether a brace stands behind the word that is looked at.
  private var isBlockNext: Bool {
    var ahead = tokens
    ahead.advance()
    return ahead.current.kind == .openBrace
  }

  /// `jump { … }`, `goto { … }`: a chain without a name, which the kernel names `__chain0` and so on (nft(8), "VERDICT
  /// STATEMENT").
  private mutating func anonymousJump() throws(SyntaxError) -> Verdict {
    let isJump = tokens.isWord("jump")
    tokens.advance()
    guard anonymousDepth < Self.maximumAnonymousDepth else { throw fail("fewer levels") }
    let index = openTable
    var number = builder.tables[index].chains.count
    while builder.chainID("__chain\(number)", in: index) != nil { number += 1 }
    let chain = "__chain\(number)"
    builder.add(Chain(chain, span: text.span(tokens.current.range)), to: index)
    builder.noteDeclared(chain, of: index)
    anonymousDepth += 1
    defer { anonymousDepth -= 1 }
    try readBlock(.chain(index, chain)) { reader throws(SyntaxError) in
      let rule = reader.readRule(index)
      reader.builder.add(rule, to: chain, of: index)
    }
    return isJump ? .jump(chain) : .goto(chain)
  }

  /// nft takes blocks this deep (`NFT_MAX_NESTED` and the kernel's own limit of 16 jumps).
  private static let maximumAnonymousDepth = 16

  // MARK: - Matches

  /// A comparison, a verdict map or an assignment: all begin with what is looked at.
  private mutating func readMatch(_ rule: inout Rule, _ lowering: NftLowering) throws {
    expectsTrafficClass = false
    let start = tokens.current.start
    let left = try leftSide()
    if Self.beginsWithNumber(left) { throw SyntaxError(offset: start, expected: "a statement") }
    if case .field(let field) = left { expectsTrafficClass = field.type == .classid }
    defer { expectsTrafficClass = false }
    if eat("vmap") {
      decides = true
      let map = tokens.current.start
      let data = try mapData()
      if Self.isEmpty(data) { throw SyntaxError(offset: map, expected: "an element") }
      rule.statements.append(try lowering.verdictMap(left, data))
      return
    }
    if eat("set") {
      decides = true
      let newValue = try value()
      rule.statements.append(try lowering.assignment(left, newValue))
      return
    }
    var relation = self.relation()
    if isStatementEnd { throw fail("a value to compare with") }
    let value = tokens.current.start
    let right = try rightSide(allowList: true)
    if Self.isEmpty(right) { throw SyntaxError(offset: value, expected: "an element") }
    var subject = left
    if kind == .slash {
      // `tcp flags syn / syn,ack`: of the flags behind the slash, just those before it are set.
      tokens.advance()
      subject = .binary(.and, left, try rightSide(allowList: true))
      if relation == .implicit { relation = .equal }
    }
    rule.statements.append(try lowering.match(subject, relation, right))
  }

  /// Whether nothing of the packet is looked at.
  private static func isConstant(_ expression: NftExpression) -> Bool {
    switch expression {
    case .word, .number, .presence, .wildcard, .range, .prefix, .reference, .verdict, .list, .set: true
    case .concatenation(let items): items.allSatisfy { isConstant($0) }
    case .binary(_, let left, let right): isConstant(left) && isConstant(right)
    case .field, .map, .generator, .environment, .unknown: false
    }
  }

  /// Whether nothing of the packet is looked at, or a number first, as someone numbers rules: `2. tcp dport 22`.
  private static func beginsWithNumber(_ expression: NftExpression) -> Bool {
    if case .concatenation(let items) = expression, case .number? = items.first { return true }
    return isConstant(expression)
  }

  /// Whether a set was written that nft refuses: something has taken its elements away.
  private static func isEmpty(_ expression: NftExpression) -> Bool {
    if case .set(let elements) = expression { elements.isEmpty } else { false }
  }

  private mutating func relation() -> NftRelation {
    switch kind {
    case .equal: break
    case .notEqual:
      tokens.advance()
      return .notEqual
    case .less:
      tokens.advance()
      return .less
    case .greater:
      tokens.advance()
      return .greater
    case .lessOrEqual:
      tokens.advance()
      return .lessOrEqual
    case .greaterOrEqual:
      tokens.advance()
      return .greaterOrEqual
    case .not:
      tokens.advance()
      return .noneOf
    case .word: return wordRelation()
    default: return .implicit
    }
    tokens.advance()
    return .equal
  }

  private mutating func wordRelation() -> NftRelation {
    guard tokens.current.range.count == 2 else { return .implicit }
    for (word, relation) in Self.relationWords where eat(word) { return relation }
    return .implicit
  }

  private static let relationWords: [(StaticString, NftRelation)] = [
    ("eq", .equal), ("ne", .notEqual), ("lt", .less), ("gt", .greater), ("le", .lessOrEqual), ("ge", .greaterOrEqual),
  ]

  // MARK: - Hidden extensions

  /// `xt match "comment"`, `xt target "DNAT"`
  private mutating func readHidden(_ rule: inout Rule) throws(SyntaxError) {
    let start = tokens.current.start
    tokens.advance()
    let type = try name("match or target")
    let extensionName = try name("the name of an extension")
    appendHidden(&rule, isTarget: type == "target", extensionName, start..<tokens.previousEnd)
  }

  private mutating func appendHidden(_ rule: inout Rule, isTarget: Bool, _ name: String, _ range: Range<Int>) {
    let opaque = Opaque(
      name: "xt \(isTarget ? "target" : "match") \(name)", text: String(decoding: text.bytes[range], as: UTF8.self),
      settledBy: "iptables-save")
    rule.statements.append(isTarget ? .opaqueTarget(opaque) : .opaqueMatch(opaque))
  }
}

extension Statement {
  /// Whether it only compares.
  fileprivate var isTest: Bool {
    switch self {
    case .match, .anyOf, .opaqueMatch: true
    default: false
    }
  }
}

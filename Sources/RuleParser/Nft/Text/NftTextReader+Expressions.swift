import RuleGraph
import RuleText

/// Expressions of nft's text (nft(8), "EXPRESSIONS"; the grammar of `src/parser_bison.y` of nftables).
extension NftTextReader {
  /// What is looked at: fields, arithmetic, concatenations of them.
  mutating func leftSide(depth: Int = 0) throws(SyntaxError) -> NftExpression {
    var items = [try arithmetic(depth: depth + 1, isRight: false)]
    while kind == .dot {
      tokens.advance()
      items.append(try arithmetic(depth: depth + 1, isRight: false))
    }
    return items.count == 1 ? items[0] : .concatenation(items)
  }

  /// What a field gets or is looked up from: a left side, perhaps looked up in a map, or constants.
  mutating func value(depth: Int = 0) throws(SyntaxError) -> NftExpression {
    if kind == .openBrace || kind == .at && !isRawPayload { return try rightSide(allowList: true, depth: depth) }
    let start = tokens.mark
    let left = try leftSide(depth: depth)
    if eat("map") { return .map(key: left, data: try mapData(depth: depth)) }
    if kind == .dash || kind == .comma || kind == .slash {
      tokens.back(to: start)
      return try rightSide(allowList: true, depth: depth)
    }
    return left
  }

  /// `@name`, `$name` or `{ key : data, … }`.
  mutating func mapData(depth: Int = 0) throws(SyntaxError) -> NftExpression {
    skipNewlines()
    switch kind {
    case .at:
      tokens.advance()
      return .reference(try name("the name of a map"))
    case .dollar: return try variable()
    case .openBrace: return .set(try setElements(depth: depth + 1))
    default: throw fail("a map")
    }
  }

  /// Constants: one, a range, a prefix, a list, a set, a concatenation.
  mutating func rightSide(allowList: Bool, depth: Int = 0) throws(SyntaxError) -> NftExpression {
    guard depth < NftLowering.maximumDepth else { throw fail("fewer levels") }
    var items = [try rightItem(depth: depth + 1)]
    while kind == .dot {
      tokens.advance()
      items.append(try rightItem(depth: depth + 1))
    }
    if items.count > 1 { return .concatenation(items) }
    guard allowList, kind == .comma else { return items[0] }
    while eat(.comma) {
      skipNewlines()
      items.append(try rightItem(depth: depth + 1))
    }
    return .list(items)
  }

  private mutating func rightItem(depth: Int) throws(SyntaxError) -> NftExpression {
    switch kind {
    case .openBrace: return .set(try setElements(depth: depth + 1))
    case .at where !isRawPayload:
      tokens.advance()
      if beginsStatement { throw fail("the name of a set") }
      return .reference(try name("the name of a set"))
    case .star:
      tokens.advance()
      return .wildcard
    default: break
    }
    let low = try arithmetic(depth: depth + 1, isRight: true)
    if eat(.dash) { return .range(low, try arithmetic(depth: depth + 1, isRight: true)) }
    if kind == .slash, let length = prefixLength() { return .prefix(low, length) }
    return low
  }

  /// `/24`; nothing is taken when something else stands behind the slash.
  private mutating func prefixLength() -> Int? {
    let start = tokens.mark
    tokens.advance()
    if kind == .dollar, case .number(let number)? = try? variable(), number <= 128 { return Int(number) }
    guard let length = tokens.plainNumber.map({ Int($0) }), length <= 128 else {
      tokens.back(to: start)
      return nil
    }
    tokens.advance()
    return length
  }

  // MARK: - Arithmetic

  private mutating func arithmetic(depth: Int, isRight: Bool, lowest: Int = 0) throws(SyntaxError) -> NftExpression {
    guard depth < NftLowering.maximumDepth else { throw fail("fewer levels") }
    var result = try primary(depth: depth, isRight: isRight)
    while let (operation, level) = operation(), level >= lowest {
      tokens.advance()
      let right = try arithmetic(depth: depth + 1, isRight: isRight, lowest: level + 1)
      result = .binary(operation, result, right)
    }
    return result
  }

  /// The operation that stands here, by sign or by word, and how tightly it binds.
  private func operation() -> (NftOperation, Int)? {
    switch kind {
    case .or: return (.or, 0)
    case .xor: return (.xor, 1)
    case .and: return (.and, 2)
    case .shiftLeft: return (.shiftLeft, 3)
    case .shiftRight: return (.shiftRight, 3)
    case .word:
      switch tokens.current.range.count {
      case 2 where tokens.isWord("or"): return (.or, 0)
      case 3 where tokens.isWord("xor"): return (.xor, 1)
      case 3 where tokens.isWord("and"): return (.and, 2)
      case 6 where tokens.isWord("lshift"): return (.shiftLeft, 3)
      case 6 where tokens.isWord("rshift"): return (.shiftRight, 3)
      default: return nil
      }
    default: return nil
    }
  }

  private mutating func primary(depth: Int, isRight: Bool) throws(SyntaxError) -> NftExpression {
    switch kind {
    case .openParenthesis:
      tokens.advance()
      let inner = try arithmetic(depth: depth + 1, isRight: isRight)
      if kind == .comma {
        var items = [inner]
        while eat(.comma) { items.append(try arithmetic(depth: depth + 1, isRight: isRight)) }
        try expect(.closeParenthesis, ")")
        return .list(items)
      }
      try expect(.closeParenthesis, ")")
      return inner
    case .dollar: return try variableOrMask()
    case .string:
      let text = word
      if text.isEmpty { throw fail("a value") }
      tokens.advance()
      return .word(text)
    case .at:
      if !isRight || isRawPayload, let field = try rawPayload() { return field }
      throw fail("a field or value")
    case .openBracket:
      tokens.advance()
      let address = try name("an address")
      try expect(.closeBracket, "]")
      return .word(address)
    case .star where !isRight:
      tokens.advance()
      return .wildcard
    case .word:
      if !isRight, let field = try field(depth: depth) { return field }
      return try literal()
    default: throw fail(isRight ? "a value" : "a field or value")
    }
  }

  /// Whether the word that is looked at begins a statement, and so is no value: nft reads it as one only in quotation
  /// marks (`src/scanner.l`). Where it stands in the place of a value, the value was lost.
  private var beginsStatement: Bool {
    guard kind == .word, let statement = Self.statementWords[tokens.bytes, tokens.current.range] else { return false }
    // What `keyword_expr` in `src/parser_bison.y` takes for a value, and what begins a value.
    switch statement {
    case .dnat, .snat, .reset, .last, .meta, .ct, .set, .flow, .xt, .secmark: return false
    default: return true
    }
  }

  /// A constant in one word; of a traffic class (`1:2`), its three pieces are one.
  private mutating func literal() throws(SyntaxError) -> NftExpression {
    let token = tokens.current
    if !expectsTrafficClass, let number = tokens.plainNumber {
      tokens.advance()
      return .number(UInt128(number))
    }
    if beginsStatement { throw fail("a value") }
    if eat("exists") { return .presence(true) }
    if eat("missing") { return .presence(false) }
    let text = word
    tokens.advance()
    if expectsTrafficClass, kind == .colon, tokens.current.start == token.end,
      text.utf8.allSatisfy({ $0.hexDigitValue != nil })
    {
      let start = tokens.mark
      tokens.advance()
      if kind == .word, tokens.current.start == token.end + 1, word.utf8.allSatisfy({ $0.hexDigitValue != nil }) {
        let minor = word
        tokens.advance()
        return .word("\(text):\(minor)")
      }
      tokens.back(to: start)
    }
    if let number = NftValue.integer(text) { return .number(number) }
    return .word(text)
  }

  /// Whether `@` begins a raw payload expression: a header's name and a comma stand behind it.
  var isRawPayload: Bool {
    guard kind == .at else { return false }
    var ahead = tokens
    ahead.advance()
    guard ahead.current.kind == .word, PayloadBase(rawValue: ahead.text(ahead.current)) != nil else { return false }
    ahead.advance()
    return ahead.current.kind == .comma
  }

  private mutating func rawPayload() throws(SyntaxError) -> NftExpression? {
    guard isRawPayload else { return nil }
    tokens.advance()
    let base = try name("ll, nh, th or ih")
    try expect(.comma, ",")
    let offset = try number()
    try expect(.comma, ",")
    let length = try number()
    return NftFields.raw(base, offset: offset, length: length).map { .field($0) }
      ?? .unknown("raw payload of \(length) bits")
  }

  // MARK: - Elements

  /// `{ key, key : data, … }`; sets inside a set, from a variable, are part of it.
  mutating func setElements(depth: Int = 0) throws(SyntaxError) -> [NftElement] {
    guard depth < NftLowering.maximumDepth else { throw fail("fewer levels") }
    try expect(.openBrace, "{")
    do {
      return try elementsToBrace(depth: depth)
    } catch {
      // What closes the set must close nothing around it.
      skipBehindBrace()
      throw error
    }
  }

  /// Goes on behind the brace that closes what is read; not into the next chain or set, where that brace is missing.
  private mutating func skipBehindBrace() {
    var depth = 0
    while kind != .end {
      switch kind {
      case .openBrace: depth += 1
      case .closeBrace:
        if depth == 0 {
          tokens.advance()
          return
        }
        depth -= 1
      case .newline:
        let line = tokens.mark
        skipNewlines()
        if tokens.isWord("chain") || tokens.isWord("set") || tokens.isWord("map") || tokens.isWord("table") {
          tokens.back(to: line)
          return
        }
        continue
      default: break
      }
      tokens.advance()
    }
  }

  private mutating func elementsToBrace(depth: Int) throws(SyntaxError) -> [NftElement] {
    var elements: [NftElement] = []
    while true {
      skipNewlines()
      if eat(.closeBrace) { return elements }
      // Of a declared set whose end was cut off, the elements that are there are in it.
      if kind == .end, depth == 0, keepsCutElements, carrying == nil { return elements + [NftElement(.word("..."))] }
      let isElided = isElision
      let element = isElided ? elision() : try self.element(depth: depth)
      if case .set(let inner) = element.key, element.data == nil {
        elements.append(contentsOf: inner)
      } else {
        elements.append(element)
      }
      skipNewlines()
      // The last one may be the beginning of another.
      if kind == .end, depth == 0, keepsCutElements, carrying == nil {
        return elements.dropLast() + [NftElement(.word("..."))]
      }
      // Who leaves elements out forgets the comma.
      if !eat(.comma), kind != .closeBrace, !isElided, !isElision { throw fail(", or }") }
    }
  }

  private mutating func element(depth: Int) throws(SyntaxError) -> NftElement {
    var element = NftElement(try rightSide(allowList: false, depth: depth + 1))
    try readElementOptions(&element)
    skipNewlines()
    if eat(.colon) {
      skipNewlines()
      element.data = try elementData(depth: depth)
      try readElementOptions(&element)
    }
    return element
  }

  private mutating func elementData(depth: Int) throws(SyntaxError) -> NftExpression {
    if kind == .word {
      switch word {
      case "accept", "drop", "continue", "return", "jump", "goto": return .verdict(try verdict())
      default: break
      }
    }
    return try rightSide(allowList: false, depth: depth + 1)
  }

  private mutating func readElementOptions(_ element: inout NftElement) throws(SyntaxError) {
    while kind == .word {
      switch word {
      case "timeout", "expires":
        let option = word
        tokens.advance()
        element.arguments.append(Argument(option, try seconds()))
      case "comment":
        tokens.advance()
        element.comment = try name("a comment")
      default:
        let found = try elementStatements()
        guard !found.isEmpty else { return }
        for statement in found { element.arguments.append(contentsOf: statement.arguments) }
      }
    }
  }
}

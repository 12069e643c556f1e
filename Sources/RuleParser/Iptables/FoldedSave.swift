import RuleGraph

/// Puts the folded lines of a save together.
enum FoldedSave {
  /// The text with whole lines; nil when no line goes on in the next one.
  static func unfolded(_ text: DumpText, family: AddressFamily) -> DumpText? {
    var groups: [FoldedLine] = []
    let firstOfTail = text.lines.count - text.tail
    // Lines behind the last one that are no part of it are prose.
    let startOfTail = text.tail > 0 ? text.lines[firstOfTail].start : .max
    for (index, line) in text.lines.enumerated() {
      if goesOn(text, line), let last = groups.last?.pieces.last, last.start < last.end,
        groups[groups.count - 1].pieces.count < FoldedLine.mostPieces, mayGoOn(text, groups[groups.count - 1].pieces[0])
      {
        groups[groups.count - 1].pieces.append(line)
      } else if index < firstOfTail {
        groups.append(FoldedLine(pieces: [line]))
      } else {
        break
      }
    }
    let folds = groups.filter { $0.pieces.count > 1 }
    guard !folds.isEmpty else { return nil }
    let names = chainNames(text, groups)
    let width = FoldWidth(text)
    let unfolding = Unfolding(text: text, width: width, folder: width.folder(of: folds, in: text.bytes)) { line in
      isWholeHead(line.cursor(line.lines[0]))
        ? FoldedRule() : IptablesSaveReader.rule(in: line, family: family).map { FoldedRule($0) }
    }
    var bytes = UnfoldedBytes(text.bytes)
    var lines: [DumpLine] = []
    for group in groups {
      guard group.pieces.count > 1 else {
        lines.append(group.pieces[0])
        continue
      }
      switch unfolding.result(group, isWhole: \.hasTarget, isDoubtful: { $0.jump.map { !names.contains($0) } ?? false })
      {
      case .joined(let way):
        let count = way.count + 1
        lines.append(bytes.join(FoldedLine(pieces: Array(group.pieces.prefix(count))), way))
        lines += group.pieces.dropFirst(count).filter { $0.start < startOfTail }
      case .apart: lines += group.pieces.filter { $0.start < startOfTail }
      case .unknown:
        var line = group.pieces[0]
        line.form = .unreadable
        lines.append(line)
      }
    }
    return bytes.text(of: text, lines)
  }

  /// The names of the chains that have a head or rules in the text.
  private static func chainNames(_ text: DumpText, _ groups: [FoldedLine]) -> Set<String> {
    Set(
      groups.compactMap { group in
        var cursor = text.cursor(group.pieces[0])
        cursor.eatBlanks()
        guard cursor.eat(UInt8(ascii: ":")) || cursor.eat("-A ") || cursor.eat("-N ") || cursor.eat("-P ") else {
          return nil
        }
        return cursor.eatWord().map { cursor.text($0) }
      })
  }

  /// Whether a line goes on with the one before it: it begins as no line of a save does.
  private static func goesOn(_ text: DumpText, _ line: DumpLine) -> Bool {
    guard line.form == .other else { return false }
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    guard let first = cursor.peek, first != UInt8(ascii: "#"), first != UInt8(ascii: "*"),
      OmissionMark.evidence(text.bytes, line.range) == nil,
      !OmissionMark.isMask(text.bytes, line.range), OutputStart.isEndOfPort(cursor) || !OutputStart.isSaveLine(cursor),
      !OutputStart.holdsRule(cursor), !cursor.eat("COMMIT")
    else { return false }
    return true
  }

  /// Whether a line can go on in the next one.
  private static func mayGoOn(_ text: DumpText, _ line: DumpLine) -> Bool {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    return cursor.peek != UInt8(ascii: "#") && cursor.peek != UInt8(ascii: "*") && OutputStart.isSaveLine(cursor)
      && !hasWholePolicy(cursor)
  }

  /// Whether a line is the head of a chain with nothing behind it that no head has.
  private static func isWholeHead(_ cursor: ByteCursor) -> Bool {
    guard OutputStart.isSaveHead(cursor) else { return false }
    return cursor.peek == UInt8(ascii: "-") && cursor.peek(ahead: 1) == UInt8(ascii: "N") || hasWholePolicy(cursor)
  }

  /// Whether a line is the whole head of a chain with a policy, behind which nothing was folded off: `-P INPUT DROP`,
  /// `:INPUT DROP [0:0]`.
  private static func hasWholePolicy(_ start: ByteCursor) -> Bool {
    var cursor = start
    let isHead = cursor.eat(UInt8(ascii: ":"))
    guard isHead || cursor.eat("-P "), cursor.eatWord() != nil else { return false }
    cursor.eatBlanks()
    guard let word = cursor.eatWord() else { return false }
    guard
      isHead && cursor.range(word, equals: "-") || cursor.range(word, equals: "ACCEPT")
        || cursor.range(word, equals: "DROP")
    else { return false }
    cursor.eatBlanks()
    if isHead {
      guard cursor.eat(UInt8(ascii: "[")), cursor.eatDecimal() != nil, cursor.eat(UInt8(ascii: ":")),
        cursor.eatDecimal() != nil,
        cursor.eat(UInt8(ascii: "]"))
      else { return false }
    } else if cursor.eat("-c ") {
      guard cursor.eatDecimal() != nil, cursor.eatBlanks() > 0, cursor.eatDecimal() != nil else { return false }
    }
    cursor.eatBlanks()
    return cursor.isAtEnd || cursor.peek == UInt8(ascii: "\r")
  }
}

/// What a rule does, apart from texts that nothing looks at.
struct FoldedRule: Equatable {
  private var statements: [Statement]
  private var counter: Counter?
  /// Whether the rule does something.
  var hasTarget: Bool
  /// The chain that it goes to, if it does.
  var jump: String? {
    switch statements.last {
    case .verdict(.jump(let name)), .verdict(.goto(let name)): name
    default: nil
    }
  }

  /// A line that is no rule, all of which can be read.
  init() {
    statements = []
    hasTarget = true
  }

  init(_ rule: Rule) {
    statements = rule.statements.map { statement in
      guard case .effect(let effect) = statement, effect.kind == .log else { return statement }
      return .effect(Effect(.log))
    }
    counter = rule.counter
    hasTarget = rule.statements.last.map { !Self.isMatch($0) } ?? false
  }

  private static func isMatch(_ statement: Statement) -> Bool {
    switch statement {
    case .match, .anyOf, .environment, .opaqueMatch, .hiddenInterfaces: true
    default: false
    }
  }
}

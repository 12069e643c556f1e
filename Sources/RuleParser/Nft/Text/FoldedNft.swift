import RuleGraph

/// Puts the folded lines of nft's text together.
///
/// nft indents what stands in a block, so that a line of a chain that begins further left than the first goes on with
/// the one before it. Where a paste has lost its indentation, a line goes on when it, or the one before it, is no
/// statement alone.
struct FoldedNft {
  private let text: DumpText
  private let builder: NftTableBuilder
  private let width: FoldWidth
  private var groups: [Group] = []
  private var blocks: [Block] = []

  /// A line, or the pieces of one.
  private struct Group {
    var fold: FoldedLine
    /// The index of the table, where the line stands in a chain.
    var table: Int?
    /// Whether it is of a list of elements, in which line ends mean nothing.
    var isElements = false
    /// How many braces of a statement in a chain are open behind it.
    var depth = 0
    /// Whether another line can be the rest of it.
    var mayGoOn = false
    /// Whether its pieces may as well be lines of their own.
    var isDoubtful = false
  }

  private struct Block {
    var isChain = false
    var isSet = false
    var table: Int?
    /// How far its first line is indented.
    var indentation: Int?
  }

  /// The text with whole lines; nil when no line goes on in the next one.
  static func unfolded(_ text: DumpText, builder: NftTableBuilder) -> DumpText? {
    var folded = FoldedNft(text: text, builder: builder, width: FoldWidth(text))
    for line in text.lines { folded.take(line) }
    return folded.unfolded()
  }

  private init(text: DumpText, builder: NftTableBuilder, width: FoldWidth) {
    self.text = text
    self.builder = builder
    self.width = width
  }

  // MARK: - Lines

  private mutating func take(_ line: DumpLine) {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    let indentation = FoldWidth.columns(text.bytes, line.start..<cursor.at)
    guard let first = cursor.peek else { return groups.append(Group(fold: FoldedLine(pieces: [line]))) }
    var group = Group(fold: FoldedLine(pieces: [line]))
    let last = groups.count - 1
    if last >= 0, groups[last].depth > 0 {
      // A set in a rule, whose line ends mean nothing, or were folded.
      if groups[last].fold.pieces.count < FoldedLine.mostPieces {
        groups[last].fold.pieces.append(line)
        groups[last].depth += BracketCount.depth(text.bytes, line.range)
        groups[last].mayGoOn = mayGoOn(behind: line)
        return
      }
      open(groups[last].depth)
      groups[last].depth = 0
    }
    let isHead = opensBlock(cursor)
    if isHead || first == UInt8(ascii: "}") || first == UInt8(ascii: "#")
      || OmissionMark.evidence(text.bytes, line.range) != nil
    {
      groups.append(group)
      count(line, head: isHead ? cursor : nil)
      return
    }
    if let block = blocks.last, groups.last?.mayGoOn == true, goesOn(line, indentation, in: block) {
      groups[groups.count - 1].fold.pieces.append(line)
      groups[groups.count - 1].mayGoOn = mayGoOn(behind: line)
      count(line, head: nil)
      return
    }
    if let block = blocks.last {
      if block.indentation == nil { blocks[blocks.count - 1].indentation = indentation }
      group.table = block.isChain ? block.table : nil
      group.isElements = block.isSet
      group.mayGoOn = (block.isChain || block.isSet) && mayGoOn(behind: line)
    }
    groups.append(group)
    count(line, head: nil)
  }

  /// Whether a line opens a block: `table inet filter {`, `chain input {`, `set blocked {`.
  private func opensBlock(_ cursor: ByteCursor) -> Bool {
    var cursor = cursor
    guard let word = cursor.eatWord(), Self.heads.contains(cursor.text(word)) else { return false }
    var end = cursor.end
    if let comment = text.bytes.place(of: UInt8(ascii: "#"), in: cursor.at..<end) { end = comment }
    while end > cursor.at, text.bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    return end > cursor.at && text.bytes[end - 1] == UInt8(ascii: "{")
  }

  private static let heads: Set<String> = [
    "table", "chain", "set", "map", "counter", "quota", "limit", "ct", "flowtable",
  ]

  /// Whether something can stand behind a line that belongs to it.
  private func mayGoOn(behind line: DumpLine) -> Bool {
    var end = line.end
    while end > line.start, text.bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    guard end > line.start else { return false }
    if text.bytes[end - 1] == UInt8(ascii: "{") { return blocks.last?.isChain == true && !opensChain(line.start..<end) }
    return !";\\".utf8.contains(text.bytes[end - 1])
      && !(text.bytes[end - 1] == UInt8(ascii: "}") && blocks.last?.isSet == true)
  }

  /// Whether the brace at the end of a rule's line opens a chain without a name, and no set.
  private func opensChain(_ line: Range<Int>) -> Bool {
    var words = Words(text.bytes, line)
    var (before, last) = (0..<0, 0..<0)
    while let word = words.next() { (before, last) = (last, word) }
    return last.count == 1 && ["jump", "goto"].contains(text.bytes.text(before))
  }

  /// Follows the blocks that a line opens and closes.
  private mutating func count(_ line: DumpLine, head: ByteCursor?) {
    if var head {
      var block = Block()
      let word = head.eatWord().map { head.text($0) } ?? ""
      head.eatBlanks()
      switch word {
      case "table":
        // Nothing is open where a table begins.
        blocks = []
        let family = head.eatWord().flatMap { TableFamily(rawValue: head.text($0)) }
        head.eatBlanks()
        if let family, let name = head.eatWord() { block.table = builder.tableIndex(family, head.text(name)) }
      case "chain":
        block.table = blocks.first?.table ?? (blocks.isEmpty ? builder.tableIndex(.inet, "") : nil)
        block.isChain = true
        while blocks.last?.isChain == true { blocks.removeLast() }
      case "set", "map":
        block.table = blocks.first?.table
        block.isSet = true
      default: break
      }
      blocks.append(block)
      return
    }
    var depth = BracketCount.depth(text.bytes, line.range)
    if depth > 0, let last = groups.indices.last, groups[last].table != nil, groups[last].mayGoOn {
      groups[last].depth = depth
      return
    }
    open(max(depth, 0))
    while depth < 0, !blocks.isEmpty {
      blocks.removeLast()
      depth += 1
    }
  }

  private mutating func open(_ count: Int) {
    var inner = blocks.last ?? Block()
    inner.isChain = false
    blocks += Array(repeating: inner, count: count)
  }

  /// Whether a line goes on with the group before it.
  private mutating func goesOn(_ line: DumpLine, _ indentation: Int, in block: Block) -> Bool {
    let last = groups.count - 1
    guard let previous = groups[last].fold.pieces.last, groups[last].fold.pieces.count < FoldedLine.mostPieces else {
      return false
    }
    let usual = block.indentation ?? 0
    if block.isSet {
      guard groups[last].isElements, indentation < usual || usual == 0 && !beginsProperty(line) else { return false }
      return isBrokenInside(previous, line)
    }
    guard block.isChain, let table = groups[last].table else { return false }
    let isLeft = usual > 0 && indentation < usual
    guard isLeft || usual == 0 else { return false }
    let before = statement(groups[last].fold, table)
    guard let before, let alone = statement(FoldedLine(pieces: [line]), table) else { return true }
    if before.isClosed || alone.isHook { return false }
    // Both are statements: two rules, or one whose verdict was folded.
    guard width.mayFold(text.bytes, previous, before: line) || isLeft else { return false }
    groups[last].isDoubtful = groups[last].isDoubtful || !isLeft || !width.mayFold(text.bytes, previous, before: line)
    return true
  }

  /// Whether a line begins with what nft prints of a set beside its elements, and nothing of an element begins with.
  private func beginsProperty(_ line: DumpLine) -> Bool {
    var cursor = text.cursor(line)
    cursor.eatBlanks()
    guard let word = cursor.eatWord() else { return false }
    return ["type", "typeof", "flags", "elements", "size", "policy", "auto-merge", "gc-interval"]
      .contains(cursor.text(word))
  }

  /// Whether a line end in a list of elements stands where no comma allows it.
  private func isBrokenInside(_ piece: DumpLine, _ next: DumpLine) -> Bool {
    var end = piece.end
    while end > piece.start, text.bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
    let first = text.bytes.startOfWord(from: next.start, to: next.end)
    guard end > piece.start, first < next.end else { return false }
    return !",{=;".utf8.contains(text.bytes[end - 1]) && !",}".utf8.contains(text.bytes[first])
  }

  // MARK: - Statements

  /// What the lines of a chain say.
  private struct Statements: Equatable {
    var base: BaseChain?
    var rules: [FoldedRule]
    /// Whether nothing of the same rule can stand behind them.
    var isClosed: Bool
    /// Whether they say what calls the chain.
    var isHook: Bool { rules.isEmpty }
  }

  private func statement(_ fold: FoldedLine, _ table: Int) -> Statements? {
    let bytes = fold.joined(Array(repeating: true, count: fold.pieces.count - 1), in: text.bytes)
    return statements(bytes, table)
  }

  /// What a text says as the content of a chain; nil when not all of it can be read.
  private func statements(_ line: [UInt8], _ table: Int) -> Statements? {
    if hasBrokenName(line) { return nil }
    let written = Array("chain c {\n".utf8) + line + Array("\n}\n".utf8)
    let memory = SourceBytes(written)
    let ends = written.indices.filter { written[$0] == UInt8(ascii: "\n") }
    var lines: [DumpLine] = []
    for (number, end) in ends.enumerated() {
      lines.append(DumpLine(start: number == 0 ? 0 : ends[number - 1] + 1, end: end, number: Int32(number + 1)))
    }
    return withExtendedLifetime(memory) {
      let text = DumpText(source: 0, memory: memory, lines: lines)
      guard let chain = NftTextReader.chain(in: text, builder.tables[table].family, builder.lowerings[table]) else {
        return nil
      }
      var rules: [FoldedRule] = []
      for rule in chain.rules {
        guard rule.missing == nil, !rule.statements.isEmpty || rule.counter != nil,
          !rule.statements.dropLast().contains(where: { $0.endsRule })
        else { return nil }
        rules.append(FoldedRule(rule))
      }
      guard chain.base != nil || !rules.isEmpty || line.starts(with: "policy ".utf8) else { return nil }
      return Statements(
        base: chain.base, rules: rules,
        isClosed: chain.rules.last?.statements.last?.closesRule == true || chain.base != nil)
    }
  }

  /// Whether a blank stands in a text that is the name of an interface or the like: only comments and log prefixes have
  /// blanks.
  private func hasBrokenName(_ line: [UInt8]) -> Bool {
    let parts = line.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
    return parts.indices.contains { index in
      guard index % 2 == 1, parts[index].contains(UInt8(ascii: " ")) else { return false }
      var before = parts[index - 1]
      while before.last == UInt8(ascii: " ") { before.removeLast() }
      return !before.reversed().starts(with: "comment".utf8.reversed())
        && !before.reversed().starts(with: "prefix".utf8.reversed())
    }
  }

  // MARK: - Joining

  private func unfolded() -> DumpText? {
    let folds = groups.map(\.fold).filter { $0.pieces.count > 1 }
    guard !folds.isEmpty else { return nil }
    let folder = width.folder(of: folds, in: text.bytes)
    // A fold without any doubt shows that the text was folded.
    let isFolded = groups.contains { $0.fold.pieces.count > 1 && !$0.isDoubtful }
    var bytes = UnfoldedBytes(text.bytes)
    var lines: [DumpLine] = []
    for group in groups {
      let pieces = group.fold.pieces
      guard pieces.count > 1 else {
        lines.append(pieces[0])
        continue
      }
      switch result(of: group, folder, isFolded: isFolded) {
      case .joined(let way):
        lines.append(bytes.join(FoldedLine(pieces: Array(pieces.prefix(way.count + 1))), way))
        lines += pieces.dropFirst(way.count + 1)
      case .apart: lines += pieces
      case .unknown:
        var line = pieces[0]
        line.form = .unreadable
        lines.append(line)
      }
    }
    return bytes.text(of: text, lines)
  }

  private func result(of group: Group, _ folder: FoldWidth.Folder?, isFolded: Bool) -> Unfolding<Statements>.Result {
    guard let table = group.table, !group.isElements else { return .joined(elementWay(group.fold)) }
    let unfolding = Unfolding(text: text, width: width, folder: folder) {
      statements(Array($0.bytes[$0.lines[0].range]), table)
    }
    let result = unfolding.result(group.fold) { _ in true }
    guard group.isDoubtful, case .joined = result, !isFolded else { return result }
    return .unknown
  }

  /// How the pieces of a list of elements belong together: its words stand apart by commas, but for what is told of an
  /// element.
  private func elementWay(_ fold: FoldedLine) -> [Bool] {
    zip(fold.pieces, fold.pieces.dropFirst()).map { piece, next in
      var end = piece.end
      while end > piece.start, text.bytes[end - 1] <= UInt8(ascii: " ") { end -= 1 }
      var start = end
      while start > piece.start, text.bytes[start - 1] > UInt8(ascii: " ") { start -= 1 }
      var cursor = text.cursor(next)
      cursor.eatBlanks()
      let first = cursor.eatWord() ?? 0..<0
      return Self.properties.contains(text.bytes.text(start..<end)) || Self.properties.contains(cursor.text(first))
        || cursor.range(first, equals: ":") || text.bytes.text(start..<end) == ":"
    }
  }

  private static let properties: Set<String> = [
    "timeout", "expires", "comment", "counter", "packets", "bytes", "limit", "rate", "quota", "last", "used", "jump",
    "goto",
    "elements", "=", ".",
  ]
}

extension NftTextReader {
  /// The chain that a text holds, when all of it can be read.
  static func chain(in text: DumpText, _ family: TableFamily, _ lowering: NftLowering) -> Chain? {
    var reader = NftTextReader(text: text, tokens: NftTokens(text)) { _ in nil }
    let index = reader.builder.table(family, "t")
    reader.builder.lowerings[index] = lowering
    guard reader.eat("chain") else { return nil }
    do {
      try reader.readChain(index, start: 0)
    } catch {
      return nil
    }
    reader.readPutOffRules(diagnosticsFrom: 0)
    reader.skipNewlines()
    guard reader.kind == .end, reader.diagnostics.isEmpty else { return nil }
    return reader.builder.tables[index].chains.first
  }
}

extension Statement {
  /// Whether nothing of a rule can stand behind this statement but a comment.
  fileprivate var endsRule: Bool {
    switch self {
    case .verdict(.continue): false
    case .verdict, .translate: true
    // What is lost at the end of a piece may stand in the next one.
    case .opaqueTarget(let part): part.lost == nil
    default: false
    }
  }

  /// Whether nothing of a rule stands behind this statement: behind a map of verdicts nothing is ever met, unless it says
  /// `continue`.
  fileprivate var closesRule: Bool {
    guard case .verdictMap(_, .anonymous(let elements)) = self else { return endsRule }
    return !elements.contains { $0.data == .verdict(.continue) }
  }
}

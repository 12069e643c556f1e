import RuleGraph

/// The chains and rows of a long listing, read on all processors: a row is read alike in every chain with the same head
/// line.
struct ListingRows {
  private let header: ListingHeader
  private var parts: [Part]
  /// The part and the run in it that come next.
  private var next = (part: 0, run: 0)
  /// The part and the chain in it that come next.
  private var nextChain = (part: 0, index: 0)

  /// A user's chain with the usual head line, as far as nothing is to be told of its rules.
  private struct ReadChain: Sendable {
    /// The index of the line of its head, and of the one behind what was read of it.
    var lines: Range<Int>
    var name: PlacePool.HashedName
    var text: String
    var references: Int?
    var rules: [Rule]
  }

  /// Where the first of some rows stands.
  private struct RowPlace: Sendable {
    /// The index of its line.
    var line: Int
    /// The number that was printed before it.
    var number: UInt64?
  }

  /// What was read of some lines.
  private struct Part: Sendable {
    /// The rules of neighbouring lines that belong to no chain below.
    var rules = RuleRuns<RowPlace>()
    var chains: [ReadChain] = []
    var hidesInterfaces = false
  }

  /// Whether some rule does not tell its interfaces.
  var hidesInterfaces: Bool { parts.contains { $0.hidesInterfaces } }

  /// How many chains were read.
  var chainCount: Int { parts.reduce(0) { $0 + $1.chains.count } }

  /// Reads the rows of a listing; nil when it is too short for that.
  init?(_ text: DumpText, family: AddressFamily) {
    guard text.lines.count >= 2000,
      let header = text.lines.prefix(20).lazy.compactMap({ ListingHeader(text.cursor($0)) }).first
    else { return nil }
    self.header = header
    let isUsual = header == ListingHeader.usual
    parts = Parallel.map(Parallel.runs(of: text.lines.count, atLeast: 2000)) { run in
      var reader = ListingRuleReader(bytes: text.bytes, family: family)
      var part = Part()
      var index = run.lowerBound
      while index < run.upperBound {
        if isUsual, let chain = Self.chain(text, index..<run.upperBound, header, &reader) {
          index = chain.lines.upperBound
          part.chains.append(chain)
          continue
        }
        let line = index
        if let rule = Self.rule(text, text.lines[line], header, &reader) {
          let number = reader.number
          part.rules.append(rule, at: RowPlace(line: line, number: number)) { first, count in
            first.line + count == line && first.number.map { $0 + UInt64(count) } == number
          }
        }
        index += 1
      }
      part.hidesInterfaces = reader.hidesInterfaces
      return part
    }
  }

  /// The rule of a line; nil when the line is no row, or one of which there is something to tell.
  private static func rule(
    _ text: DumpText, _ line: DumpLine, _ header: ListingHeader, _ reader: inout ListingRuleReader
  ) -> Rule? {
    let start = text.bytes.startOfWord(from: line.start, to: line.end)
    guard start < line.end, text.bytes[start] >= UInt8(ascii: "0"), text.bytes[start] <= UInt8(ascii: "9"),
      line.form != .cutOff
    else {
      return nil
    }
    let rule = reader.read(text.cursor(line), header: header, span: text.span(line), line: line)
    guard reader.diagnostics.isEmpty else {
      reader.diagnostics = []
      return nil
    }
    return rule
  }

  /// The chain whose head is the first of some lines; nil when that is another line, or a head or head line that is not
  /// the usual one.
  private static func chain(
    _ text: DumpText, _ lines: Range<Int>, _ header: ListingHeader, _ reader: inout ListingRuleReader
  ) -> ReadChain? {
    let line = text.lines[lines.lowerBound]
    guard line.form == .chainHead, lines.count > 1, text.lines[lines.lowerBound + 1].form == .columnHead,
      let head = ListingChainHead(text.cursor(line)), head.references != nil,
      !BuiltinTables.mayHave(text.bytes, head.name)
    else { return nil }
    var rules: [Rule] = []
    var index = lines.lowerBound + 2
    while index < lines.upperBound {
      let line = text.lines[index]
      if line.form != .empty {
        guard line.form != .chainHead, let rule = rule(text, line, header, &reader) else { break }
        // Few chains have more rules than two.
        if rules.isEmpty { rules.reserveCapacity(2) }
        rules.append(rule)
      }
      index += 1
    }
    return ReadChain(
      lines: lines.lowerBound..<index, name: PlacePool.HashedName(head.name, in: text.bytes),
      text: text.bytes.text(head.name),
      references: head.references, rules: rules)
  }

  /// Gives away the chain whose head stands in a line, with the index of the line behind what was read of it. Lines are
  /// asked for in their order.
  mutating func takeChain(at line: Int, of text: DumpText) -> (name: PlacePool.HashedName, chain: Chain, end: Int)? {
    while nextChain.part < parts.count {
      let (part, count) = (nextChain.part, parts[nextChain.part].chains.count)
      while nextChain.index < count, parts[part].chains[nextChain.index].lines.lowerBound < line {
        nextChain.index += 1
      }
      let index = nextChain.index
      if index < count {
        guard parts[part].chains[index].lines.lowerBound == line else { return nil }
        // What is given away has no other owner.
        var rules: [Rule] = []
        swap(&rules, &parts[part].chains[index].rules)
        var name = ""
        swap(&name, &parts[part].chains[index].text)
        let chain = Chain(
          name, rules: rules, references: parts[part].chains[index].references, span: text.span(text.lines[line]))
        return (parts[part].chains[index].name, chain, parts[part].chains[index].lines.upperBound)
      }
      nextChain = (nextChain.part + 1, 0)
    }
    return nil
  }

  /// Gives away the rules from a line on that stand under a head line; nil when the line has to be read there. Lines
  /// are asked for in their order.
  mutating func takeRules(from line: Int, header: ListingHeader?) -> (rules: [Rule], number: UInt64?)? {
    while next.part < parts.count {
      let (part, count) = (next.part, parts[next.part].rules.runs.count)
      while next.run < count, parts[part].rules.runs[next.run].place.line < line { next.run += 1 }
      if next.run < count {
        let place = parts[part].rules.runs[next.run].place
        guard place.line == line, header == self.header else { return nil }
        return (parts[part].rules.take(next.run), place.number)
      }
      next = (next.part + 1, 0)
    }
    return nil
  }
}

/// `Chain FORWARD (policy DROP 3 packets, 4K bytes)` or `Chain DOCKER (2 references)`
struct ListingChainHead {
  /// The name of the chain.
  var name: Range<Int>
  var policy: BaseChain.Policy?
  var counter: Counter?
  var references: Int?

  /// Reads a head; nil when the line is none.
  init?(_ line: ByteCursor) {
    var cursor = line
    guard cursor.eat("Chain ") else { return nil }
    cursor.eatBlanks()
    guard let word = cursor.eatWord() else { return nil }
    name = word
    cursor.eatBlanks()
    if cursor.eat("(policy ") {
      cursor.eatBlanks()
      let word = cursor.eat(while: { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") })
      policy = BaseChain.Policy(rawValue: cursor.text(word).lowercased())
      cursor.eatBlanks()
      if let packets = cursor.eatScaledNumber(), cursor.eatBlanks() > 0, cursor.eat("packets, ") {
        cursor.eatBlanks()
        if let bytes = cursor.eatScaledNumber() { counter = Counter(packets: packets, bytes: bytes) }
      }
    } else if cursor.eat("("), let count = cursor.eatDecimal() {
      references = Int(exactly: count)
    }
  }
}

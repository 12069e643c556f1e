import RuleGraph

/// The state between the lines of a save.
struct SaveReading: ~Copyable {
  let text: DumpText
  var family: AddressFamily
  let namedTable: String?
  var origin = TableOrigin.iptables
  var fragment = RuleFragment()
  /// The table that is open, without its chains.
  var table: Table?
  var hasTable = false
  var tableIsInferred = false
  /// The chains of the open table.
  var chains: [Chain] = []
  /// For each name of the rule reader's pool the chain in the open table.
  var chainOfName = ChainOfName()
  var lastChain: (name: Range<Int>, index: Int)?
  var line: SaveRuleReader
  /// Whether the open table began with a line of its own, and so ends with `COMMIT`.
  var hasHead = false
  /// The chain of the last rule of the open table.
  var lastRule: Int?
  /// What is missing behind the last rule, and where.
  var lost: (missing: MissingRules, span: SourceSpan)?
  /// Whether lines are missing before the first rule, so that chains may have heads that nobody sees.
  var hasLostHeads = false
  /// Whether lines stood there that are no part of a save.
  var hasStrangers = false
  /// The rules without a target.
  var bare = BareRules()
  /// Up to these lines no run of rules or of chains' heads is long enough to be worth more than one processor.
  var shortUntil = 0
  var shortHeadsUntil = 0
  /// Whether a `*table` began the open table, so that every chain of it has a head.
  var hasTableLine = false
  var hasHeads = false
  /// Whether the head of a built-in chain was read.
  var hasBuiltInHead = false
  /// The lines of the open table that no chain is known of.
  var strays = StrayLines()
  /// Whether some rule of the open table could not be read.
  var hasUnreadRules = false
  /// The tables of the output that is read begin here in the fragment.
  var firstOfOutput = 0

  init(text: DumpText, family: AddressFamily, table: String?) {
    self.text = text
    self.family = family
    namedTable = table
    line = SaveRuleReader(bytes: text.bytes, family: family)
  }

  /// Where a rule stands.
  struct RulePlace: Sendable {
    /// The name of its chain.
    var chain: Range<Int>
    /// The number of that name; nil when no head has it.
    var number: Int?
    /// The index of its line.
    var line: Int
  }

  /// The rules of some lines of a run, read apart from the others.
  struct RulesOfLines: Sendable {
    var rules = RuleRuns<RulePlace>()
    var diagnostics: [Diagnostic] = []
    var bare = BareRules()
    /// The line at which reading ended: its quotation mark may go on behind it.
    var openLine: Int?
  }

  /// Reads a long run of plain rules on all processors; gives the index of the line behind it. Of a short run nothing
  /// is read.
  mutating func readRules(from first: Int) -> Int {
    guard hasTable, first >= shortUntil else { return first }
    let end = end(ofRunOf: .rule, from: first)
    guard end - first >= 500 else {
      shortUntil = end
      return first
    }
    let family = family
    let text = text
    // The names of chains that were declared are shared by all parts.
    var parts = line.chainNames.withView { names in
      Parallel.map(Parallel.runs(of: end - first, atLeast: 2000)) { run in
        Self.rules(of: text, first + run.lowerBound..<first + run.upperBound, family, names)
      }
    }
    for part in parts.indices {
      for run in parts[part].rules.runs.indices {
        let place = parts[part].rules.runs[run].place
        let index = chainIndex(place)
        if strays.areOpen || place.number == nil { noteRule(of: index, text.span(text.lines[place.line])) }
        strays.lastChain = index
        follow(index)
        chains[index].rules.takeOver(parts[part].rules.take(run))
      }
      if !parts[part].diagnostics.isEmpty { hasUnreadRules = true }
      fragment.diagnostics += parts[part].diagnostics
      bare.append(parts[part].bare)
      if let line = parts[part].openLine {
        // The rest of the run one after the other: what is read twice must not grow with the number of such lines.
        shortUntil = end
        return line == first ? first : line
      }
    }
    return end
  }

  /// The index of the first line from one on that does not look so.
  func end(ofRunOf form: PlainForm, from first: Int) -> Int {
    text.lines[first...].firstIndex { $0.form != form } ?? text.lines.count
  }

  static func rules(
    of text: DumpText, _ lines: Range<Int>, _ family: AddressFamily, _ names: TextsView
  ) -> RulesOfLines {
    var reader = SaveRuleReader(bytes: text.bytes, family: family, declared: names)
    var part = RulesOfLines()
    for index in lines {
      let line = text.lines[index]
      var cursor = text.cursor(line)
      cursor.at += 3
      let chain = cursor.eatWord() ?? 0..<0
      let known = reader.diagnostics.count
      let rule = reader.read(cursor, counter: nil, span: text.span(line), line: line)
      if reader.endsInQuote {
        reader.diagnostics.removeLast(reader.diagnostics.count - known)
        part.openLine = index
        break
      }
      part.rules.append(
        rule, at: RulePlace(chain: chain, number: names.known(chain, in: text.bytes), line: index),
        follows: { place, _ in text.bytes.areEqual(place.chain, chain) })
    }
    part.diagnostics = reader.diagnostics
    part.bare = reader.bare
    return part
  }

  /// Takes over what the reader of rules knows of those without a target.
  mutating func takeBareRules() { bare.append(line.takeBare()) }

  mutating func chainIndex(_ place: RulePlace) -> Int {
    if let chain = place.number.flatMap({ chainOfName[$0] }) { return chain }
    return chainIndex(place.chain, text.lines[place.line])
  }

  /// Reads a long run of heads of users' chains on all processors; gives the index of the line behind it. Of a short
  /// run nothing is read.
  mutating func readHeads(from first: Int) -> Int {
    guard hasTable, first >= shortHeadsUntil else { return first }
    let end = end(ofRunOf: .head, from: first)
    guard end - first >= 2000 else {
      shortHeadsUntil = end
      return first
    }
    let text = text
    let runs = Parallel.runs(of: end - first, atLeast: 1000)
    var found: [Range<Int>] = []
    Parallel.append(runs.map(\.count), to: &found) { run, names in
      for index in runs[run] { names.append(Self.userChainName(text, text.lines[first + index])) }
    }
    let names = found
    let before = line.chainNames.texts.count
    guard line.add(newChainNames: names) else {
      // A chain that was met before, or a built-in one.
      for index in first..<end { _ = read(at: index) }
      return end
    }
    hasHeads = true
    let texts = line.chainNames.texts
    let places = chains.count..<chains.count + names.count
    Parallel.append(runs.map(\.count), to: &chains) { run, chains in
      for index in runs[run] {
        let line = text.lines[first + index]
        var counter = ByteCursor(text.bytes, names[index].upperBound + 3..<line.end)
        chains.append(
          Chain(texts[before + index], policyCounter: Self.eatCounter(&counter), span: text.span(line)))
      }
    }
    chainOfName.append(places, at: before)
    return end
  }

  /// The name of `:KUBE-SVC-ERIFXISQEP7F7OF4 - [0:0]`; an empty range of the head of another chain.
  static func userChainName(_ text: DumpText, _ line: DumpLine) -> Range<Int> {
    var cursor = text.cursor(line)
    cursor.at += 1
    guard let name = cursor.eatWord(), !BuiltinTables.mayHave(text.bytes, name), cursor.eat(" - ") else { return 0..<0 }
    return name
  }

  /// Reads the line of an index, and those that a quotation mark makes a part of it; gives the index behind them.
  mutating func read(at index: Int) -> Int {
    let dumpLine = text.lines[index]
    if dumpLine.form == .unreadable {
      unreadable(dumpLine, at: dumpLine.start, expected: "a whole line")
      return index + 1
    }
    var cursor = text.cursor(dumpLine)
    cursor.eatBlanks()
    switch cursor.peek {
    case nil: break
    case UInt8(ascii: "#"):
      // Comments stand in files only; `iptables -S` prints none.
      let isPrinted = hasTable && !hasTableLine
      if let evidence = OmissionMark.evidence(text.bytes, cursor.at..<cursor.end)
        ?? (isPrinted ? OmissionMark.evidence(ofComment: cursor) : nil)
      {
        lose(MissingRules(evidence), text.span(dumpLine))
      } else if hasTable, isMask(at: index) {
        lose(MissingRules(.elided), text.span(dumpLine))
      } else {
        readComment(cursor, dumpLine)
      }
    case UInt8(ascii: "*") where cursor.peek(ahead: 1).map { $0 != UInt8(ascii: "*") && $0 > UInt8(ascii: " ") } == true:
      cursor.at += 1
      endTable(cutAt: hasHead ? text.span(dumpLine) : nil)
      beginTable(cursor.text(cursor.eatWord() ?? 0..<0), span: text.span(dumpLine))
      hasTableLine = true
      hasHead = true
    case UInt8(ascii: ":") where Self.isEndOfTime(cursor): break
    case UInt8(ascii: ":") where OutputStart.isEndOfPort(cursor):
      unreadable(dumpLine, at: cursor.at, expected: "a rule or the head of a chain", standsForRules: true)
    case UInt8(ascii: ":") where cursor.end - cursor.at == 1 && hasTable:
      // A colon alone stands for more of the same.
      if hasRule(behind: index) { lose(MissingRules(.elided), text.span(dumpLine)) }
    case UInt8(ascii: ":"):
      cursor.at += 1
      readChainHead(&cursor, dumpLine)
    default:
      if cursor.eat("COMMIT") {
        noteCutBeginning(text.span(dumpLine))
        endTable()
      } else {
        return readCommand(&cursor, dumpLine, at: index)
      }
    }
    return index + 1
  }

  /// Whether a line of the same table, a rule or a chain's head, stands behind a place.
  func hasRule(behind index: Int) -> Bool {
    for line in text.lines[(index + 1)...] {
      var cursor = text.cursor(line)
      cursor.eatBlanks()
      if cursor.peek == UInt8(ascii: "*") || cursor.eat("COMMIT") { return false }
      if OutputStart.isSaveLine(cursor) { return true }
    }
    return false
  }

  /// Whether a line of comment signs stands in the place of rules: right between two. In rule files such lines frame a
  /// comment.
  func isMask(at index: Int) -> Bool {
    guard OmissionMark.isMask(text.bytes, text.lines[index].range), index > 0, index + 1 < text.lines.count else {
      return false
    }
    return [index - 1, index + 1].allSatisfy { OutputStart.isSaveLine(text.cursor(text.lines[$0])) }
  }
}

/// The chains of a table by the numbers of their names, of which there are as many as in the longest of dumps.
struct ChainOfName {
  /// The index of each name's chain; -1, which only this type knows of, of a name that is no chain's.
  private var indexes: [Int32] = []

  subscript(name: Int) -> Int? {
    get {
      guard name < indexes.count, indexes[name] >= 0 else { return nil }
      return Int(indexes[name])
    }
    set {
      while indexes.count <= name { indexes.append(-1) }
      indexes[name] = newValue.map { Int32($0) } ?? -1
    }
  }

  /// Takes the chains of names that follow each other from a number on, none of which has been met before.
  mutating func append(_ chains: Range<Int>, at name: Int) {
    indexes += repeatElement(-1, count: name - indexes.count)
    indexes += chains.map { Int32($0) }
  }
}

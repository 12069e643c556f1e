import RuleGraph

/// Reads what `nft -j list ruleset` prints (libnftables-json(5)).
///
/// The text may be on one line or many. Where it is cut or broken, the objects before the break are used, the reader looks for the next whole object
/// behind it, and a diagnostic names the place. Objects wrapped in `add`, `create` and `insert` commands are taken like listed ones.
struct NftJSONReader: Sendable {
  let text: DumpText
  var builder: NftTableBuilder
  var diagnostics: [Diagnostic] = []
  /// Where the text ends before the output does, or lacks objects that nobody can tell the table of.
  private var cut: SourceSpan?
  /// The offset at which the text stops to be JSON.
  private var problem: Int?
  /// The table of the last object, and the last rule's chain in it.
  private var open: (table: Int, chain: Int?)?
  private var statementCache = NftJSONCache<Statement>(count: 4096)
  private var counterCache = NftJSONCache<Counter>(count: 64)
  /// Where the rule before this one went; the next one mostly goes there too.
  private var lastPlace = RulePlace()

  /// The names of a rule's family, table and chain by their bytes, and what they stand for.
  private struct RulePlace {
    var family = 0..<0
    var table = 0..<0
    var chain = 0..<0
    var tableIndex = 0
    var chainIndex = 0

    func isSamePlace(as other: RulePlace, in bytes: ByteView) -> Bool {
      !other.chain.isEmpty && bytes.areEqual(chain, other.chain) && bytes.areEqual(table, other.table)
        && bytes.areEqual(family, other.family)
    }

    /// Whether two places that were found are one.
    func isSameChain(as other: RulePlace) -> Bool { chainIndex == other.chainIndex && tableIndex == other.tableIndex }
  }

  private init(text: DumpText) {
    self.text = text
    builder = NftTableBuilder()
  }

  /// Reads the tables of a dump.
  static func read(_ text: DumpText) -> RuleFragment {
    let read = readDocument(of: text)
    guard text.lines.count > 1, text.hasFoldedTexts || read.problem != nil, let unfolded = FoldedJSON.unfolded(text)
    else {
      return read.fragment
    }
    return withExtendedLifetime(unfolded) {
      let whole = readDocument(of: unfolded)
      // Only what is better understood so was folded.
      guard let problem = whole.problem else { return whole.fragment }
      return text.hasFoldedTexts || problem > read.problem ?? .max ? whole.fragment : read.fragment
    }
  }

  /// What was read, and where the text breaks off, if it does.
  private static func readDocument(of text: DumpText) -> (fragment: RuleFragment, problem: Int?) {
    var reader = NftJSONReader(text: text)
    reader.readDocument()
    var fragment = RuleFragment(tables: reader.builder.finish(), diagnostics: reader.diagnostics)
    fragment.cut = reader.cut
    return (fragment, reader.problem)
  }

  private mutating func readDocument() {
    if let tapes = JSONPieces.tapes(of: text, list: "nftables") {
      read(tapes.flatMap(\.values)[...])
      return
    }
    let tape = JSONTape(text)
    guard let root = tape.root else {
      diagnostics.append(
        Diagnostic("json-without-rules", .error, "There is no JSON here.", expected: "{\"nftables\": [ … ]}"))
      problem = 0
      cut = text.lines.first.map { text.span($0) }
      return
    }
    guard let list = root["nftables"], list.kind == .array else {
      diagnostics.append(
        Diagnostic(
          "json-without-rules", .error, "This JSON holds no `nftables` list.", span: root.span(in: text),
          expected: "{\"nftables\": [ … ]}"))
      cut = root.span(in: text)
      problem = tape.problem?.offset
      return
    }
    // The object in which the text breaks off is left out: half a rule would say something else than the whole.
    let whole = tape.problem?.offset ?? .max
    read(list.elements.filter { $0.range.upperBound < whole }[...])
    if let problem = tape.problem { report(problem, of: tape) }
  }

  /// Reads objects of a listing in their order.
  private mutating func read(_ list: ArraySlice<JSONValue>) {
    var items = list
    while !items.isEmpty {
      let rules = items.prefix { $0.isRule }
      if rules.count >= 4000 {
        items.removeFirst(readRules(rules))
      } else {
        for item in items.prefix(max(1, rules.count)) { readItem(item) }
        items.removeFirst(max(1, rules.count))
      }
    }
  }

  /// Tells where the text breaks off, and goes on at the objects behind the break that are whole.
  private mutating func report(_ problem: JSONTape.Problem, of tape: JSONTape) {
    let offset = tape.sourceOffset(problem.offset)
    let span = text.span(offset..<min(offset + 1, text.bytes.count))
    var lineStart = min(offset, text.bytes.count)
    while lineStart > 0, text.bytes[lineStart - 1] != 0x0a { lineStart -= 1 }
    let atEnd = Self.isEnd(tape.bytes, problem.offset)
    diagnostics.append(
      Diagnostic(
        atEnd ? "json-cut-off" : "json-broken", .warning,
        atEnd ? "The JSON ends before it is complete; what stands before is used." : "The JSON is broken here.",
        span: span, column: offset - lineStart + 1, expected: problem.expected))
    self.problem = problem.offset
    lose(MissingRules(atEnd ? .cut : .unreadable), span)
    var at = problem.offset
    while let start = nextObject(in: tape.bytes, from: at) {
      let part = JSONTape(tape.memory, start..<tape.bytes.count)
      if part.problem == nil, let object = part.root {
        readItem(object)
        at = max(part.end, start + 1)
      } else {
        at = start + 1
      }
      if let broken = part.problem {
        if broken.offset >= tape.bytes.count {
          lose(MissingRules(.cut), span)
          break
        }
        lose(MissingRules(.unreadable), span)
      }
    }
  }

  /// Whether a text breaks off at a place because it ends there: behind it stands nothing but the beginning of a word, a number or a text.
  private static func isEnd(_ bytes: ByteView, _ place: Int) -> Bool {
    guard place < bytes.count else { return true }
    if bytes[place] == 0x22 {
      var end = place + 1
      while true {
        end = bytes.endOfText(from: min(end, bytes.count), to: bytes.count)
        guard end < bytes.count, bytes[end] == 0x5c else { break }
        end += 2
      }
      return end >= bytes.count
    }
    return bytes[place...].allSatisfy {
      $0 != 0x22 && $0 != 0x2c && $0 != 0x3a && $0 < 0x7b && $0 != 0x5b && $0 != 0x5d
    }
  }

  /// Notes that objects are missing behind the last one: rules of its chain and of those below it, which come next, or chains.
  private mutating func lose(_ missing: MissingRules, _ span: SourceSpan) {
    cut = cut ?? span
    guard let open else { return }
    builder.tables[open.table].shown = .part
    for chain in (open.chain ?? 0)..<max(builder.tables[open.table].chains.count, open.chain ?? 0)
    where chain == open.chain || builder.tables[open.table].chains[chain].rules.isEmpty {
      if builder.tables[open.table].chains[chain].rules.last?.missing == nil {
        builder.tables[open.table].chains[chain].addMissing(missing, span: span)
      }
    }
  }

  /// The offset of the next `{` that begins an object of a listing: its first name is a kind of object.
  private func nextObject(in bytes: ByteView, from start: Int) -> Int? {
    var at = start
    while at < bytes.count {
      if bytes[at] == 0x7b {
        var cursor = ByteCursor(bytes, at + 1..<bytes.count)
        while cursor.eat(0x20) || cursor.eat(0x0a) || cursor.eat(0x0d) || cursor.eat(0x09) {}
        if cursor.eat("\"rule\"") || cursor.eat("\"chain\"") || cursor.eat("\"table\"")
          || cursor.eat("\"set\": {\"family\"")
          || cursor.eat("\"map\": {\"family\"")
        {
          return at
        }
      }
      at += 1
    }
    return nil
  }

  private mutating func readItem(_ item: JSONValue) {
    for (key, value) in item.members {
      switch key.string {
      case "metainfo": break
      case "add", "create", "insert": readItem(value)
      case "table": readTable(value)
      case "chain": readChain(value)
      case "rule": readRule(value)
      case "set": readSet(value, isMap: false)
      case "map": readSet(value, isMap: true)
      case "element": readElements(value)
      case let kind?: readObject(value, kind: kind)
      case nil: break
      }
    }
  }

  mutating func warn(_ id: String, _ message: String, _ value: JSONValue) {
    diagnostics.append(Diagnostic(id, .warning, message, span: value.span(in: text)))
  }

  /// The table that an object belongs to; one that the dump does not list is made for it.
  private mutating func table(of object: JSONValue, named key: StaticString = "table") -> Int? {
    guard let family = object["family"]?.string.flatMap({ TableFamily(rawValue: $0) }), let name = object[key]?.string
    else {
      warn("unreadable-object", "This object names no table.", object)
      lose(MissingRules(.unreadable), object.span(in: text))
      return nil
    }
    let index = builder.table(family, name)
    if open?.table != index { open = (index, nil) }
    return index
  }

  private mutating func readTable(_ object: JSONValue) {
    guard let index = table(of: object, named: "name") else { return }
    builder.tables[index].handle = object["handle"]?.unsigned
    builder.tables[index].comment = object["comment"]?.string
    builder.tables[index].flags = Self.strings(object["flags"])
    builder.tables[index].span = object.span(in: text)
  }

  private mutating func readChain(_ object: JSONValue) {
    guard let index = table(of: object) else { return }
    guard let name = object["name"]?.string else {
      warn("unreadable-object", "This chain has no name.", object)
      builder.tables[index].shown = .part
      return
    }
    var chain = Chain(
      name, handle: object["handle"]?.unsigned, comment: object["comment"]?.string, span: object.span(in: text))
    if let hookName = object["hook"]?.string {
      if let hook = Hook(rawValue: hookName), let type = ChainType(rawValue: object["type"]?.string ?? "filter") {
        chain.base = BaseChain(
          type: type, hook: hook, priority: priority(object["prio"], hook, builder.tables[index].family),
          policy: object["policy"]?.string.flatMap { BaseChain.Policy(rawValue: $0) } ?? .accept,
          devices: Self.strings(object["dev"]) + Self.strings(object["devices"]))
      } else {
        warn("unknown-hook", "The hook or type of this chain is unknown.", object)
        builder.tables[index].shown = .part
      }
    }
    builder.add(chain, to: index)
  }

  private mutating func priority(_ value: JSONValue?, _ hook: Hook, _ family: TableFamily) -> Int32 {
    guard let value else { return 0 }
    if let number = value.integer { return Int32(clamping: number) }
    if let word = value.string, let number = NftPriority.value(word, hook: hook, family: family) { return number }
    warn("unknown-priority", "The priority of this chain is unknown.", value)
    return 0
  }

  /// What was read of a run of rules apart from the others.
  private struct Part: Sendable {
    var rules = RuleRuns<RulePlace>()
    var diagnostics: [Diagnostic] = []
    /// Whether a rule is of a table or chain that nothing declared before: from there on the rules are read one after the other.
    var isCutShort = false
  }

  /// Reads many rules that stand in a row on all processors; gives how many it read, at least one.
  private mutating func readRules(_ items: ArraySlice<JSONValue>) -> Int {
    let first = items.startIndex
    let reader = self
    let parts = Parallel.map(Parallel.runs(of: items.count, atLeast: 2000)) { run in
      var reader = reader
      reader.diagnostics = []
      var part = Part()
      // Each processor reads from a tape of its own.
      var shared: JSONTape?
      var own: JSONTape?
      for item in items[first + run.lowerBound..<first + run.upperBound] {
        if item.tape !== shared {
          shared = item.tape
          own = JSONTape(sharing: item.tape)
        }
        guard let own else { break }
        guard let read = reader.rule(item.on(own), ofKnownChain: true) else {
          part.isCutShort = true
          break
        }
        part.rules.append(read.rule, at: read.place) { place, _ in place.isSameChain(as: read.place) }
      }
      part.diagnostics = reader.diagnostics
      return part
    }
    var count = 0
    for part in parts {
      for (place, rules) in part.rules.runs {
        builder.append(rules, toChainAt: place.chainIndex, of: place.tableIndex)
        open = (place.tableIndex, place.chainIndex)
        count += rules.count
      }
      diagnostics += part.diagnostics
      guard part.isCutShort else { continue }
      readItem(items[first + count])
      return count + 1
    }
    return count
  }

  private mutating func readRule(_ object: JSONValue) {
    guard let (rule, place) = rule(object, ofKnownChain: false) else { return }
    open = (place.tableIndex, place.chainIndex)
    builder.append([rule], toChainAt: place.chainIndex, of: place.tableIndex)
  }

  /// Reads the rule that an item holds. Nil when its place is not told or, with `ofKnownChain`, was not declared.
  private mutating func rule(_ item: JSONValue, ofKnownChain: Bool) -> (rule: Rule, place: RulePlace)? {
    guard let object = ofKnownChain ? item["rule"] : item else { return nil }
    var place = RulePlace()
    var rule = Rule([], span: object.span(in: text))
    var list: JSONValue?
    for (key, value) in object.members {
      if key.equals("expr") {
        list = value
      } else if key.equals("family") {
        place.family = value.range
      } else if key.equals("table") {
        place.table = value.range
      } else if key.equals("chain") {
        place.chain = value.range
      } else if key.equals("handle") {
        rule.handle = value.unsigned
      } else if key.equals("comment") {
        rule.comment = value.string
      }
    }
    if !place.isSamePlace(as: lastPlace, in: object.tape.bytes) {
      if ofKnownChain {
        guard let family = object["family"]?.string.flatMap({ TableFamily(rawValue: $0) }),
          let index = object["table"]?.string.flatMap({ builder.tableIndex(family, $0) }),
          let chain = object["chain"]?.string.flatMap({ builder.chainIndex($0, in: index) })
        else { return nil }
        (place.tableIndex, place.chainIndex) = (index, chain)
      } else {
        guard let index = table(of: object) else { return nil }
        guard let chain = object["chain"]?.string else {
          warn("unreadable-object", "This rule names no chain.", object)
          lose(MissingRules(.unreadable), object.span(in: text))
          return nil
        }
        (place.tableIndex, place.chainIndex) = (index, builder.chain(chain, of: index))
      }
      lastPlace = place
    }
    if let list {
      rule.statements.reserveCapacity(4)
      readStatements(list, lastPlace.tableIndex, &rule)
    } else {
      rule.statements = [.opaqueTarget(Opaque(name: "unreadable", text: object.sourceText))]
    }
    return (rule, lastPlace)
  }

  private mutating func readStatements(_ list: JSONValue, _ index: Int, _ rule: inout Rule) {
    let bytes = list.tape.bytes
    for item in list.elements {
      let slot = statementCache.slot(bytes, item.range)
      if let known = statementCache.value(at: slot, bytes, item.range, context: index) {
        rule.statements.append(known)
        continue
      }
      let counterSlot = counterCache.slot(bytes, item.range)
      if rule.counter == nil, let known = counterCache.value(at: counterSlot, bytes, item.range, context: 0) {
        rule.counter = known
        continue
      }
      let count = rule.statements.count
      let hadCounter = rule.counter != nil
      do {
        try NftJSONStatements(lowering: builder.lowerings[index]).read(item, into: &rule)
        if rule.statements.count == count + 1, hadCounter == (rule.counter != nil) {
          statementCache.store(rule.statements[count], at: slot, item.range, context: index)
        } else if rule.statements.count == count, !hadCounter, let counter = rule.counter {
          counterCache.store(counter, at: counterSlot, item.range, context: 0)
        }
      } catch {
        rule.statements.append(NftJSONStatements.opaque(item))
        warn("unknown-statement", "This part of the rule is not understood: \(error.message).", item)
      }
    }
  }

  private mutating func readSet(_ object: JSONValue, isMap: Bool) {
    guard let index = table(of: object) else { return }
    guard let name = object["name"]?.string else {
      warn("unreadable-object", "This set has no name.", object)
      return
    }
    let key = NftJSONTypes.parts(object["type"], builder.lowerings[index])
    var set = NamedSet(name, keyTypes: key.map(\.type.rawValue))
    var data: [NftPart]?
    if isMap {
      let types = NftJSONTypes.parts(object["map"], builder.lowerings[index])
      data = types
      set.dataTypes = types.map(\.type.rawValue)
      if let kind = object["map"]?.string, NftJSONTypes.objectKinds.contains(kind) {
        set.dataTypes = [kind]
        data = [NftPart(.object)]
      }
    }
    set.handle = object["handle"]?.unsigned
    set.comment = object["comment"]?.string
    set.span = object.span(in: text)
    set.flags = NftArguments.flags(Self.strings(object["flags"]))
    for name: StaticString in ["timeout", "gc-interval", "size"] {
      if let value = object[name]?.unsigned { set.arguments.append(Argument("\(name)", String(value))) }
    }
    if let policy = object["policy"]?.string { set.arguments.append(Argument("policy", policy)) }
    if object["auto-merge"]?.bool == true { set.arguments.append(Argument("auto-merge")) }
    builder.lowerings[index].sets[name] = NftSetTypes(key: key, data: data)
    // What a reference to the set means is known only from here on.
    statementCache = NftJSONCache(count: 4096)
    for statement in object["stmt"]?.elements.map({ $0 }) ?? [] {
      set.arguments.append(contentsOf: NftJSONStatements.elementArguments(statement))
    }
    if let elements = object["elem"] { set.elements = self.elements(elements, key, data, index) }
    builder.add(set, to: index)
  }

  private mutating func readElements(_ object: JSONValue) {
    guard let index = table(of: object), let name = object["name"]?.string,
      let types = builder.lowerings[index].sets[name], let list = object["elem"],
      let set = builder.tables[index].sets.firstIndex(where: { $0.name == name })
    else { return }
    builder.tables[index].sets[set].elements.append(contentsOf: elements(list, types.key, types.data, index))
  }

  private mutating func elements(
    _ list: JSONValue, _ key: [NftPart], _ data: [NftPart]?, _ index: Int
  ) -> [SetElement] {
    var elements: [SetElement] = []
    for item in list.elements {
      do {
        let written = try NftJSONExpressions(lowering: builder.lowerings[index]).element(item, isMap: data != nil)
        elements.append(try builder.lowerings[index].element(written, key: key, data: data))
      } catch {
        warn("unreadable-element", "This element is not understood: \(error.message).", item)
      }
    }
    return elements
  }

  private mutating func readObject(_ object: JSONValue, kind: String) {
    guard NftJSONTypes.objectKinds.contains(kind) || kind == "flowtable" || kind == "tunnel" else {
      if kind != "flush", kind != "delete", kind != "reset", kind != "list", kind != "destroy" {
        warn("unknown-object", "An object of the kind `\(kind)` is not known.", object)
      }
      return
    }
    guard let index = table(of: object), let name = object["name"]?.string else { return }
    var result = NamedObject(kind: kind, name: name, handle: object["handle"]?.unsigned)
    result.comment = object["comment"]?.string
    result.span = object.span(in: text)
    for (key, value) in object.members {
      switch key.string {
      case "family", "table", "name", "handle", "comment", nil: break
      // A quota that nothing has used yet prints no use in text.
      case "used" where value.unsigned == 0: break
      case let key?: result.arguments.append(contentsOf: NftJSONTypes.arguments(key, value))
      }
    }
    builder.tables[index].objects.append(result)
  }

  /// A string or a list of strings as a list.
  static func strings(_ value: JSONValue?) -> [String] {
    guard let value else { return [] }
    if let single = value.string { return [single] }
    return value.elements.compactMap(\.string)
  }
}

extension JSONValue {
  /// Whether this is `{"rule": ...}` and nothing else.
  fileprivate var isRule: Bool {
    var members = members
    return members.next()?.key.equals("rule") ?? false && members.next() == nil
  }
}

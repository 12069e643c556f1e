import RuleGraph
import RuleText

/// Reads what `nft -j list ruleset` prints (libnftables-json(5)).
///
/// The text may be on one line or many. Where it is cut or broken, the objects before the break are used, the reader
/// looks for the next whole object behind it, and a diagnostic names the place. Objects wrapped in `add`, `create` and
/// `insert` commands are taken like listed ones.
struct NftJSONReader: Sendable {
  let text: DumpText
  var builder: NftTableBuilder
  var diagnostics: [Diagnostic] = []
  var statementCache = NftJSONCache<Statement>(count: 4096)
  /// Where the text ends before the output does, or lacks objects that nobody can tell the table of.
  var cut: SourceSpan?
  /// The offset at which the text stops to be JSON.
  var problem: Int?
  /// The table of the last object, and the last rule's chain in it.
  var open: (table: Int, chain: Int?)?
  var counterCache = NftJSONCache<Counter>(count: 64)
  /// Where the rule before this one went; the next one mostly goes there too.
  var lastPlace = RulePlace()
  /// Where rules stand that tell no chain: the index of the table, where that is known, and the object.
  var strays: [(table: Int?, span: SourceSpan)] = []
  /// Whether the object was read that every listing begins with.
  var hasMetainfo = false
  /// Whether some rule was read.
  var hasRule = false
  /// The tables that were listed themselves.
  var listedTables: Set<NftTableBuilder.TableKey> = []
  /// Whether a part of the rules is read apart from the others, and met a statement that adds to the table.
  var isPart = false
  var meetsChain = false

  /// The names of a rule's family, table and chain by their bytes, and what they stand for.
  struct RulePlace {
    var family = 0..<0
    var table = 0..<0
    var chain = 0..<0
    var id = ChainID(table: 0, chain: 0)

    func isSamePlace(as other: RulePlace, in bytes: ByteView) -> Bool {
      !other.chain.isEmpty && bytes.areEqual(chain, other.chain) && bytes.areEqual(table, other.table)
        && bytes.areEqual(family, other.family)
    }

    /// Whether two places that were found are one.
    func isSameChain(as other: RulePlace) -> Bool { id == other.id }
  }

  init(text: DumpText) {
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
  static func readDocument(of text: DumpText) -> (fragment: RuleFragment, problem: Int?) {
    var reader = NftJSONReader(text: text)
    reader.readDocument()
    reader.placeStrays()
    reader.markUnlistedTables()
    let tables = reader.builder.finish(&reader.diagnostics)
    var fragment = RuleFragment(tables: tables, diagnostics: reader.diagnostics)
    fragment.cut = reader.cut
    return (fragment, reader.problem)
  }

  mutating func readDocument() {
    if let tapes = JSONPieces.tapes(of: text, list: "nftables") {
      read(tapes.flatMap(\.values)[...])
      return
    }
    let tape = JSONTape(text)
    guard let root = tape.root else {
      diagnostics.append(
        Diagnostic("json-without-rules", .error, "no JSON found", expected: "{\"nftables\": [ … ]}"))
      problem = 0
      cut = text.lines.first.map { text.span($0) }
      return
    }
    guard let list = root["nftables"], list.kind == .array else {
      if isStream(root) { return readStream(tape) }
      diagnostics.append(
        Diagnostic(
          "json-without-rules", .error, "this JSON holds no `nftables` list", span: root.span(in: text),
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

  /// Whether a value is an object of a listing, or a list of such, without what nft prints around them.
  func isStream(_ root: JSONValue) -> Bool {
    if root.kind == .array { return root.elements.first { _ in true }.map { isStream($0) } ?? false }
    guard root.kind == .object, let (key, _) = root.members.first(where: { _ in true }), let kind = key.string else {
      return false
    }
    return kind == "metainfo" || Self.bareKind(root) != nil || NftType.objectKinds.contains(kind)
      || ["table", "chain", "rule", "set", "map", "element", "flowtable"].contains(kind)
  }

  /// What an object is that stands without the name of its kind.
  static func bareKind(_ object: JSONValue) -> String? {
    guard object.kind == .object, object["family"]?.string != nil, object["table"]?.string != nil else { return nil }
    if object["chain"]?.string != nil { return "rule" }
    if object["name"] == nil { return nil }
    if object["hook"] != nil { return "chain" }
    return object["type"] == nil && object["elem"] == nil ? "chain" : nil
  }

  /// Reads objects that stand one after the other, as `jq '.nftables[]'` prints them. Where the first of a listing is
  /// missing, others may be too.
  mutating func readStream(_ first: JSONTape) {
    var next: JSONTape? = first
    let limit = first.limit(of: text)
    while let tape = next, let root = tape.root {
      let whole = tape.problem?.offset ?? .max
      let items = root.kind == .array ? root.elements.map { $0 } : [root]
      read(items.filter { $0.range.upperBound < whole }[...])
      if let problem = tape.problem {
        report(problem, of: tape)
        break
      }
      next = JSONTape(behind: tape, upTo: limit)
    }
    guard !hasMetainfo else { return }
    let span = first.root?.span(in: text)
    cut = cut ?? span
    for table in builder.tables.indices {
      builder.tables[table].shown = .part
      for chain in builder.tables[table].chains.indices {
        guard let span = builder.tables[table].chains[chain].span ?? span else { continue }
        builder.tables[table].chains[chain].addMissing(MissingRules(.filtered), atFrontBefore: span)
      }
    }
  }

  /// Reads objects of a listing in their order.
  mutating func read(_ list: ArraySlice<JSONValue>) {
    var items = list
    while !items.isEmpty {
      let rules = items.prefix { $0.isRule }
      if rules.count >= 4000 {
        hasRule = true
        items.removeFirst(readRules(rules))
      } else {
        for item in items.prefix(max(1, rules.count)) { readItem(item) }
        items.removeFirst(max(1, rules.count))
      }
    }
  }

  /// Tells where the text breaks off, and goes on at the objects behind the break that are whole.
  mutating func report(_ problem: JSONTape.Problem, of tape: JSONTape) {
    let offset = tape.sourceOffset(problem.offset)
    let span = text.span(offset..<min(offset + 1, text.bytes.count))
    var lineStart = min(offset, text.bytes.count)
    while lineStart > 0, text.bytes[lineStart - 1] != UInt8(ascii: "\n") { lineStart -= 1 }
    let atEnd = Self.isEnd(tape.bytes, problem.offset)
    diagnostics.append(
      Diagnostic(
        atEnd ? "json-cut-off" : "json-broken", .warning,
        atEnd ? "the JSON is cut off; what comes before is used" : "invalid JSON",
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

  /// Whether a text breaks off at a place because it ends there: behind it stands nothing but the beginning of a word,
  /// a number or a text.
  static func isEnd(_ bytes: ByteView, _ place: Int) -> Bool {
    guard place < bytes.count else { return true }
    if bytes[place] == UInt8(ascii: "\"") {
      var end = place + 1
      while true {
        end = bytes.endOfText(from: min(end, bytes.count), to: bytes.count)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\\") else { break }
        end += 2
      }
      return end >= bytes.count
    }
    return bytes[place...].allSatisfy {
      $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ":") && $0 < UInt8(ascii: "{")
        && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]")
    }
  }

  /// Notes that objects are missing behind the last one: rules of its chain and of those below it, which come next, or
  /// chains.
  mutating func lose(_ missing: MissingRules, _ span: SourceSpan) {
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
  func nextObject(in bytes: ByteView, from start: Int) -> Int? {
    var at = start
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "{") {
        var cursor = ByteCursor(bytes, at + 1..<bytes.count)
        while cursor.eat(UInt8(ascii: " ")) || cursor.eat(UInt8(ascii: "\n")) || cursor.eat(UInt8(ascii: "\r"))
          || cursor.eat(UInt8(ascii: "\t"))
        {}
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

  mutating func readItem(_ item: JSONValue, isInsert: Bool = false) {
    guard item.kind == .object else {
      warn("unknown-object", "not an object of a ruleset: an unknown rule may be here", item)
      strays.append((nil, item.span(in: text)))
      return
    }
    switch Self.bareKind(item) {
    case "rule": return readRule(item, atFront: isInsert)
    case "chain": return readChain(item)
    default: break
    }
    for (key, value) in item.members {
      switch key.string {
      case "metainfo": hasMetainfo = true
      case "add", "create": readItem(value)
      case "insert": readItem(value, isInsert: true)
      case "table": readTable(value)
      case "chain": readChain(value)
      case "rule": readRule(value, atFront: isInsert)
      case "set": readSet(value, isMap: false)
      case "map": readSet(value, isMap: true)
      case "element": readElements(value)
      case let kind?: readObject(value, kind: kind)
      case nil: break
      }
    }
  }

  /// Tells of masked values in a piece of the dump.
  mutating func report(masked values: [MaskedValue], _ item: JSONValue) {
    for value in values {
      let span = item.span(in: text)
      var start = span.offset
      while start > 0, text.bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
      let line = SourceSpan(
        source: span.source, line: span.line, offset: start, length: span.offset + span.length - start)
      diagnostics.append(.masked(value.text, span: line, column: span.offset - start + 1))
    }
  }

  /// Gives each chain that may hold a rule without a place an unknown rule before its own.
  mutating func placeStrays() {
    for stray in strays {
      builder.hasUnreadRules = true
      for table in builder.tables.indices where stray.table == nil || stray.table == table {
        for chain in builder.tables[table].chains.indices {
          builder.tables[table].chains[chain].rules.insert(
            Rule(missing: MissingRules(.unreadable, count: 1), span: stray.span), at: 0)
        }
      }
    }
  }

  /// A listing begins each table with an object of its own: where that is missing, chains may be missing too. Chains
  /// alone are what `nft -j list chains` prints, which leaves out all rules.
  mutating func markUnlistedTables() {
    for index in builder.tables.indices {
      let key = NftTableBuilder.TableKey(family: builder.tables[index].family, name: builder.tables[index].name)
      guard !listedTables.contains(key) else { continue }
      builder.noteShown(index)
      builder.tables[index].shown = .part
      if !hasRule { builder.tables[index].forgetRules(span: text.lines.first.map { text.span($0) }) }
    }
  }

  mutating func warn(_ id: String, _ message: String, _ value: JSONValue) {
    diagnostics.append(Diagnostic(id, .warning, message, span: value.span(in: text)))
  }

  /// The table that an object belongs to; one that the dump does not list is made for it.
  mutating func table(of object: JSONValue, named key: StaticString = "table") -> Int? {
    guard let family = object["family"]?.string.flatMap({ TableFamily(rawValue: $0) }), let name = object[key]?.string
    else {
      warn("unreadable-object", "this object names no table", object)
      lose(MissingRules(.unreadable), object.span(in: text))
      return nil
    }
    let index = builder.table(family, name)
    if open?.table != index { open = (index, nil) }
    return index
  }

  mutating func readTable(_ object: JSONValue) {
    guard let index = table(of: object, named: "name") else { return }
    builder.tables[index].handle = object["handle"]?.unsigned
    builder.tables[index].comment = object["comment"]?.string
    builder.tables[index].flags = Self.strings(object["flags"])
    builder.tables[index].span = object.span(in: text)
    builder.noteShown(index)
    listedTables.insert(
      NftTableBuilder.TableKey(family: builder.tables[index].family, name: builder.tables[index].name))
  }

  mutating func readChain(_ object: JSONValue) {
    guard let index = table(of: object) ?? builder.tables.indices.last else { return }
    let isNamed = object["table"]?.string != nil && object["family"]?.string != nil
    guard let name = object["name"]?.string, isNamed else {
      warn("unreadable-object", "this chain has no name or names no table", object)
      if object["hook"] != nil { noteUnknownPlace(of: object, "unreadable chain", index) }
      return
    }
    builder.noteDeclared(name, of: index)
    var chain = Chain(
      name, handle: object["handle"]?.unsigned, comment: object["comment"]?.string, span: object.span(in: text))
    if object["hook"] != nil || object["policy"] != nil || object["type"] != nil || object["prio"] != nil {
      if let hook = object["hook"]?.string.flatMap({ Hook(rawValue: $0) }),
        let type = object["type"]?.string.flatMap({ ChainType(rawValue: $0) })
      {
        chain.base = BaseChain(
          type: type, hook: hook, priority: priority(object["prio"], hook, builder.tables[index].family),
          policy: policy(of: object, name),
          devices: devices(of: object))
      } else {
        warn("unknown-hook", "the hook or type of this chain is unknown", object)
        noteUnknownPlace(of: object, name, index)
      }
    }
    if let known = builder.chainID(name, in: index).flatMap({ builder[$0].base }),
      let base = chain.base, known.policy != base.policy
    {
      warn("unknown-policy", "chain \(name) is declared with two policies: which one holds is unknown", object)
      chain.base?.policy = nil
    }
    builder.add(chain, to: index)
  }

  /// The devices of a chain at ingress or egress; none where one of them is masked: then the chain may be for any.
  mutating func devices(of object: JSONValue) -> [String] {
    let names = Self.strings(object["dev"]) + Self.strings(object["devices"])
    let masked = names.filter { NftMasks.isMaskedName($0) }
    if masked.isEmpty { return names }
    report(masked: masked.map { MaskedValue($0, within: MaskedText.Kind.interface.all) }, object)
    return []
  }

  mutating func noteUnknownPlace(of object: JSONValue, _ name: String, _ index: Int) {
    builder.noteUnknownPlace(
      BaseChainPlace(
        chain: name, type: object["type"]?.string.flatMap { ChainType(rawValue: $0) },
        hook: object["hook"]?.string.flatMap { Hook(rawValue: $0) }, span: object.span(in: text)), of: index)
  }

  /// The policy of a base chain: accept where none is printed, and unknown where the word is none.
  mutating func policy(of object: JSONValue, _ name: String) -> BaseChain.Policy? {
    guard let value = object["policy"] else { return .accept }
    if let policy = value.string.flatMap({ BaseChain.Policy(rawValue: $0) }) { return policy }
    warn("unknown-policy", "not a policy: the policy of chain \(name) is unknown", value)
    return nil
  }

  mutating func priority(_ value: JSONValue?, _ hook: Hook, _ family: TableFamily) -> Int32 {
    guard let value else {
      diagnostics.append(Diagnostic("unknown-priority", .warning, "A base chain of this listing has no priority."))
      return 0
    }
    if let number = value.integer { return Int32(clamping: number) }
    if let word = value.string, let number = NftPriority.value(word, hook: hook, family: family) { return number }
    warn("unknown-priority", "the priority of this chain is unknown", value)
    return 0
  }

  mutating func readObject(_ object: JSONValue, kind: String) {
    guard NftType.objectKinds.contains(kind) || kind == "flowtable" || kind == "tunnel" else {
      switch kind {
      case "list", "reset": break
      case "flush", "delete", "destroy", "replace": carryOut(kind, object)
      default:
        warn("unknown-object", "unknown kind of object `\(kind)`", object)
        // A rule or a base chain by another name.
        if object.kind != .object || object["expr"] != nil {
          strays.append((lastTable(of: object), object.span(in: text)))
        }
        if object["hook"] != nil, let index = builder.tables.indices.last {
          noteUnknownPlace(of: object, object["name"]?.string ?? "unreadable chain", index)
        }
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

  /// Carries out a command that takes something away (libnftables-json(5), "COMMAND OBJECTS"); where that is not known
  /// here, what is left is unknown.
  mutating func carryOut(_ verb: String, _ object: JSONValue) {
    guard let (key, target) = object.members.first(where: { _ in true }), let kind = key.string else { return }
    lastPlace = RulePlace()
    if kind == "ruleset" {
      let family = target["family"]?.string.flatMap { TableFamily(rawValue: $0) }
      for index in builder.tables.indices.reversed() where family == nil || builder.tables[index].family == family {
        builder.remove(index)
      }
      return
    }
    guard let family = target["family"]?.string.flatMap({ TableFamily(rawValue: $0) }),
      let table = (kind == "table" ? target["name"] : target["table"])?.string,
      let index = builder.tableIndex(family, table)
    else { return }
    let chain = (kind == "chain" ? target["name"] : target["chain"])?.string.flatMap {
      builder.chainID($0, in: index)
    }
    switch (verb, kind) {
    case ("flush", "table"):
      for chain in builder.tables[index].chains.indices { builder.tables[index].chains[chain].rules = [] }
    case ("flush", "chain"): if let chain { builder[chain].rules = [] }
    case ("delete", "table"), ("destroy", "table"): builder.remove(index)
    case ("delete", "chain"), ("destroy", "chain"): if let chain { builder.remove(chain) }
    case ("delete", "rule"), ("destroy", "rule"), ("replace", "rule"):
      guard let chain, let handle = target["handle"]?.unsigned,
        let rule = builder[chain].rules.firstIndex(where: { $0.handle == handle })
      else {
        strays.append((index, object.span(in: text)))
        return
      }
      builder[chain].rules.remove(at: rule)
      if verb == "replace", let (new, _) = self.rule(target, ofKnownChain: false) {
        builder[chain].rules.insert(new, at: rule)
      }
    case (_, "set"), (_, "map"), (_, "element"):
      for set in builder.tables[index].sets.indices where builder.tables[index].sets[set].name == target["name"]?.string
      {
        builder.tables[index].sets[set].elements = []
        builder.tables[index].sets[set].elementsKnown = verb == "flush"
      }
    default: warn("nft-command-ignored", "this command is not applied", object)
    }
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

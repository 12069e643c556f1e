import RuleGraph

extension NftJSONReader {
  /// What was read of a run of rules apart from the others.
  struct Part: Sendable {
    var rules = RuleRuns<RulePlace>()
    var diagnostics: [Diagnostic] = []
    var hasUnreadRules = false
    /// Whether a rule is of a table or chain that nothing declared before: from there on the rules are read one after
    /// the other.
    var isCutShort = false
  }

  /// Reads many rules that stand in a row on all processors; gives how many it read, at least one.
  mutating func readRules(_ items: ArraySlice<JSONValue>) -> Int {
    let first = items.startIndex
    let reader = self
    let parts = Parallel.map(Parallel.runs(of: items.count, atLeast: 2000)) { run in
      var reader = reader
      reader.diagnostics = []
      reader.isPart = true
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
        guard let read = reader.rule(item.on(own), ofKnownChain: true), !reader.meetsChain else {
          part.isCutShort = true
          break
        }
        part.rules.append(read.rule, at: read.place) { place, _ in place.isSameChain(as: read.place) }
      }
      part.diagnostics = reader.diagnostics
      part.hasUnreadRules = reader.builder.hasUnreadRules
      return part
    }
    var count = 0
    for part in parts {
      for (place, rules) in part.rules.runs {
        builder[place.id].rules.takeOver(rules)
        open = (place.id.table, place.id.chain)
        count += rules.count
      }
      diagnostics += part.diagnostics
      if part.hasUnreadRules { builder.hasUnreadRules = true }
      guard part.isCutShort else { continue }
      readItem(items[first + count])
      return count + 1
    }
    return count
  }

  mutating func readRule(_ object: JSONValue, atFront: Bool = false) {
    hasRule = true
    guard let (rule, place) = rule(object, ofKnownChain: false) else {
      strays.append((object["table"]?.string == nil ? nil : lastTable(of: object), object.span(in: text)))
      return
    }
    open = (place.id.table, place.id.chain)
    if atFront {
      builder[place.id].rules.insert(rule, at: 0)
    } else {
      builder[place.id].rules.takeOver([rule])
    }
  }

  /// The table that an object names, if it was read.
  func lastTable(of object: JSONValue) -> Int? {
    guard let family = object["family"]?.string.flatMap({ TableFamily(rawValue: $0) }),
      let name = object["table"]?.string
    else { return nil }
    return builder.tableIndex(family, name)
  }

  /// Reads the rule that an item holds. Nil when its place is not told or, with `ofKnownChain`, was not declared.
  mutating func rule(_ item: JSONValue, ofKnownChain: Bool) -> (rule: Rule, place: RulePlace)? {
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
          let chain = object["chain"]?.string.flatMap({ builder.chainID($0, in: index) })
        else { return nil }
        place.id = chain
      } else {
        guard let index = table(of: object) else { return nil }
        guard let chain = object["chain"]?.string else {
          warn("unreadable-object", "this rule names no chain", object)
          lose(MissingRules(.unreadable), object.span(in: text))
          return nil
        }
        place.id = builder.chain(chain, of: index)
      }
      lastPlace = place
    }
    if let list, list.kind == .array {
      rule.statements.reserveCapacity(4)
      readStatements(list, lastPlace.id.table, &rule)
    } else {
      warn("unreadable-rule", "this rule has no list of statements: what it does is unknown", object)
      takeAsUnread(&rule)
    }
    return (rule, lastPlace)
  }

  mutating func takeAsUnread(_ rule: inout Rule) {
    builder.hasUnreadRules = true
    rule.statements = [.missingRules(MissingRules(.unreadable, count: 1))]
  }

  mutating func readStatements(_ list: JSONValue, _ index: Int, _ rule: inout Rule) {
    var ending = RuleEnding()
    readStatements(list, index, &rule, &ending)
    guard ending.isBroken else { return }
    warn(
      "unreadable-rule",
      "statements follow the verdict of this rule, which nft never prints: what it does is unknown",
      list)
    takeAsUnread(&rule)
  }

  mutating func readStatements(
    _ list: JSONValue, _ index: Int, _ rule: inout Rule, _ ending: inout RuleEnding
  ) {
    let bytes = list.tape.bytes
    for item in list.elements {
      let before = rule.statements.count
      defer { if rule.statements.count > before { ending.take(&rule, from: before) } }
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
      if item.kind == .string, let written = item.string, written.utf8.contains(UInt8(ascii: " ")) {
        readText(written, index, &rule, item)
        continue
      }
      do {
        try NftJSONStatements(lowering: builder.lowerings[index]).read(item, into: &rule)
        if rule.statements[count...].contains(where: \.mayHoldMaskedValue) {
          let masked = rule.statements[count...].flatMap(\.maskedValues)
          report(masked: masked, item)
          // The next one of the same bytes is told of, too.
          if !masked.isEmpty { continue }
        }
        if rule.statements.count == count + 1, hadCounter == (rule.counter != nil) {
          statementCache.store(rule.statements[count], at: slot, item.range, context: index)
        } else if rule.statements.count == count, !hadCounter, let counter = rule.counter {
          counterCache.store(counter, at: counterSlot, item.range, context: 0)
        }
      } catch {
        rule.statements.append(NftJSONStatements.opaque(item))
        warn("unknown-statement", "this part of the rule is not understood: \(error.message)", item)
      }
    }
  }

  /// Reads a statement that nft has no JSON for and prints as its text: a chain without a name (`stmt_print_json` in
  /// nft's `src/json.c`).
  mutating func readText(_ written: String, _ index: Int, _ rule: inout Rule, _ item: JSONValue) {
    if isPart {
      meetsChain = true
      return
    }
    let bytes = SourceBytes(Array(written.utf8))
    withExtendedLifetime(bytes) {
      let text = PasteLines(bytes)
      let dump = DumpText(source: self.text.source, memory: text.memory, lines: text.lines)
      var reader = NftTextReader(text: dump, tokens: NftTokens(dump)) { _ in nil }
      let known = builder.tables[index].chains.count
      swap(&reader.builder, &builder)
      let read = reader.readRule(index)
      reader.skipNewlines()
      let isWhole = reader.diagnostics.isEmpty && reader.kind == .end
      swap(&reader.builder, &builder)
      let span = item.span(in: self.text)
      for chain in builder.tables[index].chains.indices.dropFirst(known) {
        builder.tables[index].chains[chain].span = span
        for rule in builder.tables[index].chains[chain].rules.indices {
          builder.tables[index].chains[chain].rules[rule].span = span
        }
      }
      guard isWhole else {
        rule.statements.append(NftJSONStatements.opaque(item))
        warn("unknown-statement", "this part of the rule is not understood", item)
        return
      }
      rule.statements += read.statements
    }
  }
}

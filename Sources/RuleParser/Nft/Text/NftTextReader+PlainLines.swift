import RuleGraph

/// Rules that have a line of their own, as in all that `nft list ruleset` prints. No such line depends on another one,
/// so that all processors read them.
extension NftTextReader {
  /// A rule that is read at the end of the command that it is a part of.
  struct PutOffRule: Sendable {
    /// Where it belongs; before it in its chain are those that were there already, and those of the command.
    var id: RuleID
    var line: Int
  }

  /// Puts off the rule that begins here; whether its line allows that.
  mutating func putOffRule(of id: ChainID) -> Bool {
    guard let line = tokens.passPlainLine() else { return false }
    if putOffCounts.count <= id.chain { putOffCounts += repeatElement(0, count: id.chain + 1 - putOffCounts.count) }
    let rule = builder[id].rules.count + putOffCounts[id.chain]
    putOff.append(PutOffRule(id: RuleID(table: id.table, chain: id.chain, rule: rule), line: line))
    putOffCounts[id.chain] += 1
    return true
  }

  /// Reads the rules of a command that were put off: one table's. The diagnostics from one on are the command's.
  mutating func readPutOffRules(diagnosticsFrom first: Int) {
    guard let table = putOff.first?.id.table else { return }
    let (places, text, tokens, lowering) = (putOff, text, tokens, builder.lowerings[table])
    let (family, name) = (builder.tables[table].family, builder.tables[table].name)
    putOff = []
    putOffCounts = []
    var parts = Parallel.map(Parallel.runs(of: places.count, atLeast: 2000)) { run in
      var reader = NftTextReader(text: text, tokens: tokens) { _ in nil }
      let index = reader.builder.table(family, name)
      reader.builder.lowerings[index] = lowering
      var rules = RuleRuns<PutOffRule>()
      for place in places[run] {
        reader.tokens.go(toOnlyLine: place.line)
        rules.append(reader.readRule(index), at: place) { first, count in
          first.id.chain == place.id.chain && first.id.rule + count == place.id.rule
        }
      }
      return (rules: rules, diagnostics: reader.diagnostics, hasUnread: reader.builder.hasUnreadRules)
    }
    if parts.contains(where: \.hasUnread) { builder.hasUnreadRules = true }
    // The chains that have rules read one by one between them, with the runs that belong there.
    var mixed: [Int: [(first: Int, rules: [Rule])]] = [:]
    for part in parts.indices {
      for run in parts[part].rules.runs.indices {
        let (first, rules) = (parts[part].rules.runs[run].place.id, parts[part].rules.take(run))
        // Mostly all rules of a chain, which are taken over as they lie.
        if mixed[first.chain] == nil, builder.tables[table].chains[first.chain].rules.count == first.rule {
          builder.tables[table].chains[first.chain].rules.takeOver(rules)
        } else {
          mixed[first.chain, default: []].append((first.rule, rules))
        }
      }
    }
    for (chain, runs) in mixed {
      var others = builder.tables[table].chains[chain].rules[...]
      var whole: [Rule] = []
      for run in runs {
        let before = run.first - whole.count
        whole += others.prefix(before)
        others = others.dropFirst(before)
        whole += run.rules
      }
      builder.tables[table].chains[chain].rules = whole + others
    }
    let found = parts.flatMap(\.diagnostics)
    guard !found.isEmpty else { return }
    // In the order of the text, as if all had been read at once.
    let whole = (diagnostics[first...] + found).enumerated()
      .sorted { ($0.element.span?.offset ?? 0, $0.offset) < ($1.element.span?.offset ?? 0, $1.offset) }
    diagnostics.replaceSubrange(first..., with: whole.map(\.element))
  }
}

import RuleGraph

/// Rules that have a line of their own, as in all that `nft list ruleset` prints. No such line depends on another one, so that all processors read them.
extension NftTextReader {
  /// A rule that is read at the end of the command that it is a part of. Until then an empty one keeps its place.
  struct PutOffRule: Sendable {
    var table: Int
    var chain: Int
    var rule: Int
    var line: Int
  }

  /// Puts off the rule that begins here; whether its line allows that.
  mutating func putOffRule(_ table: Int, _ chain: Int) -> Bool {
    guard let line = tokens.passPlainLine() else { return false }
    putOff.append(
      PutOffRule(table: table, chain: chain, rule: builder.tables[table].chains[chain].rules.count, line: line))
    builder.tables[table].chains[chain].rules.append(Rule([], span: text.span(text.lines[line])))
    return true
  }

  /// Reads the rules of a command that were put off: one table's. The diagnostics from one on are the command's.
  mutating func readPutOffRules(diagnosticsFrom first: Int) {
    guard let table = putOff.first?.table else { return }
    let (places, text, tokens, lowering) = (putOff, text, tokens, builder.lowerings[table])
    let (family, name) = (builder.tables[table].family, builder.tables[table].name)
    putOff = []
    let parts = Parallel.map(Parallel.runs(of: places.count, atLeast: 2000)) { run in
      var reader = NftTextReader(text: text, tokens: tokens) { _ in nil }
      let index = reader.builder.table(family, name)
      reader.builder.lowerings[index] = lowering
      var rules = RuleRuns<PutOffRule>()
      for place in places[run] {
        reader.tokens.go(toOnlyLine: place.line)
        rules.append(reader.readRule(index), at: place) { first, count in
          first.chain == place.chain && first.rule + count == place.rule
        }
      }
      return (rules: rules, diagnostics: reader.diagnostics)
    }
    for (first, rules) in parts.lazy.flatMap(\.rules.runs) {
      let chain = first.chain
      // All rules of a chain are taken over as they lie.
      if builder.tables[table].chains[chain].rules.count == rules.count {
        builder.tables[table].chains[chain].rules = rules
      } else {
        builder.tables[table].chains[chain].rules.replaceSubrange(first.rule..<first.rule + rules.count, with: rules)
      }
    }
    let found = parts.flatMap(\.diagnostics)
    guard !found.isEmpty else { return }
    // In the order of the text, as if all had been read at once.
    let whole = (diagnostics[first...] + found).enumerated()
      .sorted { ($0.element.span?.offset ?? 0, $0.offset) < ($1.element.span?.offset ?? 0, $1.offset) }
    diagnostics.replaceSubrange(first..., with: whole.map(\.element))
  }
}

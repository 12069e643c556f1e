package import RuleGraph

/// A rule graph as text for a person: tables, chains and rules in words, each with its place in the dump.
package struct GraphListing: Sendable {
  /// The rules.
  package var ruleset: Ruleset
  /// What it is shown on.
  package var terminal: TerminalSettings
  /// The name of the host, where the dumps are of several.
  package var host: String?

  /// Makes a listing.
  package init(_ ruleset: Ruleset, terminal: TerminalSettings = TerminalSettings(), host: String? = nil) {
    self.ruleset = ruleset
    self.terminal = terminal
    self.host = host
  }

  /// The text, with what reading the dumps had to tell and the summary at the end.
  package func text(diagnostics: [Diagnostic] = []) -> String {
    var page = Page(terminal)
    let names = SourceNames(ruleset.sources)
    if let host { page.add(StyledText("host \(host)", .strong)) }
    for table in ruleset.shownOnly.tables {
      page.addGap()
      page.add(
        StyledText("table \(table.family.rawValue) \(table.name)", .strong)
          + StyledText("  (\(table.origin.rawValue))", .faint)
          + StyledText(table.shown == .part ? "  shown in part" : "", .doubtful))
      for set in table.sets { add(set, to: &page) }
      for chain in table.chains { add(chain, names: names, to: &page) }
    }
    if !ruleset.ipsets.isEmpty {
      page.addGap()
      page.add(StyledText("ipsets", .strong))
      for set in ruleset.ipsets { add(set, to: &page) }
    }
    addUnshown(to: &page)
    DiagnosticText(sources: ruleset.sources, names: names).add(diagnostics, to: &page, notes: true)
    page.addGap()
    page.add(StyledText(GraphSummary(ruleset, diagnostics: diagnostics).text, .strong), hanging: 2)
    return page.text
  }

  /// What was not shown, and the command that prints it.
  private func addUnshown(to page: inout Page) {
    let unshown = ruleset.unshownChains
    if unshown.isEmpty { return }
    page.addGap()
    page.add(StyledText("not shown", .strong))
    for (table, chains) in unshown {
      let names = chains.map { $0.base == nil ? $0.name : $0.name }.joined(separator: ", ")
      let what = table.name.isEmpty ? "other tables of nft" : "\(table.family.rawValue) \(table.name): \(names)"
      let command = chains.lazy.flatMap(\.rules).compactMap { $0.missing?.settledBy }.first
      page.add(
        StyledText(what, .doubtful) + StyledText(command.map { "  (\($0))" } ?? "", .faint), indent: 2, hanging: 4)
    }
  }

  private func add(_ set: NamedSet, to page: inout Page) {
    let kind = set.dataTypes == nil ? "set" : "map"
    let type =
      set.ipsetType
      ?? (set.keyTypes.joined(separator: " . ") + (set.dataTypes.map { " : " + $0.joined(separator: " . ") } ?? ""))
    let count =
      set.elementsKnown
      ? "\(set.elements.count) element\(set.elements.count == 1 ? "" : "s")"
        + (set.isShownWhole ? "" : ", not all shown by the dump") : "elements not shown by the dump"
    page.add(StyledText("\(kind) \(set.name)", .named) + StyledText("  \(type), \(count)"), indent: 2, hanging: 4)
  }

  private func add(_ chain: Chain, names: SourceNames, to page: inout Page) {
    var head = StyledText("chain \(chain.name)", .named)
    if let base = chain.base {
      let policy = base.policy.map { "policy \($0.rawValue.uppercased())" } ?? "policy not shown"
      head += StyledText("  at \(base.hook.rawValue), priority \(base.priority), ")
      head += StyledText(policy, base.policy == .drop ? .bad : .plain)
    } else if let references = chain.references {
      head += StyledText("  \(references) reference\(references == 1 ? "" : "s")", .faint)
    }
    page.add(head, indent: 2, hanging: 4)
    let rows = chain.rules.enumerated().map { index, rule in
      let words = RuleWords(rule)
      if let missing = rule.missing {
        return PathRow(
          hook: "", place: "", words: "", action: StyledText(MissingWords.text(missing), .doubtful),
          source: names.place(rule.span))
      }
      let isDrop = words.actions.contains { $0.hasPrefix("DROP") || $0.hasPrefix("REJECT") }
      return PathRow(
        hook: String(chain.number(ofRule: index) ?? index + 1), place: words.conditionText, words: "",
        action: StyledText(words.actionText, isDrop ? .bad : .plain),
        source: names.place(rule.span))
    }
    RuleTable(rows: rows).add(to: &page)
  }
}

/// The rules of one chain in columns: number, conditions, action, place.
private struct RuleTable {
  let rows: [PathRow]

  func add(to page: inout Page) {
    let number = (rows.map(\.hook.utf8.count).max() ?? 0) + 6
    let source = (rows.compactMap { $0.source.map { DisplayWidth.of($0) } }.max() ?? 0) + 2
    let action = min(
      (rows.map { $0.action.width }.max() ?? 0) + 2, max((page.terminal.width - number - source) / 2, 12))
    let conditions = min(
      (rows.map { DisplayWidth.of($0.place) }.max() ?? 0) + 2, max(page.terminal.width - number - source - action, 20))
    for row in rows {
      let left = StyledText(row.place).wrapped(to: conditions - 2)
      let middle = row.action.wrapped(to: action - 2)
      for index in 0..<max(left.count, middle.count) {
        var line = StyledText(
          index == 0 ? String(repeating: " ", count: max(number - 2 - row.hook.utf8.count, 0)) + row.hook : "", .faint
        ).padded(to: number)
        line += (index < left.count ? left[index] : "").padded(to: conditions)
        line += (index < middle.count ? middle[index] : "").padded(to: action)
        if index == 0, let source = row.source { line += StyledText(source, .faint) }
        page.add(line, hanging: number)
      }
    }
  }
}

import RuleGraph

/// Reads what `iptables-save`, `ip6tables-save` and `iptables -S` print (iptables-save(8), iptables(8)).
enum IptablesSaveReader {
  /// Reads one output.
  ///
  /// `table` names the table of an `iptables -S`, which does not print it; without it and without a `*table` line the
  /// table is inferred from the chains; an excerpt that does not tell it is taken as filter. `family` is the one of the
  /// command; a head line that names `ip6tables-save` overrides it.
  ///
  /// Lines that don't fit are those of a text that was folded, as it seems: then it is unfolded and read again.
  static func read(_ text: DumpText, family: AddressFamily, table: String?) -> RuleFragment {
    let reading = readLines(text.withoutTail, family: family, table: table)
    guard reading.hasStrangers || text.tail > 0, let unfolded = FoldedSave.unfolded(text, family: reading.family) else {
      return reread(text.withoutTail, reading, family: family, table: table)
    }
    return withExtendedLifetime(unfolded) {
      reread(unfolded, readLines(unfolded, family: family, table: table), family: family, table: table)
    }
  }

  /// What was read of a text, or, where its lines were cut at a column, what can be read of it then.
  private static func reread(
    _ text: DumpText, _ reading: LinesRead, family: AddressFamily, table: String?
  ) -> RuleFragment {
    guard let marked = ColumnCut.marked(text, bare: reading.bare, reading.fragment) else {
      return reading.fragment
    }
    var fragment = readLines(marked, family: family, table: table).fragment
    fragment.cutColumn = ColumnCut.column(of: marked)
    return fragment
  }

  /// What the lines of a text say.
  private struct LinesRead {
    var fragment: RuleFragment
    /// Whether lines stood there that are no part of a save.
    var hasStrangers: Bool
    var family: AddressFamily
    /// The rules without a target.
    var bare: BareRules
  }

  /// The rule that a line of its own holds, when nothing of it is unknown.
  static func rule(in text: DumpText, family: AddressFamily) -> Rule? {
    let fragment = readLines(text, family: family, table: "filter").fragment
    guard fragment.diagnostics.isEmpty, let rules = fragment.tables.first?.chains.first?.rules, rules.count == 1,
      rules[0].missing == nil
    else { return nil }
    return rules[0]
  }

  private static func readLines(_ text: DumpText, family: AddressFamily, table: String?) -> LinesRead {
    var reading = SaveReading(text: text, family: family, table: table)
    var index = 0
    while index < text.lines.count {
      let behind = max(reading.readRules(from: index), reading.readHeads(from: index))
      index = behind == index ? reading.read(at: index) : behind
    }
    reading.end()
    reading.takeBareRules()
    return LinesRead(
      fragment: reading.fragment, hasStrangers: reading.hasStrangers, family: reading.family, bare: reading.bare)
  }
}

package import RuleGraph

/// What a reading holds, in numbers.
package struct GraphSummary: Hashable, Sendable {
  /// The number of tables.
  package var tables = 0
  /// The number of chains.
  package var chains = 0
  /// The number of rules.
  package var rules = 0
  /// The number of named sets and maps, ipsets included.
  package var sets = 0
  /// The number of matches that could not be understood.
  package var opaqueMatches = 0
  /// The number of targets that could not be understood.
  package var opaqueTargets = 0
  /// The number of rules of which the dump does not tell the interfaces (`iptables -L` without `-v`).
  package var hiddenInterfaces = 0
  /// The number of places at which rules are missing from a chain.
  package var missing = 0
  /// The number of chains of which nothing was shown, though they exist or may exist.
  package var unshownChains = 0
  /// The number of values that the dump masks, and of places where it leaves elements of a set out.
  package var maskedValues = 0
  /// The number of warnings and errors.
  package var warnings = 0

  /// Counts.
  package init(_ ruleset: Ruleset, diagnostics: [Diagnostic] = []) {
    unshownChains = ruleset.unshownChains.reduce(0) { $0 + $1.chains.count }
    let ruleset = ruleset.shownOnly
    tables = ruleset.tables.count
    sets = ruleset.ipsets.count
    warnings = diagnostics.count { $0.severity != .note }
    maskedValues = (ruleset.ipsets + ruleset.tables.flatMap(\.sets)).reduce(0) { count, set in
      count + set.elements.reduce(0) { $0 + ($1.masks.isEmpty && $1.data == nil ? 0 : $1.maskedValues.count) }
    }
    for table in ruleset.tables {
      sets += table.sets.count
      chains += table.chains.count
      for chain in table.chains {
        let gaps = chain.shown == .whole ? 0 : chain.rules.count { $0.missing != nil }
        missing += gaps
        rules += chain.rules.count - gaps
        for statement in chain.rules.lazy.flatMap(\.statements) {
          switch statement {
          case .opaqueMatch: opaqueMatches += 1
          case .opaqueTarget: opaqueTargets += 1
          case .hiddenInterfaces: hiddenInterfaces += 1
          case .match, .anyOf, .translate, .assign, .verdictMap, .updateSet:
            maskedValues += statement.maskedValues.count
          default: break
          }
        }
      }
    }
  }

  /// The numbers in one line: `2 tables, 14 chains, 29 rules; all understood`.
  package var text: String {
    func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
    var text = "\(count(tables, "table")), \(count(chains, "chain")), \(count(rules, "rule"))"
    if sets > 0 { text += ", \(count(sets, "set"))" }
    text += "; "
    var gaps: [String] = []
    if opaqueMatches > 0 { gaps.append("\(opaqueMatches) match\(opaqueMatches == 1 ? "" : "es") not understood") }
    if opaqueTargets > 0 { gaps.append("\(count(opaqueTargets, "target")) not understood") }
    if hiddenInterfaces > 0 { gaps.append("interfaces of \(count(hiddenInterfaces, "rule")) not shown by the dump") }
    if missing > 0 { gaps.append("rules are missing at \(count(missing, "place"))") }
    if unshownChains > 0 { gaps.append("\(count(unshownChains, "chain")) not shown") }
    if maskedValues > 0 { gaps.append(count(maskedValues, "masked value")) }
    text += gaps.isEmpty ? "all understood" : gaps.joined(separator: ", ")
    if warnings > 0 { text += "; \(count(warnings, "warning"))" }
    return text
  }

  func write(to json: inout JSONWriter) {
    json.object(flat: true) { json in
      json.member("tables", tables)
      json.member("chains", chains)
      json.member("rules", rules)
      json.member("sets", sets)
      json.member("opaque_matches", opaqueMatches)
      json.member("opaque_targets", opaqueTargets)
      json.member("hidden_interfaces", hiddenInterfaces)
      json.member("missing_rules", missing)
      json.member("unshown_chains", unshownChains)
      json.member("masked_values", maskedValues)
      json.member("warnings", warnings)
    }
  }
}

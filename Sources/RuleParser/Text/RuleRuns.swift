import RuleGraph

/// Rules that were read one after the other, in runs of those that follow each other in one chain.
///
/// What one processor read of a dump is handed over so: a run becomes a chain's rules as it lies, without being copied
/// rule by rule.
struct RuleRuns<Place: Sendable>: Sendable {
  /// The runs, each with the place of its first rule.
  private(set) var runs: [(place: Place, rules: [Rule])] = []

  /// Adds a rule: to the last run, if it follows that one, of which the place and the number of rules are told.
  mutating func append(_ rule: consuming Rule, at place: @autoclosure () -> Place, follows: (Place, Int) -> Bool) {
    // The last run is looked at in its place: a name for it would be another owner of its rules, and each one added
    // would copy all before it.
    let last = runs.count - 1
    if last >= 0, follows(runs[last].place, runs[last].rules.count) {
      runs[last].rules.append(rule)
    } else {
      // Few chains have more rules than two.
      var rules: [Rule] = []
      rules.reserveCapacity(2)
      rules.append(rule)
      runs.append((place(), rules))
    }
  }

  /// Gives the rules of a run away, so that nobody else owns them.
  mutating func take(_ run: Int) -> [Rule] {
    var rules: [Rule] = []
    swap(&rules, &runs[run].rules)
    return rules
  }
}

extension [Rule] {
  /// Adds a run of rules at the end.
  mutating func takeOver(_ run: consuming [Rule]) {
    if isEmpty { self = run } else { self += run }
  }
}

import RuleGraph

/// Missing rules in words.
enum MissingWords {
  /// What is missing at a place of a chain: `(5 rules not shown)`.
  static func text(_ missing: MissingRules) -> String {
    switch (missing.evidence, missing.count) {
    case (.unreadable, _): "(a rule that could not be read)"
    case (.computed, _): "(rules that a script computes)"
    case (.changed, _): "(rules that came later)"
    case (_, 1): "(1 rule not shown)"
    case (_, let count?): "(\(count) rules not shown)"
    case (.notShown, nil), (.engine, nil): "(its rules were not shown)"
    case (_, nil): "(rules not shown)"
    }
  }

  /// Why the fate of a packet that comes by is unknown: `the nat table was not shown, and Docker uses it`.
  static func reason(_ missing: MissingRules, _ place: String, table: Table) -> String {
    if let container = missing.publishes {
      return "the \(table.name) table was not shown; the container \(container) publishes this port"
    }
    return switch missing.evidence {
    case .notShown: "\(place) was not shown"
    case .unreadable: "a rule of \(place) could not be read"
    case .numberGap where missing.count == 1: "a rule of \(place) is missing"
    case .numberGap: "\(missing.count.map { "\($0) rules" } ?? "rules") of \(place) are missing"
    case .filtered: "a filter took rules of \(place) away"
    case .elided: "rules of \(place) were left out"
    case .cut where table.name.isEmpty: "the output of nft is cut"
    case .cut: "the output ends before \(place) does"
    case .unseenJump: "rules of \(place) are missing"
    case .notPrinted where table.name.isEmpty: "the ruleset of nft was not printed"
    case .notPrinted where table.origin == .iptablesLegacy: "the tables of iptables-legacy were not printed"
    case .notPrinted: "the \(table.name) table could not be printed"
    case .engine: "the \(table.name) table was not shown, and it holds rules"
    case .ufw where table.family == .ip6: "the ip6 filter table was not shown, and ufw is active"
    case .ufw: "ufw is active, and none of its chains was shown"
    case .firewalld: "firewalld is active, and its rules were not shown"
    case .computed: "a script computes rules of \(place)"
    case .changed: "\(place) was changed after it was printed"
    }
  }
}

package import FlowTrace
import RuleGraph

/// The parts of a near miss, as the rule's own field is written: `tcp dport`, `8080`.
extension NearMiss {
  /// What the rule wants: `8080`, `not docker0`.
  package var wantedText: String { (isNegated ? "not " : "") + field.text(of: wanted) }

  /// What the packet had when the rule saw it.
  package var hadText: String { had.map { field.text(of: $0) } ?? "" }

  /// What it had when it came in, when that is something else.
  package var originalText: String? { originally.map { field.text(of: $0) } }

  /// In what the rule and the packet differ, after the name of the rule: ` would match if it came in on docker0`.
  var difference: String {
    if originally == nil, !isNegated {
      switch field {
      case .meta(.iifname): return " would match if it came in on \(wantedText)"
      case .meta(.oifname): return " would match if it left through \(wantedText)"
      default: break
      }
    }
    return " wants \(field.text) \(wantedText), the packet has \(hadText)"
  }

  /// How a rule asks for the port that a packet came in with, where a translation took it away.
  func originalPortHint(in ruleset: Ruleset) -> String {
    guard case .header(let header) = field, header.name == .dport, !isNegated, originally == wanted,
      ruleset.holds(rule)
    else { return "" }
    let isNft = ruleset.tables[rule.table].origin == .nftables
    return isNft
      ? "; `ct original proto-dst \(wantedText)` would match it"
      : "; `-m conntrack --ctorigdstport \(wantedText)` would match it"
  }
}

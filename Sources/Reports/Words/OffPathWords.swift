package import FlowTrace
package import RuleGraph
import RuleText

extension OffPathRule {
  /// Why the packet never met the rule: `nothing jumps to WEB`; `ruleset` is the one that was traced.
  package func text(in ruleset: Ruleset) -> String {
    let chain = ruleset.holds(rule.chainID) ? ruleset[rule.chainID].name : "?"
    switch why {
    case .takenEarlier: return "an earlier rule of \(chain) takes the packet"
    case .takenBy(let other): return "rule \(other.rule + 1) takes the packet first"
    case .nothingJumps: return "nothing jumps to \(chain)"
    case .otherHook(let hooks, let whereabouts):
      let names = hooks.map(\.rawValue).joined(separator: " and ")
      return "runs only at the \(names) hook; \(whereabouts.text)"
    case .onlyFirstPacket: return "nat rules see only the first packet of a connection"
    case .jumpIsForOthers(let jump, let match):
      return "only \(ruleset.place(of: jump)) jumps there, for \(NftWords.match(match))"
    case .decidedBy(let decider): return "\(ruleset.place(of: decider)) decides before it"
    case .decidedByPolicy(let decider): return "the policy of \(ruleset.place(of: decider)) decides before it"
    case .noJumpOnPath: return "no rule on the path jumps to \(chain) for this packet"
    }
  }
}

extension OffPathRule.Whereabouts {
  fileprivate var text: String {
    switch self {
    case .toThisHost: "the packet is for this host"
    case .forwarded: "the packet is forwarded"
    case .sentByThisHost: "this host sends it"
    case .bridged: "the packet is bridged"
    case .notSoFar: "the packet does not get that far"
    }
  }
}

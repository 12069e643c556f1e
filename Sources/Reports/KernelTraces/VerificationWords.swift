import FlowTrace
import RuleGraph
import RuleParser
import Traffic

/// What came of holding a kernel trace against the model, in words.
struct VerificationWords {
  let ruleset: Ruleset
  let deciders: DeciderWords
  let traceName: String

  init(_ ruleset: Ruleset, traceName: String) {
    self.ruleset = ruleset
    self.traceName = traceName
    deciders = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
  }

  /// `drop by ip filter INPUT (handle 13)`.
  static func kernel(_ step: KernelTrace.Step) -> String {
    let place = [step.family == "ip" ? nil : step.family, step.table, step.chain].compactMap(\.self).joined(
      separator: " ")
    let action = ([step.verdict, step.target].compactMap(\.self)).filter { !$0.isEmpty }.joined(separator: " ")
    switch step.event {
    case .policy: return "policy of \(place)" + (action.isEmpty ? "" : ": \(action)")
    case .end: return "end of \(place), or a rule that returns"
    case .rule:
      let name = step.number.map { "rule \($0)" } ?? step.handle.map { "rule with handle \($0)" } ?? "a rule"
      return "\(name) of \(place)" + (action.isEmpty ? "" : ": \(action)")
    }
  }

  /// `filter INPUT 3: accept`, and its line in the dump.
  func model(_ step: Step) -> (text: String, source: String?) {
    let decider: Decider? =
      switch step.event {
      case .rule(let id): .rule(id)
      case .policy(let id): .policy(id)
      default: nil
      }
    let place = decider.map { deciders.place($0) } ?? "?"
    let target = step.targetText.map { " \($0)" } ?? ""
    return ("\(place): \(step.action.rawValue)\(target)", decider.flatMap { deciders.source($0) })
  }

  /// Why kernel and model differ, as far as that is plain.
  static func reason(_ difference: TraceDifference) -> String {
    switch difference.kind {
    case .noChain: "the dump has no such chain: it is of another time, or not whole"
    case .noRule: "the chain in the dump has no such rule: the dump is of another time"
    case .otherWay:
      "the rule is in the dump, and the model does not do this there: the dump is of another time, the host is not fully shown (ip addr, ip route, sysctl -a), or fwtrace is wrong; please report it"
    case .notDone:
      "the model does this, and the kernel did not: the dump is of another time, the trace is not whole, or fwtrace is wrong; please report it"
    }
  }

  /// Why packets were not compared, behind their number: `3 packets of a connection ...`.
  static func reason(_ reason: VerifiedTrace.Reason) -> String {
    switch reason {
    case .loopback: "back in on lo, which the model follows with the packet that was sent"
    case .withoutFirstPacket: "of a connection whose first packet is not in the trace"
    case .icmpError: "about another packet (ICMP errors)"
    case .unknownTables: "traced only in tables that the dump does not have"
    }
  }

  static func packet(_ trace: KernelTrace) -> String {
    ReplayWords.flow(trace.packet) + (trace.packet.isSentByHost ? " from this host" : "")
  }
}

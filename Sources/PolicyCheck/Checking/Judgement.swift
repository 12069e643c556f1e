import FlowTrace
import RuleGraph

/// How a case of a trace stands to an expectation.
enum Judgement: Hashable, Sendable {
  /// Every packet of the case meets it.
  case met
  /// Packets of the case break it, for these reasons.
  case broken([String])
  /// The dumps do not tell.
  case unknown(String)
}

extension Expectation {
  /// Judges one case.
  func judge(_ part: Case, of ruleset: Ruleset) -> Judgement {
    if part.verdict == .undetermined { return .unknown("the dumps do not show what happens to them") }
    var reasons: [String] = []
    var doubts: [String] = []
    if !verdicts.isEmpty, !verdicts.contains(part.verdict) {
      reasons.append("\(part.verdict.inWords), expected \(Self.list(verdicts))")
    }
    if forbidden.contains(part.verdict) { reasons.append("\(part.verdict.inWords), which only others are to be") }
    if !rejectWith.isEmpty, part.verdict == .reject, !rejectWith.contains(part.rejectWith ?? "") {
      reasons.append(
        "rejected with \(part.rejectWith ?? "no answer"), expected \(rejectWith.joined(separator: " or "))")
    }
    if !fates.isEmpty, !fates.contains(part.fate) {
      reasons.append("fate \(part.fate.rawValue), expected \(fates.map(\.rawValue).joined(separator: " or "))")
    }
    judgeAddresses(part, &reasons)
    if source != nil, part.hasUnknownSource { doubts.append("the dumps do not show whether its source is translated") }
    judgeWay(part, ruleset, &reasons)
    judgeReply(part, &reasons, &doubts)
    judgeAlternatives(part, ruleset, &reasons, &doubts)
    if !reasons.isEmpty { return .broken(reasons) }
    return doubts.first.map { .unknown($0) } ?? .met
  }

  private static func list(_ verdicts: [Case.Verdict]) -> String {
    verdicts.map(\.rawValue).joined(separator: " or ")
  }

  private func judgeAddresses(_ part: Case, _ reasons: inout [String]) {
    let packet = part.packet
    switch destination {
    case .kept where part.translations.contains { !$0.ofSource }:
      reasons.append(
        "its destination becomes \(Self.text(packet.destination, packet.destinationPort)), expected it kept")
    case .place(let place) where !place.holds(packet.destination, packet.destinationPort):
      reasons.append("it ends at \(Self.text(packet.destination, packet.destinationPort)), expected \(place.text)")
    default: break
    }
    let changes = part.translations.filter(\.ofSource)
    switch source {
    case .kept where !changes.isEmpty:
      reasons.append("its source becomes \(Self.text(packet.source, packet.sourcePort)), expected it kept")
    case .translated(let kind) where !changes.contains { $0.kind == kind }:
      let now = changes.last.map { "translated by \($0.kind.rawValue)" } ?? "kept"
      reasons.append("its source is \(now), expected \(kind.rawValue)")
    case .place(let place) where !place.holds(packet.source, packet.sourcePort):
      reasons.append("its source at the end is \(Self.text(packet.source, packet.sourcePort)), expected \(place.text)")
    default: break
    }
    if let output, !(part.output.map { $0.isSubset(of: output.set) } ?? false) {
      let now =
        part.output.map { "leaves through \($0.text(as: .name, in: InterfaceName.anyName))" } ?? "does not leave"
      reasons.append("it \(now), expected out \(output.text)")
    }
  }

  private static func text(_ addresses: ValueSet, _ ports: ValueSet?) -> String {
    let address = addresses.text(as: .address, limit: 3)
    guard let ports, !ports.isEmpty, ports != .bits(16) else { return address }
    let port = ports.text(as: .number, limit: 3)
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }

  private func judgeWay(_ part: Case, _ ruleset: Ruleset, _ reasons: inout [String]) {
    if !via.isEmpty, !via.contains(where: { $0.decides(part, of: ruleset) }) {
      let missing = via.filter { !$0.exists(in: ruleset) }.map(\.text)
      let note = missing.isEmpty ? "" : " (\(missing.joined(separator: ", ")) does not exist)"
      reasons.append("not decided via \(via.map(\.text).joined(separator: " or "))\(note)")
    }
    for pattern in neverVia where pattern.isPassed(by: part, of: ruleset) {
      reasons.append("it passes \(pattern.text), which it never may")
    }
  }

  private func judgeReply(_ part: Case, _ reasons: inout [String], _ doubts: inout [String]) {
    guard !reply.isEmpty else { return }
    guard let replies = part.reply, !replies.isEmpty else {
      if part.verdict == .accept {
        doubts.append("the dumps do not show what happens to the reply")
      } else {
        reasons.append("there is no reply, expected one: \(Self.list(reply))")
      }
      return
    }
    if let bad = replies.first(where: { $0.verdict != .undetermined && !reply.contains($0.verdict) }) {
      reasons.append("its reply is \(bad.verdict.inWords), expected \(Self.list(reply))")
    } else if replies.contains(where: { $0.verdict == .undetermined }) {
      doubts.append("the dumps do not show what happens to the reply")
    }
  }

  private func judgeAlternatives(
    _ part: Case, _ ruleset: Ruleset, _ reasons: inout [String], _ doubts: inout [String]
  ) {
    guard !oneOf.isEmpty else { return }
    var broken: [String] = []
    for one in oneOf {
      switch one.judge(part, of: ruleset) {
      case .met: return
      case .unknown(let why): doubts.append(why)
      case .broken(let why): broken.append(why.joined(separator: ", "))
      }
    }
    if broken.count == oneOf.count { reasons.append("none of the alternatives: " + broken.joined(separator: "; ")) }
  }
}

extension Expectation.Place {
  func holds(_ addresses: ValueSet, _ ports: ValueSet?) -> Bool {
    if let mine = self.addresses, !addresses.isSubset(of: mine) { return false }
    guard let mine = self.ports else { return true }
    return ports?.isSubset(of: mine) ?? false
  }
}

extension RulePattern {
  /// Whether the pattern's rule, chain or policy decided a case.
  func decides(_ part: Case, of ruleset: Ruleset) -> Bool {
    switch part.decidedBy {
    case .rule(let id): fits(id, of: ruleset)
    case .policy(let id): number == nil && fits(id, of: ruleset)
    case .nothing, .outside: false
    }
  }

  /// Whether a case went through the pattern's chain, or matched its rule.
  func isPassed(by part: Case, of ruleset: Ruleset) -> Bool {
    part.path.contains { step in
      switch step.event {
      case .rule(let id): step.matched && fits(id, of: ruleset)
      case .policy(let id): number == nil && fits(id, of: ruleset)
      case .endOfChain(let id): number == nil && !isPolicy && fits(id, of: ruleset)
      case .routing, .conntrack, .bridge, .remark: false
      }
    } || decides(part, of: ruleset)
  }
}

extension Case.Verdict {
  /// The verdict as what was done: `accepted`.
  var inWords: String {
    switch self {
    case .accept: "accepted"
    case .drop: "dropped"
    case .reject: "rejected"
    case .undetermined: "undetermined"
    }
  }
}

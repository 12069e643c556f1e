import FlowTrace
import RuleGraph

/// How a case of a trace stands to an expectation.
enum Judgement: Hashable, Sendable {
  /// Every packet of the case meets it.
  case met
  /// Packets of the case break it, for these reasons.
  case broken([Breach])
  /// The dumps do not tell.
  case unknown(Doubt)
}

extension Expectation {
  /// Judges one case.
  func judge(_ part: Case, of ruleset: Ruleset) -> Judgement {
    if part.verdict == .undetermined { return .unknown(.fate) }
    var reasons: [Breach] = []
    var doubts: [Doubt] = []
    if works || forbidsWorking {
      judgeConnection(part, &reasons, &doubts)
    } else if !verdicts.isEmpty, !verdicts.contains(part.verdict) {
      reasons.append(.verdict(part.verdict, expected: verdicts))
    }
    if forbidden.contains(part.verdict) { reasons.append(.forbidden(part.verdict)) }
    if !rejectWith.isEmpty, part.verdict == .reject, !rejectWith.contains(part.rejectWith ?? "") {
      reasons.append(.answer(part.rejectWith, expected: rejectWith))
    }
    if !fates.isEmpty, !fates.contains(part.fate) {
      reasons.append(.fate(part.fate, expected: fates))
    }
    judgeAddresses(part, &reasons)
    if source != nil, part.hasUnknownSource { doubts.append(.source) }
    judgeWay(part, ruleset, &reasons)
    judgeReply(part, &reasons, &doubts)
    judgeAlternatives(part, ruleset, &reasons, &doubts)
    if !reasons.isEmpty { return .broken(reasons) }
    return doubts.first.map { .unknown($0) } ?? .met
  }

  /// A connection that depends on the packet breaks a claim as one that fails does; one that depends on what no dump
  /// shows leaves it open.
  private func judgeConnection(_ part: Case, _ reasons: inout [Breach], _ doubts: inout [Doubt]) {
    let connection = part.connection
    if works {
      if connection == .works || verdicts.contains(part.verdict) { return }
      if connection.outcome == .depends, !part.failsForSome {
        doubts.append(.reply)
      } else {
        reasons.append(.connection(connection, part.verdict, orExpected: verdicts))
      }
    } else if connection.outcome != .fails {
      if connection.outcome == .depends, !part.failsForSome {
        doubts.append(.reply)
      } else {
        reasons.append(.forbiddenConnection)
      }
    }
  }

  private func judgeAddresses(_ part: Case, _ reasons: inout [Breach]) {
    let packet = part.packet
    switch destination {
    case .kept where part.translations.contains { !$0.ofSource }:
      reasons.append(.destinationTranslated(packet.destination, ports: packet.destinationPort))
    case .place(let place) where !place.holds(packet.destination, packet.destinationPort):
      reasons.append(.destination(packet.destination, ports: packet.destinationPort, expected: place.text))
    default: break
    }
    let changes = part.translations.filter(\.ofSource)
    switch source {
    case .kept where !changes.isEmpty:
      reasons.append(.sourceTranslated(packet.source, ports: packet.sourcePort))
    case .translated(let kind) where !changes.contains { $0.kind == kind }:
      reasons.append(.sourceTranslation(changes.last?.kind, expected: kind))
    case .place(let place) where !place.holds(packet.source, packet.sourcePort):
      reasons.append(.source(packet.source, ports: packet.sourcePort, expected: place.text))
    default: break
    }
    if let output, !(part.output.map { $0.isSubset(of: output.set) } ?? false) {
      reasons.append(.output(part.output, expected: output.text))
    }
  }

  private func judgeWay(_ part: Case, _ ruleset: Ruleset, _ reasons: inout [Breach]) {
    if !via.isEmpty, !via.contains(where: { $0.decides(part, of: ruleset) }) {
      reasons.append(.decidedElsewhere(expected: via, missing: via.filter { !$0.exists(in: ruleset) }))
    }
    for pattern in neverVia where pattern.isPassed(by: part, of: ruleset) {
      reasons.append(.passes(pattern))
    }
  }

  private func judgeReply(_ part: Case, _ reasons: inout [Breach], _ doubts: inout [Doubt]) {
    guard !reply.isEmpty else { return }
    guard let replies = part.reply, !replies.isEmpty else {
      if part.verdict == .accept {
        doubts.append(.reply)
      } else {
        reasons.append(.noReply(expected: reply))
      }
      return
    }
    if let bad = replies.first(where: { $0.verdict != .undetermined && !reply.contains($0.verdict) }) {
      reasons.append(.reply(bad.verdict, expected: reply))
    } else if replies.contains(where: { $0.verdict == .undetermined }) {
      doubts.append(.reply)
    }
  }

  private func judgeAlternatives(
    _ part: Case, _ ruleset: Ruleset, _ reasons: inout [Breach], _ doubts: inout [Doubt]
  ) {
    guard !oneOf.isEmpty else { return }
    var broken: [[Breach]] = []
    for one in oneOf {
      switch one.judge(part, of: ruleset) {
      case .met: return
      case .unknown(let why): doubts.append(why)
      case .broken(let why): broken.append(why)
      }
    }
    if broken.count == oneOf.count { reasons.append(.alternatives(broken)) }
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

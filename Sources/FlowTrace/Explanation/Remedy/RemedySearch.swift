import HostModel
import RuleGraph
import RuleText

/// Looks for what would give the cases of a trace the outcome that was asked for, and tries it.
struct RemedySearch {
  let ruleset: Ruleset
  let facts: HostFacts
  let query: Query
  let wanted: Case.Verdict
  let cases: [Case]

  /// The remedy of a case; nil where it has the wanted outcome already.
  func remedy(for index: Int) -> Remedy? {
    let one = cases[index]
    let failedAnswer = wanted == .accept ? one.reply?.first { $0.verdict != .accept } : nil
    if one.verdict == wanted {
      if let failedAnswer { return answerRemedy(index, failedAnswer) }
      if wanted == .accept, one.remarks.contains(where: \.isClosedPort) {
        return Remedy(advice: RemedyOutsideRules(search: self).forClosedPort(one))
      }
      return nil
    }
    switch one.decidedBy {
    case _ where one.verdict == .undetermined:
      return Remedy(advice: .settle(one.conditions.lazy.compactMap(\.settledBy).first))
    case .outside(let reason): return Remedy(advice: RemedyOutsideRules(search: self).advice(reason, one))
    default: break
    }
    let places =
      wanted == .accept ? RemedyPlaces(ruleset: ruleset).before(one) : RemedyPlaces(ruleset: ruleset).front(one)
    let verdict = verdict(for: one.packet.family)
    return tried(places, index) { PlainRule(one, at: $0.hook, verdict) }
      ?? Remedy(advice: places.isEmpty ? .noChain : insufficient(places[0], index))
  }

  private func verdict(for family: AddressFamily) -> Verdict {
    switch wanted {
    case .accept: .accept
    // What both tools send when nothing else is said: port unreachable.
    case .reject: .reject(family == .ipv4 ? .icmp(code: 3) : .icmpv6(code: 4))
    default: .drop
    }
  }

  /// A rule for the answers, where they are what fails.
  private func answerRemedy(_ index: Int, _ answer: Case) -> Remedy? {
    let places = RemedyPlaces(ruleset: ruleset).before(answer)
    return tried(places, index) { _ in PlainRule(answersTo: answer) }
      ?? Remedy(advice: .noRuleForReply)
  }

  // MARK: Trying

  /// The first place at which the rule gives the wanted outcome.
  private func tried(_ places: [RemedyPlace], _ index: Int, _ rule: (RemedyPlace) -> PlainRule) -> Remedy? {
    for place in places {
      let rule = rule(place)
      guard let command = place.command(rule, in: ruleset) else { continue }
      let all = trace(adding(rule, at: place, to: ruleset), facts).cases
      let after = all.filter { overlaps($0, cases[index]) }
      guard !after.isEmpty, after.allSatisfy(isAsWanted) else { continue }
      return Remedy(
        rule: RuleRemedy(
          command: command, chain: place.chain, number: place.index + 1, owner: place.owner(in: ruleset),
          changes: changes(all, besides: index)))
    }
    return nil
  }

  private func isAsWanted(_ one: Case) -> Bool {
    one.verdict == wanted && (wanted != .accept || one.reply?.allSatisfy { $0.verdict == .accept } ?? true)
  }

  /// The rules with one more at a place.
  private func adding(_ rule: PlainRule, at place: RemedyPlace, to ruleset: Ruleset) -> Ruleset {
    var changed = ruleset
    let span = ruleset[place.chain].span ?? SourceSpan(source: 0, line: 1, offset: 0, length: 0)
    changed.tables[place.chain.table].chains[place.chain.chain].rules.insert(
      Rule(rule.statements, span: span), at: place.index)
    return changed
  }

  /// The cases of the question by other rules or other facts.
  func trace(_ ruleset: Ruleset, _ facts: HostFacts) -> Trace {
    var options = Tracer.Options()
    options.tracesReply = true
    options.findsNearMisses = false
    return Tracer(ruleset, facts: facts).trace(query, options: options)
  }

  /// The other cases whose outcome is not what it was.
  private func changes(_ after: [Case], besides index: Int) -> [RuleRemedy.Change] {
    cases.indices.filter { $0 != index }.compactMap { other in
      let changed = after.first { $0.verdict != cases[other].verdict && overlaps($0, cases[other]) }
      return changed.map { RuleRemedy.Change(index: other, verdict: $0.verdict) }
    }
  }

  /// What happens to the case with the rule at the most fitting place, where that alone does not give what was wanted.
  private func insufficient(_ place: RemedyPlace, _ index: Int) -> Remedy.Advice {
    let rule = PlainRule(cases[index], at: place.hook, verdict(for: cases[index].packet.family))
    let changed = adding(rule, at: place, to: ruleset)
    let after = trace(changed, facts).cases.first { overlaps($0, cases[index]) && !isAsWanted($0) }
    guard let after, let command = place.command(rule, in: ruleset) else { return .noRule }
    guard after.verdict == wanted, let answer = after.reply?.first(where: { $0.verdict != .accept }) else {
      return .insufficient(command: command, isReply: false, end(after))
    }
    for second in RemedyPlaces(ruleset: changed).before(answer) {
      let answers = PlainRule(answersTo: answer)
      let both = trace(adding(answers, at: second, to: changed), facts).cases.filter { overlaps($0, cases[index]) }
      if let other = second.command(answers, in: changed), !both.isEmpty, both.allSatisfy(isAsWanted) {
        return .twoRules(command, forReplies: other, isFence: isFence(cases[index]))
      }
    }
    return .insufficient(command: command, isReply: true, end(answer))
  }

  /// Whether Docker's fence between its networks decided.
  private func isFence(_ one: Case) -> Bool {
    guard case .rule(let id) = one.decidedBy else { return false }
    return ruleset[id.chainID].name.hasPrefix("DOCKER-ISOLATION")
  }

  private func end(_ one: Case) -> Remedy.Advice.End {
    switch one.decidedBy {
    case .rule(let id): .rule(of: id.chainID)
    case .policy(let chain): .policy(of: chain)
    case .nothing: .nothing
    case .outside(let reason): .outside(reason)
    }
  }

  /// Whether two cases share packets.
  private func overlaps(_ a: Case, _ b: Case) -> Bool {
    let limit = 32
    guard let first = a.when.boxes(limit: limit), let second = b.when.boxes(limit: limit) else {
      return Self.overlap(a.when.allowed, b.when.allowed)
    }
    return first.contains { box in second.contains { Self.overlap(box, $0) } }
  }

  private static func overlap(_ a: [Region.Dimension: ValueSet], _ b: [Region.Dimension: ValueSet]) -> Bool {
    for (dimension, values) in a {
      // Conditions are numbered by each trace for itself.
      if case .condition = dimension { continue }
      if let other = b[dimension], other.isDisjoint(with: values) { return false }
    }
    return true
  }
}

import FlowTrace

/// Whether connections come about, as the first line of an answer and the heads of its cases say it.
enum ConnectionWords {
  /// The outcome over all cases: `works: accepted both ways`, `fails: accepted, but its reply is dropped`, `it depends:
  /// 2 accepted, 1 dropped`.
  ///
  /// - Parameter cases: The cases that are told apart; all of them by default.
  static func summary(_ trace: Trace, of cases: [Case]? = nil) -> String {
    let cases = cases ?? trace.cases
    guard let first = cases.first else { return "no packet fits" }
    guard trace.query.phase == .first, trace.tellsConnections else { return verdicts(cases) }
    if cases.count == 1 { return summary(first) }
    let outcomes = cases.map { outcome($0) }
    if Set(outcomes).count == 1 {
      return first.verdict == .undetermined
        ? verdicts(cases)
        : "\(word(first.connection))\(inAll(outcomes.count))\(detail(cases.first(where: \.mayBeRejected) ?? first))"
    }
    if outcomes.allSatisfy({ $0.connection.outcome == .fails }) {
      return "fails\(inAll(outcomes.count)): " + counts(cases)
    }
    return "it depends: " + counts(cases)
  }

  private static func summary(_ one: Case) -> String {
    one.verdict == .undetermined ? one.verdict.past : word(one.connection) + detail(one)
  }

  private static func word(_ connection: ConnectionFate) -> String {
    switch connection.outcome {
    case .works: "works"
    case .fails: "fails"
    case .depends: "it depends"
    }
  }

  private static func inAll(_ count: Int) -> String { count == 2 ? " in both cases" : " in all \(count) cases" }

  private static func detail(_ one: Case) -> String {
    if let objection = objection(to: one) { return ": accepted, but \(objection)" }
    return one.verdict == .accept && one.reply?.isEmpty == false ? ": accepted both ways" : ": \(one.past)"
  }

  /// What is against the connection of accepted packets: `its reply is dropped`, `nothing listens there`; nil where
  /// nothing is.
  static func objection(to one: Case) -> String? {
    guard one.verdict == .accept, let stage = one.connection.stage else { return nil }
    switch stage {
    case .packet: return nil
    case .reply: return "its reply " + fate(of: one.tellingReplies)
    case .listener: return "nothing listens there"
    case .proxy: return "docker-proxy's own connection " + (proxyFate(of: one.continuation ?? []))
    }
  }

  /// What becomes of docker-proxy's connection: it is dropped, or its reply is.
  private static func proxyFate(of cases: [Case]) -> String {
    let failing = cases.filter { $0.connection != .works }
    return failing.allSatisfy { $0.verdict != .accept } ? fate(of: cases) : "fails"
  }

  /// `is dropped` for certain, `may be dropped` where some are or the dumps do not show it.
  private static func fate(of replies: [Case]) -> String {
    let verdicts = Set(replies.map { $0.verdict })
    let failing = [Case.Verdict.drop, .reject].filter(verdicts.contains)
    if verdicts.contains(.undetermined), failing.isEmpty {
      let could = Set(replies.compactMap { $0.verdict == .undetermined ? $0.conditionalVerdict : nil })
      return "may be " + (could.contains(.reject) && !could.contains(.drop) ? "rejected" : "dropped")
    }
    let words = failing.map(\.past).joined(separator: " or ")
    return (verdicts.count > failing.count ? "may be " : "is ") + words
  }

  // MARK: Several outcomes

  private struct Outcome: Hashable {
    var verdict: Case.Verdict
    var connection: ConnectionFate
  }

  private static func outcome(_ one: Case) -> Outcome { Outcome(verdict: one.verdict, connection: one.connection) }

  /// How many cases there are of each outcome: `2 accepted, 1 accepted without a reply, 3 dropped`.
  private static func counts(_ cases: [Case]) -> String {
    func count(_ fits: (Case) -> Bool) -> Int { cases.count(where: fits) }
    let parts: [(Int, String)] = [
      (count { $0.connection == .works }, "accepted"),
      (count { $0.connection == .depends(on: .reply) }, "may lack a reply"),
      (count { $0.connection == .depends(on: .proxy) }, "may fail after docker-proxy"),
      (count { $0.connection == .fails(at: .reply) }, "accepted without a reply"),
      (count { $0.connection == .fails(at: .listener) }, "accepted where nothing listens"),
      (count { $0.connection == .fails(at: .proxy) }, "accepted, but docker-proxy gets no further"),
      (count { $0.verdict == .drop && !$0.mayBeRejected }, "dropped"),
      (count { $0.verdict == .drop && $0.mayBeRejected }, "dropped or rejected"),
      (count { $0.verdict == .reject }, "rejected"),
      (count { $0.verdict == .undetermined }, "undetermined"),
    ]
    return parts.filter { $0.0 > 0 }.map { "\($0) \($1)" }.joined(separator: ", ")
  }

  /// The verdicts alone, for packets that begin no connection: `dropped in all 3 cases`, `it depends: 1 accepted, 1
  /// dropped`.
  private static func verdicts(_ cases: [Case]) -> String {
    let counts = Dictionary(cases.map { ($0.verdict, 1) }, uniquingKeysWith: +)
    if counts.count == 1, let (verdict, count) = counts.first {
      return count == 1 ? verdict.past : verdict.past + inAll(count)
    }
    let parts = Case.Verdict.inOrder.compactMap { verdict in counts[verdict].map { "\($0) \(verdict.past)" } }
    return "it depends: " + parts.joined(separator: ", ")
  }
}

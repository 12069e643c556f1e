import FlowTrace
package import PolicyCheck
package import RuleGraph

extension CheckResult.Reason {
  /// Why a claim does not hold or was not settled: `dropped, expected accept`; `ruleset` is the host's.
  package func text(in ruleset: Ruleset) -> String {
    switch self {
    case .broken(let breach): return breach.text
    case .vacuous: return "no packet fits this description, so it claims nothing"
    case .undetermined(let doubt, let conditions):
      var hints: [String] = []
      for use in conditions {
        guard let text = use.text(in: ruleset) else { continue }
        let hint = text + (use.settledBy.map { " (\($0))" } ?? "")
        if !hints.contains(hint) { hints.append(hint) }
      }
      let depends = hints.isEmpty ? "" : "; it depends on whether " + hints.joined(separator: ", and whether ")
      return "undetermined: \(doubt.text)\(depends)"
    case .skipped(let why): return why
    }
  }
}

extension Doubt {
  /// What the dumps do not show.
  var text: String {
    switch self {
    case .fate: "the dumps do not show what happens to them"
    case .source: "the dumps do not show whether its source is translated"
    case .reply: "the dumps do not show what happens to the reply"
    case .counterexample(let verdict): "cannot be proved from these dumps: packets may be \(verdict.past)"
    }
  }
}

extension Breach {
  /// What is, and what was expected.
  var text: String {
    switch self {
    case .verdict(let verdict, let expected): return "\(verdict.past), expected \(Self.list(expected))"
    case .connection(let connection, let verdict, let expected):
      let others = expected.map { " or " + $0.rawValue }.joined()
      return "\(Self.connection(connection, verdict)), expected works\(others)"
    case .forbiddenConnection: return "works, which only others are to"
    case .forbidden(let verdict): return "\(verdict.past), which only others are to be"
    case .answer(let answer, let expected):
      return "rejected with \(answer ?? "no answer"), expected \(expected.joined(separator: " or "))"
    case .fate(let fate, let expected):
      return "fate \(fate.rawValue), expected \(expected.map(\.rawValue).joined(separator: " or "))"
    case .destinationTranslated(let addresses, let ports):
      return "its destination becomes \(Self.place(addresses, ports)), expected it kept"
    case .destination(let addresses, let ports, let expected):
      return "it ends at \(Self.place(addresses, ports)), expected \(expected)"
    case .sourceTranslated(let addresses, let ports):
      return "its source becomes \(Self.place(addresses, ports)), expected it kept"
    case .sourceTranslation(let kind, let expected):
      let now = kind.map { "translated by \($0.rawValue)" } ?? "kept"
      return "its source is \(now), expected \(expected.rawValue)"
    case .source(let addresses, let ports, let expected):
      return "its source at the end is \(Self.place(addresses, ports)), expected \(expected)"
    case .output(let names, let expected):
      let now = names.map { "leaves through \($0.text(as: .name, in: InterfaceName.anyName))" } ?? "does not leave"
      return "it \(now), expected out \(expected)"
    case .decidedElsewhere(let expected, let missing):
      let note = missing.isEmpty ? "" : " (\(missing.map(\.text).joined(separator: ", ")) does not exist)"
      return "not decided via \(expected.map(\.text).joined(separator: " or "))\(note)"
    case .passes(let pattern): return "it passes \(pattern.text), which it never may"
    case .noReply(let expected): return "there is no reply, expected one: \(Self.list(expected))"
    case .reply(let verdict, let expected): return "its reply is \(verdict.past), expected \(Self.list(expected))"
    case .alternatives(let breaches):
      let each = breaches.map { $0.map(\.text).joined(separator: ", ") }
      return "none of the alternatives: " + each.joined(separator: "; ")
    }
  }

  /// What is against a connection: `accepted, but its reply is dropped`.
  private static func connection(_ connection: ConnectionFate, _ verdict: Case.Verdict) -> String {
    let fails = connection.outcome == .fails
    switch connection.stage {
    case nil: return "works"
    case .packet: return verdict.past
    case .reply: return "accepted, but its reply \(fails ? "does" : "may") not come back"
    case .listener: return "accepted, but nothing listens there"
    case .proxy: return "accepted, but docker-proxy's own connection \(fails ? "fails" : "may fail")"
    }
  }

  private static func list(_ verdicts: [Case.Verdict]) -> String {
    verdicts.map(\.rawValue).joined(separator: " or ")
  }

  private static func place(_ addresses: ValueSet, _ ports: ValueSet?) -> String {
    let address = addresses.text(as: .address, limit: 3)
    guard let ports, !ports.isEmpty, ports != .bits(16) else { return address }
    let port = ports.text(as: .number, limit: 3)
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}

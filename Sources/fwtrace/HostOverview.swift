import HostAnalysis
import Reports
import RuleParser

/// What can be reached of each host in the dumps, host by host.
struct HostOverview {
  let terminal: TerminalSettings
  /// Whether what containers and the host itself reach is left out.
  let isBrief: Bool

  /// Prints every host under its name; the exit status is that of the worst.
  func print(_ hosts: [HostReading], dumps: [String]) throws(Failure) -> ExitStatus {
    let names = HostChoice(hosts, named: nil).names
    var worst = ExitStatus.accepted
    for (index, (name, reading)) in zip(names, hosts).enumerated() {
      if index > 0 { Output.write("\n") }
      try RefuseEmpty.check(reading, dumps: dumps)
      let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
      let text = ExposureText(
        reading.ruleset, facts: reading.facts, terminal: terminal, hostName: hosts.count > 1 ? name : reading.name)
      Output.write(text.text(of: exposure, isBrief: isBrief, diagnostics: reading.diagnostics))
      let status = ExitStatus(exposure)
      if status.rawValue > worst.rawValue { worst = status }
    }
    return worst
  }
}

extension ExitStatus {
  /// What is unknown counts more than what is marked, as it does for a question.
  init(_ exposure: Exposure) {
    self = !exposure.isDetermined ? .undetermined : exposure.hasMarks ? .notAccepted : .accepted
  }
}

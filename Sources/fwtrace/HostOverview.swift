import HostAnalysis
import Reports
import RuleParser

/// What can be reached of each host in the dumps, host by host.
struct HostOverview {
  let terminal: TerminalSettings
  /// Whether what containers and the host itself reach is left out.
  let isBrief: Bool
  /// Whether all hosts together take one screen at most.
  var isOneScreen = false

  /// Prints every host under its name; the exit status is that of the worst.
  func print(_ hosts: [HostReading], dumps: [String]) throws(Failure) -> ExitStatus {
    let names = HostChoice(hosts, named: nil).names
    var worst = ExitStatus.accepted
    var whole = ""
    for (index, (name, reading)) in zip(names, hosts).enumerated() {
      if index > 0 { whole += "\n" }
      try RefuseEmpty.check(reading, dumps: dumps)
      let exposure = WorkNotice.during("asking about every port") {
        let host = AnalysedHost(reading.ruleset, facts: reading.facts)
        return isBrief ? host.outsideExposure() : host.exposure()
      }
      let text = ExposureText(
        reading.ruleset, facts: reading.facts, terminal: terminal, hostName: hosts.count > 1 ? name : reading.name)
      whole += text.text(of: exposure, isBrief: isBrief, diagnostics: reading.diagnostics)
      if !isOneScreen {
        Output.write(whole)
        whole = ""
      }
      let status = ExitStatus(exposure)
      if status.rawValue > worst.rawValue { worst = status }
    }
    if isOneScreen { Output.write(TraceText.brief(whole)) }
    return worst
  }
}

extension ExitStatus {
  /// What is unknown counts more than what is marked, as it does for a question.
  init(_ exposure: Exposure) {
    self = !exposure.isDetermined ? .undetermined : exposure.hasMarks ? .notAccepted : .accepted
  }
}

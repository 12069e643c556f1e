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
      let host = AnalysedHost(reading.ruleset, facts: reading.facts)
      let exposure = ProgressLine.during("asking about every port") {
        isBrief ? host.outsideExposure() : host.exposure()
      }
      var text = ExposureText(
        reading.ruleset, facts: reading.facts, terminal: terminal, hostName: hosts.count > 1 ? name : reading.name)
      if isBrief {
        let audit = host.audit(with: exposure)
        text.findings = audit.findings.count { $0.severity >= .warning }
        text.auditCommand = Self.auditCommand(dumps, host: hosts.count > 1 ? name : nil)
      }
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

  /// The command that prints the findings of the same host: `fwtrace audit edge`.
  private static func auditCommand(_ dumps: [String], host: String?) -> String {
    let isPlain = !dumps.contains { $0 == "-" || $0.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "'") } }
    return (["fwtrace", "audit"] + (host.map { ["--host", $0] } ?? []) + (isPlain ? dumps : [])).joined(separator: " ")
  }
}

extension ExitStatus {
  /// What is unknown counts more than what is marked, as it does for a question.
  init(_ exposure: Exposure) {
    self = !exposure.isDetermined ? .undetermined : exposure.hasMarks ? .notAccepted : .accepted
  }
}

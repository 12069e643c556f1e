import ArgumentParser
import HostAnalysis
import HostModel
import Reports
import RuleGraph
import RuleParser

/// `fwtrace exposure`: what of a host can be reached, from where, and what decides.
struct ExposureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exposure",
    abstract: "List what can be reached from where: ports of the host, published ports, containers.",
    discussion: """
      Every TCP and UDP port of the host and of its containers is asked about from each outside interface, each container network and the host \
      itself; sources are open, forged ones aside. Exit status: 0 nothing is marked, 1 something is open that should not be (!), 2 bad input or \
      usage, 3 the dumps leave something open.
      """)

  @Flag(help: "Print the answer as JSON (schema fwtrace.exposure/1).")
  var json = false

  @Option(help: ArgumentHelp("Colours: auto, always or never. NO_COLOR switches auto off.", valueName: "when"))
  var color: ColorChoice = .auto

  @Option(help: ArgumentHelp("Columns of the terminal.", valueName: "columns"))
  var width: Int?

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    guard json else {
      let terminal = TerminalSettings(width: width ?? Output.width, inColor: color.isOn)
      throw try HostOverview(terminal: terminal, isBrief: false).print(dumps.chosenHosts(), dumps: dumps.dumps)
    }
    let reading = try dumps.read()
    try RefuseEmpty.check(reading, dumps: dumps.dumps)
    let exposure = AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
    Output.write(
      ExposureJSON(reading.ruleset, hostName: reading.name ?? reading.facts.hostName).bytes(
        of: exposure, diagnostics: reading.diagnostics))
    throw ExitStatus(exposure)
  }
}

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

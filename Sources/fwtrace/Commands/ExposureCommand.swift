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
    abstract: "List what can be reached, and from where: ports of the host, published ports, containers.",
    discussion: """
      Every TCP and UDP port of the host and of its containers is traced from each outside interface, each container network and the host \
      itself, from every source but forged ones. Exit status: 0 nothing is marked, 1 something is open that should not be (!), 2 bad input or \
      usage, 3 the dumps leave something undetermined.
      """)

  @Flag(help: "Print the answer as JSON (schema fwtrace.exposure/1).")
  var json = false

  @Flag(help: "Print the answer as Markdown: a table for each zone.")
  var markdown = false

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    try AnswerForm.check(["--json": json, "--markdown": markdown])
    guard json || markdown else {
      throw try HostOverview(terminal: terminal.settings, isBrief: false).print(dumps.chosenHosts(), dumps: dumps.given)
    }
    let reading = try dumps.read()
    try RefuseEmpty.check(reading, dumps: dumps.given)
    let exposure = ProgressLine.during("asking about every port") {
      AnalysedHost(reading.ruleset, facts: reading.facts).exposure()
    }
    if markdown {
      Output.write(
        ExposureMarkdown(reading.ruleset, facts: reading.facts).text(of: exposure, hostName: reading.name))
      throw ExitStatus(exposure)
    }
    Output.write(
      ExposureJSON(reading.ruleset, hostName: reading.name ?? reading.facts.hostName).bytes(
        of: exposure, diagnostics: reading.diagnostics))
    throw ExitStatus(exposure)
  }
}

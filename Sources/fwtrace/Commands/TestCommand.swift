import ArgumentParser
import FlowTrace
import PolicyCheck
import Reports
import RuleGraph
import RuleParser

/// `fwtrace test`: the expectations of a policy, proved or refuted on the hosts in the dumps.
struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Prove a policy's expectations on dumps, or refute them with a packet.",
    discussion: """
      The dumps are those of the policy, or those on the command line. An expectation that leaves fields open is a claim about every packet \
      that fits: it is proved case by case, or refuted by one packet. Exit status: 0 every claim holds, 1 one does not, 2 bad policy, dumps or usage.

        fwtrace test policy.yaml
        fwtrace test policy.yaml --record --in eth0 --dst 192.0.2.1:443 dump.txt
      """)

  @ArgumentParser.Argument(help: ArgumentHelp("The policy (YAML).", valueName: "policy"))
  var policy: String

  @Option(
    help: ArgumentHelp(
      "Only tests with this tag or word in their name; !WORD excludes tests. Can be repeated.",
      valueName: "word"))
  var filter: [String] = []

  @Flag(help: "List the tests that would run, and run none.")
  var list = false

  @Flag(help: "Also name the tests that pass.")
  var verbose = false

  @Flag(help: "Run again whenever the policy or a dump changes.")
  var watch = false

  @Flag(help: "Change the expectations of failing tests to today's answer, and show what changed.")
  var update = false

  @Flag(help: "Add a test to the policy: the packet of the options, with today's answer.")
  var record = false

  @Option(help: ArgumentHelp("The name of the recorded test.", valueName: "name"))
  var name: String?

  @OptionGroup(title: "Reports") var reports: ReportArguments

  @OptionGroup(title: "The packet, with --record") var packet: QueryArguments

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    guard record || (packet.isEmpty && name == nil) else {
      throw Failure("options of a packet and --name belong to --record; what is tested stands in the policy")
    }
    if record { return try PolicyRecording(self).run() }
    if list { return try writeList() }
    if watch { PolicyWatch(self).run() }
    try runOnce()
  }

  private func writeList() throws {
    for check in try PolicyRun(self).hosts.flatMap(\.checks) {
      let tags = check.tags.isEmpty ? "" : "  [\(check.tags.joined(separator: ", "))]"
      Output.say("\(check.host): \(check.name)\(tags)\n")
    }
  }

  /// Runs the policy and reports; an exit status other than 0 is thrown.
  func runOnce() throws {
    let run = try PolicyRun(self)
    let results = run.results()
    if update { try PolicyRecording(self).update(run, results) }
    let coverage = reports.needsCoverage ? results.map { PolicyCoverage($0) } : []
    try reports.write(results, coverage, policy: policy)
    let failed = Tally(results.flatMap(\.results)).failed > 0
    var isShort = false
    if !reports.takesStandardOutput {
      if reports.coverage { Output.write(CoverageText(terminal: terminal.settings).text(of: coverage) + "\n") }
      if let minimum = reports.coverageMin {
        for one in coverage where one.percent < minimum {
          isShort = true
          Output.say("coverage of \(one.host.name) is \(one.covered) of \(one.rules) rules, less than \(minimum) %\n")
        }
      }
      Output.write(PolicyText(policy: policy, terminal: terminal.settings, listsPassed: verbose).text(of: results))
    } else if let minimum = reports.coverageMin {
      isShort = coverage.contains { $0.percent < minimum }
    }
    if failed || isShort { throw ExitStatus.notAccepted }
  }
}

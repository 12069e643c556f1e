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
      The policy names its dumps, or the command line does. An expectation with open fields is a claim about every packet that fits: it is \
      proved case by case, and refuted by one packet. Exit status: 0 every claim holds, 1 some does not, 2 bad policy, dumps or usage.
      """)

  @ArgumentParser.Argument(help: ArgumentHelp("The policy (YAML).", valueName: "policy"))
  var policy: String

  @Option(
    help: ArgumentHelp(
      "Only tests with this tag or these words in their name; !WORD leaves tests out. May be given several times.",
      valueName: "word"))
  var filter: [String] = []

  @Flag(help: "List the tests that would run, and run none.")
  var list = false

  @Flag(help: "Name the tests that pass, too.")
  var verbose = false

  @Option(help: ArgumentHelp("Colours: auto, always or never. NO_COLOR switches auto off.", valueName: "when"))
  var color: ColorChoice = .auto

  @Option(help: ArgumentHelp("Columns of the terminal.", valueName: "columns"))
  var width: Int?

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    let run = try PolicyRun(self)
    if list {
      for check in run.hosts.flatMap(\.checks) {
        let tags = check.tags.isEmpty ? "" : "  [\(check.tags.joined(separator: ", "))]"
        Output.write("\(check.host): \(check.name)\(tags)\n")
      }
      return
    }
    let results = run.results()
    let terminal = TerminalSettings(width: width ?? Output.width, inColor: usesColor)
    Output.write(PolicyText(policy: policy, terminal: terminal, listsPassed: verbose).text(of: results))
    if Tally(results.flatMap(\.results)).failed > 0 { throw ExitStatus.notAccepted }
  }

  private var usesColor: Bool {
    switch color {
    case .always: true
    case .never: false
    case .auto: Output.isTerminal && Output.environment("NO_COLOR") == nil && Output.environment("TERM") != "dumb"
    }
  }
}

/// A policy with its hosts, ready to run: everything in it was understood.
struct PolicyRun {
  /// A host with the checks that are for it.
  struct Host {
    var host: PolicyHost
    var checks: [Check]
  }

  /// The policy.
  let file: PolicyFile
  /// The hosts.
  let hosts: [Host]

  /// Reads a policy and its dumps; every mistake in it is told at once, and nothing is run.
  init(_ command: TestCommand) throws {
    file = try PolicyFile(command.policy)
    var mistakes = file.mistakes
    var found: [PolicyHosts.Found] = []
    if command.dumps.dumps.isEmpty {
      let expanded = PolicyHosts.find(file.policy.hosts, from: file.folder)
      found = expanded.hosts
      mistakes += expanded.mistakes
      guard !found.isEmpty || !mistakes.isEmpty else {
        throw Failure(
          "\(command.policy): no dump given: name one under hosts in the policy, or behind it on the command line")
      }
    } else {
      found = [.init(name: PolicyHosts.name(of: command.dumps.dumps[0]), dumps: command.dumps.dumps)]
    }
    let filter = CheckFilter(command.filter)
    var hosts: [Host] = []
    for one in found {
      var arguments = command.dumps
      arguments.dumps = one.dumps
      let reading = try arguments.read()
      try RefuseEmpty.check(reading, dumps: one.dumps)
      let host = PolicyHost(name: one.name, ruleset: reading.ruleset, facts: reading.facts)
      let bound = PolicyBinder.bind(file.policy, to: host)
      mistakes += bound.mistakes
      hosts.append(Host(host: host, checks: bound.checks.filter { filter.accepts(name: $0.name, tags: $0.tags) }))
    }
    self.hosts = hosts
    var told: Set<PolicyMistake> = []
    let all = mistakes.filter { told.insert($0).inserted }.sorted { $0.place < $1.place }
    guard all.isEmpty else {
      let lines = all.map { "\(command.policy):\($0.place.line):\($0.place.column): \($0.message)" }
      throw Failure(lines.joined(separator: "\nfwtrace: "))
    }
    if hosts.allSatisfy(\.checks.isEmpty), !file.policy.tests.isEmpty, !command.filter.isEmpty {
      throw Failure("--filter \(command.filter.joined(separator: " ")): no test has such a tag or name")
    }
  }

  /// Runs everything.
  func results() -> [HostResult] {
    hosts.map { one in
      let checker = Checker(one.host)
      return HostResult(host: one.host, results: one.checks.map { checker.run($0) })
    }
  }
}

import ArgumentParser
import HostAnalysis
import HostModel
import Reports
import RuleGraph
import RuleParser

/// `fwtrace diff`: what a change of the rules changes for packets.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract:
      "Show what changed between two rulesets, for which packets and by which rules, or prove that nothing did.",
    discussion: """
      OLD and NEW are dumps of any form: a file, a folder, or - for standard input. Without NEW, OLD is compared with this host. --with and \
      --as-docker change NEW; without NEW, OLD (or this host) is compared with what they make of it. Every packet that could be treated differently \
      is traced on both sides: the first packets of connections, replies and later packets, those that arrive and those that the host sends. \
      Exit status: 0 every packet is treated the same (perhaps by another rule), 1 something changed, 2 bad input or usage, 3 nothing is known \
      to have changed, but the dumps leave something undetermined.

        fwtrace diff rules.old rules.new
        git show HEAD:rules.v4 | fwtrace diff - rules.v4
        sudo fwtrace diff rules.v4
        fwtrace diff rules.v4 --with 'iptables -I INPUT -s 203.0.113.9 -j DROP'
        fwtrace diff host/ --as-docker 29
      """)

  @ArgumentParser.Argument(help: ArgumentHelp("The dump of the rules before.", valueName: "old"))
  var old: String?

  @ArgumentParser.Argument(
    help: ArgumentHelp("The dump of the rules after; without it, this host.", valueName: "new"))
  var new: String?

  @Option(
    help: ArgumentHelp("If the dumps are of several hosts: which one, by name or number.", valueName: "name"))
  var host: String?

  @Flag(help: "Print the answer as JSON (schema fwtrace.diff/1).")
  var json = false

  @Flag(help: "Print the answer as Markdown, for a pull request.")
  var markdown = false

  @Flag(help: "Print the changes as SARIF 2.1.0, each at the line of the new rule that decides.")
  var sarif = false

  @OptionGroup var commands: CommandArguments

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var namespace: NamespaceArguments

  func run() throws {
    try AnswerForm.check(["--json": json, "--markdown": markdown, "--sarif": sarif])
    guard old != "-" || new != "-" else { throw Failure("diff - -: standard input can be one of the two dumps only") }
    let readsHost = commands.isEmpty ? new == nil : old == nil
    guard readsHost || namespace.netns == nil else {
      throw Failure("--netns: it chooses a network namespace of this host, and \(new ?? old ?? "") is compared instead")
    }
    let (before, after) = try sides()
    let difference = Difference(of: (before.ruleset, before.facts), and: (after.ruleset, after.facts))
    let diagnostics = (old: before.diagnostics, new: after.diagnostics)
    if json {
      Output.write(
        DifferenceJSON(before.ruleset, after.ruleset).bytes(of: difference, diagnostics: diagnostics))
    } else if markdown {
      Output.write(DifferenceMarkdown(before.ruleset, after.ruleset).text(of: difference))
    } else if sarif {
      Output.write(
        DifferenceSARIF.bytes(of: difference, before.ruleset, after.ruleset, version: Fwtrace.configuration.version))
    } else {
      let text = DifferenceText(before.ruleset, after.ruleset, terminal: terminal.settings)
      Output.write(text.text(of: difference, diagnostics: diagnostics))
    }
    throw ExitStatus(difference)
  }

  /// The hosts that are compared.
  private func sides() throws -> (before: HostReading, after: HostReading) {
    guard old != nil || !commands.isEmpty else {
      throw Failure(
        "diff: what is compared? fwtrace diff OLD NEW, fwtrace diff HOST --with COMMAND or fwtrace diff HOST --as-docker VERSION"
      )
    }
    let before = try reading(old.map { [$0] } ?? [])
    if commands.isEmpty || new != nil {
      var after = try reading(new.map { [$0] } ?? [])
      try commands.carryOut(on: &after)
      return (before, after)
    }
    var after = before
    try commands.carryOut(on: &after)
    return (before.withTables(madeIn: after), after)
  }

  /// The host of one side.
  private func reading(_ dumps: [String]) throws -> HostReading {
    try HostDumps.host(dumps, named: host, namespace: namespace)
  }
}

extension ExitStatus {
  /// A change that is proved counts more than what is unknown beside it.
  init(_ difference: Difference) {
    self = difference.hasChanges ? .notAccepted : difference.isDetermined ? .accepted : .undetermined
  }
}

import ArgumentParser
import Reports
import RuleGraph
import RuleParser
import RuleText

/// `fwtrace parse`: what was read of the dumps.
struct ParseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse", abstract: "Print the rules as fwtrace understands them, and what it could not read.")

  @Flag(help: "Print the rule graph as JSON (schema fwtrace.graph/1).")
  var json = false

  @Flag(help: "With --json: leave out what depends on the dump, so that two dumps of one ruleset print the same.")
  var canonical = false

  /// The dialects that a graph can be printed back in.
  enum Dialect: String, ExpressibleByArgument, CaseIterable {
    case iptablesSave = "iptables-save"
    case nft
  }

  @Option(
    name: .customLong("as"),
    help: ArgumentHelp(
      "Print the rules as iptables-save or nft does. What the dialect can't express becomes a comment.",
      valueName: "dialect"))
  var dialect: Dialect?

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    let hosts = try dumps.readHosts()
    if hosts.count > 1, dialect == nil, !json, !canonical, dumps.host == nil, dumps.commands.isEmpty {
      return printHosts(hosts)
    }
    let reading = try dumps.host(of: hosts)
    try RefuseEmpty.check(reading, dumps: dumps.given)
    if let dialect {
      Output.write(
        dialect == .nft ? NftPrinter.print(reading.ruleset) : IptablesSavePrinter.print(reading.ruleset))
    } else if json || canonical {
      Output.write(GraphJSON(isCanonical: canonical).bytes(of: reading.ruleset, diagnostics: reading.diagnostics))
    } else {
      Output.write(GraphListing(reading.ruleset, terminal: terminal.settings).text(diagnostics: reading.diagnostics))
    }
  }

  /// Each host of the dumps under its name.
  private func printHosts(_ hosts: [HostReading]) {
    for (index, (name, host)) in zip(HostChoice(hosts, named: nil).names, hosts).enumerated() {
      if index > 0 { Output.write("\n") }
      let listing = GraphListing(host.ruleset, terminal: terminal.settings, host: name)
      Output.write(listing.text(diagnostics: host.diagnostics))
    }
  }
}

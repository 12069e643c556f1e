import ArgumentParser
import FlowTrace
import HostAnalysis
import HostModel
import Reports
import RuleGraph
import RuleParser
import Traffic

/// `fwtrace replay`: the flows of logs through a ruleset, or through two of them.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Send the flows of logs through the rules: what they come to, or what a change would do to them.",
    discussion: """
      FILES are logs and the dumps of the host, told apart by what is in them; without a dump, this host is read. Logs of connections and packets \
      are read: Zeek's conn.log (TSV, JSON), nfdump -o csv, AWS VPC flow logs, Suricata's EVE, conntrack -E and -L, ulogd2's JSON, LOG lines of the \
      kernel and of ufw, tcpdump -n, and questions of --batch; - is a log on standard input, and a log may be compressed with gzip. With --before \
      and --after (other dumps are then of both), or --with, only those flows are shown that fare otherwise. Exit status: 0 the logs were read, and with two rulesets nothing \
      changes for their flows; 1 something changes; 2 bad input or usage.

        fwtrace replay conn.log host/
        fwtrace replay conn.log --before rules.old --after rules.new
        fwtrace replay conn.log host/ --with 'iptables -I INPUT -p tcp --dport 22 -j DROP'
        zcat flows.gz | fwtrace replay - --zone 10.0.0.0/8=lan0 rules.v4
      """)

  @ArgumentParser.Argument(help: ArgumentHelp("Logs, and dumps of the host.", valueName: "files"))
  var files: [String] = []

  @Option(help: ArgumentHelp("The dump of the rules before.", valueName: "old"))
  var before: String?

  @Option(help: ArgumentHelp("The dump of the rules after.", valueName: "new"))
  var after: String?

  @Option(
    help: ArgumentHelp(
      "Packets from these sources come in on this interface. Can be repeated; the first that fits counts.",
      valueName: "prefix=if"))
  var zone: [String] = []

  @Option(help: ArgumentHelp("An address of the host that no dump shows. Can be repeated.", valueName: "addr"))
  var hostAddress: [String] = []

  @Option(
    help: ArgumentHelp("If the dumps are of several hosts: which one, by name or number.", valueName: "name"))
  var host: String?

  @Flag(help: "Print the answer as JSON (schema fwtrace.replay/1).")
  var json = false

  @OptionGroup var commands: CommandArguments

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var namespace: NamespaceArguments

  func run() throws {
    var logs: [String] = []
    var dumps: [String] = []
    for file in files {
      if try file == "-" || !DumpFiles.isFolder(file) && ReplayRun.isLog(file) {
        logs.append(file)
      } else {
        dumps.append(file)
      }
    }
    guard !logs.isEmpty else {
      throw Failure(
        files.isEmpty
          ? "replay: which logs? fwtrace replay LOG... HOST, fwtrace replay LOG... --before OLD --after NEW"
          : "replay: no log among \(files.joined(separator: ", ")); fwtrace replay --help lists the forms that are read"
      )
    }
    let zones = try zones()
    let (old, new) = try sides(dumps)
    let setup = ReplaySetup(old: old, new: new, zones: zones)
    let (tally, read) = try ReplayRun(setup.replay).count(logs: logs)
    let summary = ReplaySummary(tally, of: setup.replay, setup.old, logs: read)
    let diagnostics = old.diagnostics + (new?.diagnostics ?? []).filter { !old.diagnostics.contains($0) }
    if json {
      Output.write(
        ReplayJSON(setup.old, after: setup.new).bytes(of: summary, gaps: setup.gaps, diagnostics: diagnostics))
    } else {
      let text = ReplayText(setup.old, after: setup.new, terminal: terminal.settings)
      Output.write(text.text(of: summary, gaps: setup.gaps, diagnostics: diagnostics))
    }
    throw summary.changes.isEmpty ? ExitStatus.accepted : ExitStatus.notAccepted
  }

  /// The zones that were given: `10.0.0.0/8=lan0`.
  private func zones() throws(Failure) -> [(sources: Prefix, interface: InterfaceName)] {
    var zones: [(sources: Prefix, interface: InterfaceName)] = []
    for text in zone {
      guard let equals = text.firstIndex(of: "="), let prefix = Prefix(text[..<equals]),
        let name = InterfaceName(text[text.index(after: equals)...]), name != .none
      else {
        throw Failure("--zone \(text): expected sources and their interface, such as 10.0.0.0/8=lan0")
      }
      zones.append((prefix, name))
    }
    return zones
  }

  /// The host, or the host before and after.
  private func sides(_ dumps: [String]) throws -> (old: HostReading, new: HostReading?) {
    guard before != nil || after != nil else {
      let old = try reading(dumps)
      if commands.isEmpty { return (old, nil) }
      var new = old
      try commands.carryOut(on: &new)
      return (old.withTables(madeIn: new), new)
    }
    guard let before, let after else {
      throw Failure("--before and --after: one needs the other; for commands on one host there is --with")
    }
    let old = try reading([before] + dumps)
    var new = try reading([after] + dumps)
    try commands.carryOut(on: &new)
    return (old, new)
  }

  private func reading(_ dumps: [String]) throws -> HostReading {
    var reading = try HostDumps.host(dumps, named: host, namespace: namespace)
    try reading.add(hostAddresses: hostAddress)
    return reading
  }
}

/// The rulesets of a replay made ready for it.
private struct ReplaySetup {
  let replay: Replay
  let old: Ruleset
  let new: Ruleset?
  let gaps: [Gap]

  init(old: HostReading, new: HostReading?, zones given: [(sources: Prefix, interface: InterfaceName)]) {
    guard let new else {
      let inferred = InferredHost(ruleset: old.ruleset, facts: old.facts)
      let zones = ReplayZones(given: given, facts: old.facts, inferred: inferred)
      let packets = PacketClasses([(old.ruleset, old.facts)], beside: zones.sources)
      replay = Replay([Tracer(old.ruleset, facts: old.facts)], packets, zones: zones)
      (self.old, self.new, gaps) = (old.ruleset, nil, [])
      return
    }
    let hosts = ComparedHosts(old: (old.ruleset, old.facts), new: (new.ruleset, new.facts))
    var both = hosts.old
    both.tables += hosts.new.tables
    let inferred = InferredHost(ruleset: both, facts: hosts.facts)
    let zones = ReplayZones(given: given, facts: hosts.facts, inferred: inferred)
    let packets = PacketClasses(
      [(hosts.old, hosts.facts), (hosts.new, hosts.facts), (hosts.new, new.facts)], beside: zones.sources)
    replay = Replay([hosts.oldTracer, hosts.newTracer], packets, zones: zones)
    (self.old, self.new, gaps) = (hosts.old, hosts.new, hosts.gaps)
  }
}

import HostModel
import RuleGraph

/// What commands that change a host make of it.
struct CommandReading {
  /// The tables, in the order in which commands touched them.
  var tables: [Table] = []
  var ipsets: [NamedSet] = []
  var facts = HostFacts()
  var diagnostics: [Diagnostic] = []
  /// The first command that changed rules; nil when none did.
  var first: SourceSpan?
  /// The first command with which nft loaded a file that nobody shows.
  var unseenRuleset: SourceSpan?
}

/// Reads the commands and scripts that set a firewall up, by carrying them out on a host of its own that was just
/// started.
enum CommandReader {
  /// Carries out the commands of some texts, one behind the other.
  static func read(_ texts: [DumpText]) -> CommandReading {
    var shell = ShellRun(host: CommandHost())
    for text in texts { shell.run(ShellText(text)) }
    let host = shell.host
    var reading = CommandReading(
      tables: host.iptables.result + host.nft.tables, facts: host.facts,
      diagnostics: host.notes + host.iptables.diagnostics + host.nft.diagnostics, first: host.first)
    // What it found it may have changed, whatever the commands behind it add.
    if let unseen = host.unseen {
      for table in reading.tables.indices { reading.tables[table].addMissing(from: unseen) }
    }
    for change in host.changesBetween { reading.apply(change) }
    reading.unseenRuleset = host.nft.unseen
    let sets = host.ipset.result()
    reading.ipsets = sets.sets
    reading.diagnostics += sets.diagnostics
    reading.diagnostics.sort {
      ($0.span?.source ?? 0, $0.span?.offset ?? 0) < ($1.span?.source ?? 0, $1.span?.offset ?? 0)
    }
    if shell.isExhausted {
      reading.diagnostics.append(
        Diagnostic(
          "too-many-commands", .warning,
          "the script runs more commands than are carried out here; the rest is left out",
          span: reading.first))
      for table in reading.tables.indices { reading.tables[table].addMissing(from: reading.first) }
    }
    return reading
  }
}

extension CommandReading {
  /// Takes in that another program changed the rules between the commands.
  fileprivate mutating func apply(_ change: CommandHost.ChangeElsewhere) {
    diagnostics.append(
      Diagnostic(
        "commands-not-applied", .warning,
        "\(change.program) changes rules in ways that its command does not show: what they are after it is unknown",
        span: change.span))
    for index in tables.indices {
      if change.makesContainer {
        _ = tables[index].addContainerRules(from: change.span)
      } else {
        tables[index].addMissing(from: change.span)
      }
    }
    if change.makesContainer, !tables.contains(where: { $0.name == "nat" && $0.family == .ip }) {
      tables.append(Table(translatingFor: change.span, origin: tables.first?.origin ?? .iptables))
    }
  }
}

extension Table {
  /// Takes in that any chain may hold more rules than are known, at its front and at its end.
  mutating func addMissing(_ evidence: MissingRules.Evidence = .computed, from span: SourceSpan?) {
    shown = .part
    for chain in chains.indices {
      let place = chains[chain].span ?? span ?? SourceSpan(source: 0, line: 1, offset: 0, length: 0)
      let missing = MissingRules(evidence)
      chains[chain].addMissing(missing, span: place)
      chains[chain].rules.insert(Rule(missing: missing, span: place), at: 0)
      if chains[chain].base?.policy == .accept { chains[chain].base?.policy = nil }
    }
  }
}

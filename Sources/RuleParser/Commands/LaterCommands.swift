import HostModel
import RuleGraph

/// Commands that were typed at a prompt after the outputs that show what they change: the tables as printed are no
/// longer those of the host.
///
/// What iptables changes is carried out on the tables as shown. A command whose chain was printed again behind it is in
/// that printing already. Where prose stands between an output and a command, or something follows the command that may
/// be an error, nobody knows that it ran after the output, or at all, and what it makes is in doubt. What other
/// programs change is unknown.
struct LaterCommands {
  /// The commands, in the order of the input.
  private let sections: [DumpSection]
  private let printings: [TablePrinting]
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter sections: the commands of a host, those without a prompt among them.
  init(_ sections: [DumpSection], printings: [TablePrinting]) {
    self.sections = sections.filter { $0.session != nil }
    self.printings = printings.filter { $0.form != .commands }
  }

  /// Changes the tables and sets that dumps show.
  mutating func apply(to tables: inout [Table], _ ipsets: inout [NamedSet]) {
    for section in sections {
      let before = printings.filter { $0.source == section.text.source && $0.order < section.order }
      let hasSets = ipsets.contains { $0.span?.source == section.text.source }
      guard !before.isEmpty || hasSets else { continue }
      carryOut(section, on: &tables, &ipsets)
    }
  }

  private mutating func carryOut(_ section: DumpSection, on tables: inout [Table], _ ipsets: inout [NamedSet]) {
    let standing = CommandStanding(section, printings)
    var host = CommandHost()
    host.iptables = IptablesHost(showing: tables, standing)
    host.besideDumps = true
    var shell = ShellRun(host: host)
    shell.run(ShellText(section.text))
    host = shell.host
    for index in tables.indices {
      if let changed = host.iptables.changed(tables[index]) {
        tell(of: tables[index], at: host.iptables.firstChange(of: changed) ?? changed.span)
        tables[index] = changed
      }
    }
    for change in host.changesElsewhere { apply(change, standing, &tables, &ipsets) }
  }

  private mutating func tell(of table: Table, at span: SourceSpan?) {
    diagnostics.append(
      Diagnostic(
        "commands-after-a-dump", .warning,
        "commands that change table \(table.family.rawValue) \(table.name) come after its dump, and are applied to it",
        span: span))
  }

  /// A program whose changes are not carried out here: what they make is unknown.
  private mutating func apply(
    _ change: CommandHost.ChangeElsewhere, _ standing: CommandStanding, _ tables: inout [Table],
    _ ipsets: inout [NamedSet]
  ) {
    var names: [String] = []
    // Where rules were printed after it as well, the paste is about the host with the container.
    if change.makesContainer,
      printings.contains(where: { $0.span?.source == change.span.source && $0.span?.offset ?? 0 > change.span.offset })
    {
      return
    }
    if change.program == "ipset" {
      for index in ipsets.indices where change.words.contains(ipsets[index].name) || change.isAll {
        guard let span = ipsets[index].span, span.source == change.span.source, span.offset < change.span.offset else {
          continue
        }
        ipsets[index].elementsKnown = false
        names.append("ipset \(ipsets[index].name)")
      }
    } else {
      for index in tables.indices
      where isMeant(tables[index], by: change) && standing.isAfter(tables[index])
        && !isLoaded(tables[index], by: change)
      {
        if change.makesContainer {
          guard tables[index].addContainerRules(from: change.span) else { continue }
        } else {
          tables[index].addMissing(.changed, from: change.span)
        }
        names.append("table \(tables[index].family.rawValue) \(tables[index].name)")
      }
    }
    if change.makesContainer, !names.isEmpty, !tables.contains(where: { $0.name == "nat" && $0.family == .ip }) {
      tables.append(Table(translatingFor: change.span, origin: tables.first?.origin ?? .iptables))
    }
    guard !names.isEmpty else { return }
    diagnostics.append(
      Diagnostic(
        "commands-not-applied", .warning,
        "this command comes after the dump of \(names.joined(separator: ", ")) and is not applied to it: what it changed is unknown",
        span: change.span))
  }

  /// Whether a table is that of a file which a service loads when it starts: then it is what the file says.
  private func isLoaded(_ table: Table, by change: CommandHost.ChangeElsewhere) -> Bool {
    guard change.program == "service", change.words.contains(where: { ["start", "restart", "reload"].contains($0) })
    else { return false }
    return printings.contains { $0.isFile && $0.table.family == table.family && $0.table.name == table.name }
  }

  private func isMeant(_ table: Table, by change: CommandHost.ChangeElsewhere) -> Bool {
    switch change.program {
    case "nft":
      guard table.origin != .iptablesLegacy else { return false }
      return change.isAll || change.words.contains(table.name) || table.name.isEmpty
    case "iptables": return table.family == .ip
    case "ip6tables": return table.family == .ip6
    default: return true
    }
  }
}

/// How commands stand to the outputs that show chains.
struct CommandStanding {
  /// Where a command stands.
  enum Place {
    /// Before the last printing of its chain, which holds what it made.
    case before
    case after
    /// Perhaps after it.
    case perhaps
  }

  private struct Last {
    var order: Int
    var session: Int32?
    var source: Int32?
  }

  private let section: DumpSection
  /// The last printings of the chains, by the names of their tables.
  private var chains: [RuleCoverage.TableName: [String: Last]] = [:]

  init(_ section: DumpSection, _ printings: [TablePrinting]) {
    self.section = section
    for printing in printings {
      let last = Last(order: printing.order, session: printing.session, source: printing.source)
      for chain in printing.table.chains {
        chains[RuleCoverage.TableName(printing.table.family, printing.table.name), default: [:]][chain.name] = last
      }
    }
  }

  /// Whether commands stand after any printing of a table.
  func isAfter(_ table: Table) -> Bool {
    let lasts = chains[RuleCoverage.TableName(table.family, table.name)] ?? [:]
    return lasts.values.contains { place($0) != .before }
  }

  /// How a command for a chain stands, or for all chains.
  func place(of chain: String?, in table: RuleCoverage.TableName) -> Place {
    let lasts = chains[table] ?? [:]
    if let chain, let last = lasts[chain] { return place(last) }
    let places = lasts.values.map { place($0) }
    if places.allSatisfy({ $0 == .before }) { return .before }
    return places.allSatisfy { $0 == .after } ? .after : .perhaps
  }

  private func place(_ last: Last) -> Place {
    // Of two files nobody knows which is the later one.
    guard last.source == section.text.source, last.order < section.order else { return .before }
    return last.session == section.session && !section.isInDoubt ? .after : .perhaps
  }
}

extension CommandHost.ChangeElsewhere {
  /// Whether the command makes a container, which adds rules for its own ports and takes none away (`docker run -p`).
  var makesContainer: Bool {
    guard let first = words.first, ["docker", "podman", "nerdctl"].contains(ShellCommand.baseName(first)) else {
      return false
    }
    return words.dropFirst().first.map { ["run", "create"].contains($0) } ?? false
  }
}

extension Table {
  /// A nat table that nobody printed, with the translations of a container that was made later.
  init(translatingFor span: SourceSpan, origin: TableOrigin) {
    let missing = MissingRules(.notShown, effects: .translateDestination, settledBy: "iptables -t nat -vnL")
    let rule = Self.rule(publishing: missing, from: span)
    let chains = ["PREROUTING", "OUTPUT"].map { name in
      Chain(
        name, base: BuiltinTables.base(table: "nat", chain: name, policy: .accept), rules: [rule], span: span,
        shown: .nothing)
    }
    self.init(.ip, "nat", origin: origin, chains: chains, span: span, shown: .nothing)
  }

  /// Takes in that a container was made after the table was printed: its ports are accepted on the way through FORWARD,
  /// and translated in nat. What was shown stays as it was: only packets to an address that no rule names may be the
  /// new container's.
  ///
  /// - Returns: Whether the table is one of those.
  mutating func addContainerRules(from span: SourceSpan) -> Bool {
    switch name {
    case "nat":
      let rule = Self.rule(publishing: MissingRules(.changed, effects: .translateDestination), from: span)
      change(chains: ["PREROUTING", "OUTPUT"]) { $0.append(rule) }
    case "filter":
      let field = Field.header(HeaderField(family == .ip6 ? .ip6 : .ip, .daddr))
      let others = (family == .ip6 ? .all : ContainerNetwork.possibleAddresses4).subtracting(valuesNamed(of: field))
      let missing = MissingRules(.changed, effects: .accept)
      let rule = Rule([.match(Match(.field(field), .values(others))), .missingRules(missing)], span: span)
      change(chains: ["FORWARD"]) { $0.insert(rule, at: 0) }
    default: return false
    }
    shown = .part
    return true
  }

  /// Rules that publish ports: they translate what is for an address of the host.
  private static func rule(publishing missing: MissingRules, from span: SourceSpan) -> Rule {
    let isForHost = Match(
      .field(.fib(FibField(.type, ofDestination: true))), .values(ValueSet(UInt128(AddressType.local.rawValue))))
    return Rule([.match(isForHost), .missingRules(missing)], span: span)
  }

  private mutating func change(chains names: [String], _ body: (inout [Rule]) -> Void) {
    for index in chains.indices where names.contains(chains[index].name) {
      if chains[index].shown == .whole { chains[index].shown = .part }
      body(&chains[index].rules)
    }
  }

  /// The single values of a field that rules ask for.
  private func valuesNamed(of field: Field) -> ValueSet {
    chains.lazy.flatMap(\.rules).flatMap(\.statements).reduce(ValueSet.empty) { named, statement in
      guard case .match(let match) = statement, !match.negated, match.subject == .field(field),
        case .values(let values) = match.values, values.single != nil
      else { return named }
      return named.union(values)
    }
  }
}

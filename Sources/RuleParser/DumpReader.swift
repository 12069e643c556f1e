import HostModel
import RuleGraph

/// Reads everything that was captured of one host: the rules and the host around them.
///
///     let reading = DumpReader().read([DumpInput(name: "paste.txt", bytes: bytes)])
///     reading.ruleset.table(.ip, "nat")
///
/// An input may be the output of one command, or a paste of many with prompts, Markdown fences, mail quoting, web
/// markup and prose in any language around them, or a capture bundle. Several inputs are one host: a table that stands
/// in several forms is one table, read from the form that tells most. What containers or other network namespaces
/// printed does not become the host's.
public struct DumpReader: Sendable {
  /// Gives the files that an `include "path"` of a rule file stands for, in order, or nil when they may not or can't be
  /// read.
  public typealias Include = @Sendable (_ path: String, _ includer: String) -> [DumpInput]?

  private let include: Include

  /// Makes a reader. Which files a rule file for `nft -f` may include is the caller's to decide; without a word of it,
  /// none.
  public init(include: @escaping Include = { _, _ in nil }) { self.include = include }

  /// Reads the inputs as one host; of several hosts in them, the last one that printed rules.
  ///
  /// Reading never fails: what can't be read is in ``HostReading/diagnostics``, and where nothing at all can, one of
  /// them is the error `nothing-recognised`.
  ///
  /// - Parameter snapshot: the moment to read, counted from 1, where a table was printed again with other content; the
  ///   last one when nil.
  public func read(_ inputs: [DumpInput], snapshot: Int? = nil) -> HostReading {
    let hosts = readHosts(inputs, snapshot: snapshot)
    guard var last = hosts.last(where: { !$0.ruleset.tables.isEmpty }) ?? hosts.last else { return HostReading() }
    if hosts.count > 1 {
      let names = hosts.enumerated().map { $1.name ?? "number \($0 + 1)" }
      last.diagnostics.append(
        Diagnostic(
          "several-hosts", .warning,
          "the dumps are of \(hosts.count) hosts (\(names.joined(separator: ", "))); \(last.name ?? "the last one") answers"
        ))
    }
    return last
  }

  /// Reads the inputs host by host: two prompts' names, two bundles, or two lists of addresses that contradict each
  /// other are two hosts, and nothing is merged across them. Hosts that printed neither rules nor anything else that is
  /// read here are left out where others did.
  ///
  ///     DumpReader().readHosts([paste]).map(\.name)    // ["web1", "web2"]
  public func readHosts(_ inputs: [DumpInput], snapshot: Int? = nil) -> [HostReading] {
    var contents = DumpContents()
    defer { withExtendedLifetime(contents.texts) {} }
    for input in inputs { contents.add(input, include) }
    contents.settleMachines()
    let partition = HostPartition(contents.sections)
    let withRules = partition.parts.filter { part in part.sections.contains { contents.sections[$0].kind.tellsRules } }
    // What hosts without rules printed is nobody's where others printed rules.
    let parts = withRules.isEmpty ? Array(partition.parts.prefix(1)) : withRules
    guard !parts.isEmpty else {
      var reading = HostReading()
      reading.ruleset.sources = contents.sources
      // A program that complained where its output would be tells why there is nothing.
      var rules = RuleSections()
      for failure in contents.failures(inSources: nil) { rules.add(failure) }
      reading.diagnostics =
        contents.diagnostics(ofSources: nil) + rules.diagnostics
        + Self.unrecognised(contents.unrecognised, inputs, isAll: true)
      return [reading]
    }
    return parts.flatMap { part in
      let (reading, changes) = read(part, of: contents, inputs, isOnly: parts.count == 1, snapshot: snapshot)
      guard let hosts = part.split(contents.sections, at: changes) else { return [reading] }
      return hosts.filter { host in host.sections.contains { contents.sections[$0].kind.tellsRules } }
        .map { read($0, of: contents, inputs, isOnly: false, snapshot: snapshot).reading }
    }
  }

  /// Reads one host's outputs, and says which of them show the same chain with other rules.
  private func read(
    _ part: HostPartition.Part, of contents: DumpContents, _ inputs: [DumpInput], isOnly: Bool, snapshot: Int?
  ) -> (reading: HostReading, changes: [(earlier: Int, later: Int)]) {
    var reading = HostReading()
    reading.ruleset.sources = contents.sources
    reading.name = part.name
    let sources = isOnly ? nil : Set(part.sections.map { contents.sections[$0].text.source })
    reading.diagnostics = contents.diagnostics(ofSources: sources)
    var rules = RuleSections()
    var facts = FactSections()
    rules.legacyFamilies = contents.legacyFamilies(inSources: sources)
    rules.unread = contents.unread(inSources: sources)
    for failure in contents.failures(inSources: sources) { rules.add(failure) }
    facts.captured = contents.captured(inSources: sources)
    for index in part.sections {
      let section = contents.sections[index]
      if !section.kind.tellsRules {
        facts.read(section)
      } else if section.place == .host {
        rules.add(section, contents.fragments[index])
      } else {
        reading.diagnostics.append(Self.foreign(section))
      }
    }
    rules.iptablesUsesNft = facts.iptablesVersion?.contains("nf_tables") == true
    rules.read()
    facts.add(settings: rules.settings)
    if isOnly {
      reading.diagnostics += Self.unrecognised(contents.unrecognised, inputs, isAll: !rules.hasRead && !facts.hasRead)
    }
    let names = part.name.map { [$0] } ?? []
    reading.facts = facts.join(hostNames: names)
    let (span, changes) = join(&rules, into: &reading, snapshot: snapshot)
    if span.end != nil { reading.facts = facts.join(hostNames: names, span: span) }
    reading.diagnostics += facts.diagnostics + facts.foreignNotes
    return (reading, changes)
  }

  /// Joins the rules; gives which facts belong to them, and which outputs show the same chain with other rules.
  private func join(
    _ rules: inout RuleSections, into reading: inout HostReading, snapshot: Int?
  ) -> (span: FactSections.Span, changes: [(earlier: Int, later: Int)]) {
    let version = reading.facts.versions["iptables"] ?? ""
    let origin: TableOrigin? =
      version.contains("nf_tables") ? .iptablesNFT : version.contains("legacy") ? .iptablesLegacy : nil
    var joining = TableJoining(
      rules.printings, rulesetListings: rules.rulesetListings.filter { !$0.isCut }, iptablesOrigin: origin,
      sources: reading.ruleset.sources)
    let snapshot = snapshot ?? (joining.answeringMoment < joining.momentCount ? joining.answeringMoment : nil)
    var (tables, coverage) = joining.tables(at: snapshot)
    if snapshot ?? joining.momentCount >= joining.momentCount { rules.carryOutLaterCommands(on: &tables) }
    var told = coverage
    told.tables.formUnion(rules.emptyTables)
    told.allOfIptables = rules.allOfIptables
    told.allOfNftables = rules.allOfNftables
    told.someOfNftables =
      !rules.allOfNftables && rules.printings.contains { $0.table.origin == .nftables && $0.form.isNft }
    told.mayHaveLegacyTables =
      rules.mentionsLegacyTables || origin == .iptablesLegacy || rules.allOfNftables && rules.lackIptablesTables
    let unshown = UnshownRules(tables, told, sections: rules, facts: reading.facts)
    reading.ruleset.tables = unshown.tables
    reading.ruleset.coverage = unshown.coverage
    reading.ruleset.ipsets = rules.ipsets
    reading.snapshotCount = joining.momentCount
    reading.diagnostics += rules.diagnostics + joining.diagnostics + unshown.diagnostics
    reading.diagnostics.removeAll { one in
      one.id == "table-not-printed" && one.span.map(unshown.settled.contains) ?? false
    }
    if rules.mentionsLegacyTables {
      // What follows from iptables' own words is said below, if anything does.
      reading.diagnostics.removeAll { $0.id == "iptables-warning" && $0.message.contains("legacy tables present") }
    }
    if rules.mentionsLegacyTables, !tables.contains(where: { $0.origin == .iptablesLegacy }) {
      reading.diagnostics.append(
        Diagnostic(
          "legacy-tables-untold", .warning,
          "iptables says that tables of iptables-legacy exist too, and no dump shows them; "
            + "`iptables-legacy-save` prints them"))
    }
    if let snapshot, snapshot > joining.momentCount || snapshot < 1 {
      reading.diagnostics.append(
        Diagnostic(
          "no-such-snapshot", .error,
          "no moment \(snapshot): the input shows \(joining.momentCount)"))
    }
    return (joining.span(of: snapshot), joining.changes)
  }

  private static let expected = "the output of iptables, iptables-save, nft, ip, docker, ss or sysctl"

  /// One diagnostic for all inputs in which nothing was found: an error when there is nothing else, a note beside
  /// inputs that were read.
  private static func unrecognised(_ sources: [Int32], _ inputs: [DumpInput], isAll: Bool) -> [Diagnostic] {
    guard let first = sources.first, !inputs.isEmpty else {
      return isAll
        ? [
          Diagnostic("nothing-recognised", .error, "nothing that was given says anything of a host", expected: expected)
        ]
        : []
    }
    let span = SourceSpan(source: first, line: 1, offset: 0, length: 0)
    let names = sources.prefix(3).map { inputs[Int($0)].name }.joined(separator: ", ")
    let isEmpty = sources.allSatisfy { source in
      inputs[Int(source)].bytes.allSatisfy {
        $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
      }
    }
    let message =
      switch (sources.count, isEmpty) {
      case (1, true): "\(names) is empty"
      case (1, false): "no supported output found in \(names)"
      case (2...3, _): "no supported output found in \(names)"
      default: "no supported output found in \(sources.count) of \(inputs.count) inputs (\(names), ...)"
      }
    return [Diagnostic("nothing-recognised", isAll ? .error : .note, message, span: span, expected: expected)]
  }

  private static func foreign(_ section: DumpSection) -> Diagnostic {
    return Diagnostic(
      "rules-of-another-place", .note,
      "these rules are those of \(section.place.words), not the host's, and are not used",
      span: section.text.lines.first.map { section.text.span($0) })
  }
}

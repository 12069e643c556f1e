import HostModel
import RuleGraph

/// Reads everything that was captured of one host: the rules and the host around them.
///
///     let reading = DumpReader().read([DumpInput(name: "paste.txt", bytes: bytes)])
///     reading.ruleset.table(.ip, "nat")
///
/// An input may be the output of one command, or a paste of many with prompts, Markdown fences, mail quoting, web markup and prose in any
/// language around them, or a capture bundle. Several inputs are one host: a table that stands in several forms is one table, read from
/// the form that tells most. What containers or other network namespaces printed does not become the host's.
public struct DumpReader: Sendable {
  /// Gives the files that an `include "path"` of a rule file stands for, in order, or nil when they may not or can't be read.
  public typealias Include = @Sendable (_ path: String, _ includer: String) -> [DumpInput]?

  private let include: Include

  /// Makes a reader. Which files a rule file for `nft -f` may include is the caller's to decide; without a word of it, none.
  public init(include: @escaping Include = { _, _ in nil }) { self.include = include }

  /// Reads the inputs.
  ///
  /// Reading never fails: what can't be read is in ``HostReading/diagnostics``, and where nothing at all can, one of them is the error
  /// `nothing-recognised`.
  ///
  /// - Parameter snapshot: the moment to read, counted from 1, where a table was printed again with other content; the last one when nil.
  public func read(_ inputs: [DumpInput], snapshot: Int? = nil) -> HostReading {
    var reading = HostReading()
    var rules = RuleSections()
    var facts = FactSections()
    var strand = 0
    var order = 0
    var hostNames: [String] = []
    var unrecognised: [Int32] = []
    // What the readers look at stays until all is read.
    var texts: [SourceBytes] = []
    defer { withExtendedLifetime(texts) {} }
    for input in inputs {
      let bytes = InputEncoding.normalised(input.bytes)
      let source = reading.ruleset.sources.add(Source(name: input.name, bytes: bytes))
      let paste = PasteLines(bytes)
      texts.append(paste.memory)
      if let section = NftRuleFile.section(source, paste, strand: strand + 1) {
        strand += 1
        rules.add(section) { path in
          include(path, input.name)?.map { included in
            let source = reading.ruleset.sources.add(Source(name: included.name, bytes: included.bytes))
            let lines = PasteLines(included.bytes)
            texts.append(lines.memory)
            return DumpText(source: source, memory: lines.memory, lines: lines.lines)
          }
        }
        continue
      }
      let finder = SectionFinder(source: source, name: input.name, paste: paste, strand: strand)
      strand = finder.strand + 1
      if finder.mentionsLegacyTables { rules.mentionsLegacyTables = true }
      hostNames += finder.hostNames.filter { !hostNames.contains($0) }
      if let captured = finder.captured { facts.captured = captured }
      for (sentence, line) in finder.unread {
        reading.diagnostics.append(
          Diagnostic(
            "capture-incomplete", .warning, "the capture could not read: \(sentence)",
            span: SourceSpan(source: source, line: line.number, offset: line.start, length: line.end - line.start)))
      }
      for (failure, line, output) in finder.failures {
        let span = SourceSpan(source: source, line: line.number, offset: line.start, length: line.end - line.start)
        rules.add(FailedOutput(program: failure.program, table: failure.table ?? output?.table, span: span))
      }
      if finder.sections.isEmpty { unrecognised.append(source) }
      for var section in finder.sections {
        section.order = order
        order += 1
        if section.kind.tellsRules {
          if section.place == .host { rules.add(section) } else { reading.diagnostics.append(Self.foreign(section)) }
        } else {
          facts.read(section)
        }
      }
    }
    rules.iptablesUsesNft = facts.iptablesVersion?.contains("nf_tables") == true
    rules.read()
    facts.add(settings: rules.settings)
    reading.diagnostics += Self.unrecognised(unrecognised, inputs, isAll: !rules.hasRead && !facts.hasRead)
    reading.facts = facts.join(hostNames: hostNames)
    let span = join(rules, into: &reading, snapshot: snapshot)
    if span.end != nil || hostNames.count > 1 { reading.facts = facts.join(hostNames: hostNames, span: span) }
    reading.diagnostics += facts.diagnostics + facts.foreignNotes
    if hostNames.count > 1 {
      reading.diagnostics.append(
        Diagnostic(
          "several-hosts", .warning,
          "the prompts name several hosts (\(hostNames.joined(separator: ", "))); the rules are read as one host's, what was "
            + "printed last answers, and what hosts without rules printed is left out"))
    }
    return reading
  }

  /// Joins the rules; gives which facts belong to them.
  private func join(
    _ rules: RuleSections, into reading: inout HostReading, snapshot: Int?
  ) -> FactSections.Span {
    let version = reading.facts.versions["iptables"] ?? ""
    let origin: TableOrigin? =
      version.contains("nf_tables") ? .iptablesNFT : version.contains("legacy") ? .iptablesLegacy : nil
    var joining = TableJoining(rules.printings, iptablesOrigin: origin, sources: reading.ruleset.sources)
    let (tables, coverage) = joining.tables(at: snapshot)
    reading.ruleset.tables = tables
    reading.ruleset.coverage = coverage
    reading.ruleset.coverage.allOfIptables = rules.allOfIptables
    reading.ruleset.coverage.allOfNftables = rules.allOfNftables
    reading.ruleset.coverage.tables.formUnion(rules.emptyTables)
    reading.ruleset.coverage.mayHaveLegacyTables = rules.mentionsLegacyTables || origin == .iptablesLegacy
    reading.ruleset.ipsets = rules.ipsets
    reading.snapshotCount = joining.momentCount
    reading.diagnostics += rules.diagnostics + joining.diagnostics
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
          "there is no moment \(snapshot): the input shows \(joining.momentCount)"))
    }
    return joining.span(of: snapshot)
  }

  private static let expected = "the output of iptables, iptables-save, nft, ip, docker, ss or sysctl"

  /// One diagnostic for all inputs in which nothing was found: an error when there is nothing else, a note beside inputs that were read.
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
      inputs[Int(source)].bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
    }
    let message =
      switch (sources.count, isEmpty) {
      case (1, true): "\(names) is empty"
      case (1, false): "nothing in \(names) is a dump that is known here"
      case (2...3, _): "nothing in \(names) is a dump that is known here"
      default: "nothing in \(sources.count) of \(inputs.count) inputs (\(names), ...) is a dump that is known here"
      }
    return [Diagnostic("nothing-recognised", isAll ? .error : .note, message, span: span, expected: expected)]
  }

  private static func foreign(_ section: DumpSection) -> Diagnostic {
    let place =
      switch section.place {
      case .host: "the host"
      case .container(let name): name.isEmpty ? "a container" : "container \(name)"
      case .namespace(let name): "network namespace \(name)"
      }
    return Diagnostic(
      "rules-of-another-place", .note, "these rules are those of \(place), not the host's, and are not used",
      span: section.text.lines.first.map { section.text.span($0) })
  }
}

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
  /// Makes a reader.
  public init() {}

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
    var hostNames: [String] = []
    for input in inputs {
      let source = reading.ruleset.sources.add(Source(name: input.name, bytes: input.bytes))
      let finder = SectionFinder(source: source, name: input.name, bytes: input.bytes, strand: strand)
      strand = finder.strand + 1
      hostNames += finder.hostNames.filter { !hostNames.contains($0) }
      if let captured = finder.captured { facts.captured = captured }
      if finder.sections.isEmpty {
        reading.diagnostics.append(Self.unrecognised(input, source, isOnlyOne: inputs.count == 1))
      }
      for section in finder.sections {
        if section.kind.tellsRules {
          if section.place == .host { rules.read(section) } else { reading.diagnostics.append(Self.foreign(section)) }
        } else {
          facts.read(section)
        }
      }
    }
    if !inputs.isEmpty, !rules.hasRead, !facts.hasRead, inputs.count > 1 {
      reading.diagnostics.append(
        Diagnostic(
          "nothing-recognised", .error, "none of the inputs holds a dump that is known here", expected: Self.expected))
    }
    reading.facts = facts.join(hostNames: hostNames)
    join(rules, into: &reading, snapshot: snapshot)
    reading.diagnostics += facts.diagnostics + facts.foreignNotes
    if hostNames.count > 1 {
      reading.diagnostics.append(
        Diagnostic(
          "several-hosts", .warning,
          "the prompts name several hosts (\(hostNames.joined(separator: ", "))); everything is read as one host, what was "
            + "printed last answers"))
    }
    return reading
  }

  private func join(_ rules: RuleSections, into reading: inout HostReading, snapshot: Int?) {
    let version = reading.facts.versions["iptables"] ?? ""
    let origin: TableOrigin? =
      version.contains("nf_tables") ? .iptablesNFT : version.contains("legacy") ? .iptablesLegacy : nil
    var joining = TableJoining(rules.printings, iptablesOrigin: origin, sources: reading.ruleset.sources)
    let (tables, coverage) = joining.tables(at: snapshot)
    reading.ruleset.tables = tables
    reading.ruleset.coverage = coverage
    reading.ruleset.coverage.allOfIptables = rules.allOfIptables
    reading.ruleset.coverage.allOfNftables = rules.allOfNftables
    reading.ruleset.coverage.mayHaveLegacyTables = rules.mentionsLegacyTables || origin == .iptablesLegacy
    reading.ruleset.ipsets = rules.ipsets
    reading.snapshotCount = joining.momentCount
    reading.diagnostics += rules.diagnostics + joining.diagnostics
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
  }

  private static let expected = "the output of iptables, iptables-save, nft, ip, docker, ss or sysctl"

  private static func unrecognised(_ input: DumpInput, _ source: Int32, isOnlyOne: Bool) -> Diagnostic {
    let span = SourceSpan(source: source, line: 1, offset: 0, length: 0)
    let isEmpty = input.bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
    return Diagnostic(
      "nothing-recognised", isOnlyOne ? .error : .note,
      isEmpty ? "\(input.name) is empty" : "nothing in \(input.name) is a dump that is known here", span: span,
      expected: expected)
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

import RuleGraph

/// Hands each section of rules to its reader and gathers what the readers got.
struct RuleSections {
  /// The tables as printed.
  private(set) var printings: [TablePrinting] = []
  /// The ipsets; of two with one name the last.
  private(set) var ipsets: [NamedSet] = []
  /// What the readers could not read.
  private(set) var diagnostics: [Diagnostic] = []
  /// The families for which one section printed all of iptables.
  private(set) var allOfIptables: Set<AddressFamily> = []
  /// Whether one section printed all of nf_tables.
  private(set) var allOfNftables = false
  /// Whether any section was read.
  private(set) var hasRead = false
  /// Whether a tool said that tables of iptables-legacy exist beside those of iptables-nft.
  var mentionsLegacyTables = false

  /// The sections, each with what its reader got, once that is there.
  private var sections: [(section: DumpSection, fragment: RuleFragment?)] = []

  /// Adds a section, to be read with the others.
  mutating func add(_ section: DumpSection) { sections.append((section, nil)) }

  /// Adds a section and reads it at once; `includes` gives the texts that an `include` of a rule file stands for.
  mutating func add(_ section: DumpSection, includes: (String) -> [DumpText]?) {
    sections.append((section, RuleReaders.nftText(section.text, includes: includes)))
  }

  /// Reads the sections that were added: large ones at the same time, since no reader keeps all processors busy from its beginning to its end.
  mutating func read() {
    hasRead = !sections.isEmpty
    let open = sections.indices.filter { sections[$0].fragment == nil }
    let texts = open.map { sections[$0].section }
    let large = texts.count { ($0.text.lines.last?.end ?? 0) - ($0.text.lines.first?.start ?? 0) >= 1 << 20 }
    let runs = large > 1 ? Parallel.runs(of: open.count, atLeast: 1) : [0..<open.count]
    let fragments = Parallel.map(runs) { run in texts[run].map { Self.fragment(of: $0) } }
    for (index, fragment) in zip(open, fragments.joined()) { sections[index].fragment = fragment }
    for (section, fragment) in sections { if let fragment { take(fragment, of: section) } }
    sections = []
  }

  private static func fragment(of section: DumpSection) -> RuleFragment {
    var fragment = readFragment(of: section)
    fragment.mark(section.output.filter, of: section.text, isSave: section.kind == .save)
    return fragment
  }

  private static func readFragment(of section: DumpSection) -> RuleFragment {
    switch section.kind {
    case .listing:
      RuleReaders.listing(
        section.text, family: section.output.family, table: section.output.table,
        isWhole: section.command != nil && section.output.table != nil && section.output.chain == nil
          && !section.output.isFiltered)
    case .save: RuleReaders.save(section.text, family: family(ofSave: section), table: section.output.table)
    case .nftJSON: RuleReaders.nftJSON(section.text)
    case .nftText: RuleReaders.nftText(section.text, includes: { _ in nil })
    case .ipset: RuleReaders.ipset(section.text)
    default: RuleFragment()
    }
  }

  private static func family(ofSave section: DumpSection) -> AddressFamily {
    section.output.family ?? FamilyInference.family(of: section.text) ?? .ipv4
  }

  /// Takes what a reader got out of a section.
  private mutating func take(_ fragment: RuleFragment, of section: DumpSection) {
    diagnostics += fragment.diagnostics
    switch section.kind {
    case .listing: takeListing(fragment, section)
    case .save: takeSave(fragment, section)
    case .nftJSON, .nftText: takeNft(fragment, section)
    default: add(ipsets: fragment.ipsets)
    }
  }

  private mutating func add(ipsets new: [NamedSet]) {
    ipsets.removeAll { old in new.contains { $0.name == old.name } }
    ipsets += new
  }

  private mutating func takeListing(_ fragment: RuleFragment, _ section: DumpSection) {
    for table in fragment.tables {
      let isExcerpt = !table.chains.contains { $0.base != nil }
      let isBrief = fragment.hidesInterfaces && table.chains.contains { $0.rules.contains { $0.hidesInterfaces } }
      append(table, isBrief ? .briefListing : .listing, section, isExcerpt: isExcerpt)
    }
  }

  private mutating func takeSave(_ fragment: RuleFragment, _ section: DumpSection) {
    let hasHeads = section.text.lines.contains { $0.start < $0.end && section.text.bytes[$0.start] == 0x2a }
    if section.output.isWhole, !section.output.isFiltered { allOfIptables.insert(Self.family(ofSave: section)) }
    for table in fragment.tables {
      append(table, hasHeads ? .save : .rules, section, isExcerpt: !table.chains.contains { $0.base != nil })
    }
  }

  private mutating func takeNft(_ fragment: RuleFragment, _ section: DumpSection) {
    let isJSON = section.kind == .nftJSON
    if section.output.isWhole, !section.output.isFiltered, section.output.family == nil { allOfNftables = true }
    for table in fragment.tables {
      let form: TableForm =
        isJSON ? (table.hasOpaquePart ? .nftJSONWithXt : .nftJSON) : (table.hasOpaquePart ? .nftTextWithXt : .nftText)
      append(table, form, section, isExcerpt: section.output.chain != nil || table.name.isEmpty)
    }
  }

  private mutating func append(_ table: Table, _ form: TableForm, _ section: DumpSection, isExcerpt: Bool) {
    var table = table
    if let origin = section.output.origin, !form.isNft { table.origin = origin }
    let isFiltered = section.output.isFiltered
    printings.append(
      TablePrinting(
        table: table, form: form, strand: section.strand, host: section.host, order: section.order,
        isExcerpt: isExcerpt || isFiltered || section.output.chain != nil, isFiltered: isFiltered,
        span: table.span ?? section.text.lines.first.map { section.text.span($0) }))
  }
}

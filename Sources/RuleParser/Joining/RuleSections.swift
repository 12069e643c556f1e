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

  /// Reads one section; `includes` gives the texts that an `include` of a rule file stands for.
  mutating func read(_ section: DumpSection, includes: (String) -> [DumpText]? = { _ in nil }) {
    hasRead = true
    switch section.kind {
    case .listing: readListing(section)
    case .save: readSave(section)
    case .nftJSON, .nftText: readNft(section, includes)
    case .ipset:
      let fragment = RuleReaders.ipset(section.text)
      add(ipsets: fragment.ipsets)
      diagnostics += fragment.diagnostics
    default: break
    }
  }

  private mutating func add(ipsets new: [NamedSet]) {
    ipsets.removeAll { old in new.contains { $0.name == old.name } }
    ipsets += new
  }

  private mutating func readListing(_ section: DumpSection) {
    let fragment = RuleReaders.listing(section.text, family: section.output.family, table: section.output.table)
    diagnostics += fragment.diagnostics
    for table in fragment.tables {
      let isExcerpt = !table.chains.contains { $0.base != nil }
      let isBrief = table.chains.contains { $0.rules.contains { $0.hidesInterfaces } }
      append(table, isBrief ? .briefListing : .listing, section, isExcerpt: isExcerpt)
    }
  }

  private mutating func readSave(_ section: DumpSection) {
    let family = section.output.family ?? FamilyInference.family(of: section.text) ?? .ipv4
    let hasHeads = section.text.lines.contains { $0.start < $0.end && section.text.bytes[$0.start] == 0x2a }
    let fragment = RuleReaders.save(section.text, family: family, table: section.output.table)
    diagnostics += fragment.diagnostics
    if section.output.isWhole, !section.output.isFiltered { allOfIptables.insert(family) }
    for table in fragment.tables {
      append(table, hasHeads ? .save : .rules, section, isExcerpt: !table.chains.contains { $0.base != nil })
    }
  }

  private mutating func readNft(_ section: DumpSection, _ includes: (String) -> [DumpText]?) {
    let isJSON = section.kind == .nftJSON
    let fragment = isJSON ? RuleReaders.nftJSON(section.text) : RuleReaders.nftText(section.text, includes: includes)
    diagnostics += fragment.diagnostics
    if section.output.isWhole, !section.output.isFiltered, section.output.family == nil { allOfNftables = true }
    for table in fragment.tables {
      let form: TableForm =
        isJSON ? (table.hasOpaquePart ? .nftJSONWithXt : .nftJSON) : (table.hasOpaquePart ? .nftTextWithXt : .nftText)
      append(table, form, section, isExcerpt: section.output.chain != nil)
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

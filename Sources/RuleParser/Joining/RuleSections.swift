import HostModel
import RuleGraph

/// An output that a program could not print, so that nothing is known of what it would have shown.
struct FailedOutput: Sendable {
  /// The program.
  var program: OutputFailure.Program?
  /// The table; nil for all that the program prints.
  var table: String?
  /// Whether the program was not found.
  var isNotFound = false
  /// Whether the table is one that nft alone can print.
  var isOfNft = false
  /// The line in which it says so, or in which its command stands.
  var span: SourceSpan
  /// How one knows.
  var evidence = MissingRules.Evidence.notPrinted
}

/// Hands each section of rules to its reader and gathers what the readers got.
struct RuleSections {
  /// The tables as printed.
  private(set) var printings: [TablePrinting] = []
  /// The ipsets; of two with one name the last.
  private(set) var ipsets: [NamedSet] = []
  /// What the readers could not read.
  private(set) var diagnostics: [Diagnostic] = []
  /// The families for which one section printed all of iptables.
  var allOfIptables: Set<AddressFamily> { Set(wholeOutputs.compactMap(\.family)) }
  /// The outputs that printed all of nf_tables.
  private(set) var rulesetListings: [RulesetListing] = []
  /// Whether one output printed all of nf_tables.
  private(set) var allOfNftables = false
  /// The sections that did either, of one family or, nft's, of all.
  private var wholeOutputs: [WholeOutput] = []
  /// An output that printed all tables of a kind: those of iptables for a family, or those of nft.
  private struct WholeOutput {
    /// The family of iptables; nil of nft.
    var family: AddressFamily?
    /// The variant of iptables, where it is told.
    var origin: TableOrigin?
    /// The section that shows it, or its first table.
    var section: DumpSection

    /// Whether a section is a part of the same output: each table of an `iptables-save` may be one.
    func isOfSameOutput(as other: DumpSection) -> Bool {
      section.text.source == other.text.source && section.commandIndex == other.commandIndex
    }
  }
  /// The outputs whose end is missing: the family of an iptables-save, nil of nft's.
  private(set) var cuts: [(family: TableFamily?, span: SourceSpan?)] = []
  /// The sections of nft's whose end is missing.
  private var nftCuts: [DumpSection] = []
  /// The tables that a program said it can't print.
  private(set) var unprinted: [UnprintedTable] = []
  /// Whether any section was read.
  private(set) var hasRead = false
  /// The tables of iptables that were printed and hold nothing.
  private(set) var emptyTables: [RuleCoverage.TableName] = []
  /// The outputs that a program could not print.
  private(set) var failed: [FailedOutput] = []
  /// Whether the host's iptables is known to work on nf_tables, whose tables nft lists.
  var iptablesUsesNft = false
  /// What commands set beside the rules.
  private(set) var settings = HostFacts()
  /// The families of which a tool said that tables of iptables-legacy exist beside those of iptables-nft.
  var legacyFamilies: Set<AddressFamily> = []
  /// Whether a tool said so of any family.
  var mentionsLegacyTables: Bool { !legacyFamilies.isEmpty }
  /// The families for which one section printed all tables of iptables-legacy.
  var allOfLegacy: Set<AddressFamily> {
    Set(wholeOutputs.filter { $0.origin == .iptablesLegacy }.compactMap(\.family))
  }
  /// Whether iptables printed rules of tables none of which nft lists, so that its tables are not those of nf_tables.
  var lackIptablesTables: Bool {
    let listed = printings.filter(\.form.isNft).map(\.table)
    let some = printings.filter { !$0.form.isNft && $0.form != .commands && $0.table.decides }.map(\.table)
    if some.isEmpty {
      // Rules of which not even the table is known.
      return cuts.contains { cut in
        cut.family.map { family in !listed.contains { $0.family == family && $0.origin == .iptablesNFT } } ?? false
      }
    }
    return !some.contains { one in listed.contains { $0.family == one.family && $0.name == one.name } }
  }
  /// The tables and chains that were named without their rules.
  private(set) var inventory = TableInventory()

  /// The commands that change the host.
  private var commands: [DumpSection] = []
  /// The sections, each with what its reader got, once that is there.
  private var sections: [(section: DumpSection, fragment: RuleFragment?)] = []

  /// What bundles say they lack.
  var unread: [(sentence: String, span: SourceSpan)] = []

  /// Adds a section, to be read with the others unless its reader was there already.
  mutating func add(_ section: DumpSection, _ fragment: RuleFragment? = nil) { sections.append((section, fragment)) }

  /// Reads the sections that were added: large ones at the same time, since no reader keeps all processors busy from
  /// its beginning to its end.
  mutating func read() {
    hasRead = !sections.isEmpty
    let open = sections.indices.filter { sections[$0].fragment == nil }
    let texts = open.map { sections[$0].section }
    let large = texts.count { ($0.text.lines.last?.end ?? 0) - ($0.text.lines.first?.start ?? 0) >= 1 << 20 }
    let runs = large > 1 ? Parallel.runs(of: open.count, atLeast: 1) : [0..<open.count]
    let fragments = Parallel.map(runs) { run in texts[run].map { Self.fragment(of: $0) } }
    for (index, fragment) in zip(open, fragments.joined()) { sections[index].fragment = fragment }
    readAtCutColumns()
    markEndsOfListings()
    for (section, fragment) in sections { if let fragment { take(fragment, of: section) } }
    setAsideFiles()
    takeCuts()
    let commands = sections.map(\.section).filter { $0.kind == .commands }
    let isAllCommands = commands.count == sections.count
    sections = []
    // A script that has nothing to do with rules tells nothing.
    hasRead = hasRead && !isAllCommands
    self.commands = commands
    if !commands.isEmpty { carryOut(commands) }
  }

  /// Changes the tables and sets that dumps show as commands do that were typed after them.
  mutating func carryOutLaterCommands(on tables: inout [Table]) {
    guard commands.contains(where: { $0.session != nil }) else { return }
    var later = LaterCommands(commands, printings: printings)
    later.apply(to: &tables, &ipsets)
    diagnostics += later.diagnostics
  }

  /// Reads the tables of a save again of which another one tells that its lines were cut at a column: each table is a
  /// section.
  private mutating func readAtCutColumns() {
    for index in sections.indices {
      guard let column = sections[index].fragment?.cutColumn, sections[index].section.text.screenWidth == nil else {
        continue
      }
      let cut = sections[index].section
      for other in sections.indices where other != index && sections[other].fragment?.cutColumn == nil {
        let section = sections[other].section
        guard section.kind == .save, section.text.source == cut.text.source, section.commandIndex == cut.commandIndex,
          section.text.screenWidth == nil, !ColumnCut.isWider(section.text, than: column)
        else { continue }
        sections[other].section.text.screenWidth = column + 1
        sections[other].fragment = Self.fragment(of: sections[other].section)
      }
    }
  }

  /// Takes in that an input without commands ends in the middle of a table, behind the listings of others that are
  /// whole: those print all built-in chains.
  private mutating func markEndsOfListings() {
    for index in sections.indices where sections[index].section.kind == .listing {
      let section = sections[index].section
      guard section.command == nil, section.endsInput, var fragment = sections[index].fragment,
        let table = fragment.tables.indices.last, fragment.tables[table].shown == .whole,
        let last = fragment.tables[table].chains.indices.last,
        fragment.tables[table].chains.allSatisfy({ BuiltinTables.hook($0.name) != nil }),
        !BuiltinTables.isSome(fragment.tables[table].chains.map(\.name))
      else { continue }
      let before = sections[..<index].filter {
        $0.section.text.source == section.text.source && $0.section.kind == .listing
      }
      guard !before.isEmpty,
        before.allSatisfy({ one in
          one.section.command == nil && one.fragment?.tables.allSatisfy { BuiltinTables.isWhole($0) } ?? false
        }),
        let span = fragment.tables[table].chains[last].rules.last?.span ?? fragment.tables[table].chains[last].span
      else { continue }
      fragment.tables[table].chains[last].addMissing(MissingRules(.cut), span: span)
      fragment.tables[table].shown = .part
      sections[index].fragment = fragment
    }
  }

  /// Adds an output that a program could not print.
  mutating func add(_ failure: FailedOutput) {
    failed.append(failure)
    diagnostics.append(
      Diagnostic(
        "output-failed", .warning,
        "the program could not print \(failure.table.map { "table \($0)" } ?? "the rules"): nothing is known of what it would have shown",
        span: failure.span))
  }

  /// What is missing at the end of an output stands in a listing of the whole ruleset that comes after it, or that it
  /// is a filtered excerpt of.
  private mutating func takeCuts() {
    for section in nftCuts {
      let isTold = rulesetListings.contains { listing in
        !listing.isCut
          && (listing.strand != section.strand || section.output.isFiltered
            || listing.orders.lowerBound > section.order)
      }
      if !isTold { cuts.append((nil, section.text.lines.last.map { section.text.span($0) })) }
    }
    nftCuts = []
  }

  /// Takes away what a configuration file holds where a listing shows what is loaded.
  private mutating func setAsideFiles() {
    guard printings.contains(where: \.isFile) else { return }
    let live = printings.filter { !$0.isFile && !$0.isOutdated }
    let hasOutdated = printings.contains { !$0.isFile && $0.isOutdated }
    let isRulesetListed = rulesetListings.contains { !$0.isOutdated }
    func isListed(_ printing: TablePrinting) -> Bool {
      guard printing.isFile else { return false }
      let isNft = printing.form.isNft
      let isAllListed =
        isNft
        ? isRulesetListed : !hasOutdated && allOfIptables.contains(printing.table.family == .ip6 ? .ipv6 : .ipv4)
      if isAllListed { return true }
      return live.contains {
        $0.form.isNft == isNft && $0.table.family == printing.table.family && $0.table.name == printing.table.name
      }
    }
    let stale = printings.filter(isListed)
    printings = printings.filter { !isListed($0) }
    guard let first = stale.first else { return }
    let names = stale.map { "\($0.table.family.rawValue) \($0.table.name)" }.joined(separator: ", ")
    diagnostics.append(
      Diagnostic(
        "file-beside-a-listing", .note,
        "the rules of this file (\(stale.count == 1 ? "table" : "tables") \(names)) are not used: the listing shows what is loaded",
        span: first.span))
  }

  // MARK: - Commands

  /// Carries out the commands, and adds the tables that no dump shows.
  private mutating func carryOut(_ sections: [DumpSection]) {
    let reading = CommandReader.read(sections.map(\.text))
    settings = reading.facts
    hasRead = hasRead || reading.first != nil || settings != HostFacts()
    if let span = reading.unseenRuleset {
      failed.append(FailedOutput(program: .nft, span: span, evidence: .notShown))
    }
    // What other tools made stands in the dumps, where there are some.
    let hasDumps = !printings.isEmpty || allOfNftables || !allOfIptables.isEmpty
    diagnostics += reading.diagnostics.filter {
      !hasDumps || ($0.id != "command-not-carried-out" && $0.id != "command-failed")
    }
    var beside: [String] = []
    var made: [Table] = []
    for table in reading.tables {
      switch standing(of: table) {
      case .shown:
        guard let later = laterTable(table, sections, reading.first) else {
          beside.append("\(table.family.rawValue) \(table.name)")
          continue
        }
        made.append(later)
      case .fresh: made.append(table)
      case .unseen:
        var table = table
        table.addMissing(.notShown, from: reading.first)
        made.append(table)
      }
    }
    for set in reading.ipsets where !ipsets.contains(where: { $0.name == set.name }) { ipsets.append(set) }
    if !beside.isEmpty { tellOfCommands(sections, beside: beside, reading.first) }
    guard !made.isEmpty else { return }
    diagnostics.append(
      Diagnostic(
        "rules-from-commands", .note,
        "the rules are those that these commands make on a freshly started host, run from the first to the last",
        span: reading.first))
    for table in made {
      printings.append(
        TablePrinting(
          table: table, form: .commands, strand: sections[0].strand, host: sections[0].host, order: sections[0].order,
          isWhole: table.shown == .whole, isFiltered: false, span: table.span ?? reading.first))
    }
  }

  /// A table that was not there when all tables were printed, and that commands after that made; nil where it was
  /// printed, or no command stands after.
  private func laterTable(_ table: Table, _ sections: [DumpSection], _ first: SourceSpan?) -> Table? {
    guard !printings.contains(where: { $0.table.family == table.family && $0.table.name == table.name }) else {
      return nil
    }
    let family: AddressFamily = table.family == .ip6 ? .ipv6 : .ipv4
    let whole = wholeOutputs.filter { $0.family == nil || $0.family == family }.map(\.section)
    func isLater(_ commands: DumpSection) -> Bool {
      commands.session != nil
        && whole.allSatisfy { $0.text.source == commands.text.source && $0.order < commands.order }
    }
    guard sections.contains(where: isLater) else { return nil }
    let isSure = sections.allSatisfy { commands in
      isLater(commands) && !commands.isInDoubt
        && whole.allSatisfy { $0.session == nil || $0.session == commands.session }
    }
    var table = table
    if !isSure { table.addMissing(from: first) }
    return table
  }

  /// Tells of commands that are not applied to the tables that dumps show: those that stand before the dump, and those
  /// that no prompt stands before.
  private mutating func tellOfCommands(_ sections: [DumpSection], beside names: [String], _ first: SourceSpan?) {
    let isAfter = sections.contains { section in
      section.session == nil && printings.contains { $0.source == section.text.source && $0.order < section.order }
    }
    let isTyped = sections.allSatisfy { section in
      section.session != nil && printings.contains { $0.source == section.text.source && $0.order < section.order }
    }
    if isTyped { return }
    diagnostics.append(
      Diagnostic(
        "commands-beside-a-dump", isAfter ? .warning : .note,
        "commands that change \(names.count == 1 ? "table" : "tables") \(names.joined(separator: ", ")) stand beside a dump of it: the dump answers, and they are not applied to it",
        span: first))
  }

  /// How a table that commands make stands to the dumps.
  private enum Standing {
    /// No dump tells of such tables: the host is taken as freshly started.
    case fresh
    /// Dumps tell of other tables: what the commands found in this one is unknown.
    case unseen
    /// A dump shows it, or shows that it isn't there.
    case shown
  }

  private func standing(of table: Table) -> Standing {
    let isNft = table.origin == .nftables
    // nft does not see the older tables, which `iptables` may be.
    let isLegacy = table.origin == .iptablesLegacy || (table.origin == .iptables && !iptablesUsesNft)
    let family: AddressFamily = table.family == .ip6 ? .ipv6 : .ipv4
    let isKnown = printings.contains { printing in
      printing.table.family == table.family && (printing.table.name == table.name || printing.table.name.isEmpty)
        && !(table.origin == .iptablesLegacy && (printing.form.isNft || printing.table.origin == .iptablesNFT))
    }
    if isKnown { return .shown }
    if isNft ? allOfNftables : allOfIptables.contains(family) || (allOfNftables && !isLegacy) { return .shown }
    let hasOthers =
      allOfNftables
      || printings.contains { printing in
        isNft ? printing.form.isNft : !printing.form.isNft && printing.table.family == table.family
      }
    return hasOthers ? .unseen : .fresh
  }

  private static func fragment(of section: DumpSection) -> RuleFragment {
    if section.commandLine != nil { return RuleFragment() }
    var fragment = readFragment(of: section)
    fragment.markFiltered(section)
    if section.beginsCut { fragment.markBeginning(MissingRules(.cut), of: section.text, isSave: section.kind == .save) }
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
    if let line = section.commandLine { return takeNothing(section, line) }
    switch section.kind {
    case .listing: takeListing(fragment, section)
    case .save: takeSave(fragment, section)
    case .nftJSON, .nftText: takeNft(fragment, section)
    case .inventory: inventory.add(section.text, legacy: section.output.family)
    case .commands: break
    default: add(ipsets: fragment.ipsets)
    }
  }

  /// A filter let nothing of an output through.
  private mutating func takeNothing(_ section: DumpSection, _ line: DumpLine) {
    let isNft = section.kind == .nftText || section.kind == .nftJSON
    let failure = FailedOutput(
      program: isNft ? .nft : .iptables(section.output.family), table: section.output.table,
      span: section.text.span(line), evidence: .filtered)
    failed.append(failure)
    diagnostics.append(
      Diagnostic(
        "filtered-output", .warning,
        "the filter after this command let nothing through: that says nothing of the rules that it kept back",
        span: failure.span))
  }

  private mutating func add(ipsets new: [NamedSet]) {
    ipsets.removeAll { old in new.contains { $0.name == old.name } }
    ipsets += new
  }

  /// Takes in that an output began above the text: in which family nobody may know.
  private mutating func noteCutBeginning(_ section: DumpSection) {
    guard section.beginsCut else { return }
    let told = section.output.family ?? FamilyInference.family(of: section.text)
    for family in told.map({ [$0] }) ?? AddressFamily.allCases {
      cuts.append((family == .ipv4 ? .ip : .ip6, section.text.lines.first.map { section.text.span($0) }))
    }
  }

  private mutating func takeListing(_ fragment: RuleFragment, _ section: DumpSection) {
    noteCutBeginning(section)
    // Rows of which nobody knows the table are told of by the cut.
    for table in fragment.tables where !(section.beginsCut && table.name.isEmpty) {
      let isBrief = fragment.hidesInterfaces && table.chains.contains { $0.rules.contains { $0.hidesInterfaces } }
      append(table, isBrief ? .briefListing : .listing, section, isWhole: BuiltinTables.isWhole(table))
    }
  }

  private mutating func takeSave(_ fragment: RuleFragment, _ section: DumpSection) {
    let hasHeads = section.text.lines.contains {
      $0.start < $0.end && section.text.bytes[$0.start] == UInt8(ascii: "*")
    }
    let family = Self.family(ofSave: section)
    noteCutBeginning(section)
    // `iptables -S` prints one table.
    if fragment.isCut, hasHeads || section.output.isWhole {
      wholeOutputs.removeAll { $0.family == family && $0.isOfSameOutput(as: section) }
      cuts.append((family == .ipv4 ? .ip : .ip6, section.text.lines.last.map { section.text.span($0) }))
    }
    // Of which tables the filter kept all back nobody knows.
    if section.output.isWhole, section.output.filter.places.contains(.anywhere), !fragment.isCut {
      cuts.append((family == .ipv4 ? .ip : .ip6, section.text.lines.first.map { section.text.span($0) }))
    }
    if section.output.isWhole, !section.output.isFiltered, !fragment.isCut, fragment.unprinted.isEmpty {
      let origin = section.output.origin ?? fragment.tables.first?.origin
      wholeOutputs.append(WholeOutput(family: family, origin: origin, section: section))
    } else if let table = section.output.table, fragment.tables.isEmpty, section.text.lines.isEmpty {
      emptyTables.append(RuleCoverage.TableName(family == .ipv4 ? .ip : .ip6, table))
    }
    for table in fragment.tables {
      // nft has the table, and iptables prints its chains without them being there.
      if let span = fragment.unprinted[table.name] {
        unprinted.append(UnprintedTable(family: table.family, table: table.name, span: span))
      } else {
        append(table, hasHeads ? .save : .rules, section, isWhole: hasHeads || BuiltinTables.isWhole(table))
      }
    }
  }

  private mutating func takeNft(_ fragment: RuleFragment, _ section: DumpSection) {
    let isJSON = section.kind == .nftJSON
    // Of one table, chain or set that was asked for, no other table can be missing.
    if fragment.isCut, section.output.table == nil, section.output.chain == nil {
      nftCuts.append(section)
    }
    // A listing of everything in JSON holds at least what wrote it.
    let isEmptyJSON = isJSON && section.command == nil && fragment.tables.isEmpty && fragment.diagnostics.isEmpty
    if section.output.isWhole || isEmptyJSON, !section.output.isFiltered, section.output.family == nil, !fragment.isCut
    {
      allOfNftables = true
      wholeOutputs.append(WholeOutput(family: nil, origin: nil, section: section))
    }
    takeRulesetListing(section, isWhole: section.output.isWhole || isEmptyJSON, isCut: fragment.isCut)
    if isJSON, isListOfTables(fragment, section) {
      for table in fragment.tables {
        inventory.add(RuleCoverage.TableName(table.family, table.name), span: table.span)
      }
      return
    }
    for var table in fragment.tables {
      if section.output.isTerse {
        for set in table.sets.indices where table.sets[set].elements.isEmpty { table.sets[set].elementsKnown = false }
      }
      if section.output.isWithoutRules {
        table.forgetRules(span: section.text.lines.first.map { section.text.span($0) })
      }
      let form: TableForm =
        isJSON ? (table.hasOpaquePart ? .nftJSONWithXt : .nftJSON) : (table.hasOpaquePart ? .nftTextWithXt : .nftText)
      append(table, form, section, isWhole: !table.name.isEmpty)
    }
  }

  /// Whether an output in JSON is that of `nft -j list tables`, which holds nothing but names. Without its command,
  /// tables that are all empty are taken as such.
  private func isListOfTables(_ fragment: RuleFragment, _ section: DumpSection) -> Bool {
    guard section.command == nil || section.output.chain == "tables", !fragment.tables.isEmpty else { return false }
    return fragment.tables.allSatisfy { $0.chains.isEmpty && $0.sets.isEmpty && $0.objects.isEmpty }
  }

  /// Notes an output of all of nf_tables, or a further table of the last one.
  private mutating func takeRulesetListing(_ section: DumpSection, isWhole: Bool, isCut: Bool) {
    guard isWhole, !section.output.isFiltered, section.output.family == nil else { return }
    if let last = rulesetListings.last, let line = section.commandIndex, last.commandIndex == line,
      last.strand == section.strand
    {
      rulesetListings[rulesetListings.count - 1].orders = last.orders.lowerBound...section.order
      rulesetListings[rulesetListings.count - 1].isCut = last.isCut || isCut
      return
    }
    rulesetListings.append(
      RulesetListing(
        orders: section.order...section.order, strand: section.strand, commandIndex: section.commandIndex, isCut: isCut,
        isOutdated: section.isOutdated,
        span: section.text.lines.first.map { section.text.span($0) }))
  }

  private mutating func append(_ table: Table, _ form: TableForm, _ section: DumpSection, isWhole: Bool) {
    var table = table
    if let origin = section.output.origin, !form.isNft { table.origin = origin }
    let isFiltered = section.output.isFiltered
    printings.append(
      TablePrinting(
        table: table, form: form, strand: section.strand, host: section.host, order: section.order,
        isWhole: isWhole && table.shown == .whole && !isFiltered && section.output.chain == nil, isFiltered: isFiltered,
        isFile: section.output.isFile, isOutdated: section.isOutdated,
        isPast: section.isPast, span: table.span ?? section.text.lines.first.map { section.text.span($0) },
        session: section.session))
  }
}

extension Table {
  /// Takes the table as one of which only the heads of the chains were printed.
  mutating func forgetRules(span: SourceSpan?) {
    shown = .part
    for index in chains.indices where chains[index].rules.isEmpty {
      guard let span = chains[index].span ?? span else { continue }
      chains[index].rules = [Rule(missing: MissingRules(.notShown, settledBy: "nft list ruleset"), span: span)]
      chains[index].shown = .nothing
    }
  }
}

/// A table that a program could not print.
struct UnprintedTable: Sendable {
  var family: TableFamily
  /// The table; nil of a program that printed none.
  var table: String?
  /// Where it says so.
  var span: SourceSpan?
}

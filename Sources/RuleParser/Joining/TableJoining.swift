import RuleGraph

/// Makes one table of its printings: several forms of it, excerpts, and the same again at another moment.
struct TableJoining {
  /// The printings, in the order of the input.
  private var printings: [TablePrinting]
  /// How many moments there are.
  private(set) var momentCount = 1
  /// The moment that answers where none is asked for: the last one, unless the words above its outputs say that it has
  /// gone by.
  var answeringMoment: Int {
    for moment in (1...momentCount).reversed() {
      let isPast = printings.first { $0.moment == moment }?.isPast ?? false
      if !isPast { return moment }
    }
    return momentCount
  }
  /// What is worth telling about the joining.
  private(set) var diagnostics: [Diagnostic] = []
  /// The places among all outputs of those that show the same chain with other rules.
  private(set) var changes: [(earlier: Int, later: Int)] = []
  /// The machines whose prompts stood before the tables that were joined.
  private(set) var hosts: Set<String> = []
  /// The names of the sources, for messages that point at two places.
  private let sources: SourceMap
  /// The outputs that printed all tables of nf_tables, in the order of the input.
  private let rulesetListings: [RulesetListing]

  /// Sorts the printings into moments.
  ///
  /// - Parameter iptablesOrigin: the variant of iptables where the host's `iptables --version` was printed.
  init(
    _ printings: [TablePrinting], rulesetListings: [RulesetListing] = [], iptablesOrigin: TableOrigin?,
    sources: SourceMap
  ) {
    self.printings = printings
    self.rulesetListings = rulesetListings
    self.sources = sources
    dropRepeatedExcerpts()
    settleOrigins(iptablesOrigin)
    placeExcerpts()
    findMoments()
  }

  // MARK: - Origins

  private static let iptablesTables: Set<String> = ["filter", "nat", "mangle", "raw", "security"]

  /// Finds out which printings show the same table: `iptables` is iptables-nft or iptables-legacy, and nft prints the
  /// tables of the first.
  private mutating func settleOrigins(_ known: TableOrigin?) {
    for index in printings.indices where isIptablesTable(printings[index]) {
      switch printings[index].table.origin {
      case .nftables where hasUpperCaseBaseChain(printings[index].table) || hasIptablesForm(printings[index].table):
        printings[index].table.origin = .iptablesNFT
      case .iptables: if let known { printings[index].table.origin = known }
      default: break
      }
    }
    // A table that lost its base chains is of those that made the others.
    for index in printings.indices where isIptablesTable(printings[index]) {
      let table = printings[index].table
      guard table.origin == .nftables, !table.chains.isEmpty, table.chains.allSatisfy({ $0.base == nil }),
        printings.contains(where: { $0.table.origin == .iptablesNFT && $0.table.family == table.family })
      else { continue }
      printings[index].table.origin = .iptablesNFT
    }
    var told: [TableName: [Int]] = [:]
    for index in printings.indices where printings[index].table.origin != .iptables {
      told[TableName(printings[index].table), default: []].append(index)
    }
    for index in printings.indices where printings[index].table.origin == .iptables {
      let name = TableName(printings[index].table)
      printings[index].table.origin = likelyOrigin(of: printings[index], among: told[name] ?? [])
      if printings[index].table.origin != .iptables { told[name, default: []].append(index) }
    }
  }

  /// What printings of one table have in common.
  private struct TableName: Hashable {
    var family: TableFamily
    var name: String

    init(_ table: Table) { (family, name) = (table.family, table.name) }
  }

  /// So many printings are compared with one that does not tell its variant.
  private static let comparedOrigins = 64

  private func isIptablesTable(_ printing: TablePrinting) -> Bool {
    (printing.table.family == .ip || printing.table.family == .ip6) && Self.iptablesTables.contains(printing.table.name)
  }

  /// iptables-nft names base chains after the hooks, in capitals; nft's users hardly do.
  private func hasUpperCaseBaseChain(_ table: Table) -> Bool {
    table.chains.contains {
      $0.base != nil && ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"].contains($0.name)
    }
  }

  private func hasIptablesForm(_ table: Table) -> Bool {
    printings.contains { !$0.form.isNft && $0.table.family == table.family && $0.table.name == table.name }
  }

  /// A printing that does not tell its variant is of the one that was printed with the same content; else of the only
  /// one that was printed.
  private func likelyOrigin(of printing: TablePrinting, among told: [Int]) -> TableOrigin {
    let others = told.prefix(Self.comparedOrigins).map { printings[$0] }
    if let same = others.first(where: { TableComparison.difference($0, printing) == nil }) { return same.table.origin }
    let origins = Set(others.map(\.table.origin))
    return origins.count == 1 ? origins.first ?? .iptables : .iptables
  }

  // MARK: - Excerpts

  /// Drops what a filter let through of tables that were printed whole before, and that says nothing else. A filter may
  /// have mixed chains of several tables.
  private mutating func dropRepeatedExcerpts() {
    let repeats = printings.indices.filter { isRepeatedExcerpt(printings[$0], of: printings[..<$0]) }
    for index in repeats.reversed() { printings.remove(at: index) }
  }

  private func isRepeatedExcerpt(_ excerpt: TablePrinting, of earlier: ArraySlice<TablePrinting>) -> Bool {
    guard excerpt.isFiltered, !excerpt.form.isNft else { return false }
    let wholes = earlier.filter {
      $0.isWhole && !$0.form.isNft && $0.strand == excerpt.strand && $0.table.family == excerpt.table.family
    }
    // What shows no rule, or is of a table that was not printed, says that its rules are missing.
    guard wholes.contains(where: { $0.table.name == excerpt.table.name }),
      excerpt.table.chains.contains(where: { $0.rules.contains { $0.missing == nil } })
    else { return false }
    let shown = wholes.flatMap(\.table.chains)
    return excerpt.table.chains.allSatisfy { chain in
      let known = shown.filter { $0.name == chain.name }
      let rules = known.flatMap(\.rules)
      return !known.isEmpty
        && chain.rules.allSatisfy { rule in
          rule.missing != nil
            || rules.contains { TableComparison.isSame($0, rule, family: excerpt.table.family, isLoose: false) }
        }
    }
  }

  /// A chain printed alone belongs to the table that has a chain of its name, or that jumps to it.
  private mutating func placeExcerpts() {
    for index in printings.indices where printings[index].table.name.isEmpty {
      let excerpt = printings[index]
      let names = Set(excerpt.table.chains.map(\.name))
      let others = printings.filter {
        !$0.table.name.isEmpty && ($0.table.family == excerpt.table.family || excerpt.form.isNft)
          && $0.form.isNft == excerpt.form.isNft && !isOfOneListing($0, excerpt)
      }
      let same = others.filter { $0.table.chains.contains { names.contains($0.name) } }
      // nft prints no chain without its table: one of another content is of a table whose head was cut off.
      let home =
        same.first { TableComparison.difference($0, excerpt) == nil } ?? (excerpt.form.isNft ? nil : same.first)
        ?? (excerpt.form.isNft && !same.isEmpty ? nil : others.first { $0.table.jumps(toOneOf: names) })
      if let home {
        printings[index].table.name = home.table.name
        printings[index].table.family = home.table.family
        printings[index].table.origin = home.table.origin
      } else if !excerpt.form.isNft {
        printings[index].table.name = "filter"
      }
      if excerpt.form.isNft, home == nil {
        printings[index].table.doubtfulFamilies.subtract(excerpt.table.familiesOfHeaders)
        continue
      }
      diagnostics.append(
        Diagnostic(
          "table-inferred", .note,
          home == nil
            ? "nothing says which table this chain is of; taken as filter"
            : "this chain is taken as one of table \(printings[index].table.name), which has a chain of that name",
          span: excerpt.span))
    }
  }

  /// Whether two tables are of one listing of the whole ruleset, which has each chain once.
  private func isOfOneListing(_ a: TablePrinting, _ b: TablePrinting) -> Bool {
    a.order == b.order || rulesetListings.contains { $0.orders.contains(a.order) && $0.orders.contains(b.order) }
  }

  // MARK: - Moments

  /// Two outputs of a table are two moments only where they show the same chain with other content, or where one that
  /// shows the whole table lacks a chain.
  private mutating func findMoments() {
    var earlier: [TablePrinting.Key: [String: [Int]]] = [:]
    var listings = rulesetListings[...]
    for index in printings.indices {
      while let listing = listings.first, listing.orders.lowerBound <= printings[index].order {
        endTables(before: listing)
        listings.removeFirst()
      }
      let printing = printings[index]
      var found: (earlier: TablePrinting, difference: TableComparison.Difference)?
      let names = Set(printing.table.chains.lazy.filter { $0.shown == .whole }.map(\.name))
      // Those before that show one of these chains whole, too, the last first.
      var rest = names.compactMap { earlier[printing.key]?[$0]?[...] }
      while let other = rest.lazy.compactMap(\.last).max() {
        for index in rest.indices where rest[index].last == other { rest[index].removeLast() }
        let candidate = printings[other]
        guard candidate.strand == printing.strand || candidate.form == printing.form else { continue }
        if let difference = TableComparison.difference(candidate, printing) { found = (candidate, difference) }
        break
      }
      if let found {
        momentCount += found.earlier.moment == momentCount ? 1 : 0
        changes.append((found.earlier.order, printing.order))
        report(found.earlier, printing, found.difference)
      }
      printings[index].moment = momentCount
      for name in names { earlier[printing.key, default: [:]][name, default: []].append(index) }
    }
    for listing in listings { endTables(before: listing) }
  }

  /// A listing of all of nf_tables shows that the tables which it lacks, and which were printed before it, are gone.
  private mutating func endTables(before listing: RulesetListing) {
    let kept = Set(printings.lazy.filter { listing.orders.contains($0.order) }.map(\.key))
    let missing = printings.indices.filter { index in
      let printing = printings[index]
      return printing.order < listing.orders.lowerBound && printing.strand == listing.strand
        && printing.endMoment == nil && (printing.form.isNft || printing.table.origin == .iptablesNFT)
        && !printing.table.name.isEmpty && !kept.contains(printing.key) && !(printing.isFile && listing.isOutdated)
    }
    let listed = Set(missing.filter { printings[$0].form.isNft }.map { printings[$0].key })
    let gone = missing.filter { listed.contains(printings[$0].key) }
    // What only iptables printed nft would have listed too. Where it lists nothing at all, the table is gone, or the
    // listing is not there.
    for index in missing where kept.isEmpty && !listed.contains(printings[index].key) && printings[index].table.decides
    {
      printings[index].table.addMissing(.notShown, from: printings[index].span)
    }
    guard let last = gone.last else { return }
    if gone.contains(where: { printings[$0].moment == momentCount }) { momentCount += 1 }
    for index in gone { printings[index].endMoment = momentCount }
    let names = Set(gone.map { "\(printings[$0].table.family.rawValue) \(printings[$0].table.name)" }).sorted()
    diagnostics.append(
      Diagnostic(
        "table-gone", .warning,
        "\(names.count == 1 ? "table" : "tables") \(names.joined(separator: ", ")) \(names.count == 1 ? "is" : "are") not in the "
          + "ruleset that is listed later: the later listing answers, `--snapshot` picks another",
        span: listing.span ?? printings[last].span))
  }

  private mutating func report(
    _ earlier: TablePrinting, _ later: TablePrinting, _ difference: TableComparison.Difference
  ) {
    diagnostics.append(
      Diagnostic(
        "table-printed-twice", .warning,
        "table \(later.table.family.rawValue) \(later.table.name) is printed at \(place(earlier.span)) and again, with other "
          + "content, at \(place(later.span)) (\(difference.text)); "
          + (later.isPast && !earlier.isPast
            ? "the later one is said to be older, so the earlier one answers, `--snapshot` picks another"
            : "the later one answers, `--snapshot` picks another"),
        span: difference.second ?? later.span))
  }

  private func place(_ span: SourceSpan?) -> String {
    guard let span else { return "an unknown place" }
    return "\(sources.name(of: span)):\(span.line)"
  }

  /// What belongs to a moment. When it is not the last it ends at the section that begins the next one, as far as the
  /// same strand goes.
  func span(of moment: Int?) -> FactSections.Span {
    let next = moment.flatMap { moment in printings.first { $0.moment > moment } }
    return FactSections.Span(end: next?.order, strand: next?.strand, hosts: hosts)
  }

  // MARK: - Joining

  /// The tables as they were at a moment; the last one when nil.
  mutating func tables(at snapshot: Int?) -> (tables: [Table], coverage: RuleCoverage) {
    let moment = min(max(snapshot ?? momentCount, 1), momentCount)
    var order: [TablePrinting.Key] = []
    var groups: [TablePrinting.Key: [TablePrinting]] = [:]
    for printing in printings where printing.moment <= moment && printing.endMoment.map({ $0 > moment }) ?? true {
      if groups[printing.key] == nil { order.append(printing.key) }
      groups[printing.key, default: []].append(printing)
    }
    var coverage = RuleCoverage()
    var tables: [Table] = []
    for key in order {
      guard var group = groups[key] else { continue }
      // A whole table of a later moment replaces what was printed before.
      if let last = group.last(where: \.isWhole)?.moment { group.removeAll { $0.moment < last } }
      let name = RuleCoverage.TableName(key.family, key.name)
      if group.contains(where: \.isWhole) {
        coverage.tables.insert(name)
      } else {
        coverage.partial.insert(name)
      }
      if let table = join(group) { tables.append(table) }
      hosts.formUnion(group.compactMap(\.host))
    }
    return (Self.inRegistrationOrder(tables, printings), coverage)
  }

  private mutating func join(_ group: [TablePrinting]) -> Table? {
    let first = group.first { $0.isWhole }?.moment
    let whole = group.filter { $0.isWhole && $0.moment == first }.sorted { $0.form > $1.form }
    guard var best = whole.first ?? group.first else { return nil }
    best.table.shown = best.isWhole && best.table.shown == .whole ? .whole : .part
    for other in whole.dropFirst() {
      if let found = TableComparison.difference(best, other) {
        diagnostics.append(
          Diagnostic(
            "forms-contradict", .warning,
            "table \(best.table.family.rawValue) \(best.table.name) reads differently in two forms (\(found.text)): "
              + "\(best.form.command) at \(place(best.span)) and \(other.form.command) at \(place(other.span)); "
              + "\(best.form.command) answers",
            span: found.second ?? other.span))
      } else {
        TableFilling.fill(&best.table, from: other.table)
      }
    }
    var forms: [String: (form: TableForm, moment: Int)] = [:]
    for chain in best.table.chains { forms[chain.name] = (best.form, best.moment) }
    for excerpt in group where !(excerpt.isWhole && excerpt.moment == first) && excerpt.order != best.order {
      add(excerpt, to: &best.table, &forms)
    }
    if !best.isWhole, best.isFiltered { reportFiltered(best) }
    return best.table
  }

  /// A chain that was printed alone fills a gap; where the table has the chain, the later moment answers, and of one
  /// moment the form that tells most.
  private mutating func add(
    _ excerpt: TablePrinting, to table: inout Table, _ forms: inout [String: (form: TableForm, moment: Int)]
  ) {
    for set in excerpt.table.sets where !table.sets.contains(where: { $0.name == set.name }) { table.sets.append(set) }
    for chain in excerpt.table.chains {
      guard let index = table.chainIndex(chain.name) else {
        // A table that was shown whole has no chains of which only that they may exist is known.
        if table.shown == .whole, chain.shown != .whole, chain.rules.allSatisfy({ $0.missing != nil }) { continue }
        table.chains.append(chain)
        forms[chain.name] = (excerpt.form, excerpt.moment)
        continue
      }
      let known = forms[chain.name] ?? (excerpt.form, excerpt.moment)
      switch (table.chains[index].shown, chain.shown) {
      case (.whole, .whole):
        let difference = TableComparison.difference(
          table.chains[index], chain, family: table.family, isLoose: known.form.isNft != excerpt.form.isNft)
        if difference == nil {
          TableFilling.fill(&table.chains[index], from: chain)
        } else if excerpt.moment > known.moment || (excerpt.moment == known.moment && excerpt.form > known.form) {
          table.chains[index] = chain
          forms[chain.name] = (excerpt.form, excerpt.moment)
        }
      case (.whole, _): continue
      case (_, .whole):
        table.chains[index] = chain
        forms[chain.name] = (excerpt.form, excerpt.moment)
      case (_, _): if chain.rules.count > table.chains[index].rules.count { table.chains[index] = chain }
      }
    }
  }

  private mutating func reportFiltered(_ printing: TablePrinting) {
    diagnostics.append(
      Diagnostic(
        "filtered-output", .warning,
        "a filter after the command removed lines, so rules\(printing.table.name.isEmpty ? "" : " of table " + printing.table.name) are missing",
        span: printing.span))
  }

  /// The order in which the kernel got the tables, as nft lists them; tables that nft did not print stand where the
  /// input has them.
  private static func inRegistrationOrder(_ tables: [Table], _ printings: [TablePrinting]) -> [Table] {
    var rank: [TablePrinting.Key: Int] = [:]
    for printing in printings where printing.form.isNft && printing.isWhole && rank[printing.key] == nil {
      rank[printing.key] = rank.count
    }
    guard rank.count > 1 else { return tables }
    func key(_ table: Table) -> TablePrinting.Key {
      TablePrinting.Key(family: table.family, name: table.name, origin: table.origin)
    }
    let ranked = tables.filter { rank[key($0)] != nil }.sorted { (rank[key($0)] ?? 0) < (rank[key($1)] ?? 0) }
    var next = ranked.makeIterator()
    return tables.map { table in rank[key(table)] == nil ? table : next.next() ?? table }
  }
}

/// Takes from another form of a table what the better form lacks.
enum TableFilling {
  /// Fills counters, policies, handles, references, hidden parts and chains.
  static func fill(_ table: inout Table, from other: Table) {
    if table.handle == nil { table.handle = other.handle }
    if table.comment == nil { table.comment = other.comment }
    for set in other.sets where !table.sets.contains(where: { $0.name == set.name }) { table.sets.append(set) }
    for chain in other.chains {
      if let index = table.chainIndex(chain.name) {
        fill(&table.chains[index], from: chain)
      } else {
        table.chains.append(chain)
      }
    }
  }

  static func fill(_ chain: inout Chain, from other: Chain) {
    if chain.base == nil {
      chain.base = other.base
    } else if chain.base?.policy == nil {
      chain.base?.policy = other.base?.policy
    }
    if isEmpty(chain.policyCounter) { chain.policyCounter = other.policyCounter ?? chain.policyCounter }
    if chain.references == nil { chain.references = other.references }
    if chain.handle == nil { chain.handle = other.handle }
    guard chain.rules.count == other.rules.count else { return }
    for index in chain.rules.indices { fill(&chain.rules[index], from: other.rules[index]) }
  }

  private static func fill(_ rule: inout Rule, from other: Rule) {
    // `iptables-save` without `-c` and `-S` print no counters, or zeros.
    if isEmpty(rule.counter) { rule.counter = other.counter ?? rule.counter }
    if rule.handle == nil { rule.handle = other.handle }
    if rule.comment == nil { rule.comment = other.comment }
    if rule.hasUnknownPart, !other.hasUnknownPart {
      rule.statements = other.statements
      rule.span = other.span
    }
  }

  private static func isEmpty(_ counter: Counter?) -> Bool {
    counter == nil || counter == Counter(packets: 0, bytes: 0)
  }
}

extension Table {
  /// Whether it does anything to a packet, unlike the empty chains that iptables prints of a table that doesn't exist.
  var decides: Bool { chains.contains { !$0.rules.isEmpty || $0.base?.policy == .drop } }
}

import Randomness

/// Tables, chains and rules that are left out.
extension Wound {
  mutating func leaveOutTable(_ random: inout RandomNumbers) -> Bool {
    let tables = shownTables.filter { shown in
      dump.outputs[shown.output].rows.contains { $0.role == .rule && $0.table == shown.table }
    }
    guard !tables.isEmpty else { return false }
    let (index, table) = random.pick(tables)
    let output = dump.outputs[index]
    lost.insert(table)
    note("\(table) left out")
    switch output.form {
    case .listing?, .numbered?, .rules?:
      dump.outputs.remove(at: index)
      return !dump.ruleOutputs.isEmpty
    case .save?: return leaveOutSavedTable(index, table, &random)
    default:
      let program = output.form == .nftJSON ? "nft -j list table" : "nft list table"
      showApart(index, without: table, command: program) { table in table }
      return !dump.ruleOutputs.isEmpty
    }
  }

  private mutating func leaveOutSavedTable(_ index: Int, _ table: String, _ random: inout RandomNumbers) -> Bool {
    let rows = dump.outputs[index].rows
    let hasDocker = rows.contains { $0.role == .chainHead && $0.chain == "DOCKER" && $0.table.hasSuffix(" filter") }
    let isProved = (table.hasSuffix(" nat") && hasDocker) || dump.layout == .bare
    if isProved, random.happens(50) {
      dump.outputs[index].rows.removeAll { $0.table == table }
      note("silently")
      return dump.outputs[index].rows.contains { $0.role == .tableHead }
    }
    showApart(index, without: table, command: "\(dump.outputs[index].command) -t") { table in
      table.split(separator: " ").last.map(String.init) ?? table
    }
    return !dump.ruleOutputs.isEmpty
  }

  /// Prints the tables of an output by a command each, except one.
  private mutating func showApart(_ index: Int, without table: String, command: String, name: (String) -> String) {
    let output = dump.outputs[index]
    let apart = output.rows.tables.filter { $0 != table && $0.contains(" ") }.map { kept in
      var part = output
      part.rows = output.rows.filter {
        $0.table == kept || ($0.table.isEmpty && $0.role == .other && part.form == .nftJSON)
      }
      part.command = "\(command) \(name(kept))"
      let words = part.command.split(separator: " ").map { $0.drop { $0 == "-" } }
      part.file = words.joined(separator: "-") + ".txt"
      return part
    }
    dump.outputs.replaceSubrange(index...index, with: apart)
    if dump.layout == .bare { dump.layout = .prompts }
  }

  mutating func leaveOutEmptyTable(_ random: inout RandomNumbers) -> Bool {
    guard
      let index = output(
        &random,
        where: { output in
          output.form != .save && output.form != .nftText && output.form != .nftJSON && !output.rows.isEmpty
            && !output.rows.contains { $0.role == .rule || $0.text.contains("DROP") }
        })
    else { return false }
    note("\(dump.outputs[index].command) left out")
    lost.insert(dump.outputs[index].table)
    dump.outputs.remove(at: index)
    return !dump.ruleOutputs.isEmpty
  }

  // MARK: Chains

  mutating func leaveOutChain(_ random: inout RandomNumbers) -> Bool {
    let chains = dump.ruleOutputs.flatMap { index in
      dump.outputs[index].rows.heads.filter { !$0.isBase && dump.outputs[index].rows.leads(to: $0) }.map { (index, $0) }
    }
    guard !chains.isEmpty else { return false }
    let (index, chain) = random.pick(chains)
    dump.outputs[index].rows.removeAll { $0.table == chain.table && $0.chain == chain.chain }
    note("\(chain.table) \(chain.chain) left out")
    return true
  }

  mutating func leaveOutBaseChain(_ random: inout RandomNumbers) -> Bool {
    let chains = dump.ruleOutputs.flatMap { index -> [(Int, Row, Bool)] in
      let output = dump.outputs[index]
      return output.rows.heads.filter(\.isBase).compactMap { chain in
        // A listing prints every built-in chain, be it that the kernel has none (`iptables -L` and `-S` of 1.8.9 over nf_tables).
        if output.form?.isListing == true || output.form == .rules { return (index, chain, false) }
        return Self.isMissed(chain, in: output) ? (index, chain, true) : nil
      }
    }
    guard !chains.isEmpty else { return false }
    let (index, chain, hasReference) = random.pick(chains)
    isFragile = isFragile || hasReference
    dump.outputs[index].rows.removeAll { $0.table == chain.table && $0.chain == chain.chain }
    note("\(chain.table) \(chain.chain) left out")
    return dump.outputs[index].rows.contains { $0.role == .chainHead }
  }

  /// Whether a chain that stays tells of a jump in one that goes: by packets that nothing else led there.
  private static func isMissed(_ chain: Row, in output: Output) -> Bool {
    let targets = Set(output.rows.filter { $0.table == chain.table && $0.chain == chain.chain }.flatMap(\.targets))
    return output.rows.heads.contains { head in
      guard head.table == chain.table, !head.isBase, targets.contains(head.chain) else { return false }
      let others = output.rows.filter { $0.chain != chain.chain }
      guard output.form == .nftText || output.form == .save, !others.leads(to: head) else { return false }
      return others.contains {
        $0.role == .rule && $0.table == head.table && $0.chain == head.chain && hasCounted($0.text)
      }
    }
  }

  private static func hasCounted(_ text: String) -> Bool {
    if text.hasPrefix("[") { return !text.hasPrefix("[0:0]") }
    return text.contains("counter packets ") && !text.contains("counter packets 0 ")
  }

  mutating func leaveOutHead(_ random: inout RandomNumbers) -> Bool {
    let heads = dump.ruleOutputs.flatMap { index -> [(Int, Int)] in
      let rows = dump.outputs[index].rows
      guard dump.outputs[index].form != .nftJSON else { return [] }
      return rows.indices.filter { at in
        rows[at].role == .chainHead
          && rows.contains { $0.role == .rule && $0.table == rows[at].table && $0.chain == rows[at].chain }
      }.map { (index, $0) }
    }
    guard !heads.isEmpty else { return false }
    let (index, at) = random.pick(heads)
    note("\"\(dump.outputs[index].rows[at].text)\" left out")
    dump.outputs[index].rows.remove(at: at)
    return true
  }

  // MARK: Rules

  mutating func leaveOutRules(_ random: inout RandomNumbers) -> Bool {
    var runs: [(output: Int, rows: ClosedRange<Int>, isFragile: Bool)] = []
    for index in dump.ruleOutputs where dump.outputs[index].form?.isListing == true {
      let rows = dump.outputs[index].rows
      let isNumbered = dump.outputs[index].form == .numbered && rows.contains { $0.text.hasPrefix("num") }
      for at in rows.indices where rows[at].role == .rule {
        let chain = rows.indexes(of: rows[at]).filter { rows[$0].role == .rule }
        // Whatever is taken at the end of a chain leaves no gap.
        if isNumbered, let last = chain.last, at < last {
          runs.append((index, at...min(at + random.number(0...2), last - 1), false))
        }
        let isReferred = rows.heads.contains {
          $0.table == rows[at].table && !$0.isBase && rows[at].targets.contains($0.chain)
        }
        if isReferred { runs.append((index, at...at, !isNumbered)) }
      }
    }
    guard !runs.isEmpty else { return false }
    let run = random.pick(runs)
    isFragile = isFragile || run.isFragile
    note("\(dump.outputs[run.output].rows[run.rows.lowerBound].chain): \(run.rows.count) rules left out")
    dump.outputs[run.output].rows.removeSubrange(run.rows)
    return true
  }

  mutating func elideElements(_ random: inout RandomNumbers) -> Bool {
    var places: [(Int, Int)] = []
    for index in dump.outputs.indices {
      for (at, row) in dump.outputs[index].rows.enumerated() {
        let isElements = row.role == .element && (row.text.contains("elements = {") || row.text.hasSuffix(","))
        let isSetRow = dump.outputs[index].command == "ipset save" && row.text.hasPrefix("add ")
        if isElements && dump.outputs[index].form == .nftText || isSetRow { places.append((index, at)) }
      }
    }
    guard !places.isEmpty else { return false }
    let (index, at) = random.pick(places)
    note("elements elided")
    let mark = random.pick(["...", "…", "[...]"])
    let text = dump.outputs[index].rows[at].text
    if text.hasPrefix("add ") {
      dump.outputs[index].rows[at].text = mark
      return true
    }
    let open = text.firstIndex(of: "{").map { text.index(after: $0) } ?? text.startIndex
    let isClosed = text.hasSuffix("}")
    let head = text[..<open]
    let elements = text[open...].split(separator: ",", omittingEmptySubsequences: true).map(String.init)
    let kept = elements.prefix(random.number(0...max(0, elements.count - 1)))
    dump.outputs[index].rows[at].text =
      head + (kept.isEmpty ? " \(mark)" : kept.joined(separator: ",") + ", \(mark)") + (isClosed ? " }" : ",")
    return true
  }
}

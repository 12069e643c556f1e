import Randomness

/// Outputs in another order or division, twice, in several forms, or of several hosts.
extension Wound {
  mutating func reorder(_ random: inout RandomNumbers) -> Bool {
    guard dump.outputs.count > 1 else { return false }
    for at in dump.outputs.indices.dropLast() {
      dump.outputs.swapAt(at, random.number(at...dump.outputs.count - 1))
    }
    note("order: \(dump.outputs.map(\.command).joined(separator: ", "))")
    return true
  }

  /// A chain or some rows, printed by a command of their own.
  mutating func addExcerpt(_ random: inout RandomNumbers, isFirst: Bool) -> Bool {
    guard let index = output(&random, where: { $0.form != .save && $0.form != .nftJSON || $0.form == .save }),
      let head = dump.outputs[index].rows.heads.isEmpty ? nil : random.pick(dump.outputs[index].rows.heads)
    else { return false }
    let output = dump.outputs[index]
    guard output.form != .nftJSON, !output.isFiltered else { return false }
    var excerpt = output
    excerpt.rows = output.rows.filter { $0.table == head.table && $0.chain == head.chain }
    switch output.form {
    case .nftText?:
      excerpt.command = "nft list chain \(head.table) \(head.chain)"
      excerpt.rows = [Row("table \(head.table) {", .tableHead)] + excerpt.rows + [Row("}", .tableEnd)]
    case .save?:
      excerpt.command = "iptables-save | grep -e '-A \(head.chain)'"
      excerpt.rows = output.rows.filter { $0.text.contains("-A \(head.chain)") }
      if head.table.hasPrefix("ip6") { excerpt.command = "ip6tables-save | grep -e '-A \(head.chain)'" }
    default: excerpt.command = Self.command(output.command, of: head.chain)
    }
    excerpt.file = "excerpt.txt"
    if dump.layout != .prompts { dump.layout = .prompts }
    note("\(excerpt.command) \(isFirst ? "before" : "after")")
    dump.outputs.insert(excerpt, at: isFirst ? 0 : dump.outputs.count)
    return !excerpt.rows.isEmpty
  }

  /// `iptables -t nat -vnL DOCKER`, `iptables -S INPUT`.
  private static func command(_ command: String, of chain: String) -> String {
    var words = command.split(separator: " ").map(String.init)
    let at = words.firstIndex { $0.hasPrefix("-") && !$0.hasPrefix("--") && ($0.hasSuffix("L") || $0.hasSuffix("S")) }
    words.insert(chain, at: at.map { $0 + 1 } ?? words.count)
    return words.joined(separator: " ")
  }

  mutating func showChainByChain(_ random: inout RandomNumbers, underHeadings: Bool) -> Bool {
    guard
      dump.ruleOutputs.contains(where: { dump.outputs[$0].form?.isListing == true || dump.outputs[$0].form == .rules })
    else { return false }
    dump.layout = underHeadings ? .bare : .prompts
    let wording = random.number(0...2)
    dump.outputs = dump.outputs.flatMap { output -> [Output] in
      guard output.form?.isListing == true || output.form == .rules, !output.rows.isEmpty, !output.isFiltered else {
        return [output]
      }
      var parts = output.rows.heads.map { head in
        var part = output
        part.rows = output.rows.filter { $0.chain == head.chain }
        while part.rows.last?.text == "" { part.rows.removeLast() }
        part.command = Self.command(output.command, of: head.chain)
        let table = output.table.split(separator: " ").last ?? "filter"
        if underHeadings {
          part.heading = .words(
            [
              "### \(part.command)", "\(output.command.prefix { $0 != " " }), \(table) table, chain \(head.chain):",
              "Output of `\(part.command)`:",
            ][wording])
        }
        return part
      }
      for at in parts.indices.dropLast() where random.happens(50) {
        parts.swapAt(at, random.number(at...parts.count - 1))
      }
      return parts
    }
    note("a chain at a time")
    return true
  }

  mutating func addNft(_ random: inout RandomNumbers) -> Bool {
    guard !whole.nft.isEmpty else { return false }
    if random.happens(50) { dump.outputs += whole.nft } else { dump.outputs = whole.nft + dump.outputs }
    note("nft list ruleset beside")
    if dump.layout == .bare { dump.layout = .prompts }
    return true
  }

  mutating func addBriefListing(_ random: inout RandomNumbers) -> Bool {
    guard !whole.briefListing.isEmpty else { return false }
    if dump.layout == .bare { dump.layout = .prompts }
    if random.happens(50) {
      dump.outputs += whole.briefListing
    } else {
      dump.outputs = whole.briefListing + dump.outputs
    }
    note("iptables -nL beside")
    return true
  }

  /// Another host in the same paste, under its own prompts.
  ///
  /// With addresses, both say which are theirs, and they have none in common. Without, nothing says which of them is asked about.
  mutating func addHost(_ random: inout RandomNumbers, withAddresses: Bool, isFirst: Bool) -> Bool {
    guard whole.hasFacts == withAddresses else { return false }
    let strangers = others.filter { other in
      other.host != whole.host && other.hasFacts == withAddresses
        && (!withAddresses || (!other.addresses.isEmpty && Set(other.addresses).isDisjoint(with: whole.addresses)))
    }
    guard !strangers.isEmpty, !withAddresses || !whole.addresses.isEmpty else { return false }
    let other = random.pick(strangers)
    dump.layout = .prompts
    let name = random.pick(["gw2", "db-server", "node07", "backup"])
    let added = other.dump.outputs.map { output in
      var output = output
      output.host = name
      return output
    }
    foreign = added.flatMap(\.lines)
    foreignAddresses = other.addresses
    dump.outputs = isFirst ? added + dump.outputs : dump.outputs + added
    note("\(other.name) as \(name) \(isFirst ? "before" : "after")")
    return true
  }
}

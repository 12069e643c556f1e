import Randomness

/// What is done to all lines of an output at one column, and to single rules by people who show them to others.
extension Wound {
  /// What people write over rules that nobody is to see, and between pieces of a text.
  static let masks = [
    "----8<----", "---", "-----", "REDACTED", "<redacted>", "xxxxxxxx", "\u{2702}", "~", "########", "etc etc", "***",
  ]

  // MARK: Columns

  /// `cut -c1-80`, a pager that does not fold, the edge of a report.
  mutating func cutColumn(_ random: inout RandomNumbers) -> Bool {
    guard
      let index = output(
        &random, where: { [.save, .rules, .listing, .numbered].contains($0.form) && $0.rows.count > 3 })
    else { return false }
    let output = dump.outputs[index]
    let widths = (55...140).filter { width in
      output.form?.isListing == true
        ? Self.tellsCut(ofListing: output.rows, at: width) : Self.tellsCut(ofSave: output.rows, at: width)
    }
    guard !widths.isEmpty else { return false }
    let width = random.pick(widths)
    for row in output.rows.indices { dump.outputs[index].rows[row].text = String(output.rows[row].text.prefix(width)) }
    note("\(output.command) cut at column \(width)")
    isFragile = true
    return true
  }

  /// Whether some rule lost its target in the middle of something, or several of them lost theirs.
  private static func tellsCut(ofSave rows: [Row], at width: Int) -> Bool {
    let cut = rows.filter { $0.role == .rule && $0.text.count > width && !$0.targets.isEmpty }
    let open = cut.filter { !$0.text.prefix(width).contains(" -j ") && !$0.text.prefix(width).contains(" -g ") }
    return open.count > 1
      || open.contains { row in
        let kept = Anatomy.words(String(row.text.prefix(width)))
        return kept.last.map { $0 == "!" || $0.hasPrefix("-") } ?? false
      }
  }

  /// Whether the names of the columns were cut, or a word that every text of that kind has.
  private static func tellsCut(ofListing rows: [Row], at width: Int) -> Bool {
    let names = rows.filter { $0.role == .spec && $0.text.contains("destination ") }
    let rules = rows.filter { $0.role == .rule }
    if let head = names.first, head.text.count > width, let blank = head.text.dropLast(9).last, blank == "n" {
      return width != head.text.count - 9 && rules.contains { $0.text.count >= width }
    }
    return rules.contains { row in
      guard row.text.count > width, let half = Anatomy.words(String(row.text.prefix(width))).last,
        row.text.prefix(width).last != " "
      else { return false }
      return ["ctstate", "multiport", "dports", "match-set", "reject-with"].contains { word in
        word != half && word.hasPrefix(half) && half.count > 2 && Anatomy.words(row.text).contains(word)
          && !Anatomy.words(row.text).contains(half)
      }
    }
  }

  // MARK: Rules

  /// Rules between two others that stay, and a line in their place that says nothing.
  mutating func maskRules(_ random: inout RandomNumbers) -> Bool {
    guard
      let index = output(&random, where: { [.save, .rules, .listing].contains($0.form) && $0.rows.count > 4 })
    else { return false }
    let rows = dump.outputs[index].rows
    let places = rows.indices.dropFirst().dropLast().filter { at in
      [at - 1, at, at + 1].allSatisfy { rows[$0].role == .rule && rows[$0].table == rows[at].table }
        && (dump.outputs[index].form?.isListing != true || rows[at - 1].chain == rows[at + 1].chain)
    }
    guard !places.isEmpty else { return false }
    let at = random.pick(Array(places))
    let mask = random.pick(Self.masks)
    dump.outputs[index].rows[at] = Row(mask, .other)
    note("\(dump.outputs[index].command): line \(at + 1) is \(mask)")
    noteLost(rows)
    return true
  }

  /// Arrows and words behind some rules.
  mutating func addRemarks(_ random: inout RandomNumbers) -> Bool {
    let places = dump.ruleOutputs.filter { dump.outputs[$0].form.map { $0 != .nftJSON && $0 != .nftText } ?? false }
      .flatMap { index in
        dump.outputs[index].rows.indices.filter {
          dump.outputs[index].rows[$0].role == .rule && !dump.outputs[index].rows[$0].targets.isEmpty
        }.map { (index, $0) }
      }
    guard !places.isEmpty else { return false }
    for _ in 0..<random.number(1...3) {
      let (output, row) = random.pick(places)
      let remark = random.pick([
        "   <-- this one should let me in!!", " <- here", "  <=== HERE", " \u{2190} why?", "    # default drop",
        " <---- it's this?",
      ])
      dump.outputs[output].rows[row].text += remark
      note("\(dump.outputs[output].command): line \(row + 1) with \(remark)")
    }
    return true
  }
}

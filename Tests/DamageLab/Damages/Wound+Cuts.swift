import Randomness

/// Texts that end, or begin, in the middle, and texts of which a part was taken away.
extension Wound {
  /// What stands where somebody left lines out.
  static let marks = [
    "...", "…", "[snip]", "[...]", "--More--", "<snip>", "<200 lines omitted>", "(output truncated)", "-- snip --",
    "....",
  ]

  // MARK: The end

  mutating func cutEnd(_ random: inout RandomNumbers) -> Bool {
    guard let index = output(&random, where: { $0.form != .nftJSON && $0.form != .rules && $0.rows.count > 3 })
    else { return false }
    let rows = dump.outputs[index].rows
    let places = (1..<rows.count).filter { Self.tellsEnd(Array(rows[..<$0]), of: rows, dump.outputs[index].form) }
    guard !places.isEmpty else { return false }
    _ = cutRows(index, to: random.pick(places), &random)
    return true
  }

  /// Whether what is left shows that it is not all.
  private static func tellsEnd(_ left: [Row], of rows: [Row], _ form: Form?) -> Bool {
    guard let last = left.last else { return false }
    switch form {
    case .save?, .nftText?:
      let open = left.filter { $0.role == .tableHead }.count > left.filter { $0.role == .tableEnd }.count
      return open
    default:
      // A head without its columns, or a chain that does not come.
      return last.role == .chainHead || leadsAway(left, rows)
    }
  }

  /// Whether a listing lacks a chain that must come: a built-in one, or one that a rule leads to.
  private static func leadsAway(_ left: [Row], _ rows: [Row]) -> Bool {
    rows.heads.contains { head in
      (head.isBase || left.leads(to: head)) && !left.heads.contains { $0.chain == head.chain }
    }
  }

  /// Keeps the first rows of an output. What came after the output is lost as well, or was printed again from its prompt on.
  ///
  /// - Returns: the output's index afterwards.
  private mutating func cutRows(_ index: Int, to count: Int, _ random: inout RandomNumbers) -> Int {
    let rows = dump.outputs[index].rows
    dump.outputs[index].rows = Array(rows[..<count])
    note("\(dump.outputs[index].command) cut after line \(count)")
    var before = rows
    var index = index
    if random.happens(40), dump.layout != .files {
      let facts = dump.outputs[(index + 1)...].filter { $0.form == nil }
      before += dump.outputs[(index + 1)...].flatMap(\.rows)
      dump.outputs.removeSubrange((index + 1)...)
      dump.outputs.insert(contentsOf: facts, at: 0)
      index += facts.count
      note("nothing after it")
    } else if dump.layout == .bare {
      dump.outputs.append(dump.outputs.remove(at: index))
      index = dump.outputs.count - 1
    }
    noteLost(before)
    return index
  }

  mutating func cutEndInLine(_ random: inout RandomNumbers) -> Bool {
    guard let index = output(&random, where: { $0.rows.count > 3 }) else { return false }
    let output = dump.outputs[index]
    if output.form == .nftJSON { return cutJSON(index, &random) }
    var places: [(row: Int, length: Int)] = []
    for at in output.rows.indices where output.rows[at].role == .rule {
      let row = output.rows[at]
      let length = random.number(1...max(1, row.text.count - 1))
      let kept = String(row.text.prefix(length))
      let isTold =
        switch output.form {
        case .save?, .nftText?: true
        case .rules?: Self.isOpenOption(kept, of: row, in: output.rows)
        default:
          Anatomy.words(kept).count < (row.text.first?.isNumber == true ? 10 : 9)
            || Self.leadsAway(Array(output.rows[..<at]), output.rows)
        }
      if isTold, kept.contains(where: { $0 != " " && $0 != "\t" }) { places.append((at, length)) }
    }
    guard !places.isEmpty else { return false }
    let place = random.pick(places)
    let cut = cutRows(index, to: place.row + 1, &random)
    // What stops in mid-line is the end of the paste.
    if dump.layout != .files { dump.outputs.append(dump.outputs.remove(at: cut)) }
    let last = dump.layout == .files ? cut : dump.outputs.count - 1
    dump.outputs[last].rows[place.row].text = String(output.rows[place.row].text.prefix(place.length))
    dump.outputs[last].stopsInRow = true
    note("in the middle")
    return true
  }

  /// Whether a rule of `-S` ends with an option that lacks its value, or in the middle of its target.
  private static func isOpenOption(_ kept: String, of row: Row, in rows: [Row]) -> Bool {
    let words = Anatomy.words(kept)
    guard let last = words.last, words.count > 2 else { return false }
    if last.hasPrefix("-") || last == "!" { return true }
    guard words[words.count - 2] == "-j", let target = row.targets.first else { return false }
    return last != target && !rows.heads.contains { $0.chain == last }
  }

  private mutating func cutJSON(_ index: Int, _ random: inout RandomNumbers) -> Bool {
    let text = JSONText.line(dump.outputs[index].rows.map(\.text))
    let length = random.number(text.count / 4...text.count - 3)
    dump.outputs[index].rows = [Row(String(text.prefix(length)), .other)]
    dump.outputs[index].stopsInRow = true
    if dump.layout != .files { dump.outputs.append(dump.outputs.remove(at: index)) }
    note("JSON cut after \(length) characters")
    return true
  }

  mutating func cutClosing(_ random: inout RandomNumbers) -> Bool {
    guard let index = output(&random, where: { $0.form == .save || $0.form == .nftText }) else { return false }
    let rows = dump.outputs[index].rows
    guard let end = rows.lastIndex(where: { $0.role == .tableEnd }) else { return false }
    var first = end
    if dump.outputs[index].form == .nftText, random.happens(50), end > 0, rows[end - 1].role == .chainEnd { first -= 1 }
    dump.outputs[index].rows.removeSubrange(first...)
    note("the closing line cut off")
    return true
  }

  // MARK: The beginning

  mutating func cutBeginning(_ random: inout RandomNumbers) -> Bool {
    guard let index = output(&random, where: { $0.form != .nftJSON && $0.rows.count > 3 }) else { return false }
    let rows = dump.outputs[index].rows
    let places = (1..<rows.count - 1).filter { tellsBeginning(Array(rows[$0...]), of: rows, dump.outputs[index].form) }
    guard !places.isEmpty else { return false }
    let start = random.pick(places)
    var before = rows
    dump.outputs[index].rows = Array(rows[start...])
    note("\(dump.outputs[index].command) cut before line \(start + 1)")
    if dump.layout != .files {
      dump.outputs[index].heading = .none
      let earlier = dump.outputs[..<index]
      dump.outputs.removeSubrange(..<index)
      let isLost = random.happens(40)
      if isLost { before += earlier.flatMap(\.rows) }
      dump.outputs += earlier.filter { !isLost || $0.form == nil }
    }
    noteLost(before)
    return true
  }

  private func tellsBeginning(_ left: [Row], of rows: [Row], _ form: Form?) -> Bool {
    guard let first = left.first, !first.text.isEmpty else { return false }
    switch form {
    case .save?, .nftText?:
      return first.role == .rule || first.role == .chainHead || first.role == .spec || first.role == .element
    case .rules?: return true
    default: return first.role == .rule || first.role == .spec || first.role == .chainHead
    }
  }

  // MARK: The middle

  mutating func elideMiddle(_ random: inout RandomNumbers) -> Bool {
    guard let index = output(&random, where: { $0.rows.count > 4 }) else { return false }
    let rows = dump.outputs[index].rows
    let first = random.number(1...rows.count - 2)
    let last = min(rows.count - 2, first + random.number(0...max(1, rows.count / 3)))
    let mark = random.pick(Self.marks)
    let indent = dump.outputs[index].form == .nftText && random.happens(50) ? "\t\t" : ""
    dump.outputs[index].rows.replaceSubrange(first...last, with: [Row(indent + mark, .other)])
    note("\(dump.outputs[index].command): lines \(first + 1) to \(last + 1) are \(mark)")
    noteLost(rows)
    return true
  }

  // MARK: Filters

  mutating func grep(_ random: inout RandomNumbers, withContext: Bool) -> Bool {
    guard let index = output(&random, where: { $0.form != .nftJSON && $0.rows.count > 4 }) else { return false }
    let rows = dump.outputs[index].rows
    let words = rows.filter { $0.role == .rule }.flatMap { Anatomy.words($0.text) }.map(Self.pattern)
      .filter {
        $0.count > 2 && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." } && $0.first != "-"
      }
    guard !words.isEmpty else { return false }
    let word = random.pick(words)
    let found = rows.indices.filter { rows[$0].text.contains(word) }
    guard !found.isEmpty, found.count < rows.count - 1 else { return false }
    let option = withContext ? random.pick(["-C1", "-C 1", "-A2", "-B1"]) : random.pick(["", "", "-e", "-w"])
    if option == "-w", rows.contains(where: { $0.text.contains(word) && !Anatomy.words($0.text).contains(word) }) {
      return false
    }
    let before = option.hasPrefix("-C") || option == "-B1" ? 1 : 0
    let after = option.hasPrefix("-C") ? 1 : option == "-A2" ? 2 : 0
    dump.outputs[index].rows = Self.filtered(rows, found, before, after)
    showFilter(" | grep \(option.isEmpty ? "" : option + " ")\(word)", at: index)
    note(dump.outputs[index].command)
    noteLost(rows)
    return true
  }

  /// Puts a filter behind the command of an output, which a prompt shows from now on: words above it would hide the filter.
  private mutating func showFilter(_ filter: String, at index: Int) {
    dump.outputs[index].command += filter
    if dump.layout != .prompts { dump.layout = .prompts }
    if case .words = dump.outputs[index].heading { dump.outputs[index].heading = .prompt }
  }

  private static func pattern(_ word: String) -> String {
    String(word.drop { "!\"':".contains($0) }.prefix { !"\"':/,".contains($0) })
  }

  private static func filtered(_ rows: [Row], _ found: [Int], _ before: Int, _ after: Int) -> [Row] {
    var kept: [Row] = []
    var last = -1
    for at in found {
      let first = max(at - before, last + 1)
      if before + after > 0, last >= 0, first > last + 1 { kept.append(Row("--", .other)) }
      let end = min(at + after, rows.count - 1)
      if first <= end { kept += rows[first...end] }
      last = max(last, end)
    }
    return kept
  }

  mutating func keepHead(_ random: inout RandomNumbers) -> Bool {
    keep(&random, ["| head -n N", "| head -N"]) { $0.prefix($1) }
  }

  mutating func keepTail(_ random: inout RandomNumbers) -> Bool {
    keep(&random, ["| tail -n N", "| tail -N"]) { $0.suffix($1) }
  }

  private mutating func keep(
    _ random: inout RandomNumbers, _ filters: [String], _ part: ([Row], Int) -> ArraySlice<Row>
  ) -> Bool {
    guard let index = output(&random, where: { $0.form != .nftJSON && $0.rows.count > 4 }) else { return false }
    let rows = dump.outputs[index].rows
    let count = random.number(1...rows.count - 1)
    dump.outputs[index].rows = Array(part(rows, count))
    let filter = random.pick(filters).split(separator: "N", omittingEmptySubsequences: false).joined(
      separator: "\(count)")
    showFilter(" " + filter, at: index)
    note(dump.outputs[index].command)
    noteLost(rows)
    return true
  }
}

/// Reads a whole, undamaged dump into rows: just enough of each form to know where a table, a chain and a rule begin and end.
///
/// It is no second reader: it never says what a rule means, and it is used on what the programs themselves printed only.
enum Anatomy {
  /// The rows of an output.
  ///
  /// - Parameter table: the table of a listing or of `-S`, with its family.
  static func rows(_ text: String, _ form: Form, table: String) -> [Row] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.last == "" { lines.removeLast() }
    return switch form {
    case .save: save(lines, family: table.hasPrefix("ip6") ? "ip6" : "ip")
    case .listing, .numbered: listing(lines, table, targetAt: form == .numbered ? 3 : 2)
    case .rules: rules(lines, table)
    case .nftText: nft(lines)
    case .nftJSON: json(lines.joined())
    }
  }

  private static func save(_ lines: [String], family: String) -> [Row] {
    var rows: [Row] = []
    var table = ""
    for line in lines {
      if line.hasPrefix("*") {
        table = "\(family) \(line.dropFirst())"
        rows.append(Row(line, .tableHead, table: table))
        // The comment before a table is the table's.
        if rows.count > 1, rows[rows.count - 2].text.hasPrefix("# Generated") { rows[rows.count - 2].table = table }
      } else if line.hasPrefix(":") {
        var row = Row(line, .chainHead, table: table, chain: words(line)[0].dropFirst().description)
        row.isBase = words(line).count > 1 && words(line)[1] != "-"
        rows.append(row)
      } else if line == "COMMIT" {
        rows.append(Row(line, .tableEnd, table: table))
      } else if line.hasPrefix("-A ") || line.hasPrefix("[") {
        rows.append(ruleRow(line, table))
      } else {
        rows.append(Row(line, .other, table: line.hasPrefix("# Completed") ? table : ""))
      }
    }
    return rows
  }

  private static func rules(_ lines: [String], _ table: String) -> [Row] {
    lines.map { line in
      guard line.hasPrefix("-P ") || line.hasPrefix("-N ") else { return ruleRow(line, table) }
      var row = Row(line, .chainHead, table: table, chain: words(line)[1])
      row.isBase = line.hasPrefix("-P ")
      return row
    }
  }

  private static func ruleRow(_ line: String, _ table: String) -> Row {
    let all = words(line)
    guard let at = all.firstIndex(of: "-A"), at + 1 < all.count else { return Row(line, .other, table: table) }
    var row = Row(line, .rule, table: table, chain: all[at + 1])
    if let jump = all.firstIndex(where: { $0 == "-j" || $0 == "-g" }), jump + 1 < all.count {
      row.targets = [all[jump + 1]]
    }
    return row
  }

  private static func listing(_ lines: [String], _ table: String, targetAt: Int) -> [Row] {
    var rows: [Row] = []
    var chain = ""
    for line in lines {
      let all = words(line)
      if line.hasPrefix("Chain "), all.count > 1 {
        chain = all[1]
        var row = Row(line, .chainHead, table: table, chain: chain)
        row.isBase = line.contains("(policy")
        rows.append(row)
      } else if rows.last?.role == .chainHead {
        rows.append(Row(line, .spec, table: table, chain: chain))
      } else if all.isEmpty {
        rows.append(Row(line, .chainEnd, table: table, chain: chain))
      } else if !chain.isEmpty {
        var row = Row(line, .rule, table: table, chain: chain)
        if all.count > targetAt { row.targets = [all[targetAt]] }
        rows.append(row)
      } else {
        rows.append(Row(line, .other))
      }
    }
    return rows
  }

  private static func nft(_ lines: [String]) -> [Row] {
    var rows: [Row] = []
    var table = ""
    var chain = ""
    var isInObject = false
    for line in lines {
      let all = words(line)
      if line.hasPrefix("table "), line.hasSuffix("{"), all.count > 3 {
        table = "\(all[1]) \(all[2])"
        rows.append(Row(line, .tableHead, table: table))
      } else if line.hasPrefix("}") {
        rows.append(Row(line, .tableEnd, table: table))
        table = ""
      } else if all == ["}"] {
        rows.append(Row(line, isInObject ? .element : .chainEnd, table: table, chain: chain))
        chain = ""
        isInObject = false
      } else if !chain.isEmpty {
        var row = Row(line, line.hasPrefix("\t\ttype ") ? .spec : .rule, table: table, chain: chain)
        row.targets = zip(all, all.dropFirst()).filter { $0.0 == "jump" || $0.0 == "goto" }
          .map { $0.1.filter { $0 != "," && $0 != "}" } }
        if row.role == .spec, let head = rows.lastIndex(where: { $0.role == .chainHead }) { rows[head].isBase = true }
        rows.append(row)
      } else if isInObject {
        rows.append(Row(line, .element, table: table))
      } else if line.hasPrefix("\tchain "), all.count > 2 {
        chain = all[1]
        rows.append(Row(line, .chainHead, table: table, chain: chain))
      } else if line.hasPrefix("\t"), line.hasSuffix("{") {
        isInObject = true
        rows.append(Row(line, .element, table: table))
      } else {
        rows.append(Row(line, .other, table: all.isEmpty ? table : ""))
      }
    }
    return rows
  }

  // MARK: JSON

  /// The objects of the one array, a row each; ``JSONText/line(_:)`` puts them together again.
  private static func json(_ text: String) -> [Row] {
    JSONText.objects(text).map { object in
      guard let kind = JSONText.kind(of: object) else { return Row(object, .other) }
      let table = JSONText.member("family", object).map { "\($0) " } ?? ""
      switch kind {
      case "table": return Row(object, .tableHead, table: table + (JSONText.member("name", object) ?? ""))
      case "chain":
        var row = Row(
          object, .chainHead, table: table + (JSONText.member("table", object) ?? ""),
          chain: JSONText.member("name", object) ?? "")
        row.isBase = object.contains("\"hook\"")
        return row
      case "rule":
        var row = Row(
          object, .rule, table: table + (JSONText.member("table", object) ?? ""),
          chain: JSONText.member("chain", object) ?? "")
        row.targets = ["jump", "goto"].flatMap { JSONText.members("target", in: object, of: $0) }
        return row
      case "metainfo": return Row(object, .other)
      default: return Row(object, .element, table: table + (JSONText.member("table", object) ?? ""))
      }
    }
  }

  static func words(_ line: String) -> [String] { line.split { $0 == " " || $0 == "\t" }.map(String.init) }
}

import Foundation

/// The results as a table for people.
struct Table {
  private var lines: [[String]] = [
    ["row", "rules", "measured", "median", "quartiles", "by processor", "runs", "goal", ""]
  ]

  /// Adds the figures of a row, or why there are none.
  mutating func add(_ result: RowResult) {
    if let why = result.skipped { lines.append([result.row, "", "no figure: \(why)", "", "", "", "", "", ""]) }
    for claim in result.claims {
      lines.append([
        result.row, claim.rules.map(String.init) ?? "", claim.what, "\(Self.short(claim.value.median)) \(claim.unit)",
        "\(Self.short(claim.value.lowerQuartile))...\(Self.short(claim.value.upperQuartile))",
        claim.byProcessor.map { Self.short($0.median) } ?? "", String(claim.value.count),
        claim.goal.map { ($0.isUpperBound ? "<= " : ">= ") + Self.short($0.bound) } ?? "",
        claim.isMet.map { $0 ? "met" : "missed" } ?? "",
      ])
    }
  }

  /// The table with aligned columns.
  var text: String {
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let cells = zip(line, widths).map { cell, width in
        cell.padding(toLength: max(width, cell.count), withPad: " ", startingAt: 0)
      }
      var text = cells.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }

  /// Three digits that count.
  static func short(_ value: Double) -> String {
    switch abs(value) {
    case 100...: String(format: "%.0f", value)
    case 10..<100: String(format: "%.1f", value)
    case 1..<10: String(format: "%.2f", value)
    default: String(format: "%.3g", value)
    }
  }
}

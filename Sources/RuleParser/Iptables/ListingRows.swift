import RuleGraph

/// The rows of a long listing, read on all processors before their chains are: a row is read alike in every chain with the same head line.
struct ListingRows {
  private let header: ListingHeader
  private let runs: [Range<Int>]
  private var parts: [Part]

  /// What was read of a run of lines.
  private struct Part: Sendable {
    /// For each line its rule, where it has one that was understood.
    var rules: [Rule?] = []
  }

  /// Reads the rows of a listing; nil when it is too short for that.
  init?(_ text: DumpText, family: AddressFamily) {
    guard text.lines.count >= 2000,
      let header = text.lines.prefix(20).lazy.compactMap({ ListingHeader(text.cursor($0)) }).first
    else { return nil }
    self.header = header
    runs = Parallel.runs(of: text.lines.count, atLeast: 2000)
    parts = Parallel.map(runs) { run in
      var reader = ListingRuleReader(bytes: text.bytes, family: family)
      var part = Part()
      part.rules.reserveCapacity(run.count)
      for line in text.lines[run] { part.rules.append(Self.rule(text, line, header, &reader)) }
      return part
    }
  }

  /// The rule of a line; nil when the line is no row, or one of which there is something to tell.
  private static func rule(
    _ text: DumpText, _ line: DumpLine, _ header: ListingHeader, _ reader: inout ListingRuleReader
  ) -> Rule? {
    var first = text.cursor(line)
    first.eatBlanks()
    guard let byte = first.peek, byte >= 0x30, byte <= 0x39 else { return nil }
    let rule = reader.read(text.cursor(line), header: header, span: text.span(line), line: line)
    guard reader.diagnostics.isEmpty else {
      reader.diagnostics = []
      return nil
    }
    return rule
  }

  /// Gives away the rule of a line that stands under a head line; nil when it has to be read there.
  mutating func take(_ index: Int, header: ListingHeader?) -> Rule? {
    guard header == self.header, let run = runs.firstIndex(where: { $0.contains(index) }) else { return nil }
    return parts[run].rules[index - runs[run].lowerBound].take()
  }
}

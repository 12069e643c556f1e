import RuleGraph

/// The rows of a long listing, read on all processors before their chains are: a row is read alike in every chain with the same head line.
struct ListingRows {
  private let header: ListingHeader
  private let parts: [Part]
  /// The part and the run in it that come next.
  private var next = (part: 0, run: 0)
  /// The part and the name in it that come next.
  private var nextName = (part: 0, index: 0)

  /// What was read of some lines.
  private struct Part: Sendable {
    /// The rules of neighbouring lines, each run with the index of its first line.
    var rules = RuleRuns<Int>()
    var hidesInterfaces = false
    /// The names of the users' chains whose heads stand in the lines, each with the index of its line.
    var names: [(line: Int, text: String)] = []
  }

  /// Whether some rule does not tell its interfaces.
  var hidesInterfaces: Bool { parts.contains { $0.hidesInterfaces } }

  /// Reads the rows of a listing; nil when it is too short for that.
  init?(_ text: DumpText, family: AddressFamily) {
    guard text.lines.count >= 2000,
      let header = text.lines.prefix(20).lazy.compactMap({ ListingHeader(text.cursor($0)) }).first
    else { return nil }
    self.header = header
    parts = Parallel.map(Parallel.runs(of: text.lines.count, atLeast: 2000)) { run in
      var reader = ListingRuleReader(bytes: text.bytes, family: family)
      var part = Part()
      for index in run {
        guard let rule = Self.rule(text, text.lines[index], header, &reader) else {
          if let name = Self.chainName(text, text.lines[index]) { part.names.append((index, name)) }
          continue
        }
        part.rules.append(rule, at: index) { first, count in first + count == index }
      }
      part.hidesInterfaces = reader.hidesInterfaces
      return part
    }
  }

  /// The rule of a line; nil when the line is no row, or one of which there is something to tell.
  private static func rule(
    _ text: DumpText, _ line: DumpLine, _ header: ListingHeader, _ reader: inout ListingRuleReader
  ) -> Rule? {
    let start = text.bytes.startOfWord(from: line.start, to: line.end)
    guard start < line.end, text.bytes[start] >= 0x30, text.bytes[start] <= 0x39 else { return nil }
    let rule = reader.read(text.cursor(line), header: header, span: text.span(line), line: line)
    guard reader.diagnostics.isEmpty else {
      reader.diagnostics = []
      return nil
    }
    return rule
  }

  /// The name of the chain whose head a line is.
  private static func chainName(_ text: DumpText, _ line: DumpLine) -> String? {
    var cursor = text.cursor(line)
    guard cursor.eat("Chain "), let name = cursor.eatWord(), name.count > 15 else { return nil }
    return text.bytes.text(name)
  }

  /// The name of the chain whose head stands in a line, if it is a long one. Lines are asked for in their order.
  mutating func chainName(at line: Int) -> String? {
    while nextName.part < parts.count {
      let names = parts[nextName.part].names
      while nextName.index < names.count, names[nextName.index].line < line { nextName.index += 1 }
      if nextName.index < names.count { return names[nextName.index].line == line ? names[nextName.index].text : nil }
      nextName = (nextName.part + 1, 0)
    }
    return nil
  }

  /// The rules from a line on that stand under a head line; nil when the line has to be read there. Lines are asked for in their order.
  mutating func rules(from line: Int, header: ListingHeader?) -> [Rule]? {
    while next.part < parts.count {
      let runs = parts[next.part].rules.runs
      while next.run < runs.count, runs[next.run].place < line { next.run += 1 }
      if next.run < runs.count {
        return runs[next.run].place == line && header == self.header ? runs[next.run].rules : nil
      }
      next = (next.part + 1, 0)
    }
    return nil
  }
}

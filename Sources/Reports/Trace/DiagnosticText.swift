import RuleGraph

/// Diagnostics with the line that they are about and a caret below the place.
struct DiagnosticText {
  let sources: SourceMap
  let names: SourceNames

  /// Adds errors and warnings, and notes when asked for; at most ten of one kind, then their number.
  func add(_ diagnostics: [Diagnostic], to page: inout Page, notes: Bool) {
    let shown = diagnostics.filter { notes || $0.severity != .note }
    guard !shown.isEmpty else { return }
    page.addGap()
    var counts: [String: Int] = [:]
    for diagnostic in shown {
      counts[diagnostic.id, default: 0] += 1
      if counts[diagnostic.id, default: 0] <= 10 { add(diagnostic, to: &page) }
    }
    for (id, count) in counts.sorted(by: { $0.key < $1.key }) where count > 10 {
      page.add(StyledText("and \(count - 10) more of the kind \(id)"))
    }
  }

  private func add(_ diagnostic: Diagnostic, to page: inout Page) {
    let label: StyledText =
      switch diagnostic.severity {
      case .error: StyledText("error: ", .bad)
      case .warning: StyledText("warning: ", .doubtful)
      case .note: StyledText("note: ", .named)
      }
    var message = diagnostic.message
    if let expected = diagnostic.expected { message += "; expected \(expected)" }
    let place = diagnostic.span.map { StyledText(names[$0] + ": ", .strong) } ?? ""
    page.add(place + label + StyledText(message), hanging: 2)
    guard let span = diagnostic.span else { return }
    addLine(span, column: diagnostic.column, to: &page)
  }

  /// The line itself, cut to the terminal's width around the column.
  private func addLine(_ span: SourceSpan, column: Int?, to page: inout Page) {
    guard sources.sources.indices.contains(Int(span.source)) else { return }
    let bytes = sources.sources[Int(span.source)].bytes
    let start = min(max(span.offset, 0), bytes.count)
    let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    let caret = min(max((column ?? 1) - 1, 0), end - start)
    let room = max(page.terminal.width - 8, 20)
    // A line of JSON may hold a whole ruleset: only what fits beside the caret is looked at.
    var first = max(start, start + caret - 2 * room)
    while first > start, first < start + caret, bytes[first] & 0xc0 == 0x80 { first += 1 }
    var before = String(decoding: bytes[first..<(start + caret)], as: UTF8.self)
    while DisplayWidth.of(before) > room / 2 { before.removeFirst() }
    var after = String(decoding: bytes[(start + caret)..<min(end, start + caret + 4 * room)], as: UTF8.self)
    while DisplayWidth.of(before) + DisplayWidth.of(after) > room { after.removeLast() }
    let line = StyledText(before + after)
    if line.isEmpty { return }
    page.add(line, indent: 4, hanging: 0)
    if column != nil {
      page.add(StyledText(String(repeating: " ", count: StyledText(before).width) + "^", .bad), indent: 4)
    }
  }
}

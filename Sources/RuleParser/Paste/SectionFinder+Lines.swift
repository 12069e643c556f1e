import RuleGraph

// Which output each line belongs to.

extension SectionFinder {
  /// Takes the lines that nothing but rules of the open output can be, which is what a large dump is made of; gives the
  /// index behind them.
  mutating func takePlainLines(from index: Int) -> Int {
    guard var open = current else { return index }
    current = nil
    defer { current = open }
    switch open.section.kind {
    case .save: return takePlainSave(from: index, &open)
    case .listing: return takePlainListing(from: index, &open)
    default: return open.continuation.isBracketed ? takeBracketed(from: index, &open) : index
    }
  }

  /// Takes the lines up to the one that closes the brackets of an output.
  mutating func takeBracketed(from index: Int, _ open: inout OpenSection) -> Int {
    var end = index
    while end < lines.count, !open.continuation.isComplete, !paste.isFence(at: end), paste.fence(at: end) == open.fence,
      !BundleHeader.mayBegin(bytes, lines[end]), !breaks(lines[end])
    {
      open.continuation.take(bytes, lines[end])
      end += 1
    }
    if end > index {
      closeGap(&open)
      taken.append(index..<end)
    }
    return end
  }

  /// Whether a line in open brackets belongs to something else, so that nothing has closed them: a prompt, or the
  /// beginning of another output.
  func breaks(_ line: DumpLine) -> Bool {
    guard line.start < line.end else { return false }
    switch bytes[line.start] {
    // Blanks, brackets and what stands in them.
    case 0...UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
      return false
    case UInt8(ascii: "#"), UInt8(ascii: "*"), UInt8(ascii: "C"):
      let kind = OutputStart.kind(bytes, line)
      return kind == .save || kind == .listing
    case UInt8(ascii: "-"), UInt8(ascii: ":"): return OutputStart.isSaveLine(ByteCursor(bytes, line.range))
    default: break
    }
    if let prompt = ShellPrompt(bytes, line) { return prompt.host != .bare || bytes[line.start] == UInt8(ascii: "$") }
    return OutputStart.kind(bytes, line) == .ipAddress
  }

  mutating func takePlainSave(from index: Int, _ open: inout OpenSection) -> Int {
    var end = index
    var hasRule = false
    while end < lines.count, !paste.isFence(at: end) {
      switch lines[end].form {
      case .rule: hasRule = true
      case .head: break
      default:
        append(index..<end, to: &open, hasRule: hasRule)
        return end
      }
      end += 1
    }
    append(index..<end, to: &open, hasRule: hasRule)
    return end
  }

  mutating func append(_ run: Range<Int>, to open: inout OpenSection, hasRule: Bool) {
    if run.isEmpty { return }
    closeGap(&open)
    if hasRule { open.continuation.takeRule() }
    taken.append(run)
  }

  mutating func takePlainListing(from index: Int, _ open: inout OpenSection) -> Int {
    var end = index
    scan: while end < lines.count, !paste.isFence(at: end) {
      switch lines[end].form {
      case .empty, .row, .columnHead: break
      case .chainHead: if !takeChain(at: end, &open) { break scan }
      case .other, .rule, .head, .unreadable, .cutOff: break scan
      }
      end += 1
    }
    // Empty lines at the end belong to the listing only if it goes on behind them.
    var behind = end
    while behind > index, lines[behind - 1].form == .empty { behind -= 1 }
    if behind > index {
      closeGap(&open)
      taken.append(index..<behind)
    }
    open.gap.append(behind..<end)
    return end
  }

  /// Takes the chain whose plain head stands in a line into a listing, unless it begins another listing: then it is not
  /// taken.
  mutating func takeChain(at index: Int, _ open: inout OpenSection) -> Bool {
    while nextChain < paste.chains.lines.count, paste.chains.lines[nextChain] < index { nextChain += 1 }
    return nextChain < paste.chains.lines.count && paste.chains.lines[nextChain] == index
      && open.continuation.takeChain(bytes, paste.chains.names[nextChain])
  }

  /// Takes over the lines that did not fit, since the output goes on behind them.
  mutating func closeGap(_ open: inout OpenSection) {
    if open.gap.runs.isEmpty { return }
    taken.append(open.gap)
    open.gap = LineRuns()
    open.strangers = 0
  }

  mutating func read(_ content: DumpLine, at index: Int) {
    let fence = paste.fence(at: index)
    // The common case first: a further line of a long output.
    if let open = current, open.fence == fence, open.continuation.isBracketed, !open.continuation.isComplete,
      !breaks(content)
    {
      append(content, at: index)
      return
    }
    if isCommentAmongRules(index) {
      append(content, at: index)
      return
    }
    if let prompt = ShellPrompt(bytes, content) {
      noteCutBeginning()
      close()
      takeEmptyOutput(before: index, fence: fence)
      enter(prompt, at: index, fence: fence)
      return
    }
    if isPromptAlone(content) { takeEmptyOutput(before: index, fence: fence) }
    // A save tells itself of the tables that it leaves out.
    if current?.section.kind != .save, let failure = OutputFailure(bytes, content) {
      take(failure, content, at: index)
      return
    }
    if isHeadingOfTable(content, fence) {
      close()
      passProse(at: index)
      return
    }
    if let kind = OutputStart.kind(bytes, content) ?? valueKind(content) ?? restKind(content, at: index) {
      if goesOn(with: kind, content, at: index) {
        append(content, at: index)
      } else if kind == .ipAddress, OutputStart.isAddressAlone(bytes, content), !isAsked(.ipAddress) {
        // Whose address it is says only the command that printed it.
        current?.gap.append(index)
      } else {
        begin(kind, content, at: index)
      }
      return
    }
    let isBlank = paste.isBlank(content)
    let watched = ShellCommand.watched(ByteCursor(bytes, content.range))
    if !isBlank, !isLineOfFile(content),
      current.map({ !$0.continuation.fits(bytes, content) }) ?? true || isHeadingOfRules(content),
      let command = watched ?? bareCommand(content)
    {
      close()
      take(command, at: index, fence: fence, place: isInside(fence) ? entered : nil)
      if watched != nil {
        screenWidth = ScreenWidth.columns(bytes, content)
        // A screen ends somewhere in the output.
        for command in pending.indices { pending[command].output.filter.places.insert(.end) }
      }
      return
    }
    guard let open = current else {
      if !isBlank { passProse(at: index) }
      return
    }
    if open.continuation.isComplete {
      // A table's name and no brace: the text was cut there. Or it says that other tables were left out.
      if open.section.kind == .nftText, open.fence == fence,
        TableInventory.mayBeHead(bytes, content) || OmissionMark.evidence(bytes, content.range) == .elided
      {
        append(content, at: index)
      }
      if !isBlank {
        close()
        passProse(at: index)
      }
    } else if open.continuation.fits(bytes, content) || (open.section.isBounded && !isBlank) {
      append(content, at: index)
    } else if open.section.kind == .listing, !isBlank, isBelowHead(index) {
      current?.unreadRow = index
      append(content, at: index)
    } else {
      current?.gap.append(index)
      current?.continuation.pass()
      if !isBlank { current?.strangers += 1 }
      if open.strangers >= 6 { close() }
    }
  }

  /// Whether a line among the chains of a listing says that those of another table follow.
  func isHeadingOfTable(_ line: DumpLine, _ fence: Int32) -> Bool {
    guard line.form == .other, let open = current, open.fence == fence, !open.section.isBounded,
      open.section.kind == .listing || open.section.kind == .save && !open.continuation.hasTableHead
    else { return false }
    return RulesHeading.table(bytes, line.range) != nil
  }

  /// Whether a line between two rules of the open output is a comment, though its words begin as a command does: `#
  /// more rules here`, `# docker rules`. A command has options or names a file, and what it prints begins with a head.
  func isCommentAmongRules(_ index: Int) -> Bool {
    guard let kind = current?.section.kind, kind == .listing || kind == .save, index > 0, index + 1 < lines.count,
      lines[index].start < lines[index].end, bytes[lines[index].start] == UInt8(ascii: "#")
    else { return false }
    let form: PlainForm = kind == .listing ? .row : .rule
    guard lines[index - 1].form == form, lines[index + 1].form == form else { return false }
    return !bytes[lines[index].range].contains { "-/|.=".utf8.contains($0) }
  }

  /// Whether a line stands right below a chain's head or rows there that look like none: what it says is in the place
  /// of rules.
  func isBelowHead(_ index: Int) -> Bool {
    guard index > 0, taken.runs.last?.upperBound == index else { return false }
    if current?.unreadRow == index - 1 { return true }
    var cursor = ByteCursor(bytes, lines[index - 1].range)
    cursor.eatBlanks()
    return OutputStart.isChainHead(cursor)
  }

  /// Takes in that a line is prose, or what a command printed that should print nothing.
  mutating func passProse(at index: Int) {
    session += 1
    if isAnswer(index) { commandGroups.follow() }
  }

  /// Whether a command whose output may come next prints a kind.
  func isAsked(_ kind: OutputKind) -> Bool { pending.contains { Self.prints($0.output.kind, kind) } }

  func bareCommand(_ line: DumpLine) -> String? {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 1000))
    cursor.eatBlanks()
    guard let first = cursor.peek, first < 0x7f else { return nil }
    let text = cursor.text(cursor.at..<cursor.end).trimmedBlanks
    if first >= UInt8(ascii: "/"), text.last != ":", ShellPrompt.isCommand(text) { return text }
    return HeadingCommand.command(in: text)
  }

  /// Whether a line that could be a comment among rules is a command that prints some: `### iptables -t nat -S OUTPUT`.
  func isHeadingOfRules(_ line: DumpLine) -> Bool {
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    guard cursor.peek == UInt8(ascii: "#"), let command = bareCommand(line) else { return false }
    return ShellCommand.read(command).first?.output.kind?.tellsRules ?? false
  }

  /// Outputs without any mark of their own are known by their command alone.
  func valueKind(_ line: DumpLine) -> OutputKind? {
    guard current == nil, let kind = pending.first?.output.kind, line.end > line.start else { return nil }
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    switch kind {
    case .sysctlValue:
      guard pending.first?.output.subject != nil, cursor.eatNumber() != nil else { return nil }
      cursor.eatBlanks()
      return cursor.isAtEnd ? kind : nil
    case .ipAddress where pending.first?.output.isFiltered == true:
      // A line that grep cut out. Without its command it would be anybody's.
      guard cursor.eat("inet ") || cursor.eat("inet6 "), let word = cursor.eatWord() else { return nil }
      return Prefix(cursor.text(word)) == nil ? nil : kind
    case .inventory: return TableInventory.isName(bytes, line) ? kind : nil
    case .firewalld, .firewallStatus: return FirewallStatusReader.isAnswer(cursor) ? kind : nil
    case .hostAddresses: return HostAddressReader.isAddresses(bytes, line) ? kind : nil
    case .listing where pending.first?.output.isFiltered == true:
      // Rows whose chain's head was filtered away.
      return OutputContinuation.isListingRow(cursor) ? kind : nil
    case .dockerPort:
      guard cursor.eatDecimal() != nil, cursor.eat(UInt8(ascii: "/")) else { return nil }
      return kind
    default: return nil
    }
  }

  /// Rows with which an input begins are the rest of a listing whose head has scrolled away.
  func restKind(_ line: DumpLine, at index: Int) -> OutputKind? {
    guard current == nil, sections.isEmpty, pending.isEmpty || isAsked(.listing),
      paste.isRow(line) || paste.isColumnHead(line), paste.isFirst(index)
    else { return nil }
    return .listing
  }

  /// Takes in, where a prompt or another output ends the first one, that it began above the input: `iptables -S` prints
  /// the policies before the rules.
  mutating func noteCutBeginning() {
    guard let open = current, sections.isEmpty, open.section.command == nil,
      let first = taken.runs.first?.lowerBound, paste.isFirst(first)
    else { return }
    let beginsCut =
      switch open.section.kind {
      case .save: lines[first].form == .rule
      case .listing: paste.isRow(lines[first])
      default: false
      }
    current?.section.beginsCut = beginsCut
  }

  /// Whether the output of an `iptables -S` begins with a rule: it prints the policies first.
  func beginsBehindPolicies(_ section: DumpSection) -> Bool {
    guard section.kind == .save, section.command != nil, section.output.table != nil, !section.output.isWhole,
      !section.output.isFiltered, section.output.chain == nil, section.commandIndex == nil || sections.isEmpty,
      let first = section.text.lines.first,
      !section.text.lines.contains(where: { !$0.range.isEmpty && bytes[$0.start] == UInt8(ascii: "*") })
    else { return false }
    return first.form == .rule
  }

  static func isSameOutput(_ open: OutputKind, _ kind: OutputKind) -> Bool {
    switch (open, kind) {
    case (.dockerInfo, .dockerVersion), (.dockerVersion, .dockerInfo), (.ipAddress, .ipAddressOneLine): true
    default: false
    }
  }
}

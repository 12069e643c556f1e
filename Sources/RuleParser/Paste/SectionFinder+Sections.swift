import RuleGraph

// Where a section begins, goes on and ends.

extension SectionFinder {
  mutating func begin(_ kind: OutputKind, _ line: DumpLine, at index: Int) {
    if current?.section.kind == .listing, kind != .listing { noteCutBeginning() }
    close()
    let fence = paste.fence(at: index)
    // A command stands right before its output: in the same fence, in the fence before, or a few lines above; or what
    // it printed before goes on.
    let isClose = index - pendingLine <= 30 || index - (lastLineOfAnswer ?? pendingLine) <= 3
    let isNear =
      pendingFence == fence
      ? fence != 0 || isClose || sections.isEmpty
      : fence == pendingFence + 1 || (pendingFence == 0 && isClose)
    if !isNear { pending = [] }
    var output = CommandOutput(kind: kind)
    var place = isNear ? pendingPlace : hint.place ?? .host
    var text: String?
    if let match = pending.firstIndex(where: { Self.prints($0.output.kind, kind) }) {
      let command = pending[match]
      output = command.output
      output.kind = kind
      text = command.text
      if let inside = command.place { place = inside }
      // One command prints one output, but a listing may be cut in two by what stands between.
      if pending.count > match + 1 { pending.removeSubrange(...match) }
    } else {
      if let inside = pending.first?.place { place = inside }
      if kind == .json, let command = pending.first { text = command.text }
    }
    if kind.tellsRules {
      if let match = unanswered.firstIndex(where: { Self.prints($0.command.output.kind, kind) }) {
        unanswered.remove(at: match)
      }
      if above.losesRules(above: index, kind) { output.filter.places.insert(.anywhere) }
    }
    var section = DumpSection(
      kind: kind, output: output, command: text, place: place,
      text: DumpText(source: source, memory: memory, lines: []), strand: strand, host: hostName,
      commandIndex: text == nil ? nil : pendingLine,
      isBounded: fence != 0 && fence != paste.openFence || (text != nil && text == hint.command))
    section.promptName = promptName
    if text != nil { section.session = session }
    if kind.tellsRules { section.isPast = above.isOfThePast(index) }
    if kind == .listing || kind == .save {
      if text == nil, !"*#".utf8.contains(bytes[line.start]) { section.output.table = above.table(above: index) }
      switch above.heading(above: index) {
      case .family(let family): headingFamily = family
      case .prose: headingFamily = nil
      case nil: if text != nil { headingFamily = nil }
      }
    }
    current = OpenSection(section: section, continuation: OutputContinuation(kind), fence: fence)
    let isRest = kind == .listing && paste.isRow(line)
    current?.isRest = isRest
    current?.isObjectStream = kind == .nftJSON && OutputStart.isNftObject(bytes, line)
    // What was left out before the first table may have held others.
    if kind == .nftText {
      let end = sections.last?.text.lines.last?.end ?? 0
      if let rest = above.cutTables(before: index, behind: end) {
        taken.append(rest)
      } else if let mark = above.omissionMark(before: index, behind: sections.last?.text.lines.last?.start) {
        taken.append(mark)
      }
    }
    append(line, at: index)
  }

  /// The last line of what the command has printed so far.
  var lastLineOfAnswer: Int? {
    guard let last = sections.last, last.commandIndex == pendingLine else { return nil }
    return last.text.lines.last.map { Int($0.number) - 1 }
  }

  /// Whether a command that prints one kind may have printed another: what stands there decides, the command adds what
  /// it knows.
  static func prints(_ command: OutputKind?, _ kind: OutputKind) -> Bool {
    guard let command else { return false }
    if command == kind { return true }
    let alike: [Set<OutputKind>] = [
      [.ipAddress, .ipAddressOneLine, .ipAddressBrief, .bridgeLink], [.dockerInfo, .dockerVersion],
      [.netstat, .routeTable], [.nftText, .nftJSON], [.sysctl, .sysctlValue], [.listing, .save], [.ipRoute, .ipRule],
    ]
    return alike.contains { $0.contains(command) && $0.contains(kind) }
  }

  /// Whether a line that can begin an output goes on with the one that is open.
  func goesOn(with kind: OutputKind, _ line: DumpLine, at index: Int) -> Bool {
    guard let open = current else { return false }
    if open.fence == paste.fence(at: index), open.continuation.goesOnInside(bytes, line) { return true }
    // Rows without a head may be those of a listing that was turned upside down, whose heads come last.
    if open.isRest, kind == .listing, index > 0, above.losesRules(above: index, kind) { return false }
    if kind == .listing || kind == .save, case .family(let family)? = above.heading(above: index),
      family != headingFamily
    {
      return false
    }
    if open.isObjectStream, kind == .nftJSON, open.fence == paste.fence(at: index),
      OutputStart.isNftObject(bytes, line)
    {
      return true
    }
    if open.section.kind == kind || Self.isSameOutput(open.section.kind, kind), !open.continuation.isComplete,
      !open.continuation.begins(bytes, line)
    {
      return true
    }
    return open.section.isBounded && (open.section.kind == .dockerInfo || open.section.kind == .dockerVersion)
  }

  mutating func append(_ line: DumpLine, at index: Int) {
    guard var open = current else { return }
    current = nil
    closeGap(&open)
    open.continuation.take(bytes, line)
    taken.append(index)
    current = open
  }

  mutating func close() {
    guard var open = current else { return }
    current = nil
    if open.strangers > 0 { session += 1 }
    let tail = tail(of: open)
    taken.append(tail)
    open.section.text.lines = paste.lines(of: taken)
    open.section.text.tail = tail.count
    open.section.beginsCut = open.section.beginsCut || beginsBehindPolicies(open.section)
    open.section.text.hasFoldedTexts = open.continuation.hasFoldedText
    open.section.text.screenWidth = screenWidth
    taken = LineRuns()
    takeHeading(&open.section)
    takeOffIndentation(&open.section)
    sections.append(open.section)
  }

  /// Takes over the family that a heading tells, where neither the command nor what stands in the output does.
  func takeHeading(_ section: inout DumpSection) {
    guard let family = headingFamily, section.kind == .listing || section.kind == .save, section.output.family == nil,
      FamilyInference.family(of: section.text) == nil
    else { return }
    section.output.family = family
  }

  /// The lines right behind a save or listing, which may be the rest of its last line where that was folded, or prose.
  func tail(of open: OpenSection) -> Range<Int> {
    guard open.section.kind == .save || open.section.kind == .listing, let end = taken.runs.last?.upperBound,
      let gap = open.gap.runs.first, gap.lowerBound == end
    else { return 0..<0 }
    let limit = min(gap.upperBound, end + FoldedLine.mostPieces)
    let behind = (end..<limit).first {
      lines[$0].range.isEmpty || bytes[lines[$0].range].allSatisfy { $0 <= UInt8(ascii: " ") }
    }
    return end..<(behind ?? limit)
  }

  /// Takes the indentation of the first line (a code block in Markdown, a list) off every line that has it.
  func takeOffIndentation(_ section: inout DumpSection) {
    guard let first = section.text.lines.first, section.kind != .json, section.kind != .dockerInfo else { return }
    var cursor = ByteCursor(bytes, first.range)
    var width = cursor.eatBlanks()
    if section.kind == .sockets || section.kind == .dockerProxy { width = 0 }
    guard width > 0 else { return }
    let indentation = bytes[first.start..<first.start + width]
    for index in section.text.lines.indices {
      let line = section.text.lines[index]
      guard bytes[line.range].starts(with: indentation) else { continue }
      section.text.lines[index].start += width
      section.text.lines[index].recognise(in: bytes)
    }
  }

  /// The whole part of a bundle is the output of its command, whatever it looks like; nothing at all is an output too.
  mutating func closeBundleSection(_ runs: LineRuns) {
    guard let command = pending.first else { return }
    let lines = paste.lines(of: runs)
    let first = lines.first { !paste.isBlank($0) }
    guard
      let kind = first.flatMap({ OutputStart.kind(bytes, $0) }).flatMap({
        Self.prints(command.output.kind, $0) ? $0 : nil
      })
        ?? command.output.kind
    else { return }
    var text = DumpText(source: source, memory: memory, lines: lines)
    if kind == .nftJSON || kind == .json, lines.count > 1 {
      var continuation = OutputContinuation(kind)
      for line in lines { continuation.take(bytes, line) }
      text.hasFoldedTexts = continuation.hasFoldedText
    }
    sections.append(
      DumpSection(
        kind: kind, output: command.output, command: command.text, place: pendingPlace,
        text: text, strand: strand, isBounded: true))
  }
}

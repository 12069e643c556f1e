import RuleGraph

/// Finds the outputs in one input: by the prompts and commands before them, by their first lines, and by the file's name.
struct SectionFinder {
  private let source: Int32
  private let memory: SourceBytes
  private let bytes: ByteView
  private let paste: PasteLines
  private let lines: [DumpLine]
  private let above: LinesAbove
  private let hint: FileNameHint

  /// The outputs, in the order of the input.
  private(set) var sections: [DumpSection] = []
  /// The names of the machines whose prompts stand in the input, in the order of their first.
  private(set) var hostNames: [String] = []
  /// What the head of a capture bundle says of time and host.
  private(set) var captured: String?
  /// What a capture bundle says it lacks, with the lines that say so.
  private(set) var unread: [(sentence: String, line: DumpLine)] = []
  /// Whether the last line of a capture bundle is there.
  private(set) var hasBundleEnd = false
  /// The lines in which programs say that they can't print the rules, with what is known of the commands.
  private(set) var failures: [(failure: OutputFailure, line: DumpLine, output: CommandOutput?)] = []
  /// How many strands were used.
  private(set) var strand: Int

  // What is open, with the chains of the lines before which come next. Its lines stand apart from it: whoever looks at it would be a second owner of them.
  private var current: OpenSection?
  private var taken = LineRuns()
  private var nextChain = 0
  // The commands whose output may come next, and where they stood.
  private var pending: [ShellCommand] = []
  private var pendingLine = 0
  private var pendingFence: Int32 = 0
  private var pendingPlace = Place.host
  // The place that `docker exec -it` and the like have led into.
  private var entered: Place?
  private var enteredFrom: ShellPrompt.Host?
  private var enteredFence: Int32 = 0
  // The machine whose prompt stood last.
  private var hostName: String?
  // The name that stood alone before the last prompt's mark, a host's or a user's.
  private var promptName: String?
  // The first byte of the last prompt where that names nobody.
  private var promptMark: UInt8 = 0
  // Prompts and outputs between which no prose stands and no fence ends are one session of a terminal.
  private var session: Int32 = 1
  // How wide the screen was on which watch(1) shows the outputs of the last command.
  private var screenWidth: Int?
  // The family that a heading above the open output tells, and that of the outputs before it which it stands above, too.
  private var headingFamily: AddressFamily?
  // Commands that print rules through a filter, as long as nothing of their output has come.
  private var unanswered: [(command: ShellCommand, line: DumpLine, host: String?, promptName: String?)] = []
  // The commands that change the host.
  private var commands: CommandLines
  private var commandGroups = CommandGroups()

  private struct OpenSection {
    var section: DumpSection
    var continuation: OutputContinuation
    /// Lines that did not fit, in case the output goes on behind them.
    var gap = LineRuns()
    var strangers = 0
    var fence: Int32
    /// Whether it is objects of nft's JSON one after the other, as `jq` prints them.
    var isObjectStream = false
    /// Whether it is a listing that began with rows, without the head of their chain.
    var isRest = false
    /// The last line below a chain's head that was taken though it looks like no row.
    var unreadRow = -1
  }

  /// Finds the sections of an input. `strand` is the number of its first strand.
  init(source: Int32, name: String, bytes: SourceBytes, strand: Int) {
    self.init(source: source, name: name, paste: PasteLines(bytes), strand: strand)
  }

  /// Finds the sections of an input that is cut into lines already.
  init(source: Int32, name: String, paste: PasteLines, strand: Int) {
    self.source = source
    self.paste = paste
    memory = paste.memory
    bytes = paste.bytes
    self.strand = strand
    lines = paste.lines
    above = LinesAbove(paste)
    hint = FileNameHint(name)
    commands = CommandLines(source: source, paste: paste)
    find()
  }

  /// The families of which iptables says anywhere in the input that tables of iptables-legacy exist beside those that it printed. It says so on its error
  /// output, which a paste holds before or behind an output.
  var legacyFamilies: Set<AddressFamily> {
    var families: Set<AddressFamily> = []
    for line in lines where line.form == .other && bytes[line.start] == 0x23 {
      var cursor = ByteCursor(bytes, line.range)
      guard cursor.eat("# Warning: ip") else { continue }
      let isIPv6 = cursor.eat("6")
      if cursor.eat("tables-legacy tables present") { families.insert(isIPv6 ? .ipv6 : .ipv4) }
    }
    return families
  }

  private mutating func find() {
    if isScript {
      if CommandLines.isScript(bytes) { sections.append(section(ofCommands: lines)) }
      return
    }
    pending = hint.command.map { ShellCommand.read($0) } ?? []
    pendingPlace = hint.place ?? .host
    var index = 0
    var bundleLines: LineRuns?
    var isOwnBundle = false
    while index < lines.count {
      let behind = bundleLines == nil ? takePlainLines(from: index) : index
      if behind > index {
        index = behind
        continue
      }
      let line = lines[index]
      if let header = BundleHeader(bytes, line) {
        if let taken = bundleLines { closeBundleSection(taken) }
        close()
        switch header {
        case .capture(let text): captured = text
        case .end:
          hasBundleEnd = true
          bundleLines = nil
          pending = []
        case .unread(let sentence):
          unread.append((sentence, line))
          bundleLines = nil
          pending = []
        case .command(let command, let isOwn):
          isOwnBundle = isOwn
          pending = ShellCommand.read(command)
          pendingPlace = pending.first?.place ?? .host
          bundleLines = LineRuns()
          strand += 1
        }
      } else if let taken = bundleLines {
        if isOwnBundle || !paste.isFence(at: index) {
          bundleLines?.append(index)
        } else if index > 0, paste.fence(at: index - 1) == paste.fence(at: index) {
          // The output is what stands in the fence below the heading.
          closeBundleSection(taken)
          bundleLines = nil
          pending = []
        } else {
          bundleLines = LineRuns()
        }
      } else if paste.isFence(at: index) {
        close()
        session += 1
      } else if !isLineOfFile(line), let block = commands.block(at: index) {
        take(block, at: index)
        index = block.end
        continue
      } else {
        read(line, at: index)
      }
      index += 1
    }
    // A heading at which a bundle was cut proves nothing.
    if let taken = bundleLines, captured == nil || hasBundleEnd || hasText(taken) { closeBundleSection(taken) }
    close()
    takeUnanswered()
    for group in commandGroups.all.reversed() { sections.insert(section(of: group), at: group.origin.place) }
  }

  private func hasText(_ runs: LineRuns) -> Bool {
    !paste.lines(of: runs).allSatisfy { paste.isBlank($0) }
  }

  /// Whether the input is a program that someone ran, and not what was printed.
  private var isScript: Bool { bytes.starts(with: [0x23, 0x21]) }

  // MARK: - Lines

  /// Takes the lines that nothing but rules of the open output can be, which is what a large dump is made of; gives the index behind them.
  private mutating func takePlainLines(from index: Int) -> Int {
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
  private mutating func takeBracketed(from index: Int, _ open: inout OpenSection) -> Int {
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

  /// Whether a line in open brackets belongs to something else, so that nothing has closed them: a prompt, or the beginning of another output.
  private func breaks(_ line: DumpLine) -> Bool {
    guard line.start < line.end else { return false }
    switch bytes[line.start] {
    // Blanks, brackets and what stands in them.
    case 0...0x22, 0x7b, 0x7d, 0x5d, 0x2c: return false
    case 0x23, 0x2a, 0x43:
      let kind = OutputStart.kind(bytes, line)
      return kind == .save || kind == .listing
    case 0x2d, 0x3a: return OutputStart.isSaveLine(ByteCursor(bytes, line.range))
    default: break
    }
    if let prompt = ShellPrompt(bytes, line) { return prompt.host != .bare || bytes[line.start] == 0x24 }
    return OutputStart.kind(bytes, line) == .ipAddress
  }

  private mutating func takePlainSave(from index: Int, _ open: inout OpenSection) -> Int {
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

  private mutating func append(_ run: Range<Int>, to open: inout OpenSection, hasRule: Bool) {
    if run.isEmpty { return }
    closeGap(&open)
    if hasRule { open.continuation.takeRule() }
    taken.append(run)
  }

  private mutating func takePlainListing(from index: Int, _ open: inout OpenSection) -> Int {
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

  /// Takes the chain whose plain head stands in a line into a listing, unless it begins another listing: then it is not taken.
  private mutating func takeChain(at index: Int, _ open: inout OpenSection) -> Bool {
    while nextChain < paste.chains.lines.count, paste.chains.lines[nextChain] < index { nextChain += 1 }
    return nextChain < paste.chains.lines.count && paste.chains.lines[nextChain] == index
      && open.continuation.takeChain(bytes, paste.chains.names[nextChain])
  }

  /// Takes over the lines that did not fit, since the output goes on behind them.
  private mutating func closeGap(_ open: inout OpenSection) {
    if open.gap.runs.isEmpty { return }
    taken.append(open.gap)
    open.gap = LineRuns()
    open.strangers = 0
  }

  private mutating func read(_ content: DumpLine, at index: Int) {
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
      // A table's name and no brace: the text was cut there.
      if open.section.kind == .nftText, open.fence == fence, TableInventory.mayBeHead(bytes, content) {
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
  private func isHeadingOfTable(_ line: DumpLine, _ fence: Int32) -> Bool {
    guard line.form == .other, let open = current, open.fence == fence, !open.section.isBounded,
      open.section.kind == .listing || open.section.kind == .save && !open.continuation.hasTableHead
    else { return false }
    return RulesHeading.table(bytes, line.range) != nil
  }

  /// Whether a line between two rules of the open output is a comment, though its words begin as a command does: `# more rules here`, `# docker rules`. A command
  /// has options or names a file, and what it prints begins with a head.
  private func isCommentAmongRules(_ index: Int) -> Bool {
    guard let kind = current?.section.kind, kind == .listing || kind == .save, index > 0, index + 1 < lines.count,
      lines[index].start < lines[index].end, bytes[lines[index].start] == 0x23
    else { return false }
    let form: PlainForm = kind == .listing ? .row : .rule
    guard lines[index - 1].form == form, lines[index + 1].form == form else { return false }
    return !bytes[lines[index].range].contains { "-/|.=".utf8.contains($0) }
  }

  /// Whether a line stands right below a chain's head or rows there that look like none: what it says is in the place of rules.
  private func isBelowHead(_ index: Int) -> Bool {
    guard index > 0, taken.runs.last?.upperBound == index else { return false }
    if current?.unreadRow == index - 1 { return true }
    var cursor = ByteCursor(bytes, lines[index - 1].range)
    cursor.eatBlanks()
    return OutputStart.isChainHead(cursor)
  }

  /// Takes in that a line is prose, or what a command printed that should print nothing.
  private mutating func passProse(at index: Int) {
    session += 1
    if isAnswer(index) { commandGroups.follow() }
  }

  /// Whether a command whose output may come next prints a kind.
  private func isAsked(_ kind: OutputKind) -> Bool { pending.contains { Self.prints($0.output.kind, kind) } }

  private func bareCommand(_ line: DumpLine) -> String? {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 1000))
    cursor.eatBlanks()
    guard let first = cursor.peek, first < 0x7f else { return nil }
    let text = cursor.text(cursor.at..<cursor.end).trimmedBlanks
    if first >= 0x2f, text.last != ":", ShellPrompt.isCommand(text) { return text }
    return HeadingCommand.command(in: text)
  }

  /// Whether a line that could be a comment among rules is a command that prints some: `### iptables -t nat -S OUTPUT`.
  private func isHeadingOfRules(_ line: DumpLine) -> Bool {
    guard bytes[line.start] == UInt8(ascii: "#"), let command = bareCommand(line) else { return false }
    return ShellCommand.read(command).first?.output.kind?.tellsRules ?? false
  }

  /// Outputs without any mark of their own are known by their command alone.
  private func valueKind(_ line: DumpLine) -> OutputKind? {
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
      guard cursor.eatDecimal() != nil, cursor.eat(0x2f) else { return nil }
      return kind
    default: return nil
    }
  }

  /// Rows with which an input begins are the rest of a listing whose head has scrolled away.
  private func restKind(_ line: DumpLine, at index: Int) -> OutputKind? {
    guard current == nil, sections.isEmpty, pending.isEmpty || isAsked(.listing), paste.isFirst(index),
      paste.isRow(line) || paste.isColumnHead(line)
    else { return nil }
    return .listing
  }

  /// Takes in, where a prompt or another output ends the first one, that it began above the input: `iptables -S` prints the policies before the rules.
  private mutating func noteCutBeginning() {
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
  private func beginsBehindPolicies(_ section: DumpSection) -> Bool {
    guard section.kind == .save, section.command != nil, section.output.table != nil, !section.output.isWhole,
      !section.output.isFiltered, section.output.chain == nil, section.commandIndex == nil || sections.isEmpty,
      let first = section.text.lines.first,
      !section.text.lines.contains(where: { !$0.range.isEmpty && bytes[$0.start] == 0x2a })
    else { return false }
    return first.form == .rule
  }

  private static func isSameOutput(_ open: OutputKind, _ kind: OutputKind) -> Bool {
    switch (open, kind) {
    case (.dockerInfo, .dockerVersion), (.dockerVersion, .dockerInfo), (.ipAddress, .ipAddressOneLine): true
    default: false
    }
  }

  // MARK: - Prompts and commands

  private mutating func enter(_ prompt: ShellPrompt, at index: Int, fence: Int32) {
    var place = Place.host
    switch prompt.host {
    case .container(let id): place = entered ?? .container(id)
    case .named(let name):
      if let inside = entered, inside.isNamespace, namesOuterHost(name) {
        // A shell in another network namespace prompts with the host's name; only `exit` leads out of it.
        place = inside
        hostName = name
        if !hostNames.contains(name) { hostNames.append(name) }
      } else if let inside = entered, !inside.isMachine, case .named(let outer)? = enteredFrom, outer != name,
        !hostNames.contains(name)
      {
        place = inside
      } else if case .container(name)? = entered {
        place = .container(name)
      } else {
        entered = nil
        hostName = name
        if !hostNames.contains(name) { hostNames.append(name) }
      }
    case .directory:
      // The shell of an image. Where no machine has shown its own prompt, it may as well be the host's.
      place = entered ?? (hostNames.isEmpty ? .host : .container(""))
    case .bare:
      if isInside(fence), let inside = entered { place = inside }
    }
    promptName = prompt.host == .bare ? prompt.name ?? promptName : nil
    // `#` among prompts of `$` may be a comment.
    let mark = prompt.host == .bare ? bytes[bytes.startOfWord(from: lines[index].start, to: lines[index].end)] : 0
    if mark != promptMark { session += 1 }
    promptMark = mark
    take(prompt.command, at: index, fence: fence, place: place, host: prompt.host)
  }

  /// Whether commands that name no host run where the last one has led into: on another machine or in a network namespace up to `exit`, in a container in the
  /// same fence.
  private func isInside(_ fence: Int32) -> Bool {
    entered?.isMachine == true || entered?.isNamespace == true || (fence != 0 && enteredFence == fence)
  }

  /// Whether a prompt's name can be that of the host from which the last command led elsewhere.
  private func namesOuterHost(_ name: String) -> Bool {
    if case .named(let outer)? = enteredFrom { outer == name } else { true }
  }

  private mutating func take(
    _ line: String, at index: Int, fence: Int32, place: Place?, host: ShellPrompt.Host? = nil
  ) {
    takeUnanswered()
    screenWidth = nil
    pending = ShellCommand.read(line)
    if FirewallCommand.loadsFile(line) {
      for section in sections.indices { sections[section].isOutdated = true }
    }
    pendingLine = index
    pendingFence = fence
    pendingPlace = hint.place ?? place ?? .host
    for command in pending {
      if let inside = command.enters {
        entered = inside
        enteredFrom = host
        enteredFence = fence
      }
      if command.leaves { entered = nil }
    }
    unanswered = pending.filter { $0.printsFilteredRules && ($0.place ?? pendingPlace) == .host }
      .map { ($0, lines[index], hostName, promptName) }
  }

  /// A filter that let nothing through says nothing of the rules that it kept back.
  private mutating func takeUnanswered() {
    for (command, line, host, promptName) in unanswered {
      guard let kind = command.output.kind else { continue }
      var section = DumpSection(
        kind: kind, output: command.output, command: command.text, place: .host,
        text: DumpText(source: source, memory: memory, lines: []), strand: strand, host: host, isBounded: true)
      section.promptName = promptName
      section.commandLine = line
      sections.append(section)
    }
    unanswered = []
  }

  /// Whether a line is one of nft's own commands, without the program's name, in a file that was printed: that changes nothing.
  private func isLineOfFile(_ line: DumpLine) -> Bool {
    guard pending.first?.output.isFile == true else { return false }
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    return cursor.eat("#!") || cursor.eat("flush ") || cursor.eat("add ") || cursor.eat("create ")
      || cursor.eat("insert ") || cursor.eat("delete ") || cursor.eat("destroy ")
  }

  // MARK: - Commands that change the host

  private func section(ofCommands lines: [DumpLine]) -> DumpSection {
    DumpSection(
      kind: .commands, output: CommandOutput(kind: .commands), command: nil, place: hint.place ?? .host,
      text: DumpText(source: source, memory: memory, lines: lines), strand: strand, host: hostName, isBounded: true)
  }

  private func section(of group: CommandGroups.Group) -> DumpSection {
    var section = section(ofCommands: group.lines)
    section.host = group.origin.host
    section.promptName = group.origin.promptName
    section.session = group.origin.session
    section.isInDoubt = group.isFollowed
    return section
  }

  private mutating func take(_ block: CommandLines.Block, at index: Int) {
    close()
    let fence = paste.fence(at: index)
    if let prompt = block.prompt {
      takeEmptyOutput(before: index, fence: fence)
      enter(prompt, at: index, fence: fence)
    } else {
      let last = block.lines[block.lines.count - 1]
      take(
        bytes.text(last.start..<min(last.end, last.start + 1000)), at: block.end - 1, fence: fence,
        place: isInside(fence) ? entered : nil)
    }
    pendingLine = block.end - 1
    guard pendingPlace == .host else { return }
    let origin = CommandGroups.Origin(
      host: hostName, promptName: promptName, session: block.prompt == nil ? nil : session, place: sections.count)
    commandGroups.append(block, origin)
  }

  /// Whether nothing but blank lines stands between a line and the last command that changes the host.
  private func isAnswer(_ index: Int) -> Bool {
    commandGroups.answer(before: index).map { lines[$0].allSatisfy { paste.isBlank($0) } } ?? false
  }

  /// Takes a line in which a program says why it did nothing: of a command right before it nothing remains.
  private mutating func take(_ failure: OutputFailure, _ line: DumpLine, at index: Int) {
    if isAnswer(index) { return commandGroups.fail() }
    guard failure.isAboutOutput else { return }
    let isNear = index - pendingLine <= 5 && pendingFence == paste.fence(at: index)
    failures.append((failure, line, isNear ? pending.first?.output : nil))
    // What comes next was printed by the commands behind the one that failed.
    if isNear, let table = failure.table, let failed = pending.firstIndex(where: { $0.output.table == table }),
      failed + 1 < pending.count
    {
      pending.removeSubrange(...failed)
      return
    }
    if isNear { for command in pending.indices { pending[command].output.isWhole = false } }
  }

  /// Whether nothing but the mark of the prompt stands in a line that the last command stood behind.
  private func isPromptAlone(_ line: DumpLine) -> Bool {
    guard line.end > line.start, line.end - line.start <= 2, pendingLine < lines.count, !pending.isEmpty else {
      return false
    }
    let (mark, known) = (bytes[line.start], lines[pendingLine])
    guard mark == 0x24 || mark == 0x23 || mark == 0x25, known.start < known.end, bytes[known.start] == mark else {
      return false
    }
    return line.end == line.start + 1 || bytes[line.start + 1] == 0x20
  }

  /// A command that prints all rules and is followed by the next prompt has printed nothing: there are none.
  private mutating func takeEmptyOutput(before index: Int, fence: Int32) {
    guard index > 0, pendingLine < index, pendingFence == fence, ShellPrompt(bytes, lines[pendingLine]) != nil,
      lines[(pendingLine + 1)..<index].allSatisfy({ paste.isBlank($0) })
    else { return }
    for command in pending where command.printsAllRules && (command.place ?? pendingPlace) == .host {
      guard let kind = command.output.kind else { continue }
      var section = DumpSection(
        kind: kind, output: command.output, command: command.text, place: .host,
        text: DumpText(source: source, memory: memory, lines: []), strand: strand, host: hostName,
        commandIndex: pendingLine, isBounded: true)
      section.session = session
      sections.append(section)
    }
  }

  // MARK: - Sections

  private mutating func begin(_ kind: OutputKind, _ line: DumpLine, at index: Int) {
    if current?.section.kind == .listing, kind != .listing { noteCutBeginning() }
    close()
    let fence = paste.fence(at: index)
    // A command stands right before its output: in the same fence, in the fence before, or a few lines above; or what it printed before goes on.
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
  private var lastLineOfAnswer: Int? {
    guard let last = sections.last, last.commandIndex == pendingLine else { return nil }
    return last.text.lines.last.map { Int($0.number) - 1 }
  }

  /// Whether a command that prints one kind may have printed another: what stands there decides, the command adds what it knows.
  private static func prints(_ command: OutputKind?, _ kind: OutputKind) -> Bool {
    guard let command else { return false }
    if command == kind { return true }
    let alike: [Set<OutputKind>] = [
      [.ipAddress, .ipAddressOneLine, .ipAddressBrief, .bridgeLink], [.dockerInfo, .dockerVersion],
      [.netstat, .routeTable], [.nftText, .nftJSON], [.sysctl, .sysctlValue], [.listing, .save], [.ipRoute, .ipRule],
    ]
    return alike.contains { $0.contains(command) && $0.contains(kind) }
  }

  /// Whether a line that can begin an output goes on with the one that is open.
  private func goesOn(with kind: OutputKind, _ line: DumpLine, at index: Int) -> Bool {
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

  private mutating func append(_ line: DumpLine, at index: Int) {
    guard var open = current else { return }
    current = nil
    closeGap(&open)
    open.continuation.take(bytes, line)
    taken.append(index)
    current = open
  }

  private mutating func close() {
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
  private func takeHeading(_ section: inout DumpSection) {
    guard let family = headingFamily, section.kind == .listing || section.kind == .save, section.output.family == nil,
      FamilyInference.family(of: section.text) == nil
    else { return }
    section.output.family = family
  }

  /// The lines right behind a save or listing, which may be the rest of its last line where that was folded, or prose.
  private func tail(of open: OpenSection) -> Range<Int> {
    guard open.section.kind == .save || open.section.kind == .listing, let end = taken.runs.last?.upperBound,
      let gap = open.gap.runs.first, gap.lowerBound == end
    else { return 0..<0 }
    let limit = min(gap.upperBound, end + FoldedLine.mostPieces)
    let behind = (end..<limit).first { lines[$0].range.isEmpty || bytes[lines[$0].range].allSatisfy { $0 <= 0x20 } }
    return end..<(behind ?? limit)
  }

  /// Takes the indentation of the first line (a code block in Markdown, a list) off every line that has it.
  private func takeOffIndentation(_ section: inout DumpSection) {
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
  private mutating func closeBundleSection(_ runs: LineRuns) {
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

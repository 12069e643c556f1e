import RuleGraph

// Prompts, the commands at them, and scripts.

extension SectionFinder {
  mutating func enter(_ prompt: ShellPrompt, at index: Int, fence: Int32) {
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

  /// Whether commands that name no host run where the last one has led into: on another machine or in a network
  /// namespace up to `exit`, in a container in the same fence.
  func isInside(_ fence: Int32) -> Bool {
    entered?.isMachine == true || entered?.isNamespace == true || (fence != 0 && enteredFence == fence)
  }

  /// Whether a prompt's name can be that of the host from which the last command led elsewhere.
  func namesOuterHost(_ name: String) -> Bool {
    if case .named(let outer)? = enteredFrom { outer == name } else { true }
  }

  mutating func take(
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
  mutating func takeUnanswered() {
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

  /// Whether a line is one of nft's own commands, without the program's name, in a file that was printed: that changes
  /// nothing.
  func isLineOfFile(_ line: DumpLine) -> Bool {
    guard pending.first?.output.isFile == true else { return false }
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    return cursor.eat("#!") || cursor.eat("flush ") || cursor.eat("add ") || cursor.eat("create ")
      || cursor.eat("insert ") || cursor.eat("delete ") || cursor.eat("destroy ")
  }

  func section(ofCommands lines: [DumpLine]) -> DumpSection {
    DumpSection(
      kind: .commands, output: CommandOutput(kind: .commands), command: nil, place: hint.place ?? .host,
      text: DumpText(source: source, memory: memory, lines: lines), strand: strand, host: hostName, isBounded: true)
  }

  func section(of group: CommandGroups.Group) -> DumpSection {
    var section = section(ofCommands: group.lines)
    section.host = group.origin.host
    section.promptName = group.origin.promptName
    section.session = group.origin.session
    section.isInDoubt = group.isFollowed
    return section
  }

  mutating func take(_ block: CommandLines.Block, at index: Int) {
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
  func isAnswer(_ index: Int) -> Bool {
    commandGroups.answer(before: index).map { lines[$0].allSatisfy { paste.isBlank($0) } } ?? false
  }

  /// Takes a line in which a program says why it did nothing: of a command right before it nothing remains.
  mutating func take(_ failure: OutputFailure, _ line: DumpLine, at index: Int) {
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
  func isPromptAlone(_ line: DumpLine) -> Bool {
    guard line.end > line.start, line.end - line.start <= 2, pendingLine < lines.count, !pending.isEmpty else {
      return false
    }
    let (mark, known) = (bytes[line.start], lines[pendingLine])
    guard mark == UInt8(ascii: "$") || mark == UInt8(ascii: "#") || mark == UInt8(ascii: "%"), known.start < known.end,
      bytes[known.start] == mark
    else {
      return false
    }
    return line.end == line.start + 1 || bytes[line.start + 1] == UInt8(ascii: " ")
  }

  /// A command that prints all rules and is followed by the next prompt has printed nothing: there are none.
  mutating func takeEmptyOutput(before index: Int, fence: Int32) {
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
}

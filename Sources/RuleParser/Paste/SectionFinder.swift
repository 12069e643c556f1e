import RuleGraph

/// Finds the outputs in one input: by the prompts and commands before them, by their first lines, and by the file's
/// name.
struct SectionFinder {
  let source: Int32
  let memory: SourceBytes
  let bytes: ByteView
  let paste: PasteLines
  let lines: [DumpLine]
  let above: LinesAbove
  let hint: FileNameHint

  /// The outputs, in the order of the input.
  var sections: [DumpSection] = []
  /// The names of the machines whose prompts stand in the input, in the order of their first.
  var hostNames: [String] = []
  /// What the head of a capture bundle says of time and host.
  var captured: String?
  /// What a capture bundle says it lacks, with the lines that say so.
  var unread: [(sentence: String, line: DumpLine)] = []
  /// Whether the last line of a capture bundle is there.
  var hasBundleEnd = false
  /// The lines in which programs say that they can't print the rules, with what is known of the commands.
  var failures: [(failure: OutputFailure, line: DumpLine, output: CommandOutput?)] = []
  /// How many strands were used.
  var strand: Int

  // What is open, with the chains of the lines before which come next. Its lines stand apart from it: whoever looks at
  // it would be a second owner of them.
  var current: OpenSection?
  var taken = LineRuns()
  var nextChain = 0
  // The commands whose output may come next, and where they stood.
  var pending: [ShellCommand] = []
  var pendingLine = 0
  var pendingFence: Int32 = 0
  var pendingPlace = Place.host
  // The place that `docker exec -it` and the like have led into.
  var entered: Place?
  var enteredFrom: ShellPrompt.Host?
  var enteredFence: Int32 = 0
  // The machine whose prompt stood last.
  var hostName: String?
  // The name that stood alone before the last prompt's mark, a host's or a user's.
  var promptName: String?
  // The first byte of the last prompt where that names nobody.
  var promptMark: UInt8 = 0
  // Prompts and outputs between which no prose stands and no fence ends are one session of a terminal.
  var session: Int32 = 1
  // How wide the screen was on which watch(1) shows the outputs of the last command.
  var screenWidth: Int?
  // The family that a heading above the open output tells, and that of the outputs before it which it stands above,
  // too.
  var headingFamily: AddressFamily?
  // Commands that print rules through a filter, as long as nothing of their output has come.
  var unanswered: [(command: ShellCommand, line: DumpLine, host: String?, promptName: String?)] = []
  // The commands that change the host.
  var commands: CommandLines
  var commandGroups = CommandGroups()

  struct OpenSection {
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
    var unreadRow: Int?
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

  /// The families of which iptables says anywhere in the input that tables of iptables-legacy exist beside those that
  /// it printed. It says so on its error output, which a paste holds before or behind an output.
  var legacyFamilies: Set<AddressFamily> {
    var families: Set<AddressFamily> = []
    for line in lines where line.form == .other && bytes[line.start] == UInt8(ascii: "#") {
      var cursor = ByteCursor(bytes, line.range)
      guard cursor.eat("# Warning: ip") else { continue }
      let isIPv6 = cursor.eat("6")
      if cursor.eat("tables-legacy tables present") { families.insert(isIPv6 ? .ipv6 : .ipv4) }
    }
    return families
  }

  mutating func find() {
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

  func hasText(_ runs: LineRuns) -> Bool {
    !paste.lines(of: runs).allSatisfy { paste.isBlank($0) }
  }

  /// Whether the input is a program that someone ran, and not what was printed.
  var isScript: Bool { bytes.starts(with: "#!".utf8) }
}

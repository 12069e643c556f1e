import RuleGraph

/// What a filter behind a command (`| grep`, `| head`) can have taken away of its output.
struct OutputFilter: Hashable, Sendable {
  /// The places where lines can be missing.
  struct Places: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// Before the first line: `| tail`.
    static let beginning = Places(rawValue: 1)
    /// Behind the last line: `| head`.
    static let end = Places(rawValue: 2)
    /// Between any two lines: `| grep X`, `| awk`, `| sed -n`.
    static let anywhere = Places(rawValue: 4)
    /// At a `--` only, and at both ends: `| grep -C1 X`.
    static let marks = Places(rawValue: 8)
  }

  /// Where lines can be missing.
  var places: Places = []
  /// How many lines `head` or `tail` let through: of an output with fewer none is missing.
  var lineCount: Int?

  /// The filters of a pipeline behind its first command.
  init(_ commands: ArraySlice<[String]>) {
    for words in commands {
      let words = Self.withoutWrappers(words)
      guard let program = words.first.map({ ShellCommand.baseName($0) }) else { continue }
      let arguments = words.dropFirst()
      switch program {
      case _ where Self.greps.contains(program):
        places.insert(Self.hasContext(arguments) ? .marks : .anywhere)
      case "head":
        places.insert(.end)
        lineCount = Self.lineCount(arguments)
      case "tail":
        places.insert(.beginning)
        lineCount = Self.lineCount(arguments)
      case "sed": if !Self.onlySubstitutes(arguments) { places.insert(.anywhere) }
      case "jq": if !Self.keepsAllObjects(arguments) { places.insert(.anywhere) }
      case _ where program.hasPrefix("python") && arguments.contains { $0.hasSuffix("json.tool") }: break
      case _ where Self.passesAll(program): break
      // Some take lines away, some leave nothing where it was, and of others nobody knows.
      default: places.insert(.anywhere)
      }
    }
    // Lines that a second filter took away are not counted.
    if places != .end, places != .beginning { lineCount = nil }
  }

  init() {}

  /// Whether a program is one that prints some lines of a file.
  static func isProgram(_ name: String) -> Bool {
    greps.contains(name) || ["sed", "awk", "head", "tail", "sort", "cut"].contains(name)
  }

  private static let greps: Set<String> = [
    "grep", "egrep", "fgrep", "zgrep", "rg", "ag", "ack", "ack-grep", "ugrep",
  ]

  /// The words of the program that runs: `sudo grep f2b`, `LC_ALL=C sort`.
  private static func withoutWrappers(_ words: [String]) -> ArraySlice<String> {
    words.drop { word in
      ["sudo", "doas", "env", "time", "nice", "command", "stdbuf", "busybox", "-oL", "-o0", "-E"].contains(word)
        || word.firstIndex(of: "=").map { equals in
          equals != word.startIndex && word[..<equals].allSatisfy { $0.isLetter || $0 == "_" }
        } ?? false
    }
  }

  /// Whether a program prints all lines that it reads, or keeps them, or takes them for commands.
  private static func passesAll(_ program: String) -> Bool {
    pagers.contains(program) || ShellCommand.shells.contains(program) || ShellCommand.isKnownProgram(program)
  }

  private static let pagers: Set<String> = [
    "cat", "less", "more", "most", "pg", "bat", "batcat", "tee", "sponge", "nl", "column", "expand", "unexpand", "ccze",
    "colordiff", "lolcat", "ts", "pv", "logger", "iconv", "dos2unix", "xclip", "xsel", "wl-copy", "pbcopy", "clip",
    "clip.exe", "nc", "ncat", "netcat", "socat", "curl", "pastebinit", "fpaste", "gh", "mail", "mailx", "vi", "vim",
    "view", "nvim", "nano", "emacs", "code", "gedit", "kate", "aha", "ansi2txt",
    "grcat", "highlight", "pygmentize",
  ]

  /// `-A 3`, `-C1`, `-5`, `--context=2`, but not `-A 3` in a word of its own kind.
  private static func hasContext(_ arguments: ArraySlice<String>) -> Bool {
    if arguments.contains("--no-group-separator") { return false }
    return arguments.contains { word in
      if word.hasPrefix("--context") || word.hasPrefix("--before-context") || word.hasPrefix("--after-context") {
        return true
      }
      guard word.hasPrefix("-"), !word.hasPrefix("--") else { return false }
      return word.dropFirst().contains { "ABC0123456789".contains($0) }
    }
  }

  private static func lineCount(_ arguments: ArraySlice<String>) -> Int? {
    if arguments.isEmpty { return 10 }
    // `tail -n +5` counts from the beginning.
    guard let number = arguments.last(where: { $0.contains(where: \.isNumber) }), !number.contains("+") else {
      return nil
    }
    return Int(number.filter(\.isNumber))
  }

  /// Whether a `jq` prints all that it reads: `.`, `.nftables[]`.
  private static func keepsAllObjects(_ arguments: ArraySlice<String>) -> Bool {
    let program = arguments.first { !$0.hasPrefix("-") && Int($0) == nil } ?? "."
    return [".", ".nftables", ".nftables[]", ".nftables|.[]", ".[]", ".[][]"].contains(program.filter { $0 != " " })
  }

  /// Whether a `sed` changes lines and takes none away: `s/198.51.100.1/x.x.x.x/`.
  private static func onlySubstitutes(_ arguments: ArraySlice<String>) -> Bool {
    let scripts = arguments.filter { !$0.hasPrefix("-") }
    return !arguments.contains { $0.hasPrefix("-n") || $0 == "--quiet" || $0 == "--silent" || $0 == "-i" }
      && !scripts.isEmpty
      && scripts.allSatisfy { script in
        guard script.count > 3, script.first == "s", let mark = script.dropFirst().first, !mark.isLetter else {
          return false
        }
        return script.count { $0 == mark } == 3
      }
  }
}

extension RuleFragment {
  /// How many lines an output has, with the comments before it, and after it, where they are the heading of a part that
  /// was filtered away.
  ///
  /// - Parameter command: The place of the command's line, counted from 0: each table of an `iptables-save` may be a
  ///   section of its own.
  private static func linesShown(
    from first: DumpLine, to last: DumpLine, of text: DumpText, behind command: Int?
  ) -> Int {
    let feed = UInt8(ascii: "\n")
    let comment = UInt8(ascii: "#")
    var count = command.map { Int(last.number) - $0 - 1 } ?? Int(last.number - first.number) + 1
    var start = command == nil ? first.start : 0
    while start > 1 {
      let before = text.bytes[..<(start - 1)].lastIndex(of: feed).map { $0 + 1 } ?? 0
      guard text.bytes[before] == comment else { break }
      count += 1
      start = before
    }
    var at = last.end
    while at + 1 < text.bytes.count, text.bytes[at] == feed, text.bytes[at + 1] == comment {
      count += 1
      at = text.bytes[(at + 1)...].firstIndex(of: feed) ?? text.bytes.count
    }
    return count
  }

  /// Adds the places where the filter of a section can have taken rules away.
  mutating func markFiltered(_ section: DumpSection) {
    let (filter, text, isSave) = (section.output.filter, section.text, section.kind == .save)
    guard !filter.places.isEmpty, let first = text.lines.first, let last = text.lines.last else { return }
    if let count = filter.lineCount,
      Self.linesShown(from: first, to: last, of: text, behind: section.commandIndex) < count
    {
      return
    }
    let missing = MissingRules(.filtered)
    for table in tables.indices { tables[table].shown = .part }
    if filter.places.contains(.anywhere) {
      // The trace needs to know of the first place only: behind it any rule may be missing.
      for table in tables.indices {
        for chain in tables[table].chains.indices {
          tables[table].chains[chain].addMissing(missing, atFrontBefore: text.span(first))
        }
      }
    }
    if filter.places.contains(.beginning) || filter.places.contains(.marks) {
      markBeginning(missing, of: text, isSave: isSave)
      // Other tables of nft may have stood there.
      if section.kind == .nftText { cut = cut ?? text.span(first) }
    }
    if filter.places.contains(.end) || filter.places.contains(.marks), let table = tables.indices.last {
      let span = text.span(last)
      tables[table].addMissing(missing, behindLastRuleOf: isSave, span: span)
      cut = cut ?? span
    }
  }
}

extension RuleFragment {
  /// Takes in that rules are missing before the first line: of a save, those of the chain whose rules stand first.
  mutating func markBeginning(_ missing: MissingRules, of text: DumpText, isSave: Bool) {
    guard !tables.isEmpty, let first = text.lines.first else { return }
    tables[0].shown = .part
    guard isSave, let chain = tables[0].chains.firstIndex(where: { !$0.rules.isEmpty }) else { return }
    tables[0].chains[chain].addMissing(missing, atFrontBefore: text.span(first))
  }
}

extension Table {
  /// Adds a place at which rules are missing at the end of what was shown: of the last chain, or, where all heads stand
  /// before the rules, of the last one with rules, of those below it, and of all chains of users without rules, which
  /// come last.
  mutating func addMissing(_ missing: MissingRules, behindLastRuleOf hasHeadsFirst: Bool, span: SourceSpan) {
    shown = .part
    guard !chains.isEmpty else { return }
    let first = hasHeadsFirst ? chains.lastIndex { !$0.rules.isEmpty } ?? 0 : chains.count - 1
    let isOfUser = { (chain: Chain) in hasHeadsFirst && chain.base == nil && chain.rules.isEmpty }
    for index in chains.indices
    where (index >= first || isOfUser(chains[index]))
      && chains[index].rules.last?.missing.map({ $0.count == nil }) != true
    {
      chains[index].addMissing(missing, span: span)
    }
  }
}

extension Chain {
  /// Adds a place at which rules are missing before those that are there.
  mutating func addMissing(_ missing: MissingRules, atFrontBefore first: SourceSpan) {
    if shown == .whole { shown = .part }
    let rule = Rule(
      missing: missing,
      span: SourceSpan(
        source: first.source, line: span?.line ?? first.line, offset: span?.offset ?? first.offset,
        length: span?.length ?? 0))
    rules.insert(rule, at: 0)
  }
}

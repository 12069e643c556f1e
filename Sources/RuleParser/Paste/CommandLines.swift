import RuleGraph

/// Finds the commands of a paste that change a firewall: typed at prompts, listed, or as a piece of a script.
///
/// A line counts that begins with such a command, behind a prompt, a list's mark or backticks; a sentence that mentions
/// one does not. Loops, here-documents and lines that go on are taken whole, and so is a run of lines that only scripts
/// have: `IPT=/sbin/iptables`, `$IPT -F`.
struct CommandLines {
  /// Some lines that belong together.
  struct Block {
    /// The lines, without what stands before the commands.
    var lines: [DumpLine]
    /// The index behind the last line.
    var end: Int
    /// The prompt before the first line.
    var prompt: ShellPrompt?
  }

  private let source: Int32
  private let memory: SourceBytes
  private let bytes: ByteView
  private let paste: PasteLines
  /// Whether `#` before a command is a prompt; in a text with commands that have no prompt it makes a comment of them.
  private var hashIsPrompt: Bool?
  /// Up to this line nothing but lines of scripts was found, none of which changes anything.
  private var idleUntil = 0

  init(source: Int32, paste: PasteLines) {
    self.source = source
    self.paste = paste
    memory = paste.memory
    bytes = paste.bytes
  }

  // MARK: - Scripts

  /// Whether a whole input is a script of a shell that sets a firewall up.
  static func isScript(_ bytes: ByteView) -> Bool {
    guard bytes.starts(with: "#!".utf8) else { return false }
    var cursor = ByteCursor(bytes, 0..<min(bytes.count, 200))
    let first = cursor.text(cursor.eat { $0 != UInt8(ascii: "\n") })
    let words = first.dropFirst(2).split { $0 == "/" || $0 == " " || $0 == "\r" }
    return words.contains { ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"].contains($0) }
  }

  // MARK: - Blocks

  /// The commands that begin in a line; nil when none do.
  mutating func block(at index: Int) -> Block? {
    let line = paste.lines[index]
    guard index >= idleUntil, line.form == .other, mayBegin(line) else { return nil }
    if let (prompt, rest) = prompt(line) {
      let kind = Self.kind(text(rest))
      guard kind == .change || kind == .script || kind == .service, let more = continued(rest, at: index),
        kind != .script || more.lines.contains(where: { Self.kind(text($0)) == .change })
      else { return nil }
      return Block(lines: more.lines, end: more.end, prompt: prompt)
    }
    let rest = withoutMarks(line)
    switch Self.kind(text(rest)) {
    case .change, .script: return run(rest, at: index)
    case .look, .idle, .other, .service: return nil
    }
  }

  private func text(_ line: DumpLine) -> String { bytes.text(line.start..<min(line.end, line.start + 4000)) }

  /// Whether a line can begin with a command at all, by its first bytes: most lines of outputs can't.
  private func mayBegin(_ line: DumpLine) -> Bool {
    let at = bytes.startOfWord(from: line.start, to: line.end)
    guard at < line.end else { return false }
    switch bytes[at] {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "\""), UInt8(ascii: "#"),
      UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "("), UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "/"),
      UInt8(ascii: "["), UInt8(ascii: "`"), UInt8(ascii: "~"), UInt8(ascii: "1")...UInt8(ascii: "9"), 0xe2:
      break
    case UInt8(ascii: "a")...UInt8(ascii: "z"):
      // The letters that commands and keywords begin with; a prompt begins with any, and has its `@` soon.
      let isInitial = Self.initials.contains(bytes[at])
      guard
        isInitial || bytes.place(of: UInt8(ascii: "@"), in: at..<min(line.end, at + 64)) != nil
          || isAssignment(at, line.end)
      else {
        return false
      }
    default: return false
    }
    // What tells stands near the beginning, or the line is long.
    let end = min(line.end, line.start + 4000)
    return Self.needles.contains { needle in contains(needle, at..<end) } || isAssignment(at, end)
  }

  private static let initials = Array("acdefilnprsuw".utf8)

  private static let needles: [StaticString] =
    [
      "tables", "nft", "; do", "; then", "() {", "ipset", "sysctl", "/proc/sys/", "ufw", "ip addr", "ip a ", "ip route",
      "ip r ", "$", "add ",
      "insert ",
      "flush ", "create ", "delete ", "firewall-cmd",
    ] + ServiceCommand.needles

  private func contains(_ needle: StaticString, _ range: Range<Int>) -> Bool {
    var at = range.lowerBound
    let first = needle.withUTF8Buffer { unsafe $0[0] }
    while let place = bytes.place(of: first, in: at..<range.upperBound) {
      if place + needle.utf8CodeUnitCount <= range.upperBound, bytes.has(needle, at: place) { return true }
      at = place + 1
    }
    return false
  }

  private func isAssignment(_ start: Int, _ end: Int) -> Bool {
    var at = start
    while at < end,
      bytes[at] == UInt8(ascii: "_") || (bytes[at] | 0x20 >= UInt8(ascii: "a") && bytes[at] | 0x20 <= UInt8(ascii: "z"))
        || (bytes[at] >= UInt8(ascii: "0") && bytes[at] <= UInt8(ascii: "9"))
    {
      at += 1
    }
    return at > start && at < end && bytes[at] == UInt8(ascii: "=")
  }

  // MARK: - What stands before commands

  /// The prompt that a line begins with, and the rest of the line.
  private mutating func prompt(_ line: DumpLine) -> (ShellPrompt, DumpLine)? {
    if let prompt = ShellPrompt(bytes, line), prompt.host != .bare {
      var end = line.end
      while end > line.start, bytes[end - 1] == UInt8(ascii: " ") || bytes[end - 1] == UInt8(ascii: "\t") { end -= 1 }
      let start = end - prompt.command.utf8.count
      guard start > line.start else { return nil }
      return (prompt, DumpLine(start: start, end: line.end, number: line.number))
    }
    var rest = withoutMarks(line)
    guard rest.start < rest.end else { return nil }
    let mark = bytes[rest.start]
    guard mark == UInt8(ascii: "#") || mark == UInt8(ascii: "$") || mark == UInt8(ascii: "%") else { return nil }
    rest.start += 1
    let isSpaced = rest.start < rest.end && bytes[rest.start] == UInt8(ascii: " ")
    guard isSpaced || mark == UInt8(ascii: "#") else { return nil }
    rest.start = bytes.startOfWord(from: rest.start, to: rest.end)
    let kind = Self.kind(text(rest))
    guard kind == .change || kind == .service else { return nil }
    if mark == UInt8(ascii: "#") {
      let isPrompt = hashIsPrompt ?? !hasBareCommand
      hashIsPrompt = isPrompt
      guard isPrompt else { return nil }
    }
    return (ShellPrompt(bare: text(rest).trimmedBlanks), rest)
  }

  /// Whether a command that changes something stands in the text without a prompt.
  private var hasBareCommand: Bool {
    paste.lines.contains { line in
      guard line.form == .other, mayBegin(line) else { return false }
      let rest = withoutMarks(line)
      return rest.start < rest.end && bytes[rest.start] != UInt8(ascii: "#") && setting(line) == nil
        && Self.kind(text(rest)) == .change
    }
  }

  /// A line without a list's mark and backticks around it.
  private func withoutMarks(_ line: DumpLine) -> DumpLine {
    var rest = line
    rest.form = .other
    rest.start = bytes.startOfWord(from: rest.start, to: rest.end)
    var cursor = ByteCursor(bytes, rest.range)
    if cursor.eat("- ") || cursor.eat("* ") || cursor.eat("\u{2022} ") {
      rest.start = cursor.at
    } else if cursor.eatDecimal() != nil, cursor.eat(". ") || cursor.eat(") ") {
      rest.start = cursor.at
    }
    rest.start = bytes.startOfWord(from: rest.start, to: rest.end)
    while rest.end > rest.start, bytes[rest.end - 1] == UInt8(ascii: " ") || bytes[rest.end - 1] == UInt8(ascii: "\t") {
      rest.end -= 1
    }
    while rest.end - rest.start > 2, bytes[rest.start] == UInt8(ascii: "`"), bytes[rest.end - 1] == UInt8(ascii: "`") {
      rest.start += 1
      rest.end -= 1
    }
    if let setting = setting(rest) { rest.start = setting }
    return rest
  }

  /// Where the command begins that a line of a configuration has run when an interface comes up: `PostUp = iptables
  /// ...` (wg-quick(8)), `post-up iptables ...` (interfaces(5)). What runs when it goes down has changed nothing yet:
  /// then it is the line's end.
  private func setting(_ line: DumpLine) -> Int? {
    var cursor = ByteCursor(bytes, line.range)
    cursor.eatBlanks()
    guard let first = cursor.peek,
      first == UInt8(ascii: "P") || first == UInt8(ascii: "p") || first == UInt8(ascii: "u")
        || first == UInt8(ascii: "d")
    else { return nil }
    let isUp: Bool
    if cursor.eat("PostUp") || cursor.eat("PreUp") {
      isUp = true
    } else if cursor.eat("PostDown") || cursor.eat("PreDown") {
      isUp = false
    } else {
      isUp = cursor.eat("post-up ") || cursor.eat("pre-up ") || cursor.eat("up ")
      guard isUp || cursor.eat("post-down ") || cursor.eat("pre-down ") || cursor.eat("down ") else { return nil }
      cursor.eatBlanks()
      // A sentence may begin so, too.
      return Self.kind(cursor.text(cursor.at..<min(cursor.end, cursor.at + 4000))) == .other
        ? nil : isUp ? cursor.at : line.end
    }
    cursor.eatBlanks()
    guard cursor.eat(UInt8(ascii: "=")) else { return nil }
    cursor.eatBlanks()
    return isUp ? cursor.at : line.end
  }

  // MARK: - What a line is

  private enum Kind {
    /// A command that changes a firewall or its host, also within a loop.
    case change
    /// A command that prints what is there.
    case look
    /// What only scripts have: an assignment, a keyword, a function.
    case script
    /// A command after which others' rules may be there.
    case service
    /// What may stand between a script's commands: nothing, a comment, `echo`.
    case idle
    case other
  }

  private static func kind(_ line: String) -> Kind {
    let text = line.trimmedBlanks
    guard let first = text.first, first != "#" else { return .idle }
    let commands = ShellCommandList(text)
    if commands.isChange { return .change }
    if commands.isService { return .service }
    if commands.isLook { return .look }
    if commands.isScript { return .script }
    return commands.isIdle ? .idle : .other
  }

  // MARK: - Lines that belong together

  private func shellText(_ lines: [DumpLine]) -> ShellText {
    ShellText(DumpText(source: source, memory: memory, lines: lines))
  }

  /// A line with those that it goes on in: joined by a backslash, within quotation marks, a here-document, a loop. Nil
  /// when nothing ends what it begins.
  private func continued(_ first: DumpLine, at index: Int) -> (lines: [DumpLine], end: Int)? {
    var lines = [first]
    var end = index + 1
    guard var open = opening(lines) else { return (lines, end) }
    let fence = paste.fence(at: index)
    while end < paste.lines.count, lines.count < 20_000, !paste.isFence(at: end), paste.fence(at: end) == fence {
      let line = paste.lines[end]
      end += 1
      lines.append(line)
      guard mayClose(line, open) else { continue }
      guard let still = opening(lines) else { return (lines, end) }
      open = still
    }
    // A quotation mark alone is a slip of the pen.
    if case .quote = open { return ([first], index + 1) }
    return open == .continuation ? (lines, end) : ([first], index + 1)
  }

  private enum Opening: Equatable {
    case quote(UInt8)
    case document(String)
    case continuation
    case compound
  }

  private func opening(_ lines: [DumpLine]) -> Opening? {
    var parser = ShellParser(shellText(lines))
    _ = parser.script()
    switch parser.opening {
    case .quote(let mark)?: return .quote(mark)
    case .document(let delimiter)?: return .document(delimiter)
    case .continuation?: return .continuation
    case nil: return parser.isUnfinished ? .compound : nil
    }
  }

  /// Whether a line may end what is open.
  private func mayClose(_ line: DumpLine, _ open: Opening) -> Bool {
    switch open {
    case .continuation: return true
    case .quote(let mark): return bytes.place(of: mark, in: line.range) != nil
    case .document(let delimiter): return text(line).trimmedBlanks == delimiter
    case .compound:
      let word = text(line).trimmedBlanks
      return ["fi", "done", "esac", "}", ")"].contains { word.hasPrefix($0) || word.hasSuffix($0) }
    }
  }

  /// A run of lines of a script, as long as at least one of them changes something.
  private mutating func run(_ first: DumpLine, at index: Int) -> Block? {
    var lines: [DumpLine] = []
    var end = index
    var kept = (count: 0, end: index)
    var hasChange = false
    let fence = paste.fence(at: index)
    while end < paste.lines.count, !paste.isFence(at: end), paste.fence(at: end) == fence {
      let line = end == index ? first : withoutMarks(paste.lines[end])
      if end > index, line.start < line.end, ShellPrompt(bytes, paste.lines[end]) != nil,
        bytes[line.start] != UInt8(ascii: "#")
      {
        break
      }
      let kind = line.start < line.end ? Self.kind(text(line)) : .idle
      if kind == .other || kind == .look || kind == .service { break }
      guard kind != .idle else {
        lines.append(line)
        end += 1
        // A longer gap parts a script from what stands below it.
        if end - kept.end > 8 { break }
        continue
      }
      guard let more = continued(line, at: end) else { break }
      if more.end > end + 1 { hasChange = hasChange || more.lines.contains { Self.kind(text($0)) == .change } }
      if kind == .change { hasChange = true }
      lines += more.lines
      end = more.end
      kept = (lines.count, end)
    }
    guard hasChange else {
      idleUntil = kept.end
      return nil
    }
    return Block(lines: Array(lines[..<kept.count]), end: kept.end, prompt: nil)
  }
}

/// The commands of one line, and what they are for.
private struct ShellCommandList {
  private(set) var isChange = false
  private(set) var isLook = false
  private(set) var isScript = false
  private(set) var isService = false
  private(set) var isIdle = true
  private var depth = 0

  init(_ line: String) {
    var parser = ShellParser(ShellText(line, at: SourceSpan(source: 0, line: 1, offset: 0, length: 0)))
    let first = line.prefix { $0.isLetter }
    if ["then", "else", "elif", "fi", "do", "done", "esac"].contains(first) || line.hasPrefix("}") { isScript = true }
    take(parser.script())
  }

  private mutating func take(_ node: ShellNode) {
    switch node {
    case .command(let command): take(command)
    case .pipeline(let nodes, _), .sequence(let nodes): for node in nodes { take(node) }
    case .and(let a, let b), .or(let a, let b):
      take(a)
      take(b)
    case .loop(_, _, let body): takeCompound([body])
    case .repetition(let loop): takeCompound([loop.condition, loop.body])
    case .branch(let branches, let otherwise):
      takeCompound(branches.flatMap { [$0.condition, $0.body] } + (otherwise.map { [$0] } ?? []))
    case .choice(_, let choices, _): takeCompound(choices.map(\.body))
    case .function(_, let body): takeCompound([body])
    case .group(let body, _): take(body)
    }
  }

  private mutating func takeCompound(_ nodes: [ShellNode]) {
    isScript = true
    for node in nodes { take(node) }
  }

  private mutating func take(_ command: ShellSimpleCommand) {
    if command.words.isEmpty {
      if !command.assignments.isEmpty { isScript = true }
      return
    }
    let words = command.words.map(Self.text)
    switch FirewallCommand(words, writesTo: command.redirections.compactMap(Self.output)) {
    case .change: isChange = true
    case .look: isLook = true
    case .script: isScript = true
    case .service:
      isService = true
      isIdle = false
    case .idle: break
    case .none: isIdle = false
    }
  }

  private static func text(_ word: ShellWord) -> String {
    word.parts.map { part in
      switch part {
      case .text(let text, _): text
      case .variable(let variable, _): variable.written
      case .output(_, let written, _): written
      }
    }.joined()
  }

  private static func output(_ redirection: ShellRedirection) -> String? {
    if case .output(let word) = redirection { text(word) } else { nil }
  }
}

/// What a command is to a firewall, by its words.
enum FirewallCommand {
  case change, look, script, idle
  /// It has another program, a service or a script make or take away rules.
  case service

  /// Whether a command loads rules from a file: `nft -f …`, `systemctl restart nftables`, `iptables-restore`.
  static func loadsFile(_ command: String) -> Bool {
    if command.contains("tables-restore") || command.contains("tables-nft-restore") { return true }
    guard command.contains("nft") || command.contains("tables") || command.contains("persistent") else { return false }
    let words = command.split { $0 == " " || $0 == "\t" }
    if command.contains("nft"), words.contains(where: { $0 == "-f" || $0 == "--file" || $0.hasPrefix("-f/") }) {
      return true
    }
    return words.contains { ["start", "restart", "reload", "--now", "condrestart", "force-reload"].contains($0) }
  }

  /// Looks at a command's words; nil of any other program's.
  init?(_ words: [String], writesTo files: [String]) {
    var words = words[...]
    while let first = words.first {
      let name = ShellCommand.baseName(first)
      if name == "sudo" || name == "doas" || name == "env" || name == "command" || name == "exec" || name == "time" {
        words.removeFirst()
        while words.first?.hasPrefix("-") == true { words.removeFirst() }
      } else if let equals = first.firstIndex(of: "="), ShellWord.isName(first[..<equals]) {
        words.removeFirst()
      } else {
        break
      }
    }
    guard let first = words.popFirst() else { return nil }
    let name = ShellCommand.baseName(first)
    if ServiceCommand.isOne(name, first, words) {
      self = .service
      return
    }
    guard let kind = Self.kind(name, first, Array(words), files) else { return nil }
    self = kind
  }

  private static func kind(
    _ name: String, _ first: String, _ words: [String], _ files: [String]
  ) -> FirewallCommand? {
    switch name {
    case "nft": return nft(words)
    case "ipset": return ipset(words)
    case "sysctl": return words.contains { $0.contains("=") } ? .change : .look
    case "ufw": return words.contains(where: ufwVerbs.contains) ? .change : words.first == "status" ? .look : nil
    case "firewall-cmd":
      let verbs = ["--add", "--remove", "--reload", "--complete-reload", "--panic-o", "--set-default", "--change"]
      return words.contains { word in verbs.contains { word.hasPrefix($0) } } ? .change : .look
    case "ip": return ip(words)
    case "echo" where files.contains { $0.hasPrefix("/proc/sys/net/") }: return .change
    case "export", "local", "declare", "readonly", "set", "shift", "return", "exit", "break", "continue", "function",
      "[", "[[", "test":
      return words.isEmpty && name != "exit" && name != "shift" && name != "return" && name != "break"
        && name != "continue"
        ? nil : .script
    case "echo", "printf", "modprobe", "sleep", ":", "depmod", "insmod", "logger":
      return .idle
    default: break
    }
    if name.hasPrefix("iptables") || name.hasPrefix("ip6tables") { return iptables(name, words) }
    if first.hasPrefix("$") { return variable(first, words) }
    return isNftCommand(first, words) ? .change : nil
  }

  private static let ufwVerbs: Set<String> = [
    "allow", "deny", "reject", "limit", "enable", "disable", "reset", "reload", "default", "delete", "insert",
    "prepend",
  ]

  private static func ipset(_ words: [String]) -> FirewallCommand? {
    guard let verb = words.first(where: { $0 != "-exist" && $0 != "-!" && $0 != "-q" }) else { return .look }
    if ["list", "save", "-L", "-S", "test", "-T"].contains(verb) { return .look }
    let changes = [
      "create", "add", "del", "destroy", "flush", "rename", "swap", "restore", "-N", "-A", "-D", "-X", "-F", "-E", "-W",
      "-R",
      "n", "x", "--create", "--add", "--del",
    ]
    return changes.contains(verb) ? .change : nil
  }

  private static func nft(_ words: [String]) -> FirewallCommand? {
    if words.contains("-f") || words.contains("--file") { return .change }
    guard let verb = words.first(where: { !$0.hasPrefix("-") })?.split(separator: " ").first else { return .look }
    if ["list", "describe", "monitor", "get", "reset"].contains(verb) { return .look }
    if verb == "table" { return words.contains { $0.contains("{") } ? .change : nil }
    return ["add", "create", "insert", "delete", "destroy", "flush", "replace", "rename"].contains(verb)
      ? .change : nil
  }

  private static func ip(_ words: [String]) -> FirewallCommand? {
    guard words.count > 2, ["a", "addr", "address", "r", "ro", "route"].contains(words[0]) else { return .look }
    return words[1] == "add" || words[1] == "replace" ? .change : .look
  }

  private static func iptables(_ name: String, _ words: [String]) -> FirewallCommand? {
    if name.hasSuffix("-restore") { return .change }
    if name.hasSuffix("-save") || words.isEmpty || name.contains("translate") || name.contains("-apply") {
      return .look
    }
    let verbs = ["--append", "--insert", "--delete", "--replace", "--flush", "--zero", "--new", "--policy", "--rename"]
    for word in words where word.hasPrefix("-") {
      if word.hasPrefix("--") {
        if verbs.contains(where: { word.hasPrefix($0) }) { return .change }
      } else if let letter = word.dropFirst().first(where: { "ADIRFXNPEZ".contains($0) }),
        word.dropFirst().prefix(while: { $0 != letter }).allSatisfy({ "vnxw".contains($0) })
      {
        return .change
      }
    }
    return words.contains { $0.hasPrefix("-") } ? .look : nil
  }

  /// `$IPT -A INPUT ...`
  private static func variable(_ first: String, _ words: [String]) -> FirewallCommand? {
    let name = first.lowercased()
    guard ["ip", "fw", "nft", "tables", "filter"].contains(where: { name.contains($0) }) else { return nil }
    if name.contains("nft") { return nft(words) }
    if name.contains("set"), let verb = words.first, ["create", "add", "del", "flush", "destroy"].contains(verb) {
      return .change
    }
    return iptables("iptables", words) ?? nil
  }

  /// A command of nft's own language, as it is typed in `nft -i` and stands in rule files: `add rule inet filter input
  /// ...`.
  static func isNftCommand(_ verb: String, _ words: [String]) -> Bool {
    guard ["add", "create", "insert", "delete", "destroy", "flush", "replace"].contains(verb), let object = words.first
    else { return false }
    if verb == "flush", object == "ruleset" { return words.count <= 2 }
    guard ["table", "chain", "rule", "set", "map", "element"].contains(object), words.count > 2 else { return false }
    return TableFamily(rawValue: words[1]) != nil
  }
}

import RuleGraph

/// A line that begins with a shell's prompt.
struct ShellPrompt: Sendable {
  /// Who prompts.
  enum Host: Hashable, Sendable {
    /// `root@ubuntu-dev:~#`, `[root@localhost ~]#`: a machine with a name.
    case named(String)
    /// `root@e0841aa13c5b:/#`: a name that is a container's id.
    case container(String)
    /// `/usr/local/tomcat #`: the shell of small systems and most images, which names only the directory.
    case directory
    /// `$`, `#`: nothing is told.
    case bare
  }

  /// Who prompts.
  var host: Host
  /// The command line; empty when only the prompt stands there.
  var command: String
  /// The name alone before the mark of a bare prompt, a host's or a user's: `web1$`, `web1:~#`.
  var name: String?

  /// Reads a line; nil when it begins with no prompt.
  ///
  /// What could as well be text or a comment (`# ...`, `$ ...`) is a prompt only before a program that is known here.
  init?(_ bytes: ByteView, _ line: DumpLine) {
    var cursor = ByteCursor(bytes, line.start..<min(line.end, line.start + 2000))
    cursor.eatBlanks()
    guard let first = cursor.peek, first != UInt8(ascii: "{") else { return nil }
    if let prompt = Self.named(cursor) ?? Self.directory(cursor) ?? Self.bare(cursor) {
      self = prompt
    } else {
      return nil
    }
  }

  /// A prompt that names nobody, before a command.
  init(bare command: String) { self.init(host: .bare, command: command) }

  private init(host: Host, command: String) {
    self.host = host
    self.command = command
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func isMark(_ byte: UInt8?) -> Bool {
    byte == UInt8(ascii: "#") || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "%") || byte == UInt8(ascii: ">")
  }

  /// The rest of a line behind a prompt's mark, without blanks around it.
  private static func rest(_ cursor: ByteCursor) -> String {
    var cursor = cursor
    cursor.eatBlanks()
    var end = cursor.end
    while end > cursor.at, cursor.bytes[end - 1] == UInt8(ascii: " ") || cursor.bytes[end - 1] == UInt8(ascii: "\t") {
      end -= 1
    }
    return cursor.text(cursor.at..<end)
  }

  /// `[root@host ~]# `, `root@host:~# `, `(venv) user@host ~ $ `, `host:~# iptables`.
  private static func named(_ start: ByteCursor) -> ShellPrompt? {
    var cursor = start
    if cursor.eat(UInt8(ascii: "(")) {
      let name = cursor.eat { isNameByte($0) }
      guard !name.isEmpty, cursor.eat(UInt8(ascii: ")")) else { return nil }
      cursor.eatBlanks()
    }
    // The arrow that some themes put before everything.
    if cursor.eat("\u{250c}\u{2500}") || cursor.eat("\u{256d}\u{2500}") { cursor.eatBlanks() }
    let bracket = cursor.eat(UInt8(ascii: "["))
    let user = cursor.eat { isNameByte($0) }
    guard !user.isEmpty, cursor.eat(UInt8(ascii: "@")) else { return nil }
    let host = cursor.eat { isNameByte($0) }
    guard !host.isEmpty else { return nil }
    let nameEnd = cursor.at
    // The directory: short, and without what only text has.
    while cursor.at - nameEnd < 100, let byte = cursor.peek {
      if bracket ? byte == UInt8(ascii: "]") : isMark(byte) { break }
      cursor.at += 1
    }
    if bracket {
      guard cursor.eat(UInt8(ascii: "]")) else { return nil }
      cursor.eatBlanks()
    } else {
      guard let next = nameEnd < cursor.end ? cursor.bytes[nameEnd] : nil,
        next == UInt8(ascii: ":") || next == UInt8(ascii: " ") || next == UInt8(ascii: "/") || next == UInt8(ascii: "~")
          || isMark(next)
      else { return nil }
    }
    guard isMark(cursor.peek) else { return nil }
    cursor.at += 1
    let name = cursor.text(host)
    return ShellPrompt(host: isContainerID(name) ? .container(name) : .named(name), command: rest(cursor))
  }

  /// Whether a host's name is twelve or more hexadecimal digits: Docker gives a container its id for a name.
  static func isContainerID(_ name: String) -> Bool {
    name.utf8.count >= 12 && name.utf8.allSatisfy { $0.hexDigitValue != nil }
      && name.utf8.contains { $0 < UInt8(ascii: ":") }
  }

  /// `/ # `, `~ $ `, `/usr/local/tomcat # `, `bash-5.1# `.
  private static func directory(_ start: ByteCursor) -> ShellPrompt? {
    var cursor = start
    if cursor.peek == UInt8(ascii: "/") || cursor.peek == UInt8(ascii: "~") {
      _ = cursor.eat { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
      guard cursor.at - start.at < 80, cursor.eat(UInt8(ascii: " ")),
        cursor.peek == UInt8(ascii: "#") || cursor.peek == UInt8(ascii: "$")
      else { return nil }
      cursor.at += 1
      guard cursor.isAtEnd || cursor.peek == UInt8(ascii: " ") else { return nil }
      return ShellPrompt(host: .directory, command: rest(cursor))
    }
    if cursor.eat("bash-") || cursor.eat("sh-") {
      let version = cursor.eat { $0 >= UInt8(ascii: ".") && $0 <= UInt8(ascii: "9") }
      guard !version.isEmpty, cursor.peek == UInt8(ascii: "#") || cursor.peek == UInt8(ascii: "$") else { return nil }
      cursor.at += 1
      return ShellPrompt(host: .directory, command: rest(cursor))
    }
    return nil
  }

  /// `$ iptables ...`, `# nft ...`, `➜  ~ ip addr`, `host# ss -tln`, `+ ip route`: only before a known program.
  private static func bare(_ start: ByteCursor) -> ShellPrompt? {
    var cursor = start
    if cursor.eat("\u{279c}") || cursor.eat("\u{276f}") || cursor.eat("\u{3bb}") || cursor.eat("\u{2514}\u{2500}") {
      // A theme's directory and branch may stand between.
      for _ in 0..<4 {
        cursor.eatBlanks()
        if isMark(cursor.peek) { cursor.at += 1 }
        if let command = known(cursor) { return ShellPrompt(host: .bare, command: command) }
        guard cursor.eatWord() != nil else { return nil }
      }
      return nil
    }
    if isMark(cursor.peek) || cursor.peek == UInt8(ascii: "+") {
      cursor.at += 1
      // `#!/usr/sbin/nft -f` begins a file.
      if cursor.peek == UInt8(ascii: "!") { return nil }
      return known(cursor).map { ShellPrompt(host: .bare, command: $0) }
    }
    // A host's name alone before the mark.
    let name = cursor.eat {
      isNameByte($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/")
        || $0 == UInt8(ascii: "(") || $0 == UInt8(ascii: ")")
    }
    cursor.eatBlanks()
    guard !name.isEmpty, cursor.at - start.at < 60, isMark(cursor.peek), cursor.peek != UInt8(ascii: ">") else {
      return nil
    }
    cursor.at += 1
    return known(cursor).map { command in
      var prompt = ShellPrompt(host: .bare, command: command)
      let text = cursor.text(name).prefix { $0 != ":" && $0 != "~" && $0 != "/" && $0 != "(" }
      if !text.isEmpty { prompt.name = String(text) }
      return prompt
    }
  }

  private static func known(_ cursor: ByteCursor) -> String? {
    let line = rest(cursor)
    return isCommand(line) ? line : nil
  }

  /// Whether a line without a prompt is a command: a known program, and arguments that no sentence has.
  static func isCommand(_ line: String) -> Bool {
    guard line.utf8.count < 1000 else { return false }
    let words = line.split { $0 == " " || $0 == "\t" }
    guard let first = words.first else { return false }
    guard ShellCommand.isKnownProgram(first) else {
      // `grep 22 /etc/iptables/rules.v4`
      return OutputFilter.isProgram(String(first)) && ShellCommand.read(line).contains { $0.output.kind != nil }
    }
    guard words.count > 1 else {
      let name = ShellCommand.baseName(first)
      return name.hasSuffix("-save") || ["ifconfig", "exit", "route", "netstat", "ss", "hostname"].contains(name)
    }
    // `-m conntrack --ctstate NEW`, folded behind the `-m`.
    if first == "conntrack", words.contains(where: { $0.hasPrefix("--ct") }) { return false }
    // A program at the beginning of a sentence is followed by words, not by options and objects.
    return words.count <= 4 || words.dropFirst().contains { $0.hasPrefix("-") || $0 == "|" }
      || ShellCommand.read(line).contains { $0.output.kind != nil || $0.enters != nil || $0.place != nil }
  }
}

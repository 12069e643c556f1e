import RuleGraph

/// A command line as typed, and what its words tell of its output.
struct ShellCommand: Sendable {
  /// The text, without the prompt.
  var text: String
  /// Where it ran, when the words tell.
  var place: Place?
  /// What it prints.
  var output = CommandOutput()
  /// The place in which the prompts that follow are: `docker exec -it tomcat01 sh`.
  var enters: Place?
  /// Whether it leaves such a place: `exit`.
  var leaves = false
  /// What it runs beside its first command: `ssh web2 'iptables -S; ip addr'`.
  var others: [ShellCommand] = []

  /// Whether it prints rules, and a filter takes some of them away.
  var printsFilteredRules: Bool {
    guard output.isFiltered else { return false }
    switch output.kind {
    case .listing, .save, .nftText, .nftJSON: return true
    default: return false
    }
  }

  /// Whether it prints all rules of a kind, so that printing nothing says that there are none. What goes into a file or
  /// another program is not seen.
  var printsAllRules: Bool {
    guard !text.contains(where: { $0 == ">" || $0 == "|" }) else { return false }
    switch output.kind {
    case .save: return text.contains("tables-save") || text.contains("-save")
    case .nftText: return output.isWhole
    default: return false
    }
  }
}

extension ShellCommand {
  /// Reads a command line. Several commands in a line (`;`, `&&`) give several.
  static func read(_ line: String) -> [ShellCommand] {
    var commands: [ShellCommand] = []
    for pipeline in ShellLoop.unrolled(ShellWords.split(line)) {
      guard let first = pipeline.first, !first.isEmpty else { continue }
      var command = ShellCommand(text: line)
      command.read(first[...])
      let filter = OutputFilter(pipeline.dropFirst())
      if !filter.places.isEmpty { command.output.filter = filter }
      // `echo iptables -S | ssh web2`
      for words in pipeline.dropFirst() {
        var reader = ShellCommand(text: line)
        reader.read(words[...])
        if let inside = reader.enters { command.place = inside }
      }
      commands.append(command)
      commands += command.others
    }
    return commands
  }

  /// Whether a word is a program whose output is read, or that runs or enters another.
  static func isKnownProgram(_ word: some StringProtocol) -> Bool { programs.contains(baseName(word)) }

  private static let programs: Set<String> = [
    "iptables", "ip6tables", "iptables-save", "ip6tables-save", "iptables-legacy", "iptables-nft", "ip6tables-legacy",
    "ip6tables-nft", "iptables-legacy-save", "iptables-nft-save", "ip6tables-legacy-save", "ip6tables-nft-save",
    "xtables-save", "iptables-translate", "nft", "ipset", "ip", "ifconfig", "route", "netstat", "ss", "bridge", "brctl",
    "sysctl", "cat", "docker", "podman", "nerdctl", "docker-compose", "conntrack", "arp", "sudo", "doas", "nsenter",
    "kubectl", "exit", "hostname", "uname", "dockerd", "ps", "pgrep", "more", "less", "lxc", "su", "runuser", "ssh",
    "sshpass", "vagrant", "lxc-attach", "machinectl", "adb", "unshare", "incus", "oc", "crictl", "pct", "multipass",
    "docker-machine", "minikube", "gcloud", "ansible", "firewall-cmd", "systemctl", "pve-firewall", "fw3", "fw4", "uci",
  ]

  static let shells: Set<String> = ["sh", "bash", "ash", "zsh", "dash", "ksh", "busybox"]

  static func baseName(_ word: some StringProtocol) -> String {
    String(word.split(separator: "/", omittingEmptySubsequences: true).last ?? "")
  }

  mutating func read(_ words: ArraySlice<String>) {
    var words = words
    while let word = words.first {
      if let equals = word.firstIndex(of: "="), equals != word.startIndex, !word.hasPrefix("-"),
        word[..<equals].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
      {
        words.removeFirst()
      } else if [
        "sudo", "doas", "env", "time", "nice", "nohup", "command", "exec", "watch", "timeout", "stdbuf",
        "setsid", "unbuffer", "pkexec", "grc", "strace", "do", "then", "else", "if", "while", "until", "!", "{",
      ]
      .contains(word) {
        words.removeFirst()
        skipOptions(&words, withValue: ["-u", "-g", "-n", "-p"])
        if word == "timeout" { words = words.dropFirst() }
      } else {
        break
      }
    }
    guard let program = words.first.map({ Self.baseName($0) }) else { return }
    let arguments = words.dropFirst()
    switch program {
    case "docker", "podman", "nerdctl": readDocker(arguments)
    case "docker-compose": readCompose(arguments)
    case "kubectl", "lxc", "incus", "oc", "crictl", "pct": readForeignExec(arguments)
    case "nsenter": readNsenter(arguments)
    case "ip": readIP(arguments)
    case "sh", "bash", "su", "runuser":
      if let flag = arguments.firstIndex(of: "-c"), flag + 1 < arguments.endIndex { read(line: arguments[flag + 1]) }
    case "exit", "logout": leaves = true
    default:
      if readElsewhere(program, arguments) { return }
      output = CommandOutput(program: program, arguments: arguments)
    }
  }

  /// The command in the head of a screen of watch(1): `Every 2.0s: iptables -vnL      web: Mon Jan  2 10:00:00 2023`.
  static func watched(_ line: ByteCursor) -> String? {
    var cursor = line
    guard cursor.eat("Every "), cursor.eatDecimal() != nil else { return nil }
    _ = cursor.eat {
      $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ",") || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
    }
    guard cursor.eat("s: ") else { return nil }
    let start = cursor.at
    var end = start
    while let word = cursor.eatWord() {
      end = word.upperBound
      if cursor.eatBlanks() > 1 { break }
    }
    return end > start ? cursor.text(start..<end) : nil
  }

  /// Takes over what a command line says that this command runs.
  mutating func read(line: String) {
    let inner = Self.read(line)
    guard let first = inner.first else { return }
    output = first.output
    place = first.place
    others = inner.dropFirst().map { other in
      var other = other
      other.text = text
      return other
    }
  }

  /// `ip netns exec NAME COMMAND`, `ip -n NAME ...`, or `ip` itself.
  private mutating func readIP(_ arguments: ArraySlice<String>) {
    var rest = arguments
    while let option = rest.first, option.hasPrefix("-") {
      rest.removeFirst()
      if option == "-n" || option == "-netns", let name = rest.popFirst() { place = .namespace(name) }
    }
    if rest.first == "netns", rest.dropFirst().first == "exec", rest.count > 3 {
      let name = rest[rest.startIndex + 2]
      read(rest.dropFirst(3))
      if place == nil { place = .namespace(name) }
      if let shell = rest.dropFirst(3).first, Self.shells.contains(Self.baseName(shell)) { enters = .namespace(name) }
      return
    }
    output = CommandOutput(program: "ip", arguments: arguments)
  }

  /// `nsenter -t PID -n COMMAND`, with the letters of options together (`-at PID`) or apart.
  private mutating func readNsenter(_ arguments: ArraySlice<String>) {
    var rest = arguments
    var target = ""
    var isNetwork = false
    while let option = rest.first, option.hasPrefix("-") {
      rest.removeFirst()
      if option == "--" { break }
      if option.hasPrefix("--") {
        let (flag, value) = Self.splitOption(option)
        if flag == "--all" { isNetwork = true }
        if flag == "--net" {
          isNetwork = true
          if let value { target = Self.baseName(value) }
        }
        if flag == "--target", let pid = value ?? rest.popFirst() { target = pid }
        continue
      }
      for (place, letter) in option.enumerated().dropFirst() {
        if letter == "n" || letter == "a" { isNetwork = true }
        guard letter == "t" else { continue }
        let pid = String(option.dropFirst(place + 1))
        target = pid.isEmpty ? rest.popFirst() ?? "" : pid
        break
      }
    }
    read(rest)
    // Entering the namespaces of process 1 is how a container looks at its host.
    guard isNetwork, target != "1" else { return }
    if place == nil { place = .namespace(target) }
    if rest.isEmpty || Self.isShell(rest) { enters = .namespace(target) }
  }

  /// Whether a command line is a shell that takes what is typed next.
  static func isShell(_ words: ArraySlice<String>) -> Bool {
    words.first.map { shells.contains(baseName($0)) } == true && !words.contains("-c")
  }

  private mutating func readDocker(_ arguments: ArraySlice<String>) {
    var rest = arguments
    skipOptions(&rest, withValue: ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level"])
    guard let verb = rest.popFirst() else { return }
    switch verb {
    case "exec", "attach": readExec(&rest, verb: verb)
    case "run": readRun(rest)
    case "container" where rest.first == "exec" || rest.first == "run":
      readDocker(rest)
    case "compose": readCompose(rest)
    default: output = CommandOutput(docker: verb, arguments: rest)
    }
  }

  private mutating func readExec(_ rest: inout ArraySlice<String>, verb: String) {
    skipOptions(&rest, withValue: ["-u", "--user", "-w", "--workdir", "-e", "--env", "--env-file"])
    guard let name = rest.popFirst() else { return }
    read(rest)
    place = .container(name)
    if verb == "attach" || rest.first.map({ Self.shells.contains(Self.baseName($0)) && rest.count == 1 }) == true {
      enters = .container(name)
    }
  }

  private mutating func readCompose(_ arguments: ArraySlice<String>) {
    var rest = arguments
    skipOptions(&rest, withValue: ["-f", "--file", "-p", "--project-name"])
    guard rest.popFirst() == "exec" else { return }
    readExec(&rest, verb: "exec")
  }

  private mutating func readForeignExec(_ arguments: ArraySlice<String>) {
    guard let exec = arguments.firstIndex(of: "exec") else { return }
    var rest = arguments[(exec + 1)...]
    skipOptions(&rest, withValue: ["-n", "--namespace", "-c", "--container"])
    guard let name = rest.popFirst() else { return }
    if let dashes = rest.firstIndex(of: "--") { rest = rest[(dashes + 1)...] }
    read(rest)
    place = .container(name)
    if rest.count == 1, let shell = rest.first, Self.shells.contains(Self.baseName(shell)) { enters = .container(name) }
  }

  /// `docker run -it` puts the prompts that follow inside the container, whose network may be the host's or another
  /// container's.
  private mutating func readRun(_ arguments: ArraySlice<String>) {
    var name = ""
    var network = ""
    var isInteractive = false
    var isDetached = false
    var at = arguments.startIndex
    while at < arguments.endIndex, arguments[at].hasPrefix("-") {
      let option = arguments[at]
      let next = at + 1 < arguments.endIndex ? arguments[at + 1] : ""
      let (flag, value) = Self.splitOption(option)
      at += 1
      if !option.hasPrefix("--"), !Self.runOptionsWithValue.contains(flag) {
        if flag.contains("i") || flag.contains("t") { isInteractive = true }
        if flag.contains("d") { isDetached = true }
        continue
      }
      guard Self.runOptionsWithValue.contains(flag) else {
        if flag == "--interactive" || flag == "--tty" { isInteractive = true }
        if flag == "--detach" { isDetached = true }
        continue
      }
      let argument = value ?? next
      if value == nil { at += 1 }
      if flag == "--name" { name = argument }
      if flag == "--net" || flag == "--network" { network = argument }
    }
    let inside: Place =
      network == "host" ? .host : .container(network.hasPrefix("container:") ? String(network.dropFirst(10)) : name)
    let command = arguments[min(at + 1, arguments.endIndex)...]
    if isInteractive, !isDetached { enters = inside }
    if !isDetached, let program = command.first, !Self.shells.contains(Self.baseName(program)) {
      read(command)
      place = inside
    }
  }

  static func splitOption(_ option: String) -> (flag: String, value: String?) {
    guard option.hasPrefix("--"), let equals = option.firstIndex(of: "=") else { return (option, nil) }
    return (String(option[..<equals]), String(option[option.index(after: equals)...]))
  }

  private static let runOptionsWithValue: Set<String> = [
    "--name", "--net", "--network", "-p", "--publish", "-e", "--env", "-v", "--volume", "--link", "-h", "--hostname",
    "--ip", "--ip6", "--dns", "--add-host", "-u", "--user", "-w", "--workdir", "--restart", "-m", "--memory", "--cpus",
    "--entrypoint", "-l", "--label", "--mount", "--cap-add", "--cap-drop", "--network-alias", "--net-alias", "--pid",
    "--expose", "--mac-address", "--device", "--log-driver", "--log-opt", "--env-file", "--sysctl", "--ulimit",
    "--security-opt", "--ipc", "--uts", "--platform", "--pull", "--runtime", "--shm-size", "--tmpfs", "--gpus",
  ]

  func skipOptions(_ words: inout ArraySlice<String>, withValue: Set<String>) {
    while let word = words.first, word.hasPrefix("-"), word != "-" {
      words.removeFirst()
      if word == "--" { return }
      if withValue.contains(word) { words = words.dropFirst() }
    }
  }
}

/// Splits a command line into pipelines, commands and words, as a shell does as far as quotes go.
enum ShellWords {
  /// The pipelines of a line; each is a list of commands, each a list of words.
  static func split(_ line: String) -> [[[String]]] {
    var pipelines: [[[String]]] = []
    var pipeline: [[String]] = []
    var words: [String] = []
    var word: String?
    var quote: Character?
    var skipsNext = false

    func endWord() {
      if let finished = word, !skipsNext { words.append(finished) }
      if word != nil { skipsNext = false }
      word = nil
    }
    func endCommand() {
      endWord()
      if !words.isEmpty { pipeline.append(words) }
      words = []
      skipsNext = false
    }
    func endPipeline() {
      endCommand()
      if !pipeline.isEmpty { pipelines.append(pipeline) }
      pipeline = []
    }
    var characters = line.prefix(2000)[...]
    while let character = characters.popFirst() {
      if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
        continue
      }
      switch character {
      case "'", "\"":
        quote = character
        word = word ?? ""
      case "\\":
        if let next = characters.popFirst() { word = (word ?? "") + String(next) }
      case "$" where characters.first == "(":
        // What another command prints is a part of the word.
        word = (word ?? "") + "$" + substitution(&characters)
      case "`":
        word = (word ?? "") + "`" + String(characters.prefix { $0 != "`" }) + "`"
        characters = characters.drop { $0 != "`" }.dropFirst()
      case " ", "\t": endWord()
      case "#" where word == nil:
        // A comment.
        endPipeline()
        return pipelines
      case "|":
        if characters.first == "|" {
          characters.removeFirst()
          endPipeline()
        } else {
          // `|&` takes the errors, too.
          if characters.first == "&" { characters.removeFirst() }
          endCommand()
        }
      case ";": endPipeline()
      case "&":
        if characters.first == "&" {
          characters.removeFirst()
          endPipeline()
        } else if characters.first == ">" || word?.last == ">" {
          continue
        } else {
          endPipeline()
        }
      case ">", "<":
        // A redirection: its target is no argument.
        if let number = word, number.allSatisfy(\.isNumber) { word = nil }
        endWord()
        skipsNext = true
        if characters.first == ">" { characters.removeFirst() }
        if characters.first == "&" {
          characters.removeFirst()
          skipsNext = true
        }
      default: word = (word ?? "") + String(character)
      }
    }
    endPipeline()
    return pipelines
  }

  /// Takes `(...)` up to the bracket that closes it.
  private static func substitution(_ characters: inout Substring) -> String {
    var depth = 0
    var taken = ""
    while let character = characters.popFirst() {
      taken.append(character)
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if depth == 0 { break }
    }
    return taken
  }
}

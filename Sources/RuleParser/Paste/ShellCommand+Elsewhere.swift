import RuleGraph

/// Programs that run a command on another machine, or in a place with a network of its own.
extension ShellCommand {
  /// Reads such a program's words; false of any other program.
  mutating func readElsewhere(_ program: String, _ arguments: ArraySlice<String>) -> Bool {
    var rest = arguments
    switch program {
    case "ssh", "slogin", "autossh", "dbclient", "rsh": readSSH(rest)
    case "sshpass":
      skipOptions(&rest, withValue: ["-p", "-f", "-d", "-P"])
      read(rest)
    case "vagrant":
      guard rest.popFirst() == "ssh" else { return true }
      readVagrant(rest)
    case "lxc-attach":
      let name = Self.takeName(&rest, short: "-n", long: "--name")
      skipOptions(&rest, withValue: ["-P", "-o", "-l", "-a", "-s", "-u", "-g"])
      run(rest, in: .container(name))
    case "machinectl":
      let verb = rest.popFirst()
      guard verb == "shell" || verb == "login" else { return true }
      skipOptions(&rest, withValue: ["-E", "-M"])
      let name = rest.popFirst() ?? ""
      run(rest, in: .container(Self.withoutUser(name)))
    case "adb":
      let device = Self.takeName(&rest, short: "-s", long: "--serial")
      guard rest.popFirst() == "shell" else { return true }
      run(rest, in: .machine(device))
    case "multipass":
      guard rest.popFirst() == "exec", let name = rest.popFirst() else { return true }
      if rest.first == "--" { rest.removeFirst() }
      run(rest, in: .machine(name))
    case "docker-machine", "minikube":
      guard rest.popFirst() == "ssh" else { return true }
      let name = program == "minikube" ? "minikube" : rest.popFirst() ?? ""
      if rest.first == "--" { rest.removeFirst() }
      run(rest, in: .machine(name))
    case "gcloud": readGcloud(rest)
    case "ansible":
      let name = rest.first { !$0.hasPrefix("-") } ?? ""
      guard let option = rest.firstIndex(of: "-a"), option + 1 < rest.endIndex else { return true }
      run([rest[option + 1]], in: .machine(name))
    case "unshare":
      skipOptions(&rest, withValue: ["-S", "-G", "-R", "-w", "--root", "--wd", "--setuid", "--setgid"])
      let options = arguments[..<rest.startIndex]
      guard options.contains(where: Self.unsharesNetwork) else {
        read(rest)
        return true
      }
      run(rest, in: .namespace(""))
    default: return readUnknown(program, arguments)
    }
    return true
  }

  /// Reads a command that runs in a place; several words are one command line there, as ssh(1) joins them. Without a
  /// command the place is entered.
  private mutating func run(_ words: ArraySlice<String>, in inside: Place) {
    if words.isEmpty || Self.isShell(words) {
      // What is typed or piped into it runs there.
      enters = inside
      place = inside
      return
    }
    read(line: words.joined(separator: " "))
    place = inside
    for index in others.indices { others[index].place = inside }
  }

  /// `ssh -p 2222 root@web2 iptables -S`
  private mutating func readSSH(_ arguments: ArraySlice<String>) {
    var rest = arguments
    skipOptions(
      &rest,
      withValue: [
        "-p", "-i", "-l", "-o", "-F", "-J", "-L", "-R", "-D", "-b", "-c", "-E", "-e", "-I", "-m", "-O", "-Q", "-S",
        "-W",
        "-w", "-B",
      ])
    guard let target = rest.popFirst() else { return }
    let name = Self.withoutUser(target)
    // Options may stand behind the name, too.
    skipOptions(&rest, withValue: ["-p", "-i", "-l", "-o", "-F", "-J"])
    if ["localhost", "127.0.0.1", "::1"].contains(name) {
      read(line: rest.joined(separator: " "))
    } else {
      run(rest, in: .machine(name))
    }
  }

  /// `vagrant ssh db -c 'sudo iptables -S'`, `vagrant ssh -- iptables -S`
  private mutating func readVagrant(_ arguments: ArraySlice<String>) {
    var name = ""
    var rest = arguments
    while let word = rest.popFirst() {
      if word == "-c" || word == "--command" { return run(rest.prefix(1), in: .machine(name)) }
      if word.hasPrefix("--command=") { return run([String(word.dropFirst(10))], in: .machine(name)) }
      if word == "--" { return run(rest, in: .machine(name)) }
      if !word.hasPrefix("-"), name.isEmpty { name = word }
    }
    run([], in: .machine(name))
  }

  /// `gcloud compute ssh web2 --command='iptables -S'`
  private mutating func readGcloud(_ arguments: ArraySlice<String>) {
    guard let ssh = arguments.firstIndex(of: "ssh"), arguments.first == "compute" else { return }
    var rest = arguments[(ssh + 1)...]
    var name = ""
    var command: ArraySlice<String> = []
    while let word = rest.popFirst() {
      if word == "--" { command = rest }
      if word == "--command" { command = rest.prefix(1) }
      if word.hasPrefix("--command=") { command = [String(word.dropFirst(10))] }
      if word == "--" { break }
      if !word.hasPrefix("-"), name.isEmpty { name = Self.withoutUser(word) }
    }
    run(command, in: .machine(name))
  }

  private static func withoutUser(_ target: String) -> String {
    var name = target[...]
    if name.hasPrefix("ssh://") { name = name.dropFirst(6) }
    if let sign = name.lastIndex(of: "@") { name = name[name.index(after: sign)...] }
    return String(name)
  }

  /// Takes an option with a name out of the words: `-n c1`, `-nc1`, `--name=c1`.
  private static func takeName(_ words: inout ArraySlice<String>, short: String, long: String) -> String {
    for index in words.indices {
      let word = words[index]
      if word == "--" { break }
      if word == short || word == long {
        guard index + 1 < words.endIndex else { break }
        let name = words[index + 1]
        words.removeSubrange(index...index + 1)
        return name
      }
      let attached =
        word.hasPrefix(long + "=") ? word.dropFirst(long.count + 1) : word.hasPrefix(short) ? word.dropFirst(2) : nil
      if let attached {
        words.remove(at: index)
        return String(attached)
      }
      if !word.hasPrefix("-") { break }
    }
    return ""
  }

  private static func unsharesNetwork(_ option: String) -> Bool {
    option.hasPrefix("--") ? option.hasPrefix("--net") : option.hasPrefix("-") && option.contains("n")
  }

  /// Programs that run others where they are themselves.
  private static let transparent: Set<String> = [
    "setsid", "ionice", "chrt", "taskset", "strace", "unbuffer", "script", "xargs", "grc", "busybox", "pkexec",
    "chroot",
    "echo", "man", "which", "whereis", "type", "vi", "vim", "nano", "grep", "egrep", "awk", "sed", "apt", "apt-get",
    "yum",
    "dnf", "pacman", "systemctl", "service", "modprobe", "lsmod", "dpkg", "rpm", "ls", "file", "stat", "diff", "head",
    "tail", "tee", "cp", "mv", "rm", "find", "for", "while", "if", "then", "do", "!", "{", "(", "alias", "printf",
  ]

  /// A program that is not known here and that is given a command which prints rules (`lxc-do c1 iptables -S`): nobody
  /// knows where that runs.
  private mutating func readUnknown(_ program: String, _ arguments: ArraySlice<String>) -> Bool {
    guard !Self.isKnownProgram(program), !Self.transparent.contains(program), !program.contains("tables") else {
      return false
    }
    for index in arguments.indices {
      let inner = arguments[index].contains(" ") ? ShellWords.split(arguments[index]).first?.first ?? [] : []
      let words = inner.isEmpty ? arguments[index...] : inner[...]
      guard let name = words.first.map({ Self.baseName($0) }),
        name.contains("tables") || name == "nft" || name == "sudo"
      else { continue }
      var command = ShellCommand(text: text)
      command.read(words)
      switch command.output.kind {
      case .listing, .save, .nftText, .nftJSON:
        output = command.output
        place = .machine("")
        return true
      default: continue
      }
    }
    return false
  }
}

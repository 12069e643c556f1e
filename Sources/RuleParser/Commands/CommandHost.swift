import HostModel
import RuleGraph

/// A host on which commands are carried out: each program's rules, and the settings around them.
struct CommandHost {
  var iptables = IptablesHost()
  var nft = NftHost()
  var ipset = IpsetHost()
  private(set) var facts = HostFacts()
  private(set) var notes: [Diagnostic] = []

  /// Whether any program changed rules.
  private(set) var hasChanged = false
  /// The first command that changed rules.
  private(set) var first: SourceSpan?

  /// The first script that nobody shows and that ran behind a command that changed rules: from there on any rule may
  /// have changed.
  private(set) var unseen: SourceSpan?

  /// The commands by which other programs changed the rules that commands before them had made, or added others to
  /// them.
  private(set) var changesBetween: [ChangeElsewhere] = []

  /// Whether the host is one that dumps show, on which only what iptables changes is carried out.
  var besideDumps = false
  /// What other programs, and files that nobody shows, changed on it.
  private(set) var changesElsewhere: [ChangeElsewhere] = []

  /// A host on which every command is carried out as on the host itself, or ends the run; nil where commands alone tell
  /// of the host.
  var shown: ShownHost?

  /// A command that changes rules and is not carried out.
  struct ChangeElsewhere {
    var program: String
    var words: [String]
    var span: SourceSpan

    /// Whether it may change everything of its program.
    var isAll: Bool {
      words.contains { ["-f", "--file", "ruleset", "restore", "-R", "destroy"].contains($0) || $0.contains("$") }
    }
  }

  // MARK: - Programs

  /// Carries out a command on a host that dumps show.
  private mutating func runBesideDumps(
    _ name: String, _ words: [CommandWord], _ place: CommandPlace
  ) -> CommandOutcome {
    let arguments = Array(words.dropFirst())
    let texts = words.map(\.text)
    let kind = FirewallCommand(texts, writesTo: [])
    if kind == .service {
      changesElsewhere.append(ChangeElsewhere(program: "service", words: texts, span: place.span))
      return .unknown
    }
    if let program = IptablesHost.Program(name) {
      if !name.hasSuffix("-restore"), !name.hasSuffix("-save"), !name.contains("translate") {
        return iptables.run(arguments, program, place)
      }
      guard name.hasSuffix("-restore"), !texts.contains("-t"), !texts.contains("--test") else { return .success }
      changesElsewhere.append(ChangeElsewhere(program: program.name, words: texts, span: place.span))
      return .unknown
    }
    guard kind == .change || FirewallCommand([name] + arguments.map(\.text), writesTo: []) == .change else {
      return .unknown
    }
    if name == "sysctl" || name == "ip" { return .unknown }
    let isNft = name == "nft" || FirewallCommand.isNftCommand(name, arguments.prefix(3).map(\.text))
    changesElsewhere.append(
      ChangeElsewhere(
        program: isNft ? "nft" : name, words: texts.flatMap { $0.split(separator: " ").map(String.init) },
        span: place.span))
    return .unknown
  }

  /// Carries out a command.
  mutating func run(_ words: [CommandWord], input: CommandInput, _ place: CommandPlace) -> CommandOutcome {
    guard let first = words.first else { return .success }
    let arguments = Array(words.dropFirst())
    let name = first.isUnknown ? Self.program(named: first.text, arguments) : ShellCommand.baseName(first.text)
    if let outcome = shown?.run(name, words, input, place) { return outcome }
    if name == "xargs" { return runForEachLine(arguments, place) }
    if besideDumps { return runBesideDumps(name, words, place) }
    noteChangeBetween(name, words, input, place)
    if ServiceCommand.isInitScript(first.text) {
      takeNote(ofTool: name, arguments, place)
      return .unknown
    }
    let isSetting = name == "sysctl" || name == "ip"
    note(change: !isSetting && FirewallCommand([name] + arguments.map(\.text), writesTo: []) == .change, place)
    switch name {
    case "nft": return nft.run(arguments, input, place)
    case "ipset": return ipset.run(arguments, input, place)
    case _ where FirewallCommand.isNftCommand(name, arguments.prefix(3).map(\.text)):
      return nft.run(words, input, place)
    case "sysctl": return setSettings(arguments, place)
    case "ip": return runIP(arguments, place)
    default: break
    }
    if name.hasSuffix("-restore"), let program = IptablesHost.Program(name) {
      return iptables.restore(arguments, program, input, place)
    }
    if let program = IptablesHost.Program(name), !name.hasSuffix("-save"), !name.contains("translate") {
      return iptables.run(arguments, program, place)
    }
    if name.hasSuffix(".sh") || ["sh", "bash", "dash", "ash"].contains(name) {
      note(unseen: name.hasSuffix(".sh") ? first.text : arguments.last?.text ?? name, place)
    }
    takeNote(ofTool: name, arguments, place)
    return .unknown
  }

  /// `xargs -I{} iptables -A INPUT -s {} -j DROP`: the command for each line that xargs reads, which nobody shows.
  private mutating func runForEachLine(_ arguments: [CommandWord], _ place: CommandPlace) -> CommandOutcome {
    var rest = arguments[...]
    var mark: String?
    while let option = rest.first?.text, option.hasPrefix("-") {
      rest.removeFirst()
      switch option {
      case "-I", "--replace": mark = rest.popFirst()?.text
      case "-i": mark = "{}"
      case "-n", "-P", "-L", "-d", "-a", "-s", "-E", "--max-args", "--max-procs", "--delimiter", "--arg-file":
        rest = rest.dropFirst()
      default:
        if option.hasPrefix("-I") { mark = String(option.dropFirst(2)) }
        if option.hasPrefix("--replace=") { mark = String(option.dropFirst(10)) }
      }
    }
    while let first = rest.first?.text, first == "sudo" || first == "-E" || first == "doas" { rest.removeFirst() }
    guard !rest.isEmpty else { return .success }
    let line = CommandWord(text: "$line", isUnknown: true)
    var words = Array(rest)
    if let mark, !mark.isEmpty {
      words = words.map { word in
        word.text.contains(mark) ? CommandWord(text: word.text.replacing(mark, with: "$line"), isUnknown: true) : word
      }
    } else {
      words.append(line)
    }
    return run(
      words, input: .none, CommandPlace(span: place.span, doubt: place.doubt.repeated("what xargs reads")))
  }

  /// Notes a command that has another program change the rules which commands before it made: what they are then is
  /// unknown.
  private mutating func noteChangeBetween(
    _ name: String, _ words: [CommandWord], _ input: CommandInput, _ place: CommandPlace
  ) {
    let texts = [name] + words.dropFirst().map(\.text)
    let isChange: Bool
    switch name {
    case "ufw", "firewall-cmd": isChange = FirewallCommand(texts, writesTo: []) == .change
    case "sh", "bash", "dash", "ash", ".", "source": return
    case _ where Self.interpreters.contains { name.hasPrefix($0) }:
      let program = texts.dropFirst() + (input.lines ?? []).map(\.text.text)
      isChange = program.contains { text in Self.rulePrograms.contains { text.contains($0) } }
    default: isChange = FirewallCommand(words.map(\.text), writesTo: []) == .service && !name.hasSuffix(".sh")
    }
    guard isChange, !iptables.result.isEmpty || !nft.tables.isEmpty else { return }
    changesBetween.append(ChangeElsewhere(program: name, words: texts, span: place.span))
  }

  /// Programs that are given a program of their own.
  private static let interpreters = ["python", "perl", "ruby", "node", "php", "lua", "expect", "tclsh"]
  private static let rulePrograms = ["tables", "nft", "ufw", "firewall"]

  private mutating func takeNote(ofTool name: String, _ arguments: [CommandWord], _ place: CommandPlace) {
    guard let tool = Self.otherTool(name, arguments) else { return }
    notes.append(
      Diagnostic(
        "command-not-carried-out", .note,
        "\(tool) makes rules in ways that its commands do not show; `iptables-save` and `nft list ruleset` print them",
        span: place.span))
  }

  private mutating func note(change: Bool, _ place: CommandPlace) {
    guard change else { return }
    hasChanged = true
    if first == nil { first = place.span }
  }

  /// The program that a variable which the script does not set stands for: `$IPT -A INPUT ...`.
  private static func program(named variable: String, _ arguments: [CommandWord]) -> String {
    let name = variable.lowercased()
    guard let option = arguments.first?.text else { return variable }
    if name.contains("ipset") { return "ipset" }
    if name.contains("nft") { return "nft" }
    guard option.hasPrefix("-"), ["ipt", "iptables", "ip6", "fw", "ip4"].contains(where: { name.contains($0) }) else {
      return variable
    }
    return name.contains("6") ? "ip6tables" : "iptables"
  }

  /// A program that makes rules in ways which its command does not tell.
  private static func otherTool(_ name: String, _ arguments: [CommandWord]) -> String? {
    let texts = arguments.map(\.text)
    switch name {
    case "ufw":
      return FirewallCommand(["ufw"] + texts, writesTo: []) == .change ? "ufw" : nil
    case "firewall-cmd": return texts.contains { $0.hasPrefix("--list") || $0.hasPrefix("--get") } ? nil : "firewalld"
    case "netfilter-persistent", "shorewall", "csf", "fail2ban-client", "iptables-apply": return name
    case "systemctl", "service", "rc-service":
      guard texts.contains(where: { ["start", "restart", "reload", "enable"].contains($0) }) else { return nil }
      let services = ["docker", "firewalld", "ufw", "iptables", "ip6tables", "nftables", "fail2ban"]
      return services.first { service in texts.contains { $0 == service || $0 == service + ".service" } }
    default: return nil
    }
  }

  /// Notes that of a script with several ways the one of its start was taken.
  mutating func note(startOf subject: String) {
    guard !notes.contains(where: { $0.id == "script-started" }) else { return }
    notes.append(
      Diagnostic(
        "script-started", .note, "the script is taken to be called with `start` (\(subject) decides what it does)"))
  }

  /// Notes a script that runs and is not in the input.
  mutating func note(unseen file: String, _ place: CommandPlace) {
    if hasChanged, unseen == nil { unseen = place.span }
    notes.append(
      Diagnostic(
        "commands-from-a-file", .warning, "what \(file) does is not in the input, and nothing of it is carried out",
        span: place.span))
  }

  // MARK: - Settings

  /// `sysctl -w net.ipv4.ip_forward=1`
  private mutating func setSettings(_ words: [CommandWord], _ place: CommandPlace) -> CommandOutcome {
    for word in words {
      guard let equals = word.text.firstIndex(of: "="), !word.text.hasPrefix("-") else { continue }
      let name = word.text[..<equals].replacing("/", with: ".")
      set(String(name), word.isUnknown ? nil : String(word.text[word.text.index(after: equals)...]), place)
    }
    return .success
  }

  private mutating func set(_ name: String, _ value: String?, _ place: CommandPlace) {
    guard let value, place.doubt.isNone else {
      facts.sysctls[name] = nil
      return
    }
    facts.sysctls[name] = Sysctl(value.trimmedBlanks, span: place.span)
  }

  /// `echo 1 > /proc/sys/net/ipv4/ip_forward`
  mutating func write(_ text: CommandWord, to files: [String], _ place: CommandPlace) {
    if shown?.write(text, to: files, place) != nil { return }
    for file in files where file.hasPrefix("/proc/sys/") && file.utf8.count > 10 {
      set(CommandOutput.sysctlName(file), text.isUnknown ? nil : text.text.filter { $0 != "\n" }, place)
    }
  }

  // MARK: - Addresses and routes

  /// `ip addr add`, `ip route add`.
  private mutating func runIP(_ words: [CommandWord], _ place: CommandPlace) -> CommandOutcome {
    let texts = words.map(\.text)
    guard place.doubt.isNone, !words.contains(where: \.isUnknown), texts.count > 2,
      ["add", "replace"].contains(texts[1])
    else { return .unknown }
    if texts[0].hasPrefix("a"), "address".hasPrefix(texts[0]) || texts[0] == "addr" {
      return addAddress(Array(texts.dropFirst(2)), place)
    }
    if texts[0].hasPrefix("r"), "route".hasPrefix(texts[0]), texts[0].utf8.count < 3 || texts[0].hasPrefix("ro") {
      return addRoute(Array(texts.dropFirst(2)), place)
    }
    return .unknown
  }

  private mutating func addAddress(_ words: [String], _ place: CommandPlace) -> CommandOutcome {
    guard let device = words.firstIndex(of: "dev"), device + 1 < words.count,
      let text = words.first(where: { $0 != "local" })
    else { return .unknown }
    let parts = text.split(separator: "/")
    guard let address = parts.first.flatMap({ IPAddress(String($0)) }) else { return .unknown }
    let length = parts.count > 1 ? Int(parts[1]) : address.family.addressBits
    guard let length, length >= 0, length <= address.family.addressBits else { return .unknown }
    var interface = Interface(words[device + 1])
    interface.addresses = [InterfaceAddress(address, prefixLength: length, span: place.span)]
    interface.span = place.span
    facts.interfaces.append(interface)
    return .success
  }

  private mutating func addRoute(_ words: [String], _ place: CommandPlace) -> CommandOutcome {
    var texts = CommandTexts()
    let text = texts.text([(words.joined(separator: " "), place.span)])
    facts.routes += RouteReader.read(text, output: CommandOutput(kind: .ipRoute)).facts.routes.map { route in
      var route = route
      route.span = place.span
      return route
    }
    return .success
  }
}

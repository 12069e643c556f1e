import HostModel
import RuleGraph

/// A host that dumps show, on which commands are carried out as on the host itself: each does what the program does
/// there, or the run ends with what the program says.
///
/// The rules are kept in the graph; a program's commands are carried out on its own picture of them (``IptablesHost``,
/// ``NftHost``, ``IpsetHost``), which is made when its first command comes and put back before the first one of another
/// program.
struct ShownHost {
  private(set) var ruleset: Ruleset
  var facts: HostFacts
  /// What the run ended with.
  private(set) var failure: Failure?
  /// What is worth telling of what was carried out.
  var notes: [Diagnostic] = []
  /// What the program said that refused a command last.
  var refusal: Failure?
  private var iptables: IptablesHost?
  private var nft: NftHost?
  private var ipset: IpsetHost?

  /// Why the run ends, and where.
  struct Failure {
    var problem: CommandFailure.Problem
    var span: SourceSpan
    /// The command, where it is not what stands at the place.
    var command: String?
  }

  init(_ ruleset: Ruleset, _ facts: HostFacts) {
    self.ruleset = ruleset
    self.facts = facts
  }

  // MARK: - Failures

  /// Ends the run.
  mutating func fail(_ problem: CommandFailure.Problem, _ span: SourceSpan, command: String? = nil) {
    if failure == nil { failure = Failure(problem: problem, span: span, command: command) }
  }

  /// Ends the run with a command that failed, and with which the script did not deal.
  mutating func failUnhandled(_ span: SourceSpan) {
    if failure == nil { failure = refusal ?? Failure(problem: .failed, span: span) }
  }

  mutating func refuse(_ words: String, _ place: CommandPlace) -> CommandOutcome {
    refusal = Failure(problem: .refused(words), span: place.span)
    return .failure
  }

  mutating func stop(_ problem: CommandFailure.Problem, _ place: CommandPlace) -> CommandOutcome {
    fail(problem, place.span)
    return .unknown
  }

  // MARK: - Commands

  /// Carries out a command with its words.
  mutating func run(
    _ name: String, _ words: [CommandWord], _ input: CommandInput, _ place: CommandPlace
  ) -> CommandOutcome {
    guard failure == nil else { return .unknown }
    refusal = nil
    if let word = words.first(where: \.isUnknown) { return stop(.computed(word.text), place) }
    if let condition = place.doubt.condition { return stop(.computed(condition), place) }
    if let line = input.lines?.first(where: \.text.isUnknown) { return stop(.computed(line.text.text), place) }
    let arguments = Array(words.dropFirst())
    if let program = IptablesHost.Program(name) {
      if name.hasSuffix("-save") { return .success }
      guard IptablesHost.Program.names.contains(name) else { return stop(.unknownProgram(name), place) }
      return run(arguments, program, isRestoring: name.hasSuffix("-restore"), input, place)
    }
    switch name {
    case "nft": return runNft(arguments, input, place)
    case "ipset": return runIpset(arguments, input, place)
    case "sysctl": return setSettings(arguments, place)
    case "ufw": return runUfw(arguments, place)
    case "docker": return runDocker(arguments, place)
    default: return stop(.unknownProgram(name), place)
    }
  }

  mutating func run(
    _ arguments: [CommandWord], _ program: IptablesHost.Program, isRestoring: Bool, _ input: CommandInput,
    _ place: CommandPlace
  ) -> CommandOutcome {
    if iptables == nil {
      settle()
      iptables = IptablesHost(of: ruleset)
    }
    if isRestoring, input.lines == nil { return stop(.inputMissing, place) }
    let outcome =
      isRestoring
      ? iptables?.restore(arguments, program, input, place) : iptables?.run(arguments, program, place)
    guard outcome != .success else { return .success }
    let said = iptables?.takeRefusal()
    return end(outcome, said?.obstacle, said?.message, of: program.name, place)
  }

  /// Ends a program's command: what nobody knows of it ends the run, and what it says is kept.
  private mutating func end(
    _ outcome: CommandOutcome?, _ obstacle: CommandFailure.Problem?, _ message: String?, of program: String,
    _ place: CommandPlace
  ) -> CommandOutcome {
    if let obstacle { return stop(obstacle, place) }
    guard outcome != .success else { return .success }
    guard let message else { return stop(.unsupported(program), place) }
    return refuse("\(program): \(message)", place)
  }

  private mutating func runNft(
    _ arguments: [CommandWord], _ input: CommandInput, _ place: CommandPlace
  ) -> CommandOutcome {
    if nft == nil {
      settle()
      nft = NftHost(of: ruleset)
    }
    let outcome = nft?.run(arguments, input, place)
    return end(outcome, nft?.takeObstacle(), nft?.takeRefusal().map { "Error: \($0)" }, of: "nft", place)
  }

  private mutating func runIpset(
    _ arguments: [CommandWord], _ input: CommandInput, _ place: CommandPlace
  ) -> CommandOutcome {
    if ipset == nil {
      settle()
      ipset = IpsetHost(of: ruleset)
    }
    let outcome = ipset?.run(arguments, input, place)
    return end(outcome, ipset?.takeObstacle(), ipset?.takeRefusal(), of: "ipset", place)
  }

  /// Puts back what a program's commands changed.
  mutating func settle() {
    iptables?.apply(to: &ruleset)
    nft?.apply(to: &ruleset)
    ipset?.apply(to: &ruleset)
    iptables = nil
    nft = nil
    ipset = nil
  }

  // MARK: - Settings

  /// `sysctl -w net.ipv4.ip_forward=1`, as sysctl(8) has it.
  private mutating func setSettings(_ words: [CommandWord], _ place: CommandPlace) -> CommandOutcome {
    for word in words {
      if word.text.hasPrefix("-") {
        let flags = ["-w", "--write", "-q", "--quiet", "-e", "--ignore", "-n", "--values", "-qw", "-wq"]
        guard flags.contains(word.text) else { return stop(.unsupported("sysctl \(word.text)"), place) }
        continue
      }
      guard let equals = word.text.firstIndex(of: "=") else { continue }
      set(word.text[..<equals].replacing("/", with: "."), to: word.text[word.text.index(after: equals)...], place)
    }
    return .success
  }

  private mutating func set(_ name: some StringProtocol, to value: some StringProtocol, _ place: CommandPlace) {
    facts.sysctls[String(name)] = Sysctl(String(value).trimmedBlanks, span: place.span)
  }

  /// `echo 1 > /proc/sys/net/ipv4/ip_forward`
  mutating func write(_ text: CommandWord, to files: [String], _ place: CommandPlace) {
    for file in files where file != "/dev/null" && failure == nil {
      guard file.hasPrefix("/proc/sys/"), file.utf8.count > 10 else {
        return fail(.unsupported("> \(file)"), place.span)
      }
      if text.isUnknown { return fail(.computed(text.text), place.span) }
      if let condition = place.doubt.condition { return fail(.computed(condition), place.span) }
      set(CommandOutput.sysctlName(file), to: text.text.filter { $0 != "\n" }, place)
    }
  }
}

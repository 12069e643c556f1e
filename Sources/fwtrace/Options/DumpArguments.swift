import ArgumentParser
import HostModel
import RuleGraph
import RuleParser

/// The dumps that a command reads.
struct DumpArguments: ParsableArguments {
  @ArgumentParser.Argument(
    help: ArgumentHelp(
      "What iptables, nft, ip, docker and others printed: files, folders, or - for standard input.",
      discussion:
        "Each may hold several outputs with prompts and prose around them; together they are one host. Without a dump, a pipe is read (iptables-save | fwtrace ...), else this host.",
      valueName: "dump"))
  var dumps: [String] = []

  @Option(
    help: ArgumentHelp(
      "If the dumps show a table several times: which one, counted from 1; the last by default.", valueName: "n"))
  var snapshot: Int?

  @Option(
    help: ArgumentHelp(
      "If the dumps are of several hosts: which one, by name or number.", valueName: "name"))
  var host: String?

  @OptionGroup var commands: CommandArguments

  @OptionGroup var namespace: NamespaceArguments

  /// Whether the host that the program runs on is read, in its own network namespace.
  var isThisHost: Bool { dumps.isEmpty && namespace.netns == nil && !StandardInput.isPiped }

  /// The dumps as they are read: what is piped into the program stands for `-`.
  var given: [String] { dumps.isEmpty && namespace.netns == nil && StandardInput.isPiped ? ["-"] : dumps }

  /// Reads the dumps into one host; without any, the host that the program runs on.
  ///
  /// - Parameters:
  ///   - clues: What the question says about the host, of which it chooses one where the dumps are of several.
  ///   - isInputTaken: Whether standard input holds something else than dumps.
  func read(for clues: HostClues = HostClues(), isInputTaken: Bool = false) throws -> HostReading {
    try host(of: readHosts(isInputTaken: isInputTaken), for: clues)
  }

  /// The hosts that the dumps are of; the one that was named, where one was.
  func chosenHosts() throws -> [HostReading] {
    let hosts = try readHosts()
    let isWhole = host == nil && hosts.count > 1 && snapshot == nil && commands.isEmpty
    return isWhole ? hosts : [try host(of: hosts)]
  }

  /// Of the hosts that the dumps are of the one that answers, after the commands that were given.
  func host(of hosts: [HostReading], for clues: HostClues = HostClues()) throws(Failure) -> HostReading {
    var reading = try HostChoice(hosts, named: host).host(for: clues)
    try checkSnapshot(of: reading)
    try commands.carryOut(on: &reading)
    return reading
  }

  private func checkSnapshot(of reading: HostReading) throws(Failure) {
    guard let snapshot, snapshot > reading.snapshotCount else { return }
    throw Failure(
      "--snapshot \(snapshot): the dumps show \(reading.snapshotCount) moment\(reading.snapshotCount == 1 ? "" : "s")")
  }

  /// Reads the dumps into the hosts that they are of; without any, the host that the program runs on.
  func readHosts(isInputTaken: Bool = false) throws -> [HostReading] {
    let dumps = isInputTaken ? dumps : given
    if let snapshot, snapshot < 1 { throw Failure("--snapshot \(snapshot): moments are counted from 1") }
    guard dumps.isEmpty || namespace.netns == nil else {
      throw Failure("--netns: it chooses a network namespace of this host, and the dumps are read instead of the host")
    }
    guard !dumps.isEmpty else { return [try LiveHost.read(namespace: namespace.netns)] }
    return try HostDumps.hosts(dumps, snapshot: snapshot)
  }
}

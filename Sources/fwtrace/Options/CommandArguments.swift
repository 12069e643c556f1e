import ArgumentParser
import Reports
import RuleGraph
import RuleParser

/// The commands that are carried out on the host in the dumps before it is asked about.
struct CommandArguments: ParsableArguments {
  @Option(
    name: .customLong("with"),
    help: ArgumentHelp(
      "First apply this command to the rules that were read, never to this machine: iptables, ip6tables, ipset, nft, sysctl, ufw, docker run, docker network connect. Can be repeated; @FILE reads commands from a file.",
      valueName: "command"))
  var commands: [String] = []

  @Option(
    name: .customLong("as-docker"),
    help: ArgumentHelp(
      "First rewrite Docker's own rules in the layout of this version (18.05 to 29, iptables). DOCKER-USER and all other rules stay.",
      valueName: "version"))
  var docker: String?

  /// The name under which commands of the command line are told of; its lines are the options.
  private static let name = "--with"

  var isEmpty: Bool { commands.isEmpty && docker == nil }

  /// Carries the commands out, in order.
  func carryOut(on reading: inout HostReading) throws(Failure) {
    guard !isEmpty else { return }
    let version = try version()
    let inputs = try inputs()
    do throws(CommandFailure) {
      if let version { try reading.layOutDocker(as: version) }
      if !inputs.isEmpty { try reading.carryOut(inputs) }
    } catch {
      throw Failure(CommandFailureWords.text(of: error))
    }
  }

  private func version() throws(Failure) -> DockerVersion? {
    guard let docker else { return nil }
    if let version = DockerVersion(docker) { return version }
    throw Failure(
      "--as-docker \(docker): expected a version of Docker from 18.05 on, such as 27, 28.1 or 29 (the layout of 28.0.0 is not supported)"
    )
  }

  /// The commands as texts: those of the command line, and files between them.
  private func inputs() throws(Failure) -> [DumpInput] {
    var inputs: [DumpInput] = []
    var typed: [String] = []
    for (index, command) in commands.enumerated() {
      guard command.hasPrefix("@") else {
        // Empty lines stand for what came before, so that a line's number is that of its option.
        if typed.isEmpty { typed = Array(repeating: "", count: index) }
        typed.append(command)
        continue
      }
      Self.add(typed, to: &inputs)
      typed = []
      inputs += try DumpFiles.read([String(command.dropFirst())])
    }
    Self.add(typed, to: &inputs)
    return inputs
  }

  private static func add(_ typed: [String], to inputs: inout [DumpInput]) {
    guard !typed.isEmpty else { return }
    inputs.append(DumpInput(name: name, bytes: Array((typed.joined(separator: "\n") + "\n").utf8)))
  }
}

import ArgumentParser
import HostAnalysis
import HostModel
import Reports
import RuleGraph
import RuleParser

/// `fwtrace who`: from where something can be reached, and what stops the others.
struct WhoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "who",
    abstract: "Show who can reach a container, an address or a port, and what stops the others.",
    discussion: """
      Exit status: 0 somebody besides the host itself can reach it, 1 nobody can, 2 bad input or usage, 3 undetermined.

        fwtrace who redis dump.txt
        fwtrace who 192.0.2.10:8443 dump.txt
        fwtrace who 53/udp dump.txt
      """)

  @ArgumentParser.Argument(
    help: ArgumentHelp("A container, an address, either with a port after a colon, or a port.", valueName: "target"))
  var target: String

  @Flag(help: "Print the answer as JSON (schema fwtrace.exposure/1, of the target only).")
  var json = false

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    var clues = HostClues()
    clues.destination = ReachTarget.address(in: target)
    let reading = try dumps.read(for: clues)
    try RefuseEmpty.check(reading, dumps: dumps.given)
    let host = AnalysedHost(reading.ruleset, facts: reading.facts)
    let meant: ReachTarget
    do {
      meant = try host.target(target)
    } catch {
      throw Failure(Self.sentence(error, target: target))
    }
    let reach = ProgressLine.during("asking from everywhere") { host.reach(meant) }
    if json {
      Output.write(
        ExposureJSON(reading.ruleset, hostName: reading.name ?? reading.facts.hostName).bytes(
          of: reach, diagnostics: reading.diagnostics))
    } else {
      let text = ReachText(reading.ruleset, facts: reading.facts, terminal: terminal.settings)
      Output.write(text.text(of: reach, to: meant, diagnostics: reading.diagnostics))
    }
    guard reach.isDetermined else { throw ExitStatus.undetermined }
    let isReached = reach.accesses.contains { $0.outcome == .open && reach.zones[$0.zone].kind != .host }
    throw isReached ? ExitStatus.accepted : ExitStatus.notAccepted
  }

  private static func sentence(_ problem: ReachTargetProblem, target: String) -> String {
    switch problem {
    case .noPort(let text): "who \(target): \(text) is not a port (1 to 65535)"
    case .noTransport(let text): "who \(target): \(text) is not a protocol with ports; write tcp or udp"
    case .noContainer(let name, let nearest?): "who \(target): no container named \(name); did you mean \(nearest)?"
    case .noContainer(let name, nil):
      "who \(target): no container named \(name) in the dumps; write a container, an address (172.17.0.2), an address with a port, or a port"
    case .elsewhere(let address): "who \(target): \(address) is neither an address of this host nor of a container"
    }
  }
}

import ArgumentParser
import HostModel
import Reports
import RuleGraph
import RuleParser
import Traffic

/// `fwtrace verify`: traces of the kernel held against the model.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hold what the kernel traced against the model: each step agrees, or the first difference.",
    discussion: """
      TRACE is what nft monitor trace or xtables-monitor --trace printed, or a kernel log with TRACE: lines; - is standard input. The packets are \
      complete in it, so nothing else is asked. A difference is a dump of another time, a host that is not fully shown, or a fault of fwtrace. \
      Exit status: 0 every packet that could be compared agrees, 1 one differs, 2 bad input or usage, 3 nothing could be compared.

        sudo nft monitor trace > trace.txt
        fwtrace verify trace.txt host/
      """)

  @ArgumentParser.Argument(help: ArgumentHelp("The trace; - is standard input.", valueName: "trace"))
  var trace: String

  @Option(help: ArgumentHelp("An address of the host that no dump shows. Can be repeated.", valueName: "addr"))
  var hostAddress: [String] = []

  @Flag(help: "Print the answer as JSON (schema fwtrace.verify/1).")
  var json = false

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    let input = try DumpFiles.read([trace])
    let text = input.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: "\n")
    let reader = KernelTraceReader(text)
    guard !reader.traces.isEmpty else {
      throw Failure(
        "\(trace): no trace found; fwtrace verify reads what nft monitor trace and xtables-monitor --trace print, and TRACE: lines of the kernel"
      )
    }
    var reading = try dumps.read(isInputTaken: trace == "-")
    try RefuseEmpty.check(reading, dumps: dumps.given)
    try reading.add(hostAddresses: hostAddress)
    let (ruleset, facts) = (reading.ruleset, reading.facts)
    let verification = ProgressLine.during("tracing") {
      TraceVerification(reader.traces, ruleset, facts: facts)
    }
    if json {
      Output.write(
        VerificationJSON(reading.ruleset, traceName: trace).bytes(
          of: verification, unreadable: reader.unreadable, diagnostics: reading.diagnostics))
    } else {
      let name = trace.split(separator: "/").last.map(String.init) ?? trace
      Output.write(
        VerificationText(reading.ruleset, traceName: name, terminal: terminal.settings).text(
          of: verification, unreadable: reader.unreadable, diagnostics: reading.diagnostics))
    }
    let (agree, differ, _) = verification.counts
    throw differ > 0 ? ExitStatus.notAccepted : agree > 0 ? .accepted : .undetermined
  }
}

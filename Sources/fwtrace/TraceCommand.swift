import ArgumentParser
import FlowTrace
import HostModel
import Reports
import RuleGraph
import RuleParser

/// How much of the way is shown.
enum DetailChoice: String, ExpressibleByArgument, CaseIterable {
  case brief, normal, all

  /// The same for the report.
  var detail: Detail {
    switch self {
    case .brief: .brief
    case .normal: .normal
    case .all: .all
    }
  }
}

/// What the person who asks would like to happen.
enum WantedOutcome: String, ExpressibleByArgument, CaseIterable {
  case accept, drop, reject

  /// The same for the tracer.
  var verdict: Case.Verdict {
    switch self {
    case .accept: .accept
    case .drop: .drop
    case .reject: .reject
    }
  }
}

/// `fwtrace trace`: one question, or a batch of them, about the host in the dumps.
struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Follow a packet through the rules and say what decides.",
    discussion: """
      What you do not fix stays open, and the answer tells the cases apart. Without any option for the packet, what is open to the outside is \
      listed (fwtrace exposure lists the rest, too). Exit status: 0 every case is accepted and its reply comes back, 1 some \
      case or its reply is dropped or rejected, or nothing listens, 2 bad input or usage, 3 undetermined.
      """)

  @OptionGroup(title: "The packet")
  var packet: QueryArguments

  @Option(
    help: ArgumentHelp(
      "The outcome you want (accept, drop or reject): for what comes out otherwise, the rule that would change it, tried.",
      valueName: "outcome"))
  var want: WantedOutcome?

  @Flag(help: "Print the answer as JSON (schema fwtrace.trace/1).")
  var json = false

  @Option(help: ArgumentHelp("How much of the way to show: brief, normal or all.", valueName: "detail"))
  var explain: DetailChoice = .normal

  @OptionGroup var terminal: TerminalArguments

  @Option(
    help: ArgumentHelp(
      "Answer each line of this file, a JSON object, with a line of JSON (- is standard input).", valueName: "file"))
  var batch: String?

  @OptionGroup var dumps: DumpArguments

  /// Whether nothing is asked about a packet: the answer is then about the whole host.
  private var isAboutTheHost: Bool { packet.isEmpty && batch == nil && want == nil && !json && explain != .all }

  func run() throws {
    if isAboutTheHost {
      throw try HostOverview(terminal: terminal.settings, isBrief: true).print(dumps.chosenHosts(), dumps: dumps.dumps)
    }
    let reading = try dumps.read(for: packet.clues)
    try RefuseEmpty.check(reading, dumps: dumps.dumps)
    if let batch {
      guard packet.isEmpty, want == nil else {
        throw Failure("--batch: the questions stand in \(batch); options for the packet have no place beside it")
      }
      try Batch(reading: reading).answer(questionsIn: batch)
      return
    }
    var query = try packet.query(facts: reading.facts)
    var options = Tracer.Options()
    options.listsEveryRule = explain == .all
    options.tracesReply = true
    options.findsRulesOffPath = true
    if explain == .all { options.nearMissLimit = 100 }
    options.wanted = want?.verdict
    var diagnostics = reading.diagnostics
    let sender =
      dumps.isThisHost ? LiveHost.sender(of: query, in: reading, options: options, &diagnostics) : nil
    if let sender, let remark = sender.remark { query.remarks.append(remark) }
    let tracer = Tracer(reading.ruleset, facts: reading.facts)
    let trace = sender?.onward(query) { tracer.trace($0, options: options) } ?? tracer.trace(query, options: options)
    if json {
      Output.write(
        TraceJSON(reading.ruleset, captured: reading.facts.captured)
          .bytes(of: trace, from: sender, diagnostics: diagnostics))
    } else {
      let text = TraceText(reading.ruleset, facts: reading.facts, terminal: terminal.settings, detail: explain.detail)
      Output.write(text.text(of: trace, from: sender, diagnostics: diagnostics))
    }
    throw ExitStatus(sender?.whole(with: trace) ?? trace)
  }
}

/// Input without a single rule is an error: it would otherwise read as "everything is accepted".
enum RefuseEmpty {
  static func check(_ reading: HostReading, dumps: [String]) throws(Failure) {
    guard reading.ruleset.tables.isEmpty else { return }
    // Who asked for everything, and got nothing, has a host without rules.
    if reading.ruleset.coverage.allOfNftables || !reading.ruleset.coverage.allOfIptables.isEmpty { return }
    let names = dumps.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    let why = reading.diagnostics.first { $0.severity == .error }.map { " (\($0.message))" } ?? ""
    throw Failure(
      "\(names): no firewall rules found\(why); fwtrace reads what iptables-save, iptables -L, iptables -S, nft list ruleset and nft -j list ruleset print"
    )
  }
}

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
      What you leave out stays open, and the answer has a case for each outcome. Without any option for the packet, fwtrace lists what is open \
      to the outside (fwtrace exposure lists everything). Exit status: 0 every case is accepted and no reply is known to fail, 1 a case or \
      its reply is dropped or rejected, or nothing listens, 2 bad input or usage, 3 undetermined.
      """)

  @OptionGroup(title: "The packet")
  var packet: QueryArguments

  @Option(
    help: ArgumentHelp(
      "The verdict you want: for cases with another one, show the rule that would change it, tried out.",
      valueName: "outcome"))
  var want: WantedOutcome?

  @Flag(help: "Print the answer as JSON (schema fwtrace.trace/1).")
  var json = false

  @Option(help: ArgumentHelp("How much of the path to show: brief, normal or all.", valueName: "detail"))
  var explain: DetailChoice = .normal

  @Option(
    name: .customLong("case"),
    help: ArgumentHelp(
      "Show the path of this line of the table of outcomes.", valueName: "n"))
  var shownCase: Int?

  @OptionGroup var terminal: TerminalArguments

  @Option(
    help: ArgumentHelp(
      "Answer each line of this file, a JSON object, with a line of JSON (- is standard input).", valueName: "file"))
  var batch: String?

  @Option(
    help: ArgumentHelp(
      "With --batch: answer in these fields alone: verdict, rule, line, text, fate, out, src, dst, reject_with, cases.",
      valueName: "names"))
  var fields: String?

  @Flag(help: "With --batch: answer in rows with tabs between the fields.")
  var tsv = false

  @Flag(help: "With --batch: say how often each answer was given, by verdict, rule and line or by --fields.")
  var summary = false

  @OptionGroup var dumps: DumpArguments

  /// Whether nothing is asked about a packet: the answer is then about the whole host.
  private var isAboutTheHost: Bool {
    packet.isEmpty && batch == nil && want == nil && !json && explain != .all && shownCase == nil
  }

  func run() throws {
    if let shownCase, json || batch != nil {
      throw Failure("--case \(shownCase): it chooses what the text shows, and JSON holds every case")
    }
    if batch == nil, fields != nil || tsv || summary {
      let option = fields != nil ? "--fields" : tsv ? "--tsv" : "--summary"
      throw Failure("\(option): it tells how the answers of --batch FILE are printed")
    }
    if isAboutTheHost {
      let overview = HostOverview(
        terminal: terminal.settings, isBrief: true, isOneScreen: explain == .brief)
      throw try overview.print(dumps.chosenHosts(), dumps: dumps.given)
    }
    let reading = try dumps.read(for: packet.clues, isInputTaken: batch == "-")
    try RefuseEmpty.check(reading, dumps: dumps.given)
    if let batch {
      guard packet.isEmpty, want == nil else {
        throw Failure("--batch: the questions stand in \(batch); options for the packet have no place beside it")
      }
      let form = try BatchForm(fields: fields, isTable: tsv, isSummary: summary)
      try Batch(reading: reading, form).answer(questionsIn: batch)
      return
    }
    try InterfaceCheck(reading).check(packet)
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
    let trace = ProgressLine.during("tracing") {
      sender?.onward(query) { tracer.trace($0, options: options) } ?? tracer.trace(query, options: options)
    }
    if json {
      var form = TraceJSON(reading.ruleset, captured: reading.facts.captured)
      form.facts = reading.facts
      Output.write(form.bytes(of: trace, from: sender, diagnostics: diagnostics))
    } else {
      var text = TraceText(reading.ruleset, facts: reading.facts, terminal: terminal.settings, detail: explain.detail)
      text.shownCase = try shownCase.map { try checked($0, text.outcomeCount(of: trace)) }
      Output.write(text.text(of: trace, from: sender, diagnostics: diagnostics))
    }
    throw ExitStatus(sender?.whole(with: trace) ?? trace)
  }
}

extension TraceCommand {
  private func checked(_ number: Int, _ count: Int) throws(Failure) -> Int {
    guard (1...max(count, 1)).contains(number) else {
      throw Failure("--case \(number): the answer has \(count == 1 ? "1 case" : "\(count) cases, counted from 1")")
    }
    return number
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

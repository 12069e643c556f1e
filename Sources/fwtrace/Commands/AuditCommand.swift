import ArgumentParser
import FlowTrace
import HostAnalysis
import HostModel
import Reports
import RuleGraph
import RuleParser

/// `fwtrace audit`: which rules get no packets, do nothing or miss what they are meant for, and what is open that
/// should not be.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Find rules that never match, are not needed or miss their purpose, and ports that should not be open.",
    discussion: """
      Each finding names the rules that prove it, an example packet where there is one, and a fix where one was tried. A rule is reported as never \
      reached only if no packet can reach it on any host. Exit status: 0 no findings, 1 findings of the severity asked for, 2 bad input or \
      usage, 3 no findings, but not all rules were shown.

        fwtrace audit dump.txt
        fwtrace audit --severity high --ignore known.txt rules.v4
        fwtrace audit --sarif dump.txt > audit.sarif
      """)

  @Option(help: ArgumentHelp("The lowest severity to show: note, warning or high.", valueName: "weight"))
  var severity = "warning"

  @Option(
    help: ArgumentHelp(
      "Show only findings of this kind: shadowed, redundant, dangerous-service and so on. Can be repeated; several kinds may be separated by commas.",
      valueName: "kind"))
  var only: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file of known findings to leave out. Each line holds a key (KIND@TABLE/CHAIN/NUMBER, KIND@TABLE/CHAIN or KIND) and the reason.",
      valueName: "file"))
  var ignore: String?

  @Flag(help: "Print the findings as JSON (schema fwtrace.audit/1).")
  var json = false

  @Flag(help: "Print the findings as Markdown.")
  var markdown = false

  @Flag(help: "Print the findings as SARIF 2.1.0, each at its line of the dump.")
  var sarif = false

  @Flag(
    help:
      "Print a shorter ruleset instead: without rules that get no packets or are not needed, neighbours merged; and prove that it treats every packet the same. Exit status: 0 proved, 3 not."
  )
  var optimized = false

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    try AnswerForm.check(["--json": json, "--markdown": markdown, "--sarif": sarif, "--optimized": optimized])
    let least = try weight()
    let kinds = try self.kinds()
    let known = try ignore.map { path throws(Failure) in try KnownFindings(path) }
    let reading = try dumps.read()
    try RefuseEmpty.check(reading, dumps: dumps.given)
    if optimized { throw SmallerRules(reading: reading).print() }
    let ruleset = reading.ruleset
    let audit = ProgressLine.during("looking at every rule") {
      AnalysedHost(ruleset, facts: reading.facts).audit(for: kinds ?? Set(Finding.ID.allCases))
    }

    var shown = audit
    let ofKinds = shown.findings
    shown.findings.removeAll { known?.contains($0, in: ruleset) ?? false }
    let ignored = ofKinds.count - shown.findings.count
    // Who asks for a kind wants to see it, whatever it weighs.
    let notes = kinds == nil ? shown.findings.count { $0.severity < least } : 0
    if kinds == nil { shown.findings.removeAll { $0.severity < least } }

    if json {
      Output.write(AuditJSON(ruleset).bytes(of: shown, diagnostics: reading.diagnostics))
    } else if markdown {
      Output.write(AuditMarkdown(ruleset).text(of: shown))
    } else if sarif {
      Output.write(AuditSARIF.bytes(of: shown, ruleset, version: Fwtrace.configuration.version))
    } else {
      let text = AuditText(ruleset, terminal: terminal.settings)
      Output.write(text.text(of: shown, ignored: ignored, notes: notes, diagnostics: reading.diagnostics))
    }
    for line in known?.stale(audit.findings, of: kinds, in: ruleset) ?? [] {
      Output.error("fwtrace: \(line): no such finding any more\n")
    }
    throw shown.findings.isEmpty ? audit.partial.isEmpty ? ExitStatus.accepted : .undetermined : .notAccepted
  }

  private func weight() throws(Failure) -> Finding.Severity {
    switch severity.lowercased() {
    case "note": return .note
    case "warning", "warn": return .warning
    case "high": return .high
    default: throw Failure("--severity \(severity): note, warning or high is expected")
    }
  }

  private func kinds() throws(Failure) -> Set<Finding.ID>? {
    if only.isEmpty { return nil }
    var kinds: Set<Finding.ID> = []
    for name in only.flatMap({ $0.split(separator: ",").map(String.init) }) {
      kinds.insert(try Finding.ID.named(name, in: "--only \(name)"))
    }
    return kinds
  }
}

extension Finding.ID {
  /// The kind of this name.
  ///
  /// - Parameter place: Where the name was given, for whoever mistyped it.
  static func named(_ name: String, in place: String) throws(Failure) -> Finding.ID {
    if let kind = Finding.ID(rawValue: name) { return kind }
    let all = allCases.map(\.rawValue)
    let near =
      Spelling.nearest(to: name, among: all).map { "; did you mean \($0)?" }
      ?? "; they are: \(all.joined(separator: ", "))"
    throw Failure("\(place): no kind of finding has this name\(near)")
  }
}

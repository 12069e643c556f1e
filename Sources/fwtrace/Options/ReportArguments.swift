import ArgumentParser
import PolicyCheck
import Reports

/// The reports of a policy's run, each into a file; `-` is standard output, in place of the text.
struct ReportArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Write JUnit XML.", valueName: "file"))
  var junit: String?

  @Option(help: ArgumentHelp("Write TAP 13.", valueName: "file"))
  var tap: String?

  @Option(help: ArgumentHelp("Write JSON (schema fwtrace.test/1).", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Write SARIF 2.1.0, results at the lines of the dumps.", valueName: "file"))
  var sarif: String?

  @Flag(help: "Print annotations for GitHub Actions.")
  var github = false

  @Flag(help: "Print which rules the tests met, chain by chain.")
  var coverage = false

  @Option(help: ArgumentHelp("Write the coverage as JSON (schema fwtrace.coverage/1).", valueName: "file"))
  var coverageJSON: String?

  @Option(help: ArgumentHelp("Write the coverage as a trace file of lcov: the lines of the dumps.", valueName: "file"))
  var lcov: String?

  @Option(help: ArgumentHelp("Fail when the tests met a smaller share of a host's rules.", valueName: "percent"))
  var coverageMin: Double?

  func validate() throws {
    let standard = [junit, tap, json, sarif, coverageJSON, lcov].filter { $0 == "-" }
    if standard.count > 1 { throw ValidationError("only one report can go to standard output") }
    if let coverageMin, !(0...100).contains(coverageMin) {
      throw ValidationError("--coverage-min is a percentage from 0 to 100")
    }
  }

  /// Whether any report tells what the tests met.
  var needsCoverage: Bool { coverage || coverageJSON != nil || lcov != nil || coverageMin != nil }

  /// Whether a report goes to standard output.
  var takesStandardOutput: Bool { [junit, tap, json, sarif, coverageJSON, lcov].contains("-") }

  /// Writes every report that was asked for.
  func write(_ results: [HostResult], _ coverage: [PolicyCoverage], policy: String) throws(Failure) {
    let version = Fwtrace.configuration.version
    if let junit { try OutputFile.write(Array(JUnit.text(of: results, policy: policy).utf8), to: junit) }
    if let tap { try OutputFile.write(Array(TAP.text(of: results, policy: policy).utf8), to: tap) }
    if let json {
      let shown = self.coverage ? coverage : []
      try OutputFile.write(PolicyJSON.bytes(of: results, policy: policy, coverage: shown), to: json)
    }
    if let sarif { try OutputFile.write(SARIF.bytes(of: results, policy: policy, version: version), to: sarif) }
    if let coverageJSON { try OutputFile.write(PolicyJSON.bytes(of: coverage), to: coverageJSON) }
    if let lcov { try OutputFile.write(Array(LCOV.text(of: coverage).utf8), to: lcov) }
    if github, !takesStandardOutput { Output.write(GitHubAnnotations.text(of: results, policy: policy)) }
  }
}

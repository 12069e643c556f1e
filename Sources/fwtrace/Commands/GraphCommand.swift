import ArgumentParser
import Reports
import RuleGraph
import RuleParser

/// `fwtrace graph`: the chains and how packets go between them, as a diagram.
struct GraphCommand: ParsableCommand {
  /// The languages of diagrams.
  enum Language: String, ExpressibleByArgument, CaseIterable {
    case dot, mermaid
  }

  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Draw the chains and the jumps between them, for Graphviz or Mermaid.")

  @Option(help: ArgumentHelp("The diagram's language: dot or mermaid.", valueName: "language"))
  var format: Language = .dot

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    let reading = try dumps.read()
    try RefuseEmpty.check(reading, dumps: dumps.given)
    Output.write(GraphDiagram(format == .dot ? .dot : .mermaid).text(of: reading.ruleset))
  }
}

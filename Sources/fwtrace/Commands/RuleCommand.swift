import ArgumentParser
import FlowTrace
import HostAnalysis
import HostModel
import Reports
import RuleGraph
import RuleParser

/// `fwtrace rule`: all about one rule.
struct RuleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rule",
    abstract:
      "Explain one rule: what it matches, which packets reach it, which rules take its packets, what is wrong with it.",
    discussion: """
      Exit status: 0 packets reach the rule, 1 none do, 2 bad input or usage, 3 unknown.

        fwtrace rule filter DOCKER-USER 5 dump.txt
        iptables-save | fwtrace rule nat DOCKER 2
      """)

  @ArgumentParser.Argument(
    help: ArgumentHelp(
      "The table: filter, nat and so on; with its family where there are several (ip6/filter).", valueName: "table"))
  var table: String

  @ArgumentParser.Argument(help: ArgumentHelp("The chain.", valueName: "chain"))
  var chain: String

  @ArgumentParser.Argument(help: ArgumentHelp("The rule's number, from 1.", valueName: "number"))
  var number: Int

  @OptionGroup var terminal: TerminalArguments

  @OptionGroup var dumps: DumpArguments

  func run() throws {
    let reading = try dumps.read()
    try RefuseEmpty.check(reading, dumps: dumps.given)
    let id = try rule(in: reading.ruleset)
    let story = ProgressLine.during("looking at the rules") {
      AnalysedHost(reading.ruleset, facts: reading.facts).story(of: id)
    }
    Output.write(RuleStoryText(reading.ruleset, terminal: terminal.settings).text(of: story))
    switch story.arrival {
    case .some: throw ExitStatus.accepted
    case .none: throw ExitStatus.notAccepted
    case .unknown: throw ExitStatus.undetermined
    }
  }

  private func rule(in ruleset: Ruleset) throws(Failure) -> RuleID {
    let parts = table.split(separator: "/", maxSplits: 1).map(String.init)
    let named = ruleset.tables.indices.filter { index in
      let one = ruleset.tables[index]
      return parts.count == 2 ? one.family.rawValue == parts[0] && one.name == parts[1] : one.name == table
    }
    guard !named.isEmpty else {
      let names = ruleset.tables.filter { $0.shown != .nothing }.map { "\($0.family.rawValue)/\($0.name)" }
      throw Failure("rule \(table): no such table; the dumps have \(names.joined(separator: ", "))")
    }
    // Of tables with one name that of IPv4 is meant first.
    for index in named {
      guard let place = ruleset.tables[index].chainIndex(chain) else { continue }
      let one = ruleset[ChainID(table: index, chain: place)]
      let rules = one.rules.indices.filter { one.rules[$0].missing == nil }
        .map { RuleID(table: index, chain: place, rule: $0) }
      guard let rule = rules.first(where: { ruleset.number(of: $0) == number }) else {
        let count = rules.last.map { ruleset.number(of: $0) }
        let last = count.map { $0 == 1 ? "only rule 1" : "rules 1 to \($0)" }
        throw Failure("rule \(table) \(chain) \(number): the chain has \(last ?? "no rules")")
      }
      return rule
    }
    let names = named.flatMap { ruleset.tables[$0].chains.map(\.name) }
    let near = Spelling.nearest(to: chain, among: names).map { "; did you mean \($0)?" } ?? ""
    throw Failure("rule \(table) \(chain): the table has no such chain\(near)")
  }
}

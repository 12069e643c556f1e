package import PolicyCheck
import RuleGraph

/// The coverage of a policy as text: a line for each chain, and below it the rules that no test met.
package struct CoverageText: Sendable {
  /// What it is shown on.
  package var terminal: TerminalSettings

  /// Makes a writer.
  package init(terminal: TerminalSettings = TerminalSettings()) { self.terminal = terminal }

  /// The text for some hosts.
  package func text(of hosts: [PolicyCoverage]) -> String {
    var page = Page(terminal)
    for coverage in hosts {
      page.addGap()
      let head = "Coverage of \(coverage.host.name): \(coverage.covered) of \(coverage.rules) rules"
      page.add(StyledText(head, .strong) + StyledText(" (\(Percent.text(coverage.percent)))"), hanging: 2)
      let names = coverage.chains.map { coverage.host.ruleset.place(of: $0.chain) }
      let width = names.map { DisplayWidth.of($0) }.max() ?? 0
      for (chain, name) in zip(coverage.chains, names) { add(chain, name, width, of: coverage.host, to: &page) }
    }
    return page.text
  }

  private func add(
    _ chain: PolicyCoverage.ChainUse, _ name: String, _ width: Int, of host: PolicyHost, to page: inout Page
  ) {
    let decided = chain.rules.count { $0.use == .decided }
    let visited = chain.rules.count { $0.use == .visited }
    var text = StyledText(name).padded(to: width + 2)
    if !chain.rules.isEmpty { text += StyledText("\(decided) decided, \(visited) visited, of \(chain.rules.count)") }
    if let tests = chain.policyTests {
      text += StyledText("\(chain.rules.isEmpty ? "" : "; ")policy \(tests == 0 ? "never reached" : "reached")")
    }
    page.add(text, indent: 2, hanging: width + 2)
    for rule in chain.rules where rule.use == .never {
      let span = host.ruleset[rule.rule].span
      let line = "never  \(host.ruleset.location(of: span))  \(host.ruleset.sources.text(of: span))"
      page.add(StyledText(line, .doubtful), indent: 4, hanging: 7)
    }
  }
}

/// Percentages with one decimal, without Foundation's formatting.
enum Percent {
  static func text(_ percent: Double) -> String {
    let tenths = Int((percent * 10).rounded(.down))
    return "\(tenths / 10).\(tenths % 10) %"
  }
}

import RuleGraph
import Testing

@testable import RuleParser

/// Rules with a line of their own are read apart from the others, on all processors; nothing else may come of it than in one go.
@Suite struct NftPlainLineTests {
  private let rules = """
    tcp dport 22 accept
    ip saddr { 10.0.0.1, 10.0.0.2 } counter packets 1 bytes 2 drop # handle 9
    ip daddr @inside accept
    tcp flags syn,
    ack accept
    tcp dport vmap
    { 80 : accept, 81 : drop }
    ip saddr $gateway accept
    udp dport { 53,
    54 } accept
    log prefix "a;b{c" accept
    ip protocol tcp \\
    tcp dport 23 drop
    frobnicate 3
    tcp dport 24 accept; tcp dport 25 drop
    comment "#1" accept
    """

  private func read(_ rules: String, times: Int = 1) -> RuleFragment {
    let body = Array(repeating: rules, count: times).joined(separator: "\n")
    return NftTextReader.read(
      dumpText(
        "define gateway = 192.0.2.1\ntable ip t {\nset inside { type ipv4_addr; }\nchain c {\n\(body)\n}\nchain d { accept }\n}\n"
      ))
  }

  /// The same rules behind something that keeps a line from being read apart.
  private func inOneGo(_ rules: String) -> String {
    var braces = 0
    return rules.split(separator: "\n").map { line in
      defer { braces += line.count { $0 == "{" } - line.count { $0 == "}" } }
      let goesOn = line.hasSuffix(",") || line.hasSuffix("vmap") || line.hasSuffix("\\") || line.contains("#")
      return braces == 0 && !goesOn && !line.hasPrefix("log") ? line + ";" : line
    }.joined(separator: "\n")
  }

  @Test func theRulesAreThoseReadInOneGo() {
    let apart = read(rules).comparable()
    #expect(apart == read(inOneGo(rules)).comparable())
    #expect(apart[0].chains.map(\.rules.count) == [13, 1])
  }

  @Test func aRuleKnowsItsLine() throws {
    let chain = try #require(read(rules).tables.first?.chains.first)
    #expect(chain.rules.prefix(4).map(\.span.line) == [5, 6, 7, 8])
    #expect(chain.rules[1].handle == 9)
  }

  @Test func diagnosticsStandInTheOrderOfTheText() {
    let fragment = read("frobnicate 1\n" + inOneGo("frobnicate 2") + "\nfrobnicate 3")
    #expect(fragment.diagnostics.map { $0.span?.line } == [5, 6, 7])
  }

  @Test func manyAreReadByAllProcessors() {
    let many = read(rules, times: 1000).comparable()[0].chains[0].rules
    let few = read(rules).comparable()[0].chains[0].rules
    #expect(many.count == 1000 * few.count)
    #expect(many.indices.allSatisfy { many[$0] == few[$0 % few.count] })
  }

  @Test func aChainMayBeACommandOfItsOwn() throws {
    let chains = """
      add table ip t
      add chain ip t first {
        type filter hook input priority 0; policy accept;
        tcp dport 22 drop
      }
      table ip u {
        chain second {
          tcp dport 23 drop
        }
      }
      """
    let fragment = NftTextReader.read(dumpText(chains))
    let rules = fragment.tables.map { $0.chains.flatMap { $0.rules.map(\.statements.count) } }
    #expect(rules == [[2], [2]])
    #expect(fragment.tables.map { $0.chains.map(\.name) } == [["first"], ["second"]])
  }
}

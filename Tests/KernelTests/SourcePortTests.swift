import KernelLab
import Reports
import RuleGraph
import RuleParser
import Testing

@testable import FlowTrace

/// A batch gives one answer for all source ports where no rule looks at them: whatever the rules are, the port must make no difference then.
@Suite struct SourcePortTests {
  @Test(arguments: Scenario.Profile.allCases)
  func `where no rule looks at source ports all get the same answer`(_ profile: Scenario.Profile) throws {
    var compared = 0
    for seed in UInt64(1)...IndexedWalkTests.seeds {
      for subject in try IndexedWalkTests.generated(profile, seed: seed) { compared += compare(subject) }
    }
    #expect(compared > 100, "there should be answers to compare")
  }

  /// Compares the answers for some source ports, of the rules that don't look at them; gives the number of answers that were foretold.
  private func compare(_ subject: IndexedWalkTests.Subject) -> Int {
    var ruleset = subject.reading.ruleset
    for table in ruleset.tables.indices {
      for chain in ruleset.tables[table].chains.indices {
        ruleset.tables[table].chains[chain].rules.removeAll {
          $0.statements.contains { statement in Tracer.looksAtSourcePorts(statement) }
        }
      }
    }
    #expect(!Tracer.looksAtSourcePorts(ruleset, subject.reading.facts))
    let tracer = Tracer(ruleset, facts: subject.reading.facts)
    let form = TraceJSON(ruleset, indented: false)
    var foretold = 0
    for query in subject.queries where query.sourcePort != nil && query.phase == .first {
      // Among them what rules and questions have as destination port, and the ports that only root may use.
      let ports = [40000, 7, 53, 80, 1024, 65535] + (query.destinationPort?.single.map { [Int($0)] } ?? [])
      let answers = ports.map { port in
        var query = query
        query.id = "about \(port)"
        query.sourcePort = ValueSet(port)
        return form.bytes(of: tracer.trace(query))
      }
      let known = KnownAnswers(keepsSourcePort: false)
      for (port, answer) in zip(ports, answers) {
        let text = Array(#"{"id": "about \#(port)", "sport": \#(port)}"#.utf8)
        guard let line = known.question(text, text.indices) else {
          Issue.record("\(port) is a plain port")
          continue
        }
        var told: [UInt8] = []
        if known.answer(line, to: &told) {
          foretold += 1
          if told != answer {
            let shown = [told, answer].map { String(decoding: $0, as: UTF8.self) }
            Issue.record("\(subject.name) source port \(port): \(query)\nforetold \(shown[0])traced   \(shown[1])")
          }
        } else {
          known.keep(ArraySlice(answer), to: line)
        }
      }
    }
    return foretold
  }
}

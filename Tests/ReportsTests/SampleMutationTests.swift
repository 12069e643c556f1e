import FlowTrace
import Foundation
import HostModel
import Randomness
import Reports
import RuleGraph
import RuleParser
import Testing

/// Damaged samples go the whole way, from the dump to the printed answer, without a crash and to an end.
@Suite struct SampleMutationTests {
  /// Variants of each sample; `FWTRACE_MUTATIONS=10000` makes more.
  static let variants = ProcessInfo.processInfo.environment["FWTRACE_MUTATIONS"].flatMap { Int($0) } ?? 10

  static let questions: [[(QueryOption, String)]] = [
    [(.dst, "172.17.0.2:8080")], [(.input, "ens33"), (.dst, "192.168.0.140:32769")],
    [(.src, "172.17.0.2"), (.dst, "8.8.8.8:53"), (.proto, "udp")], [(.dst, "192.0.2.2:80")], [(.from, "host")],
  ]

  @Test(.timeLimit(.minutes(30)), arguments: try Samples.names)
  func aDamagedSampleIsReadAndTraced(_ sample: String) throws {
    let inputs = try Samples.inputs(sample)
    let number = try Samples.names.firstIndex(of: sample) ?? 0
    var random = RandomNumbers(seed: 7)
    for round in 0..<Self.variants {
      var damaged = inputs
      let file = random.number(0...inputs.count - 1)
      damaged[file] = DumpInput(name: inputs[file].name, bytes: mutated(Array(inputs[file].bytes), by: &random))
      let reading = DumpReader().read(damaged)
      for diagnostic in reading.diagnostics {
        guard let span = diagnostic.span else { continue }
        let size = damaged[Int(span.source)].bytes.count
        #expect(span.offset >= 0 && span.offset + span.length <= size && span.line >= 1)
      }
      // A question that leaves everything open has many cases: it is asked once of each sixth sample.
      let asksAll = round == Self.variants - 1 && number % 6 == 0
      try ask(asksAll ? [] : Self.questions[round % Self.questions.count], of: reading)
    }
  }

  private func ask(_ question: [(QueryOption, String)], of reading: HostReading) throws {
    var options = Tracer.Options()
    options.tracesReply = true
    let trace = Tracer(reading.ruleset, facts: reading.facts).trace(
      try Samples.query(question, facts: reading.facts), options: options)
    #expect(!trace.cases.isEmpty)
    let report = TraceText(reading.ruleset, facts: reading.facts)
    #expect(!report.text(of: trace, diagnostics: reading.diagnostics).isEmpty)
    #expect(!TraceJSON(reading.ruleset).bytes(of: trace, diagnostics: reading.diagnostics).isEmpty)
  }
}

import FlowTrace
import HostModel
import RuleGraph
import RuleParser

/// Texts as fwtrace understands them.
struct Understanding {
  private let hosts: [(reading: HostReading, tracer: Tracer)]

  init(_ texts: [PastedText]) {
    hosts = DumpReader().readHosts(texts.map(\.input)).map { ($0, Tracer($0.ruleset, facts: $0.facts)) }
  }

  func answer(_ question: Question) -> Answer {
    // Without rules, or of two hosts of which none is meant, the program refuses to answer.
    guard let (reading, tracer) = host(question), !reading.ruleset.tables.isEmpty,
      let query = question.query(reading.facts)
    else { return .undetermined }
    var options = Tracer.Options()
    options.findsNearMisses = false
    return Answer(tracer.trace(query, options: options), reading)
  }

  /// The host that answers, as the program chooses it.
  private func host(_ question: Question) -> (reading: HostReading, tracer: Tracer)? {
    hosts.map(\.reading).index(for: question.clues).map { hosts[$0] }
  }
}

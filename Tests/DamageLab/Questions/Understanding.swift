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

  /// The host that answers: the one that has the address in question, as the program chooses it (`HostChoice`).
  private func host(_ question: Question) -> (reading: HostReading, tracer: Tracer)? {
    if hosts.count < 2 { return hosts.first }
    for address in question.addresses {
      for knows in [Self.owns, Self.leadsTo] {
        let fitting = hosts.filter { knows($0.reading, address) }
        if fitting.count == 1 { return fitting.first }
      }
    }
    return nil
  }

  private static func owns(_ host: HostReading, _ address: IPAddress) -> Bool {
    host.facts.interfaces.contains { $0.addresses.contains { $0.address == address } }
      || host.facts.routes.contains { $0.source == address }
  }

  private static func leadsTo(_ host: HostReading, _ address: IPAddress) -> Bool {
    host.facts.containers.contains { $0.endpoints.contains { $0.addresses.contains(address) } }
      || InferredHost(ruleset: host.ruleset, facts: host.facts).containerAddresses.contains { $0.address == address }
  }
}

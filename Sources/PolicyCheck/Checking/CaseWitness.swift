package import FlowTrace
package import HostModel

/// One packet of a case that stands for all of them: of well-known addresses and ports where the case has such.
package struct CaseWitness {
  private let sampler: Sampler

  /// Makes a finder for the cases of one question.
  package init(query: Query, facts: HostFacts) {
    sampler = Sampler(query: query, interfaces: facts.interfaces.map(\.name))
  }

  /// A packet of a case, as a question that fixes it; nil where none was found.
  package func packet(of part: Case) -> Query? {
    sampler.packets(of: part.when, limit: 1, thoroughly: false).first
      ?? sampler.packets(of: part.when, limit: 1, thoroughly: true).first
  }
}

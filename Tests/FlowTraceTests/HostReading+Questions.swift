import FlowTrace
import HostModel
import RuleGraph
import RuleParser

extension HostReading {
  /// What one paste tells of its host.
  static func of(_ paste: String) -> HostReading {
    DumpReader().read([DumpInput(name: "paste.txt", bytes: Array(paste.utf8))])
  }

  /// A question as its options say it.
  func query(_ options: [(QueryOption, String)]) throws -> Query {
    var builder = QueryBuilder(facts: facts)
    for (option, text) in options { try builder.set(option, text) }
    return try builder.query()
  }

  /// The answer to it.
  func trace(_ options: [(QueryOption, String)], tracesReply: Bool = false) throws -> Trace {
    var tracing = Tracer.Options()
    tracing.tracesReply = tracesReply
    return Tracer(ruleset, facts: facts).trace(try query(options), options: tracing)
  }
}

public import FlowTrace
public import RuleParser

// What most tests begin with: a host out of one text, and a question to it.

extension HostReading {
  /// What one paste tells of its host.
  public static func of(_ paste: String, name: String = "paste.txt") -> HostReading {
    DumpReader().read([DumpInput(name: name, text: paste)])
  }

  /// A question as its options say it.
  public func query(_ options: [(QueryOption, String)]) throws -> Query {
    var builder = QueryBuilder(facts: facts)
    for (option, text) in options { try builder.set(option, text) }
    return try builder.query()
  }

  /// The answer to it.
  public func trace(_ options: [(QueryOption, String)], tracesReply: Bool = false) throws -> Trace {
    var tracing = Tracer.Options()
    tracing.tracesReply = tracesReply
    return Tracer(ruleset, facts: facts).trace(try query(options), options: tracing)
  }
}

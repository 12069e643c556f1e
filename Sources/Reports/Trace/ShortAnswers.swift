package import FlowTrace
package import HostModel
package import RuleGraph
package import Traffic

/// Answers of a batch in a few fields: an object a line, or columns.
///
///     {"id": "a", "verdict": "accept", "rule": "filter INPUT 3", "line": "rules.v4:12"}
///     a  accept  filter INPUT 3  rules.v4:12
///
/// Where the cases of an answer differ in a field, an object has a list of the values, and a column has them with
/// commas between.
package struct ShortAnswers: AnswerForm {
  /// What can be told of an answer; the raw value is its name in objects and on the command line.
  package enum Field: String, CaseIterable, Sendable {
    /// The verdict over all cases.
    case verdict
    /// What decides: `filter INPUT 3`, `policy of filter INPUT`.
    case rule
    /// Its line in the dump.
    case line
    /// The rule as it stands there.
    case text
    /// Where the packet goes: `local`, `forward`, `sent`, `bridged`, `discarded`.
    case fate
    /// The interface that it leaves through.
    case out
    /// Source and destination as the packet leaves or is delivered.
    case src, dst
    /// The answer that a reject sends.
    case rejectWith = "reject_with"
    /// The number of cases.
    case cases
  }

  private let fields: [Field]
  private let isTable: Bool
  private let ruleset: Ruleset
  private let words: DeciderWords

  /// Makes a form.
  ///
  /// - Parameters:
  ///   - fields: What is told, in this order.
  ///   - isTable: Whether answers are columns with tabs between, instead of objects.
  ///   - ruleset: The rules.
  package init(_ fields: [Field], isTable: Bool, _ ruleset: Ruleset) {
    self.fields = fields
    self.isTable = isTable
    self.ruleset = ruleset
    words = DeciderWords(ruleset: ruleset, names: SourceNames(ruleset.sources))
  }

  package var beginning: [UInt8] { isTable ? [] : Array(#"{"id": ""#.utf8) }

  package func bytes(of trace: Trace, diagnostics: [Diagnostic]) -> [UInt8] {
    let values = fields.map { (field: $0, values: self.values($0, of: trace)) }
    if isTable { return row([trace.query.id ?? ""] + values.map { $0.values.joined(separator: ", ") }) }
    var json = JSONWriter(indented: false)
    json.object { json in
      if let id = trace.query.id { json.member("id", id) }
      for (field, values) in values {
        if field == .cases {
          json.member(field.rawValue, trace.cases.count)
        } else if values.count > 1 {
          json.member(field.rawValue, values)
        } else {
          json.member(field.rawValue, values.first)
        }
      }
    }
    json.endLine()
    return json.bytes
  }

  package func bytes(ofError message: String, id: String?) -> [UInt8] {
    if isTable { return row([id ?? "", "error", message]) }
    var json = JSONWriter(indented: false)
    json.object { json in
      if let id { json.member("id", id) }
      json.member("error", message)
    }
    json.endLine()
    return json.bytes
  }

  private func row(_ cells: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, cell) in cells.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: "\t")) }
      // Tabs and line ends within a value would be others of the table.
      bytes += cell.utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }
    }
    return bytes + [UInt8(ascii: "\n")]
  }

  /// The values of a field in all cases, each once.
  private func values(_ field: Field, of trace: Trace) -> [String] {
    switch field {
    case .verdict: return [trace.verdict.rawValue]
    case .cases: return [String(trace.cases.count)]
    default: break
    }
    var values: [String] = []
    for part in trace.cases {
      if let value = value(field, of: part), !values.contains(value) { values.append(value) }
    }
    return values
  }

  private func value(_ field: Field, of part: Case) -> String? {
    switch field {
    case .verdict, .cases: return nil
    case .rule: return words.place(part.deciders)
    case .line: return words.source(part.decidedBy)
    case .text:
      guard case .rule(let id) = part.decidedBy, ruleset.holds(id), ruleset[id].missing == nil else { return nil }
      return ruleset.sources.text(of: ruleset[id].span)
    case .fate: return part.fate.rawValue
    case .out: return part.output?.single.map { InterfaceName(value: $0).description }
    case .src: return part.packet.sourceText
    case .dst: return part.packet.destinationText
    case .rejectWith: return part.rejectWith
    }
  }
}

extension BatchAnswers {
  /// Makes the answers for a host, each in a few fields on one line.
  package convenience init(
    _ ruleset: Ruleset, facts: HostFacts, fields: [ShortAnswers.Field], isTable: Bool
  ) {
    self.init(
      ruleset, facts: facts, diagnostics: [], form: ShortAnswers(fields, isTable: isTable, ruleset))
  }
}

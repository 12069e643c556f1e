import RuleGraph

/// Matches with masked values as options of the save form, with the texts that stand in the place of the values.
enum MaskedSpelling {
  /// `-s x.x.x.x`, `-i <WAN>`; nil of other matches.
  static func basic(_ statement: Statement, _ context: SpellingContext) -> String? {
    guard case .match(let match) = statement, case .masked(let values) = match.values, !match.whenAbsent,
      case .field(let field) = match.subject, let text = single(values)
    else { return nil }
    let sign = match.negated ? "! " : ""
    switch field {
    case .meta(.iifname): return "\(sign)-i \(text)"
    case .meta(.oifname): return "\(sign)-o \(text)"
    case .header(let header):
      guard header.header == (context.family == .ipv4 ? .ip : .ip6), !text.contains("-") || text.contains("<") else {
        return nil
      }
      if header.name == .saddr { return "\(sign)-s \(text)" }
      return header.name == .daddr ? "\(sign)-d \(text)" : nil
    default: return nil
    }
  }

  /// The options of a module; nil of other matches.
  static func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .anyOf(let matches)? = statements.first {
      guard matches.count == 2, let first = matches.first, case .masked(let values) = first.values,
        matches.allSatisfy({ $0.values == first.values && !$0.negated }), isPort(first.subject, rule)
      else { return nil }
      return SpelledStatement(module: "multiport", options: "--ports \(list(values))", names: ["*"])
    }
    guard case .match(let match)? = statements.first, case .masked(let values) = match.values,
      case .field(let field) = match.subject
    else { return nil }
    let sign = match.negated ? "! " : ""
    switch field {
    case .header(HeaderField(.ether, .saddr)):
      return single(values).map {
        SpelledStatement(module: "mac", options: "\(sign)--mac-source \($0)", names: ["mac-source"])
      }
    case .header(let header) where header.name == .saddr || header.name == .daddr:
      guard !match.whenAbsent, let text = single(values) else { return nil }
      let name = header.name == .saddr ? "src-range" : "dst-range"
      return SpelledStatement(module: "iprange", options: "\(sign)--\(name) \(text)", names: [name])
    case .header(let header) where isPort(match.subject, rule):
      let name = header.name.rawValue
      if let text = single(values), header.header == .tcp || header.header == .udp {
        return SpelledStatement(module: header.header.rawValue, options: "\(sign)--\(name) \(text)", names: [name])
      }
      return SpelledStatement(module: "multiport", options: "\(sign)--\(name)s \(list(values))", names: ["*"])
    case .meta(.physicalIn), .meta(.physicalOut):
      guard match.whenAbsent == match.negated, let text = single(values) else { return nil }
      let name = field == .meta(.physicalIn) ? "physdev-in" : "physdev-out"
      return SpelledStatement(module: "physdev", options: "\(sign)--\(name) \(text)", names: [name])
    default: return nil
    }
  }

  private static func isPort(_ subject: ValueExpression, _ rule: SpellingContext) -> Bool {
    guard case .field(.header(let field)) = subject, field.name == .sport || field.name == .dport else { return false }
    return field.header == MultiportMatch.header(rule.transport) && field.header != .th
  }

  /// The text where nothing else is meant.
  private static func single(_ values: MaskedValues) -> String? {
    values.known.isEmpty && values.masked.count == 1 ? values.masked[0].text : nil
  }

  private static func list(_ values: MaskedValues) -> String {
    (values.known.intervals.map { PlainTest.text($0) } + values.masked.map(\.text)).joined(separator: ",")
  }
}

package import RuleGraph

extension PacketClasses.Field {
  /// The field as rules name it.
  fileprivate var dimension: Region.Dimension {
    switch self {
    case .source: .field(.header(HeaderField(.ip, .saddr)))
    case .destination: .field(.header(HeaderField(.ip, .daddr)))
    case .sourcePort: .field(.header(HeaderField(.th, .sport)))
    case .destinationPort: .field(.header(HeaderField(.th, .dport)))
    case .length: .field(.meta(.length))
    }
  }
}

extension Query {
  /// The values of a field that has classes; nil where they are open.
  package subscript(field: PacketClasses.Field) -> ValueSet? {
    get {
      switch field {
      case .source: source
      case .destination: destination
      case .sourcePort: sourcePort
      case .destinationPort: destinationPort
      case .length: fields[.meta(.length)]
      }
    }
    set {
      switch field {
      case .source: source = newValue
      case .destination: destination = newValue
      case .sourcePort: sourcePort = newValue
      case .destinationPort: destinationPort = newValue
      case .length: fields[.meta(.length)] = newValue
      }
    }
  }
}

extension Tracer {
  /// Whether all packets of a box fare alike, and as the trace of one of them says.
  ///
  /// The question is asked with whole classes of values in place of single ones: a match that told two of them apart
  /// would divide them into two cases. So the proof does not rest on the constants having been found, but on the same
  /// evaluation as every answer.
  ///
  /// - Parameters:
  ///   - trace: The trace of one packet of the box.
  ///   - box: The fields with their values, of which the packet has one each.
  package func provesAlike(_ trace: Trace, in box: [PacketClasses.Field: ValueSet]) -> Bool {
    var query = trace.query
    for (field, values) in box { query[field] = values }
    let whole = follow(query)
    guard whole.cases.count == trace.cases.count, whole.warnings == trace.warnings else { return false }
    return zip(whole.cases, trace.cases).allSatisfy { $0.isWhole(box) && $0.faresAs($1, beside: box) }
  }
}

extension Case {
  /// Whether the case is of all packets of a box.
  fileprivate func isWhole(_ box: [PacketClasses.Field: ValueSet]) -> Bool {
    box.allSatisfy { when.allowed[$0.dimension] == $1 }
  }

  /// Whether the packets of this case go the way of another one's, which has single values for some fields.
  fileprivate func faresAs(_ other: Case, beside box: [PacketClasses.Field: ValueSet]) -> Bool {
    var mine = when
    var its = other.when
    for field in box.keys {
      mine.allowed[field.dimension] = nil
      its.allowed[field.dimension] = nil
    }
    return mine == its && verdict == other.verdict && fate == other.fate && input == other.input
      && output == other.output && decidedBy == other.decidedBy && rejectWith == other.rejectWith
      && translations.elementsEqual(other.translations) {
        $0.kind == $1.kind && $0.ofSource == $1.ofSource && $0.rule == $1.rule
      }
      && path.elementsEqual(other.path) {
        $0.hook == $1.hook && $0.event == $1.event && $0.matched == $1.matched && $0.action == $1.action
      }
      && conditions.elementsEqual(other.conditions) { $0.holds == $1.holds && $0.rule == $1.rule }
  }
}

import RuleGraph

/// The pieces of a chain's tests that each field of a flow may be in.
struct PieceSpans {
  typealias Span = (low: UInt32, high: UInt32)

  // An array: an inline one would be copied whole for each test that looks at it.
  private var spans: [Span]

  /// Nothing is known, since there are no tests.
  init() { spans = [] }

  /// The fields of the packets as they are; a field that nothing is certain of may be anywhere.
  init(_ index: ChainIndex, _ flow: Flow) {
    spans = Array(repeating: (0, .max), count: TestField.count)
    for scale in index.scales {
      if let hull = flow.hull(of: scale.field) { set(scale, hull) }
    }
  }

  /// The fields of the packets as they came in. A field that was not there then, or was not rewritten since, is
  /// nowhere: it fails all tests.
  init(_ index: ChainIndex, arrivalOf flow: Flow) {
    spans = Array(repeating: (.max, 0), count: TestField.count)
    for scale in index.scales {
      if let hull = flow.arrivalHull(of: scale.field) { set(scale, hull) }
    }
  }

  private mutating func set(_ scale: ChainIndex.Scale, _ hull: (low: UInt128, high: UInt128)) {
    let low = scale.piece(of: hull.low)
    spans[scale.field.rawValue] = (low, hull.low == hull.high ? low : scale.piece(of: hull.high))
  }

  subscript(field: Int) -> Span { spans[field] }
}

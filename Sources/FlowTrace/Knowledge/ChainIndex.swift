import RuleGraph

/// The plain tests of a chain's rules in flat arrays, to pass rules that cannot match without looking at their
/// statements.
///
/// A rule is passed when one of its tests is false for all packets of a flow, judged by the smallest and largest value
/// of each field. The others are evaluated in full, so the index never changes an answer.
///
/// The bounds of all tests of a field cut its values into pieces, numbered in order; tests and packets are compared by
/// these numbers. In a long chain each piece of a field also lists the rules that a packet in it may match, so that of
/// ten thousand rules that differ in one address only the one or two for this address are looked at.
final class ChainIndex: Sendable {
  /// A comparison: whether a field is in a range of pieces.
  struct Test {
    var low: UInt32
    var high: UInt32
    var field: UInt8
    var negated: Bool
    /// The statement of the rule that makes it.
    var statement: UInt16
    /// One more than the place in ``ChainIndex/ranges`` of the ranges of which low and high are the ends; zero of a
    /// test with one range.
    var several: UInt32
  }

  /// All tests, rule by rule.
  let tests: [Test]
  /// The index of the first test of each rule, and the end.
  let starts: [UInt32]
  /// The ranges of the tests that have several.
  let ranges: [[PieceSpans.Span]]
  /// What each rule does in the end.
  let ends: [RuleEnd]
  /// The pieces of each field that is tested.
  let scales: [Scale]
  /// The rules by the pieces of fields in which many of them differ.
  let lists: [PieceLists]

  init(_ chain: Chain, family: AddressFamily, _ effort: RulesetIndex.Effort) {
    var builder = Builder()
    var ends: [RuleEnd] = []
    for rule in chain.rules {
      builder.add(rule, family)
      ends.append(RuleEnd(rule))
    }
    self.ends = ends
    scales = builder.scales()
    var places = [Int](repeating: 0, count: TestField.allCases.count)
    for (index, scale) in scales.enumerated() { places[scale.field.rawValue] = index }
    let scales = scales
    var ranges: [[PieceSpans.Span]] = []
    tests = builder.tests.enumerated().map { index, test in
      let scale = scales[places[test.field.rawValue]]
      if let several = builder.ranges[index] {
        ranges.append(several.intervals.map { (scale.piece(of: $0.lowerBound), scale.piece(of: $0.upperBound)) })
      }
      return Test(
        low: scale.piece(of: test.low), high: scale.piece(of: test.high), field: UInt8(test.field.rawValue),
        negated: test.negated, statement: UInt16(clamping: test.statement),
        several: builder.ranges[index] == nil ? 0 : UInt32(truncatingIfNeeded: ranges.count))
    }
    self.ranges = ranges
    starts = builder.starts
    lists =
      chain.rules.count < effort.rulesWorthLists
      ? [] : scales.compactMap { $0.cuts.count < effort.piecesWorthLists ? nil : PieceLists($0, builder) }
  }

  /// The values of a field, cut into pieces by the bounds of tests.
  struct Scale: Sendable {
    var field: TestField
    /// The first value of each piece but the lowest.
    var cuts: [UInt128]

    /// The number of the piece that a value is in.
    func piece(of value: UInt128) -> UInt32 {
      var low = 0
      var high = cuts.count
      while low < high {
        let middle = (low + high) / 2
        if cuts[middle] <= value { low = middle + 1 } else { high = middle }
      }
      return UInt32(truncatingIfNeeded: low)
    }
  }

  /// For each piece of a field the rules that a packet in it may match, as far as this field tells.
  struct PieceLists: Sendable {
    let field: TestField
    /// The rules of each piece, piece by piece, each in rising order.
    let rules: [UInt32]
    /// The index of the first rule of each piece, and the end.
    let starts: [UInt32]
    /// The rules that do not test the field.
    let others: [UInt32]

    /// The range of a piece in ``rules``.
    func rules(of piece: UInt32) -> Range<Int> { Int(starts[Int(piece)])..<Int(starts[Int(piece) + 1]) }
  }

  /// The number of rules.
  var count: Int { starts.count - 1 }

  /// The numbers of a rule's tests.
  func tests(of rule: Int) -> Range<Int> { Int(starts[rule])..<Int(starts[rule + 1]) }

  /// Whether a test of the rule is false for all packets whose fields are in these pieces.
  func fails(_ rule: Int, _ spans: borrowing PieceSpans) -> Bool {
    for number in tests(of: rule) where isFalse(number, spans) { return true }
    return false
  }

  /// Whether a test is false for all packets whose fields are in these pieces.
  func isFalse(_ number: Int, _ spans: borrowing PieceSpans) -> Bool {
    let test = tests[number]
    let span = spans[Int(test.field)]
    if test.several > 0 { return isFalse(ranges[Int(test.several) - 1], negated: test.negated, span) }
    return test.negated
      ? span.low >= test.low && span.high <= test.high : span.high < test.low || span.low > test.high
  }

  private func isFalse(_ ranges: [PieceSpans.Span], negated: Bool, _ span: PieceSpans.Span) -> Bool {
    negated
      ? ranges.contains { span.low >= $0.low && span.high <= $0.high }
      : ranges.allSatisfy { span.high < $0.low || span.low > $0.high }
  }
}

// MARK: - Making

extension ChainIndex {
  /// The tests of rules with their bounds as they are written.
  fileprivate struct Builder {
    struct Found {
      var low: UInt128
      var high: UInt128
      var field: TestField
      var negated: Bool
      var statement: Int
    }

    var tests: [Found] = []
    var starts: [UInt32] = [0]
    /// Tests of several ranges: the ranges of a test by its index.
    var ranges: [Int: ValueSet] = [:]

    mutating func add(_ rule: Rule, _ family: AddressFamily) {
      statements: for (index, statement) in rule.statements.enumerated() {
        switch statement {
        case .match: for test in PlainTest.tests(of: statement, family) { add(test, index) }
        case .anyOf, .environment, .opaqueMatch, .hiddenInterfaces, .effect: continue
        // Behind these the packet is another, or the rule has matched.
        default: break statements
        }
      }
      starts.append(UInt32(truncatingIfNeeded: tests.count))
    }

    private mutating func add(_ test: PlainTest, _ statement: Int) {
      guard let first = test.values.intervals.first, let last = test.values.intervals.last else {
        if !test.negated { tests.append(Found(low: 1, high: 1, field: .never, negated: false, statement: statement)) }
        return
      }
      if test.values.intervals.count > 1 { ranges[tests.count] = test.values }
      tests.append(
        Found(
          low: first.lowerBound, high: last.upperBound, field: test.field, negated: test.negated, statement: statement))
    }

    /// The pieces into which the tests cut each field.
    func scales() -> [Scale] {
      var bounds = [[UInt128]](repeating: [], count: TestField.allCases.count)
      func cut(_ field: TestField, _ low: UInt128, _ high: UInt128) {
        if low > 0 { bounds[field.rawValue].append(low) }
        if high < .max { bounds[field.rawValue].append(high + 1) }
      }
      for (index, test) in tests.enumerated() {
        if let several = ranges[index] {
          for range in several.intervals { cut(test.field, range.lowerBound, range.upperBound) }
        } else {
          cut(test.field, test.low, test.high)
        }
      }
      return TestField.allCases.compactMap { field in
        guard tests.contains(where: { $0.field == field }) else { return nil }
        return Scale(field: field, cuts: Self.sortedOnce(bounds[field.rawValue]))
      }
    }

    private static func sortedOnce(_ values: [UInt128]) -> [UInt128] {
      var result: [UInt128] = []
      // Numbers of a machine word sort several times faster, and most are.
      let sorted =
        values.allSatisfy { $0 >> 64 == 0 }
        ? values.map { UInt64(truncatingIfNeeded: $0) }.sorted().map { UInt128($0) } : values.sorted()
      for value in sorted where result.last != value { result.append(value) }
      return result
    }
  }
}

extension ChainIndex.PieceLists {
  /// Lists the rules by the pieces of a field; nil where that would not shorten the way, or take too much room.
  fileprivate init?(_ scale: ChainIndex.Scale, _ builder: ChainIndex.Builder) {
    let count = builder.starts.count - 1
    let pieces = scale.cuts.count + 1
    var sizes = [UInt32](repeating: 0, count: pieces + 1)
    var others: [UInt32] = []
    var spans: [(rule: UInt32, low: UInt32, high: UInt32)] = []
    spans.reserveCapacity(count)
    var total = 0
    for rule in 0..<count {
      let mine = Int(builder.starts[rule])..<Int(builder.starts[rule + 1])
      guard let index = mine.first(where: { builder.tests[$0].field == scale.field && !builder.tests[$0].negated })
      else {
        others.append(UInt32(rule))
        continue
      }
      let test = builder.tests[index]
      for range in builder.ranges[index]?.intervals ?? [test.low...test.high] {
        let low = scale.piece(of: range.lowerBound)
        let high = scale.piece(of: range.upperBound)
        total += Int(high - low) + 1
        // Many ranges inside one another would fill the lists.
        guard total <= 8 * count else { return nil }
        spans.append((UInt32(rule), low, high))
        for piece in low...high { sizes[Int(piece) + 1] += 1 }
      }
    }
    guard others.count <= count / 2 else { return nil }
    for piece in 0..<pieces { sizes[piece + 1] += sizes[piece] }
    var next = sizes
    var rules = [UInt32](repeating: 0, count: total)
    for span in spans {
      for piece in Int(span.low)...Int(span.high) {
        rules[Int(next[piece])] = span.rule
        next[piece] += 1
      }
    }
    field = scale.field
    self.rules = rules
    starts = sizes
    self.others = others
  }
}

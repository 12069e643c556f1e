/// One figure of one row, with the goal it is held against.
struct Claim: Codable {
  /// What the figure should be.
  struct Goal: Codable {
    var bound: Double
    var isUpperBound: Bool

    static func atLeast(_ bound: Double) -> Goal { Goal(bound: bound, isUpperBound: false) }
    static func atMost(_ bound: Double) -> Goal { Goal(bound: bound, isUpperBound: true) }
  }

  /// How many rules were read or asked.
  var rules: Int?
  /// What was measured, against what.
  var what: String
  /// The figure by the clock.
  var value: Spread
  /// The same by the processors' time, where that says something else.
  var byProcessor: Spread?
  /// `x` for a ratio, else the unit.
  var unit: String
  var goal: Goal?

  /// Whether the median reaches the goal; nil without one.
  var isMet: Bool? { goal.map { $0.isUpperBound ? value.median <= $0.bound : value.median >= $0.bound } }
}

/// What came of one row.
struct RowResult: Codable {
  var row: String
  var claims: [Claim]
  /// Why there is no figure, when there is none.
  var skipped: String?
}

/// A question of the benchmark.
protocol Row: Sendable {
  /// The name by which it is chosen.
  static var name: String { get }
  /// Measures.
  static func claims(_ lab: Lab) throws -> [Claim]
}

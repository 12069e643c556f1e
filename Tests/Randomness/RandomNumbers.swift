/// A seeded source of numbers (splitmix64; Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), the same on every
/// machine, so that a seed names a case.
public struct RandomNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts the sequence of a seed.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// Whether something of the given percentage happens.
  public mutating func happens(_ percent: Int) -> Bool { Int(next() % 100) < percent }

  /// A number of a range.
  public mutating func number(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
  }

  /// One of some values, which must not be none.
  public mutating func pick<Value>(_ values: [Value]) -> Value { values[Int(next() % UInt64(values.count))] }

  /// One of some values by weight.
  public mutating func pick<Value>(weighted values: [(weight: Int, value: Value)]) -> Value {
    var left = number(0...(values.reduce(0) { $0 + $1.weight } - 1))
    for (weight, value) in values {
      if left < weight { return value }
      left -= weight
    }
    return values[0].value
  }

  /// Some different values, in their order.
  public mutating func some<Value>(_ values: [Value], _ range: ClosedRange<Int>) -> [Value] {
    var indexes = Array(values.indices)
    let count = min(number(range), values.count)
    while indexes.count > count { indexes.remove(at: Int(next() % UInt64(indexes.count))) }
    return indexes.map { values[$0] }
  }
}

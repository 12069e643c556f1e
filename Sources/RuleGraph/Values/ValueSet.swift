/// A set of field values: sorted, disjoint, closed intervals of 128-bit numbers.
///
/// Every field of a packet is a number here: addresses (IPv4 in `::ffff:0:0/96`, see ``IPAddress``), ports, marks, flag
/// bytes, and interface names too (see ``InterfaceName``: sixteen bytes, so that a name wildcard is an interval). So
/// one set type answers for matches, for named sets and for the open fields of a query.
///
///     let ports = ValueSet(1...1023).union(ValueSet(8080))
///     ports.contains(80)                          // true
///     ports.subtracting(ValueSet(80)).intervals   // [1...79, 81...1023, 8080...8080]
public struct ValueSet: Hashable, Sendable {
  /// The intervals, in rising order, neither overlapping nor touching.
  public private(set) var intervals: Intervals

  /// The set without values.
  public static let empty = ValueSet(unchecked: [])
  /// The set of all 128-bit values.
  public static let all = ValueSet(0...UInt128.max)

  /// Makes a set of one value.
  public init(_ value: some BinaryInteger) {
    let number = UInt128(truncatingIfNeeded: value)
    intervals = Intervals(number...number)
  }

  /// Makes a set of one interval.
  public init(_ interval: ClosedRange<UInt128>) { intervals = Intervals(interval) }

  /// Makes a set of the union of intervals given in any order; they may overlap.
  public init(_ unordered: some Sequence<ClosedRange<UInt128>>) {
    // An array of the module's own: the sort of any sequence would call what it compares by, once for each pair.
    var ordered = Array(unordered)
    if !Self.isInOrder(ordered) { ordered.sort { $0.lowerBound < $1.lowerBound } }
    var merged: [ClosedRange<UInt128>] = []
    for next in ordered {
      if let last = merged.last, last.upperBound == UInt128.max || next.lowerBound <= last.upperBound + 1 {
        if next.upperBound > last.upperBound {
          merged[merged.count - 1] = last.lowerBound...next.upperBound
        }
      } else {
        merged.append(next)
      }
    }
    self.init(unchecked: merged)
  }

  private static func isInOrder(_ intervals: [ClosedRange<UInt128>]) -> Bool {
    for place in intervals.indices.dropFirst() where intervals[place].lowerBound < intervals[place - 1].lowerBound {
      return false
    }
    return true
  }

  private init(unchecked intervals: [ClosedRange<UInt128>]) { self.intervals = Intervals(intervals) }

  /// All values that fit a number of bits (0...128).
  public static func bits(_ width: Int) -> ValueSet {
    width >= 128 ? .all : ValueSet(0...((UInt128(1) << UInt128(max(width, 0))) - 1))
  }

  /// Whether the set holds no value.
  public var isEmpty: Bool { intervals.isEmpty }

  /// The only value of the set, or nil when it holds none or several.
  public var single: UInt128? {
    guard let only = intervals.only, only.lowerBound == only.upperBound else { return nil }
    return only.lowerBound
  }

  /// The smallest value, or nil of an empty set.
  public var first: UInt128? { intervals.first?.lowerBound }

  /// The number of values, or `UInt128.max` when that many or more.
  public var count: UInt128 {
    var total: UInt128 = 0
    for interval in intervals {
      let (width, wrapped) = (interval.upperBound - interval.lowerBound).addingReportingOverflow(1)
      let (sum, overflow) = total.addingReportingOverflow(width)
      if wrapped || overflow { return .max }
      total = sum
    }
    return total
  }

  /// Whether a value is in the set; binary search.
  public func contains(_ value: UInt128) -> Bool {
    if let only = intervals.only { return only.contains(value) }
    var low = 0
    var high = intervals.count
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < intervals.count && intervals[low].lowerBound <= value
  }
}

extension ValueSet {
  /// The intervals of a set, in rising order. One interval, as most sets have, is kept without an array.
  public struct Intervals: RandomAccessCollection, Hashable, Sendable, ExpressibleByArrayLiteral {
    // The same intervals are always kept in the same way, so that equality and hashing follow from the members.
    private enum Storage: Hashable, Sendable {
      case one(ClosedRange<UInt128>)
      case several([ClosedRange<UInt128>])
    }

    private let storage: Storage

    fileprivate init(_ only: ClosedRange<UInt128>) { storage = .one(only) }

    fileprivate init(_ intervals: [ClosedRange<UInt128>]) {
      storage = intervals.count == 1 ? .one(intervals[0]) : .several(intervals)
    }

    /// Makes intervals that are in rising order and do not touch.
    public init(arrayLiteral elements: ClosedRange<UInt128>...) { self.init(elements) }

    /// The interval where there is just one; nil of none and of several.
    var only: ClosedRange<UInt128>? {
      if case .one(let interval) = storage { interval } else { nil }
    }

    /// Zero.
    public var startIndex: Int { 0 }

    /// The number of intervals.
    public var endIndex: Int {
      switch storage {
      case .one: 1
      case .several(let intervals): intervals.count
      }
    }

    /// The interval at a place.
    public subscript(place: Int) -> ClosedRange<UInt128> {
      switch storage {
      case .one(let interval):
        precondition(place == 0, "there is one interval")
        return interval
      case .several(let intervals): return intervals[place]
      }
    }
  }
}

// MARK: - Algebra

extension ValueSet {
  /// The values in either set.
  public func union(_ other: ValueSet) -> ValueSet {
    if isEmpty { return other }
    if other.isEmpty { return self }
    return ValueSet(Array(intervals) + Array(other.intervals))
  }

  /// The values in both sets.
  public func intersection(_ other: ValueSet) -> ValueSet {
    if let mine = intervals.only, let others = other.intervals.only {
      let low = max(mine.lowerBound, others.lowerBound)
      let high = min(mine.upperBound, others.upperBound)
      return low <= high ? ValueSet(low...high) : .empty
    }
    if let mine = intervals.only { return other.values(in: mine) }
    if let others = other.intervals.only { return values(in: others) }
    var result: [ClosedRange<UInt128>] = []
    var a = 0
    var b = 0
    while a < intervals.count, b < other.intervals.count {
      let low = max(intervals[a].lowerBound, other.intervals[b].lowerBound)
      let high = min(intervals[a].upperBound, other.intervals[b].upperBound)
      if low <= high { result.append(low...high) }
      if intervals[a].upperBound < other.intervals[b].upperBound { a += 1 } else { b += 1 }
    }
    return ValueSet(unchecked: result)
  }

  /// The values of this set that are not in the other.
  public func subtracting(_ other: ValueSet) -> ValueSet { intersection(other.complement) }

  /// All 128-bit values that are not in the set.
  public var complement: ValueSet {
    var result: [ClosedRange<UInt128>] = []
    var next: UInt128 = 0
    for interval in intervals {
      if interval.lowerBound > next { result.append(next...(interval.lowerBound - 1)) }
      if interval.upperBound == UInt128.max { return ValueSet(unchecked: result) }
      next = interval.upperBound + 1
    }
    result.append(next...UInt128.max)
    return ValueSet(unchecked: result)
  }

  /// Whether every value of this set is in the other.
  public func isSubset(of other: ValueSet) -> Bool {
    if let mine = intervals.only, let others = other.intervals.only {
      return others.lowerBound <= mine.lowerBound && mine.upperBound <= others.upperBound
    }
    if let mine = intervals.only {
      let index = other.indexOfInterval(reaching: mine.lowerBound)
      return index < other.intervals.count && other.intervals[index].lowerBound <= mine.lowerBound
        && other.intervals[index].upperBound >= mine.upperBound
    }
    var b = 0
    for interval in intervals {
      while b < other.intervals.count, other.intervals[b].upperBound < interval.lowerBound { b += 1 }
      guard b < other.intervals.count, other.intervals[b].lowerBound <= interval.lowerBound,
        other.intervals[b].upperBound >= interval.upperBound
      else { return false }
    }
    return true
  }

  /// Whether the sets share no value.
  public func isDisjoint(with other: ValueSet) -> Bool {
    if let mine = intervals.only, let others = other.intervals.only { return !mine.overlaps(others) }
    if let mine = intervals.only { return !other.hasValues(in: mine) }
    if let others = other.intervals.only { return !hasValues(in: others) }
    var a = 0
    var b = 0
    while a < intervals.count, b < other.intervals.count {
      if intervals[a].overlaps(other.intervals[b]) { return false }
      if intervals[a].upperBound < other.intervals[b].upperBound { a += 1 } else { b += 1 }
    }
    return true
  }
}

// One interval is found among thousands by halves: the union of what many rules compare with is held against each of
// them.
extension ValueSet {
  /// The index of the first interval that does not end below a value.
  private func indexOfInterval(reaching value: UInt128) -> Int {
    var low = 0
    var high = intervals.count
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func hasValues(in interval: ClosedRange<UInt128>) -> Bool {
    let index = indexOfInterval(reaching: interval.lowerBound)
    return index < intervals.count && intervals[index].lowerBound <= interval.upperBound
  }

  private func values(in interval: ClosedRange<UInt128>) -> ValueSet {
    var result: [ClosedRange<UInt128>] = []
    var index = indexOfInterval(reaching: interval.lowerBound)
    while index < intervals.count, intervals[index].lowerBound <= interval.upperBound {
      result.append(intervals[index].clamped(to: interval))
      index += 1
    }
    return ValueSet(unchecked: result)
  }
}

extension ValueSet: ExpressibleByArrayLiteral {
  /// Makes a set of single values.
  public init(arrayLiteral elements: UInt128...) { self.init(elements.map { $0...$0 }) }
}

/// A set of field values: sorted, disjoint, closed intervals of 128-bit numbers.
///
/// Every field of a packet is a number here: addresses (IPv4 in `::ffff:0:0/96`, see ``IPAddress``), ports, marks, flag bytes, and
/// interface names too (see ``InterfaceName``: sixteen bytes, so that a name wildcard is an interval). So one set type answers for
/// matches, for named sets and for the open fields of a query.
///
///     let ports = ValueSet(1...1023).union(ValueSet(8080))
///     ports.contains(80)                          // true
///     ports.subtracting(ValueSet(80)).intervals   // [1...79, 81...1023, 8080...8080]
public struct ValueSet: Hashable, Sendable {
  /// The intervals, in rising order, neither overlapping nor touching.
  public private(set) var intervals: [ClosedRange<UInt128>]

  /// The set without values.
  public static let empty = ValueSet(unchecked: [])
  /// The set of all 128-bit values.
  public static let all = ValueSet(0...UInt128.max)

  /// Makes a set of one value.
  public init(_ value: some BinaryInteger) {
    let number = UInt128(truncatingIfNeeded: value)
    intervals = [number...number]
  }

  /// Makes a set of one interval.
  public init(_ interval: ClosedRange<UInt128>) { intervals = [interval] }

  /// Makes a set of the union of intervals given in any order; they may overlap.
  public init(_ unordered: some Sequence<ClosedRange<UInt128>>) {
    var merged: [ClosedRange<UInt128>] = []
    for next in unordered.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, last.upperBound == UInt128.max || next.lowerBound <= last.upperBound + 1 {
        if next.upperBound > last.upperBound {
          merged[merged.count - 1] = last.lowerBound...next.upperBound
        }
      } else {
        merged.append(next)
      }
    }
    intervals = merged
  }

  private init(unchecked intervals: [ClosedRange<UInt128>]) { self.intervals = intervals }

  /// All values that fit a number of bits (0...128).
  public static func bits(_ width: Int) -> ValueSet {
    width >= 128 ? .all : ValueSet(0...((UInt128(1) << UInt128(max(width, 0))) - 1))
  }

  /// Whether the set holds no value.
  public var isEmpty: Bool { intervals.isEmpty }

  /// The only value of the set, or nil when it holds none or several.
  public var single: UInt128? {
    guard intervals.count == 1, let only = intervals.first, only.lowerBound == only.upperBound else { return nil }
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
    var low = 0
    var high = intervals.count
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < intervals.count && intervals[low].lowerBound <= value
  }
}

// MARK: - Algebra

extension ValueSet {
  /// The values in either set.
  public func union(_ other: ValueSet) -> ValueSet {
    if isEmpty { return other }
    if other.isEmpty { return self }
    return ValueSet(intervals + other.intervals)
  }

  /// The values in both sets.
  public func intersection(_ other: ValueSet) -> ValueSet {
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
    var a = 0
    var b = 0
    while a < intervals.count, b < other.intervals.count {
      if intervals[a].overlaps(other.intervals[b]) { return false }
      if intervals[a].upperBound < other.intervals[b].upperBound { a += 1 } else { b += 1 }
    }
    return true
  }
}

extension ValueSet: ExpressibleByArrayLiteral {
  /// Makes a set of single values.
  public init(arrayLiteral elements: UInt128...) { self.init(elements.map { $0...$0 }) }
}

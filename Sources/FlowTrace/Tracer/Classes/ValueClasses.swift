package import RuleGraph

/// The values of a field in classes: two values are of one class where no constant tells them apart.
///
/// Each constant is an interval, and a comparison asks whether a value lies in it. With the constants 80...80 and
/// 1024...2047 the ports are in three classes: 80; 1024 to 2047; and all others, which no constant holds, wherever they
/// lie.
package final class ValueClasses: Sendable {
  /// What is added to a value of the field to get its number in a ``ValueSet``.
  private let base: UInt128
  /// The first value of each interval between two neighbouring bounds of constants.
  private let starts: [UInt32]
  /// The class of each interval.
  private let classes: [UInt32]
  /// For fields of sixteen bits the class of each value.
  private let table: [UInt32]
  /// The values of each class.
  private let members: [ValueSet]

  /// Makes the classes.
  ///
  /// - Parameters:
  ///   - constants: The constants; what lies outside of the domain counts for nothing.
  ///   - domain: All values of the field, at most 32 bits from the first to the last.
  init(_ constants: some Sequence<ClosedRange<UInt128>>, in domain: ClosedRange<UInt128>) {
    let base = domain.lowerBound
    let last = UInt32(truncatingIfNeeded: domain.upperBound - base)
    var distinct = Set<ClosedRange<UInt32>>()
    for constant in constants where constant.overlaps(domain) {
      let inside = constant.clamped(to: domain)
      distinct.insert(
        UInt32(truncatingIfNeeded: inside.lowerBound - base)...UInt32(truncatingIfNeeded: inside.upperBound - base))
    }
    // Which constants hold a value is told by the sum of numbers that are drawn for them anew in each run.
    var random = SystemRandomNumberGenerator()
    var bounds: [(value: UInt32, mark: UInt128)] = [(0, 0)]
    bounds.reserveCapacity(2 * distinct.count + 1)
    for constant in distinct where constant != 0...last {
      let mark = UInt128(random.next()) << 64 | UInt128(random.next())
      bounds.append((constant.lowerBound, mark))
      if constant.upperBound < last { bounds.append((constant.upperBound + 1, 0 &- mark)) }
    }
    bounds.sort { $0.value < $1.value }
    var starts: [UInt32] = []
    var classes: [UInt32] = []
    var numbers: [UInt128: UInt32] = [:]
    var holders: UInt128 = 0
    var index = 0
    while index < bounds.count {
      let start = bounds[index].value
      while index < bounds.count, bounds[index].value == start {
        holders &+= bounds[index].mark
        index += 1
      }
      let number = numbers[holders] ?? UInt32(truncatingIfNeeded: numbers.count)
      numbers[holders] = number
      if classes.last != number {
        starts.append(start)
        classes.append(number)
      }
    }
    var intervals = [[ClosedRange<UInt128>]](repeating: [], count: numbers.count)
    for index in starts.indices {
      let end = index + 1 < starts.count ? starts[index + 1] - 1 : last
      intervals[Int(classes[index])].append(base + UInt128(starts[index])...base + UInt128(end))
    }
    self.base = base
    self.starts = starts
    self.classes = classes
    members = intervals.map { ValueSet($0) }
    var table: [UInt32] = []
    if last == 0xffff {
      table.reserveCapacity(1 << 16)
      for index in starts.indices {
        let end = index + 1 < starts.count ? starts[index + 1] : 1 << 16
        table.append(contentsOf: repeatElement(classes[index], count: Int(end - starts[index])))
      }
    }
    self.table = table
  }

  /// The number of classes.
  package var count: Int { members.count }

  /// The number of the class that a value is of.
  ///
  /// - Parameter value: A port or a length; of an IPv4 address its 32 bits.
  package func number(of value: UInt32) -> UInt32 {
    if Int(value) < table.count { return table[Int(value)] }
    // Steps of falling length, without a branch that depends on the value: no processor could foresee it.
    var low = 0
    var length = starts.count
    while length > 1 {
      let half = length / 2
      low &+= starts[low &+ half] <= value ? half : 0
      length &-= half
    }
    return classes[low]
  }

  /// The values of a class, as they stand in a query.
  package func values(ofClass number: UInt32) -> ValueSet { members[Int(number)] }

  /// The first value of each class and the bounds between classes, for tests.
  package var bounds: [UInt32] { starts }

  /// A value of the field by its number in a ``ValueSet``.
  package func value(_ number: UInt128) -> UInt32 { UInt32(truncatingIfNeeded: number - base) }
}

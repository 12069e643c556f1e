package import RuleGraph

/// Bit arithmetic with constants on one variable: what a match computes before it compares.
package struct Transform {
  /// One operation.
  package enum Operation: Hashable {
    case bitwise(and: UInt128, xor: UInt128)
    case shift(Int)
  }

  package var operations: [Operation] = []

  package init(operations: [Operation] = []) { self.operations = operations }

  /// The result for one value.
  package func apply(_ value: UInt128) -> UInt128 {
    operations.reduce(value) { value, operation in
      switch operation {
      case .bitwise(let and, let xor): (value & and) ^ xor
      case .shift(let left): left >= 0 ? value << UInt128(left) : value >> UInt128(-left)
      }
    }
  }

  /// The values of a domain whose result is in a set; nil when that can't be written as intervals in reasonable size.
  package func preimage(of results: ValueSet, in domain: ValueSet) -> ValueSet? {
    if operations.isEmpty { return domain.intersection(results) }
    if domain.count <= 65_536 {
      var found: [ClosedRange<UInt128>] = []
      for interval in domain.intervals {
        var value = interval.lowerBound
        while true {
          if results.contains(apply(value)) {
            if let last = found.last, last.upperBound + 1 == value {
              found[found.count - 1] = last.lowerBound...value
            } else {
              found.append(value...value)
            }
          }
          if value == interval.upperBound { break }
          value += 1
        }
      }
      return ValueSet(found)
    }
    guard operations.count == 1, case .bitwise(let and, let xor) = operations[0], let first = domain.first,
      let last = domain.intervals.last?.upperBound
    else { return nil }
    // The bits above the highest one that differs within the domain are the same for all values: only the rest is
    // solved for.
    let differing = first ^ last
    let free: UInt128 = differing == 0 ? 0 : UInt128.max >> UInt128(differing.leadingZeroBitCount)
    let fixed = first & ~free
    let fixedResult = (fixed & and) ^ (xor & ~free)
    let lowResults = results.intersection(ValueSet(fixedResult...(fixedResult | free)))
    let low = ValueSet(lowResults.intervals.map { ($0.lowerBound - fixedResult)...($0.upperBound - fixedResult) })
    guard let solved = Transform.preimage(and: and & free, xor: xor & free, of: low, within: free) else { return nil }
    return ValueSet(solved.intervals.map { ($0.lowerBound | fixed)...($0.upperBound | fixed) }).intersection(domain)
  }

  /// The same for a mask: intervals exist where the mask's ones are the upper bits of the field, or where few bits
  /// above its lowest one are free.
  private static func preimage(and: UInt128, xor: UInt128, of results: ValueSet, within top: UInt128) -> ValueSet? {
    let field = ValueSet(0...top)
    let mask = and & top
    guard mask != 0 else { return results.contains(xor) ? field : .empty }
    let low = mask & (~mask + 1)
    let lowFree = low - 1
    let highFree = top & ~mask & ~lowFree
    guard highFree.nonzeroBitCount <= 8 else { return nil }
    // The possible results are few only when the mask has few bits; else the wanted results must be few.
    var wanted: [UInt128] = []
    if mask.nonzeroBitCount <= 8 {
      var part = mask
      while true {
        if results.contains(part ^ xor) { wanted.append(part) }
        if part == 0 { break }
        part = (part - 1) & mask
      }
    } else if highFree == 0 {
      // Results grow with the values (but for xor): work on the complement when that is smaller.
      if xor & mask == 0 {
        let reachable = results.intervals.compactMap { interval -> ClosedRange<UInt128>? in
          let first = (interval.lowerBound & ~lowFree) + (interval.lowerBound & lowFree == 0 ? 0 : low)
          let last = interval.upperBound & ~lowFree
          guard first <= last, first <= top else { return nil }
          return first...(min(last, top & ~lowFree) | lowFree)
        }
        return ValueSet(reachable)
      }
      guard results.count <= 256 else { return nil }
      for interval in results.intervals {
        for value in interval where (value ^ xor) & ~mask == 0 { wanted.append(value ^ xor) }
      }
    } else {
      guard results.count <= 256 else { return nil }
      for interval in results.intervals {
        for value in interval where (value ^ xor) & ~mask == 0 { wanted.append(value ^ xor) }
      }
    }
    var found: [ClosedRange<UInt128>] = []
    for value in wanted {
      var free = highFree
      while true {
        found.append((value | free)...(value | free | lowFree))
        if free == 0 { break }
        free = (free - 1) & highFree
      }
    }
    return ValueSet(found)
  }
}

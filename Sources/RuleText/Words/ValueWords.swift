package import RuleGraph

/// Values as they stand within a sentence.
package enum ValueWords {
  /// Addresses as prefixes, ranges or single ones, the first six: `10.0.0.0/8, 192.168.0.1`; `any address` for all of
  /// a family.
  package static func addresses(_ values: ValueSet) -> String {
    if isAny(values) { return "any address" }
    return list(values) { interval in
      let low = IPAddress(bits: interval.lowerBound)
      let high = IPAddress(bits: interval.upperBound)
      if low == high { return "\(low)" }
      let size = interval.upperBound - interval.lowerBound
      if size & (size + 1) == 0, interval.lowerBound & size == 0 {
        let length = low.family.addressBits - (128 - size.leadingZeroBitCount)
        return "\(low)/\(length)"
      }
      return "\(low)-\(high)"
    }
  }

  /// Whether a set has all addresses of a family.
  package static func isAny(_ addresses: ValueSet) -> Bool {
    addresses == .all || AddressFamily.allCases.contains { addresses == $0.allAddresses }
  }

  /// Numbers and ranges of them, the first six: `80, 443, 8000-8999`.
  package static func numbers(_ values: ValueSet) -> String {
    list(values) { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
  }

  private static func list(_ values: ValueSet, _ one: (ClosedRange<UInt128>) -> String) -> String {
    if values.isEmpty { return "nothing" }
    let shown = values.intervals.prefix(6).map(one).joined(separator: ", ")
    return values.intervals.count > 6 ? "\(shown), and \(values.intervals.count - 6) more" : shown
  }

  /// The name of a transport protocol: `tcp`.
  package static func transport(_ number: UInt128) -> String { Field.meta(.l4proto).text(of: ValueSet(number)) }
}

import RuleGraph

/// Values as short text, as the path shows them.
enum Words {
  /// `172.17.0.2:8080`, or the address alone.
  static func endpoint(_ address: ValueSet?, _ port: ValueSet?, family: AddressFamily) -> String {
    let host = address.map { addresses($0, family: family) } ?? "?"
    guard let port, port != ValueSet(0...65535) else { return host }
    let bracketed = family == .ipv6 && host.contains(":") ? "[\(host)]" : host
    return "\(bracketed):\(numbers(port))"
  }

  /// Addresses as prefixes, ranges or single ones.
  static func addresses(_ values: ValueSet, family: AddressFamily) -> String {
    if values == family.allAddresses || values == .all { return "any address" }
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

  /// Numbers and ranges of them.
  static func numbers(_ values: ValueSet) -> String {
    list(values) { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
  }

  private static func list(_ values: ValueSet, _ one: (ClosedRange<UInt128>) -> String) -> String {
    if values.isEmpty { return "nothing" }
    let shown = values.intervals.prefix(6).map(one).joined(separator: ", ")
    return values.intervals.count > 6 ? "\(shown), and \(values.intervals.count - 6) more" : shown
  }

  /// The name of a transport protocol.
  static func transport(_ number: UInt128) -> String { Field.meta(.l4proto).text(of: ValueSet(number)) }
}

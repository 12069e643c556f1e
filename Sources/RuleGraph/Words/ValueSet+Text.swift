extension ValueSet {
  /// The values in words, as a field of a kind is written: `172.17.0.0/16`, `docker0`, `80, 443, 8000-8999`, `any but
  /// docker0`, `any`.
  ///
  /// - Parameters:
  ///   - kind: What the numbers stand for.
  ///   - universe: All values that the field can have; a set that lacks only a few of them is written as `any but …`.
  ///   - limit: The number of values or ranges after which the rest is only counted.
  public func text(as kind: ValueKind, in universe: ValueSet = .all, limit: Int = 8) -> String {
    // An interface that is meant to exist is any name; "no interface" is only mentioned where it is possible.
    let universe = kind == .name && universe == .all && !contains(0) ? InterfaceName.anyName : universe
    let inside = intersection(universe)
    if inside.isEmpty { return "none" }
    if inside == universe { return "any" }
    let rest = universe.subtracting(inside)
    let pieces = inside.pieces(as: kind)
    if inside.contains(universe.last ?? .max) || kind == .name {
      let missing = rest.pieces(as: kind)
      if missing.count < pieces.count || kind == .name && inside.count > rest.count && missing.count <= pieces.count {
        return "any but " + ValueSet.list(missing, limit: limit)
      }
    }
    return ValueSet.list(pieces, limit: limit)
  }

  /// The largest value, or nil of an empty set.
  public var last: UInt128? { intervals.last?.upperBound }

  private static func list(_ pieces: [String], limit: Int) -> String {
    if pieces.count <= limit { return pieces.joined(separator: ", ") }
    return pieces.prefix(limit).joined(separator: ", ") + " and \(pieces.count - limit) more"
  }

  /// The values and ranges one by one, each written as its kind asks: `["80", "443", "8000-8999"]`.
  public func pieces(as kind: ValueKind) -> [String] {
    intervals.flatMap { interval -> [String] in
      let (low, high) = (interval.lowerBound, interval.upperBound)
      switch kind {
      case .address: return ValueSet.addressPieces(interval)
      case .name:
        guard let pattern = InterfaceName.pattern(of: interval) else {
          return ["\(InterfaceName(value: low))-\(InterfaceName(value: high))"]
        }
        if low == 0, high == 0 { return ["none"] }
        return [pattern.wildcard ? pattern.text + "*" : pattern.text]
      case .transport, .named, .bits:
        guard high - low < 16 else { break }
        return (low...high).map { ValueSet.text($0, as: kind) }
      case .hardwareAddress, .mark, .number: break
      }
      return [
        low == high ? ValueSet.text(low, as: kind) : "\(ValueSet.text(low, as: kind))-\(ValueSet.text(high, as: kind))"
      ]
    }
  }

  /// One value as its kind is written.
  public static func text(_ value: UInt128, as kind: ValueKind) -> String {
    switch kind {
    case .address: return IPAddress(bits: value).description
    case .name: return InterfaceName(value: value).description
    case .hardwareAddress:
      return (0..<6).map { index in
        let byte = UInt8(truncatingIfNeeded: value >> UInt128(40 - 8 * index))
        return (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined(separator: ":")
    case .transport:
      return NamedNumbers.transports.first { $0.value == value }?.name ?? String(value)
    case .named(let names): return names.first { $0.value == value }?.name ?? String(value)
    case .bits(let names):
      var rest = value
      var found: [String] = []
      for name in names where value & name.value == name.value {
        found.append(name.name)
        rest &= ~name.value
      }
      if rest != 0 { found.append("0x" + String(rest, radix: 16)) }
      return found.isEmpty ? "0" : found.joined(separator: "+")
    case .mark: return "0x" + String(value, radix: 16)
    case .number: return String(value)
    }
  }

  /// An interval of addresses: as one prefix where it is one, else as a range; the two families apart.
  private static func addressPieces(_ interval: ClosedRange<UInt128>) -> [String] {
    let ipv4 = AddressFamily.ipv4.allAddresses
    let set = ValueSet(interval)
    let parts = [set.intersection(ipv4), set.subtracting(ipv4)]
    return parts.flatMap(\.intervals).map { part in
      let low = IPAddress(bits: part.lowerBound)
      let high = IPAddress(bits: part.upperBound)
      if part.lowerBound == part.upperBound { return low.description }
      let common = (part.lowerBound ^ part.upperBound).leadingZeroBitCount
      let length = common - (128 - low.family.addressBits)
      if let prefix = Prefix(low, length: length), prefix.address == low, prefix.last == high {
        return prefix.description
      }
      return "\(low)-\(high)"
    }
  }
}

extension Field {
  /// All values that the field can have.
  public var universe: ValueSet { .bits(width) }

  /// Values of the field in words.
  public func text(of values: ValueSet, limit: Int = 8) -> String {
    values.text(as: valueKind, in: universe, limit: limit)
  }
}

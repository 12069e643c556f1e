import FlowTrace
import RuleGraph

/// Picks single packets out of a part of a question: values that a reader knows where they are allowed, the nearest
/// otherwise.
struct Sampler {
  let query: Query
  /// Names of interfaces that exist on the host.
  let interfaces: [String]

  /// At most `limit` packets of a region, each as a question without open fields where the region names the field.
  ///
  /// - Parameter thoroughly: Whether the region is taken apart for them, when a few are not found by trying.
  func packets(of region: Region, limit: Int, thoroughly: Bool = true) -> [Query] {
    let region = Self.inOneFamily(region)
    let points = thoroughly ? [] : points(of: region)
    return (thoroughly ? boxes(of: region, limit: limit) : Array(points.prefix(limit))).map { packet(in: $0) }
  }

  /// A region without the addresses of IPv4, which are numbers of IPv6, too, where it is of IPv6.
  private static func inOneFamily(_ region: Region) -> Region {
    guard
      let family = region.allowed[.family]?.single.flatMap({ AddressFamily(rawValue: UInt8(truncatingIfNeeded: $0)) })
    else { return region }
    var result = region
    for name in [HeaderFieldName.saddr, .daddr] {
      let dimension = Region.Dimension.address(name, family)
      if let values = region.allowed[dimension] { result.allowed[dimension] = values.intersection(family.ownAddresses) }
    }
    return result
  }

  /// A few packets of a region that are in none of its exceptions, found by trying: a region of a large ruleset lacks
  /// thousands of boxes, and writing down what is left of it would take longer than the trace.
  private func points(of region: Region) -> [[Region.Dimension: ValueSet]] {
    var open = region.allowed
    for exception in region.except {
      for dimension in exception.keys where open[dimension] == nil { open[dimension] = Self.universe(of: dimension) }
    }
    var found: [[Region.Dimension: ValueSet]] = []
    for attempt in 0..<8 {
      var point: [Region.Dimension: UInt128] = [:]
      let part = region.parts.isEmpty ? [:] : region.parts[attempt * (region.parts.count - 1) / 7].box
      for (dimension, values) in open.merging(part, uniquingKeysWith: { $0.intersection($1) }) {
        point[dimension] = pick(dimension, values, attempt: attempt)
      }
      guard region.contains(point) else { continue }
      let box = point.mapValues { ValueSet($0) }
      if !found.contains(box) { found.append(box) }
    }
    return found
  }

  private static func universe(of dimension: Region.Dimension) -> ValueSet {
    guard case .field(let field) = dimension else { return ValueSet(0...1) }
    switch field {
    case .header(HeaderField(.ip, .saddr)), .header(HeaderField(.ip, .daddr)): return AddressFamily.ipv4.ownAddresses
    case .header(HeaderField(.ip6, .saddr)), .header(HeaderField(.ip6, .daddr)): return AddressFamily.ipv6.ownAddresses
    case .meta(.iifname): return InterfaceName.anyName
    default: return field.universe
    }
  }

  /// How far a region is from packets that a reader knows: the number of addresses and interfaces without a usual
  /// value.
  func oddness(of region: Region) -> Int {
    region.allowed.count { dimension, values in
      guard case .field(let field) = dimension, field.valueKind == .address || field == .meta(.iifname) else {
        return false
      }
      return !usual(field).contains { values.contains($0) }
    }
  }

  /// Whether a region holds no packet at all; false when that is not certain.
  func isEmpty(_ region: Region) -> Bool {
    if region.except.isEmpty { return region.allowed.values.contains(where: \.isEmpty) }
    return points(of: region).isEmpty && (region.boxes(limit: 2048)?.isEmpty ?? false)
  }

  /// Boxes of a region; where there are too many, those on the way to a few.
  private func boxes(of region: Region, limit: Int) -> [[Region.Dimension: ValueSet]] {
    if let boxes = region.boxes(limit: 2048) { return Array(boxes.prefix(limit)) }
    // Drop to a part of the region: single addresses first, then the exceptions take away less.
    var part = region
    for (dimension, values) in region.allowed where !values.isEmpty {
      part.allowed[dimension] = ValueSet(pick(dimension, values))
      if let boxes = part.boxes(limit: 2048) { return Array(boxes.prefix(limit)) }
    }
    return []
  }

  /// One packet of a box.
  private func packet(in box: [Region.Dimension: ValueSet]) -> Query {
    var result = query
    for (dimension, values) in box {
      switch dimension {
      case .sentByHost: result.origin = values.contains(1) ? .host : .wire
      case .family: result.family = values.contains(2) ? .ipv4 : .ipv6
      case .condition: continue
      case .field(let field):
        if Self.isOpen(field, values) { continue }
        result.set(field, ValueSet(pick(dimension, values)))
      }
    }
    close(&result)
    if result.transport?.isSubset(of: IPProtocol.withPorts) ?? false {
      if result.sourcePort == nil { result.sourcePort = ValueSet(40000) }
      if result.destinationPort == nil { result.destinationPort = ValueSet(80) }
    } else {
      result.sourcePort = nil
      result.destinationPort = nil
    }
    // Flags and types of other protocols than the packet's say nothing about it.
    if result.transport != ValueSet(6), query.fields[.header(HeaderField(.tcp, .flags))] == nil {
      result.fields[.header(HeaderField(.tcp, .flags))] = nil
    }
    for header in [Header.icmp, .icmpv6] where result.transport != ValueSet(header == .icmp ? 1 : 58) {
      for name in [HeaderFieldName.type, .code] where query.fields[.header(HeaderField(header, name))] == nil {
        result.fields[.header(HeaderField(header, name))] = nil
      }
    }
    return result
  }

  /// Fixes what neither the question nor the region limits: any value will do. A host chooses the source of its
  /// packets by itself.
  private func close(_ query: inout Query) {
    let family = query.family ?? .ipv4
    let all = query.family?.ownAddresses ?? .all
    if query.transport == nil { query.transport = ValueSet(6) }
    if query.destination == nil {
      query.destination = ValueSet(pick(.address(.daddr, family), all))
    }
    guard query.origin == .wire else { return }
    if query.source == nil { query.source = ValueSet(pick(.address(.saddr, family), all)) }
    if query.input == nil, let name = interfaceNames.first(where: { $0 != InterfaceName("lo")?.value }) {
      query.input = ValueSet(name)
    }
  }

  /// Whether a field may have any value, and is of those that a reader does not miss in a packet's description.
  private static func isOpen(_ field: Field, _ values: ValueSet) -> Bool {
    switch field {
    case .meta(.length): ValueSet.bits(16).isSubset(of: values)
    case .meta(.skuid), .meta(.skgid): ValueSet.bits(32).isSubset(of: values)
    case .meta(.physicalIn): InterfaceName.anyName.isSubset(of: values)
    default: false
    }
  }

  /// One value of a set; further attempts give further values.
  private func pick(_ dimension: Region.Dimension, _ values: ValueSet, attempt: Int = 0) -> UInt128 {
    guard case .field(let field) = dimension else { return values.first ?? 0 }
    let known = usual(field).filter { values.contains($0) }
    if attempt < known.count { return known[attempt] }
    if field.valueKind == .name { return known.first ?? name(in: values) }
    guard !values.intervals.isEmpty else { return 0 }
    // The widest interval first, and not its first address, which is often the network's own.
    let widest = values.intervals.indices.max {
      values.intervals[$0].upperBound - values.intervals[$0].lowerBound
        < values.intervals[$1].upperBound - values.intervals[$1].lowerBound
    }
    let turn = attempt - known.count
    let interval = values.intervals[((widest ?? 0) + turn * 5) % values.intervals.count]
    return interval.lowerBound + min(interval.upperBound - interval.lowerBound, 7 + UInt128(turn) * 1013)
  }

  /// Values that read well: addresses for documentation (RFC 5737, RFC 3849), ports of well-known services.
  private func usual(_ field: Field) -> [UInt128] {
    switch field {
    case .header(let header) where header.name == .saddr || header.name == .daddr:
      let texts =
        header.name == .saddr
        ? [
          "203.0.113.7", "198.51.100.7", "192.0.2.7", "192.168.1.7", "10.0.0.7", "8.8.8.8", "2001:db8::7", "2620:fe::7",
        ]
        : [
          "203.0.113.9", "198.51.100.9", "192.0.2.9", "192.168.1.9", "10.0.0.9", "8.8.4.4", "2001:db8::9", "2620:fe::9",
        ]
      return texts.compactMap { IPAddress($0)?.bits }
    case .header(HeaderField(.th, .dport)): return [80, 443, 22, 8080, 53]
    case .header(HeaderField(.th, .sport)): return [40000, 50000, 33000, 1024]
    case .meta(.l4proto): return [6, 17, 1, 58, 132]
    case .meta(.iifname): return interfaceNames
    case .meta(.physicalIn): return ["veth0", "eth1"].compactMap { InterfaceName($0)?.value }
    case .meta(.length): return [60, 84, 1400]
    case .meta(.skuid), .meta(.skgid): return [1000, 0]
    case .header(HeaderField(.ip, .ttl)), .header(HeaderField(.ip6, .hoplimit)): return [64, 63]
    case .header(HeaderField(.tcp, .flags)): return [2, 16]
    default: return [0]
    }
  }

  private var interfaceNames: [UInt128] {
    (interfaces + ["eth0", "ens3", "eth1", "wg0", "wlan0", "br-0"]).compactMap { InterfaceName($0)?.value }
  }

  /// A name in a set that people can type: a part of one in the set, grown by a digit.
  private func name(in values: ValueSet) -> UInt128 {
    for interval in values.intervals {
      let beginning = InterfaceName(value: interval.lowerBound).description
      for candidate in [beginning, beginning + "0", String(beginning.dropLast()) + "x"] {
        if candidate.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), let name = InterfaceName(candidate),
          values.contains(name.value)
        {
          return name.value
        }
      }
    }
    return values.first ?? 0
  }
}

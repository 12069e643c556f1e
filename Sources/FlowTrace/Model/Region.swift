public import RuleGraph

/// A part of the packets of a query: a box of allowed values for each dimension, less some boxes.
///
/// The dimensions are the query's open fields as the packet had them when it came in or was sent. The exceptions are
/// other cases' boxes: the packets that an earlier rule already took. What several rules took lies in ``parts`` of the
/// box. ``boxes(limit:)`` gives the same packets as disjoint boxes without exceptions.
public struct Region: Hashable, Sendable {
  /// What a dimension of a region is.
  public enum Dimension: Hashable, Sendable {
    /// A field of the packet as it came in or was sent (`.header(.ip, .saddr)`, `.meta(.iifname)`).
    case field(Field)
    /// Whether the host itself sends the packet: 1, or 0 when it arrives on an interface.
    case sentByHost
    /// The family: NFPROTO_IPV4 or NFPROTO_IPV6.
    case family
    /// Something unknown, by its number in the case's conditions: 1 where it holds, 0 where not.
    case condition(Int)

    /// The source (``HeaderFieldName/saddr``) or destination (``HeaderFieldName/daddr``) of the packets of a family.
    package static func address(_ name: HeaderFieldName, _ family: AddressFamily) -> Dimension {
      .field(.header(HeaderField(family == .ipv4 ? .ip : .ip6, name)))
    }
  }

  /// Allowed values; a dimension that is not mentioned is not limited beyond the query.
  public var allowed: [Dimension: ValueSet]
  /// Boxes that are taken out.
  public var except: [[Dimension: ValueSet]]
  /// The parts of the box that the packets lie in, which do not overlap; none where they are all of it. ``allowed`` is
  /// their hull then.
  public var parts: [Part] = []
  /// What one rule of several took.
  public struct Part: Hashable, Sendable {
    /// A box: the values that it allows besides those of the region.
    public var box: [Dimension: ValueSet]
    /// What rules before took out of it; the lists share their room with those of other parts.
    var earlier: [ArraySlice<[Dimension: ValueSet]>]

    /// Whether a packet is in the part.
    func contains(_ packet: [Dimension: UInt128]) -> Bool {
      box.allSatisfy { dimension, values in packet[dimension].map(values.contains) ?? true }
        && !earlier.contains { list in list.contains { Region.holds($0, packet) } }
    }
  }

  /// For the dimensions that the query left open: all values that such a packet can have, to say what a set lacks (`any
  /// but docker0`).
  ///
  /// An open source has no addresses that cannot come from a wire, and an open input interface is not `lo`.
  public var open: [Dimension: ValueSet] = [:]

  /// Makes a region.
  public init(allowed: [Dimension: ValueSet] = [:], except: [[Dimension: ValueSet]] = []) {
    self.allowed = allowed
    self.except = except
  }

  /// Whether a packet is in the region, given its values by dimension.
  ///
  ///     part.when.contains([.field(.meta(.l4proto)): 6, .field(.header(HeaderField(.th, .dport))): 80])
  ///
  /// A dimension that the packet does not name limits nothing, and takes it out of no exception.
  public func contains(_ packet: [Dimension: UInt128]) -> Bool {
    for (dimension, values) in open.merging(allowed, uniquingKeysWith: { $1 }) {
      if let value = packet[dimension], !values.contains(value) { return false }
    }
    if except.contains(where: { Region.holds($0, packet) }) { return false }
    return parts.isEmpty || parts.contains { $0.contains(packet) }
  }

  /// Whether a packet certainly is in a box: a dimension that the packet does not name keeps it out.
  private static func holds(_ box: [Dimension: ValueSet], _ packet: [Dimension: UInt128]) -> Bool {
    box.allSatisfy { dimension, values in packet[dimension].map(values.contains) ?? false }
  }

  /// The region as disjoint boxes without exceptions, at most `limit` of them; nil when there would be more.
  public func boxes(limit: Int) -> [[Dimension: ValueSet]]? {
    if parts.isEmpty { return Region.boxes(of: allowed, outside: [except[...]], limit: limit) }
    var boxes: [[Dimension: ValueSet]] = []
    for part in parts {
      let box = limited(to: part)
      if box.values.contains(where: \.isEmpty) { continue }
      guard let mine = Region.boxes(of: box, outside: part.earlier + [except[...]], limit: limit - boxes.count) else {
        return nil
      }
      boxes += mine
    }
    return boxes
  }

  /// The box of a part, with what the region says of the other dimensions.
  private func limited(to part: Part) -> [Dimension: ValueSet] {
    allowed.merging(part.box) { $0.intersection($1) }
  }

  private static func boxes(
    of box: [Dimension: ValueSet], outside lists: [ArraySlice<[Dimension: ValueSet]>], limit: Int
  ) -> [[Dimension: ValueSet]]? {
    var boxes = [box]
    let dimensions = Region.order(Set(lists.joined().flatMap(\.keys)))
    for list in lists {
      for exception in list where overlap(exception, box) {
        var next: [[Dimension: ValueSet]] = []
        for box in boxes {
          next += Region.subtract(exception, from: box, dimensions)
          if next.count > limit { return nil }
        }
        boxes = next
      }
    }
    return boxes.count > limit ? nil : boxes
  }

  /// The order in which dimensions are cut, which decides what the boxes are: that of a dictionary is another one each
  /// time. Sources come last, so that a box says who reaches some ports, and not which ports are left to somebody.
  static func order(_ dimensions: Set<Dimension>) -> [Dimension] {
    func rank(_ dimension: Dimension) -> (Int, String) {
      if case .field(.header(let field)) = dimension, field.name == .saddr { return (1, "") }
      return (0, "\(dimension)")
    }
    return dimensions.map { ($0, rank($0)) }.sorted { $0.1 < $1.1 }.map(\.0)
  }

  /// Whether two boxes share packets; a dimension that one of them does not mention is not limited in it.
  static func overlap(_ a: [Dimension: ValueSet], _ b: [Dimension: ValueSet]) -> Bool {
    a.allSatisfy { dimension, values in b[dimension].map { !$0.isDisjoint(with: values) } ?? true }
  }

  /// The parts of a box outside another, as disjoint boxes.
  static func subtract(
    _ exception: [Dimension: ValueSet], from box: [Dimension: ValueSet], _ dimensions: [Dimension]
  ) -> [[Dimension: ValueSet]] {
    for (dimension, values) in exception where (box[dimension] ?? .all).isDisjoint(with: values) { return [box] }
    var result: [[Dimension: ValueSet]] = []
    var rest = box
    for dimension in dimensions {
      guard let values = exception[dimension] else { continue }
      let have = rest[dimension] ?? dimension.domain
      let outside = have.subtracting(values)
      if !outside.isEmpty {
        var part = rest
        part[dimension] = outside
        result.append(part)
      }
      rest[dimension] = have.intersection(values)
    }
    return result
  }

  /// Whether two regions may share packets, whatever their conditions and exceptions say.
  func overlaps(_ other: Region) -> Bool {
    for (dimension, values) in allowed {
      if case .condition = dimension { continue }
      if let others = other.allowed[dimension], others.isDisjoint(with: values) { return false }
    }
    if parts.isEmpty, other.parts.isEmpty { return true }
    let mine = parts.isEmpty ? [[:]] : parts.map(\.box)
    let others = other.parts.isEmpty ? [[:]] : other.parts.map(\.box)
    // So many pairs are not worth it: what may overlap counts as overlapping.
    guard mine.count * others.count <= 1_000_000 else { return true }
    return mine.contains { box in
      Region.overlap(box, other.allowed) && others.contains { Region.overlap(box, $0) && Region.overlap($0, allowed) }
    }
  }
}

extension Region.Dimension {
  /// All values of the dimension.
  fileprivate var domain: ValueSet {
    switch self {
    case .field(let field): .bits(field.width)
    case .sentByHost, .condition: ValueSet(0...1)
    case .family: .all
    }
  }
}

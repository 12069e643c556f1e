public import RuleGraph

/// A part of the packets of a query: a box of allowed values for each dimension, less some boxes.
///
/// The dimensions are the query's open fields as the packet had them when it came in or was sent. The exceptions are other cases' boxes: the
/// packets that an earlier rule already took. ``boxes(limit:)`` gives the same packets as disjoint boxes without exceptions.
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
  }

  /// Allowed values; a dimension that is not mentioned is not limited beyond the query.
  public var allowed: [Dimension: ValueSet]
  /// Boxes that are taken out.
  public var except: [[Dimension: ValueSet]]
  /// For the dimensions that the query left open: all values that such a packet can have, to say what a set lacks (`any but docker0`).
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
    return !except.contains { box in
      box.allSatisfy { dimension, values in packet[dimension].map(values.contains) ?? false }
    }
  }

  /// The region as disjoint boxes without exceptions, at most `limit` of them; nil when there would be more.
  public func boxes(limit: Int) -> [[Dimension: ValueSet]]? {
    var boxes = [allowed]
    for exception in except {
      var next: [[Dimension: ValueSet]] = []
      for box in boxes {
        next += Region.subtract(exception, from: box)
        if next.count > limit { return nil }
      }
      boxes = next
    }
    return boxes
  }

  /// The parts of a box outside another, as disjoint boxes.
  static func subtract(_ exception: [Dimension: ValueSet], from box: [Dimension: ValueSet]) -> [[Dimension: ValueSet]] {
    for (dimension, values) in exception where (box[dimension] ?? .all).isDisjoint(with: values) { return [box] }
    var result: [[Dimension: ValueSet]] = []
    var rest = box
    for (dimension, values) in exception {
      let have = rest[dimension] ?? .all
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
}

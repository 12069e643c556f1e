import FlowTrace
import RuleGraph

/// A set of packets of one family and one kind of sender: a product of sets, one for each field.
///
/// Boxes are closed under intersection, and what is left of one without another is a list of disjoint boxes. So
/// "exactly these packets" is
/// two questions to the tracer: about the boxes, and about everything else.
struct PacketBox: Hashable, Sendable {
  /// The packets as a question; the family is set, and the origin is not open.
  let query: Query

  /// The fields that boxes are compared by, in the order in which a difference is taken apart: ports belong to
  /// protocols, so these come first.
  private enum Side: CaseIterable {
    case transport, source, destination, input, physicalInput, sourcePort, destinationPort
  }

  init?(_ query: Query) {
    guard query.family != nil, query.origin != .open else { return nil }
    self.query = query
    for side in Side.allCases where values(side).isEmpty { return nil }
  }

  /// A packet that arrives without a named interface does not arrive on loopback: those are the host's own.
  private static let otherThanLoopback = InterfaceName.anyName.subtracting(
    ValueSet(InterfaceName("lo")?.value ?? 0))

  private func values(_ side: Side) -> ValueSet {
    let addresses = query.family?.ownAddresses ?? .all
    return switch side {
    case .transport: (query.transport ?? .all).intersection(.bits(8))
    case .source: (query.source ?? .all).intersection(addresses)
    case .destination: (query.destination ?? .all).intersection(addresses)
    case .input: query.input ?? Self.otherThanLoopback
    case .physicalInput: query.physicalInput ?? .all
    case .sourcePort: (query.sourcePort ?? .all).intersection(.bits(16))
    case .destinationPort: (query.destinationPort ?? .all).intersection(.bits(16))
    }
  }

  private func with(_ side: Side, _ values: ValueSet) -> PacketBox? {
    var query = query
    switch side {
    case .transport: query.transport = values
    case .source: query.source = values
    case .destination: query.destination = values
    case .input: query.input = values
    case .physicalInput: query.physicalInput = values
    case .sourcePort: query.sourcePort = values
    case .destinationPort: query.destinationPort = values
    }
    return PacketBox(query)
  }

  /// Whether two boxes are of the same family and kind of sender.
  private func isComparable(to other: PacketBox) -> Bool {
    query.family == other.query.family && query.origin == other.query.origin
  }

  /// The packets in both boxes; nil when there are none.
  func intersection(_ other: PacketBox) -> PacketBox? {
    guard isComparable(to: other) else { return nil }
    var box: PacketBox? = self
    for side in Side.allCases {
      let mine = values(side)
      let common = mine.intersection(other.values(side))
      if common != mine { box = box?.with(side, common) }
    }
    return box
  }

  /// The packets of this box that are not in another, as disjoint boxes.
  func subtracting(_ other: PacketBox) -> [PacketBox] {
    guard isComparable(to: other), intersection(other) != nil else { return [self] }
    var parts: [PacketBox] = []
    var rest = self
    for side in Side.allCases {
      let mine = rest.values(side)
      let theirs = other.values(side)
      if mine.isSubset(of: theirs) { continue }
      if let part = rest.with(side, mine.subtracting(theirs)) { parts.append(part) }
      guard let next = rest.with(side, mine.intersection(theirs)) else { break }
      rest = next
    }
    return parts
  }

  /// The packets of some boxes that are in none of others, as disjoint boxes if the first are.
  static func difference(_ boxes: [PacketBox], _ others: [PacketBox]) -> [PacketBox] {
    others.reduce(boxes) { rest, other in rest.flatMap { $0.subtracting(other) } }
  }
}

extension AddressFamily {
  /// The addresses of this family alone: IPv6 without the block in which IPv4 addresses are kept.
  var ownAddresses: ValueSet {
    self == .ipv4 ? allAddresses : ValueSet.all.subtracting(AddressFamily.ipv4.allAddresses)
  }
}

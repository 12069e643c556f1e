package import HostModel
package import RuleGraph

/// Which packets a ruleset and its host can't tell apart: for each field that varies from packet to packet, the classes
/// of its values.
///
/// A rule that accepts TCP to port 80 and one that drops 10.0.0.0/8 leave three classes of source addresses that matter
/// (inside, outside, and what the kernel itself treats in another way) and two of ports. A trace compares these fields
/// with constants of the rules, of the host, and with a few of its own; where something else is done with a field
/// (arithmetic, a hash, a value that is copied elsewhere) it has no classes, and each of its values stands for itself.
package final class PacketClasses: Sendable {
  /// A field that has classes.
  package enum Field: Int, CaseIterable, Sendable {
    /// The IPv4 addresses of the packet as it comes in.
    case source, destination
    /// Its ports.
    case sourcePort, destinationPort
    /// Its length in bytes.
    case length

    /// Whether the values are addresses.
    package var isAddress: Bool { self == .source || self == .destination }
  }

  private let addresses: ValueClasses
  private let numbers: ValueClasses
  /// The classes of a field that nothing looks at: one.
  private let one = ValueClasses([], in: 0...0xffff)
  /// The fields that have classes.
  package let classed: FieldSet
  /// Those of them that nothing looks at.
  private let unseen: FieldSet

  /// Finds the classes that the rules and the host leave.
  package convenience init(_ ruleset: Ruleset, _ facts: HostFacts) {
    var constants = PacketConstants()
    constants.add(ruleset)
    constants.add(facts)
    constants.add(InferredHost(ruleset: ruleset, facts: facts))
    self.init(constants)
  }

  /// Finds the classes of packets that none of several rulesets with their hosts can tell apart, and that lie alike in
  /// some sets beside them.
  package convenience init(_ hosts: [(ruleset: Ruleset, facts: HostFacts)], beside sets: [ValueSet]) {
    var constants = PacketConstants()
    for host in hosts {
      constants.add(host.ruleset)
      constants.add(host.facts)
      constants.add(InferredHost(ruleset: host.ruleset, facts: host.facts))
    }
    for set in sets { constants.add(set) }
    self.init(constants)
  }

  init(_ constants: PacketConstants) {
    // What is a destination to a packet is a source to its answer, and translations make the one of the other.
    addresses = ValueClasses(
      constants.intervals, in: IPAddress.ipv4Base...IPAddress.ipv4Base + 0xffff_ffff)
    numbers = ValueClasses(constants.intervals, in: 0...0xffff)
    var classed = FieldSet.all.subtracting(FieldSet(constants.computed))
    if constants.computed.contains(.source) || constants.computed.contains(.destination) {
      classed = classed.subtracting([.source, .destination])
    }
    self.classed = classed
    unseen = FieldSet.all.subtracting(FieldSet(constants.compared))
  }

  /// The classes of a field's values; nil where each value may be told from all others.
  package subscript(field: Field) -> ValueClasses? {
    guard classed.contains(field) else { return nil }
    if unseen.contains(field) { return one }
    return field.isAddress ? addresses : numbers
  }

  /// Whether nothing looks at a field: then no packets differ by it.
  package func isUnseen(_ field: Field) -> Bool { unseen.contains(field) }

  /// The number of the class that a value of a field with classes is of.
  ///
  /// - Parameters:
  ///   - value: The value; of an address its 32 bits.
  ///   - field: The number of the field.
  package func number(of value: UInt32, inField field: Int) -> UInt32 {
    if unseen.rawValue & 1 << UInt8(field) != 0 { return 0 }
    return field <= Field.destination.rawValue ? addresses.number(of: value) : numbers.number(of: value)
  }

  /// A set of fields; the raw value has a bit for the number of each.
  package struct FieldSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ fields: Set<Field>) {
      rawValue = fields.reduce(0) { $0 | 1 << UInt8($1.rawValue) }
    }

    package static let source = FieldSet([Field.source])
    package static let destination = FieldSet([Field.destination])
    package static let all = FieldSet(Set(Field.allCases))

    package func contains(_ field: Field) -> Bool { rawValue & 1 << UInt8(field.rawValue) != 0 }
  }
}

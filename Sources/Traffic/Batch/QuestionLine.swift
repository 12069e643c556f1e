package import FlowTrace

/// A line of a batch: where its name stands in it, and the values of the fields that have classes.
///
/// Only plain lines are taken: one object of texts and numbers without escapes. All others are read as they are.
package struct QuestionLine: Sendable {
  /// A place that the answers to several questions differ in: the name of the question, or the value of a field.
  struct Gap: Sendable {
    /// The number of the field, or that of ``QuestionLine/name``.
    var kind: UInt8
    var start: Int32
    var count: Int32

    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
  }

  /// The kind of the gap in which the name stands; the others are the numbers of fields.
  static let name: UInt8 = 5

  /// The line's place in the text.
  let place: Range<Int>
  /// The gaps in the order in which they stand in the line.
  private(set) var gaps = InlineArray<6, Gap>(repeating: Gap(kind: 0, start: 0, count: 0))
  private(set) var gapCount = 0
  /// The gap of each kind.
  private var gapOfKind = InlineArray<6, Int8>(repeating: -1)
  /// The values of the fields: ports, the length, the 32 bits of addresses.
  private(set) var values = InlineArray<5, UInt32>(repeating: 0)
  /// The classes of the values of the open fields.
  private(set) var classes = InlineArray<5, UInt32>(repeating: 0)
  /// The fields in whose place another value of the class may stand: a bit for the number of each.
  private(set) var open: UInt8 = 0

  private static let addresses: UInt8 = 0b00011
  private static let ports: UInt8 = 0b01100

  /// Reads a line; nil of one that is not plain.
  ///
  /// - Parameters:
  ///   - bytes: A text.
  ///   - place: The place of the line in it, without its end.
  ///   - packets: The classes of values that nothing tells apart.
  package init?(_ bytes: Span<UInt8>, _ place: Range<Int>, _ packets: borrowing PacketClasses) {
    guard place.count <= Self.longestLine else { return nil }
    self.place = place
    var members = PlainMembers(place)
    guard members.takeBrace(bytes) else { return nil }
    var limits = packets.classed.rawValue
    repeat {
      guard let (key, value) = members.takeMember(bytes) else { return nil }
      switch PlainMembers.kind(of: key, bytes) {
      case .name:
        guard PlainMembers.isPlainName(value, bytes), add(Self.name, value) else { return nil }
      case .address(let field):
        guard add(field, value) else { return nil }
        if let address = PlainMembers.address(value, bytes) { set(field, address) }
      case .number(let field):
        guard add(field, value) else { return nil }
        if let number = PlainMembers.shortNumber(value, bytes) { set(field, number) }
      case .harmless: break
      // Who sends tells the source.
      case .sender: limits &= ~Self.addresses
      // Of a later packet of a connection, the fields are those of another packet.
      case .other: limits = 0
      }
    } while members.takeComma(bytes)
    guard members.takeEnd(bytes) else { return nil }
    open &= limits
    // A packet to its own sender is one of a kind, and one address alone leaves the family of the other to be said.
    if open & Self.addresses != Self.addresses || values[0] == values[1] { open &= ~Self.addresses }
    if open & Self.ports == Self.ports, values[2] == values[3] { open &= ~Self.ports }
    for field in 0..<5 where open & 1 << UInt8(field) != 0 {
      classes[field] = packets.number(of: values[field], inField: field)
    }
  }

  /// A longer line is not a plain one.
  static let longestLine = 4096

  /// Whether the line gives its question a name.
  var hasName: Bool { gapOfKind[Int(Self.name)] >= 0 }

  /// Where the text of a kind stands; empty where the line has none.
  func place(ofKind kind: UInt8) -> Range<Int> {
    let gap = gapOfKind[Int(kind)]
    return gap < 0 ? 0..<0 : gaps[Int(gap)].range
  }

  /// The value of a field.
  func value(_ field: PacketClasses.Field) -> UInt32 { values[field.rawValue] }

  private mutating func add(_ kind: UInt8, _ value: Range<Int>) -> Bool {
    guard gapOfKind[Int(kind)] < 0 else { return false }
    gapOfKind[Int(kind)] = Int8(truncatingIfNeeded: gapCount)
    gaps[gapCount] = Gap(
      kind: kind, start: Int32(truncatingIfNeeded: value.lowerBound), count: Int32(truncatingIfNeeded: value.count))
    gapCount += 1
    return true
  }

  private mutating func set(_ field: UInt8, _ value: UInt32) {
    values[Int(field)] = value
    open |= 1 << field
  }
}

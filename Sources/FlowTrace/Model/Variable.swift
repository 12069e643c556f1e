package import RuleGraph

/// A place in the symbolic packet that rules read and write.
///
/// The fields of both dialects meet here: `ip saddr`, `ip6 saddr` and iptables' `-s` are all ``Slot/source``.
enum Slot: Int, CaseIterable {
  case input, output, physicalInput, physicalOutput
  case source, destination, transport, sourcePort, destinationPort
  case mark, tcpFlags, icmpType, icmpCode, length, hopLimit, serviceByte, user, group
  case connectionMark
}

/// One of a ``Flow``'s variables, or of the fields of a ``PacketSearch``: its place among them.
package struct VariableID: Hashable, Comparable, Sendable {
  fileprivate let number: Int32

  fileprivate init(number: Int32) { self.number = number }

  /// The variable at a place.
  package init(_ index: Int) { number = Int32(index) }

  /// The place among all variables.
  package var index: Int { Int(number) }

  package static func < (a: VariableID, b: VariableID) -> Bool { a.number < b.number }
}

/// The variable of each slot of a packet; nil where the packet has no such field.
struct Binding: Equatable {
  /// The number of each slot's variable, close together since every flow has a binding; -1, which only this type knows
  /// of, where it is nil.
  private var numbers: [Int32]

  /// No slot has a variable. All bindings that nothing was put into are one in memory.
  static let empty = Binding()

  private init() { numbers = Array(repeating: -1, count: Slot.allCases.count) }

  subscript(slot: Slot) -> VariableID? {
    get {
      let number = numbers[slot.rawValue]
      return number < 0 ? nil : VariableID(number: number)
    }
    set { numbers[slot.rawValue] = newValue?.number ?? -1 }
  }

  /// Whether every slot that has a variable here has the same one in another binding.
  func isKept(in other: Binding) -> Bool {
    zip(numbers, other.numbers).allSatisfy { $0 < 0 || $0 == $1 }
  }
}

/// Something that a flow does not know exactly: an open field of the query, a condition, a choice that the kernel
/// makes.
///
/// Slots are bound to variables, and several may be bound to one: after a translation the connection's original
/// destination is still bound to the variable that the packet's destination was bound to. So a match on either narrows
/// the same set.
struct Variable {
  /// The values that are possible in this flow.
  var domain: ValueSet
  /// Where the variable shows in a ``Region``; nil when it is no part of the question (the kernel's own choice).
  var dimension: Region.Dimension?
  /// The values that the query left open; nil where the query gave them.
  var open: ValueSet?
  /// The number of the condition that says that a dump masks the one value the variable has; flows that differ in it
  /// differ in something unknown.
  var masked: Int?
}

extension [Variable] {
  subscript(id: VariableID) -> Variable {
    get { self[id.index] }
    _modify { yield &self[id.index] }
  }
}

/// The values of each variable.
extension [ValueSet] {
  package subscript(id: VariableID) -> ValueSet {
    get { self[id.index] }
    _modify { yield &self[id.index] }
  }
}

/// One packet: the value of each variable.
extension [UInt128] {
  subscript(id: VariableID) -> UInt128 { self[id.index] }
}

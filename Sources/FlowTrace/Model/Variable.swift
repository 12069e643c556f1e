import RuleGraph

/// A place in the symbolic packet that rules read and write.
///
/// The fields of both dialects meet here: `ip saddr`, `ip6 saddr` and iptables' `-s` are all ``Slot/source``.
enum Slot: Int, CaseIterable {
  case input, output, physicalInput, physicalOutput
  case source, destination, transport, sourcePort, destinationPort
  case mark, tcpFlags, icmpType, icmpCode, length, hopLimit, serviceByte, user, group
  case connectionMark
}

/// A number of a ``Flow``'s variables: its index in ``Flow/variables``.
typealias VariableID = Int

/// Something that a flow does not know exactly: an open field of the query, a condition, a choice that the kernel makes.
///
/// Slots are bound to variables, and several may be bound to one: after a translation the connection's original destination is still
/// bound to the variable that the packet's destination was bound to. So a match on either narrows the same set.
struct Variable {
  /// The values that are possible in this flow.
  var domain: ValueSet
  /// Where the variable shows in a ``Region``; nil when it is no part of the question (the kernel's own choice).
  var dimension: Region.Dimension?
  /// The values that the query left open; nil where the query gave them.
  var open: ValueSet?
  /// The number of the condition that says that a dump masks the one value the variable has; flows that differ in it differ in something unknown.
  var masked: Int?
}

public import RuleGraph

extension Step {
  /// What the action of a step is about.
  public enum Target: Hashable, Sendable {
    /// The chain that a rule sends the packet to.
    case chain(String)
    /// The device that it goes out of.
    case device(String)
    /// The interfaces that a route leads through, one of them.
    case interfaces([String])
    /// The new address of a translation, and the port where the packet has one.
    case endpoint(ValueSet, port: ValueSet?)
    /// The new source of a packet whose way out is not known: the address of the interface it leaves through.
    case outgoingAddress
    /// The new destination is one of this host's addresses, and a port where it is one.
    case thisHost(port: UInt128?)
    /// The values that a field is given.
    case values(ValueSet, of: Field)
    /// Something that was not shown or not understood.
    case unseen(Condition.Unseen)
  }
}

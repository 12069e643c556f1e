public import RuleGraph

extension Remedy {
  /// What would help where no single rule does.
  public enum Advice: Hashable, Sendable {
    // No rule is reached.
    /// The packets are dropped before a rule could answer them.
    case droppedBeforeRules
    /// A setting of the kernel, tried.
    case setting([String], value: String, Outcome)
    /// A route must lead to the destination.
    case route(to: ValueSet)
    /// The route that refuses the destination must go.
    case noRefusal(of: ValueSet)
    /// The container needs a network.
    case network
    /// The host needs an interface of its own on the network of the container, or the container another network.
    case interfaceBesideContainers
    /// A port of the bridge must not be isolated.
    case noIsolation
    /// The bridge must send frames back.
    case hairpin
    /// No wire brings such an address.
    case noMartian
    /// The sender must start with more hops, or a rule raise them before routing.
    case moreHops
    /// The interface must be up.
    case interfaceUp
    /// A program must listen.
    case program
    /// The host would have to join the group or route it.
    case group
    /// Nobody has the address.
    case nobody
    /// All packets of a connection must leave through one interface.
    case oneWayOut
    /// The first packet of the connection must get through.
    case firstPacket

    // The rules let it in, and nobody listens.
    /// A program must listen on a port, where it is one, of these addresses.
    case listener(port: UInt128?, on: ValueSet)
    /// A program listens on another address alone.
    case listenerElsewhere(program: String?, on: ValueSet, now: IPAddress)

    // Rules were looked for.
    /// What is unknown must be settled first: what this command prints.
    case settle(String?)
    /// No chain that was printed is where a rule would have to stand.
    case noChain
    /// No single rule lets the reply back in.
    case noRuleForReply
    /// No single rule helps.
    case noRule
    /// With this rule the packet, or its reply, ends elsewhere. The rule is in the ruleset that the end is of.
    case insufficient(command: String, isReply: Bool, End)
    /// Two rules help, tried; where Docker keeps networks apart a shared one needs none.
    case twoRules(String, forReplies: String, isFence: Bool)

    /// What became of packets with a setting that was tried.
    public enum Outcome: Hashable, Sendable {
      case accepted, acceptedInPart, undetermined
      case discarded(Case.Verdict, by: Decider?)
    }

    /// Where packets end.
    public enum End: Hashable, Sendable {
      case rule(of: ChainID)
      case policy(of: ChainID)
      case nothing
      case outside(OutsideReason)
    }
  }
}

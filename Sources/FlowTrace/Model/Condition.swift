public import RuleGraph

/// Something unknown that splits a trace: what is true of it in one case is false in another.
public struct Condition: Hashable, Sendable {
  /// What is unknown.
  public var about: About
  /// The rule that asks.
  public var rule: RuleID?
  /// The command whose output would settle it.
  public var settledBy: String?

  /// Makes a condition.
  public init(_ about: About, rule: RuleID? = nil, settledBy: String? = nil) {
    self.about = about
    self.rule = rule
    self.settledBy = settledBy
  }
}

/// Something unknown that the case takes to be one way.
public struct ConditionUse: Hashable, Sendable {
  /// The condition.
  public var condition: Condition
  /// Whether it is taken to hold.
  public var holds: Bool

  /// Makes a use of a condition.
  public init(_ condition: Condition, holds: Bool) {
    self.condition = condition
    self.holds = holds
  }

  /// What is unknown.
  public var about: Condition.About { condition.about }
  /// The rule that asks.
  public var rule: RuleID? { condition.rule }
  /// The command whose output would settle it.
  public var settledBy: String? { condition.settledBy }
  /// Whether it is an environment condition (which no dump can tell) rather than something hidden or not understood.
  public var isEnvironment: Bool { about.isEnvironment }

  /// What rules that no dump shows do here; empty where they leave the packet alone, nil of other conditions.
  public var effect: MissingRules.Effects? {
    if holds, case .unseen(_, let effect) = about { effect } else { nil }
  }

  /// Whether it is about interfaces that a listing does not print (`iptables -nL` without `-v`).
  public var isOfHiddenInterfaces: Bool { about == .hiddenInterfaces }
}

extension Condition {
  /// What can be unknown, with its values.
  public enum About: Hashable, Sendable {
    // What no dump can tell.
    /// A match whose truth depends on a rate, the time, a list that rules fill.
    case environment(EnvironmentCondition)
    /// Whether all conditions hold of an element that a rule puts into a set (`add @s { ip saddr limit rate 3/hour }`)
    /// or finds there.
    case element([EnvironmentCondition])
    /// A match on values that are computed in a way that is not followed.
    case match(Match)
    /// A match on bits of a field, of too many values to be told one by one; it is true where the match is.
    case bits(Match)
    /// Whether a number that the kernel makes up is one of these, else one of the others.
    case draw(Generator, ValueSet, others: ValueSet)
    /// Whether a packet of several open fields is in a set of so many elements.
    case largeSet(String, count: Int)
    /// Whether a transparent proxy of the host listens.
    case transparentProxy
    /// Whether the program at a queue lets the packet pass.
    case queue(UInt16)
    /// Whether nft's nat chain of a hook was registered after that of legacy iptables, and so is asked first.
    case natOrder(Hook)
    /// Whether the sending program is bound to an interface, so that a policy rule of this priority applies.
    case boundProgram(interface: String, priority: Int)

    // What a dump could tell.
    /// A match that was not understood.
    case opaque(Opaque)
    /// Whether the packet's interfaces fit a rule whose interfaces a listing hides.
    case hiddenInterfaces
    /// Whether a user or a group, given by name, sends the packet.
    case owner(String, isGroup: Bool)
    /// A match on what the host's addresses or routes say.
    case hostMatch(Match)
    /// A match with masked values that are computed with.
    case maskedMatch(Match)
    /// Whether a value is one of those that are masked.
    case maskedValue(ValueExpression, MaskedValues)
    /// Whether an element that is masked or left out is the packet's; the set may have no name.
    case hiddenElement(ofSet: String?)
    /// Which value a masked one is that a rule puts into the packet.
    case maskedTarget(MaskedValue)
    /// Whether a set whose elements are unknown holds the packet.
    case setMember(String)
    /// Whether a map whose elements are unknown holds the packet.
    case mapMember(String)
    /// Whether something that was not shown has this effect, none when it leaves the packet alone.
    case unseen(Unseen, MissingRules.Effects)
    /// Whether the policy of a chain is accept.
    case policy(ChainID)
    /// Whether a chain is for a device that the frame passes.
    case device(of: ChainID)
    /// Whether a table whose head was lost sees packets of a version of IP.
    case seesPackets(table: Int, AddressFamily)
    /// Whether a bridge sends the frame through this port.
    case egressPort(String, bridge: String?)

    // The host's addresses and routes.
    /// Whether an address, or where it is nil the destination, is the host's.
    case ownAddress(IPAddress?)
    /// Whether a policy rule applies of which a selector was not understood.
    case policyRule(priority: Int, selector: String?, AddressFamily)
    /// Whether a policy rule that no dump shows leads to a routing table.
    case unseenPolicyRule(table: String)
    /// Whether a routing table has a route for the packet.
    case routeInTable(String)
    /// Whether that route is local.
    case localRouteInTable(String)
    /// Whether a route whose destination is masked leads to a network, through an interface where that is shown.
    case maskedRoute(MaskedValue, network: Prefix, interface: String?)
    /// Whether the destination is on the link of a bridge whose network no dump tells.
    case neighbour(bridge: String)
    /// Whether packets from 127/8 may leave through an interface.
    case routeLocalnet(String?)
    /// Whether the route back to a source leads through the interface that its packets come in on.
    case reversePath(to: IPAddress, interface: String)

    // What ends the way.
    /// Nothing is known from here on.
    case end(End)
  }

  /// What was not shown and does something to packets.
  public enum Unseen: Hashable, Sendable {
    /// Rules of a chain.
    case rules(of: ChainID)
    /// A chain that a rule jumps to.
    case chain(String)
    /// A target.
    case target(Opaque)
    /// A map of verdicts.
    case map(String)
  }

  /// What ends the way of a packet whose fate is unknown.
  public enum End: Hashable, Sendable {
    /// Rules that were not shown do something to the packet, as another condition of the case says.
    case unseenRules
    /// The kernel answers the handshake itself.
    case synproxy
    /// The packet is sent to a chain that was not shown.
    case unseenChain(String)
    /// There are too many rules to look at.
    case tooManyRules
    /// So many rules overlap that the search for a packet that none of them takes was ended.
    case tooManyOverlaps
    /// There are more cases than this.
    case tooManyCases(Int)
  }
}

extension Condition.About {
  /// Whether no dump can tell it; otherwise a dump could have and did not.
  public var isEnvironment: Bool {
    switch self {
    case .environment, .element, .match, .bits, .draw, .largeSet, .transparentProxy, .queue, .natOrder, .boundProgram:
      true
    case .opaque, .hiddenInterfaces, .owner, .hostMatch, .maskedMatch, .maskedValue, .hiddenElement, .maskedTarget,
      .setMember, .mapMember, .unseen, .policy, .device, .egressPort, .ownAddress, .policyRule, .unseenPolicyRule,
      .routeInTable, .localRouteInTable, .maskedRoute, .neighbour, .routeLocalnet, .reversePath, .seesPackets,
      .end:
      false
    }
  }
}

/// Why the fate of a packet is unknown at its end, with the command that would settle it.
struct UnknownEnd {
  var reason: Condition.End
  var settledBy: String?

  init(_ reason: Condition.End, _ settledBy: String? = nil) {
    self.reason = reason
    self.settledBy = settledBy
  }
}

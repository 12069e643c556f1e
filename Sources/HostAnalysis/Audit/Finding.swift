public import FlowTrace
public import RuleGraph

/// Something that is wrong with the rules of a host, or worth a look: a fact with its proof. Words for it are found
/// elsewhere.
public struct Finding: Sendable {
  /// What kind of finding it is; the raw value is stable, for tools and for files that say which are known.
  public enum ID: String, Hashable, Sendable, CaseIterable {
    case neverReached = "never-reached"
    case contradiction
    case shadowed
    case redundant
    case correlated
    case missesPurpose = "misses-purpose"
    case overruled
    case missingSet = "missing-set"
    case missingInterface = "missing-interface"
    case missingContainer = "missing-container"
    case dangerousForward = "dangerous-forward"
    case dangerousContainers = "dangerous-containers"
    case dangerousIPv6 = "dangerous-ipv6"
    case dangerousService = "dangerous-service"
    case dangerousLoopback = "dangerous-loopback"
    case dangerousNeighbours = "dangerous-neighbour-discovery"
    case dangerousFragmentation = "dangerous-path-mtu"
    case costlyEstablished = "costly-established"
    case costlyList = "costly-list"

    /// The kinds that the rules, the sets and what is listed of the host tell alone; the others are found by asking
    /// about packets.
    public static let ofRules: Set<ID> = [
      .neverReached, .contradiction, .shadowed, .redundant, .correlated, .missingSet, .missingInterface,
      .missingContainer,
      .costlyEstablished, .costlyList,
    ]
  }

  /// How much it matters.
  public enum Severity: Int, Hashable, Sendable, CaseIterable, Comparable {
    /// Worth knowing: nothing is wrong with what becomes of packets.
    case note
    /// Rules don't do what they seem to do, and nothing is open because of it.
    case warning
    /// Something is open or closed that should not be, or a rule that denies something does nothing.
    case high

    /// In the order of weight.
    public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }
  }

  /// What was found.
  public enum Fact: Hashable, Sendable {
    /// Nothing jumps to the chain.
    case nothingJumps
    /// The rules that jump to the chain let other packets in than the rule asks for; ``Finding/because`` names them.
    case othersArrive
    /// Packets at the hook have not what the rule asks for.
    case notAtHook(Hook, Absence)
    /// The rule asks for things that no packet is at once.
    case contradiction
    /// Earlier rules take every packet that it asks for.
    case shadowed
    /// Without the rule the same becomes of every packet; whether the chain's policy has a part in that.
    case redundant(byPolicy: Bool)
    /// Earlier rules that overlap it decide otherwise: their order matters.
    case correlated
    /// The rule asks for a port that a translation has changed before.
    case portIsTranslated(UInt16, to: UInt16)
    /// The rule denies a port of the host, and packets to it are translated and forwarded past the rule.
    case deniesPublishedPort(UInt16)
    /// The chain holds addresses that are banned from the host, and published ports of containers don't pass it.
    case banLeavesContainers
    /// Packets of a container network get out, and their answers are dropped.
    case repliesDropped(bridge: String, by: Decider)
    /// What the rule accepts, another base chain of the hook stops.
    case overruled(by: Decider)
    /// The rule looks something up in a set without elements.
    case emptySet(String)
    /// The rule names an interface that the host does not have.
    case unknownInterface(String)
    /// The rule names an address in a container network that no container has.
    case unknownContainer(IPAddress, network: String)
    /// Packets from outside are forwarded to any address and port behind an interface.
    case forwardsAll(from: String?, to: String)
    /// Containers reach every port of the host.
    case containersReachHost(bridge: String)
    /// A port is open to everybody over IPv6, and not over IPv4.
    case onlyOverIPv6(UInt16)
    /// A service that is not made for strangers is open to everybody.
    case sensitiveService(SensitiveService, UInt16)
    /// Rules open a port to everybody that such a service usually has; nobody showed whether one listens.
    case sensitivePort(SensitiveService, UInt16)
    /// A port that is published for the host alone is reached by its neighbours.
    case loopbackReached(UInt16)
    /// What neighbours on the link ask for addresses with is dropped.
    case neighboursDropped
    /// The message "fragmentation needed" or "packet too big" is dropped.
    case fragmentationDropped(AddressFamily)
    /// Packets of known connections pass so many rules before one accepts them.
    case establishedLate(rules: Int)
    /// So many rules in a row differ in one value.
    case couldBeSet(count: Int)
  }

  /// What packets of a hook don't have.
  public enum Absence: Hashable, Sendable {
    /// An interface to leave through: before routing, and where they are for the host.
    case output
    /// An interface that they came in through: they are the host's own.
    case input
    /// Any other state than that of a new connection: nat chains see its first packet alone.
    case laterState
    /// Something else: an address of the other version of IP, most often.
    case other
  }

  /// What would mend it, and was tried.
  public enum Mend: Hashable, Sendable {
    /// The rule moved above another one: it then gets packets.
    case move(above: RuleID)
    /// The rule taken away.
    case remove
    /// The port that packets had before their destination was translated, in place of the one that the rule asks for.
    case originalPort(UInt16)
  }

  /// What was found.
  public var fact: Fact
  /// How much it matters.
  public var severity: Severity
  /// The rule that it is about; nil where it is about a chain or the host.
  public var rule: RuleID?
  /// The chain that it is about, where it is not about a single rule.
  public var chain: ChainID?
  /// The rules that prove it: of a rule that gets no packets those that take them, fewest, and one with another verdict
  /// where there is one.
  public var because: [RuleID] = []
  /// A packet that shows it.
  public var witness: Query?
  /// What mends it, where something was found and tried.
  public var mend: Mend?
  /// What the rule's counter says: true where it agrees, false where it speaks against the finding, nil where there is
  /// none.
  public var counterAgrees: Bool?

  /// Makes a finding.
  public init(
    fact: Fact, severity: Severity, rule: RuleID? = nil, chain: ChainID? = nil, because: [RuleID] = [],
    witness: Query? = nil,
    mend: Mend? = nil
  ) {
    self.fact = fact
    self.severity = severity
    self.rule = rule
    self.chain = chain
    self.because = because
    self.witness = witness
    self.mend = mend
  }

  /// The kind.
  public var id: ID {
    switch fact {
    case .nothingJumps, .othersArrive, .notAtHook: .neverReached
    case .contradiction: .contradiction
    case .shadowed: .shadowed
    case .redundant: .redundant
    case .correlated: .correlated
    case .portIsTranslated, .deniesPublishedPort, .banLeavesContainers, .repliesDropped: .missesPurpose
    case .overruled: .overruled
    case .emptySet: .missingSet
    case .unknownInterface: .missingInterface
    case .unknownContainer: .missingContainer
    case .forwardsAll: .dangerousForward
    case .containersReachHost: .dangerousContainers
    case .onlyOverIPv6: .dangerousIPv6
    case .sensitiveService, .sensitivePort: .dangerousService
    case .loopbackReached: .dangerousLoopback
    case .neighboursDropped: .dangerousNeighbours
    case .fragmentationDropped: .dangerousFragmentation
    case .establishedLate: .costlyEstablished
    case .couldBeSet: .costlyList
    }
  }
}

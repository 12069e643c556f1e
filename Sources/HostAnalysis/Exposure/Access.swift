public import FlowTrace
public import HostModel
public import RuleGraph

/// What becomes of the packets of one zone to one service that the tracer treats alike.
public struct Access: Sendable {
  /// What becomes of a connection.
  public enum Outcome: Hashable, Sendable {
    /// It is made, as far as rules and routes go, and something may answer.
    case open
    /// The rules let it through, and nothing listens.
    case unanswered
    /// It is not made.
    case closed(Obstacle)
    /// The dumps don't tell.
    case unknown
  }

  /// What stops a connection.
  public enum Obstacle: Hashable, Sendable {
    /// Its first packet is dropped or rejected.
    case packet
    /// The answer to it is.
    case reply
    /// docker-proxy gets it, and its own connection to the container is stopped.
    case proxy
  }

  /// Who answers.
  public enum Answer: Hashable, Sendable {
    /// A container or virtual machine, by its name where that is told; through docker-proxy, or directly.
    case container(name: String?, Endpoint?, throughProxy: Bool)
    /// A program of the host, by its name where that is told.
    case program(name: String?, port: UInt16)
    /// The host; nobody showed which programs listen.
    case host(port: UInt16?)
  }

  /// The zone, by its place in ``Exposure/zones``.
  public var zone: Int
  /// What is reached, or not.
  public var service: Service
  /// What becomes of the connection.
  public var outcome: Outcome
  /// Who answers; nil where nobody does.
  public var answer: Answer?
  /// What decides, and the rules that share in it.
  public var deciders: Deciders
  /// The rules that share the deciding case, with what each matches of the zone's packets.
  var shares: [RuleShare] = []
  /// Which packets they are; conditions are those of ``part``.
  public var when: Region
  /// Their sources; empty for the host itself.
  public var sources: ValueSet
  /// Their destinations.
  public var destinations: ValueSet
  /// Their destination ports.
  public var ports: ValueSet
  /// The case of the trace.
  public var part: Case
  /// The hook whose filtering rules nobody showed, where the packets pass it: what becomes of them is then unknown.
  public var unshown: Hook?
  /// One of them.
  public var witness: Witness?
  /// What should not be, or is worth a look.
  public var marks: [ExposureMark] = []

  /// What decides; of several rules the first.
  public var decidedBy: Decider { deciders.first }

  /// What the outcome depends on that no dump can tell: a rate limit, the time of day.
  public var conditions: [ConditionUse] { part.conditions.filter(\.isEnvironment) }
}

extension Access {
  /// Whether nobody's source is shut out, but for less than half of those of its zone.
  func isOfMostSources(in zone: Zone) -> Bool { sources.count > (zone.sources[service.family] ?? .empty).count / 2 }
}

/// One packet, for a reader to check.
public struct Witness: Hashable, Sendable {
  /// The protocol.
  public var transport: IPProtocol
  /// Where it comes from; nil for the host's own choice.
  public var source: IPAddress?
  /// The source port.
  public var sourcePort: UInt16
  /// Where it goes.
  public var destination: IPAddress
  /// The destination port.
  public var destinationPort: UInt16
  /// The interface that it arrives on; nil for a packet of the host.
  public var input: String?
}

/// What should not be, or is worth a look.
public enum ExposureMark: Hashable, Sendable {
  /// A service that is not made for strangers is open to everybody outside.
  case sensitive(SensitiveService)
  /// A rule that denies the port, and that its packets never meet.
  case unmetDenial(RuleID)
  /// A port that is published for the host alone, and that its neighbours reach.
  case loopbackReached
  /// Open to everybody over IPv6, and not over IPv4.
  case onlyOverIPv6
  /// Several answer at the one port, each for some of its clients.
  case severalAnswer
}

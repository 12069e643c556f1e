package import HostModel
public import RuleGraph

/// The answer to a ``Query``: cases that together are the query and do not overlap, each with its verdict and the way
/// there.
public struct Trace: Sendable {
  /// The question.
  public var query: Query
  /// The cases, the most interesting first.
  public var cases: [Case]
  /// What the answer took for granted that no dump told, each said once.
  public var assumptions: [Assumption]
  /// What makes the answer incomplete.
  public var warnings: [Diagnostic]
  /// Who wrote the rules, as far as their chains' names tell.
  public var layout: LayoutFingerprint?
  /// What the rules let the tracer infer of the host; nil of a trace that no tracer made.
  package var inferred: InferredHost?
  /// Whether the replies to accepted packets were traced, too.
  public var tracesReplies = false

  /// Makes a trace.
  public init(query: Query, cases: [Case], assumptions: [Assumption], warnings: [Diagnostic]) {
    self.query = query
    self.cases = cases
    self.assumptions = assumptions
    self.warnings = warnings
  }

  /// The verdict over all cases: the one that they share, `mixed`, or `undetermined` when any case is. Packets that
  /// rules which no dump shows drop or reject are `mixed`, too.
  public var verdict: OverallVerdict {
    let verdicts = Set(cases.map(\.verdict))
    if verdicts.isEmpty || verdicts.contains(.undetermined) { return .undetermined }
    if verdicts.count > 1 || cases.contains(where: \.mayBeRejected) { return .mixed }
    switch verdicts.first {
    case .accept: return .accept
    case .drop: return .drop
    case .reject: return .reject
    default: return .undetermined
    }
  }
}

/// The verdict over all cases of a trace.
public enum OverallVerdict: String, Sendable {
  case accept, drop, reject, mixed, undetermined
}

/// One part of the query's packets, all treated alike.
public struct Case: Sendable {
  /// What happens to the packets of the case in the end.
  public enum Verdict: String, Sendable {
    case accept, drop, reject, undetermined
  }

  /// Where they go.
  public enum Fate: String, Sendable {
    /// To a process of this host.
    case local
    /// Through the host and out of an interface.
    case forward
    /// Out of an interface, sent by this host's own process.
    case sent
    /// From one port of a bridge to another.
    case bridged
    /// Nowhere.
    case discarded
  }

  /// Which packets the case is of.
  public var when: Region
  /// What happens to them.
  public var verdict: Verdict
  /// For an undetermined case what happens where its ``conditions`` are as they say; nil when even then nobody knows.
  public var conditionalVerdict: Verdict?
  /// Where they go.
  public var fate: Fate
  /// The interface they arrive on; nil for packets of the host itself.
  public var input: ValueSet?
  /// The interface they leave through; nil when they do not leave.
  public var output: ValueSet?
  /// The packet as it leaves, is delivered or is discarded, after all translations.
  public var packet: PacketTuple
  /// The translations, in the order in which they took effect.
  public var translations: [AppliedTranslation]
  /// Whether rules that no dump shows may have translated the source: ``packet`` then has every source.
  public var hasUnknownSource = false
  /// What decided.
  public var decidedBy: Decider
  /// The rules of a chain that share the case, where several do: each packet of it was decided by one of them, and
  /// ``decidedBy`` is the first.
  public var rules: [RuleID] = []
  /// What each of ``rules`` matches, in the order of the chain.
  package var shares: [RuleShare] = []
  /// The name of the answer that a reject sends (`icmp-port-unreachable`, `tcp-reset`).
  public var rejectWith: String?
  /// Everything on the way, in order.
  public var path: [Step]
  /// Rules that almost decided otherwise.
  public var nearMisses: [NearMiss]
  /// What an undetermined case would need, or what conditional cases depend on.
  public var conditions: [ConditionUse]
  /// Rules that mention the queried address or port and were never visited.
  public var offPath: [OffPathRule] = []
  /// The trace of the answer, when it was asked for.
  public var reply: [Case]?
  /// A second connection that a program on the host makes (docker-proxy), traced on its own.
  public var continuation: [Case]?
  /// What would give the case the outcome that was asked for, when one was.
  public var remedy: Remedy?
  /// Facts about the outcome, such as who listens on the port.
  public var remarks: [Remark] = []
}

/// What decides about packets, and the rules of a chain that share in it.
public struct Deciders: Hashable, Sendable {
  /// What decides: the first of the rules, where there are several.
  public var first: Decider
  /// The rules, where several share the packets; none where one thing decides about all of them.
  public var rules: [RuleID] = []

  /// The same of a part of the packets.
  ///
  /// - Parameter rules: Those of the rules that decide about packets of the part; none where nothing tells.
  package func limited(to rules: [RuleID]) -> Deciders {
    guard let first = rules.first else { return self }
    return Deciders(first: .rule(first), rules: rules.count > 1 ? rules : [])
  }
}

extension Case {
  /// Whether rules that no dump shows stop its packets, which may send an answer or not: where the verdict says that
  /// they are dropped, they may be rejected.
  public var mayBeRejected: Bool {
    (conditionalVerdict ?? verdict) == .drop && conditions.contains { $0.effect?.contains(.reject) ?? false }
  }

  /// What decides about its packets.
  public var deciders: Deciders { Deciders(first: decidedBy, rules: rules) }
}

/// A rule of several that share a case, and the packets of the question that it matches.
package struct RuleShare: Hashable, Sendable {
  /// The rule.
  package var rule: RuleID
  /// The values that it allows.
  package var box: [Region.Dimension: ValueSet]
}

extension [RuleShare] {
  /// The rules that decided packets of a part of the case, in the order of the chain.
  ///
  /// - Parameter boxes: The part, as ``Region/boxes(limit:)`` gives it.
  package func rules(of boxes: [[Region.Dimension: ValueSet]]) -> [RuleID] {
    compactMap { share in boxes.contains { Region.overlap(share.box, $0) } ? share.rule : nil }
  }
}

/// The addresses of a packet at one moment. Ports are nil for protocols without.
public struct PacketTuple: Hashable, Sendable {
  /// The family of the addresses.
  public var family: AddressFamily
  /// The transport protocol numbers.
  public var transport: ValueSet
  /// The source addresses.
  public var source: ValueSet
  /// The source ports.
  public var sourcePort: ValueSet?
  /// The destination addresses.
  public var destination: ValueSet
  /// The destination ports.
  public var destinationPort: ValueSet?
  /// The marks (fwmark).
  public var mark: ValueSet

  /// Makes a tuple.
  public init(
    family: AddressFamily, transport: ValueSet, source: ValueSet, sourcePort: ValueSet?, destination: ValueSet,
    destinationPort: ValueSet?, mark: ValueSet
  ) {
    self.family = family
    self.transport = transport
    self.source = source
    self.sourcePort = sourcePort
    self.destination = destination
    self.destinationPort = destinationPort
    self.mark = mark
  }
}

/// A translation that took effect.
public struct AppliedTranslation: Hashable, Sendable {
  /// Its kind.
  public var kind: Translation.Kind
  /// Whether the source (else the destination) changed.
  public var ofSource: Bool
  /// Address and port before.
  public var from: (address: ValueSet, port: ValueSet?) { (fromAddress, fromPort) }
  /// Address and port after.
  public var to: (address: ValueSet, port: ValueSet?) { (toAddress, toPort) }
  /// The rule; nil when conntrack undid or repeated a translation of the connection.
  public var rule: RuleID?

  private var fromAddress: ValueSet
  private var fromPort: ValueSet?
  private var toAddress: ValueSet
  private var toPort: ValueSet?

  /// Makes an applied translation.
  public init(
    _ kind: Translation.Kind, ofSource: Bool, from: (address: ValueSet, port: ValueSet?),
    to: (address: ValueSet, port: ValueSet?), rule: RuleID?
  ) {
    self.kind = kind
    self.ofSource = ofSource
    fromAddress = from.address
    fromPort = from.port
    toAddress = to.address
    toPort = to.port
    self.rule = rule
  }
}

/// What decided a case.
public enum Decider: Hashable, Sendable {
  /// A rule.
  case rule(RuleID)
  /// The policy of a base chain.
  case policy(ChainID)
  /// No rule and no policy had a say (a hook without chains).
  case nothing
  /// Something outside netfilter.
  case outside(OutsideReason)
}

/// Reasons outside netfilter for which the kernel discards or diverts a packet; the raw value is used in the JSON form.
public enum OutsideReason: String, Hashable, Sendable {
  case noRoute = "no-route"
  case unreachableRoute = "unreachable"
  case prohibitRoute = "prohibit"
  case blackholeRoute = "blackhole"
  case ipForward = "ip_forward"
  case rpFilter = "rp_filter"
  case martian
  case hopLimit = "ttl"
  case routeLocalnet = "route_localnet"
  case bridgeHairpin = "hairpin"
  /// Both ports of the bridge are isolated.
  case isolatedPorts = "isolated"
  case macvlan
  case noPath = "no-path"
  case linkDown = "link-down"
  case noListener = "no-listener"
  case multicast
  case unknownHost = "unknown-host"
  /// The connection's first packet does not get through, so there is no later packet.
  case noConnection = "no-connection"
  /// A masqueraded connection is led out through another interface than it began on.
  case masqueradeMoved = "masquerade-moved"
}

public import RuleGraph

/// The answer to a ``Query``: cases that together are the query and do not overlap, each with its verdict and the way there.
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

  /// Makes a trace.
  public init(query: Query, cases: [Case], assumptions: [Assumption], warnings: [Diagnostic]) {
    self.query = query
    self.cases = cases
    self.assumptions = assumptions
    self.warnings = warnings
  }

  /// The verdict over all cases: the one that they share, `mixed`, or `undetermined` when any case is.
  public var verdict: OverallVerdict {
    let verdicts = Set(cases.map(\.verdict))
    if verdicts.isEmpty || verdicts.contains(.undetermined) { return .undetermined }
    if verdicts.count > 1 { return .mixed }
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

/// Something taken for granted, with what would settle it.
public struct Assumption: Hashable, Sendable {
  /// The stable kind: `local-address`, `subnet-of-interface`, `ip-forward`, `bridge-nf-call`.
  public var id: String
  /// One sentence: `192.168.0.140 is an address of this host`.
  public var text: String
  /// What it was inferred from: a rule, where one tells.
  public var evidence: RuleID?
  /// The command whose output would settle it.
  public var settledBy: String?

  /// Makes an assumption.
  public init(_ id: String, _ text: String, evidence: RuleID? = nil, settledBy: String? = nil) {
    self.id = id
    self.text = text
    self.evidence = evidence
    self.settledBy = settledBy
  }
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
  /// The rules of a chain that share the case, where several do: each packet of it was decided by one of them, and ``decidedBy`` is the first.
  public var rules: [RuleID] = []
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
  /// Facts about the outcome in words (`docker-proxy listens on port 32769`).
  public var remarks: [Remark] = []
}

/// A fact about a case, for the explanation.
public struct Remark: Hashable, Sendable {
  /// The stable kind: `docker-proxy`, `closed-port`, `source-seen`.
  public var id: String
  /// One sentence.
  public var text: String

  /// Makes a remark.
  public init(_ id: String, _ text: String) {
    self.id = id
    self.text = text
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

/// A step on the way of a packet.
public struct Step: Hashable, Sendable {
  /// What a step is about.
  public enum Event: Hashable, Sendable {
    /// A rule was looked at.
    case rule(RuleID)
    /// A base chain ended with its policy.
    case policy(ChainID)
    /// A chain returned to its caller at its end.
    case endOfChain(ChainID)
    /// The routing decision.
    case routing
    /// Conntrack found a state or applied or undid a translation.
    case conntrack
    /// The bridge decided.
    case bridge
    /// The packet came back in on the loopback interface, or another remark of the way.
    case remark
  }

  /// The hook, nil for routing.
  public var hook: Hook?
  /// What the step is about.
  public var event: Event
  /// Whether the rule matched. False steps are in the path so that all rules can be shown on request.
  public var matched: Bool
  /// What was done.
  public var action: Action
  /// The chain that is jumped to, or the new address of a translation, in words.
  public var target: String?
  /// A sentence for events without a rule (`172.17.0.2 is on docker0`).
  public var words: String?
  /// For a rule that did not match: the index of the statement that failed.
  public var failedStatement: Int?

  /// Makes a step.
  public init(
    hook: Hook?, _ event: Event, matched: Bool, action: Action, target: String? = nil, words: String? = nil,
    failedStatement: Int? = nil
  ) {
    self.hook = hook
    self.event = event
    self.matched = matched
    self.action = action
    self.target = target
    self.words = words
    self.failedStatement = failedStatement
  }
}

/// A rule on the path that would have changed the fate and failed in one field only.
public struct NearMiss: Hashable, Sendable {
  /// The rule.
  public var rule: RuleID
  /// The field, in nft's words (`tcp dport`).
  public var field: String
  /// What the rule wants, in words (`8080`).
  public var wanted: String
  /// What the packet had when the rule saw it.
  public var had: String
  /// What it had when it came in, when that is something else.
  public var originally: String?
  /// The rule that changed it in between.
  public var changedBy: RuleID?

  /// Makes a near miss.
  public init(
    rule: RuleID, field: String, wanted: String, had: String, originally: String? = nil, changedBy: RuleID? = nil
  ) {
    self.rule = rule
    self.field = field
    self.wanted = wanted
    self.had = had
    self.originally = originally
    self.changedBy = changedBy
  }
}

/// A rule that mentions what was asked about and is not on the packet's path.
public struct OffPathRule: Hashable, Sendable {
  /// The rule.
  public var rule: RuleID
  /// Why it was never visited, in words.
  public var why: String

  /// Makes an off-path rule.
  public init(rule: RuleID, why: String) {
    self.rule = rule
    self.why = why
  }
}

/// Something unknown that the case takes to be one way.
public struct ConditionUse: Hashable, Sendable {
  /// In words, as it is in this case: `the limit of 3/minute isn't used up`.
  public var text: String
  /// Whether the unknown is taken to hold.
  public var holds: Bool
  /// The rule that asks.
  public var rule: RuleID?
  /// Whether it is an environment condition (which no dump can tell) rather than something hidden or not understood.
  public var isEnvironment: Bool
  /// The command whose output would settle it.
  public var settledBy: String?
  /// What rules that no dump shows do here; empty where they leave the packet alone, nil of other conditions.
  public var effect: MissingRules.Effects?
  /// Whether it is about interfaces that a listing does not print (`iptables -nL` without `-v`).
  public var isOfHiddenInterfaces: Bool

  /// Makes a use of a condition.
  public init(
    text: String, holds: Bool, rule: RuleID?, isEnvironment: Bool, settledBy: String? = nil,
    effect: MissingRules.Effects? = nil, isOfHiddenInterfaces: Bool = false
  ) {
    self.text = text
    self.holds = holds
    self.rule = rule
    self.isEnvironment = isEnvironment
    self.settledBy = settledBy
    self.effect = effect
    self.isOfHiddenInterfaces = isOfHiddenInterfaces
  }
}

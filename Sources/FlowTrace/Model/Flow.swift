import RuleGraph

/// A part of the query's packets on their way through the hooks: all of them have taken the same way so far.
///
/// It is a box of values for each variable, less exceptions (boxes that an earlier rule took), together with the place
/// that it has reached. A match that divides it makes two flows of it. What several rules of a chain took with the same
/// verdict is one flow: it lies in the union of what each of them took.
struct Flow {
  /// A box: allowed values of some variables.
  typealias Box = PacketSearch.Box

  /// The variables and their possible values.
  var variables: [Variable] = []
  /// Boxes taken out of the flow.
  var exceptions = BoxList()
  /// What the flow lies in besides, all of them.
  var unions: [BoxUnion] = []
  /// The rules that the flow was put together of, by the first of them.
  var runs: [RuleID: RuleRun] = [:]
  /// The variable of each slot.
  var binding = Binding.empty
  /// The variables of rarer fields, made when they are first asked for.
  var rareFields: [Field: VariableID] = [:]
  /// The variables of conditions, by what they stand for.
  var conditions: [ConditionKey: VariableID] = [:]

  /// The family.
  var family: AddressFamily
  /// Whether a process of this host sends the packet.
  var isSentByHost: Bool
  /// What conntrack knows of the packet; nil before conntrack saw it.
  var connection: Connection?
  /// Set by `notrack`: conntrack leaves the packet alone.
  var isUntracked = false
  /// The connection that conntrack will find, of a later packet.
  var continued: Connection?
  /// Whether this is the answer to the packet that the question describes: what the question says of rarer fields is
  /// not about it.
  var isAnswer = false
  /// The interface that the connection's first packet came in on, for its answer.
  var returnsTo: VariableID?
  /// Variables that hold an address of this host, whatever the address is: the source of a process that is not bound to
  /// one.
  var ownAddresses: Set<VariableID> = []
  /// Whether the packet is being bridged.
  var isBridged = false
  /// Whether this is the second pass of a packet that the host sends to itself.
  var isLoopbackPass = false
  /// Whether a transparent proxy of the host takes the packet whatever its destination is.
  var isHandedOver = false
  /// Whether the bridge carries the packet past all rules.
  var bypassesRules = false
  /// Whether the packet never comes to this host's rules at all (macvlan, two containers in one network namespace).
  var isPastHost = false
  /// Whether rules that no dump shows may have translated the source.
  var mayHaveOtherSource = false
  /// The port of a bridge that the frame came in through, for the chains of the family `bridge`: those of IP may not
  /// see it.
  var bridgePort: VariableID?
  /// The device whose chains of ingress or egress, or of the family `bridge`, the packet is in.
  var device: DevicePass?
  /// The devices whose chains it has passed.
  var passedDevices: [DevicePass.Key] = []
  /// The rule that sent it out of a device past the IP layer (`fwd to`).
  var redirectedBy: RuleID?
  /// Why the packet ends outside netfilter, once that is clear.
  var ending: OutsideReason?

  /// Where the flow is.
  var position = Position()
  /// How the base chain ended, when a rule ended it while the flow split.
  var pendingEnd: Shared<ChainEnd>?
  /// The way so far.
  var path: PathNode?
  /// What was taken for granted so far.
  var assumptions: [Assumption] = []
  /// The translations so far.
  var translations: [AppliedTranslation] = []
  /// The packet's binding as it came in, for near misses.
  var arrival = Binding.empty
  /// Which rule last changed a slot.
  var changedBy: [Slot: RuleID] = [:]
  /// Facts for the explanation.
  var remarks: [Remark] = []
  /// The route, once it is chosen.
  var route: RouteChoice?
  /// Why the packet is asked for, when it is a later packet of a connection.
  var phase: Query.Phase

  init(family: AddressFamily, isSentByHost: Bool, phase: Query.Phase) {
    self.family = family
    self.isSentByHost = isSentByHost
    self.phase = phase
  }
}

/// What conntrack knows of a packet.
struct Connection {
  /// One bit of ``ConntrackState``.
  var state: UInt128
  /// Whether there is an entry: invalid and untracked packets have none.
  var hasEntry: Bool
  /// The direction of the packet.
  var direction: Direction
  /// The tuple of the first packet before any translation.
  var original: TupleBinding
  /// The tuple of the answers, as far as it is known: source is where the connection was led to.
  var reply: TupleBinding
  /// Bits of ``ConntrackStatus`` and of the kernel's own (`IPS_*_NAT_DONE`).
  var status: UInt128
  /// Whether the source and destination mappings of the connection are fixed.
  var sourceDone = false
  var destinationDone = false
  /// How the destination was translated, for later packets.
  var destinationTranslation: (kind: Translation.Kind, rule: RuleID?)?
  /// How the source was translated, for later packets.
  var sourceTranslation: (kind: Translation.Kind, rule: RuleID?)?
  /// Whether what translates the source was not shown, so that it may be as it was.
  var mayKeepSource = false
  /// The interface that the first packet left through when its source was masqueraded.
  var masqueradedThrough: VariableID?
}

/// The variables of a connection's tuple; nil of the ports where the protocol has none.
struct TupleBinding {
  var source: VariableID?
  var sourcePort: VariableID?
  var destination: VariableID?
  var destinationPort: VariableID?
}

/// Where in the kernel a flow is.
struct Position {
  /// The stages in the order in which a packet can reach them.
  enum Stage {
    case start, ingress, prerouting, routing, input, forward, sending, output, rerouting, postrouting, egress, leaving
    /// The hooks of a bridge, whose chains are those of the family `bridge`.
    case bridgePrerouting, bridgeInput, bridgeForward, bridgeOutput, bridgePostrouting
  }

  /// The stage.
  var stage: Stage = .start
  /// The index of the next entry in the hook's plan.
  var entry = 0
  /// The chains that are being walked, the innermost last.
  var frames: [Frame] = []
  /// What the route depends on at the start of an output chain that reroutes, to see whether it changed anything.
  var beforeReroute: [VariableID?]?
  /// What the route was last chosen anew by in output; nil when it was not.
  var rerouted: [VariableID?]?
  /// The last of these ways that was looked up: one that refuses the packet ends it at once.
  var checkedReroute: [VariableID?]?
  /// The index of the next nat chain of the call that is under way.
  var natChain = 0
  /// What missing rules of the base chain that is walked can have done, as far as it was followed.
  var followed: MissingRules.Effects = []
  /// Whether a translation already ended the nat chains of this hook.
  var natEnded = false
  /// Chains that left the flow as it was after a long walk, each with ``changes`` as they were then: it need not walk
  /// them again.
  var idle: [ChainID: Int] = [:]
  /// How often a rule of the base chain that is walked changed the flow, or took a part of it.
  var changes = 0
  /// What rules of the base chain that is walked took, and has not gone on its own way yet.
  var taken = Taken()
}

/// A chain that is being walked.
struct Frame {
  /// The chain.
  var chain: ChainID
  /// The index of the next rule.
  var rule = 0
  /// The index of the first rule that was passed since the last one that matched.
  var passedFrom = 0
  /// Whether the end of this chain returns to the caller of its caller (`goto`).
  var isGoto = false
  /// The flow's ``Position/changes`` when it entered the chain, and how many rules might be looked at then.
  var changesBefore = 0
  var budgetBefore = 0
}

/// A step of a flow's way; the way is a list from the last step back, shared by the flows that split later.
final class PathNode {
  /// What happened.
  enum Content {
    /// A step.
    case step(Step)
    /// Rules that were looked at and did not match, with the flow as it was then.
    case passed(ChainID, Range<Int>, Hook, Snapshot)
  }

  let content: Content
  private(set) var previous: PathNode?

  init(_ content: Content, after previous: PathNode?) {
    self.content = content
    self.previous = previous
  }

  deinit {
    // Unlinks a long way node by node: the nested release of a list of thousands would overflow the stack.
    var next = previous
    previous = nil
    while isKnownUniquelyReferenced(&next) {
      let after = next?.previous
      next?.previous = nil
      next = after
    }
  }

  /// The steps from the first to the last.
  static func inOrder(_ last: PathNode?) -> [PathNode] {
    var nodes: [PathNode] = []
    var node = last
    while let current = node {
      nodes.append(current)
      node = current.previous
    }
    return nodes.reversed()
  }
}

/// The values of a flow at one moment, to look at rules again later.
struct Snapshot {
  var flow: Shared<Flow>
}

/// A value behind a reference, so that a path node does not hold a flow by value.
final class Shared<Value> {
  let value: Value
  init(_ value: Value) { self.value = value }
}

extension Shared: Sendable where Value: Sendable {}

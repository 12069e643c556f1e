import HostModel
import RuleGraph

/// The evaluation of one query: the rules, what is known of the host, and what was found out on the way.
final class Engine {
  let ruleset: Ruleset
  let knowledge: HostKnowledge
  let plan: HookPlan
  /// The ports that some rule translates: a query for one of them on an unknown address takes the address to be the host's.
  let published: ValueSet
  let index: RulesetIndex
  /// The address that packets from outside are for, which may be the host's own; empty for questions about containers or the host itself.
  var mayBeOwn = ValueSet.empty
  /// Whether the question says that packets from a wire leave through another interface, so that they are not this host's.
  var isForwarded = false
  /// The interface that the question says the packet leaves through.
  var wantedOutput: ValueSet?
  var conditions: [Condition] = []
  var warnings: [Diagnostic] = []
  /// How many rules may still be looked at before the trace gives up: malformed dumps can hold jumps that multiply.
  var budget = 20_000_000
  /// How many cases there may be, and how many answers to one of them: a dump that leaves much untold can make them multiply.
  static let caseLimit = 1000
  static let replyLimit = 32
  /// How many cases may follow from all cases of a question together: replies, and connections that programs make. And how many did so far.
  static let onwardLimit = 4 * caseLimit
  var onwardCases = 0
  /// The conditions of masked values that rules put into packets, by their texts.
  var maskedConditions: [RuleID: [String: Int]] = [:]
  private var statementConditions: [RuleID: [Int: Int]] = [:]

  init(ruleset: Ruleset, knowledge: HostKnowledge, plan: HookPlan, published: ValueSet, index: RulesetIndex) {
    self.index = index
    self.ruleset = ruleset
    self.knowledge = knowledge
    self.plan = plan
    self.published = published
  }

  /// The rule that translates the port a packet is for; nil where none does.
  func publishing(_ flow: Flow) -> RuleID? {
    guard let port = flow.domain(.destinationPort)?.single, published.contains(port) else { return nil }
    return knowledge.inferred.publishedPorts.first { $0.ports.contains(port) }?.evidence
  }

  /// The number of a new condition.
  func makeCondition(_ condition: Condition) -> Int {
    conditions.append(condition)
    return conditions.count - 1
  }

  /// The decision "this condition of a rule's statement holds".
  func condition(
    _ id: RuleID, _ statement: Int, in flow: inout Flow, negated: Bool = false, _ make: () -> Condition
  ) -> Decision {
    let number: Int
    if let known = statementConditions[id]?[statement] {
      number = known
    } else {
      number = makeCondition(make())
      statementConditions[id, default: [:]][statement] = number
    }
    return .when(flow.condition(.statement(id, statement), number: number), in: ValueSet(negated ? 0 : 1))
  }

  /// The decision "this condition holds", for conditions that several rules may share.
  func condition(_ key: ConditionKey, in flow: inout Flow, negated: Bool = false, _ make: () -> Condition)
    -> Decision
  {
    let variable =
      flow.conditions[key] ?? flow.condition(key, number: makeCondition(make()))
    return .when(variable, in: ValueSet(negated ? 0 : 1))
  }
}

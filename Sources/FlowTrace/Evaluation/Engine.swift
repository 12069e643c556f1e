import HostModel
import RuleGraph

/// Follows the packets of one query through the kernel, as far as rules and facts tell what it does with them.
///
/// **What a flow is.** A ``Flow`` is a set of packets that have taken the same path so far: for each thing that the
/// query leaves open a ``Variable`` with the values that are still possible, less the boxes that earlier rules took
/// (``Flow/exceptions``), and a ``Position``: the stage of the kernel, the next call of its hook, and the chains that
/// are being walked. A fully given packet is a flow whose variables have one value each. Slots (source, mark, output)
/// are bound to variables, and a translation binds a slot anew; so what the packet was when it came in is never lost,
/// and narrowing one name of a value narrows all.
///
/// **How it splits.** A match becomes a ``Decision``: the boxes of the flow for which it holds. Where that is all or
/// nothing, the flow goes on. Where it is a part, there are two flows, the one inside and the one outside. What can't
/// be known (an opaque match, a rate, a table that nobody printed) is a variable, too: a ``Condition`` that holds or
/// does not, shared by all rules that ask for the same thing. So an unknown splits like any other match, and no
/// evaluation needs a third truth value. A rule that only compares fields and ends the packet's way does not split: it
/// takes its box, and the flow goes on without it (`Engine+Taking`). What rules of one chain took with one verdict goes
/// on as one flow.
///
/// **What ends it.** ``run(_:limit:)`` takes flows from a stack and moves each from call to call until it is finished:
/// dropped or rejected by a rule or policy, delivered, forwarded, sent, or refused outside of netfilter
/// (``OutsideReason``). It ends for certain, since stages only follow each other, chains nest at most 128 deep, and
/// every rule that is looked at costs a part of the ``budget``; a query with more cases than ``caseLimit`` has the rest
/// as one undetermined case. Finished flows become the query's cases in `CaseBuilder`; they do not overlap, as the two
/// sides of a split never do.
///
/// **Where state lives.** In the flow is what is true of its packets: it is a value, and a split copies it. In the
/// engine is what all flows of the query share: conditions with their numbers, warnings, the budget. Knowledge of the
/// host and indexes of the rules belong to the ``Tracer``, are made once and never change. An engine serves one family
/// of one query and is then thrown away, so queries are answered on several processors without a lock.
final class Engine {
  let ruleset: Ruleset
  let knowledge: HostKnowledge
  let plan: HookPlan
  /// The ports that some rule translates: a query for one of them on an unknown address takes the address to be the
  /// host's.
  let published: ValueSet
  let index: RulesetIndex
  /// The address that packets from outside are for, which may be the host's own; empty for questions about containers
  /// or the host itself.
  var mayBeOwn = ValueSet.empty
  /// Whether the question says that packets from a wire leave through another interface, so that they are not this
  /// host's.
  var isForwarded = false
  /// The interface that the question says the packet leaves through.
  var wantedOutput: ValueSet?
  var conditions: [Condition] = []
  var warnings: [Diagnostic] = []
  /// How many rules may still be looked at before the trace gives up: malformed dumps can hold jumps that multiply.
  var budget = 20_000_000
  /// How many cases there may be, and how many answers to one of them: a dump that leaves much untold can make them
  /// multiply.
  static let caseLimit = 1000
  static let replyLimit = 32
  /// How many cases may follow from all cases of a question together: replies, and connections that programs make. And
  /// how many did so far.
  static let onwardLimit = 4 * caseLimit
  /// How many variables all flows of a question may have together, and how many steps their paths. Where each of many
  /// rules asks something else that nobody knows, each case has as many variables as there are such rules.
  static let variableLimit = 200_000
  static let stepLimit = 150_000
  var steps = 0
  /// How many questions about one route may be answered both ways: one after another, each halves what is left.
  static let routeQuestionLimit = 64
  /// How many statements of one rule may each be unknown for themselves.
  static let unknownLimit = 32
  var onwardCases = 0
  /// The conditions of masked values that rules put into packets, by their texts.
  var maskedConditions: [RuleID: [String: Int]] = [:]
  private var statementConditions: [RuleID: [Int: Int]] = [:]
  /// The conditions that stand for all further statements of a rule.
  private var furtherConditions: [RuleID: Int] = [:]

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
    if let known = statementConditions[id]?[statement] {
      return .when(flow.condition(.statement(id, statement), number: known), in: ValueSet(negated ? 0 : 1))
    }
    if let made = statementConditions[id], made.count >= Self.unknownLimit,
      ruleset[id].statements.indices.contains(statement), !ruleset[id].statements[statement].changesSomething
    {
      return furtherMatches(of: id, in: &flow)
    }
    let number = makeCondition(make())
    statementConditions[id, default: [:]][statement] = number
    return .when(flow.condition(.statement(id, statement), number: number), in: ValueSet(negated ? 0 : 1))
  }

  /// The decision "all further matches of the rule hold", for a rule with so many unknown ones that telling each would
  /// take the square of their number.
  private func furtherMatches(of id: RuleID, in flow: inout Flow) -> Decision {
    let number =
      furtherConditions[id]
      ?? makeCondition(
        Condition(
          .opaque(Opaque(name: "further matches", text: "more than \(Self.unknownLimit) unknown matches")), rule: id))
    furtherConditions[id] = number
    return .when(flow.condition(.furtherStatements(id), number: number), in: ValueSet(1))
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

import FlowTrace
import RuleGraph

/// The unknown things that the cases of two traces depend on, those that both sides have under one number.
///
/// What no dump can tell (a rate limit, the time of day) and what one rule asks on both sides is one thing: it holds on
/// both or on neither. What a dump hides may be something else on each side, though the rules read the same.
struct ConditionTable {
  /// An unknown thing, wherever its rule stands.
  private struct Key: Hashable {
    var about: Condition.About
    var rule: RuleName?
    /// The side, of what may be something else on the other.
    var side: Difference.Side?
  }

  private let alignment: RuleAlignment
  private var numbers: [Key: Int] = [:]
  /// The conditions by their numbers, as a case has them first.
  private(set) var conditions: [Condition] = []
  /// The sides of those that may be something else on the other side, by their numbers.
  private(set) var sides: [Int: Difference.Side] = [:]
  /// Their numbers.
  private(set) var ownOnes: Set<Int> = []

  init(_ alignment: RuleAlignment) { self.alignment = alignment }

  /// The numbers of a case's conditions.
  mutating func numbers(of part: Case, on side: Difference.Side) -> [Int] {
    part.conditions.map { number(of: $0.condition, on: side) }
  }

  private mutating func number(of condition: Condition, on side: Difference.Side) -> Int {
    let isOwn = !isShared(condition.about)
    var about = condition.about
    // Of one packet its address is named, of many the destination.
    if case .ownAddress = about { about = .ownAddress(nil) }
    let key = Key(
      about: about, rule: condition.rule.map { alignment.name($0, of: side) }, side: isOwn ? side : nil)
    if let known = numbers[key] { return known }
    let number = conditions.count
    numbers[key] = number
    conditions.append(condition)
    if isOwn {
      ownOnes.insert(number)
      sides[number] = side
    }
    return number
  }

  /// Whether a condition of the same words and of the same rule is the same thing on both sides.
  private func isShared(_ about: Condition.About) -> Bool {
    switch about {
    case .environment, .element, .draw, .transparentProxy, .queue, .natOrder, .boundProgram, .owner, .hostMatch,
      .ownAddress, .egressPort, .policyRule, .unseenPolicyRule, .routeInTable, .localRouteInTable, .maskedRoute,
      .neighbour, .routeLocalnet, .reversePath:
      true
    case .match(let match), .bits(let match): match.setNames.allSatisfy { !alignment.changedSets.contains($0) }
    case .largeSet(let name, _): !alignment.changedSets.contains(name)
    case .opaque(let opaque): opaque.settledBy == nil && opaque.lost == nil
    case .hiddenInterfaces, .maskedMatch, .maskedValue, .hiddenElement, .maskedTarget, .setMember, .mapMember, .unseen,
      .policy, .device, .seesPackets:
      false
    case .end(let end): end == .synproxy
    }
  }
}

import HostModel
import RuleGraph

/// A match's subject, found in a flow.
enum Subject {
  /// The same for the whole flow.
  case constant(UInt128)
  /// A variable, changed by bit arithmetic.
  case variable(VariableID, Transform, requires: Flow.Box)
  /// A question to the routing tables.
  case addressLookup(FibField, VariableID)
  /// The packet has no such field.
  case absent
  /// Can't be told.
  case unknown
}

extension Engine {
  /// For which packets of the flow a match is true. May add variables to the flow.
  func decide(_ match: Match, in flow: inout Flow, rule: RuleID, statement: Int) -> Decision {
    let wanted: ValueSet
    switch match.values {
    case .values(let values):
      if case .concatenation = match.subject {
        return condition(rule, statement, in: &flow) { Condition(.match(match), rule: rule) }
      }
      wanted = values
    case .masked(let masked): return decide(match, masked, in: &flow, rule: rule, statement: statement)
    case .elements(let elements):
      let set = index.set(elements, of: rule, statement: statement)
      return decide(match, isIn: set, in: &flow, rule: rule, statement: statement)
    case .named(let name):
      let set = index.set(name, table: rule.table)
      return decide(match, isIn: set, in: &flow, rule: rule, statement: statement)
    case .ipset(let name):
      let set = index.ipset(name)
      return decideKey([match.subject], match, isIn: set, in: &flow, rule: rule, statement: statement)
    case .ipsetExceptions(let name):
      let set = index.ipset(name, asksExceptions: true)
      return decideKey([match.subject], match, isIn: set, in: &flow, rule: rule, statement: statement)
    }
    return decide(match, wanted, in: &flow, rule: rule, statement: statement)
  }

  /// For which packets of the flow a key is in a set of the rule's own.
  func decide(
    _ parts: [ValueExpression], isIn set: ResolvedSet, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    let subject: ValueExpression = parts.count == 1 ? parts[0] : .concatenation(parts)
    return decide(
      Match(subject, .elements(set.elements)), isIn: set, in: &flow, rule: rule, statement: statement)
  }

  private func decide(
    _ match: Match, isIn set: ResolvedSet, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    if case .concatenation(let parts) = match.subject {
      return decideKey(parts, match, isIn: set, in: &flow, rule: rule, statement: statement)
    }
    if set.unlimited != nil {
      return decideKey([match.subject], match, isIn: set, in: &flow, rule: rule, statement: statement)
    }
    guard set.isKnown else {
      return unknownMember(set, [match.subject], match, in: &flow, rule: rule, statement: statement)
    }
    if !set.masked.isEmpty {
      return decide([match.subject], isInMasked: set, match, in: &flow, rule: rule, statement: statement)
    }
    return decide(match, set.values, in: &flow, rule: rule, statement: statement)
  }

  /// For which packets of the flow the subject of a match is among some values, or, negated, is not.
  private func decide(
    _ match: Match, _ wanted: ValueSet, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    if case .field(.conntrack(let field)) = match.subject, field.key == .saddr || field.key == .daddr,
      let first = wanted.first, IPAddress(bits: first).family != flow.family
    {
      // `ct original ip6 daddr` of an IPv4 connection is not there (NFT_CT_DST_IP6 in `net/netfilter/nft_ct.c`).
      return match.whenAbsent ? .always : .never
    }
    if case .generated = match.subject, let possible = values(of: match.subject, in: &flow) {
      if possible.isDisjoint(with: wanted) { return match.negated ? .always : .never }
      if possible.isSubset(of: wanted) { return match.negated ? .never : .always }
    }
    return decide(
      resolve(match.subject, in: &flow, wanted: wanted), wanted, match, in: &flow, rule: rule, statement: statement)
  }

  private func decide(
    _ subject: Subject, _ wanted: ValueSet, _ match: Match, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    switch subject {
    case .constant(let value):
      return wanted.contains(value) != match.negated ? .always : .never
    case .absent:
      return match.whenAbsent ? .always : .never
    case .variable(let variable, let transform, let requires):
      let domain = flow.variables[variable].domain
      if requires.isEmpty, let value = domain.single {
        return wanted.contains(transform.apply(value)) != match.negated ? .always : .never
      }
      guard let values = transform.preimage(of: wanted, in: domain) else {
        guard case .bitwise(let and, let xor)? = transform.operations.first, transform.operations.count == 1 else {
          return condition(rule, statement, in: &flow, negated: false) { Condition(.match(match), rule: rule) }
        }
        var decision = condition(.bits(variable, and: and, xor: xor, wanted), in: &flow, negated: match.negated) {
          var positive = match
          positive.negated = false
          return Condition(.bits(positive), rule: rule)
        }
        decision.requires = requires
        return decision
      }
      if match.whenAbsent, !requires.isEmpty {
        // True for packets without the field, too: false only for those that have it and fail.
        return Decision(
          boxes: [requires + [(variable, match.negated ? values : domain.subtracting(values))]], negated: true)
      }
      return .when(variable, in: match.negated ? domain.subtracting(values) : values, requires: requires)
    case .addressLookup(let fib, let variable):
      return decide(fib, variable, wanted, match, in: &flow, rule: rule, statement: statement)
    case .unknown:
      return condition(rule, statement, in: &flow) { Condition(.match(match), rule: rule) }
    }
  }

  /// Finds a subject in the flow. `wanted` tells whether interface indices are given as names.
  func resolve(_ expression: ValueExpression, in flow: inout Flow, wanted: ValueSet = .empty) -> Subject {
    switch expression {
    case .constant(let value): return .constant(value)
    case .field(let field):
      switch flow.access(
        field, isIndexNamed: wanted.intervals.allSatisfy { $0.lowerBound >> 32 != 0 || $0.upperBound == 0 })
      {
      case .variable(let variable, let requires): return .variable(variable, Transform(), requires: requires)
      case .bits(let variable, let and, let right, let requires):
        return .variable(
          variable, Transform(operations: [.bitwise(and: and, xor: 0), .shift(-right)]), requires: requires)
      case .constant(let value): return .constant(value)
      case .absent: return .absent
      case .addressLookup(let fib, let variable, _): return .addressLookup(fib, variable)
      case .interfaceIndex(let variable):
        guard let name = flow.variables[variable].domain.single else { return .unknown }
        if name == 0 { return .constant(0) }
        guard let index = knowledge.facts.interface(InterfaceName(value: name).description)?.index else {
          return .unknown
        }
        return .constant(UInt128(index))
      case .unknown: return .unknown
      }
    case .bitwise(let inner, let and, let xor):
      return resolve(inner, in: &flow).transformed(.bitwise(and: and, xor: xor))
    case .shift(let inner, let left):
      return resolve(inner, in: &flow).transformed(.shift(left))
    case .combine, .map, .anyOf, .masked, .generated:
      guard let values = values(of: expression, in: &flow), let single = values.single else { return .unknown }
      return .constant(single)
    case .concatenation: return .unknown
    }
  }

  // MARK: - Keys of several parts

  /// A match of a concatenation, or of an ipset of any type.
  func decideKey(
    _ parts: [ValueExpression], _ match: Match, isIn set: ResolvedSet, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    var parts = parts
    if let unlimited = set.unlimited, !match.negated {
      return decide(
        parts, match, isIn: set, whereUnlimited: unlimited, in: &flow, rule: rule, statement: statement)
    }
    if let ipset = set.ipset, set.isKnown {
      if ipset.ipsetType == "list:set" {
        let alternatives = set.members.map { member in
          decideKey(
            [match.subject], Match(match.subject, match.values), isIn: member, in: &flow, rule: rule,
            statement: statement)
        }
        var decision = Decision.any(of: alternatives, in: flow)
        if match.negated { decision.negated.toggle() }
        return decision
      }
      // A set holds no packet of another family, and none by fewer flags than its type has parts.
      let family = ipset.family ?? flow.family
      guard family == flow.family, let key = ipset.ipsetKey(match.subject, family: family) else {
        return match.negated ? .always : .never
      }
      parts = key
    }
    guard set.isKnown else { return unknownMember(set, parts, match, in: &flow, rule: rule, statement: statement) }
    if !set.masked.isEmpty {
      return decide(parts, isInMasked: set, match, in: &flow, rule: rule, statement: statement)
    }

    var subjects: [Subject] = []
    var requires: Flow.Box = []
    var absent = false
    for part in parts {
      let subject = resolve(part, in: &flow, wanted: .all)
      switch subject {
      case .variable(_, _, let box): requires += box
      case .absent: absent = true
      case .unknown, .addressLookup:
        return condition(rule, statement, in: &flow) { Condition(.match(match), rule: rule) }
      case .constant: break
      }
      subjects.append(subject)
    }
    let isIPSet = set.ipset != nil
    if absent {
      // An ipset that asks for ports does not hold a packet without; inverted it matches (kernel:
      // ip_set_match_extensions).
      return isIPSet && match.negated ? .always : .never
    }
    // A wholly known key is looked up; else every element is a box.
    var key: [UInt128] = []
    for subject in subjects {
      switch subject {
      case .constant(let value): key.append(value)
      case .variable(let variable, let transform, _):
        if let value = flow.variables[variable].domain.single { key.append(transform.apply(value)) }
      default: break
      }
    }
    let failing = isIPSet && match.negated
    if key.count == subjects.count {
      let inside = set.contains(key)
      let truth: Decision = inside != match.negated ? .always : .never
      return failing || requires.isEmpty
        ? truth : Decision(requires: requires, boxes: truth.boxes, negated: truth.negated)
    }
    if set.catchAll != nil { return match.negated ? .never : Decision(requires: requires, negated: true) }
    let isOfOneField = subjects.count == 1 && set.parts == 1
    guard isOfOneField || set.elements.count <= 256 else {
      return condition(rule, statement, in: &flow, negated: match.negated) {
        Condition(.largeSet(set.name, count: set.elements.count), rule: rule)
      }
    }
    let found = isOfOneField ? box(of: [set.values], subjects, in: flow) : boxes(of: set, subjects, in: flow)
    guard let boxes = found else {
      return condition(rule, statement, in: &flow) { Condition(.match(match), rule: rule) }
    }
    return Decision(
      requires: failing ? [] : requires, boxes: failing ? boxes.map { requires + $0 } : boxes, negated: match.negated)
  }

  /// For which packets of the flow a key is in a set some of whose elements have a limit: in one without, or in one
  /// whose limit is not used up.
  ///
  /// A negated match never asks for the limits: a packet that an element holds ends the rule either way.
  private func decide(
    _ parts: [ValueExpression], _ match: Match, isIn set: ResolvedSet, whereUnlimited unlimited: ResolvedSet,
    in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    func isIn(_ set: ResolvedSet) -> Decision {
      decideKey(parts, match, isIn: set, in: &flow, rule: rule, statement: statement)
    }
    func holds(_ number: Int) -> VariableID {
      variable(for: set.limited[number].limit, number, in: &flow, rule: rule, statement: statement)
    }
    // Where no element without a limit holds the key, the one with a limit that holds it decides.
    let explicit = set.limited.indices.filter { !set.limited[$0].limit.isOfCatchAll }
    func boxes(whereLimitsHold: Bool) -> [Decision] {
      explicit.map { number in
        let inside = isIn(set.limited[number].set)
        // Where the key is known, it is in or it is not.
        let boxes = inside.negated && inside.boxes.isEmpty ? [[]] : inside.boxes
        let limit = (holds(number), ValueSet(whereLimitsHold ? 1 : 0))
        return Decision(boxes: boxes.map { inside.requires + $0 + [limit] })
      }
    }
    let inSet = boxes(whereLimitsHold: true)
    if set.catchAll == nil { return .any(of: [isIn(unlimited)] + inSet, in: flow) }
    // The element for all other keys takes what no other holds.
    let usedUp = boxes(whereLimitsHold: false).flatMap(\.boxes)
    let all = isIn(unlimited)
    guard let number = set.limited.firstIndex(where: \.limit.isOfCatchAll) else {
      return Decision(requires: all.requires, boxes: usedUp, negated: true)
    }
    var decision = Decision.any(of: [all] + inSet, in: flow)
    if decision.negated { return decision }
    decision.boxes += (decision.boxes + usedUp).reduce([[(holds(number), ValueSet(1))]]) { parts, earlier in
      parts.flatMap { Flow.difference($0, earlier, in: flow) }
    }
    decision.requires = all.requires
    return decision
  }

  /// The variable that tells whether the limit of a group of elements leaves room.
  func variable(
    for limit: SetLimit, _ group: Int, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> VariableID {
    let key = ConditionKey.elements(rule, statement, group: group)
    return flow.conditions[key]
      ?? flow.condition(key, number: makeCondition(Condition(.element(limit.conditions), rule: rule)))
  }

  /// The boxes of the packets whose key a set holds; nil where they are no intervals.
  private func boxes(of set: ResolvedSet, _ subjects: [Subject], in flow: Flow) -> [Flow.Box]? {
    var boxes: [Flow.Box] = []
    for element in set.exceptions.isEmpty ? set.elements : set.ranked.reversed() {
      guard let box = box(of: element.key, subjects, in: flow) else { return nil }
      // From the widest to the narrowest each decides anew about what it holds.
      if !set.exceptions.isEmpty {
        for hole in box { boxes = boxes.flatMap { Flow.difference($0, hole, in: flow) } }
      }
      if !element.nomatch { boxes += box }
    }
    return boxes
  }

  /// The box of the packets whose key is an element, none where no packet's is; nil where they are no intervals.
  func box(of key: [some KeyPart], _ subjects: [Subject], in flow: Flow) -> [Flow.Box]? {
    guard key.count == subjects.count else { return [] }
    var box: Flow.Box = []
    for (part, subject) in zip(key, subjects) {
      switch subject {
      case .constant(let value): if !part.mayBe(value) { return [] }
      case .variable(let variable, let transform, _):
        guard let inside = part.possible(in: flow.variables[variable].domain, under: transform) else { return nil }
        if inside.isEmpty { return [] }
        // A key may hold one variable twice; both parts must fit.
        if let index = box.firstIndex(where: { $0.variable == variable }) {
          box[index].values = box[index].values.intersection(inside)
          if box[index].values.isEmpty { return [] }
        } else {
          box.append((variable, inside))
        }
      case .absent, .unknown, .addressLookup: return []
      }
    }
    return [box]
  }

  private func unknownMember(
    _ set: ResolvedSet, _ key: [ValueExpression], _ match: Match, in flow: inout Flow, rule: RuleID, statement: Int
  ) -> Decision {
    let isIPSet: Bool
    switch match.values {
    case .ipset, .ipsetExceptions: isIPSet = true
    case .values, .masked, .elements, .named: isIPSet = false
    }
    return condition(rule, statement, in: &flow, negated: match.negated) {
      Condition(
        .setMember(set.name), rule: rule, settledBy: isIPSet ? "ipset save \(set.name)" : "nft -j list ruleset")
    }
  }
}

extension Subject {
  /// The subject behind one more operation.
  func transformed(_ operation: Transform.Operation) -> Subject {
    switch self {
    case .constant(let value): .constant(Transform(operations: [operation]).apply(value))
    case .variable(let variable, var transform, let requires):
      {
        transform.operations.append(operation)
        return .variable(variable, transform, requires: requires)
      }()
    case .absent: .absent
    case .addressLookup, .unknown: .unknown
    }
  }
}

/// One part of a set's key: what a field of the packet is compared with.
protocol KeyPart {
  /// Whether a value is it, or may be where a dump masks it.
  func mayBe(_ value: UInt128) -> Bool
  /// The values of a domain that are it after some arithmetic; nil where they are no intervals.
  func possible(in domain: ValueSet, under transform: Transform) -> ValueSet?
}

extension ValueSet: KeyPart {
  func mayBe(_ value: UInt128) -> Bool { contains(value) }

  func possible(in domain: ValueSet, under transform: Transform) -> ValueSet? {
    transform.preimage(of: self, in: domain)
  }
}

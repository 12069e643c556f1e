import RuleGraph

/// What a key is compared with where the dump masks values or leaves elements out.
struct MaskedKeys {
  /// The keys that are certainly meant, one set of values a part.
  var certain: [[ValueSet]] = []
  /// The masked keys, one value a part; one without parts may be any key.
  var masked: [[MaskedValue]] = []
  /// The set whose elements they are, by a name of its own; nil of values that are written in a rule.
  var set: String?
  /// What the condition says of a masked key.
  var about: Condition.About
  /// The command whose output would show what is masked.
  var settledBy: String?
}

extension Engine {
  /// For which packets of the flow a match with masked values is true: certainly where a value is shown, under a
  /// condition where it may be a masked one, never elsewhere.
  func decide(_ match: Match, _ wanted: MaskedValues, in flow: inout Flow, rule: RuleID, statement: Int) -> Decision {
    let possible = wanted.possible
    if case .field(.conntrack(let field)) = match.subject, field.key == .saddr || field.key == .daddr,
      let first = possible.first, IPAddress(bits: first).family != flow.family
    {
      return match.whenAbsent ? .always : .never
    }
    let certain = wanted.certain
    let keys = MaskedKeys(
      certain: certain.isEmpty ? [] : [[certain]], masked: wanted.masked.map { [$0] },
      about: .maskedValue(match.subject, wanted), settledBy: dump(of: rule))
    let subject = resolve(match.subject, in: &flow, wanted: possible)
    return decide([subject], keys, match, isIPSet: false, in: &flow, rule: rule, statement: statement)
  }

  /// For which packets of the flow a key is in a set of which the dump masks elements.
  func decide(
    _ parts: [ValueExpression], isInMasked set: ResolvedSet, _ match: Match, in flow: inout Flow, rule: RuleID,
    statement: Int
  ) -> Decision {
    let subjects = parts.map { resolve($0, in: &flow, wanted: .all) }
    var keys = keys(of: set, set.masked, in: rule)
    if set.catchAll != nil {
      keys.certain = [parts.map { _ in .all }]
    } else if set.parts == 1, set.exceptions.isEmpty {
      keys.certain = set.values.isEmpty ? [] : [[set.values]]
    } else {
      keys.certain = set.elements.map(\.key)
    }
    return decide(subjects, keys, match, isIPSet: set.ipset != nil, in: &flow, rule: rule, statement: statement)
  }

  /// For which packets of the flow their key is a masked element of a set or map.
  func decide(
    _ parts: [ValueExpression], isMasked element: SetElement, number: Int, of set: ResolvedSet, in flow: inout Flow,
    rule: RuleID, statement: Int
  ) -> Decision {
    let subjects = parts.map { resolve($0, in: &flow, wanted: .all) }
    var keys = keys(of: set, [element], in: rule)
    keys.set = (keys.set ?? "") + " element \(number)"
    let subject: ValueExpression = parts.count == 1 ? parts[0] : .concatenation(parts)
    return decide(
      subjects, keys, Match(subject, .elements([element])), isIPSet: false, in: &flow, rule: rule,
      statement: statement)
  }

  /// The number of the condition that stands for a masked value which a rule puts into a packet.
  func makeMaskedCondition(_ value: MaskedValue, _ rule: RuleID) -> Int {
    if let known = maskedConditions[rule]?[value.text] { return known }
    let number = makeCondition(Condition(.maskedTarget(value), rule: rule, settledBy: dump(of: rule)))
    maskedConditions[rule, default: [:]][value.text] = number
    return number
  }

  private func keys(of set: ResolvedSet, _ masked: [SetElement], in rule: RuleID) -> MaskedKeys {
    var keys = MaskedKeys(
      masked: masked.map { $0.isElision ? [] : $0.masks },
      about: .hiddenElement(ofSet: set.name.isEmpty ? nil : set.name))
    if set.ipset != nil {
      keys.set = "ipset \(set.name)"
      keys.settledBy = "ipset save \(set.name)"
    } else {
      if !set.name.isEmpty { keys.set = "table \(rule.table) \(set.name)" }
      keys.settledBy = dump(of: rule)
    }
    return keys
  }

  /// The command that prints a rule's table.
  private func dump(of rule: RuleID) -> String {
    let table = ruleset.tables[rule.table]
    if table.origin == .nftables { return "nft -j list ruleset" }
    let list = table.family == .ip6 ? "ip6tables-save" : "iptables-save"
    return table.name == "filter" ? list : "\(list) -t \(table.name)"
  }

  private func decide(
    _ subjects: [Subject], _ keys: MaskedKeys, _ match: Match, isIPSet: Bool, in flow: inout Flow, rule: RuleID,
    statement: Int
  ) -> Decision {
    var requires: Flow.Box = []
    var variables: [VariableID] = []
    var constants: [UInt128] = []
    var isComputed = false
    func undecided(_ flow: inout Flow) -> Decision {
      condition(rule, statement, in: &flow) {
        Condition(.maskedMatch(match), rule: rule, settledBy: keys.settledBy)
      }
    }
    for subject in subjects {
      switch subject {
      case .variable(let variable, let transform, let box):
        requires += box
        variables.append(variable)
        isComputed = isComputed || !transform.operations.isEmpty
      case .constant(let value): constants.append(value)
      // An ipset that asks for ports does not hold a packet without; inverted it matches.
      case .absent: return match.whenAbsent || isIPSet && match.negated ? .always : .never
      case .unknown, .addressLookup: return undecided(&flow)
      }
    }
    var boxes: [Flow.Box] = []
    func add(_ box: Flow.Box) {
      boxes += boxes.reduce([box]) { parts, earlier in parts.flatMap { Flow.difference($0, earlier, in: flow) } }
    }
    if keys.certain.count > 256, variables.contains(where: { flow.variables[$0].domain.single == nil }) {
      return condition(rule, statement, in: &flow, negated: match.negated) {
        Condition(keys.about, rule: rule, settledBy: keys.settledBy)
      }
    }
    for key in keys.certain {
      guard let box = box(of: key, subjects, in: flow) else { return undecided(&flow) }
      box.forEach(add)
    }
    for key in keys.masked {
      // One without parts may be any key.
      guard let box = key.isEmpty ? [] : box(of: key, subjects, in: flow)?.first else { continue }
      let isShared = keys.set != nil || key.count == 1 && key[0].isNamed && !isComputed
      let name = MaskedKeyName(
        text: keys.set ?? (isShared ? key[0].text : ""), rule: isShared ? nil : rule,
        statement: isShared ? 0 : statement, variables: variables, constants: constants)
      let variable =
        flow.conditions[.masked(name)]
        ?? flow.condition(
          .masked(name),
          number: makeCondition(Condition(keys.about, rule: rule, settledBy: keys.settledBy)))
      add(box + [(variable, ValueSet(1))])
    }
    if match.whenAbsent, !requires.isEmpty {
      // True for packets without the field, too: false only for those that have it and fail.
      var failing = boxes.map { requires + $0 }
      if !match.negated {
        failing = boxes.reduce([requires]) { parts, box in parts.flatMap { Flow.difference($0, box, in: flow) } }
      }
      return Decision(boxes: failing, negated: true)
    }
    if isIPSet, match.negated { return Decision(boxes: boxes.map { requires + $0 }, negated: true) }
    return Decision(requires: requires, boxes: boxes, negated: match.negated)
  }
}

extension MaskedValue: KeyPart {
  /// The values of a domain that may be the masked one, after some arithmetic; more than these where that is no set of
  /// intervals.
  func possible(in domain: ValueSet, under transform: Transform) -> ValueSet? {
    if let single = domain.single { return mayBe(transform.apply(single)) ? domain : .empty }
    let inside = transform.preimage(of: possible, in: domain) ?? domain
    guard shownBits != 0, transform.operations.isEmpty, !inside.isEmpty else { return inside }
    return Transform(operations: [.bitwise(and: shownBits, xor: 0)]).preimage(of: ValueSet(bits), in: inside) ?? inside
  }
}

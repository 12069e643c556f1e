import RuleGraph

extension Engine {
  /// A flow in parts by what a map holds for their key, and the parts that it holds nothing for.
  ///
  /// Where the key is open there is a part for each different value of the map. Source: nft(8), "MAPS";
  /// `net/netfilter/nft_lookup.c`.
  func lookUp(
    _ key: ValueExpression, in map: ResolvedSet, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [(flow: Flow, element: SetElement)], misses: [Flow]) {
    let found = elements(for: key, in: map, start, id, statement)
    if map.limited.isEmpty { return found }
    // An element whose limit is used up ends the rule as if the map did not hold the key.
    var (hits, misses): (hits: [(flow: Flow, element: SetElement)], misses: [Flow]) = ([], found.misses)
    for (start, element) in found.hits {
      var flow = start
      guard let limit = SetLimit(element), let number = map.number(ofLimit: limit) else {
        hits.append((flow, element))
        continue
      }
      let variable = variable(for: limit, number, in: &flow, rule: id, statement: statement)
      let parts = flow.split(.when(variable, in: ValueSet(1)))
      hits += parts.yes.map { ($0, element) }
      misses += parts.no
    }
    return (hits, misses)
  }

  private func elements(
    for key: ValueExpression, in map: ResolvedSet, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [(flow: Flow, element: SetElement)], misses: [Flow]) {
    var flow = start
    if map.masked.isEmpty, let known = knownKey(key, in: &flow) {
      guard let known, let element = map.element(for: known) else { return ([], [flow]) }
      return ([(flow, element)], [])
    }
    let parts: [ValueExpression]
    if case .concatenation(let several) = key { parts = several } else { parts = [key] }
    if case .generated(let generator) = key { return draw(generator, in: map, flow, id, statement) }
    // Elements with one value are decided together.
    var hits: [(flow: Flow, element: SetElement)] = []
    var rest = [flow]
    for group in map.groups {
      guard let element = group.elements.first else { continue }
      var next: [Flow] = []
      for var part in rest {
        let decision = decide(parts, isIn: group, in: &part, rule: id, statement: statement)
        let split = part.split(decision)
        hits += split.yes.map { ($0, element) }
        next += split.no
      }
      rest = next
    }
    for (number, element) in map.masked.enumerated() {
      var next: [Flow] = []
      for var part in rest {
        let decision = decide(
          parts, isMasked: element, number: number, of: map, in: &part, rule: id, statement: statement)
        let split = part.split(decision)
        hits += split.yes.map { ($0, element) }
        next += split.no
      }
      rest = next
    }
    if let element = map.catchAll {
      hits += rest.map { ($0, element) }
      rest = []
    }
    return (hits, rest)
  }

  /// A flow in parts by the number that the kernel makes up for it: a part for each different value of the map, and one
  /// that misses where some number has no element (nft(8), "NUMGEN EXPRESSION", "HASH EXPRESSIONS";
  /// `net/netfilter/nft_numgen.c`).
  private func draw(
    _ generator: Generator, in map: ResolvedSet, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [(flow: Flow, element: SetElement)], misses: [Flow]) {
    var groups = map.groups.compactMap { group -> (numbers: ValueSet, element: SetElement)? in
      guard let element = group.elements.first else { return nil }
      let numbers = group.values.intersection(generator.values)
      return numbers.isEmpty ? nil : (numbers, element)
    }
    let others = generator.values.subtracting(groups.reduce(ValueSet.empty) { $0.union($1.numbers) })
    if !others.isEmpty, let element = map.catchAll {
      if let same = groups.firstIndex(where: { $0.element.data == element.data }) {
        groups[same].numbers = groups[same].numbers.union(others)
      } else {
        groups.append((others, element))
      }
    }
    let misses = !others.isEmpty && map.catchAll == nil
    var hits: [(flow: Flow, element: SetElement)] = []
    var rest = start
    for (index, group) in groups.enumerated() {
      // What is left when all others are ruled out needs no condition.
      if !misses, index == groups.count - 1 { return (hits + [(rest, group.element)], []) }
      let left = groups[(index + 1)...].reduce(misses ? others : .empty) { $0.union($1.numbers) }
      let decision = condition(.draw(id, statement, group: index), in: &rest) {
        Condition(.draw(generator, group.numbers, others: left), rule: id)
      }
      let parts = rest.split(decision)
      hits += parts.yes.map { ($0, group.element) }
      guard let next = parts.no.first else { return (hits, []) }
      rest = next
    }
    return (hits, [rest])
  }

  /// A flow in parts for each of which every map in an expression gives one value, with that value in the map's place,
  /// and the parts for which a map gives none. A map may give an address and a port at once: the expressions are then
  /// two.
  func withMapsLookedUp(
    _ expression: ValueExpression, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [(flow: Flow, values: [ValueExpression])], misses: [Flow]) {
    func inside(_ operand: ValueExpression, _ put: (ValueExpression) -> ValueExpression) -> (
      hits: [(flow: Flow, values: [ValueExpression])], misses: [Flow]
    ) {
      let found = withMapsLookedUp(operand, start, id, statement)
      return (found.hits.map { ($0.flow, [put($0.values[0])]) }, found.misses)
    }
    switch expression {
    case .field, .constant, .anyOf, .masked, .generated, .concatenation: return ([(start, [expression])], [])
    case .bitwise(let operand, let and, let xor): return inside(operand) { .bitwise($0, and: and, xor: xor) }
    case .shift(let operand, let left): return inside(operand) { .shift($0, left: left) }
    case .combine(let operation, let a, let b):
      let first = inside(a) { $0 }
      var result: (hits: [(flow: Flow, values: [ValueExpression])], misses: [Flow]) = ([], first.misses)
      for hit in first.hits {
        let second = withMapsLookedUp(b, hit.flow, id, statement)
        result.hits += second.hits.map { ($0.flow, [.combine(operation, hit.values[0], $0.values[0])]) }
        result.misses += second.misses
      }
      return result
    case .map(let key, let reference):
      let map = map(reference, table: id.table)
      guard map.isKnown else { return unshown(map, start, id, statement) }
      var found = lookUp(key, in: map, start, id, statement)
      var hits: [(flow: Flow, values: [ValueExpression])] = []
      for hit in found.hits {
        if case .values(let values)? = hit.element.data, !values.isEmpty {
          hits.append((hit.flow, values.map(ValueExpression.known)))
        } else if case .masked(let values)? = hit.element.data {
          hits.append((hit.flow, values.map { value in value.isKnown ? .known(value.possible) : .masked(value) }))
        } else if hit.element.isElision {
          // Elements that are left out give as many values as the others.
          let count = map.elements.lazy.compactMap(\.data).first.map(\.count) ?? 1
          hits.append(
            (hit.flow, Array(repeating: .masked(MaskedValue("the map's value", within: .all)), count: count)))
        } else {
          found.misses.append(hit.flow)
        }
      }
      return (hits, found.misses)
    }
  }

  /// What a map gives that the dump does not show: any value, or none.
  private func unshown(
    _ map: ResolvedSet, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> (hits: [(flow: Flow, values: [ValueExpression])], misses: [Flow]) {
    var flow = start
    let decision = condition(id, statement, in: &flow) {
      Condition(.mapMember(map.name), rule: id, settledBy: "nft -j list ruleset")
    }
    let split = flow.split(decision)
    let any = ValueExpression.masked(MaskedValue("the value in map \(map.name)", within: .all))
    return (split.yes.map { ($0, [any]) }, split.no)
  }

  /// What a packet's field becomes by the member of an ipset that holds it (`SET --map-set`): parts of the flow with an
  /// assignment each. What no member holds keeps its value; the rule has matched it all the same.
  ///
  /// A member's mark is laid over the old one by its mask, `(mark & ~mask) ^ value`; a member that holds nothing
  /// changes nothing (`set_target_v3` in `net/netfilter/xt_set.c`).
  func assigned(
    _ field: Field, heldBy set: ResolvedSet, _ key: ValueExpression, _ start: Flow, _ id: RuleID, _ statement: Int
  ) -> [(Flow, Statement)] {
    // Which set of a list held the packet, and what it kept of it, is not followed.
    guard set.isKnown, set.members.isEmpty, set.masked.isEmpty else {
      return [(start, .assign(Assignment(field, .anyOf(.bits(32)))))]
    }
    let kept = ValueExpression.field(field)
    var parts: [(Flow, Statement)] = []
    var rest = [start]
    for group in set.groups(holding: field == .meta(.priority) ? "skbprio" : "skbmark") {
      let overlay = group.isException ? nil : SetElement.overlay(group.argument, on: field)
      let value = overlay.map { ValueExpression.bitwise(kept, and: $0.and, xor: $0.xor) } ?? kept
      var next: [Flow] = []
      for var part in rest {
        let split = part.split(
          decideKey([key], Match(key, .ipset(set.name)), isIn: group.set, in: &part, rule: id, statement: statement))
        parts += split.yes.map { ($0, .assign(Assignment(field, value))) }
        next += split.no
      }
      rest = next
    }
    return parts + rest.map { ($0, .assign(Assignment(field, kept))) }
  }
}

extension ValueExpression {
  /// One value, or one of several that the kernel chooses.
  fileprivate static func known(_ values: ValueSet) -> ValueExpression {
    values.single.map { .constant($0) } ?? .anyOf(values)
  }
}

extension SetData {
  /// The number of values.
  fileprivate var count: Int {
    switch self {
    case .verdict: 1
    case .values(let values): values.count
    case .masked(let values): values.count
    }
  }
}

extension SetElement {
  /// `0x10/0xff` of a mark or `1:10` of a priority as the bits of the old value that stay and those that are put on;
  /// nil where a member holds nothing.
  fileprivate static func overlay(_ text: String?, on field: Field) -> (and: UInt128, xor: UInt128)? {
    guard let text else { return nil }
    func number(_ text: Substring) -> UInt128? {
      text.hasPrefix("0x")
        ? UInt128(text.dropFirst(2), radix: 16) : UInt128(text, radix: field == .meta(.mark) ? 10 : 16)
    }
    let parts = text.split(separator: field == .meta(.mark) ? "/" : ":", omittingEmptySubsequences: false)
    guard let first = parts.first.flatMap(number) else { return nil }
    let second = parts.dropFirst().first.flatMap(number)
    if field == .meta(.mark) { return (0xffff_ffff & ~(second ?? 0xffff_ffff), first) }
    return (0, first << 16 | (second ?? 0))
  }
}

import RuleGraph

extension Engine {
  /// The values that an expression may have for the flow; nil where the packet lacks a field or a map has no value (the
  /// rule then does not match).
  func values(of expression: ValueExpression, in flow: inout Flow) -> ValueSet? {
    switch expression {
    case .constant(let value): return ValueSet(value)
    case .anyOf(let values): return values
    case .masked(let value): return value.possible
    case .generated(let generator): return sum(generator, in: &flow) ?? generator.values
    case .field, .bitwise, .shift:
      switch resolve(expression, in: &flow) {
      case .constant(let value): return ValueSet(value)
      case .variable(let variable, let transform, _):
        return image(of: flow.variables[variable].domain, under: transform)
      case .absent: return nil
      case .addressLookup, .unknown: return .all
      }
    case .combine(let operation, let a, let b):
      guard let left = values(of: a, in: &flow), let right = values(of: b, in: &flow) else { return nil }
      guard let x = left.single, let y = right.single else { return ValueSet.bits(width(left, right)) }
      switch operation {
      case .and: return ValueSet(x & y)
      case .or: return ValueSet(x | y)
      case .xor: return ValueSet(x ^ y)
      }
    case .map(let key, let reference):
      // Known maps are looked up before the rest of the statement: ``withMapsLookedUp(_:_:_:_:)``.
      let map = map(reference, table: flow.position.frames.last?.chain.table ?? 0)
      guard map.isKnown, let known = knownKey(key, in: &flow) else { return .all }
      guard let known, case .values(let values)? = map.element(for: known)?.data else { return nil }
      return values.first
    case .concatenation: return nil
    }
  }

  /// What `TTL --ttl-inc` and `--ttl-dec` make of the field, which stays inside the generator's values
  /// (`net/netfilter/xt_HL.c`).
  private func sum(_ generator: Generator, in flow: inout Flow) -> ValueSet? {
    guard generator.name == "add" || generator.name == "subtract", let input = generator.inputs.first,
      let number = generator.arguments.first(where: { $0.name == "number" }).flatMap({ UInt128($0.value) }),
      let old = values(of: input, in: &flow), let low = generator.values.first,
      let high = generator.values.intervals.last?.upperBound
    else { return nil }
    func moved(_ value: UInt128) -> UInt128 {
      if generator.name == "add" { return min(high, value > high - min(number, high) ? high : value + number) }
      return value < number ? low : max(low, value - number)
    }
    return ValueSet(old.intervals.map { moved($0.lowerBound)...moved($0.upperBound) })
  }

  /// The variable that an expression's value is in, when it is just a field; else a new one with its possible values.
  func variable(of expression: ValueExpression, in flow: inout Flow) -> VariableID? {
    if case .field = expression, case .variable(let variable, let transform, _) = resolve(expression, in: &flow),
      transform.operations.isEmpty
    {
      return variable
    }
    guard let values = values(of: expression, in: &flow) else { return nil }
    return flow.makeVariable(values)
  }

  private func image(of domain: ValueSet, under transform: Transform) -> ValueSet {
    if transform.operations.isEmpty { return domain }
    if let single = domain.single { return ValueSet(transform.apply(single)) }
    guard domain.count <= 65_536 else {
      let bits = 128 - (domain.intervals.last?.upperBound ?? 0).leadingZeroBitCount
      return ValueSet.bits(bits)
    }
    var found: [ClosedRange<UInt128>] = []
    for interval in domain.intervals {
      var value = interval.lowerBound
      while true {
        let result = transform.apply(value)
        found.append(result...result)
        if value == interval.upperBound { break }
        value += 1
      }
    }
    return ValueSet(found)
  }

  private func width(_ a: ValueSet, _ b: ValueSet) -> Int {
    128 - max(a.intervals.last?.upperBound ?? 0, b.intervals.last?.upperBound ?? 0).leadingZeroBitCount
  }

  /// The set behind a reference of a rule of a table.
  func map(_ reference: MapReference, table: Int) -> ResolvedSet {
    switch reference {
    case .named(let name): index.set(name, table: table)
    case .anonymous(let elements): ResolvedSet(name: "", elements: elements, isKnown: true)
    case .ipset(let name): index.ipset(name)
    }
  }

  /// The set behind the reference that is a statement of a rule.
  func map(_ reference: MapReference, of rule: RuleID, statement: Int) -> ResolvedSet {
    switch reference {
    case .named(let name): index.set(name, table: rule.table)
    case .anonymous(let elements): index.set(elements, of: rule, statement: statement)
    case .ipset(let name): index.ipset(name)
    }
  }

  /// The value of each part of a key: nil where one is open, `.some(nil)` where the packet lacks a field.
  func knownKey(_ key: ValueExpression, in flow: inout Flow) -> [UInt128]?? {
    let parts: [ValueExpression]
    if case .concatenation(let several) = key { parts = several } else { parts = [key] }
    var known: [UInt128] = []
    for part in parts {
      switch resolve(part, in: &flow, wanted: .all) {
      case .constant(let value): known.append(value)
      case .variable(let variable, let transform, let requires):
        guard requires.isEmpty, let value = flow.variables[variable].domain.single else { return nil }
        known.append(transform.apply(value))
      case .absent: return .some(nil)
      case .addressLookup, .unknown: return nil
      }
    }
    return .some(known)
  }
}

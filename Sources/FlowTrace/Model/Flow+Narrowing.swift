import RuleGraph

/// What decides a condition variable: flows that met the same condition share its truth.
enum ConditionKey: Hashable {
  /// A statement of a rule that can't be decided; each statement is a condition of its own.
  case statement(RuleID, Int)
  /// All statements of a rule that can't be decided beyond the number of those that are conditions of their own.
  case furtherStatements(RuleID)
  /// Whether the program in user space that a rule hands packets to lets them pass.
  case queue(RuleID)
  /// Whether a variable's value is an address of this host (or of another type that the routing tables give).
  case addressType(VariableID, ValueSet)
  /// Whether a variable's bits under a mask are among some values.
  case bits(VariableID, and: UInt128, xor: UInt128, ValueSet)
  /// Whether a key is in a set whose members are unknown.
  case member(String, [VariableID])
  /// Whether missing rules have this effect.
  case missingRules(RuleID, Int, MissingRules.Effects)
  /// Whether a table whose head was lost sees packets of the version of IP that the flow has.
  case seesPackets(table: Int)
  /// Whether the policy of a base chain, which no dump shows, is accept.
  case policy(ChainID)
  /// Whether a value is one that the dump masks.
  case masked(MaskedKeyName)
  /// Whether the route back to a source leads through the interface that its packets come in on.
  case reversePath(source: UInt128, input: String)
  /// What the routing tables' answer depends on and no dump tells.
  case route(RouteQuestion)
  /// Whether a number that the kernel makes up for a statement of a rule is in a group of a map's keys.
  case draw(RuleID, Int, group: Int)
  /// Whether the limits hold of a group of the elements in which a statement of a rule looks.
  case elements(RuleID, Int, group: Int)
  /// Something about the host that is not known, by its stable name.
  case host(String)
}

extension Flow {
  /// Adds a variable.
  mutating func makeVariable(
    _ domain: ValueSet, dimension: Region.Dimension? = nil, isOpen: Bool = false
  ) -> VariableID {
    variables.append(Variable(domain: domain, dimension: dimension, open: isOpen ? domain : nil))
    return VariableID(variables.count - 1)
  }

  /// The values that a slot may have; nil where the packet has no such field.
  func domain(_ slot: Slot) -> ValueSet? {
    binding[slot].map { variables[$0].domain }
  }

  /// Gives a slot a new variable with these values.
  ///
  /// - Parameter isOpen: Whether nobody knows which of them it has.
  @discardableResult
  mutating func rebind(_ slot: Slot, to values: ValueSet, isOpen: Bool = false) -> VariableID {
    let variable = makeVariable(values, isOpen: isOpen)
    binding[slot] = variable
    return variable
  }

  /// Limits a variable to some values. False when none is left: the flow is then empty.
  mutating func narrow(_ variable: VariableID, to values: ValueSet) -> Bool {
    let domain = variables[variable].domain
    if domain.isSubset(of: values) { return true }
    let narrowed = domain.intersection(values)
    if narrowed.isEmpty { return false }
    variables[variable].domain = narrowed
    return exceptions.isEmpty || simplifyExceptions(mentioning: variable)
  }

  /// Limits several variables. False when nothing is left.
  mutating func narrow(to box: Box) -> Bool {
    for (variable, values) in box where !narrow(variable, to: values) { return false }
    return true
  }

  /// Takes a box out of the flow. False when nothing is left.
  mutating func exclude(_ box: Box) -> Bool {
    var rest: Box = []
    for (variable, values) in box {
      let domain = variables[variable].domain
      if domain.isDisjoint(with: values) { return true }
      if !domain.isSubset(of: values) { rest.append((variable, domain.intersection(values))) }
    }
    if rest.isEmpty { return false }
    if rest.count == 1 {
      return narrow(rest[0].variable, to: variables[rest[0].variable].domain.subtracting(rest[0].values))
    }
    exceptions.append(rest)
    return true
  }

  /// Brings the exceptions that mention a variable up to date with its domain. False when nothing is left of the flow.
  ///
  /// Of many exceptions that would take longer than it saves: they are left as they are, and the search for a packet
  /// tells.
  private mutating func simplifyExceptions(mentioning variable: VariableID) -> Bool {
    guard exceptions.count <= 64, exceptions.variables.contains(variable) else { return true }
    let old = exceptions.boxes
    exceptions = BoxList()
    for exception in old {
      if exception.contains(where: { $0.variable == variable }) {
        if !exclude(exception) { return false }
      } else {
        exceptions.append(exception)
      }
    }
    return true
  }

  /// Takes exceptions that limit one variable only out of its domain, and drops those that are outside the flow. False
  /// when nothing is left.
  mutating func settleExceptions() -> Bool {
    var boxes = exceptions.boxes
    var isChanged = false
    while true {
      var rest: [Box] = []
      var cuts: [VariableID: [ClosedRange<UInt128>]] = [:]
      for box in boxes {
        if box.contains(where: { variables[$0.variable].domain.isDisjoint(with: $0.values) }) { continue }
        let open = box.filter { !variables[$0.variable].domain.isSubset(of: $0.values) }
        switch open.count {
        case 0: return false
        case 1: cuts[open[0].variable, default: []] += open[0].values.intervals
        default:
          if open.count < box.count { isChanged = true }
          rest.append(open)
        }
      }
      if rest.count < boxes.count { isChanged = true }
      for (variable, ranges) in cuts {
        variables[variable].domain = variables[variable].domain.subtracting(ValueSet(ranges))
        if variables[variable].domain.isEmpty { return false }
      }
      boxes = rest
      if cuts.isEmpty { break }
    }
    // What is the same list as before knows where its boxes lie.
    if isChanged { exceptions = BoxList(boxes) }
    return true
  }

  /// The parts of a box outside another, as boxes that do not overlap.
  static func difference(_ box: Box, _ hole: Box, in flow: Flow) -> [Box] {
    var parts: [Box] = []
    var rest = box
    for (variable, values) in hole {
      let index = rest.firstIndex { $0.variable == variable }
      let have = index.map { rest[$0].values } ?? flow.variables[variable].domain
      let outside = have.subtracting(values)
      if !outside.isEmpty {
        var part = rest
        if let index { part[index].values = outside } else { part.append((variable, outside)) }
        parts.append(part)
      }
      let inside = have.intersection(values)
      if inside.isEmpty { return [box] }
      if let index { rest[index].values = inside } else { rest.append((variable, inside)) }
    }
    return parts
  }

  /// The variable of a condition, made when it is first met; the number is the condition's index in the trace's list.
  mutating func condition(_ key: ConditionKey, number: Int) -> VariableID {
    if let known = conditions[key] { return known }
    let variable = makeVariable(ValueSet(0...1), dimension: .condition(number))
    conditions[key] = variable
    return variable
  }

  /// Notes something taken for granted, once.
  mutating func assume(_ assumption: Assumption) {
    if !assumptions.contains(assumption) { assumptions.append(assumption) }
  }

  /// Notes a step of the way.
  mutating func note(_ step: Step) { path = PathNode(.step(step), after: path) }
}

/// What a condition about a masked value is about: the same one for all rules that name the value, else one for each
/// rule.
struct MaskedKeyName: Hashable {
  /// The name of the value or set; empty of a value without a name.
  var text: String
  var rule: RuleID?
  var statement: Int
  /// What is compared with it: a field that was rewritten is another variable.
  var variables: [VariableID]
  var constants: [UInt128]
}

import RuleGraph
import RuleText

/// The meaning of nft's expressions in the rule graph: the one place for both of nft's forms.
///
/// What has no meaning there throws an ``NftProblem``; the reader then keeps the statement's text as opaque.
struct NftLowering {
  /// The family of the table, which decides what `reject` and addresses without a family mean.
  var family: TableFamily
  /// The types of the keys and of the data of the table's sets and maps, as far as they have been read.
  var sets: [String: NftSetTypes] = [:]

  /// An expression of the rule graph with the types of its parts: one, or several of a concatenation.
  struct Typed {
    var expression: ValueExpression
    var parts: [NftPart]

    var type: NftType { parts.first?.type ?? .invalid }
    var bits: Int { parts.first?.bits ?? 128 }
  }

  /// Deeper expressions are not taken; nft itself prints none.
  static let maximumDepth = 40

  init(family: TableFamily) { self.family = family }
}

// MARK: - Values

extension NftLowering {
  /// Lowers an expression; `expected` are the types of a constant that shows none.
  func typed(_ expression: NftExpression, expected: [NftPart] = [], depth: Int = 0) throws(NftProblem) -> Typed {
    guard depth < Self.maximumDepth else { throw NftProblem("an expression of more than \(Self.maximumDepth) levels") }
    switch expression {
    case .field(let field):
      return Typed(expression: .field(Self.named(field.field)), parts: [NftPart(field.type, field.bits)])
    case .unknown(let text): throw NftProblem(text)
    case .environment(let kind, _, _): throw NftProblem("\(kind.rawValue) as a value")
    case .binary(let operation, let left, let right):
      return try binary(operation, left, right, expected: expected, depth: depth)
    case .concatenation(let items):
      var expressions: [ValueExpression] = []
      var parts: [NftPart] = []
      for (index, item) in items.enumerated() {
        let lowered = try typed(
          item, expected: index < expected.count ? [expected[index]] : [], depth: depth + 1)
        expressions.append(lowered.expression)
        parts.append(contentsOf: lowered.parts)
      }
      return Typed(expression: .concatenation(expressions), parts: parts)
    case .map(let key, let data):
      let lowered = try typed(key, expected: keyTypes(ofMap: data), depth: depth + 1)
      let (reference, parts) = try map(data, key: lowered.parts, data: expected, depth: depth)
      return Typed(expression: .map(key: lowered.expression, reference), parts: parts)
    case .generator(let generator): return try generated(generator, depth: depth)
    case .word, .number, .presence, .range, .prefix, .list:
      let part = expected.first ?? NftPart(.invalid)
      let values: ValueSet
      do {
        values = try NftValue.values(of: expression, part.type, bits: part.bits)
      } catch {
        guard let value = NftMasks.value(of: expression, part) else { throw error }
        if !value.isKnown { return Typed(expression: .masked(value), parts: [part]) }
        values = value.possible
      }
      return Typed(expression: values.single.map { .constant($0) } ?? .anyOf(values), parts: [part])
    case .set, .reference, .wildcard, .verdict: throw NftProblem("a set where a value is needed")
    }
  }

  /// Lowers the value that a field of a known type gets.
  func value(_ expression: NftExpression, as parts: [NftPart]) throws(NftProblem) -> ValueExpression {
    try typed(expression, expected: parts).expression
  }

  /// The field that is looked at where nft compares interface indexes that it prints as names.
  static func named(_ field: Field) -> Field {
    switch field {
    case .meta(.iif): return .meta(.iifname)
    case .meta(.oif): return .meta(.oifname)
    case .meta(.sdif): return .meta(.sdifname)
    case .fib(var fib) where fib.result == .oif:
      fib.result = .oifname
      return .fib(fib)
    default: return field
    }
  }

  private func binary(
    _ operation: NftOperation, _ left: NftExpression, _ right: NftExpression, expected: [NftPart], depth: Int
  ) throws(NftProblem) -> Typed {
    var lowered = try typed(left, expected: expected, depth: depth + 1)
    guard lowered.parts.count == 1 else { throw NftProblem("arithmetic with a concatenation") }
    // What is assigned is as wide as what it is assigned to, also when it is computed from something narrower.
    let width = max(lowered.bits, expected.first?.bits ?? 0)
    let operand = try typed(
      right,
      expected: operation == .shiftLeft || operation == .shiftRight
        ? [NftPart(.integer)] : [NftPart(lowered.type, width)],
      depth: depth + 1)
    guard case .constant(let number) = operand.expression else {
      let combination: BitOperation
      switch operation {
      case .and: combination = .and
      case .or: combination = .or
      case .xor: combination = .xor
      case .shiftLeft, .shiftRight: throw NftProblem("a shift by a number of bits that is not constant")
      }
      return Typed(
        expression: .combine(combination, lowered.expression, operand.expression), parts: [NftPart(lowered.type, width)]
      )
    }
    if case .constant(let first) = lowered.expression {
      lowered.expression = .constant(NftValue.apply(operation, first, number, bits: width))
    } else {
      lowered.expression = try folded(lowered.expression, operation, number, lowered.type, bits: width)
    }
    lowered.parts = [NftPart(lowered.type, width)]
    return lowered
  }

  /// `(x & and) ^ xor` absorbs further constants, so that equal arithmetic looks equal however it was written.
  private func folded(
    _ expression: ValueExpression, _ operation: NftOperation, _ number: UInt128, _ type: NftType, bits: Int
  ) throws(NftProblem) -> ValueExpression {
    var operand = expression
    var and = type == .ipv4Address ? UInt128.max : NftPart.mask(bits)
    var xor: UInt128 = 0
    if case .bitwise(let inner, let innerAnd, let innerXor) = expression {
      operand = inner
      and = innerAnd
      xor = innerXor
    }
    switch operation {
    case .and:
      and &= number
      xor &= number
    case .or:
      and &= ~number
      xor = (xor & ~number) | number
      if type != .ipv4Address { and &= NftPart.mask(bits) }
    case .xor: xor ^= type == .ipv4Address ? number & 0xffff_ffff : number
    case .shiftLeft, .shiftRight:
      guard type != .ipv4Address, number < 128 else { throw NftProblem("a shift of an address") }
      let count = Int(number)
      return .shift(expression, left: operation == .shiftLeft ? count : -count)
    }
    if type != .ipv4Address, and == NftPart.mask(bits), xor == 0 { return operand }
    return .bitwise(operand, and: and, xor: xor)
  }

  private func generated(_ generator: NftGenerator, depth: Int) throws(NftProblem) -> Typed {
    var arguments: [Argument] = []
    if generator.modulus > 0 { arguments.append(Argument("mod", String(generator.modulus))) }
    if let seed = generator.seed { arguments.append(Argument("seed", String(seed))) }
    if generator.offset > 0 { arguments.append(Argument("offset", String(generator.offset))) }
    var inputs: [ValueExpression] = []
    if let input = generator.input {
      let lowered = try typed(input, depth: depth + 1).expression
      if case .concatenation(let parts) = lowered { inputs = parts } else { inputs = [lowered] }
    }
    let low = UInt128(generator.offset)
    let high = generator.modulus > 0 ? low + UInt128(generator.modulus) - 1 : 0xffff_ffff
    return Typed(
      expression: .generated(
        Generator(
          name: generator.name, values: ValueSet(low...max(low, high)), arguments: arguments, inputs: inputs)),
      parts: [NftPart(.integer, 32)])
  }
}

// MARK: - Sets and maps

extension NftLowering {
  /// The key types of a map that an expression refers to by name.
  func keyTypes(ofMap data: NftExpression) -> [NftPart] {
    guard case .reference(let name) = data else { return [] }
    return sets[name]?.key ?? []
  }

  /// A map by name or in place, with the types of its data.
  func map(
    _ expression: NftExpression, key: [NftPart], data: [NftPart], depth: Int = 0
  ) throws(NftProblem) -> (MapReference, [NftPart]) {
    switch expression {
    case .reference(let name): return (.named(name), sets[name]?.data ?? data)
    case .set(let elements):
      var lowered: [SetElement] = []
      lowered.reserveCapacity(elements.count)
      for element in elements { lowered.append(try self.element(element, key: key, data: data)) }
      return (.anonymous(lowered), data)
    default: throw NftProblem("no map where one is needed")
    }
  }

  /// An element of a set or map of known types.
  func element(_ element: NftElement, key: [NftPart], data: [NftPart]?) throws(NftProblem) -> SetElement {
    var lowered = SetElement([], comment: element.comment, arguments: element.arguments)
    // Each element of a map leads somewhere: a word alone stands for elements that somebody left out.
    if data != nil, element.data == nil { return .elided(NftMasks.text(of: element.key) ?? "...") }
    if case .wildcard = element.key {
      lowered.isCatchAll = true
    } else {
      do {
        lowered.key = try parts(of: element.key, key)
      } catch {
        if let text = NftMasks.elision(element.key) { return .elided(text) }
        guard let masks = NftMasks.parts(of: element.key, key) else { throw error }
        lowered.key = masks.map(\.possible)
        if !masks.allSatisfy(\.isKnown) { lowered.masks = masks }
      }
    }
    if let value = element.data {
      if case .verdict(let verdict) = value {
        lowered.data = .verdict(verdict)
      } else if case .word(let name) = value, data?.first?.type == .object {
        // The map gives the name of a stateful object, which is no value of a packet.
        lowered.arguments.append(Argument("object", name))
      } else {
        let types = data ?? [NftPart(.invalid)]
        do {
          lowered.data = .values(try parts(of: value, types))
        } catch {
          guard let masks = NftMasks.parts(of: value, types) else { throw error }
          lowered.data = masks.allSatisfy(\.isKnown) ? .values(masks.map(\.possible)) : .masked(masks)
        }
      }
    }
    return lowered
  }

  /// The values of each part of an element's key or data.
  private func parts(of expression: NftExpression, _ types: [NftPart]) throws(NftProblem) -> [ValueSet] {
    guard case .concatenation(let items) = expression else {
      let part = types.first ?? NftPart(.invalid)
      return [try NftValue.values(of: expression, part.type, bits: part.bits)]
    }
    var values: [ValueSet] = []
    for (index, item) in items.enumerated() {
      let part = index < types.count ? types[index] : NftPart(.invalid)
      values.append(try NftValue.values(of: item, part.type, bits: part.bits))
    }
    return values
  }
}

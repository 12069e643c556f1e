import RuleGraph

/// Writes statements of the rule graph in nft's language.
struct NftRuleWriter {
  let family: TableFamily
  /// The types of the table's sets and maps.
  private var sets: [String: NftSetTypes] = [:]

  init(table: Table) {
    family = table.family
    for set in table.sets { sets[set.name] = NftSetTypes(of: set) }
  }

  // MARK: - Expressions

  /// An expression with the types of its parts.
  func text(_ expression: ValueExpression, _ expected: [NftPart] = []) throws(NftUnprintable) -> (String, [NftPart]) {
    switch expression {
    case .field(let field):
      guard let part = field.nftPart else { throw NftUnprintable("the field \(field.text)") }
      return (field.nftText(isIPv6: isIPv6(expected.first, field)), [addressed(part, expected.first, field)])
    case .constant(let value):
      let part = expected.first ?? NftPart(.invalid)
      return (NftValueText.text(value, part), [part])
    case .masked(let value): return (value.text, [expected.first ?? NftPart(.invalid)])
    case .anyOf(let values):
      let part = expected.first ?? NftPart(.invalid)
      guard values.intervals.count == 1, let interval = values.intervals.first else {
        throw NftUnprintable("a choice of values that is no range")
      }
      return (try NftValueText.text(interval, part), [part])
    case .bitwise(let operand, let and, let xor):
      let (text, parts) = try self.text(operand, expected)
      return (Self.arithmetic(text, and, xor, parts.first ?? NftPart(.integer)), parts)
    case .shift(let operand, let left):
      let (text, parts) = try self.text(operand, expected)
      return ("\(text) \(left < 0 ? ">>" : "<<") \(abs(left))", parts)
    case .combine(let operation, let left, let right):
      let (first, parts) = try text(left, expected)
      return ("\(first) \(operation.rawValue) \(try text(right, parts).0)", parts)
    case .concatenation(let items):
      var texts: [String] = []
      var parts: [NftPart] = []
      for (index, item) in items.enumerated() {
        let (text, part) = try self.text(item, index < expected.count ? [expected[index]] : [])
        texts.append(text)
        parts.append(contentsOf: part)
      }
      return (texts.joined(separator: " . "), parts)
    case .map(let key, let reference):
      let (text, parts) = try self.text(key, keyTypes(reference))
      return ("\(text) map \(try self.text(reference, parts, expected))", expected)
    case .generated(let generator): return (try text(generator), [NftPart(.integer, 32)])
    }
  }

  private func isIPv6(_ expected: NftPart?, _ field: Field) -> Bool {
    guard case .conntrack = field else { return false }
    return expected.map { $0.type == .ipv6Address } ?? (family == .ip6)
  }

  private func addressed(_ part: NftPart, _ expected: NftPart?, _ field: Field) -> NftPart {
    guard case .conntrack(let conntrack) = field, conntrack.key == .saddr || conntrack.key == .daddr else {
      return part
    }
    return NftPart(isIPv6(expected, field) ? .ipv6Address : .ipv4Address)
  }

  private static func arithmetic(_ operand: String, _ and: UInt128, _ xor: UInt128, _ part: NftPart) -> String {
    let isAddress = part.type == .ipv4Address
    let all = NftPart.mask(part.bits)
    let mask = isAddress ? and & all : and
    func number(_ value: UInt128) -> String {
      if part.type.isFlags {
        let flags = NftValueText.flags(value, part.type, separator: " | ")
        return flags.contains("|") ? "(\(flags))" : flags
      }
      return isAddress ? IPAddress(bits: IPAddress.ipv4Base | value).description : NftValueText.text(value, part)
    }
    if xor == 0 { return "\(operand) & \(number(mask))" }
    if mask & all == all { return "\(operand) ^ \(number(xor))" }
    if mask | xor == all, mask & xor == 0 { return "\(operand) | \(number(xor))" }
    return "\(operand) & \(number(mask)) \(mask & xor == 0 ? "|" : "^") \(number(xor))"
  }

  private func text(_ generator: Generator) throws(NftUnprintable) -> String {
    var text = generator.name
    if !generator.inputs.isEmpty {
      var inputs: [String] = []
      for input in generator.inputs { inputs.append(try self.text(input).0) }
      text += " " + inputs.joined(separator: " . ")
    }
    for name in ["mod", "seed", "offset"] {
      if let value = generator.arguments.first(where: { $0.name == name })?.value {
        text += name == "seed" ? " seed 0x\(String(UInt64(value) ?? 0, radix: 16))" : " \(name) \(value)"
      }
    }
    return text
  }

  // MARK: - Sets

  func keyTypes(_ reference: MapReference) -> [NftPart] {
    guard case .named(let name) = reference else { return [] }
    return sets[name]?.key ?? []
  }

  /// A map by name or in place.
  func text(_ reference: MapReference, _ key: [NftPart], _ data: [NftPart]) throws(NftUnprintable) -> String {
    switch reference {
    case .named(let name): return "@" + (try NftSafety.name(name))
    case .anonymous(let elements): return "{ \(try text(elements, key, data)) }"
    case .ipset(let name): throw NftUnprintable("the ipset \(name)")
    }
  }

  func text(_ elements: [SetElement], _ key: [NftPart], _ data: [NftPart]) throws(NftUnprintable) -> String {
    var texts: [String] = []
    for element in elements { texts.append(try text(element, key, data)) }
    return texts.joined(separator: ", ")
  }

  /// An element of a set or map.
  func text(_ element: SetElement, _ key: [NftPart], _ data: [NftPart]) throws(NftUnprintable) -> String {
    guard !element.nomatch, element.member == nil else { throw NftUnprintable("an ipset's element") }
    var text =
      element.isCatchAll
      ? "*" : element.masks.isEmpty ? try values(element.key, key) : try self.text(element.masks, key)
    text += NftSetWriter.elementArguments(element.arguments)
    if let comment = element.comment { text += " comment \(NftValueText.quoted(comment))" }
    if let object = element.arguments.first(where: { $0.name == "object" }) {
      text += " : \(NftValueText.quoted(object.value))"
    }
    switch element.data {
    case .verdict(let verdict): text += " : \(try self.text(verdict))"
    case .values(let parts): text += " : \(try values(parts, data))"
    case .masked(let parts): text += " : \(try self.text(parts, data))"
    case nil: break
    }
    return text
  }

  /// The parts of a key or of data that may be masked.
  private func text(_ parts: [MaskedValue], _ types: [NftPart]) throws(NftUnprintable) -> String {
    var texts: [String] = []
    for (index, part) in parts.enumerated() {
      texts.append(
        part.isKnown ? try values([part.possible], index < types.count ? [types[index]] : []) : part.text)
    }
    return texts.joined(separator: " . ")
  }

  private func values(_ parts: [ValueSet], _ types: [NftPart]) throws(NftUnprintable) -> String {
    var texts: [String] = []
    for (index, values) in parts.enumerated() {
      guard values.intervals.count == 1, let interval = values.intervals.first else {
        throw NftUnprintable("several values in one part of an element")
      }
      texts.append(try NftValueText.text(interval, index < types.count ? types[index] : NftPart(.invalid)))
    }
    return texts.joined(separator: " . ")
  }

  // MARK: - Matches

  func text(_ match: Match) throws(NftUnprintable) -> String {
    guard !match.whenAbsent else { throw NftUnprintable("an option of a conntrack match beside its state") }
    let operation = match.negated ? " !=" : ""
    switch match.values {
    case .ipset(let name), .ipsetExceptions(let name): throw NftUnprintable("the ipset \(name)")
    case .named(let name):
      return "\(try text(match.subject, sets[name]?.key ?? []).0)\(operation) @\(try NftSafety.name(name))"
    case .elements(let elements):
      let (subject, parts) = try text(match.subject)
      return "\(subject)\(operation) { \(try text(elements, parts, [])) }"
    case .values(let values): return try text(match, values)
    case .masked(let values):
      let (subject, parts) = try text(match.subject)
      var texts: [String] = []
      for interval in values.known.intervals {
        texts += try NftValueText.texts(interval, parts.first ?? NftPart(.invalid))
      }
      texts += values.masked.map(\.text)
      return texts.count == 1
        ? "\(subject)\(operation) \(texts[0])" : "\(subject)\(operation) { \(texts.joined(separator: ", ")) }"
    }
  }

  private func text(_ match: Match, _ values: ValueSet) throws(NftUnprintable) -> String {
    guard !values.isEmpty else { throw NftUnprintable("a test that no packet passes") }
    let isIPv6 = values.intervals.allSatisfy { $0.lowerBound >> 32 != 0xffff }
    let hint: [NftPart]
    if case .field(.conntrack(let field)) = match.subject, field.key == .saddr || field.key == .daddr {
      hint = [NftPart(isIPv6 ? .ipv6Address : .ipv4Address)]
    } else {
      hint = []
    }
    var (subject, parts) = try text(match.subject, hint)
    var part = parts.first ?? NftPart(.invalid)
    if part.type == .ifname, case .field(let field) = match.subject, let index = Self.indexed(field),
      values.intervals.contains(where: { $0.lowerBound > 0 && $0.upperBound <= 0xffff_ffff })
    {
      // Indexes of interfaces that are gone, beside names.
      (subject, part) = (index.text, NftPart(.interfaceIndex))
    }
    if part.type.isFlags, let text = flagText(match, values, subject, part) { return text }
    if part.type == .boolean { return try booleanText(match, values, subject) }
    var operation = match.negated ? " !=" : ""
    var isComputed = false
    if case .field = match.subject {} else { isComputed = true }
    if isComputed, !match.negated { operation = " ==" }
    if let bound = NftValueText.bound(values, part) {
      guard !match.negated else { throw NftUnprintable("the negation of an order") }
      return "\(subject) \(bound)"
    }
    var texts: [String] = []
    for interval in values.intervals { texts += try NftValueText.texts(interval, part) }
    return texts.count == 1
      ? "\(subject)\(operation) \(texts[0])" : "\(subject)\(operation) { \(texts.joined(separator: ", ")) }"
  }

  /// The index of the interface whose name a field is.
  private static func indexed(_ field: Field) -> Field? {
    switch field {
    case .meta(.iifname): .meta(.iif)
    case .meta(.oifname): .meta(.oif)
    default: nil
    }
  }

  private func booleanText(
    _ match: Match, _ values: ValueSet, _ subject: String
  ) throws(NftUnprintable) -> String {
    guard let value = values.single, value <= 1 else { throw NftUnprintable("a truth value of several") }
    let present = (value == 1) != match.negated
    if case .field(.socket) = match.subject { return "\(subject) \(present ? 1 : 0)" }
    return "\(subject) \(present ? "exists" : "missing")"
  }

  /// Flags: a test of bits is written without an operator, equality with one.
  private func flagText(_ match: Match, _ values: ValueSet, _ subject: String, _ part: NftPart) -> String? {
    if case .field(.conntrack(let field)) = match.subject, field.key == .state {
      let bits = values.intervals.filter { $0.lowerBound == $0.upperBound }.map(\.lowerBound)
      let states = bits.filter { $0 != 0 && $0 & ($0 - 1) == 0 && NftSymbols.word(for: $0, in: .ctState) != nil }
      guard states.count == values.intervals.count else { return nil }
      let names = states.compactMap { NftSymbols.word(for: $0, in: .ctState) }
      if !match.negated { return "\(subject) \(names.joined(separator: ","))" }
      return names.count == 1 ? "\(subject) != \(names[0])" : "\(subject) != { \(names.joined(separator: ", ")) }"
    }
    if case .bitwise(let operand, let mask, 0) = match.subject, values == ValueSet(0), case .field(let field) = operand
    {
      if part.type == .ctLabel { return match.negated ? "\(field.text) \(NftValueText.text(mask, part))" : nil }
      let flags = NftValueText.flags(mask, part.type, separator: ",")
      return "\(field.text) \(match.negated ? "" : "! ")\(flags)"
    }
    if let value = values.single {
      return "\(subject) \(match.negated ? "!=" : "==") \(NftValueText.flags(value, part.type, separator: " | "))"
    }
    return nil
  }

  // MARK: - Verdicts

  func text(_ verdict: Verdict) throws(NftUnprintable) -> String {
    switch verdict {
    case .accept: return "accept"
    case .drop: return "drop"
    case .return: return "return"
    case .continue: return "continue"
    case .jump(let chain): return "jump \(try NftSafety.name(chain))"
    case .goto(let chain): return "goto \(try NftSafety.name(chain))"
    case .reject(let rejection): return text(rejection)
    case .queue(let target):
      var text = "queue num \(target.numbers.lowerBound)"
      if target.numbers.count > 1 { text += "-\(target.numbers.upperBound)" }
      let flags = (target.bypass ? ["bypass"] : []) + (target.fanout ? ["fanout"] : [])
      return flags.isEmpty ? text : text + " " + flags.joined(separator: ",")
    case .forwardTo(let device): return "fwd to \(NftValueText.quoted(device))"
    case .synproxy(let arguments): return "synproxy" + Self.synproxy(arguments)
    }
  }

  static func synproxy(_ arguments: [Argument]) -> String {
    arguments.map { argument in
      switch argument.name {
      case "name": " name \(NftValueText.quoted(argument.value))"
      case "flags": " \(argument.value)"
      default: " \(argument.name) \(argument.value)"
      }
    }.joined()
  }

  private func text(_ rejection: Rejection) -> String {
    func code(_ code: UInt8, _ type: NftType) -> String {
      NftSymbols.word(for: UInt128(code), in: type) ?? String(code)
    }
    switch rejection {
    case .tcpReset: return "reject with tcp reset"
    case .icmp(3) where family == .ip, .icmpv6(4) where family == .ip6, .icmpx(1) where family != .ip && family != .ip6:
      return "reject"
    case .icmp(let value): return "reject with icmp \(code(value, .icmpCode))"
    case .icmpv6(let value): return "reject with icmpv6 \(code(value, .icmpv6Code))"
    case .icmpx(let value): return "reject with icmpx \(code(value, .icmpxCode))"
    }
  }
}

extension NftRuleWriter {
  /// The types of a map's data.
  func dataTypes(_ set: String) -> [NftPart] { sets[set]?.data ?? [] }
}

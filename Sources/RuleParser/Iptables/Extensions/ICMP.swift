import RuleGraph

/// `-m icmp` and `-m icmp6`: type and code (iptables-extensions(8), "icmp" and "icmp6").
struct ICMPMatch: IptablesExtension {
  /// The family whose ICMP is meant.
  let family: AddressFamily
  let kind = ExtensionKind.match
  var names: [String] { family == .ipv4 ? ["icmp"] : ["icmp6", "icmpv6", "ipv6-icmp"] }
  var listingWords: [String] { family == .ipv4 ? ["icmptype", "icmp"] : ["ipv6-icmptype", "ipv6-icmp"] }
  var options: [OptionSpelling] {
    [
      family == .ipv4
        ? OptionSpelling("icmp-type") : OptionSpelling("icmpv6-type", aliases: ["icmp6-type"])
    ]
  }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eatValue() != nil else { return false }
    var option = ExtensionOption(name: options[0].name, negated: text.eatNegation())
    // `icmp !type 8` is the negated form of older versions, and some print `icmp type 8`.
    _ = text.eat(word: "type")
    guard let type = text.eatValue() else { return false }
    option.value = type
    if text.eat(word: "code") || text.eat(word: "codes") {
      if text.eatNegation() { option.negated = true }
      guard let code = text.eatValue() else { return false }
      option.second = code
    }
    found.append(option)
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let (type, codes) = read(option, rule) else { return false }
      // Type 255 stands for every type in IPv4 (`icmp_type_code_match` in `net/ipv4/netfilter/ip_tables.c`).
      if family == .ipv4, type == 255 {
        if option.negated { rule.match(typeField, .bits(8), negated: true) }
        continue
      }
      if codes == 0...255 {
        rule.match(typeField, ValueSet(type), negated: option.negated)
      } else if !option.negated {
        rule.match(typeField, ValueSet(type))
        rule.match(codeField, ValueSet(codes))
      } else {
        // The negation of "this type and this code" is a test of both together.
        rule.statements.append(
          .match(
            Match(
              .concatenation([.field(typeField), .field(codeField)]),
              .elements([SetElement([ValueSet(type), ValueSet(codes)])]), negated: true)))
      }
    }
    return true
  }

  private var typeField: Field { .header(HeaderField(family == .ipv4 ? .icmp : .icmpv6, .type)) }
  private var codeField: Field { .header(HeaderField(family == .ipv4 ? .icmp : .icmpv6, .code)) }

  /// `8`, `3/1`, `echo-request`, or type and code of a listing.
  private func read(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> (
    type: UInt8, codes: ClosedRange<UInt128>
  )? {
    var type = option.value
    var code = option.second.isEmpty ? nil : option.second
    if let slash = rule.position(of: UInt8(ascii: "/"), in: type) {
      code = slash + 1..<type.upperBound
      type = type.lowerBound..<slash
    }
    guard let number = rule.number(type) else {
      guard let known = ICMPNames.find(rule.text(option.value), family) else { return nil }
      return (known.type, known.code.map { UInt128($0)...UInt128($0) } ?? 0...255)
    }
    guard let type = UInt8(exactly: number) else { return nil }
    guard let code else { return (type, 0...255) }
    guard let codes = rule.interval(code, upTo: 255) else { return nil }
    return (type, codes)
  }
}

extension ICMPMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    let module = names[0]
    let name = options[0].name.text
    if case .match(let match) = statements.first, match.negated, !match.whenAbsent,
      match.subject == .concatenation([.field(typeField), .field(codeField)]),
      case .elements(let elements) = match.values,
      elements.count == 1, elements[0].key.count == 2, let type = elements[0].key[0].single,
      let code = elements[0].key[1].single
    {
      return SpelledStatement(module: module, options: "! --\(name) \(type)/\(code)", names: [name])
    }
    guard let test = PlainTest(statements.first), test.field == typeField, test.mask == nil, !test.whenAbsent else {
      return nil
    }
    if family == .ipv4, test.negated, test.values == .bits(8) {
      return SpelledStatement(module: module, options: "! --\(name) any", names: [name])
    }
    guard let type = test.values.single else { return nil }
    if !test.negated, let next = PlainTest(statements.dropFirst().first), next.field == codeField, next.mask == nil,
      !next.negated, !next.whenAbsent, let code = next.values.single
    {
      return SpelledStatement(module: module, options: "--\(name) \(type)/\(code)", names: [name], count: 2)
    }
    return test.spelled(module, name, "\(type)")
  }
}

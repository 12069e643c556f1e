import RuleGraph

/// `-j TOS`: sets bits of the type-of-service byte (iptables-extensions(8), "TOS"): `tos = (tos & ~mask) ^ value`.
struct ServiceTypeTarget: IptablesExtension {
  let names = ["TOS"]
  let kind = ExtensionKind.target
  let listingWords = ["TOS"]
  let options = [
    OptionSpelling("set-tos"), OptionSpelling("and-tos"), OptionSpelling("or-tos"), OptionSpelling("xor-tos"),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "TOS") else { return false }
    return text.eat(named: "set", as: "set-tos", &found) || text.eat(named: "and", as: "and-tos", &found)
      || text.eat(named: "or", as: "or-tos", &found) || text.eat(named: "xor", as: "xor-tos", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let field = Field.header(HeaderField(rule.network, .tos))
    for option in options {
      guard let (value, mask) = ServiceType.masked(option.value, rule) else { return false }
      let keep: UInt128
      var flip = value
      switch option.name {
      case "and-tos":
        keep = value
        flip = 0
      case "or-tos": keep = 0xff & ~value
      case "xor-tos": keep = 0xff
      default: keep = 0xff & ~mask
      }
      rule.statements.append(.assign(Assignment(field, MarkArithmetic.value(field, keep, flip))))
    }
    return true
  }
}

/// `-j DSCP`: sets the differentiated services code point (iptables-extensions(8), "DSCP").
struct CodePointTarget: IptablesExtension {
  let names = ["DSCP"]
  let kind = ExtensionKind.target
  let listingWords = ["DSCP"]
  let options = [OptionSpelling("set-dscp"), OptionSpelling("set-dscp-class")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "DSCP") && text.eat(named: "set", as: "set-dscp", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let value = ServiceType.codePoint(option.value, rule) else { return false }
      rule.statements.append(.assign(Assignment(.header(HeaderField(rule.network, .dscp)), .constant(value))))
    }
    return true
  }
}

/// `-j TTL` and `-j HL`: sets, raises or lowers the number of hops that are left (iptables-extensions(8), "TTL" and
/// "HL").
struct HopsTarget: IptablesExtension {
  /// The family: TTL is IPv4's, HL IPv6's.
  let family: AddressFamily
  let kind = ExtensionKind.target
  var names: [String] { [family == .ipv4 ? "TTL" : "HL"] }
  var listingWords: [String] { names }
  var options: [OptionSpelling] { ["set", "inc", "dec"].map { OptionSpelling("\(word)-\($0)") } }
  private var word: String { family == .ipv4 ? "ttl" : "hl" }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eatValue() != nil else { return false }
    if text.eat(word: "set") { return text.eat(named: "to", as: "\(word)-set", &found) }
    if text.eat(word: "increment") { return text.eat(named: "by", as: "\(word)-inc", &found) }
    return text.eat(word: "decrement") && text.eat(named: "by", as: "\(word)-dec", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let field = Field.header(family == .ipv4 ? HeaderField(.ip, .ttl) : HeaderField(.ip6, .hoplimit))
    for option in options {
      guard let number = rule.number(option.value), number <= 255 else { return false }
      let value: ValueExpression =
        option.name.hasSuffix("-set")
        ? .constant(UInt128(number))
        : .generated(
          Generator(
            name: option.name.hasSuffix("-inc") ? "add" : "subtract", values: .bits(8),
            arguments: [Argument("number", String(number))], inputs: [.field(field)]))
      rule.statements.append(.assign(Assignment(field, value)))
    }
    return true
  }
}

/// `-j CLASSIFY`: sets the class for traffic control (iptables-extensions(8), "CLASSIFY").
struct ClassifyTarget: IptablesExtension {
  let names = ["CLASSIFY"]
  let kind = ExtensionKind.target
  let listingWords = ["CLASSIFY"]
  let options = [OptionSpelling("set-class")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eat(word: "CLASSIFY") && text.eat(named: "set", as: "set-class", &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      // Two hexadecimal numbers without 0x.
      let parts = rule.text(option.value).split(separator: ":")
      guard parts.count == 2, let major = UInt16(parts[0], radix: 16), let minor = UInt16(parts[1], radix: 16) else {
        return false
      }
      rule.statements.append(
        .assign(Assignment(.meta(.priority), .constant(UInt128(major) << 16 | UInt128(minor)))))
    }
    return true
  }
}

/// `-j HMARK`: makes a mark from a hash of the packet (iptables-extensions(8), "HMARK").
struct HashMarkTarget: IptablesExtension {
  let names = ["HMARK"]
  let kind = ExtensionKind.target
  let listingWords = ["HMARK"]
  let options =
    ["src-prefix", "dst-prefix", "sport-mask", "dport-mask", "sport", "dport", "spi-mask", "spi", "proto-mask", "rnd"]
    .map(
      Self.option) + ["mod", "offset", "tuple"].map(Self.option)

  private static func option(_ name: String) -> OptionSpelling { OptionSpelling("hmark-\(name)") }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "HMARK") else { return false }
    while true {
      if text.eat(named: "mod", as: "hmark-mod", &found) || text.eat(named: "+", as: "hmark-offset", &found) {
        continue
      }
      let start = text.cursor.at
      guard let word = text.eatValue() else { return true }
      // `ct, src-prefix 1 ...`: the tuple stands before the rest, of which the whole is separated by a comma.
      if text.cursor.range(word, equals: "ct,") || text.cursor.range(word, equals: "ct") {
        found.append(ExtensionOption(name: "hmark-tuple", value: word.lowerBound..<word.lowerBound + 2))
        continue
      }
      guard
        let spelling = options.first(where: { $0.name.bytes.dropFirst(6).elementsEqual(text.cursor.bytes[word]) }),
        let value = text.eatValue()
      else {
        text.cursor.at = start
        return false
      }
      found.append(ExtensionOption(name: spelling.name, value: value))
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    var offset: UInt64 = 0
    var modulus: UInt64 = 0x1_0000_0000
    var arguments: [Argument] = []
    for spelling in self.options {
      for option in options where option.name == spelling.name {
        // Both forms print the same numbers with different numbers of zeros.
        let number = rule.number(option.value)
        arguments.append(Argument(option.name.text, number.map { String($0) } ?? rule.text(option.value)))
        if option.name == "hmark-mod" { modulus = number ?? modulus }
        if option.name == "hmark-offset" { offset = number ?? 0 }
      }
    }
    guard modulus > 0, modulus <= 0x1_0000_0000, offset <= 0xffff_ffff else { return false }
    let last = min(UInt128(offset) + UInt128(modulus) - 1, 0xffff_ffff)
    rule.statements.append(
      .assign(
        Assignment(
          .meta(.mark),
          .generated(Generator(name: "hmark", values: ValueSet(UInt128(offset)...last), arguments: arguments)))))
    return true
  }
}

/// `-j SNPT` and `-j DNPT`: another IPv6 prefix without connection tracking (ip6tables-extensions, "SNPT"; RFC 6296).
struct PrefixTranslationTarget: IptablesExtension {
  /// Whether the source (else the destination) changes.
  let ofSource: Bool
  let kind = ExtensionKind.target
  var names: [String] { [ofSource ? "SNPT" : "DNPT"] }
  var listingWords: [String] { names }
  let options = [OptionSpelling("src-pfx"), OptionSpelling("dst-pfx")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    text.eatValue() != nil && text.eatOptions(options, &found)
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    guard let old = options.first(where: { $0.name == "src-pfx" }),
      let new = options.first(where: { $0.name == "dst-pfx" }),
      let (address, mask) = rule.network(new.value), let length = Prefix.length(ofMask: IPAddress(bits: mask)),
      rule.network(old.value) != nil
    else { return false }
    rule.statements.append(
      .translate(
        Translation(
          .npt, address: .constant(address.bits), ofSource: ofSource, prefixLength: length,
          arguments: [Argument("src-pfx", rule.text(old.value))])))
    return true
  }
}

extension ServiceTypeTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first, case .header(let field) = assignment.field,
      field.name == .tos,
      let words = MarkArithmetic.spell(assignment, width: 8)
    else { return nil }
    return SpelledStatement(module: "TOS", options: "--set-tos \(words)", isTarget: true)
  }
}

extension CodePointTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first, case .header(let field) = assignment.field,
      field.name == .dscp,
      case .constant(let value) = assignment.value
    else { return nil }
    return SpelledStatement(module: "DSCP", options: "--set-dscp 0x\(String(value, radix: 16))", isTarget: true)
  }
}

extension HopsTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first,
      assignment.field == .header(family == .ipv4 ? HeaderField(.ip, .ttl) : HeaderField(.ip6, .hoplimit))
    else { return nil }
    switch assignment.value {
    case .constant(let value):
      return SpelledStatement(module: names[0], options: "--\(options[0].name) \(value)", isTarget: true)
    case .generated(let generator):
      guard generator.name == "add" || generator.name == "subtract", let number = generator.arguments.first?.value
      else {
        return nil
      }
      let name = options[generator.name == "add" ? 1 : 2].name
      return SpelledStatement(module: names[0], options: "--\(name) \(number)", isTarget: true)
    default: return nil
    }
  }
}

extension ClassifyTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first, assignment.field == .meta(.priority),
      case .constant(let value) = assignment.value
    else { return nil }
    let words = "\(String(value >> 16 & 0xffff, radix: 16)):\(String(value & 0xffff, radix: 16))"
    return SpelledStatement(module: "CLASSIFY", options: "--set-class \(words)", isTarget: true)
  }
}

extension HashMarkTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .assign(let assignment) = statements.first, case .generated(let generator) = assignment.value,
      generator.name == "hmark"
    else { return nil }
    return SpelledStatement(
      module: "HMARK", options: OptionArguments.spell(generator.arguments, negated: []), isTarget: true)
  }
}

extension PrefixTranslationTarget {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard case .translate(let found) = statements.first, found.kind == .npt, found.ofSource == ofSource,
      let length = found.prefixLength, case .constant(let bits) = found.address,
      let old = found.arguments.first(where: { $0.name == "src-pfx" })?.value
    else { return nil }
    return SpelledStatement(
      module: names[0], options: "--src-pfx \(old) --dst-pfx \(IPAddress(bits: bits))/\(length)", isTarget: true)
  }
}

import RuleGraph

/// `-m addrtype`: what the routing tables say an address is (iptables-extensions(8), "addrtype").
struct AddressTypeMatch: IptablesExtension {
  let names = ["addrtype"]
  let kind = ExtensionKind.match
  let listingWords = ["ADDRTYPE"]
  let options = [
    OptionSpelling("src-type"), OptionSpelling("dst-type"), OptionSpelling("limit-iface-in", values: .none),
    OptionSpelling("limit-iface-out", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "ADDRTYPE"), text.eat(word: "match") else { return false }
    while true {
      var option: ExtensionOption
      // The older revision printed no blank behind `dst-type`.
      if text.eat(prefix: "src-type") {
        option = ExtensionOption(name: "src-type")
      } else if text.eat(prefix: "dst-type") {
        option = ExtensionOption(name: "dst-type")
      } else if text.eat(word: "limit-in") {
        found.append(ExtensionOption(name: "limit-iface-in"))
        continue
      } else if text.eat(word: "limit-out") {
        found.append(ExtensionOption(name: "limit-iface-out"))
        continue
      } else {
        return !found.isEmpty
      }
      option.negated = text.eatNegation()
      guard let value = text.eatValue() else { return false }
      option.value = value
      found.append(option)
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let limitIn = options.contains { $0.name == "limit-iface-in" }
    let limitOut = options.contains { $0.name == "limit-iface-out" }
    for option in options where option.name.hasSuffix("-type") {
      var types: [ClosedRange<UInt128>] = []
      for part in rule.list(option.value) {
        guard let type = Self.type(rule.text(part)) else { return false }
        types.append(UInt128(type.rawValue)...UInt128(type.rawValue))
      }
      if rule.family == .ipv6, !limitIn, !limitOut, let match = Self.matchIPv6(ValueSet(types), option) {
        if match.values.isEmpty { return false }
        rule.match(match.field, match.values, negated: option.negated)
        continue
      }
      let field = FibField(
        .type, ofDestination: option.name == "dst-type", withInputInterface: limitIn, withOutputInterface: limitOut)
      rule.match(.fib(field), ValueSet(types), negated: option.negated)
    }
    return true
  }

  /// For IPv6 the kernel asks no table for `UNICAST` and `MULTICAST`, but the address itself, so that an own address is
  /// unicast, too; and several types must all hold (`match_type6` in `net/netfilter/xt_addrtype.c`). Nil where the type
  /// is one for the tables; no values where the combination can't be expressed.
  private static func matchIPv6(_ types: ValueSet, _ option: ExtensionOption) -> (field: Field, values: ValueSet)? {
    func has(_ type: AddressType) -> Bool { types.contains(UInt128(type.rawValue)) }
    let isDestination = option.name == "dst-type"
    let address = Field.header(HeaderField(.ip6, isDestination ? .daddr : .saddr))
    let groups = Prefix("ff00::/8")?.values ?? .empty
    if types == ValueSet(AddressType.unicast.rawValue) {
      return (address, AddressFamily.ipv6.allAddresses.subtracting(groups).subtracting(ValueSet(0)))
    }
    if types == ValueSet(AddressType.multicast.rawValue) { return (address, groups) }
    let asked = types.subtracting(ValueSet(AddressType.unicast.rawValue))
    if has(.multicast) || (has(.unicast) && has(.unreachable)) { return (address, .empty) }
    guard has(.unicast) else { return nil }
    // Own and anycast addresses are unicast ones.
    return (.fib(FibField(.type, ofDestination: isDestination)), asked)
  }

  static func type(_ name: String) -> AddressType? {
    let lower = name.lowercased()
    return AddressType.allCases.first { $0.name == lower }
  }
}

extension AddressTypeMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), case .fib(let field) = test.field, field.result == .type,
      !field.withMark,
      !test.whenAbsent, test.mask == nil
    else { return nil }
    let types = AddressType.allCases.filter { test.values.contains(UInt128($0.rawValue)) }.map { $0.name.uppercased() }
    guard !types.isEmpty else { return nil }
    var words = "\(test.sign)--\(field.ofDestination ? "dst" : "src")-type \(types.joined(separator: ","))"
    if field.withInputInterface { words += " --limit-iface-in" }
    if field.withOutputInterface { words += " --limit-iface-out" }
    return SpelledStatement(module: "addrtype", options: words, names: ["*"])
  }
}

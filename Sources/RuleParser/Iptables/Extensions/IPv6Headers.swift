import RuleGraph

/// `-m frag`: the fragment header (ip6tables-extensions, "frag"; RFC 8200 4.5).
struct FragmentHeaderMatch: IptablesExtension {
  let names = ["frag"]
  let kind = ExtensionKind.match
  let listingWords = ["frag"]
  let options = [
    OptionSpelling("fragid"), OptionSpelling("fraglen"), OptionSpelling("fragres", values: .none),
    OptionSpelling("fragfirst", values: .none), OptionSpelling("fragmore", values: .none),
    OptionSpelling("fraglast", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "frag") else { return false }
    while text.eat(label: "id:", as: "fragid", &found) || text.eat(label: "ids:", as: "fragid", &found)
      || text.eat(label: "length:", as: "fraglen", &found) || text.eat(flag: "reserved", as: "fragres", &found)
      || text.eat(flag: "first", as: "fragfirst", &found) || text.eat(flag: "more", as: "fragmore", &found)
      || text.eat(flag: "last", as: "fraglast", &found)
    {}
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    func field(_ name: String?) -> Field { .option(OptionField(.ip6, "frag", name)) }
    if options.isEmpty { rule.match(field(nil), ValueSet(1)) }
    for option in options {
      switch option.name {
      case "fragid":
        guard let values = rule.interval(option.value, upTo: 0xffff_ffff) else { return false }
        if values == 0...0xffff_ffff, !option.negated {
          rule.match(field(nil), ValueSet(1))
        } else {
          rule.match(field("id"), ValueSet(values), negated: option.negated)
        }
      case "fraglen":
        guard let value = rule.number(option.value), value <= 0xffff_ffff else { return false }
        rule.match(field("length"), ValueSet(value), negated: option.negated)
      case "fragres":
        rule.match(field("reserved"), ValueSet(0))
        rule.match(field("reserved2"), ValueSet(0))
      case "fragfirst": rule.match(field("frag-off"), ValueSet(0))
      case "fragmore": rule.match(field("more-fragments"), ValueSet(1))
      default: rule.match(field("more-fragments"), ValueSet(0))
      }
    }
    return true
  }
}

/// `-m hbh` and `-m dst`: hop-by-hop and destination options (ip6tables-extensions; RFC 8200 4.3 and 4.6).
struct OptionsHeaderMatch: IptablesExtension {
  /// `hbh` or `dst`.
  let name: String
  let kind = ExtensionKind.match
  var names: [String] { [name] }
  var listingWords: [String] { [name] }
  var options: [OptionSpelling] { [OptionSpelling("\(name)-len"), OptionSpelling("\(name)-opts")] }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eatValue() != nil else { return false }
    while text.eat(label: "length:", as: "\(name)-len", &found) || text.eat(named: "opts", as: "\(name)-opts", &found) {
    }
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    if options.isEmpty { rule.match(.option(OptionField(.ip6, name)), ValueSet(1)) }
    for option in options {
      if option.name.hasSuffix("-len") {
        guard let value = rule.number(option.value), value <= 0xffff_ffff else { return false }
        rule.match(.option(OptionField(.ip6, name, "length")), ValueSet(value), negated: option.negated)
      } else {
        rule.match(.option(OptionField(.ip6, name)), ValueSet(1))
        rule.statements.append(
          .environment(EnvironmentCondition(.ipv6header, [Argument(option.name.text, rule.text(option.value))])))
      }
    }
    return true
  }
}

/// `-m rt`: the routing header (ip6tables-extensions, "rt"; RFC 8200 4.4).
struct RoutingHeaderMatch: IptablesExtension {
  let names = ["rt"]
  let kind = ExtensionKind.match
  let listingWords = ["rt"]
  let options = [
    OptionSpelling("rt-type"), OptionSpelling("rt-segsleft"), OptionSpelling("rt-len"),
    OptionSpelling("rt-0-res", values: .none), OptionSpelling("rt-0-addrs"),
    OptionSpelling("rt-0-not-strict", values: .none),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "rt") else { return false }
    while text.eat(label: "type:", as: "rt-type", &found) || text.eat(label: "segsleft:", as: "rt-segsleft", &found)
      || text.eat(label: "segslefts:", as: "rt-segsleft", &found) || text.eat(label: "length:", as: "rt-len", &found)
      || text.eat(flag: "reserved", as: "rt-0-res", &found) || text.eat(named: "0-addrs", as: "rt-0-addrs", &found)
      || text.eat(flag: "0-not-strict", as: "rt-0-not-strict", &found)
    {}
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    func field(_ name: String?) -> Field { .option(OptionField(.ip6, "rt", name)) }
    if options.isEmpty { rule.match(field(nil), ValueSet(1)) }
    var arguments: [Argument] = []
    for option in options {
      switch option.name {
      case "rt-type", "rt-segsleft", "rt-len":
        guard let values = rule.interval(option.value, upTo: 0xffff_ffff) else { return false }
        let name = option.name == "rt-type" ? "type" : option.name == "rt-len" ? "length" : "seg-left"
        rule.match(field(name), ValueSet(values), negated: option.negated)
      case "rt-0-res": rule.match(field("reserved"), ValueSet(0))
      default: arguments.append(Argument(option.name.text, rule.text(option.value)))
      }
    }
    // The addresses on the way are no field.
    if !arguments.isEmpty { rule.statements.append(.environment(EnvironmentCondition(.ipv6header, arguments))) }
    return true
  }
}

/// `-m srh`: the segment routing header (ip6tables-extensions, "srh"; RFC 8754).
struct SegmentRoutingMatch: IptablesExtension {
  let names = ["srh"]
  let kind = ExtensionKind.match
  let listingWords = ["srh"]
  let options =
    ["next-hdr", "hdr-len-eq", "hdr-len-gt", "hdr-len-lt", "segs-left-eq", "segs-left-gt", "segs-left-lt"].map(
      Self.option)
    + ["last-entry-eq", "last-entry-gt", "last-entry-lt", "tag", "psid", "nsid", "lsid"].map(Self.option)

  private static func option(_ name: String) -> OptionSpelling { OptionSpelling("srh-\(name)") }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "srh") else { return false }
    while true {
      if text.eat(named: "psid", as: "srh-psid", &found) || text.eat(named: "nsid", as: "srh-nsid", &found)
        || text.eat(named: "lsid", as: "srh-lsid", &found)
      {
        continue
      }
      let start = text.cursor.at
      guard let word = text.eatValue(), let colon = text.cursor.bytes[word].firstIndex(of: UInt8(ascii: ":")),
        let spelling = options.first(where: {
          $0.name.bytes.dropFirst(4).elementsEqual(text.cursor.bytes[word.lowerBound..<colon])
        })
      else {
        text.cursor.at = start
        return true
      }
      var value = colon + 1..<word.upperBound
      var negated = false
      if let first = value.first, text.cursor.bytes[first] == UInt8(ascii: "!") {
        negated = true
        value = value.dropFirst()
      }
      found.append(ExtensionOption(name: spelling.name, negated: negated, value: value))
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    func field(_ name: String?) -> Field { .option(OptionField(.ip6, "srh", name)) }
    if options.isEmpty { rule.match(field(nil), ValueSet(1)) }
    for option in options {
      let name: String
      switch option.name.text.dropFirst(4).prefix(4) {
      case "next": name = "nexthdr"
      case "hdr-": name = "hdrlength"
      case "segs": name = "seg-left"
      case "last": name = "last-entry"
      case "tag": name = "tag"
      default:
        rule.statements.append(
          .environment(
            EnvironmentCondition(
              .ipv6header, [Argument(option.name.text, rule.text(option.value))], negated: option.negated)))
        continue
      }
      let width = name == "tag" ? 16 : 8
      guard let number = rule.number(option.value) ?? rule.transport(option.value).map({ UInt64($0) }),
        number < 1 << UInt64(width), let values = Comparison.values(option.name.text, UInt128(number), width: width)
      else { return false }
      rule.match(field(name), values, negated: option.negated)
    }
    return true
  }
}

/// `-m mh`: the mobility header's type (ip6tables-extensions, "mh"; RFC 6275 6.1).
struct MobilityHeaderMatch: IptablesExtension {
  let names = ["mh"]
  let kind = ExtensionKind.match
  let listingWords = ["mh"]
  let options = [OptionSpelling("mh-type")]

  private static let types: [[String]] = [
    ["binding-refresh-request", "brr"], ["home-test-init", "hoti"], ["careof-test-init", "coti"], ["home-test", "hot"],
    ["careof-test", "cot"], ["binding-update", "bu"], ["binding-acknowledgement", "ba"], ["binding-error", "be"],
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "mh") else { return false }
    let start = text.cursor.at
    let negated = text.eatNegation()
    if let value = text.eatValue(), Self.interval(text.cursor.text(value)) != nil {
      found.append(ExtensionOption(name: "mh-type", negated: negated, value: value))
    } else {
      text.cursor.at = start
    }
    return true
  }

  private static func type(_ text: Substring) -> UInt128? {
    UInt8(text).map { UInt128($0) } ?? types.firstIndex { $0.contains(String(text)) }.map { UInt128($0) }
  }

  private static func interval(_ text: String) -> ClosedRange<UInt128>? {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last else { return nil }
    let low = first.isEmpty && parts.count == 2 ? 0 : type(first)
    let high = last.isEmpty && parts.count == 2 ? 255 : type(last)
    guard let low, let high, low <= high else { return nil }
    return low...high
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    for option in options {
      guard let types = Self.interval(rule.text(option.value)) else { return false }
      if types == 0...255, !option.negated { continue }
      rule.match(.option(OptionField(.ip6, "mh", "type")), ValueSet(types), negated: option.negated)
    }
    return true
  }
}

/// `-m ipv6header`: which extension headers the packet has (ip6tables-extensions, "ipv6header").
struct HeaderListMatch: EnvironmentMatch {
  let names = ["ipv6header"]
  let condition = EnvironmentCondition.Kind.ipv6header
  let listingWords = ["ipv6header"]
  let options = [OptionSpelling("header"), OptionSpelling("soft", values: .none)]

  private static let headers: [(names: [String], bit: UInt64)] = [
    (["hop-by-hop", "hop", "hopopt"], 0x80), (["ipv6-opts", "dst"], 0x40), (["ipv6-route", "route"], 0x20),
    (["ipv6-frag", "frag"], 0x10), (["ah", "auth", "ipv6-auth"], 0x08), (["esp", "ipv6-crypt"], 0x04),
    (["ipv6-nonxt", "none"], 0x02), (["protocol", "proto", "prot"], 0x01),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "ipv6header") else { return false }
    guard text.eat(label: "flags:", as: "header", &found) else { return false }
    _ = text.eat(flag: "soft", as: "soft", &found)
    return true
  }

  func value(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> String? {
    var bits: UInt64 = 0
    if let number = rule.number(option.value) {
      bits = number
    } else {
      for part in rule.list(option.value) {
        let name = rule.text(part)
        guard let header = Self.headers.first(where: { $0.names.contains(name) }) else { return nil }
        bits |= header.bit
      }
    }
    return Self.headers.filter { bits & $0.bit != 0 }.map { $0.names[0] }.joined(separator: ",")
  }
}

/// `-m eui64`: whether the address was made from the Ethernet address (ip6tables-extensions, "eui64"). The listing
/// prints nothing.
struct InterfaceIdentifierMatch: EnvironmentMatch {
  let names = ["eui64"]
  let condition = EnvironmentCondition.Kind.eui64
  let listingWords: [String] = []
  let options: [OptionSpelling] = []

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool { false }
}

extension FragmentHeaderMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), case .option(let option) = test.field, option.kind == .ip6,
      option.option == "frag", test.mask == nil, let values = test.interval
    else { return nil }
    func flag(_ name: String, count: Int = 1) -> SpelledStatement? {
      test.negated || test.whenAbsent
        ? nil : SpelledStatement(module: "frag", options: "--\(name)", names: [name], count: count)
    }
    switch option.name {
    case nil:
      return test.values == ValueSet(1) && !test.negated
        ? SpelledStatement(module: "frag", options: "", names: ["*"]) : nil
    case "id": return test.spelled("frag", "fragid", PlainTest.text(values))
    case "length": return test.spelled("frag", "fraglen", PlainTest.text(values))
    case "reserved":
      guard let next = PlainTest(statements.dropFirst().first), next.values == ValueSet(0), test.values == next.values,
        next.field == .option(OptionField(.ip6, "frag", "reserved2"))
      else { return nil }
      return flag("fragres", count: 2)
    case "frag-off": return test.values == ValueSet(0) ? flag("fragfirst") : nil
    case "more-fragments":
      return test.values == ValueSet(1) ? flag("fragmore") : test.values == ValueSet(0) ? flag("fraglast") : nil
    default: return nil
    }
  }
}

extension OptionsHeaderMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), case .option(let option) = test.field, option.kind == .ip6,
      option.option == name, test.mask == nil, let value = test.values.single
    else { return nil }
    if option.name == "length" { return test.spelled(name, "\(name)-len", "\(value)") }
    guard option.name == nil, value == 1, !test.negated else { return nil }
    if case .environment(let found) = statements.dropFirst().first, found.kind == .ipv6header,
      let argument = found.arguments.first, argument.name == "\(name)-opts"
    {
      return SpelledStatement(
        module: name, options: "--\(argument.name) \(argument.value)", names: [argument.name], count: 2)
    }
    return SpelledStatement(module: name, options: "", names: ["*"])
  }
}

extension RoutingHeaderMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .environment(let found) = statements.first, found.kind == .ipv6header,
      found.arguments.allSatisfy({ $0.name.hasPrefix("rt-") })
    {
      return SpelledStatement(
        module: "rt", options: OptionArguments.spell(found.arguments, negated: []), names: found.arguments.map(\.name))
    }
    guard let test = PlainTest(statements.first), case .option(let option) = test.field, option.kind == .ip6,
      option.option == "rt", test.mask == nil, let values = test.interval
    else { return nil }
    switch option.name {
    case nil:
      return test.values == ValueSet(1) && !test.negated
        ? SpelledStatement(module: "rt", options: "", names: ["*"]) : nil
    case "type": return test.spelled("rt", "rt-type", PlainTest.text(values))
    case "length": return test.spelled("rt", "rt-len", PlainTest.text(values))
    case "seg-left": return test.spelled("rt", "rt-segsleft", PlainTest.text(values))
    case "reserved":
      return test.negated ? nil : SpelledStatement(module: "rt", options: "--rt-0-res", names: ["rt-0-res"])
    default: return nil
    }
  }
}

extension SegmentRoutingMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    if case .environment(let found) = statements.first, found.kind == .ipv6header, let argument = found.arguments.first,
      argument.name.hasPrefix("srh-")
    {
      return SpelledStatement(
        module: "srh", options: "\(found.negated ? "! " : "")--\(argument.name) \(argument.value)",
        names: [argument.name])
    }
    guard let test = PlainTest(statements.first), case .option(let option) = test.field, option.kind == .ip6,
      option.option == "srh", test.mask == nil
    else { return nil }
    func compared(_ name: String) -> SpelledStatement? {
      Comparison.spell(test.values, name, width: 8).flatMap { test.spelled("srh", $0.name, "\($0.number)") }
    }
    switch option.name {
    case nil:
      return test.values == ValueSet(1) && !test.negated
        ? SpelledStatement(module: "srh", options: "", names: ["*"]) : nil
    case "nexthdr": return test.values.single.flatMap { test.spelled("srh", "srh-next-hdr", "\($0)") }
    case "tag": return test.values.single.flatMap { test.spelled("srh", "srh-tag", "\($0)") }
    case "hdrlength": return compared("srh-hdr-len")
    case "seg-left": return compared("srh-segs-left")
    case "last-entry": return compared("srh-last-entry")
    default: return nil
    }
  }
}

extension MobilityHeaderMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), test.field == .option(OptionField(.ip6, "mh", "type")),
      test.mask == nil,
      let types = test.interval
    else { return nil }
    return test.spelled("mh", "mh-type", PlainTest.text(types))
  }
}

import RuleGraph

/// `-m conntrack`: state, addresses, ports and more of the packet's connection (iptables-extensions(8), "conntrack").
///
/// Without a connection every option but `--ctstate` fails, negated or not; where `--ctstate` stands beside them and
/// holds, they are not asked (`conntrack_mt` in `net/netfilter/xt_conntrack.c`).
struct ConntrackMatch: IptablesExtension {
  let names = ["conntrack"]
  let kind = ExtensionKind.match
  let options = [
    OptionSpelling("ctstate"), OptionSpelling("ctproto"), OptionSpelling("ctorigsrc"), OptionSpelling("ctorigdst"),
    OptionSpelling("ctreplsrc"), OptionSpelling("ctrepldst"), OptionSpelling("ctorigsrcport"),
    OptionSpelling("ctorigdstport"), OptionSpelling("ctreplsrcport"), OptionSpelling("ctrepldstport"),
    OptionSpelling("ctstatus"), OptionSpelling("ctexpire"), OptionSpelling("ctdir"),
  ]
  var listingWords: [String] { options.map(\.name.text) }

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    // One match prints its options in their order; a second match of the same kind begins with one that does not come
    // later.
    var last: Int?
    while true {
      let start = text.cursor.at
      let negated = text.eatNegation()
      guard let word = text.eatValue(), let index = options.firstIndex(where: { text.text(word, is: $0.name) }),
        last.map({ index > $0 }) ?? true, let value = text.eatValue()
      else {
        text.cursor.at = start
        return !found.isEmpty
      }
      found.append(ExtensionOption(name: options[index].name, negated: negated, value: value))
      last = index
    }
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let hasState = options.contains { $0.name == "ctstate" }
    for option in options {
      switch option.name {
      case "ctstate":
        guard StateMatch.lower(option, into: &rule) else { return false }
      case "ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst":
        let key: ConntrackKey = option.name.hasSuffix("src") ? .saddr : .daddr
        let field = Field.conntrack(ConntrackField(key, Self.direction(option.name)))
        let before = rule.statements.count
        guard rule.matchAddress(field, option.value, negated: option.negated, whenAbsent: hasState) else {
          return false
        }
        if rule.statements.count == before {
          rule.match(field, rule.family.allAddresses, whenAbsent: hasState)
        }
      default:
        guard let (field, values, isMask) = simple(option, rule) else { return false }
        if isMask {
          let mask = values.first ?? 0
          rule.statements.append(
            .match(
              Match(
                .bitwise(.field(.conntrack(field)), and: mask, xor: 0), .values(ValueSet(0)), negated: !option.negated,
                whenAbsent: hasState)))
        } else {
          rule.match(.conntrack(field), values, negated: option.negated, whenAbsent: hasState)
        }
      }
    }
    return true
  }

  /// The field and the values of an option that is one test of numbers; for bits, the mask.
  private func simple(_ option: ExtensionOption, _ rule: borrowing RuleDraft) -> (
    ConntrackField, ValueSet, isMask: Bool
  )? {
    switch option.name {
    case "ctproto":
      return rule.transport(option.value).map { (ConntrackField(.protocol, .original), ValueSet($0), false) }
    case "ctstatus":
      var mask: UInt128 = 0
      for part in rule.list(option.value) {
        guard let bit = Self.status(rule.text(part)) else { return nil }
        mask |= bit
      }
      return (ConntrackField(.status), ValueSet(mask), true)
    case "ctexpire":
      // Seconds here, milliseconds in the field; the kernel cuts off what is behind the second.
      guard let seconds = rule.interval(option.value, upTo: 0xffff_ffff) else { return nil }
      return (ConntrackField(.expiration), ValueSet(seconds.lowerBound * 1000...seconds.upperBound * 1000 + 999), false)
    case "ctdir":
      if rule.text(option.value, is: "ORIGINAL") { return (ConntrackField(.direction), ValueSet(0), false) }
      return rule.text(option.value, is: "REPLY") ? (ConntrackField(.direction), ValueSet(1), false) : nil
    default:
      let key: ConntrackKey = option.name.hasSuffix("srcport") ? .protoSrc : .protoDst
      return rule.ports(option.value).map { (ConntrackField(key, Self.direction(option.name)), ValueSet($0), false) }
    }
  }

  private static func direction(_ name: OptionLabel) -> Direction { name.hasPrefix("ctorig") ? .original : .reply }

  /// The status bit of a name; `NONE` is no bit, so that it never holds.
  static func status(_ name: String) -> UInt128? {
    switch name.uppercased() {
    case "NONE": 0
    case "EXPECTED": ConntrackStatus.expected
    case "SEEN_REPLY": ConntrackStatus.seenReply
    case "ASSURED": ConntrackStatus.assured
    case "CONFIRMED": ConntrackStatus.confirmed
    default: nil
    }
  }
}

/// `-m state`: the older spelling of `-m conntrack --ctstate` (iptables-extensions(8), "state").
struct StateMatch: IptablesExtension {
  let names = ["state"]
  let kind = ExtensionKind.match
  let listingWords = ["state"]
  let options = [OptionSpelling("state")]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    let negated = text.eatNegation()
    guard text.eat(word: "state"), let value = text.eatValue() else { return false }
    found.append(ExtensionOption(name: "state", negated: negated, value: value))
    return true
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    options.allSatisfy { Self.lower($0, into: &rule) }
  }

  /// Adds the test of a list of states. `SNAT` and `DNAT` are bits of the connection that are or-ed with the state.
  static func lower(_ option: ExtensionOption, into rule: inout RuleDraft) -> Bool {
    var mask: UInt128 = 0
    for part in rule.list(option.value) {
      guard let bit = bit(part, rule) else { return false }
      mask |= bit
    }
    let translated = mask & (ConntrackState.snat | ConntrackState.dnat) != 0
    let field = ConntrackField(translated ? .stateOrTranslation : .state)
    rule.statements.append(.match(Match(.conntrack(field), anyBitOf: mask, negated: option.negated)))
    return true
  }

  private static func bit(_ range: Range<Int>, _ rule: borrowing RuleDraft) -> UInt128? {
    if rule.text(range, is: "ESTABLISHED") { return ConntrackState.established }
    if rule.text(range, is: "RELATED") { return ConntrackState.related }
    if rule.text(range, is: "NEW") { return ConntrackState.new }
    if rule.text(range, is: "INVALID") { return ConntrackState.invalid }
    if rule.text(range, is: "UNTRACKED") { return ConntrackState.untracked }
    if rule.text(range, is: "SNAT") { return ConntrackState.snat }
    return rule.text(range, is: "DNAT") ? ConntrackState.dnat : nil
  }
}

extension ConntrackMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    guard let test = PlainTest(statements.first), case .conntrack(let field) = test.field else { return nil }
    func option(_ name: String, _ value: String, negated: Bool? = nil) -> SpelledStatement {
      let sign = negated ?? test.negated ? "! " : ""
      // Beside a state the other options are asked only when there is a connection, so they must stand in the same
      // module.
      return SpelledStatement(
        module: "conntrack", options: "\(sign)--\(name) \(value)", names: [name],
        group: test.whenAbsent || name == "ctstate" ? "conntrack with state" : "conntrack")
    }
    let side = field.direction == .original ? "orig" : field.direction == .reply ? "repl" : nil
    switch field.key {
    case .state, .stateOrTranslation:
      guard let names = StateMatch.text(test) else { return nil }
      return option("ctstate", names.list, negated: names.negated)
    case .status:
      guard let (mask, negated) = test.anyBit, let list = Self.statusText(mask) else { return nil }
      return option("ctstatus", list, negated: negated)
    case .protocol:
      guard side == "orig", test.mask == nil, let number = test.values.single else { return nil }
      return option("ctproto", "\(number)")
    case .saddr, .daddr:
      guard let side, let network = BasicOptions.network(test, rule.family) else { return nil }
      return option("ct\(side)\(field.key == .saddr ? "src" : "dst")", network)
    case .protoSrc, .protoDst:
      guard let side, test.mask == nil, let ports = test.interval else { return nil }
      return option("ct\(side)\(field.key == .protoSrc ? "src" : "dst")port", PlainTest.text(ports))
    case .expiration:
      guard test.mask == nil, let time = test.interval, time.lowerBound % 1000 == 0, time.upperBound % 1000 == 999
      else {
        return nil
      }
      return option("ctexpire", PlainTest.text(time.lowerBound / 1000...time.upperBound / 1000))
    case .direction:
      guard test.mask == nil, let value = test.values.single, value < 2 else { return nil }
      return option("ctdir", (value == 0) != test.negated ? "ORIGINAL" : "REPLY", negated: false)
    default: return nil
    }
  }

  /// The names of status bits; nil when one has no name here.
  private static func statusText(_ mask: UInt128) -> String? {
    let names = ["EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED"].filter { mask & (status($0) ?? 0) != 0 }
    guard mask < 16 else { return nil }
    return names.isEmpty ? "NONE" : names.joined(separator: ",")
  }
}

extension StateMatch {
  private static let names: [(name: String, bit: UInt128)] = [
    ("INVALID", ConntrackState.invalid), ("NEW", ConntrackState.new), ("RELATED", ConntrackState.related),
    ("ESTABLISHED", ConntrackState.established), ("UNTRACKED", ConntrackState.untracked), ("SNAT", ConntrackState.snat),
    ("DNAT", ConntrackState.dnat),
  ]

  /// The states of a test, which is of any bit of a mask or, from nft, of a set of bits.
  static func text(_ test: PlainTest) -> (list: String, negated: Bool)? {
    let states: [String]
    let negated: Bool
    if let (mask, without) = test.anyBit {
      states = names.filter { mask & $0.bit != 0 }.map(\.name)
      negated = without
    } else {
      guard test.mask == nil else { return nil }
      states = names.filter { test.values.contains($0.bit) }.map(\.name)
      guard test.values.count == UInt128(states.count) else { return nil }
      negated = test.negated
    }
    return states.isEmpty || test.whenAbsent ? nil : (states.joined(separator: ","), negated)
  }
}

import RuleGraph

/// `-m multiport`: up to fifteen ports or ranges of source, destination or either (iptables-extensions(8),
/// "multiport").
struct MultiportMatch: IptablesExtension {
  let names = ["multiport"]
  let kind = ExtensionKind.match
  let listingWords = ["multiport"]
  let options = [
    OptionSpelling("sports", aliases: ["source-ports"]), OptionSpelling("dports", aliases: ["destination-ports"]),
    OptionSpelling("ports", aliases: ["port"]),
  ]

  func readListing(_ text: inout ListingText, _ found: inout [ExtensionOption]) -> Bool {
    guard text.eat(word: "multiport") else { return false }
    return text.eatOptions(options, &found) && !found.isEmpty
  }

  func lower(_ options: ExtensionOptions, into rule: inout RuleDraft) -> Bool {
    let header = Self.header(rule.transport)
    for option in options {
      guard let values = Self.values(option.value, &rule) else { return false }
      let source = Match(.field(.header(HeaderField(header, .sport))), values, negated: option.negated)
      let destination = Match(.field(.header(HeaderField(header, .dport))), values, negated: option.negated)
      switch option.name {
      case "sports": rule.statements.append(.match(source))
      case "dports": rule.statements.append(.match(destination))
      default:
        // Either port may be one of them; negated, neither may.
        rule.statements += option.negated ? [.match(source), .match(destination)] : [.anyOf([source, destination])]
      }
    }
    return true
  }

  /// The ports of a list; nil when one can't be read.
  private static func values(_ range: Range<Int>, _ rule: inout RuleDraft) -> MatchValues? {
    var intervals: [ClosedRange<UInt128>] = []
    for part in rule.list(range) {
      guard let ports = rule.ports(part) else { return rule.maskedPorts(range).map { .masked($0) } }
      intervals.append(ports)
    }
    return .values(ValueSet(intervals))
  }

  /// The header whose ports a rule of this protocol means.
  static func header(_ transport: UInt8?) -> Header {
    switch transport {
    case 6: .tcp
    case 17: .udp
    case 33: .dccp
    case 132: .sctp
    case 136: .udplite
    default: .th
    }
  }
}

extension MultiportMatch {
  func spell(_ statements: ArraySlice<Statement>, for rule: SpellingContext) -> SpelledStatement? {
    switch statements.first {
    case .anyOf(let matches):
      guard matches.count == 2, let source = PlainTest(matches[0]), let destination = PlainTest(matches[1]),
        source.header?.name == .sport, destination.header?.name == .dport, source.values == destination.values,
        let header = source.header?.header, destination.header?.header == header,
        header == Self.header(rule.transport), !source.negated, !destination.negated,
        let list = Self.text(source.values)
      else { return nil }
      return SpelledStatement(module: "multiport", options: "--ports \(list)", names: ["*"])
    case .match(let match):
      guard let test = PlainTest(match), let field = test.header, field.header == Self.header(rule.transport),
        field.header != .th, field.name == .sport || field.name == .dport, test.mask == nil,
        let list = Self.text(test.values)
      else { return nil }
      guard !test.whenAbsent else { return nil }
      return SpelledStatement(
        module: "multiport", options: "\(test.sign)--\(field.name.rawValue)s \(list)", names: ["*"])
    default: return nil
    }
  }

  /// Up to fifteen ports, of which a range takes two; nil of more.
  private static func text(_ values: ValueSet) -> String? {
    let places = values.intervals.reduce(0) { $0 + ($1.lowerBound == $1.upperBound ? 1 : 2) }
    guard !values.isEmpty, places <= 15 else { return nil }
    return values.intervals.map { PlainTest.text($0) }.joined(separator: ",")
  }
}

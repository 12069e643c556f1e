import RuleGraph

/// `-m multiport`: up to fifteen ports or ranges of source, destination or either (iptables-extensions(8), "multiport").
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

  func lower(_ options: ArraySlice<ExtensionOption>, into rule: inout RuleDraft) -> Bool {
    let header = Self.header(rule.transport)
    for option in options {
      var intervals: [ClosedRange<UInt128>] = []
      for part in rule.list(option.value) {
        guard let ports = rule.ports(part) else { return false }
        intervals.append(ports)
      }
      let values = ValueSet(intervals)
      let source = Match(.header(HeaderField(header, .sport)), in: values, negated: option.negated)
      let destination = Match(.header(HeaderField(header, .dport)), in: values, negated: option.negated)
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

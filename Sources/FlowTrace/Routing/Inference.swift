import RuleGraph

/// What rules let one infer of the host where no dump tells.
enum Inference {
  /// The subnets that rules show to be behind an interface: `-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE` says that docker0 holds that subnet.
  static func subnets(of ruleset: Ruleset) -> [HostKnowledge.InferredSubnet] {
    var found: [HostKnowledge.InferredSubnet] = []
    for (t, table) in ruleset.tables.enumerated() {
      for (c, chain) in table.chains.enumerated() {
        for (r, rule) in chain.rules.enumerated() {
          guard rule.statements.contains(where: isMasquerade), let prefix = sourcePrefix(rule), let name = notOut(rule)
          else { continue }
          if !found.contains(where: { $0.interface == name && $0.prefix == prefix }) {
            found.append(.init(interface: name, prefix: prefix, evidence: RuleID(table: t, chain: c, rule: r)))
          }
        }
      }
    }
    return found
  }

  /// The ports that rules translate the destination of.
  static func publishedPorts(of ruleset: Ruleset) -> ValueSet {
    var ranges: [ClosedRange<UInt128>] = []
    for table in ruleset.tables {
      for chain in table.chains {
        for rule in chain.rules where rule.statements.contains(where: isDNAT) {
          for case .match(let match) in rule.statements where !match.negated {
            guard case .field(.header(let field)) = match.subject, field.name == .dport,
              case .values(let values) = match.values
            else { continue }
            ranges += values.intervals
          }
        }
      }
    }
    return ValueSet(ranges)
  }

  private static func isMasquerade(_ statement: Statement) -> Bool {
    switch statement {
    case .translate(let translation): translation.kind == .masquerade
    case .opaqueTarget(let opaque): opaque.name.hasSuffix("MASQUERADE")
    default: false
    }
  }

  private static func isDNAT(_ statement: Statement) -> Bool {
    switch statement {
    case .translate(let translation): translation.kind == .dnat || translation.kind == .redirect
    case .opaqueTarget(let opaque): opaque.name.hasSuffix("DNAT") || opaque.name.hasSuffix("REDIRECT")
    default: false
    }
  }

  private static func sourcePrefix(_ rule: Rule) -> Prefix? {
    for case .match(let match) in rule.statements where !match.negated {
      guard case .field(.header(let field)) = match.subject, field.name == .saddr,
        field.header == .ip || field.header == .ip6,
        case .values(let values) = match.values, values.intervals.count == 1, let interval = values.intervals.first
      else { continue }
      let size = interval.upperBound - interval.lowerBound
      guard size > 0, size & (size + 1) == 0 else { continue }
      let address = IPAddress(bits: interval.lowerBound)
      return Prefix(address, length: address.family.addressBits - (128 - size.leadingZeroBitCount))
    }
    return nil
  }

  private static func notOut(_ rule: Rule) -> String? {
    for case .match(let match) in rule.statements where match.negated {
      guard case .field(.meta(.oifname)) = match.subject, case .values(let values) = match.values,
        let only = values.single
      else { continue }
      return InterfaceName(value: only).description
    }
    return nil
  }
}

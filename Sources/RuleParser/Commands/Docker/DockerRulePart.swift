import RuleGraph

/// A part of a rule such as Docker writes them.
enum DockerRulePart: Hashable {
  case input(String), notInput(String), output(String), notOutput(String)
  case source(Prefix), notSource(Prefix), destination(Prefix), notDestination(Prefix)
  case transport(IPProtocol), port(UInt16)
  /// `-m conntrack --ctstate RELATED,ESTABLISHED`
  case known
  case toLocal, fromLocal
  /// `-m set --match-set docker-ext-bridges-v4 dst`, by which 28.0.0 asks for all its bridges at once.
  case toAnyBridge
  case jump(String), accept, drop, `return`, masquerade
  case translate(IPAddress, UInt16?)

  /// The parts of a rule; nil where it has one that none of Docker's rules has.
  static func parts(of rule: Rule) -> Set<DockerRulePart>? {
    var parts: Set<DockerRulePart> = []
    for statement in rule.statements {
      switch statement {
      case .match(let match):
        guard let part = part(of: match) else { return nil }
        parts.insert(part)
      case .verdict(.accept): parts.insert(.accept)
      case .verdict(.drop): parts.insert(.drop)
      case .verdict(.return): parts.insert(.return)
      case .verdict(.jump(let chain)): parts.insert(.jump(chain))
      case .translate(let translation):
        guard let part = part(of: translation) else { return nil }
        parts.insert(part)
      case .effect(let effect) where effect.kind == .counter: continue
      default: return nil
      }
    }
    return parts
  }

  private static func part(of translation: Translation) -> DockerRulePart? {
    switch (translation.kind, translation.address) {
    case (.masquerade, nil) where translation.port == nil: return .masquerade
    case (.dnat, .constant(let address)?):
      guard let port = translation.port else { return .translate(IPAddress(bits: address), nil) }
      guard case .constant(let value) = port else { return nil }
      return .translate(IPAddress(bits: address), UInt16(truncatingIfNeeded: value))
    default: return nil
    }
  }

  private static func part(of match: Match) -> DockerRulePart? {
    if case .ipset(let name) = match.values {
      return name.hasPrefix("docker-ext-bridges") && !match.negated ? .toAnyBridge : nil
    }
    if case .bitwise(.field(.conntrack(let field)), let mask, 0) = match.subject,
      field.key == .state || field.key == .stateOrTranslation
    {
      let isOfKnown = match.negated && match.values == .values(ValueSet(0))
      return isOfKnown && mask == ConntrackState.established | ConntrackState.related ? .known : nil
    }
    guard case .field(let field) = match.subject, case .values(let values) = match.values else { return nil }
    let isNegated = match.negated
    switch field {
    case .meta(.iifname): return name(values).map { isNegated ? .notInput($0) : .input($0) }
    case .meta(.oifname): return name(values).map { isNegated ? .notOutput($0) : .output($0) }
    case .meta(.l4proto) where !isNegated, .header(HeaderField(.ip, .protocol)) where !isNegated:
      return values.single.map { .transport(IPProtocol(rawValue: UInt8(truncatingIfNeeded: $0))) }
    case .fib(let fib):
      guard !isNegated, values == ValueSet(AddressType.local.rawValue) else { return nil }
      if fib == FibField(.type, ofDestination: true) { return .toLocal }
      return fib == FibField(.type, ofDestination: false) ? .fromLocal : nil
    case .header(let header): return part(of: header, values, isNegated)
    default: return nil
    }
  }

  private static func part(of header: HeaderField, _ values: ValueSet, _ isNegated: Bool) -> DockerRulePart? {
    switch (header.header, header.name) {
    case (.ip, .saddr), (.ip6, .saddr): return Prefix(covering: values).map { isNegated ? .notSource($0) : .source($0) }
    case (.ip, .daddr), (.ip6, .daddr):
      return Prefix(covering: values).map { isNegated ? .notDestination($0) : .destination($0) }
    case (.tcp, .dport), (.udp, .dport), (.sctp, .dport), (.th, .dport):
      guard !isNegated, let port = values.single else { return nil }
      return .port(UInt16(truncatingIfNeeded: port))
    default: return nil
    }
  }

  private static func name(_ values: ValueSet) -> String? {
    values.single.map { InterfaceName(value: $0).description }
  }
}

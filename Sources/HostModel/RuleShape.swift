package import RuleGraph

/// The few things about a rule that inference looks at, whichever tool wrote it.
package struct RuleShape {
  /// The source and destination blocks that the rule asks for; nil when it asks for none or for the opposite.
  package private(set) var source: Prefix?
  package private(set) var destination: Prefix?
  /// The interfaces that it asks for.
  package private(set) var input: String?
  package private(set) var output: String?
  /// The output interface that it must not be.
  package private(set) var notOutput: String?
  /// The destination ports.
  package private(set) var destinationPorts: ValueSet?
  /// The transport protocol.
  package private(set) var transport: UInt8?
  /// What DNAT puts in; several where a map tells, each with the ports that the map asks for where those are its key.
  package private(set) var destinationTranslations: [(address: IPAddress?, port: UInt16?, asked: ValueSet?)] = []
  /// Addresses that the dump masks: destinations that a rule with DNAT asks for, and what SNAT puts in.
  package private(set) var maskedDestinations: [MaskedValue] = []
  package private(set) var maskedSource: MaskedValue?
  /// What SNAT puts in.
  package private(set) var sourceTranslation: IPAddress?
  package private(set) var isMasquerade = false
  /// Whether nobody knows what the rule does, so that it may masquerade.
  package private(set) var hasLostTarget = false
  package private(set) var isAccept = false
  /// Whether a listing hides the interfaces that it asks for.
  package private(set) var hidesInterfaces = false
  /// Whether it accepts or drops.
  package private(set) var isVerdict = false

  /// Looks at a rule of a table, whose maps may tell what it translates to.
  package init(_ rule: Rule, in table: Table) {
    for statement in rule.statements {
      switch statement {
      case .match(let match): take(match)
      case .verdict(.accept):
        isAccept = true
        isVerdict = true
      case .verdict(.drop), .verdict(.reject): isVerdict = true
      case .translate(let translation): take(translation, table)
      case .hiddenInterfaces: hidesInterfaces = true
      case .opaqueTarget(let opaque):
        isMasquerade = isMasquerade || opaque.name.hasSuffix("MASQUERADE")
        hasLostTarget = hasLostTarget || opaque.lost != nil
      default: break
      }
    }
  }

  private mutating func take(_ match: Match) {
    guard case .field(let field) = match.subject else { return }
    if case .masked(let masked) = match.values, case .header(let header) = field, header.name == .daddr, !match.negated
    {
      maskedDestinations += masked.masked.filter { !$0.isKnown }
    }
    guard case .values(let values) = match.values else { return }
    switch field {
    case .meta(.oifname):
      guard let name = Self.name(values) else { return }
      if match.negated { notOutput = name } else { output = name }
    case .meta(.iifname):
      if !match.negated { input = Self.name(values) }
    case .meta(.l4proto):
      if !match.negated { transport = values.single.flatMap { UInt8(exactly: $0) } }
    case .header(let header) where !match.negated: take(header, values)
    default: break
    }
  }

  private mutating func take(_ header: HeaderField, _ values: ValueSet) {
    switch (header.header, header.name) {
    case (.ip, .saddr), (.ip6, .saddr): source = Prefix(covering: values)
    case (.ip, .daddr), (.ip6, .daddr): destination = Prefix(covering: values)
    case (.ip, .protocol), (.ip6, .nexthdr): transport = values.single.flatMap { UInt8(exactly: $0) }
    case (.tcp, .dport):
      transport = 6
      destinationPorts = values
    case (.udp, .dport):
      transport = 17
      destinationPorts = values
    case (_, .dport): destinationPorts = values
    default: break
    }
  }

  private mutating func take(_ translation: Translation, _ table: Table) {
    switch translation.kind {
    case .masquerade: isMasquerade = true
    case .dnat:
      if case .map(let key, let map)? = translation.address {
        takeTargets(key, map, translation, table)
      } else {
        destinationTranslations = [
          (
            Self.constant(translation.address).map { IPAddress(bits: $0) },
            Self.constant(translation.port).flatMap { UInt16(exactly: $0) }, nil
          )
        ]
      }
    case .snat:
      sourceTranslation = Self.constant(translation.address).map { IPAddress(bits: $0) }
      if case .masked(let masked)? = translation.address { maskedSource = masked }
    default: break
    }
  }

  /// The targets of a map: `dnat to tcp dport map { 80 : 10.0.0.10, 443 : 10.0.0.11 }`.
  private mutating func takeTargets(
    _ key: ValueExpression, _ map: MapReference, _ translation: Translation, _ table: Table
  ) {
    let elements: [SetElement]
    switch map {
    case .anonymous(let list): elements = list
    case .named(let name): elements = table.sets.first { $0.name == name }?.elements ?? []
    case .ipset: elements = []
    }
    var isPort = false
    if case .field(.header(let header)) = key, header.name == .dport { isPort = true }
    for element in elements {
      guard case .values(let values)? = element.data, let address = values.first?.single else { continue }
      let port = values.count > 1 ? values[1].single : Self.constant(translation.port)
      destinationTranslations.append(
        (IPAddress(bits: address), port.flatMap { UInt16(exactly: $0) }, isPort ? element.key.first : nil))
    }
  }

  private static func constant(_ expression: ValueExpression?) -> UInt128? {
    switch expression {
    case .constant(let value): value
    case .anyOf(let values): values.single
    default: nil
    }
  }

  private static func name(_ values: ValueSet) -> String? {
    values.single.map { InterfaceName(value: $0).description }
  }
}

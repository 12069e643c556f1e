import HostModel
import RuleGraph

/// The constants with which a trace compares the fields of packets, and the fields with which it does something else
/// than compare.
///
/// Which field a constant is compared with is not asked: an address that a rule wants as the source is one that another
/// rule puts in as the destination, and a constant too many does no more than tell two values apart that could have
/// been one class.
struct PacketConstants {
  /// The constants, each an interval of values.
  private(set) var intervals = Set<ClosedRange<UInt128>>()
  /// The fields that are compared with something.
  private(set) var compared: Set<PacketClasses.Field> = [.source, .destination, .destinationPort]
  /// The fields whose values are computed with, or copied to where they are compared with who knows what.
  private(set) var computed = Set<PacketClasses.Field>()

  init() {
    for prefix in Self.kernelPrefixes { add(prefix) }
    for address in Self.kernelAddresses { add(address) }
  }

  /// Addresses that the kernel, or the tracer where it knows no better, treats in their own way: RFC 6890,
  /// `ip_route_input_slow` in `net/ipv4/route.c`, ``Engine/isGloballyRouted(_:)``.
  private static let kernelPrefixes = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4",
  ].compactMap { Prefix($0) }

  /// Nobody, all hosts of the link, and everybody.
  private static let kernelAddresses = [0, 0xe000_0001, 0xffff_ffff].map { IPAddress(ipv4: $0) }

  // MARK: - Values

  mutating func add(_ values: ValueSet) {
    for interval in values.intervals { intervals.insert(interval) }
  }

  mutating func add(_ value: some BinaryInteger) { add(ValueSet(value)) }

  mutating func add(_ address: IPAddress?) {
    if let address { add(address.bits) }
  }

  /// A block, and the addresses of it that mean something by themselves: the subnet, its gateway, its broadcast
  /// address.
  mutating func add(_ prefix: Prefix?) {
    guard let prefix else { return }
    add(prefix.values)
    add(prefix.address)
    add(prefix.last)
    if prefix.address != prefix.last { add(IPAddress(bits: prefix.address.bits + 1)) }
  }

  private mutating func compare(_ fields: some Sequence<PacketClasses.Field>) { compared.formUnion(fields) }

  mutating func compute(_ fields: some Sequence<PacketClasses.Field>) { computed.formUnion(fields) }

  // MARK: - Rules

  mutating func add(_ ruleset: Ruleset) {
    for set in ruleset.ipsets {
      add(set.elements)
      if set.elements.contains(where: \.hasShownBits) { compute(PacketClasses.Field.allCases) }
    }
    for table in ruleset.tables {
      for set in table.sets {
        add(set.elements)
        // Which fields are looked up in a set is not asked here.
        if set.elements.contains(where: \.hasShownBits) { compute(PacketClasses.Field.allCases) }
      }
      for chain in table.chains {
        for rule in chain.rules {
          for statement in rule.statements { add(statement) }
        }
      }
    }
  }

  mutating func add(_ statement: Statement) {
    switch statement {
    case .match(let match): add(match)
    case .anyOf(let matches): for match in matches { add(match) }
    case .verdictMap(let key, let map):
      addKey(key)
      add(map)
    case .translate(let translation): add(translation)
    case .assign(let change):
      compare(Self.fields(of: change.field))
      addValue(change.value)
    case .updateSet(let update):
      // What rules put into sets while they run is not followed.
      addKey(update.key)
      if let data = update.data { addValue(data) }
    // What these come to is not computed from the packet.
    case .environment, .opaqueMatch, .opaqueTarget, .missingRules, .hiddenInterfaces, .verdict, .notrack, .effect:
      break
    }
  }

  private mutating func add(_ match: Match) {
    addKey(match.subject)
    switch match.values {
    case .values(let values): add(values)
    case .masked(let values):
      add(values.known)
      for value in values.masked { add(value, of: match.subject) }
    case .elements(let elements):
      add(elements)
      if elements.contains(where: \.hasShownBits) { addValue(match.subject) }
    case .named: break
    // Which fields an ipset is asked for depends on its type.
    case .ipset, .ipsetExceptions: compare(PacketClasses.Field.allCases)
    }
  }

  private mutating func add(_ elements: [SetElement]) {
    for element in elements {
      for part in element.key { add(part) }
      if case .values(let values)? = element.data { for one in values { add(one) } }
      if case .masked(let values)? = element.data { for one in values { add(one.possible) } }
    }
  }

  /// Bits that are shown behind masked ones set values apart that no constant does.
  private mutating func add(_ value: MaskedValue, of subject: ValueExpression) {
    add(value.certain)
    add(value.possible)
    if value.shownBits != 0 { addValue(subject) }
  }

  private mutating func add(_ map: MapReference) {
    switch map {
    case .anonymous(let elements):
      add(elements)
      if elements.contains(where: \.hasShownBits) { compute(PacketClasses.Field.allCases) }
    case .named: break
    case .ipset: compare(PacketClasses.Field.allCases)
    }
  }

  private mutating func add(_ translation: Translation) {
    for value in [translation.address, translation.port] {
      if let value { addValue(value) }
    }
    switch translation.kind {
    case .dnat, .redirect, .tproxy: break
    // A source port is kept where it is one of those that it may be translated to.
    case .masquerade, .snat: if translation.port != nil { compare([.sourcePort]) }
    // These keep a part of the address.
    case .netmap, .npt:
      compute([.source, .destination])
      if translation.port != nil { compare([.sourcePort]) }
    }
    if translation.prefixLength != nil { compute([.source, .destination]) }
    if translation.portBase != nil { compute([.sourcePort, .destinationPort]) }
  }

  /// What is compared with constants: the subject of a match, the key of a set or map.
  private mutating func addKey(_ expression: ValueExpression) {
    switch expression {
    case .field(.raw): compute(PacketClasses.Field.allCases)
    case .field(let field): compare(Self.fields(of: field))
    case .constant(let value): add(value)
    case .anyOf(let values): add(values)
    case .masked(let value): add(value.possible)
    case .concatenation(let parts): for part in parts { addKey(part) }
    case .map(let key, let map):
      addKey(key)
      add(map)
    case .bitwise, .shift, .combine, .generated: addValue(expression)
    }
  }

  /// What is computed or copied: the fields in it are more than compared.
  private mutating func addValue(_ expression: ValueExpression) {
    switch expression {
    case .field(.raw): compute(PacketClasses.Field.allCases)
    case .field(let field): compute(Self.fields(of: field))
    case .constant(let value): add(value)
    case .anyOf(let values): add(values)
    case .masked(let value): add(value.possible)
    case .bitwise(let operand, _, _), .shift(let operand, _): addValue(operand)
    case .combine(_, let first, let second):
      addValue(first)
      addValue(second)
    case .concatenation(let parts): for part in parts { addValue(part) }
    case .map(let key, let map):
      addKey(key)
      add(map)
    case .generated(let generator):
      add(generator.values)
      for input in generator.inputs { addValue(input) }
    }
  }

  /// The fields of a packet that a field of a rule tells something of.
  private static func fields(of field: Field) -> [PacketClasses.Field] {
    switch field {
    case .header(let header):
      switch header.name {
      case .saddr, .daddr, .ipSource, .ipTarget, .targetAddress: [.source, .destination]
      case .sport: [.sourcePort]
      case .dport: [.destinationPort]
      case .length, .plen: [.length]
      default: []
      }
    case .meta(let key): key == .length ? [.length] : []
    case .conntrack(let field):
      switch field.key {
      case .saddr, .daddr: [.source, .destination]
      // The answer's destination port is the first packet's source port.
      case .protoSrc, .protoDst: [.sourcePort, .destinationPort]
      case .bytes, .avgpkt: [.length]
      default: []
      }
    case .fib: [.source, .destination]
    // None of these is looked up in the packet: they are open in every trace.
    case .raw, .option, .route, .socket, .ipsec: []
    }
  }
}

extension SetElement {
  /// Whether a key shows bits behind masked ones.
  fileprivate var hasShownBits: Bool { masks.contains { $0.shownBits != 0 } }
}
